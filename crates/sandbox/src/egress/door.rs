//! The door itself: a request from its URL to the last byte of its answer.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, USER_AGENT,
};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::timeout_at;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::address::{alternate, race};
use super::body::{Broken, CODINGS, Coding, Collected};
use super::caller::Caller;
use super::connect::{Connect, Stream, SystemConnector};
use super::error::{EgressError, UrlProblem, shown};
use super::grants::Decision;
use super::headers;
use super::message::{Hop, Request, Response};
use super::redirect::Outgoing;
use super::resolve::{Resolve, SystemResolver};
use super::special_use::special_use;
use super::target::{Named, Target};
use super::tls::Tls;

/// How many of a name's addresses are tried.
const TRIED: usize = 8;

/// How many bytes the head of an answer may have.
const HEAD: usize = 65_536;

/// Of a compressed body so much is decoded before others have a turn: at most about 1 MB comes out of it.
const DECODED_AT_ONCE: usize = 1_024;

/// The way to the network that all plugins of a host share. It keeps nothing from one request to the next.
pub struct Egress {
    resolver: Arc<dyn Resolve>,
    connector: Arc<dyn Connect>,
    tls: Tls,
}

impl Egress {
    /// The system's resolver, its TCP and its certificate roots. `HTTPS_PROXY` and the like are not followed: a proxy would
    /// resolve the names, and nobody could say to which address a request went.
    pub fn system() -> Egress {
        Egress::new(
            Arc::new(SystemResolver::default()),
            Arc::new(SystemConnector),
        )
    }

    /// Another resolver and connector.
    pub fn new(resolver: Arc<dyn Resolve>, connector: Arc<dyn Connect>) -> Egress {
        Egress {
            resolver,
            connector,
            tls: Tls::default(),
        }
    }

    /// The same, trusting this authority too.
    #[must_use]
    pub fn trusting(mut self, root: CertificateDer<'static>) -> Egress {
        self.tls.extra.push(root);
        self
    }

    /// Makes a plugin's request, follows its redirects if it wants that, and reads the whole answer. An answer with any
    /// status is an answer.
    ///
    /// It ends by `deadline`, and by the caller's own limit. Dropping the future closes its connection.
    ///
    /// # Errors
    /// The rule or limit that it met, or what stood in the way. Nothing was sent where the first URL, a rule or the rate
    /// refused it.
    pub async fn request(
        &self,
        caller: &Caller,
        request: Request,
        deadline: Instant,
    ) -> Result<Response, EgressError> {
        let told = &mut |_: &str| ();
        self.request_telling(caller, request, deadline, told).await
    }

    /// The same, telling `permitted` the rule that lets the request go, before anything is done for it:
    /// for the first host and for each host of a redirect.
    ///
    /// # Errors
    /// As of [`request`](Egress::request).
    pub async fn request_telling(
        &self,
        caller: &Caller,
        request: Request,
        deadline: Instant,
        permitted: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Response, EgressError> {
        let now = Instant::now();
        if deadline <= now {
            return Err(EgressError::Deadline);
        }
        let limit = caller.limits.total;
        let (ends, late) = match now.checked_add(limit) {
            Some(own) if own < deadline => (own, EgressError::Time { limit }),
            _ => (deadline, EgressError::Deadline),
        };
        timeout_at(ends.into(), self.follow(caller, request, permitted))
            .await
            .unwrap_or(Err(late))
    }

    async fn follow(
        &self,
        caller: &Caller,
        request: Request,
        permitted: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Response, EgressError> {
        let mut outgoing = Outgoing::read(&request)?;
        let mut hops = Vec::new();
        for hop in 0.. {
            let sent = self.send(caller, &outgoing, permitted).await;
            let mut sent = sent.map_err(|error| error.behind(hop))?;
            hops.push(sent.hop);
            let status = sent.answer.status();
            if request.follow {
                let mut next = outgoing.clone();
                let turned = next.redirect(status, sent.answer.headers());
                if turned.map_err(|error| error.behind(hop + 1))? {
                    if hop == caller.limits.redirects {
                        let limit = caller.limits.redirects;
                        return Err(EgressError::Redirects { limit });
                    }
                    outgoing = next;
                    continue;
                }
            }
            let body = read(
                &mut sent.answer,
                caller.limits.response_bytes,
                &outgoing.target,
            )
            .await;
            let body = body.map_err(|error| error.behind(hop))?;
            let mut headers = std::mem::take(sent.answer.headers_mut());
            headers::strip_hop_by_hop(&mut headers);
            if outgoing.method != Method::HEAD {
                headers.remove(CONTENT_LENGTH);
                headers.remove(CONTENT_ENCODING);
            }
            return Ok(Response {
                status,
                headers,
                body,
                hops,
            });
        }
        // Only after as many redirects as a number can count.
        Err(EgressError::Redirects { limit: u32::MAX })
    }

    /// Decides, resolves, classifies, connects and sends; answers with the head of what comes.
    async fn send(
        &self,
        caller: &Caller,
        outgoing: &Outgoing,
        permitted: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Sent, EgressError> {
        let target = &outgoing.target;
        let limit = caller.limits.request_bytes;
        if outgoing.size() > limit {
            return Err(EgressError::RequestSize { limit });
        }
        let mut rules = vec![may_go_to(caller, target)?];
        permitted(&rules[0]);
        caller.count_request()?;
        let turn = caller.open_connection()?;
        let addresses = self.classified(caller, target, &mut rules).await?;

        let stream = self.connect(&addresses, target).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(headers::MOST)
            .max_buf_size(HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| exchange(target, &cause))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Its failures reach the exchange on it too.
            let _ = connection.await;
        });
        let answer = sender
            .send_request(request(outgoing)?)
            .await
            .map_err(|cause| exchange(target, &cause))?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(EgressError::Exchange {
                host: target.whom(),
                cause: "it switches to a protocol that nobody asked for".into(),
            });
        }
        let hop = Hop {
            url: target.url().to_owned(),
            addresses: addresses.iter().map(SocketAddr::ip).collect(),
            rules,
            status: answer.status(),
        };
        Ok(Sent {
            answer,
            hop,
            _driver: driver,
            _turn: turn,
        })
    }

