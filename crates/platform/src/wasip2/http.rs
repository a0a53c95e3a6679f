//! HTTP from wasi:http/outgoing-handler.
//!
//! The host is asked to keep the time limits, and they are kept here too, since hosts may ignore them.

use alloc::string::String;
use alloc::vec::Vec;

use wasi::clocks::monotonic_clock;
use wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use super::http_errors;
use crate::{
    HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method, Timeouts, decimal, times, utf_8,
};

const NS_PER_MS: u64 = 1_000_000;

/// Bytes of a response read at once: larger pieces cost linear memory, smaller ones more calls.
const READ_BYTES: u64 = 16 * 1024;

/// The host's HTTP client.
#[derive(Default)]
pub struct WasiHttpClient {
    exchanges: Vec<Exchange>,
    last_id: u32,
}

/// One exchange in flight. Fields drop in this order: children before the resources that they come from.
struct Exchange {
    id: HttpId,
    timeouts: Timeouts,
    /// When the current stage has taken too long, on the monotonic clock.
    deadline_ns: u64,
    /// The last write was refused, so the caller waits to hear of room.
    starved: bool,
    left_to_write: u64,
    writer: Option<OutputStream>,
    request_body: Option<OutgoingBody>,
    reader: Option<InputStream>,
    response_body: Option<IncomingBody>,
    response: Option<FutureIncomingResponse>,
}

impl WasiHttpClient {
    /// A client with nothing in flight.
    pub fn new() -> WasiHttpClient {
        WasiHttpClient::default()
    }

    /// Waits for any exchange, or until `deadline_ns`.
    fn wait(&self, deadline_ns: u64) {
        let now = monotonic_clock::now();
        let mut deadline = deadline_ns;
        let mut pollables: Vec<Pollable> = Vec::new();
        for exchange in &self.exchanges {
            deadline = deadline.min(exchange.deadline_ns);
            if exchange.starved
                && let Some(writer) = &exchange.writer
            {
                pollables.push(writer.subscribe());
            }
            if let Some(response) = &exchange.response {
                pollables.push(response.subscribe());
            }
            if let Some(reader) = &exchange.reader {
                pollables.push(reader.subscribe());
            }
        }
        pollables.push(monotonic_clock::subscribe_duration(
            deadline.saturating_sub(now),
        ));
        let references: Vec<&Pollable> = pollables.iter().collect();
        poll(&references);
    }
}

impl HttpClient for WasiHttpClient {
    fn start(&mut self, request: &HttpRequest) -> Result<HttpId, HttpError> {
        let outgoing = outgoing_request(request)?;
        let body = outgoing.body().map_err(|()| HttpError::Internal)?;
        let writer = if request.content_length > 0 {
            Some(body.write().map_err(|()| HttpError::Internal)?)
        } else {
            None
        };
        let timeouts = request.timeouts;
        let response = http_errors::handle(outgoing, request_options(timeouts))?;
        self.last_id += 1;
        let id = HttpId(self.last_id);
        let mut exchange = Exchange {
            id,
            timeouts,
            deadline_ns: after(timeouts.connect_ms.saturating_add(timeouts.first_byte_ms)),
            starved: false,
            left_to_write: request.content_length,
            writer,
            request_body: Some(body),
            reader: None,
            response_body: None,
            response: Some(response),
        };
        if request.content_length == 0 {
            exchange.finish_request()?;
        }
        self.exchanges.push(exchange);
        Ok(id)
    }

    fn write(&mut self, id: HttpId, bytes: &[u8]) -> Result<usize, HttpError> {
        let exchange = self
            .exchanges
            .iter_mut()
            .find(|exchange| exchange.id == id)
            .ok_or(HttpError::Closed)?;
        exchange.write(bytes)
    }

    fn poll(&mut self, timeout_ms: u64) -> Result<Vec<(HttpId, HttpEvent)>, HttpError> {
        let end = after(timeout_ms);
        let mut events = Vec::new();
        loop {
            self.wait(end);
            let now = monotonic_clock::now();
            let mut at = 0;
            while let Some(exchange) = self.exchanges.get_mut(at) {
                at += 1;
                let Some(event) = exchange.step(now) else {
                    continue;
                };
                let over = matches!(event, HttpEvent::End | HttpEvent::Failed(_));
                events.push((exchange.id, event));
                if over {
                    at -= 1;
                    self.exchanges.remove(at);
                }
            }
            if !events.is_empty() || now >= end {
                return Ok(events);
            }
        }
    }

    fn cancel(&mut self, id: HttpId) -> Result<(), HttpError> {
        let known = |exchange: &Exchange| exchange.id == id;
        if let Some(at) = self.exchanges.iter().position(known) {
            self.exchanges.remove(at);
        }
        Ok(())
    }
}

impl Exchange {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, HttpError> {
        let Some(writer) = &self.writer else {
            return Err(HttpError::Closed);
        };
        // A server may answer and close before it has read everything: its answer decides, so this is not a failure.
        let Ok(room) = writer.check_write() else {
            self.abandon_request();
            return Ok(bytes.len());
        };
        let count = (bytes.len() as u64).min(room).min(self.left_to_write) as usize;
        self.starved = count == 0;
        if self.starved {
            return Ok(0);
        }
        if writer.write(&bytes[..count]).is_err() {
            self.abandon_request();
            return Ok(bytes.len());
        }
        self.left_to_write -= count as u64;
        if self.left_to_write == 0 {
            self.finish_request()?;
        }
        Ok(count)
    }

