//! TLS: whom the door trusts, and whom it does not.

use std::sync::Arc;

use dewclaw_sandbox::egress::{Egress, EgressError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::loopback::ok;
use crate::world::{PUBLIC, World};

/// A server with a certificate of an authority of its own, for this name; answers with both addresses.
async fn server(name: &str) -> (std::net::SocketAddr, CertificateDer<'static>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(ok("secured").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, authority.der().clone())
}

fn world(server: std::net::SocketAddr) -> World {
    let world = World::allowing(&["https://a.example.com:443"]);
    world.name("a.example.com", &[PUBLIC]);
    world.wire(&format!("{PUBLIC}:443"), server);
    world
}

fn trusting(world: &mut World, root: &CertificateDer<'static>) {
    let egress = Egress::new(world.names.clone(), world.wires.clone());
    world.egress = egress.trusting(root.clone());
}

#[tokio::test]
async fn a_certificate_is_held_to_its_authority_and_its_name() {
    let (address, root) = server("a.example.com").await;
    let mut at = world(address);
    trusting(&mut at, &root);
    let response = at.get("https://a.example.com./").await.unwrap();
    assert_eq!(response.body, "secured");

    let (other, other_root) = server("b.example.com").await;
    // Of the right name by an unknown authority; of another name by a known one.
    for (address, root) in [(address, &other_root), (other, &other_root)] {
        let mut at = world(address);
        trusting(&mut at, root);
        let error = at.get("https://a.example.com/").await.unwrap_err();
        assert!(matches!(error, EgressError::Tls { .. }), "{error}");
    }
}
