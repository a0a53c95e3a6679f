//! A plain GET, for asking other test servers what they received.

use super::request::{read_chunks, read_exactly, read_line};
use std::io::{BufReader, Write};
use std::net::TcpStream;

/// The status and the body of `http://HOST:PORT/PATH`. Panics when the server cannot be reached or does not speak HTTP/1.1.
pub fn get(url: &str) -> (u16, Vec<u8>) {
    let rest = url
        .strip_prefix("http://")
        .expect("the url starts with http://");
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(authority).unwrap_or_else(|error| panic!("{url}: {error}"));
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("a request can be sent");
    let mut reader = BufReader::new(stream);
    let mut line = || {
        read_line(&mut reader)
            .expect("a line of the head")
            .expect("a whole head")
    };
    let status = line()
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status line");
    let mut length = None;
    loop {
        let header = line().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse().expect("a content-length in digits"));
        }
    }
    let body = match length {
        Some(length) => read_exactly(&mut reader, length).expect("a whole body"),
        None => read_chunks(&mut reader).expect("a chunked body"),
    };
    (status, body)
}
