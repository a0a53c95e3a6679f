//! TLS: whom to trust, and the handshake.

use std::sync::{Arc, OnceLock};

use dewclaw_sandbox::egress::{NoRoots, Stream, client_config};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use wasmtime_wasi_http::Error;

use super::failure::Failure;
use super::target::Target;

/// The handshake's settings; the roots are read at the first one.
#[derive(Default)]
pub(super) struct Tls {
    config: OnceLock<Result<Arc<ClientConfig>, NoRoots>>,
}

impl Tls {
    /// Speaks TLS with `target` over `stream`.
    ///
    /// # Errors
    /// There are no roots, the certificate is not trusted, or the handshake broke.
    pub(super) async fn handshake<S: Stream>(
        &self,
        stream: S,
        target: &Target,
    ) -> Result<TlsStream<S>, Failure> {
        let whom = target.to_string();
        let config = self
            .config
            .get_or_init(|| client_config(&[]))
            .as_ref()
            .map_err(|cause| Failure::new(Error::ConfigurationError, &whom, cause))?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|cause| Failure::new(Error::HttpRequestUriInvalid, &whom, cause))?;
        TlsConnector::from(config.clone())
            .connect(name, stream)
            .await
            .map_err(|cause| Failure::handshake(&whom, &cause))
    }
}
