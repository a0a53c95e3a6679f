//! What a site answers at a path: a page, a redirect, or something that no client should have to see.

use super::meeting::Meeting;
use crate::loopback::{Exchange, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much of a large body is written at once.
const PIECE: usize = 64 << 10;

/// The answer to a request.
#[derive(Clone)]
pub struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    meeting: Option<(Meeting, usize)>,
}

#[derive(Clone)]
enum Body {
    /// With its content-length.
    Whole(Vec<u8>),
    /// These bytes again and again in chunks, until the client goes away.
    Endless(Vec<u8>),
    /// This byte so many times, with the content-length that it has.
    Filled(u8, usize),
    /// These bytes of a longer body, and then nothing.
    Stalling(Vec<u8>),
    /// Not even a head.
    Silence,
    /// A connection that closes without a word.
    HangUp,
    /// These bytes in place of an answer.
    Raw(Vec<u8>),
    /// Whatever this makes of the request.
    Made(Arc<dyn Fn(&Request) -> Page + Send + Sync>),
}

impl Page {
    fn with(body: Body) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body,
            meeting: None,
        }
    }

    /// A body without a type.
    pub fn untyped(body: impl AsRef<[u8]>) -> Self {
        Self::with(Body::Whole(body.as_ref().to_vec()))
    }

    /// A body of this type, whether it is or not.
    pub fn of(kind: &str, body: impl AsRef<[u8]>) -> Self {
        Self::untyped(body).header("content-type", kind)
    }

    /// An HTML page.
    pub fn html(source: &str) -> Self {
        Self::of("text/html; charset=utf-8", source)
    }

    /// Plain text.
    pub fn text(text: &str) -> Self {
        Self::of("text/plain; charset=utf-8", text)
    }

    /// JSON.
    pub fn json(value: &Value) -> Self {
        Self::of("application/json", value.to_string())
    }

    /// The method, the path, the headers and the body of the request, as JSON.
    pub fn echo() -> Self {
        Self::made(|request| {
            let headers: serde_json::Map<_, _> = request
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            Self::json(&json!({
                "method": request.method,
                "path": request.path,
                "headers": headers,
                "body": String::from_utf8_lossy(&request.body),
            }))
        })
    }

    /// What `make` makes of the request.
    pub fn made(make: impl Fn(&Request) -> Page + Send + Sync + 'static) -> Self {
        Self::with(Body::Made(Arc::new(make)))
    }

    /// Points somewhere else.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::text("It is elsewhere.")
            .status(status)
            .header("location", location)
    }

    /// Text that never ends.
    pub fn endless() -> Self {
        let line = "This line comes again and again.\n";
        Self::with(Body::Endless(line.repeat(PIECE / line.len()).into_bytes()))
            .header("content-type", "text/plain; charset=utf-8")
    }

    /// A body of `length` bytes that are all `byte`, made while it is sent.
    pub fn filled(byte: u8, length: usize) -> Self {
        Self::with(Body::Filled(byte, length)).header("content-type", "text/plain")
    }

    /// So many headers of the server's own around a short text.
    pub fn with_headers(count: usize) -> Self {
        let numbered = (0..count).map(|number| format!("x-header-{number}"));
        numbered.fold(Self::text("Many headers."), |page, name| {
            page.header(&name, "a value")
        })
    }

    /// The beginning of a text, and then nothing.
    pub fn stalling(beginning: &str) -> Self {
        Self::with(Body::Stalling(beginning.into())).header("content-type", "text/plain")
    }

    /// Takes the request and never answers.
    pub fn silence() -> Self {
        Self::with(Body::Silence)
    }

    /// Takes the request and closes the connection without a word.
    pub fn hang_up() -> Self {
        Self::with(Body::HangUp)
    }

    /// These bytes in place of an answer, and the end of the connection.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::with(Body::Raw(bytes.as_ref().to_vec()))
    }

    /// The same with this status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, once every request of the meeting has come and `turn` of them were answered.
    pub fn at(mut self, meeting: &Meeting, turn: usize) -> Self {
        self.meeting = Some((meeting.clone(), turn));
        self
    }

    /// Sends the answer; `sent` counts the bytes of its body.
    pub(super) fn send(&self, request: &Request, exchange: &mut Exchange, sent: &AtomicU64) {
        let Some((meeting, turn)) = &self.meeting else {
            return self.send_now(request, exchange, sent);
        };
        match meeting.wait(*turn) {
            Ok(()) => self.send_now(request, exchange, sent),
            Err(why) => exchange.reply(503, &[], why.as_bytes()),
        }
        meeting.answered();
    }

    fn send_now(&self, request: &Request, exchange: &mut Exchange, sent: &AtomicU64) {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let offer = |exchange: &mut Exchange, bytes: &[u8], framed: &[u8]| {
            let taken = exchange.offer(framed);
            if taken {
                sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
            }
            taken
        };
        match &self.body {
            Body::Whole(body) => {
                exchange.sized(self.status, &headers, body.len());
                // An answer to HEAD tells the length of a body that it does not have.
                if request.method != "HEAD" {
                    offer(exchange, body, body);
                }
            }
            Body::Endless(piece) => {
                exchange.chunked(self.status, &headers);
                let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                while offer(exchange, piece, &framed) {}
                exchange.close();
            }
            Body::Filled(byte, length) => {
                exchange.sized(self.status, &headers, *length);
                let piece = vec![*byte; PIECE];
                let mut left = *length;
                while left > 0 {
                    let part = &piece[..left.min(PIECE)];
                    if !offer(exchange, part, part) {
                        return exchange.close();
                    }
                    left -= part.len();
                }
            }
            Body::Stalling(beginning) => {
                exchange.sized(self.status, &headers, beginning.len() + PIECE);
                offer(exchange, beginning, beginning);
                exchange.stall();
            }
            Body::Silence => exchange.stall(),
            Body::HangUp => exchange.close(),
            Body::Raw(bytes) => {
                exchange.raw(bytes);
                exchange.close();
            }
            Body::Made(make) => make(request).send(request, exchange, sent),
        }
    }
}
