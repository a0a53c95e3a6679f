//! URLs of http and https, as models and servers write them, and which of them may be fetched.
//!
//! A model writes a URL, a server a redirect, a page a link; [`Url`] takes each apart the way clients do that meet such
//! text (RFC 3986, and the WHATWG URL standard for the spellings of IPv4 addresses) and holds it in one normal form.
//! What two readers could understand differently is refused and not guessed at: backslashes, control characters, user
//! information, and in the host percent-encoding and letters outside ASCII.
//!
//! [`check`] then holds the host against the operator's rules. It judges what is written. A public name may still
//! resolve to a private address: that is for whoever makes the connection to refuse.
//!
//! ```
//! use dewclaw_agent_core::url::{HostRule, Url, check};
//!
//! let rules = [HostRule::parse("*.example.org").unwrap(), HostRule::parse("*").unwrap()];
//! let url = Url::parse("HTTPS://docs.example.org:443/a b/../c#top").unwrap();
//! assert_eq!(url.text(), "https://docs.example.org/c");
//! assert!(check(&rules, &url).is_ok());
//!
//! // 127.0.0.1, which no wildcard covers.
//! let redirect = url.join("http://0x7f.1/admin").unwrap();
//! assert!(check(&rules, &redirect).unwrap_err().contains("a loopback address"));
//! ```

mod address;
mod allowlist;
mod encoding;
mod host;
mod special_use;
#[cfg(test)]
mod tests;

use alloc::string::String;

use crate::json::decimal;

pub(crate) use address::number;
pub use allowlist::{HostRule, check};
pub use encoding::push_query;
pub use host::Host;

/// The longest URL, in bytes. Servers commonly take no longer request line either.
const LONGEST: usize = 8 * 1024;

/// An absolute URL of http or https, without user information and fragment, in normal form.
///
/// The host is as [`Host`] says, the default port is left out, the path begins with `/` and has no `.` and `..` in it.
/// In path and query, what RFC 3986 doesn't allow there is percent-encoded, over UTF-8; so is a `%` that begins no
/// percent-encoding. Nothing is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    https: bool,
    host: Host,
    port: u16,
    /// The path, and the query with its `?`.
    target: String,
}

impl Url {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// What is wrong and what to write, put so that it reads on after the quoted URL.
    pub fn parse(text: &str) -> Result<Url, &'static str> {
        let nothing = Url {
            https: false,
            host: Host::V4([0; 4]),
            port: 0,
            target: String::new(),
        };
        resolve(nothing, text)
    }

    /// The URL that a redirect or a link of this one leads to, by RFC 3986, section 5. `http:page` is refused, and so is
    /// a relative path whose first segment holds a colon.
    ///
    /// # Errors
    /// As [`Url::parse`].
    pub fn join(&self, reference: &str) -> Result<Url, &'static str> {
        resolve(self.clone(), reference)
    }

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also where it is the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host, in brackets if it is an IPv6 address, and `:` with the port unless that is the scheme's own.
    pub fn authority(&self) -> String {
        let mut text = String::new();
        self.push_authority(&mut text);
        text
    }

    /// The URL as it is sent: all ASCII, without spaces and fragment. Reading it again gives the same URL. An `@` can
    /// stand in its path and query, never in front of them.
    pub fn text(&self) -> String {
        let mut text = String::new();
        text.push_str(if self.https { "https://" } else { "http://" });
        self.push_authority(&mut text);
        text.push_str(&self.target);
        text
    }

    /// Whether scheme, host and port are the same: what headers with credentials may be sent along to.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.https == other.https && self.port == other.port && self.host == other.host
    }

    fn push_authority(&self, out: &mut String) {
        self.host.push(out);
        if self.port != default_port(self.https) {
            out.push(':');
            out.push_str(&decimal(u64::from(self.port)));
        }
    }
}

/// What is in front of the first `mark`, and what is behind it.
pub(crate) fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        if *byte == mark {
            let length = text.len() - rest.len();
            return (text.get(..length).unwrap_or_default(), Some(after));
        }
        rest = after;
    }
    (text, None)
}

