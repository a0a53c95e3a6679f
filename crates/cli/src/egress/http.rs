//! One exchange of a request and its answer over this machine's network.

use std::sync::Arc;
use std::time::Duration;

use dewclaw_sandbox::egress::Stream;
use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::AnswerBody;
use super::connect::{Reach, connect};
use super::failure::{Diary, Failure};
use super::named::Named;
use super::names::Names;
use super::pool::{Lease, Pool, Route};
use super::proxy::{Proxies, Proxy};
use super::redaction;
use super::target::Target;
use super::tls::Tls;

/// The client of this run. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Egress {
    client: Arc<Client>,
}

struct Client {
    proxies: Proxies,
    names: Names,
    named: Named,
    tls: Tls,
    pool: Pool,
    diary: Diary,
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The model: the operator has said where it is.
    Model,
    /// A tool of the web: a model has said where to go. A name that leads to a special-use address is refused unless the
    /// operator has named that host.
    Web,
}

/// The time limits of an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For the name, the connection, a proxy's tunnel and TLS together.
    pub(crate) connect: Duration,
    /// For the answer's head.
    pub(crate) first_byte: Duration,
    /// Between two pieces of its body.
    pub(crate) between_bytes: Duration,
}

impl Egress {
    /// A client with the proxies and certificate roots that this process's environment names. `named` are the hosts that
    /// may have any address.
    pub(crate) fn from_env(named: Named) -> Egress {
        Egress {
            client: Arc::new(Client {
                proxies: Proxies::read(|name| std::env::var(name).ok()),
                names: Names::System,
                named,
                tls: Tls::default(),
                pool: Pool::default(),
                diary: Diary::default(),
            }),
        }
    }

    /// Where failures are written down.
    pub(crate) fn diary(&self) -> Diary {
        self.client.diary.clone()
    }

    /// Sends a request and answers with the answer once its head is there. No redirect is followed. What the server sends
    /// back of `key`, which the request holds, is taken out.
    ///
    /// # Errors
    /// What stood in the way, by the codes of wasi:http. The diary has the words.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        limits: Limits,
        purpose: Purpose,
        key: Option<&str>,
    ) -> Result<Response<WasiBody>, Error> {
        let client = &self.client;
        match client.exchange(request, &limits, purpose).await {
            Ok(answer) => {
                client.diary.succeeded();
                Ok(match key {
                    Some(key) => redaction::without(key, answer).map(BodyExt::boxed_unsync),
                    None => answer.map(BodyExt::boxed_unsync),
                })
            }
            Err(failure) => {
                client.diary.failed(&failure);
                Err(failure.code)
            }
        }
    }
}

impl Client {
    async fn exchange(
        &self,
        mut request: Request<WasiBody>,
        limits: &Limits,
        purpose: Purpose,
    ) -> Result<Response<AnswerBody>, Failure> {
        let url = request.uri().clone();
        let target = Target::of(&url).ok_or_else(|| {
            let cause = "not a http or https URL";
            Failure::new(Error::HttpRequestUriInvalid, &url.to_string(), cause)
        })?;
        let reach = if purpose == Purpose::Model || self.named.covers(&url) {
            Reach::Any
        } else {
            Reach::Public
        };
        let proxy = self.proxies.between(&url)?;
        address(&mut request, &target, proxy.as_ref());

        // A kept connection may turn out to be closed; then the request comes back unsent and takes a fresh one.
        let route = (target, reach);
        if let Some(lease) = self.pool.take(&route).await {
            match self.send(lease, request, &route.0, limits).await? {
                Outcome::Answered(answer) => return Ok(*answer),
                Outcome::Unsent(unsent, _) => request = *unsent,
            }
        }
        let lease = self.open(&route, proxy.as_ref(), limits.connect).await?;
        match self.send(lease, request, &route.0, limits).await? {
            Outcome::Answered(answer) => Ok(*answer),
            Outcome::Unsent(_, cause) => Err(Failure::exchange(&route.0.to_string(), &cause)),
        }
    }

    /// Opens a connection, whatever lies on the way, within the time limit.
    async fn open(
        &self,
        route: &Route,
        proxy: Option<&Proxy>,
        limit: Duration,
    ) -> Result<Lease, Failure> {
        let (target, reach) = route;
        let whom = target.to_string();
        let open = async {
            let stream: Box<dyn Stream> =
                connect(target, *reach, proxy, &self.names, &self.tls).await?;
            let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|cause| Failure::exchange(&whom, &cause))?;
            // Its failures reach the exchange on it too. It ends when the lease is dropped.
            tokio::spawn(connection);
            Ok(self.pool.lease(route.clone(), sender))
        };
        timeout(limit, open).await.unwrap_or_else(|_| {
            let cause = format!("no connection within {limit:?}");
            Err(Failure::new(Error::ConnectionTimeout, &whom, cause))
        })
    }

    async fn send(
        &self,
        mut lease: Lease,
        request: Request<WasiBody>,
        target: &Target,
        limits: &Limits,
    ) -> Result<Outcome, Failure> {
        let whom = target.to_string();
        let answer: Response<Incoming> =
            match timeout(limits.first_byte, lease.sender.try_send_request(request)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(mut failed)) => {
                    return match failed.take_message() {
                        Some(unsent) => Ok(Outcome::Unsent(Box::new(unsent), failed.into_error())),
                        None => Err(Failure::exchange(&whom, failed.error())),
                    };
                }
                Err(_) => {
                    let cause = format!("no answer within {:?}", limits.first_byte);
                    return Err(Failure::new(Error::ConnectionReadTimeout, &whom, cause));
                }
            };
        let between_bytes = limits.between_bytes;
        let diary = self.diary.clone();
        let answer =
            answer.map(|incoming| AnswerBody::new(incoming, lease, between_bytes, whom, diary));
        Ok(Outcome::Answered(Box::new(answer)))
    }
}