    fn finish_request(&mut self) -> Result<(), HttpError> {
        self.writer = None;
        match self.request_body.take() {
            Some(body) => http_errors::finish(body),
            None => Ok(()),
        }
    }

    fn abandon_request(&mut self) {
        self.starved = false;
        self.writer = None;
        self.request_body = None;
    }

    /// What has happened to this exchange, without waiting.
    fn step(&mut self, now: u64) -> Option<HttpEvent> {
        if let Some(future) = &self.response {
            match http_errors::response(future) {
                Some(Ok(response)) => {
                    self.response = None;
                    return Some(self.head(&response));
                }
                // To the host every read that takes too long is the same.
                Some(Err(HttpError::BetweenBytesTimeout)) => {
                    return Some(HttpEvent::Failed(HttpError::FirstByteTimeout));
                }
                Some(Err(error)) => return Some(HttpEvent::Failed(error)),
                None => {}
            }
        }
        if let Some(reader) = &self.reader {
            match reader.read(READ_BYTES) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    self.deadline_ns = after(self.timeouts.between_bytes_ms);
                    return Some(HttpEvent::Chunk(bytes));
                }
                Err(StreamError::Closed) => return Some(HttpEvent::End),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Some(HttpEvent::Failed(http_errors::stream_error(&error)));
                }
            }
        }
        if now >= self.deadline_ns {
            return Some(HttpEvent::Failed(if self.reader.is_some() {
                HttpError::BetweenBytesTimeout
            } else {
                HttpError::FirstByteTimeout
            }));
        }
        if self.starved {
            match self.writer.as_ref().map(OutputStream::check_write) {
                Some(Ok(0)) => {}
                _ => {
                    self.starved = false;
                    return Some(HttpEvent::Writable);
                }
            }
        }
        None
    }

    fn head(&mut self, response: &IncomingResponse) -> HttpEvent {
        let headers = response
            .headers()
            .entries()
            .into_iter()
            .map(|(mut name, value)| {
                name.make_ascii_lowercase();
                (name, utf_8(value))
            })
            .collect();
        let body = response.consume().ok();
        self.reader = body.as_ref().and_then(|body| body.stream().ok());
        self.response_body = body;
        self.deadline_ns = after(self.timeouts.between_bytes_ms);
        if self.reader.is_none() {
            return HttpEvent::Failed(HttpError::Internal);
        }
        HttpEvent::Head {
            status: response.status(),
            headers,
        }
    }
}

/// The monotonic moment `ms` from now, in nanoseconds.
fn after(ms: u64) -> u64 {
    monotonic_clock::now().saturating_add(times(ms, NS_PER_MS))
}

fn outgoing_request(request: &HttpRequest) -> Result<OutgoingRequest, HttpError> {
    let (scheme, rest) = if let Some(rest) = request.url.strip_prefix("https://") {
        (Scheme::Https, rest)
    } else if let Some(rest) = request.url.strip_prefix("http://") {
        (Scheme::Http, rest)
    } else {
        return Err(HttpError::InvalidRequest);
    };
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?'));
    let split = end.and_then(|end| rest.split_at_checked(end));
    let (authority, path) = split.unwrap_or((rest, ""));
    let mut target = String::new();
    if !path.starts_with('/') {
        target.push('/');
    }
    target.push_str(path);
    let headers = Fields::new();
    let append = |name: &str, value: &str| {
        headers
            .append(&name.into(), &value.as_bytes().to_vec())
            .map_err(|_| HttpError::InvalidRequest)
    };
    for (name, value) in &request.headers {
        append(name, value)?;
    }
    // Without it hosts send a body in chunks, even an empty one.
    let takes_body = matches!(request.method, Method::Post | Method::Put | Method::Patch);
    if request.content_length > 0 || takes_body {
        append("content-length", &decimal(request.content_length))?;
    }
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method {
        Method::Get => wasi::http::types::Method::Get,
        Method::Head => wasi::http::types::Method::Head,
        Method::Post => wasi::http::types::Method::Post,
        Method::Put => wasi::http::types::Method::Put,
        Method::Patch => wasi::http::types::Method::Patch,
        Method::Delete => wasi::http::types::Method::Delete,
    };
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&target)))
        .map_err(|()| HttpError::InvalidRequest)?;
    Ok(outgoing)
}

/// What the host's limit between bytes is longer than the exchange's: the exchange keeps the shorter one itself, because
/// not every host tells a response that stalled from one that broke (wasmtime 48 does not).
const HOST_MARGIN_MS: u64 = 1_000;

/// A host that knows no time limits refuses to set them; the exchange keeps them all the same.
fn request_options(timeouts: Timeouts) -> RequestOptions {
    let options = RequestOptions::new();
    let ns = |ms: u64| Some(times(ms, NS_PER_MS));
    let _ = options.set_connect_timeout(ns(timeouts.connect_ms));
    let _ = options.set_first_byte_timeout(ns(timeouts.first_byte_ms));
    let longer = timeouts.between_bytes_ms.saturating_add(HOST_MARGIN_MS);
    let _ = options.set_between_bytes_timeout(ns(longer));
    options
}
