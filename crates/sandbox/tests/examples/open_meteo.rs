//! Open-Meteo's server, on loopback: its name, its TLS, and a reply of the form that its documentation gives.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use dewclaw_sandbox::egress::{Connect, Egress, LookUp, Opening, Resolve, SystemConnector};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::tls::acceptor;

const NAME: &str = "api.open-meteo.com";
/// Any public one: the connector goes to loopback instead.
const ADDRESS: [u8; 4] = [93, 184, 216, 34];

pub(crate) struct OpenMeteo {
    requests: Arc<Mutex<Vec<String>>>,
}

impl OpenMeteo {
    /// A server that answers every request so, and the way to it.
    pub(crate) async fn answering(status: &str, body: &str) -> (OpenMeteo, Egress) {
        let (acceptor, root) = acceptor(NAME);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                log.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&head).into_owned());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        let egress = Egress::new(Arc::new(Names), Arc::new(To(address))).trusting(root);
        (OpenMeteo { requests }, egress)
    }

    /// The path and query of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let path = |request: &String| {
            assert!(request.contains(&format!("host: {NAME}\r\n")), "{request}");
            let line = request.lines().next().unwrap();
            line.strip_prefix("GET ")
                .and_then(|rest| rest.strip_suffix(" HTTP/1.1"))
                .unwrap()
                .to_owned()
        };
        requests.iter().map(path).collect()
    }
}

struct Names;

impl Resolve for Names {
    fn resolve(&self, name: String) -> LookUp<'_> {
        Box::pin(async move {
            match name.as_str() {
                NAME => Ok(vec![IpAddr::from(ADDRESS)]),
                _ => Err(io::Error::other("no such name")),
            }
        })
    }
}

struct To(SocketAddr);

impl Connect for To {
    fn connect(&self, address: SocketAddr) -> Opening<'_> {
        assert_eq!(address, SocketAddr::from((ADDRESS, 443)));
        SystemConnector.connect(self.0)
    }
}
