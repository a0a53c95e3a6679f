//! HTTP, poll-shaped: start requests, feed their bodies, ask what happened to any of them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::part;

pub(crate) mod stub;

/// How long to wait for each stage of an exchange, in milliseconds. A stage that takes longer fails the exchange
/// with the error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands, TLS included.
    pub connect_ms: u64,
    /// From the request's start until the response's head.
    pub first_byte_ms: u64,
    /// Between two pieces of the response's body.
    pub between_bytes_ms: u64,
}

/// The methods that the agent's tools and wires use (RFC 9110 and RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 6] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
    ];

    /// Its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A request's head. Its body follows through [`HttpClient::write`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// An absolute `http://` or `https://` URL without user information or fragment.
    pub url: String,
    /// Names in lower case. `host` and `content-length` are the client's own business.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body; 0 for none.
    pub content_length: u64,
    /// The exchange's time limits.
    pub timeouts: Timeouts,
}

/// An exchange, from start to end or failure; never given twice by one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpId(pub u32);

/// Why an exchange failed. The texts say what to do where the cause leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// This build has no HTTP client.
    Unsupported,
    /// The URL or a header is not valid.
    InvalidRequest,
    /// The host's policy refused the request.
    Denied,
    /// The name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, reset.
    Connect,
    /// The certificate or the handshake was refused.
    Tls,
    /// The connection took too long.
    ConnectTimeout,
    /// The response's head took too long.
    FirstByteTimeout,
    /// The response's body stalled.
    BetweenBytesTimeout,
    /// The whole exchange took too long.
    TotalTimeout,
    /// The connection closed before the exchange was over.
    Closed,
    /// What came back is not HTTP.
    Protocol,
    /// The head or body is larger than the host takes.
    TooLarge,
    /// Anything else.
    Internal,
    /// The URL is of https, and this build's client speaks no TLS.
    NoTls,
    /// WAMR was not told that the name may be resolved.
    NameDenied,
    /// WAMR was not told that the address may be connected to.
    AddressDenied,
    /// Nothing listens on the port.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// The server broke the connection off.
    Reset,
}

#[cfg(not(all(target_arch = "wasm32", target_env = "p2")))]
macro_rules! socket_texts {
    () => {
        "\n\
        there is no TLS here, only http: point the URL at a gateway on the local network, such as Ollama, llama.cpp or LiteLLM\n\
        the server's name may not be resolved: allow it with --allow-resolve=NAME\n\
        the server's address may not be connected to: allow it with --addr-pool=ADDRESS/32 (IPv6: /128)\n\
        the server's machine refused the connection: nothing listens there\n\
        there is no way to the server's address: check the network\n\
        the server reset the connection"
    };
}

#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
macro_rules! socket_texts {
    () => {
        ""
    };
}

/// What is told of each error, in their order. The errors of WAMR's sockets have their texts where those are, and natively.
const HTTP_TEXTS: &str = concat!(
    "this build has no network: dewclaw.wasm has (with wasmtime's -S http), or let the host call the model\n\
    the request is not valid HTTP: check the URL\n\
    the host refused the request\n\
    the server's name could not be resolved\n\
    could not connect to the server\n\
    the TLS handshake failed: check the server's certificate\n\
    timed out connecting to the server\n\
    timed out waiting for the server to answer\n\
    timed out: the server stopped sending in the middle of its answer\n\
    timed out: the answer took too long in all\n\
    the connection closed before the answer was complete\n\
    the server's answer is not valid HTTP\n\
    the answer is larger than the host allows\n\
    the host's HTTP client failed",
    socket_texts!()
);

impl HttpError {
    /// What a person or a model is told.
    ///
    /// The components of WASI 0.2 know the errors of WAMR's sockets from recordings made on a board alone, and have one text for
    /// them all.
    pub fn text(self) -> &'static str {
        match part(HTTP_TEXTS, b'\n', self as usize) {
            "" => HttpError::Connect.text(),
            text => text,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl core::error::Error for HttpError {}

/// What happened to an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpEvent {
    /// The body's stream takes bytes again.
    Writable,
    /// The response's head.
    Head {
        /// The status code.
        status: u16,
        /// Names in lower case; values that are not UTF-8 have their bytes replaced.
        headers: Vec<(String, String)>,
    },
    /// Bytes of the response's body, cut anywhere; never empty.
    Chunk(Vec<u8>),
    /// The body is complete. Nothing follows for this exchange.
    End,
    /// The exchange is over without a complete response. Nothing follows for it.
    Failed(HttpError),
}

/// Exchanges in flight, any number at once.
pub trait HttpClient {
    /// Starts an exchange.
    fn start(&mut self, request: &HttpRequest) -> Result<HttpId, HttpError>;

    /// Feeds the body and answers how many bytes were taken; 0 means: wait for [`HttpEvent::Writable`].
    /// Once `content_length` bytes are in, the body is complete. A failure is reported by [`HttpClient::poll`] too.
    fn write(&mut self, id: HttpId, bytes: &[u8]) -> Result<usize, HttpError>;

    /// Waits until something happens to any exchange, or `timeout_ms` have passed, and says what. With no
    /// exchange in flight it waits the whole time, so it is also how a driver sleeps. Fewer
    /// events than happened may come in one call; none at all means that the time is over. Fails only where
    /// there is no client.
    fn poll(&mut self, timeout_ms: u64) -> Result<Vec<(HttpId, HttpEvent)>, HttpError>;

    /// Drops an exchange. No event follows for it; one that is over already is fine.
    fn cancel(&mut self, id: HttpId) -> Result<(), HttpError>;
}

#[cfg(test)]
mod tests {
    use super::HttpError;

    #[test]
    fn each_error_has_its_text() {
        for (error, text) in [
            (HttpError::Unsupported, "this build has no network"),
            (HttpError::Connect, "could not connect to the server"),
            (HttpError::Internal, "the host's HTTP client failed"),
            #[cfg(not(all(target_arch = "wasm32", target_env = "p2")))]
            (HttpError::NoTls, "there is no TLS here"),
            // Sockets are none of a component's.
            #[cfg(not(all(target_arch = "wasm32", target_env = "p2")))]
            (HttpError::Reset, "the server reset the connection"),
        ] {
            assert!(error.text().starts_with(text), "{error:?}");
        }
    }
}
