//! Servers on loopback, and a resolver and a connector that lead to them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dewclaw_sandbox::egress::{
    Caller, Connect, Decision, Egress, EgressError, EgressLimits, Grants, LookUp, Opening, Request,
    Resolve, Response, SystemConnector,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A public address, of nobody that a test reaches.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// A policy as tests have it.
#[derive(Default)]
pub(crate) struct Listed {
    /// Origins, or `*` for any.
    pub(crate) hosts: Vec<String>,
    pub(crate) addresses: Vec<String>,
}

impl Grants for Listed {
    fn host(&self, scheme: &str, host: &str, port: u16) -> Decision {
        decide(&self.hosts, format!("{scheme}://{host}:{port}"))
    }

    fn address(&self, address: SocketAddr) -> Decision {
        decide(&self.addresses, address.ip().to_string())
    }
}

fn decide(list: &[String], asked: String) -> Decision {
    if list.iter().any(|entry| *entry == asked || entry == "*") {
        Decision::Allowed { rule: asked }
    } else {
        Decision::Denied {
            rule: "no rule names it".into(),
            grant: format!("allow = [\"{asked}\"]"),
        }
    }
}

/// A resolver that answers from lists, the next one each time, and remembers what it was asked.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Resolve for Names {
    fn resolve(&self, name: String) -> LookUp<'_> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(name.clone());
            let mut answers = self.answers.lock().unwrap();
            let Some(left) = answers.get_mut(&name).filter(|left| !left.is_empty()) else {
                return Err(io::Error::other("no such name"));
            };
            Ok(if left.len() > 1 {
                left.remove(0)
            } else {
                left[0].clone()
            })
        })
    }
}

/// A connector that takes public addresses for a server of the test's, and remembers where it was sent.
#[derive(Default)]
pub(crate) struct Wires {
    behind: Mutex<HashMap<SocketAddr, SocketAddr>>,
    pub(crate) sent_to: Mutex<Vec<SocketAddr>>,
}

impl Connect for Wires {
    fn connect(&self, address: SocketAddr) -> Opening<'_> {
        Box::pin(async move {
            self.sent_to.lock().unwrap().push(address);
            let behind = self.behind.lock().unwrap().get(&address).copied();
            SystemConnector.connect(behind.unwrap_or(address)).await
        })
    }
}

/// A world for one test: names, wires, a policy.
pub(crate) struct World {
    pub(crate) names: Arc<Names>,
    pub(crate) wires: Arc<Wires>,
    pub(crate) egress: Egress,
    pub(crate) caller: Caller,
}

impl World {
    /// One whose plugin may go to these origins and has the specification's limits.
    pub(crate) fn allowing(hosts: &[&str]) -> World {
        World::new(hosts, &[], EgressLimits::default())
    }

    pub(crate) fn new(hosts: &[&str], addresses: &[&str], limits: EgressLimits) -> World {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let grants = Listed {
            hosts: owned(hosts),
            addresses: owned(addresses),
        };
        let (names, wires) = (Arc::<Names>::default(), Arc::<Wires>::default());
        World {
            egress: Egress::new(names.clone(), wires.clone()),
            caller: Caller::new(Arc::new(grants), limits),
            names,
            wires,
        }
    }

    /// The name has these addresses the first time, and those of the last such line from then on.
    pub(crate) fn name(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut answers = self.names.answers.lock().unwrap();
        answers.entry(name.to_owned()).or_default().push(addresses);
    }

    /// Behind this address is that server.
    pub(crate) fn wire(&self, address: &str, server: SocketAddr) {
        let mut behind = self.wires.behind.lock().unwrap();
        behind.insert(address.parse().unwrap(), server);
    }

    /// `http://a.example.com`, at a public address, is that server.
    pub(crate) fn at_a(&self, server: SocketAddr) {
        self.name("a.example.com", &[PUBLIC]);
        self.wire(&format!("{PUBLIC}:80"), server);
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Response, EgressError> {
        self.ask(get(url)).await
    }

    pub(crate) async fn ask(&self, request: Request) -> Result<Response, EgressError> {
        let deadline = Instant::now() + Duration::from_secs(60);
        self.egress.request(&self.caller, request, deadline).await
    }

    pub(crate) fn sent_to(&self) -> Vec<String> {
        let sent_to = self.wires.sent_to.lock().unwrap();
        sent_to.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.names.asked.lock().unwrap().clone()
    }
}

pub(crate) fn get(url: &str) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        follow: true,
        ..Request::default()
    }
}

/// A server that gives these answers, one a connection and the last one from then on, and remembers the requests.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn answering<A: Into<Vec<u8>>>(
        answers: impl IntoIterator<Item = A>,
    ) -> Server {
        let answers: Vec<Vec<u8>> = answers.into_iter().map(Into::into).collect();
        let (listener, address) = listen().await;
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let log = requests.clone();
        tokio::spawn(async move {
            for count in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = request_of(&mut stream).await;
                log.lock().unwrap().push(request);
                let answer = &answers[count.min(answers.len() - 1)];
                // A client may have heard enough.
                let _ = stream.write_all(answer).await;
            }
        });
        Server { address, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A server that does with every connection what `with` does, behind the request.
pub(crate) async fn serving<F>(with: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            request_of(&mut stream).await;
            tokio::spawn(with(stream));
        }
    });
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A request to the end of its body.
async fn request_of(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return text,
        }
    }
}

pub(crate) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn moved(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}
