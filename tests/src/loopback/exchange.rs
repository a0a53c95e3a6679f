//! Answering one request, byte by byte if need be.

use super::Gate;
use std::io::Write;
use std::net::{Shutdown, TcpStream};

/// The answer to one request on its way to the client.
///
/// Write errors are ignored: a client may hang up, and what it then does is what the test looks at.
pub struct Exchange<'a> {
    connection: &'a TcpStream,
    gate: &'a Gate,
    closed: bool,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(connection: &'a TcpStream, gate: &'a Gate) -> Self {
        Self {
            connection,
            gate,
            closed: false,
        }
    }

    /// A whole answer with its content-length.
    pub fn reply(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        self.sized(status, headers, body.len());
        self.raw(body);
    }

    /// The head of an answer whose body will have `length` bytes.
    pub fn sized(&mut self, status: u16, headers: &[(&str, &str)], length: usize) {
        let length = length.to_string();
        let headers: Vec<_> = headers
            .iter()
            .copied()
            .chain([("content-length", length.as_str())])
            .collect();
        self.head(status, &headers);
    }

    /// The head of an answer whose body comes in chunks.
    pub fn chunked(&mut self, status: u16, headers: &[(&str, &str)]) {
        let headers: Vec<_> = headers
            .iter()
            .copied()
            .chain([("transfer-encoding", "chunked")])
            .collect();
        self.head(status, &headers);
    }

    fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.raw(head.as_bytes());
    }

    /// One chunk, flushed by itself. An empty one is left out, because it would end the body.
    pub fn chunk(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
        framed.extend_from_slice(bytes);
        framed.extend_from_slice(b"\r\n");
        self.raw(&framed);
    }

    /// The end of a chunked body.
    pub fn last_chunk(&mut self) {
        self.raw(b"0\r\n\r\n");
    }

    /// These bytes as they are, flushed by themselves.
    pub fn raw(&mut self, bytes: &[u8]) {
        let _ = self.offer(bytes);
    }

    /// The same, and whether they could be sent: a client that has gone away takes no more.
    pub fn offer(&mut self, bytes: &[u8]) -> bool {
        self.connection.write_all(bytes).is_ok()
    }

    /// Sends nothing more until the server is dropped.
    pub fn stall(&mut self) {
        self.gate.wait();
        self.close();
    }

    /// Closes the connection, whatever was promised.
    pub fn close(&mut self) {
        self.closed = true;
        let _ = self.connection.shutdown(Shutdown::Both);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

/// The reason phrases of RFC 9110, section 15, for the statuses that the tests use.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        418 => "I'm a teapot",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => "Unknown",
    }
}
