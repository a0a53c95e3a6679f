//! Which headers a plugin may send, which it gets to see, and which stay behind at a redirect.

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::{EgressError, shown};

/// How many headers a request or an answer may have.
pub(super) const MOST: usize = 100;

/// The door sets these itself: with a plugin's own, two readers of one request may see two requests in it, or another host.
const REFUSED: [&str; 4] = ["host", "content-length", "transfer-encoding", "expect"];

/// They are of one connection only (RFC 9110, section 7.6.1), or, as `accept-encoding`, what the door says for itself.
const HOP_BY_HOP: [&str; 13] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "accept-encoding",
    "alt-svc",
];

/// The headers of a request; those that are of one connection only are left out.
///
/// # Errors
/// One is refused by its name, or is none.
pub(super) fn of_request(given: &[(String, Vec<u8>)]) -> Result<HeaderMap, EgressError> {
    let refused = |name: &str, problem| EgressError::Header {
        name: shown(name),
        problem,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        if name.bytes().any(|byte| breaks(&byte)) || value.iter().any(breaks) {
            return Err(refused(name, "it has CR, LF or NUL"));
        }
        let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(refused(name, "it is no header name"));
        };
        if REFUSED.contains(&key.as_str()) {
            return Err(refused(name, "the host sets it"));
        }
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return Err(refused(name, "its value has a control letter"));
        };
        if headers.len() == MOST {
            return Err(refused(name, "it is the 101st header"));
        }
        headers.append(key, value);
    }
    strip_hop_by_hop(&mut headers);
    Ok(headers)
}

/// Takes out what is of one connection only, with what the `connection` header names.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Takes out what speaks of a body, where there is none any more.
pub(super) fn strip_content(headers: &mut HeaderMap) {
    for name in [
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
        CONTENT_LENGTH,
        CONTENT_LOCATION,
        CONTENT_TYPE,
    ] {
        headers.remove(name);
    }
}

/// Takes out what may be a secret of the server that the request was for.
pub(super) fn strip_credentials(headers: &mut HeaderMap) {
    let secret: Vec<HeaderName> = headers
        .iter()
        .filter(|(name, value)| value.is_sensitive() || may_be_secret(name.as_str()))
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

/// `authorization` and `cookie`, which every client keeps back, and what services call their own: `x-api-key`,
/// `x-auth-token`, `private-token`, `x-amz-security-token` …
fn may_be_secret(name: &str) -> bool {
    [
        "auth",
        "cookie",
        "token",
        "secret",
        "key",
        "session",
        "password",
        "credential",
        "signature",
    ]
    .iter()
    .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)]) -> Result<HeaderMap, EgressError> {
        let owned: Vec<_> = given
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        of_request(&owned)
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn nothing_is_slipped_in() {
        for (name, value) in [
            ("x-a", "b\r\nhost: evil"),
            ("x-a", "b\nc"),
            ("x-a", "b\0"),
            ("x-a\r\nhost", "evil"),
            ("x a", "b"),
            ("x-a:", "b"),
            ("", "b"),
            ("x-a", "\u{1b}[2J"),
            ("Host", "evil"),
            ("hOST", "evil"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("expect", "100-continue"),
        ] {
            let refused = of(&[("accept", "*/*"), (name, value)]);
            assert!(
                matches!(refused, Err(EgressError::Header { .. })),
                "{name:?}"
            );
        }
        let many: Vec<(&str, &str)> = vec![("x-a", "b"); MOST + 1];
        assert!(of(&many).is_err());
        assert_eq!(of(&many[1..]).unwrap().len(), MOST);
    }

    #[test]
    fn what_is_of_one_connection_stays_there() {
        let kept = of(&[
            ("Connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("Keep-Alive", "a"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "Basic a"),
            ("Accept-Encoding", "br"),
        ]);
        assert_eq!(names(&kept.unwrap()), ["x-other"]);
    }

    #[test]
    fn secrets_do_not_cross_origins() {
        let mut headers = of(&[
            ("Authorization", "Bearer a"),
            ("Cookie", "a=b"),
            ("X-Api-Key", "a"),
            ("PRIVATE-TOKEN", "a"),
            ("x-amz-security-token", "a"),
            ("accept", "*/*"),
            ("x-request-id", "1"),
        ])
        .unwrap();
        strip_credentials(&mut headers);
        assert_eq!(names(&headers), ["accept", "x-request-id"]);
    }
}
