//! TLS: whom to trust, and the handshake.

use std::sync::{Arc, OnceLock};

use rustls_native_certs::load_native_certs;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use wasmtime_wasi_http::Error;

use super::connect::Stream;
use super::failure::Failure;
use super::target::Target;

/// The handshake's settings; the roots are read at the first one.
#[derive(Default)]
pub(super) struct Tls {
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
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
            .get_or_init(config)
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

/// Trusts what the system trusts, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead.
fn config() -> Result<Arc<ClientConfig>, String> {
    let found = load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system's store may hold certificates that we cannot read; the others still count.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let cause = found
            .errors
            .first()
            .map(|error| format!(" ({error})"))
            .unwrap_or_default();
        return Err(format!(
            "no certificate roots found{cause}: install the system's (ca-certificates), or name a file of them \
             in SSL_CERT_FILE"
        ));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error: rustls::Error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
