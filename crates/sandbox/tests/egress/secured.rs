//! TLS: whom the door trusts, and whom it does not.

use dewclaw_sandbox::egress::{Egress, EgressError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::loopback::ok;
use crate::tls::acceptor;
use crate::world::{PUBLIC, World};

/// A server with a certificate of an authority of its own, for this name; answers with both addresses.
async fn server(name: &str) -> (std::net::SocketAddr, CertificateDer<'static>) {
    let (acceptor, root) = acceptor(name);
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
    (address, root)
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
