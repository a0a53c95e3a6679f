//! wasi:http over this machine's network: one exchange of a request and its answer.

use std::sync::Arc;
use std::time::Duration;

use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::body::AnswerBody;
use super::connect::{Stream, connect};
use super::failure::{Diary, Failure};
use super::pool::{Lease, Pool};
use super::proxy::{Proxies, Proxy};
use super::target::Target;
use super::tls::Tls;

/// For a stage that the component sets no limit for, as in wasmtime's own client.
const NO_LIMIT_GIVEN: Duration = Duration::from_secs(600);

/// The component's HTTP client.
pub(crate) struct Egress {
    client: Arc<Client>,
}

struct Client {
    proxies: Proxies,
    tls: Tls,
    pool: Pool,
    diary: Diary,
}

/// The time limits of an exchange.
struct Limits {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

/// What hooks answer with: the response, and what must go on while its body is read. Here nothing must.
type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl Egress {
    /// A client with the proxies and certificate roots that this process's environment names.
    pub(crate) fn from_env() -> Egress {
        Egress {
            client: Arc::new(Client {
                proxies: Proxies::read(|name| std::env::var(name).ok()),
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
}

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _answer_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let client = self.client.clone();
        Box::new(async move {
            match client.exchange(request, &Limits::of(options)).await {
                Ok(answer) => {
                    client.diary.succeeded();
                    Ok((answer, Box::new(async { Ok(()) }) as _))
                }
                Err(failure) => {
                    client.diary.failed(&failure);
                    Err(failure.code)
                }
            }
        })
    }
}

impl Limits {
    fn of(options: Option<RequestOptions>) -> Limits {
        let options = options.unwrap_or_default();
        Limits {
            connect: options.connect_timeout.unwrap_or(NO_LIMIT_GIVEN),
            first_byte: options.first_byte_timeout.unwrap_or(NO_LIMIT_GIVEN),
            between_bytes: options.between_bytes_timeout.unwrap_or(NO_LIMIT_GIVEN),
        }
    }
}

impl Client {
    async fn exchange(
        &self,
        mut request: Request<WasiBody>,
        limits: &Limits,
    ) -> Result<Response<WasiBody>, Failure> {
        let url = request.uri().clone();
        let target = Target::of(&url).ok_or_else(|| {
            let cause = "not a http or https URL";
            Failure::new(Error::HttpRequestUriInvalid, &url.to_string(), cause)
        })?;
        let proxy = self.proxies.between(&url)?;
        address(&mut request, &target, proxy.as_ref());

        // A kept connection may turn out to be closed; then the request comes back unsent and takes a fresh one.
        if let Some(lease) = self.pool.take(&target).await {
            match self.send(lease, request, &target, limits).await? {
                Outcome::Answered(answer) => return Ok(answer),
                Outcome::Unsent(unsent, _) => request = *unsent,
            }
        }
        let lease = self.open(&target, proxy.as_ref(), limits.connect).await?;
        match self.send(lease, request, &target, limits).await? {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Unsent(_, cause) => Err(Failure::exchange(&target.to_string(), &cause)),
        }
    }

    /// Opens a connection, whatever lies on the way, within the time limit.
    async fn open(
        &self,
        target: &Target,
        proxy: Option<&Proxy>,
        limit: Duration,
    ) -> Result<Lease, Failure> {
        let whom = target.to_string();
        let open = async {
            let stream: Box<dyn Stream> = connect(target, proxy, &self.tls).await?;
            let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|cause| Failure::exchange(&whom, &cause))?;
            // Its failures reach the exchange on it too. It ends when the lease is dropped.
            tokio::spawn(connection);
            Ok(self.pool.lease(target.clone(), sender))
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
        Ok(Outcome::Answered(answer.map(|incoming| {
            AnswerBody::new(incoming, lease, between_bytes, whom, diary).boxed_unsync()
        })))
    }
}

/// How far a request came.
enum Outcome {
    Answered(Response<WasiBody>),
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
