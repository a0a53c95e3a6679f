//! HTTP/1.1 over WAMR's sockets: plain `http://`, streaming both ways, several exchanges at once.
//!
//! A connection whose answer is over is kept for the next request to the same origin, if HTTP allows it. The server may
//! close it meanwhile. That is seen before anything is sent, in most cases; where it is not, the request is made once
//! more on a new connection, but only if the server can't have acted on it: no byte of an answer has come, none of the
//! body was taken from the caller, and either there is a body to come or the method is idempotent (RFC 9110, 9.2.2). A
//! model call that loses its kept connection after the first of its body was sent is `Closed`, and the caller's to
//! repeat.
//!
//! What can't be interrupted: resolving a name, which takes as long as the host's resolver does.

mod exchange;

use alloc::string::String;
use alloc::vec::Vec;

use super::WasiClock;
use super::sockets::{Ready, Socket, Wanted, wait};
use crate::http1::{request_head, target};
use crate::{Clock, HttpClient, HttpError, HttpEvent, HttpId, HttpRequest};
use exchange::Exchange;

/// Connections kept for one origin, and in all.
const KEPT_OF_ORIGIN: usize = 2;
const KEPT: usize = 4;

/// A client over WAMR's sockets.
#[derive(Default)]
pub struct WasiHttpClient {
    exchanges: Vec<Exchange>,
    /// Connections that wait for a request, the oldest first.
    kept: Vec<Connection>,
    last_id: u32,
}

/// A connection that stands.
struct Connection {
    /// `http://` and the authority.
    origin: String,
    socket: Socket,
}

impl WasiHttpClient {
    /// A client with nothing in flight.
    pub fn new() -> WasiHttpClient {
        WasiHttpClient::default()
    }

    /// A kept connection to this origin on which nothing came that was not asked for.
    fn kept_connection(&mut self, origin: &str) -> Option<Socket> {
        while let Some(at) = self.kept.iter().rposition(|kept| kept.origin == origin) {
            let kept = self.kept.remove(at);
            if kept.socket.is_quiet() {
                return Some(kept.socket);
            }
        }
        None
    }

    fn keep(&mut self, connection: Connection) {
        let same = |kept: &Connection| kept.origin == connection.origin;
        let of_origin = self.kept.iter().filter(|kept| same(kept)).count();
        let surplus = if of_origin >= KEPT_OF_ORIGIN {
            self.kept.iter().position(same)
        } else {
            (self.kept.len() >= KEPT).then_some(0)
        };
        if let Some(at) = surplus {
            self.kept.remove(at);
        }
        self.kept.push(connection);
    }

    /// Waits for any exchange, or until `end_ms`, and says what each is ready for.
    fn wait(&self, end_ms: u64) -> Vec<Ready> {
        let deadlines = self.exchanges.iter().map(|exchange| exchange.deadline_ms);
        let end_ms = deadlines.fold(end_ms, u64::min);
        let timeout_ms = end_ms.saturating_sub(now_ms());
        let wanted: Vec<Wanted<'_>> = self.exchanges.iter().map(Exchange::wanted).collect();
        wait(&wanted, timeout_ms)
    }
}

impl HttpClient for WasiHttpClient {
    fn start(&mut self, request: &HttpRequest) -> Result<HttpId, HttpError> {
        let target = target(&request.url)?;
        let head = request_head(request, &target)?;
        let mut origin = String::from("http://");
        origin.push_str(target.authority);
        let kept = self.kept_connection(&origin);
        self.last_id += 1;
        let id = HttpId(self.last_id);
        let mut exchange = Exchange::new(id, request, origin, head);
        exchange.begin(kept);
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
        let end = now_ms().saturating_add(timeout_ms);
        let mut events = Vec::new();
        loop {
            let ready = self.wait(end);
            let now = now_ms();
            let mut at = 0;
            for ready in ready {
                let Some(exchange) = self.exchanges.get_mut(at) else {
                    break;
                };
                at += 1;
                let known = events.len();
                exchange.step(now, ready, &mut events);
                let over = |(_, event): &(HttpId, HttpEvent)| {
                    matches!(event, HttpEvent::End | HttpEvent::Failed(_))
                };
                if events.iter().skip(known).any(over) {
                    at -= 1;
                    if let Some(connection) = self.exchanges.remove(at).into_connection() {
                        self.keep(connection);
                    }
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

fn now_ms() -> u64 {
    WasiClock.now().monotonic_ms
}
