//! Reading one HTTP/1.1 request off a connection, strictly.

use std::io::{BufRead, Read};
use std::time::Instant;

/// A request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// The request target: path and query.
    pub path: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// When the last byte of the request was read.
    pub arrived: Instant,
}

impl Request {
    /// The value of the first header called `name` (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a request. `None` when the connection ended before one began; an error says what is not HTTP/1.1 about it.
pub(super) fn read(reader: &mut impl BufRead) -> Result<Option<Request>, String> {
    let Some(line) = read_line(reader)? else {
        return Ok(None);
    };
    let parts: Vec<&str> = line.split(' ').collect();
    let [method, path, "HTTP/1.1"] = parts[..] else {
        return Err(format!("request line {line:?} is not METHOD PATH HTTP/1.1"));
    };
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or("the connection ended inside the headers")?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .filter(|(name, _)| !name.is_empty() && !name.contains(' '))
            .ok_or_else(|| format!("header line {line:?} is not NAME: VALUE"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let body = read_body(reader, &headers)?;
    Ok(Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body,
        arrived: Instant::now(),
    }))
}

fn read_body(reader: &mut impl BufRead, headers: &[(String, String)]) -> Result<Vec<u8>, String> {
    let all = |name: &str| -> Vec<&str> {
        let named = headers.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    };
    match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => Ok(Vec::new()),
        ([], ["chunked"]) => read_chunks(reader),
        ([length], []) => {
            let length: usize = length
                .parse()
                .map_err(|_| format!("content-length {length:?} is not a number"))?;
            read_exactly(reader, length).map_err(|have| {
                format!("content-length {length}, but the body ended after {have} bytes")
            })
        }
        (lengths, encodings) => Err(format!(
            "content-length {lengths:?} with transfer-encoding {encodings:?} leaves the length of the body open"
        )),
    }
}

/// Reads the chunks of a body, up to and with the last one.
pub(super) fn read_chunks(reader: &mut impl BufRead) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or("the connection ended between chunks")?;
        let size = usize::from_str_radix(&line, 16)
            .map_err(|_| format!("chunk size {line:?} is not hexadecimal"))?;
        let chunk = read_exactly(reader, size)
            .map_err(|have| format!("a chunk of {size} bytes ended after {have}"))?;
        if read_line(reader)?.as_deref() != Some("") {
            return Err("a chunk does not end with an empty line".to_owned());
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk);
    }
}

/// Reads `length` bytes; the error is how many there were.
pub(super) fn read_exactly(reader: &mut impl BufRead, length: usize) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    let _ = reader.take(limit).read_to_end(&mut bytes);
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(bytes.len())
    }
}

/// Reads a line without its CRLF. `None` when the connection has ended.
pub(super) fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut line = Vec::new();
    // A connection that was reset is a connection that has ended.
    if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let line = line
        .strip_suffix(b"\r\n")
        .ok_or("a line does not end with CRLF")?;
    let text = std::str::from_utf8(line).map_err(|_| "a line is not UTF-8")?;
    Ok(Some(text.to_owned()))
}
