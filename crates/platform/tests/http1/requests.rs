//! Heads of requests, byte for byte, and what is refused before anything is sent.

use dewclaw_platform::http1::{request_head, target};
use dewclaw_platform::{HttpError, HttpRequest, Method, Timeouts};

fn head(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    content_length: u64,
) -> Result<String, HttpError> {
    let request = HttpRequest {
        method,
        url: url.into(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        content_length,
        timeouts: Timeouts {
            connect_ms: 1,
            first_byte_ms: 1,
            between_bytes_ms: 1,
        },
    };
    let head = request_head(&request, &target(url)?)?;
    Ok(String::from_utf8(head).expect("a head is text"))
}

#[test]
fn requests_are_written_as_they_were_made() {
    for (method, url, headers, length, expected) in [
        (
            Method::Get,
            "http://h",
            &[][..],
            0,
            "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
        ),
        (
            Method::Head,
            "http://h:8080/",
            &[],
            0,
            "HEAD / HTTP/1.1\r\nhost: h:8080\r\n\r\n",
        ),
        (
            Method::Get,
            "http://h?q=1",
            &[],
            0,
            "GET /?q=1 HTTP/1.1\r\nhost: h\r\n\r\n",
        ),
        (
            Method::Delete,
            "http://[::1]:80/a%20b?c=/d",
            &[("x-a", "b"), ("x-e", "\u{fc} \t\"")],
            0,
            "DELETE /a%20b?c=/d HTTP/1.1\r\nhost: [::1]:80\r\nx-a: b\r\nx-e: \u{fc} \t\"\r\n\r\n",
        ),
        (
            Method::Post,
            "http://h/x",
            &[],
            0,
            "POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            Method::Put,
            "http://h/x",
            &[],
            10,
            "PUT /x HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n",
        ),
        (
            Method::Patch,
            "http://h/x",
            &[("accept", "*/*")],
            u64::MAX,
            "PATCH /x HTTP/1.1\r\nhost: h\r\naccept: */*\r\ncontent-length: 18446744073709551615\r\n\r\n",
        ),
        (
            Method::Get,
            "http://h/x",
            &[],
            3,
            "GET /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n",
        ),
    ] {
        assert_eq!(head(method, url, headers, length).as_deref(), Ok(expected));
    }
}

#[test]
fn nothing_of_a_request_ends_its_head_early() {
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("a\r\nb", "x"),
        ("\u{fc}", "x"),
        ("a", "x\r\nb: c"),
        ("a", "x\n"),
        ("a", "x\r"),
        ("a", "\u{0}"),
        ("a", "\u{7f}"),
        ("host", "other"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("upgrade", "h2c"),
        ("te", "trailers"),
    ] {
        let refused = head(Method::Get, "http://h/", &[(name, value)], 0);
        assert_eq!(
            refused,
            Err(HttpError::InvalidRequest),
            "{name:?}: {value:?}"
        );
    }
}
