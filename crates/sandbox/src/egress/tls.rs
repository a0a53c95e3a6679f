//! TLS: whom to trust, and the handshake.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls_native_certs::load_native_certs;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::connect::Stream;

/// Nobody can be trusted, or not as the settings want it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoRoots {
    /// The system has no certificate roots.
    #[error(
        "no certificate roots found{cause}: install the system's (ca-certificates), or name a file of them in SSL_CERT_FILE"
    )]
    Missing {
        /// Why, in brackets behind a space; empty where nothing went wrong but that there are none.
        cause: String,
    },
    /// The settings do not go together.
    #[error("{0}")]
    Settings(rustls::Error),
}

/// The settings of a client that speaks HTTP/1.1 and trusts `extra` and what the system trusts, or what `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` name instead of the system's.
///
/// # Errors
/// There is nobody to trust.
pub fn client_config(extra: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, NoRoots> {
    let found = load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system's store may hold certificates that we cannot read; the others still count.
    roots.add_parsable_certificates(found.certs);
    for root in extra {
        roots.add(root.clone()).map_err(NoRoots::Settings)?;
    }
    if roots.is_empty() {
        let cause = found.errors.first().map(|error| format!(" ({error})"));
        return Err(NoRoots::Missing {
            cause: cause.unwrap_or_default(),
        });
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(NoRoots::Settings)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The door's handshakes; the roots are read at the first one.
#[derive(Default)]
pub(super) struct Tls {
    pub(super) extra: Vec<CertificateDer<'static>>,
    config: OnceLock<Result<Arc<ClientConfig>, NoRoots>>,
}

impl Tls {
    /// Speaks TLS with `host`, a name or an address, over `stream`.
    pub(super) async fn handshake(
        &self,
        stream: Box<dyn Stream>,
        host: &str,
    ) -> io::Result<Box<dyn Stream>> {
        let config = self.config.get_or_init(|| client_config(&self.extra));
        let config = config.clone().map_err(io::Error::other)?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(config).connect(name, stream).await?;
        Ok(Box::new(stream))
    }
}
