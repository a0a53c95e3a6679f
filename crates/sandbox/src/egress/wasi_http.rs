//! A plugin's own wasi:http, through the same door.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::caller::Caller;
use super::error::{EgressError, UrlProblem};
use super::message::{Request, Response};

/// Makes the requests of one plugin, and writes down what each came to before the plugin is answered.
pub trait Requests: Send + Sync {
    /// Sends a request through the door.
    fn request<'a>(
        &'a self,
        request: Request,
        deadline: Instant,
    ) -> Pin<Box<dyn Future<Output = Result<Response, RequestFailure>> + Send + 'a>>;

    /// Writes down a request, by method and URL as the plugin gave them, that did not come to the door.
    ///
    /// # Errors
    /// It could not be written down.
    fn refused(&self, method: &str, url: &str, error: &EgressError) -> Result<(), RequestFailure>;
}

/// Why a plugin gets no answer to its request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// The door refused it, or it failed behind it.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// It could not be written down, so what it came to is not told.
    #[error("the request could not be written down: {0}")]
    Unrecorded(String),
}

/// What answers the wasi:http of one plugin. Requests and answers are whole before they pass; redirects are answers, and the
/// plugin may ask anew. The plugin's own time limits are not looked at: those of the call and the door hold.
#[derive(Clone)]
pub struct PluginHttp {
    /// The plugin.
    pub caller: Arc<Caller>,
    /// That of the call that runs: no request goes on behind it.
    pub deadline: Instant,
    /// Who makes the requests.
    pub requests: Arc<dyn Requests>,
}

/// What hooks answer with: the response, and what must go on while its body is read. Here nothing must.
type Sent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for PluginHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _answer_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let plugin = self.clone();
        Box::new(async move {
            let (response, room) = plugin.send(request).await?;
            let body = Kept {
                body: Full::new(response.body),
                _room: room,
            };
            let mut answer = http::Response::new(body.boxed_unsync());
            *answer.status_mut() = response.status;
            *answer.headers_mut() = response.headers;
            Ok((answer, Box::new(async { Ok(()) }) as _))
        })
    }
}

impl PluginHttp {
    /// The answer, and the room that it takes until the plugin has read it.
    async fn send(
        &self,
        request: http::Request<WasiBody>,
    ) -> Result<(Response, OwnedSemaphorePermit), Error> {
        let (mut head, body) = request.into_parts();
        let (method, url) = (head.method.to_string(), head.uri.to_string());
        let limit = self.caller.limits.request_bytes;
        // A body that is being collected is as much of a burden as a connection, and is counted as one.
        let turn = self.caller.open_connection();
        let room = turn.and_then(|turn| Ok((turn, self.caller.keep_answer()?)));
        let collected = match room {
            Ok((turn, room)) => {
                let body = collect(body, limit, self.deadline).await?;
                drop(turn);
                body.map(|body| (body, room))
            }
            Err(error) => Err(error),
        };
        // The door says these itself; wasmtime has held the length to the body.
        head.headers.remove(HOST);
        head.headers.remove(CONTENT_LENGTH);
        let result = match collected {
            Ok((body, room)) => {
                let headers = head.headers.iter();
                let request = Request {
                    method,
                    url,
                    headers: headers
                        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                        .collect(),
                    body,
                    follow: false,
                };
                let sent = self.requests.request(request, self.deadline).await;
                sent.map(|response| (response, room))
            }
            Err(error) => {
                let written = self.requests.refused(&method, &url, &error);
                Err(written.err().unwrap_or(RequestFailure::Egress(error)))
            }
        };
        result.map_err(|failure| match failure {
            RequestFailure::Egress(error) => code(&error),
            RequestFailure::Unrecorded(_) => Error::HttpRequestDenied,
        })
    }
}

/// An answer's body that the plugin reads when it likes. Until it is dropped it takes room: a plugin could have the host hold answers
/// without end otherwise.
struct Kept {
    body: Full<Bytes>,
    _room: OwnedSemaphorePermit,
}

impl Body for Kept {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map_err(|never| match never {})
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The whole body, or the limit that it met.
///
/// # Errors
/// The plugin gave its own body up: nothing was asked for.
async fn collect(
    body: WasiBody,
    limit: usize,
    deadline: Instant,
) -> Result<Result<Bytes, EgressError>, Error> {
    let whole = Limited::new(body, limit).collect();
    match tokio::time::timeout_at(deadline.into(), whole).await {
        Ok(Ok(body)) => Ok(Ok(body.to_bytes())),
        Ok(Err(cause)) if cause.is::<LengthLimitError>() => {
            Ok(Err(EgressError::RequestSize { limit }))
        }
        Ok(Err(_)) => Err(Error::HttpProtocolError),
        Err(_) => Ok(Err(EgressError::Deadline)),
    }
}

/// The error of wasi:http that comes nearest. It has no texts: the audit has them.
fn code(error: &EgressError) -> Error {
    let size = |limit: &usize| u64::try_from(*limit).ok();
    match error {
        EgressError::Url(UrlProblem::Length { .. }) => Error::HttpRequestUriTooLong,
        EgressError::Url(_) => Error::HttpRequestUriInvalid,
        EgressError::Method { .. } => Error::HttpRequestMethodInvalid,
        EgressError::Header { name, .. } => Error::HttpRequestHeaderSize {
            field_name: Some(name.clone()),
            field_size: None,
        },
        EgressError::Host { .. } | EgressError::RequestRate { .. } => Error::HttpRequestDenied,
        EgressError::Address { .. } => Error::DestinationIpProhibited,
        EgressError::Connections { .. } => Error::ConnectionLimitReached,
        EgressError::RequestSize { limit } => Error::HttpRequestBodySize(size(limit)),
        EgressError::ResponseSize { limit } => Error::HttpResponseBodySize(size(limit)),
        EgressError::Redirects { .. } => Error::HttpProtocolError,
        EgressError::Time { .. } | EgressError::Deadline => Error::HttpResponseTimeout,
        EgressError::Resolve { .. } => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        EgressError::Connect { .. } => Error::DestinationUnavailable,
        EgressError::Tls { .. } => Error::TlsProtocolError,
        EgressError::Exchange { .. } => Error::HttpProtocolError,
        EgressError::Encoding { cause, .. } => {
            Error::HttpResponseContentCoding(Some(cause.clone()))
        }
        EgressError::Redirected { cause, .. } => code(cause),
    }
}
