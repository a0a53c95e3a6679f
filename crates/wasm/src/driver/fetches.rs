//! The HTTP operations of tools, any number in flight at once.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::{ANSWER_HEADERS, HttpAnswer, HttpOperation, OperationId};
use dewclaw_platform::{HttpClient, HttpError, HttpEvent, HttpId, HttpRequest};

use super::{authorise, place_of, take_out};

/// The most bytes that a body's buffer grows by at once: doubling a large one would need three times its size.
const GROWTH_BYTES: usize = 256 * 1024;

/// The operations in flight.
#[derive(Default)]
pub(crate) struct Fetches {
    in_flight: Vec<Fetch>,
}

struct Fetch {
    id: OperationId,
    exchange: HttpId,
    /// The request's body, and how much of it was taken.
    outgoing: Vec<u8>,
    sent: usize,
    /// When all of it has taken too long, on the monotonic clock.
    until_ms: u64,
    max_bytes: usize,
    key: Option<String>,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Fetches {
    /// Starts an operation. `key` is the credential that it wants.
    ///
    /// # Errors
    /// Why it can't be started.
    pub(crate) fn start(
        &mut self,
        http: &mut dyn HttpClient,
        id: OperationId,
        operation: HttpOperation,
        key: Option<String>,
        now_ms: u64,
    ) -> Result<(), HttpError> {
        let mut headers = operation.headers;
        if let (Some(key), Some(auth)) = (&key, operation.auth) {
            headers.push(authorise(auth.scheme, key));
        }
        let exchange = http.start(&HttpRequest {
            method: operation.method,
            url: operation.url,
            headers,
            content_length: operation.body.len() as u64,
            timeouts: operation.timeouts,
        })?;
        self.in_flight.push(Fetch {
            id,
            exchange,
            outgoing: operation.body,
            sent: 0,
            until_ms: now_ms.saturating_add(operation.total_ms),
            max_bytes: operation.max_bytes,
            key,
            status: 0,
            headers: Vec::new(),
            body: Vec::new(),
        });
        Ok(())
    }

    /// Whether nothing is in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Writes the bodies as far as the client takes them.
    pub(crate) fn send(&mut self, http: &mut dyn HttpClient) {
        for fetch in &mut self.in_flight {
            while fetch.sent < fetch.outgoing.len() {
                // A failure is told by the next poll.
                match http.write(fetch.exchange, &fetch.outgoing[fetch.sent..]) {
                    Ok(0) | Err(_) => break,
                    Ok(taken) => fetch.sent += taken,
                }
            }
        }
    }

    /// The moment at which the first of them has taken too long.
    pub(crate) fn until_ms(&self) -> u64 {
        let moments = self.in_flight.iter().map(|fetch| fetch.until_ms);
        moments.fold(u64::MAX, u64::min)
    }

    /// An operation that has taken too long, dropped.
    pub(crate) fn expired(
        &mut self,
        http: &mut dyn HttpClient,
        now_ms: u64,
    ) -> Option<(OperationId, HttpAnswer)> {
        let late = |fetch: &Fetch| now_ms >= fetch.until_ms;
        let fetch = self.in_flight.remove(self.in_flight.iter().position(late)?);
        let _ = http.cancel(fetch.exchange);
        Some((fetch.id, HttpAnswer::Failed(HttpError::TotalTimeout)))
    }

    /// Takes what happened to an exchange; the answer once its operation is over.
    pub(crate) fn take(
        &mut self,
        http: &mut dyn HttpClient,
        exchange: HttpId,
        event: HttpEvent,
    ) -> Option<(OperationId, HttpAnswer)> {
        let at = self
            .in_flight
            .iter()
            .position(|fetch| fetch.exchange == exchange)?;
        let fetch = &mut self.in_flight[at];
        let mut whole = true;
        let failed = match event {
            HttpEvent::Writable => return None,
            HttpEvent::Head {
                status,
                mut headers,
            } => {
                headers.retain(|(name, value)| {
                    let key = fetch.key.as_deref();
                    let holds_key =
                        || key.is_some_and(|key| place_of(key, value.as_bytes()).is_some());
                    ANSWER_HEADERS.contains(&name.as_str()) && !holds_key()
                });
                fetch.status = status;
                fetch.headers = headers;
                return None;
            }
            HttpEvent::Chunk(bytes) => {
                let room = fetch.max_bytes - fetch.body.len();
                let wanted = &bytes[..bytes.len().min(room)];
                if fetch.body.capacity() - fetch.body.len() < wanted.len() {
                    let growth = fetch.body.len().min(GROWTH_BYTES).max(wanted.len());
                    fetch.body.reserve_exact(growth.min(room));
                }
                fetch.body.extend_from_slice(wanted);
                if bytes.len() <= room {
                    return None;
                }
                // There is more than is wanted: it never has to end.
                let _ = http.cancel(exchange);
                whole = false;
                None
            }
            HttpEvent::End => None,
            HttpEvent::Failed(error) => Some(error),
        };
        let mut fetch = self.in_flight.remove(at);
        if let Some(key) = &fetch.key {
            take_out(key, &mut fetch.body);
        }
        let answer = match failed {
            Some(error) => HttpAnswer::Failed(error),
            None => HttpAnswer::Reply {
                status: fetch.status,
                headers: fetch.headers,
                body: fetch.body,
                whole,
            },
        };
        Some((fetch.id, answer))
    }

    /// Lets go of an operation.
    pub(crate) fn drop(&mut self, http: &mut dyn HttpClient, id: OperationId) {
        if let Some(at) = self.in_flight.iter().position(|fetch| fetch.id == id) {
            let fetch = self.in_flight.remove(at);
            let _ = http.cancel(fetch.exchange);
        }
    }
}
