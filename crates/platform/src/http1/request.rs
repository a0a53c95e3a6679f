//! The head of a request, as bytes.

use alloc::vec::Vec;

use super::{Target, is_name_byte, is_value_byte};
use crate::{HttpError, HttpRequest, Method, decimal};

/// Fields that are the client's own business: a caller that sets one has the message end elsewhere for the server.
const OWN: [&str; 6] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
];

/// Writes a request's head for `target`, which its URL gave.
///
/// # Errors
/// `InvalidRequest` for a field's name that is none, a value with a control character, and a field that is the client's
/// own business.
pub fn request_head(request: &HttpRequest, target: &Target<'_>) -> Result<Vec<u8>, HttpError> {
    let mut head = Vec::new();
    head.extend_from_slice(request.method.name().as_bytes());
    head.push(b' ');
    if !target.path.starts_with('/') {
        head.push(b'/');
    }
    head.extend_from_slice(target.path.as_bytes());
    head.extend_from_slice(b" HTTP/1.1\r\n");
    field(&mut head, "host", target.authority.as_bytes());
    for (name, value) in &request.headers {
        let own = |own: &&str| name.eq_ignore_ascii_case(own);
        if name.is_empty()
            || !name.bytes().all(is_name_byte)
            || !value.bytes().all(is_value_byte)
            || OWN.iter().any(own)
        {
            return Err(HttpError::InvalidRequest);
        }
        field(&mut head, name, value.as_bytes());
    }
    // Methods whose requests mean something with a body say also that it is empty: RFC 9110, 8.6.
    let takes_body = matches!(request.method, Method::Post | Method::Put | Method::Patch);
    if request.content_length > 0 || takes_body {
        let length = decimal(request.content_length);
        field(&mut head, "content-length", length.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

fn field(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}
