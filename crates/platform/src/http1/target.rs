//! Where a URL points: host, port and path of `http://`.

use crate::{HttpError, cut};

/// Of a URL, what a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'u> {
    /// Whom to connect to.
    pub host: Host<'u>,
    /// The port; 80 where the URL has none.
    pub port: u16,
    /// Host and port as they stand in the URL: the value of `host`.
    pub authority: &'u str,
    /// Path and query as they stand in the URL; without a path, empty or from the `?` on.
    pub path: &'u str,
}

/// The host of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'u> {
    /// Four numbers of 0 to 255 without leading zeros.
    V4([u8; 4]),
    /// The groups of an address in brackets, without a zone; none written as IPv4.
    V6([u16; 8]),
    /// Anything else of letters, digits, `-`, `_` and `.`: for whoever resolves names.
    Name(&'u str),
}

/// Bytes of a name: RFC 1035, 2.3.4, as text.
const MAX_NAME: usize = 253;

/// Takes a URL apart.
///
/// # Errors
/// `NoTls` for `https://`. `InvalidRequest` for every other scheme, for user information, a fragment, anything outside
/// printable ASCII, port 0, and a host that is none.
pub fn target(url: &str) -> Result<Target<'_>, HttpError> {
    let Some(rest) = url.strip_prefix("http://") else {
        return Err(if url.starts_with("https://") {
            HttpError::NoTls
        } else {
            HttpError::InvalidRequest
        });
    };
    read(rest).ok_or(HttpError::InvalidRequest)
}

fn read(rest: &str) -> Option<Target<'_>> {
    if !rest
        .bytes()
        .all(|byte| matches!(byte, b'!'..=b'~') && byte != b'#')
    {
        return None;
    }
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?'));
    let (authority, path) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let (host, port) = if authority.starts_with('[') {
        let (address, port) = cut(authority, b']');
        let port = match cut(port?, b':') {
            ("", port) => port,
            _ => return None,
        };
        (Host::V6(v6(address.get(1..)?)?), port)
    } else {
        let (name, port) = cut(authority, b':');
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(known) {
            return None;
        }
        (v4(name).map_or(Host::Name(name), Host::V4), port)
    };
    let port = match port {
        None | Some("") => 80,
        Some(digits) => number(digits, 10, u16::MAX.into())?,
    };
    (port > 0).then_some(Target {
        host,
        port,
        authority,
        path,
    })
}

/// Digits of a radix up to 16, and nothing else, for a number of no more than `most`.
fn number(digits: &str, radix: u32, most: u32) -> Option<u16> {
    let mut number = 0u32;
    for byte in digits.bytes() {
        number = number * radix + char::from(byte).to_digit(radix)?;
        if number > most {
            return None;
        }
    }
    (!digits.is_empty()).then_some(number as u16)
}

fn v4(text: &str) -> Option<[u8; 4]> {
    let mut address = [0; 4];
    let mut rest = Some(text);
    for octet in &mut address {
        let (part, others) = cut(rest?, b'.');
        if part.len() > 1 && part.starts_with('0') {
            return None;
        }
        *octet = number(part, 10, 255)? as u8;
        rest = others;
    }
    rest.is_none().then_some(address)
}

/// Groups from the front, and after `::` from the end.
fn v6(text: &str) -> Option<[u16; 8]> {
    let mut address = [0; 8];
    let mut count = 0;
    let mut gap = None;
    let mut rest = Some(text);
    if let Some(behind) = text.strip_prefix("::") {
        gap = Some(0);
        rest = Some(behind).filter(|behind| !behind.is_empty());
    }
    while let Some(text) = rest {
        let (part, mut others) = cut(text, b':');
        if part.len() > 4 {
            return None;
        }
        *address.get_mut(count)? = number(part, 16, 0xffff)?;
        count += 1;
        if let Some(behind) = others.and_then(|others| others.strip_prefix(':')) {
            if gap.replace(count).is_some() {
                return None;
            }
            others = Some(behind).filter(|behind| !behind.is_empty());
        }
        rest = others;
    }
    match gap {
        None => (count == 8).then_some(address),
        Some(gap) if count < 8 => {
            // What followed the gap ends the address; before it are zeros still.
            address.get_mut(gap..)?.rotate_right(8 - count);
            Some(address)
        }
        Some(_) => None,
    }
}