/// How far a request came.
enum Outcome {
    Answered(Box<Response<AnswerBody>>),
    /// Not a byte of it left: it may be sent again.
    Unsent(Box<Request<WasiBody>>, hyper::Error),
}

/// Puts the form of the address into the request that its reader wants: a proxy of a plain request the whole URL
/// and its own header, everyone else the path.
fn address(request: &mut Request<WasiBody>, target: &Target, proxy: Option<&Proxy>) {
    match proxy {
        Some(proxy) if !target.tls => {
            if let Some(value) = &proxy.authorization {
                request
                    .headers_mut()
                    .insert(PROXY_AUTHORIZATION, value.clone());
            }
        }
        _ => {
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use http_body_util::{BodyExt, Empty};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const SECOND: Duration = Duration::from_secs(1);

    fn client(table: &[(&'static str, &[IpAddr])], allowed: &[&str]) -> Egress {
        let mut command = vec!["ask".to_owned()];
        for entry in allowed {
            command.extend(["--allow-fetch".to_owned(), entry.to_string()]);
        }
        let owned = |(name, addresses): &(&'static str, &[IpAddr])| (*name, addresses.to_vec());
        Egress {
            client: Arc::new(Client {
                proxies: Proxies::read(|_| None),
                names: Names::Table(table.iter().map(owned).collect()),
                named: Named::read(&command, &[], &crate::settings::Settings::default()),
                tls: Tls::default(),
                pool: Pool::default(),
                diary: Diary::default(),
            }),
        }
    }

    /// A server that answers `204` to everything, on connections that stay.
    async fn server() -> u16 {
        let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                        stream.write_all(answer).await.unwrap();
                    }
                });
            }
        });
        port
    }

    async fn get(egress: &Egress, url: &str, purpose: Purpose) -> Result<u16, Error> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(url).body(body).unwrap();
        let limits = Limits {
            connect: SECOND,
            first_byte: SECOND,
            between_bytes: SECOND,
        };
        let answer = egress.send(request, limits, purpose, None).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(status)
    }

    #[tokio::test]
    async fn a_public_name_that_leads_into_this_machine_is_refused_to_the_web() {
        let port = server().await;
        let url = format!("http://rebound.example.com:{port}/");
        let table: [(&str, &[IpAddr]); 1] = [("rebound.example.com", &[LOOPBACK])];
        let egress = client(&table, &["*"]);
        let refused = get(&egress, &url, Purpose::Web).await;
        assert!(matches!(refused, Err(Error::DestinationIpProhibited)));
        assert_eq!(
            egress.diary().last_failure().unwrap(),
            format!(
                "rebound.example.com:{port}: the name leads to 127.0.0.1, a loopback address: where that is meant, \
                 allow the very name with --allow-fetch rebound.example.com"
            )
        );
        // The model is where the operator says, and its connection serves no fetch.
        assert_eq!(get(&egress, &url, Purpose::Model).await.unwrap(), 204);
        assert!(get(&egress, &url, Purpose::Web).await.is_err());
    }

    #[tokio::test]
    async fn one_special_address_among_public_ones_is_enough() {
        let mapped = IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        let public = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));
        for special in [
            LOOPBACK,
            mapped,
            IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
        ] {
            let egress = client(&[("a.example.com", &[public, special])], &["*"]);
            let refused = get(&egress, "http://a.example.com/", Purpose::Web).await;
            assert!(
                matches!(refused, Err(Error::DestinationIpProhibited)),
                "{special}"
            );
        }
    }

    #[tokio::test]
    async fn a_host_that_the_operator_has_named_may_have_any_address() {
        let port = server().await;
        let url = format!("http://nas.example.com:{port}/");
        let table: [(&str, &[IpAddr]); 1] = [("nas.example.com", &[LOOPBACK])];
        for entry in [
            "nas.example.com".to_owned(),
            format!("NAS.example.com.:{port}"),
        ] {
            let egress = client(&table, &[&entry]);
            assert_eq!(
                get(&egress, &url, Purpose::Web).await.unwrap(),
                204,
                "{entry}"
            );
        }
        for entry in ["*.example.com", "nas.example.com:1"] {
            let egress = client(&table, &[entry]);
            assert!(get(&egress, &url, Purpose::Web).await.is_err(), "{entry}");
        }
        // An address in the URL was allowed as what it is.
        let literal = format!("http://127.0.0.1:{port}/");
        let egress = client(&[], &[]);
        assert_eq!(get(&egress, &literal, Purpose::Web).await.unwrap(), 204);
    }
}