    /// The target's addresses, never none: resolved this once, and every one of them public or named by a rule.
    async fn classified(
        &self,
        caller: &Caller,
        target: &Target,
        rules: &mut Vec<String>,
    ) -> Result<Vec<SocketAddr>, EgressError> {
        let found = match target.named() {
            Named::Address(address) => vec![*address],
            Named::Name(name) => self.resolve(name).await?,
        };
        let mut refused = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            let address = SocketAddr::new(address.to_canonical(), target.port());
            if let Some(kind) = special_use(address.ip()) {
                match caller.grants.address(address) {
                    Decision::Allowed { rule } => rules.push(rule),
                    Decision::Denied { rule, grant } => {
                        refused.get_or_insert((address.ip(), kind, rule, grant));
                        continue;
                    }
                }
            }
            allowed.push(address);
        }
        if let Some((address, kind, rule, grant)) = refused {
            return Err(EgressError::Address {
                host: target.host(),
                address,
                kind,
                mixed: !allowed.is_empty(),
                rule,
                grant,
            });
        }
        let mut ordered = alternate(allowed);
        ordered.truncate(TRIED);
        Ok(ordered)
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, EgressError> {
        let failed = |cause: String| EgressError::Resolve {
            host: name.to_owned(),
            cause,
        };
        let found = self.resolver.resolve(name.to_owned()).await;
        let found = found.map_err(|cause| failed(cause.to_string()))?;
        if found.is_empty() {
            return Err(failed("it has no address".into()));
        }
        Ok(found)
    }

    async fn connect(
        &self,
        addresses: &[SocketAddr],
        target: &Target,
    ) -> Result<Box<dyn Stream>, EgressError> {
        let host = || target.whom();
        let open = |address| {
            let connector = Arc::clone(&self.connector);
            async move { connector.connect(address).await }
        };
        let stream = race(addresses.to_vec(), open).await;
        let stream = stream.map_err(|cause| EgressError::Connect {
            host: host(),
            cause: cause.to_string(),
        })?;
        if !target.tls() {
            return Ok(stream);
        }
        let secured = self.tls.handshake(stream, &target.host()).await;
        secured.map_err(|cause| EgressError::Tls {
            host: host(),
            // It may quote the certificate.
            cause: shown(&cause.to_string()),
        })
    }
}

/// An answer's head, and what keeps its body coming.
struct Sent {
    answer: http::Response<Incoming>,
    hop: Hop,
    /// Ends with this.
    _driver: JoinSet<()>,
    _turn: tokio::sync::OwnedSemaphorePermit,
}

fn may_go_to(caller: &Caller, target: &Target) -> Result<String, EgressError> {
    let host = target.host();
    match caller.grants.host(target.scheme(), &host, target.port()) {
        Decision::Allowed { rule } => Ok(rule),
        Decision::Denied { rule, grant } => Err(EgressError::Host {
            origin: target.origin(),
            rule,
            grant,
        }),
    }
}

fn request(outgoing: &Outgoing) -> Result<http::Request<Full<Bytes>>, EgressError> {
    let target = &outgoing.target;
    let mut request = http::Request::new(Full::new(outgoing.body.clone()));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = target.path()?;
    let headers = request.headers_mut();
    let host = HeaderValue::from_str(target.authority()).map_err(|_| UrlProblem::Host)?;
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static("dewclaw"));
    headers.extend(outgoing.headers.clone());
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(CODINGS));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

async fn read(
    answer: &mut http::Response<Incoming>,
    limit: usize,
    target: &Target,
) -> Result<Bytes, EgressError> {
    let undecodable = |cause: &str| EgressError::Encoding {
        host: target.whom(),
        cause: cause.to_owned(),
    };
    let coding = Coding::of(answer.headers()).map_err(undecodable)?;
    let ended = |broken| match broken {
        Broken::TooLarge => EgressError::ResponseSize { limit },
        Broken::Corrupt(cause) => undecodable(&cause),
    };
    let incoming = answer.body_mut();
    if incoming.size_hint().lower() > limit as u64 {
        return Err(EgressError::ResponseSize { limit });
    }
    let mut body = Collected::new(coding, limit);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|cause| exchange(target, &cause))?;
        // Trailers say nothing that anybody reads.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if coding == Coding::Identity {
            body.push(&data).map_err(ended)?;
            continue;
        }
        for piece in data.chunks(DECODED_AT_ONCE) {
            body.push(piece).map_err(ended)?;
            tokio::task::yield_now().await;
        }
    }
    body.finish().map_err(ended)
}

fn exchange(target: &Target, cause: &hyper::Error) -> EgressError {
    let mut text = cause.to_string();
    if let Some(source) = cause.source() {
        text = format!("{text}: {source}");
    }
    EgressError::Exchange {
        host: target.whom(),
        cause: shown(&text),
    }
}
