//! TLS in front of a plain loopback server, with a certificate by an authority that nobody else knows.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// When the server's certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    /// For centuries.
    Now,
    /// From a year that no test sees: what every certificate is for a clock in the past.
    Later,
    /// It was, until 2001.
    Before,
}

/// A server on 127.0.0.1 that speaks TLS and hands everything on. It runs until the test program ends.
pub struct TlsFront {
    address: SocketAddr,
    authority: String,
}

impl TlsFront {
    /// TLS in front of the server at `behind`, `127.0.0.1:PORT`.
    pub fn before(behind: &str, valid: Valid) -> Self {
        let (authority, config) = certified(valid);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a bound port has an address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let behind = behind.to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(serve(listener, acceptor, behind));
        });
        Self { address, authority }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The authority's certificate, for `SSL_CERT_FILE`.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: String) {
    listener
        .set_nonblocking(true)
        .expect("a listener can be polled");
    let listener =
        tokio::net::TcpListener::from_std(listener).expect("a listener can be handed over");
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, behind) = (acceptor.clone(), behind.clone());
        tokio::spawn(async move {
            // A client that does not trust the certificate leaves here, as it should.
            let Ok(mut outside) = acceptor.accept(stream).await else {
                return;
            };
            if let Ok(mut inside) = TcpStream::connect(behind).await {
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}

/// A new authority's certificate, and what a server for 127.0.0.1 needs that it vouches for.
fn certified(valid: Valid) -> (String, ServerConfig) {
    let key = KeyPair::generate().expect("a key can be made");
    let mut params = CertificateParams::new([]).expect("no name is a valid list of names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("a certificate can be made");
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate().expect("a key can be made");
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
    (params.not_before, params.not_after) = match valid {
        Valid::Now => (date_time_ymd(2000, 1, 1), date_time_ymd(4000, 1, 1)),
        Valid::Later => (date_time_ymd(3000, 1, 1), date_time_ymd(4000, 1, 1)),
        Valid::Before => (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1)),
    };
    let certificate = params
        .signed_by(&key, &issuer)
        .expect("a certificate can be made");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key is a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key fits the certificate");
    (authority.pem(), config)
}
