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

use alloc::string::String;
use alloc::vec::Vec;

use super::WasiClock;
use super::sockets::{Address, Connecting, Ready, Socket, Wanted, resolve, wait};
use crate::http1::{Part, Response, request_head, target};
use crate::{Clock, HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method, Timeouts};

/// Bytes received at once, on the stack; WAMR takes as many of its own meanwhile. Of 10 MB on loopback, larger pieces
/// save nothing that can be measured.
const RECEIVE_BYTES: usize = 4 * 1024;

/// Bytes sent at once, which WAMR copies.
const SEND_BYTES: usize = 8 * 1024;

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

/// One exchange in flight.
struct Exchange {
    id: HttpId,
    method: Method,
    timeouts: Timeouts,
    origin: String,
    /// None between two addresses, and once the exchange failed.
    socket: Option<Socket>,
    /// Where the socket connects to, while it does, and then where else to try, the next one last.
    address: Option<Address>,
    addresses: Vec<Address>,
    /// What came of the addresses before.
    told: HttpError,
    /// When connecting as a whole has taken too long.
    connect_until_ms: u64,
    /// When the current stage has taken too long.
    deadline_ms: u64,
    /// The connection has served another request.
    is_reused: bool,
    head: Vec<u8>,
    /// Bytes of the head that were sent.
    sent: usize,
    body_begun: bool,
    left_to_write: u64,
    /// The last write was refused, so the caller waits to hear of room.
    starved: bool,
    /// The request can't be sent on. The answer decides; without one, this is why.
    broken: Option<HttpError>,
    response: Response,
    has_head: bool,
    /// Nothing came beyond the answer's end.
    keeps: bool,
    failed: Option<HttpError>,
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
        let now = now_ms();
        let mut exchange = Exchange {
            id,
            method: request.method,
            timeouts: request.timeouts,
            origin,
            is_reused: kept.is_some(),
            socket: kept,
            address: None,
            addresses: Vec::new(),
            told: HttpError::Connect,
            connect_until_ms: now.saturating_add(request.timeouts.connect_ms),
            deadline_ms: now.saturating_add(request.timeouts.first_byte_ms),
            head,
            sent: 0,
            body_begun: false,
            left_to_write: request.content_length,
            starved: false,
            broken: None,
            response: Response::new(request.method),
            has_head: false,
            keeps: false,
            failed: None,
        };
        let begun = if exchange.is_reused {
            exchange.send_head()
        } else {
            exchange.connect()
        };
        exchange.settle(begun);
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

impl Exchange {
    /// The next poll tells a failure.
    fn settle(&mut self, done: Result<(), HttpError>) {
        if let Err(error) = done {
            self.failed = Some(error);
            self.socket = None;
            self.deadline_ms = 0;
        }
    }

    /// What to wait for.
    fn wanted(&self) -> Wanted<'_> {
        let connects = self.address.is_some();
        Wanted {
            socket: self.socket.as_ref(),
            read: !connects,
            write: connects || self.starved || self.sent < self.head.len(),
        }
    }

    /// Resolves the name and begins with the first address.
    fn connect(&mut self) -> Result<(), HttpError> {
        let target = target(&self.origin)?;
        self.addresses = resolve(target.host, target.port)?;
        self.addresses.reverse();
        self.connect_next(HttpError::Connect)
    }

    /// Goes to the next address. `error` is why the one before it failed; once there is none left, the most telling of all
    /// is the exchange's.
    fn connect_next(&mut self, error: HttpError) -> Result<(), HttpError> {
        let mut error = more_telling(self.told, error);
        while let Some(address) = self.addresses.pop() {
            self.socket = None;
            self.address = None;
            let now = now_ms();
            let left = self.connect_until_ms.saturating_sub(now);
            if left == 0 {
                return Err(HttpError::ConnectTimeout);
            }
            // Each address has its share of the time.
            self.deadline_ms = now.saturating_add(left / (self.addresses.len() as u64 + 1));
            let begun = Socket::open(&address).and_then(|socket| {
                let connecting = socket.connect(&address)?;
                self.socket = Some(socket);
                Ok(connecting)
            });
            match begun {
                Ok(Connecting::Done) => return self.connected(),
                Ok(Connecting::Goes) => {
                    self.address = Some(address);
                    self.told = error;
                    return Ok(());
                }
                Err(other) => error = more_telling(error, other),
            }
        }
        Err(error)
    }

    fn connected(&mut self) -> Result<(), HttpError> {
        self.address = None;
        self.addresses = Vec::new();
        self.deadline_ms = now_ms().saturating_add(self.timeouts.first_byte_ms);
        self.send_head()
    }

