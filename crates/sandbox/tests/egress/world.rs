//! A resolver and a connector that lead to servers of the test, and a plugin that uses them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dewclaw_sandbox::egress::{
    Caller, Connect, Decision, Egress, EgressError, EgressLimits, Grants, LookUp, Opening, Request,
    Resolve, Response, SystemConnector,
};

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
    pub(crate) caller: Arc<Caller>,
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
            caller: Arc::new(Caller::new(Arc::new(grants), limits)),
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
