//! What makes a base URL one that requests can be sent to.

use crate::url::{cut, number};

/// What is wrong with it and what to write; put so that it reads on after the quoted URL.
pub(super) fn problem(url: &[u8]) -> Option<&'static str> {
    let rest = url
        .strip_prefix(b"https://")
        .or_else(|| url.strip_prefix(b"http://"));
    let Some(rest) = rest else {
        return Some("must start with https:// or http://, like http://192.168.1.10:11434/v1");
    };
    for byte in rest {
        match byte {
            b'@' => {
                return Some(
                    "holds a name or password: give keys by OPENAI_API_KEY or ANTHROPIC_API_KEY instead",
                );
            }
            b'?' | b'#' => return Some("must end at its path, without ? and #"),
            byte if byte.is_ascii_graphic() => {}
            _ => {
                return Some("holds a space or a character that URLs don't: percent-encode it");
            }
        }
    }
    let (authority, _) = cut(rest, b'/');
    // A colon inside the brackets of an IPv6 address begins no port.
    let colon = authority
        .iter()
        .rposition(|byte| matches!(byte, b':' | b']'));
    let (host, port) = match colon.map(|at| authority.split_at(at)) {
        Some((host, [b':', port @ ..])) => (host, port),
        _ => (authority, &b"0"[..]),
    };
    if host.is_empty() {
        return Some("names no host");
    }
    if port.is_empty() || number(port, 10).is_none_or(|port| port > 65_535) {
        return Some("has a port that is not a number up to 65535");
    }
    None
}