    fn send_head(&mut self) -> Result<(), HttpError> {
        while let (Some(socket), Some(rest)) = (&self.socket, self.head.get(self.sent..)) {
            if rest.is_empty() {
                break;
            }
            match socket.send(rest) {
                Ok(0) => break,
                Ok(count) => self.sent += count,
                Err(error) => return self.stop_sending(error),
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, HttpError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.left_to_write == 0 {
            return Err(HttpError::Closed);
        }
        // A server may answer and close before it has read everything: its answer decides, so this is not a failure.
        if self.broken.is_some() || bytes.is_empty() {
            return Ok(bytes.len());
        }
        let count = (bytes.len().min(SEND_BYTES) as u64).min(self.left_to_write) as usize;
        let mut sent = 0;
        if self.address.is_none()
            && self.sent == self.head.len()
            && let Some(socket) = &self.socket
        {
            match socket.send(&bytes[..count]) {
                Ok(count) => sent = count,
                Err(error) => {
                    let stopped = self.stop_sending(error);
                    self.settle(stopped);
                    if self.broken.is_some() {
                        return Ok(bytes.len());
                    }
                }
            }
        }
        self.starved = sent == 0;
        self.body_begun |= sent > 0;
        self.left_to_write -= sent as u64;
        Ok(sent)
    }

    /// The connection takes nothing any more.
    fn stop_sending(&mut self, error: HttpError) -> Result<(), HttpError> {
        if self.may_repeat() {
            return self.repeat();
        }
        self.broken = Some(error);
        self.sent = self.head.len();
        self.starved = false;
        Ok(())
    }

    /// Whether the request can be made once more without the server acting on it twice: see above.
    fn may_repeat(&self) -> bool {
        let is_idempotent = !matches!(self.method, Method::Post | Method::Patch);
        self.is_reused
            && !self.body_begun
            && !self.response.has_begun()
            && (is_idempotent || self.left_to_write > 0)
    }

    fn repeat(&mut self) -> Result<(), HttpError> {
        self.is_reused = false;
        self.sent = 0;
        self.connect_until_ms = now_ms().saturating_add(self.timeouts.connect_ms);
        self.connect()
    }

    /// Tells what has happened to this exchange, without waiting.
    fn step(&mut self, now: u64, ready: Ready, events: &mut Vec<(HttpId, HttpEvent)>) {
        if let Err(error) = self.advance(now, ready, events) {
            events.push((self.id, HttpEvent::Failed(error)));
        }
    }

    fn advance(
        &mut self,
        now: u64,
        ready: Ready,
        events: &mut Vec<(HttpId, HttpEvent)>,
    ) -> Result<(), HttpError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let (Some(address), Some(socket)) = (&self.address, &self.socket) {
            if ready.writable {
                match socket.connect(address) {
                    Ok(Connecting::Done) => self.connected()?,
                    Ok(Connecting::Goes) => {}
                    Err(error) => return self.connect_next(error),
                }
            }
            if self.address.is_some() && now >= self.deadline_ms {
                return self.connect_next(HttpError::ConnectTimeout);
            }
            return Ok(());
        }
        if ready.readable && !self.receive(now, events)? {
            return Ok(());
        }
        if now >= self.deadline_ms {
            return Err(if self.has_head {
                HttpError::BetweenBytesTimeout
            } else {
                HttpError::FirstByteTimeout
            });
        }
        if ready.writable {
            self.send_head()?;
            if self.starved && self.sent == self.head.len() && self.address.is_none() {
                self.starved = false;
                events.push((self.id, HttpEvent::Writable));
            }
        }
        Ok(())
    }

    /// Whether the exchange goes on over this connection.
    fn receive(
        &mut self,
        now: u64,
        events: &mut Vec<(HttpId, HttpEvent)>,
    ) -> Result<bool, HttpError> {
        let Some(socket) = &self.socket else {
            return Ok(false);
        };
        let mut room = [0; RECEIVE_BYTES];
        let count = match socket.receive(&mut room) {
            Ok(None) => return Ok(true),
            Ok(Some(0)) => return self.closed(HttpError::Closed, events).map(|()| false),
            Ok(Some(count)) => count,
            Err(error) => return self.closed(error, events).map(|()| false),
        };
        let mut bytes = room.get(..count).unwrap_or_default();
        let mut body = Vec::new();
        let read = loop {
            match self.response.read(&mut bytes) {
                Ok(Some(Part::Head { status, headers })) => {
                    self.has_head = true;
                    self.deadline_ms = now.saturating_add(self.timeouts.between_bytes_ms);
                    events.push((self.id, HttpEvent::Head { status, headers }));
                }
                Ok(Some(Part::Body(part))) => body.extend_from_slice(part),
                other => break other,
            }
        };
        if !body.is_empty() {
            self.deadline_ms = now.saturating_add(self.timeouts.between_bytes_ms);
            events.push((self.id, HttpEvent::Chunk(body)));
        }
        let goes_on = read?.is_none();
        if !goes_on {
            // What was sent beyond the end was not asked for.
            self.keeps = bytes.is_empty();
            events.push((self.id, HttpEvent::End));
        }
        Ok(goes_on)
    }

    /// There is nothing more to receive.
    fn closed(
        &mut self,
        why: HttpError,
        events: &mut Vec<(HttpId, HttpEvent)>,
    ) -> Result<(), HttpError> {
        if self.may_repeat() {
            return self.repeat();
        }
        if why == HttpError::Closed && self.response.closed().is_ok() {
            events.push((self.id, HttpEvent::End));
            return Ok(());
        }
        Err(self.broken.unwrap_or(why))
    }

    /// What can serve another request, after the end.
    fn into_connection(self) -> Option<Connection> {
        let is_sent = self.left_to_write == 0 && self.broken.is_none();
        let fit = self.keeps && is_sent && self.response.keeps_connection();
        self.socket.filter(|_| fit).map(|socket| Connection {
            origin: self.origin,
            socket,
        })
    }
}

/// Of why two addresses failed, what says more: what came of trying, then what may not be tried, then where no way leads.
fn more_telling(one: HttpError, other: HttpError) -> HttpError {
    let rank = |error| match error {
        HttpError::Connect => 0,
        HttpError::Unreachable => 1,
        HttpError::AddressDenied => 2,
        _ => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn now_ms() -> u64 {
    WasiClock.now().monotonic_ms
}