/// The text without any of `mark` at its end.
pub(crate) fn without_end<'t>(text: &'t str, mark: &str) -> &'t str {
    let mut rest = text;
    while let Some(before) = rest.strip_suffix(mark) {
        rest = before;
    }
    rest
}

/// What is behind the last dot.
fn last_label(name: &[u8]) -> &[u8] {
    let mut rest = name;
    while let (_, Some(after)) = cut(rest, b'.') {
        rest = after;
    }
    rest
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

const TOO_LONG: &str = "is longer than 8 KiB: shorten it";

/// What `text` means relative to `url`, or to nothing if that has no port.
fn resolve(mut url: Url, text: &str) -> Result<Url, &'static str> {
    let mut text = text.as_bytes();
    while let [b' ', rest @ ..] | [rest @ .., b' '] = text {
        text = rest;
    }
    if text.len() > LONGEST {
        return Err(TOO_LONG);
    }
    if text
        .iter()
        .any(|byte| byte.is_ascii_control() || *byte == b'\\')
    {
        return Err(
            "holds a line break, control character or backslash: leave it out, or percent-encode it",
        );
    }
    let (mut rest, _fragment) = cut(text, b'#');

    let scheme = split_scheme(rest);
    if let Some((scheme, after)) = scheme {
        url.https = scheme.eq_ignore_ascii_case(b"https");
        if !url.https && !scheme.eq_ignore_ascii_case(b"http") {
            return Err(NOT_HTTP);
        }
        rest = after;
    } else if url.port == 0 {
        return Err(NOT_HTTP);
    }
    if let [b'/', b'/', after @ ..] = rest {
        let end = after.iter().position(|byte| matches!(byte, b'/' | b'?'));
        let (authority, after) = after.split_at(end.unwrap_or(after.len()));
        let (host, port) = host::split_port(authority)?;
        url.host = host::read_host(host)?;
        url.port = if port > 0 {
            port
        } else {
            default_port(url.https)
        };
        url.target.clear();
        rest = after;
    } else if scheme.is_some() {
        return Err("needs // and a host behind http: or https:");
    }

    let (path, query) = cut(rest, b'?');
    let target = &mut url.target;
    if !rest.is_empty() {
        target.truncate(cut(target.as_bytes(), b'?').0.len());
    }
    if !path.is_empty() || target.is_empty() {
        let path = if let [b'/', path @ ..] = path {
            target.clear();
            path
        } else {
            drop_segment(target);
            path
        };
        push_path(target, path);
    }
    if let Some(query) = query {
        target.push('?');
        encoding::push_allowed(target, query);
    }
    if url.text().len() > LONGEST {
        return Err(TOO_LONG);
    }
    Ok(url)
}

/// Appends the segments, each with its `/` in front, and without those that are `.` or `..` (RFC 3986, section 5.2.4).
fn push_path(out: &mut String, path: &[u8]) {
    let mut rest = Some(path);
    while let Some(path) = rest {
        let (segment, after) = cut(path, b'/');
        rest = after;
        match segment {
            b"." => {}
            b".." => drop_segment(out),
            _ => {
                out.push('/');
                encoding::push_allowed(out, segment);
                continue;
            }
        }
        if rest.is_none() {
            out.push('/');
        }
    }
}

/// Takes the last segment and its `/` away.
fn drop_segment(path: &mut String) {
    let end = path.bytes().rposition(|byte| byte == b'/');
    path.truncate(end.unwrap_or_default());
}

/// The scheme, and what is behind its `:`. The first segment of a relative path can't hold a colon.
fn split_scheme(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = cut(text, b':');
    if scheme.iter().any(|byte| matches!(byte, b'/' | b'?')) {
        return None;
    }
    Some((scheme, rest?))
}

/// One text for all, which names what is most tried.
const NOT_HTTP: &str = "must begin with https:// or http://: file, data, ftp, javascript, gopher and others are refused";
