//! One exchange: its connection, its request on the way out and its answer on the way in.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Connection, now_ms};
use crate::http1::{Part, Response, target};
use crate::wasip1::sockets::{Address, Connecting, Ready, Socket, Wanted, resolve};
use crate::{HttpError, HttpEvent, HttpId, HttpRequest, Method, Timeouts};

/// Bytes received at once, on the stack; WAMR takes as many of its own meanwhile, and clears them first. A megabyte from
/// loopback takes 7.5 ms of processor time in pieces of 1 KiB, 2.4 in these, 0.8 in pieces of 16 KiB.
const RECEIVE_BYTES: usize = 4 * 1024;

/// Bytes sent at once, which WAMR copies.
const SEND_BYTES: usize = 8 * 1024;

/// One exchange in flight.
pub(super) struct Exchange {
    pub(super) id: HttpId,
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
    pub(super) deadline_ms: u64,
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

impl Exchange {
    /// The exchange of a request with this head, before anything is done for it.
    pub(super) fn new(
        id: HttpId,
        request: &HttpRequest,
        origin: String,
        head: Vec<u8>,
    ) -> Exchange {
        let now = now_ms();
        Exchange {
            id,
            method: request.method,
            timeouts: request.timeouts,
            origin,
            is_reused: false,
            socket: None,
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
        }
    }

    /// Begins, on a connection that stands already or a new one.
    pub(super) fn begin(&mut self, kept: Option<Socket>) {
        self.is_reused = kept.is_some();
        self.socket = kept;
        let begun = if self.is_reused {
            self.send_head()
        } else {
            self.connect()
        };
        self.settle(begun);
    }

    /// The next poll tells a failure.
    fn settle(&mut self, done: Result<(), HttpError>) {
        if let Err(error) = done {
            self.failed = Some(error);
            self.socket = None;
            self.deadline_ms = 0;
        }
    }

    /// What to wait for.
    pub(super) fn wanted(&self) -> Wanted<'_> {
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

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, HttpError> {
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
    pub(super) fn step(&mut self, now: u64, ready: Ready, events: &mut Vec<(HttpId, HttpEvent)>) {
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
    pub(super) fn into_connection(self) -> Option<Connection> {
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
