//! The contract of `HttpClient`, against a server that the environment names.
//!
//! DEWCLAW_CONTRACT_HTTP=http://127.0.0.1:PORT is a server with these paths (`tests/e2e/contract.rs` has one):
//! `/echo` answers with "METHOD PATH", the headers it got and the body it got; `/status/N`; `/slow-head` never answers;
//! `/drip` sends a head and "abc", then stalls; `/close` promises 100 bytes, sends "0123456789" and closes; `/chunks`
//! sends "one" to "five" in chunks; `/big` sends 1 MiB of zeros. DEWCLAW_CONTRACT_CLOSED is a port where nothing listens.

use dewclaw_platform::wasi::WasiClock;
use dewclaw_platform::{
    Clock, HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method, Timeouts,
};

use crate::wasi::say;

/// Patience of a test with an exchange that must end.
const PATIENCE_MS: u64 = 20_000;

/// The server's address, or `None`, said loudly.
fn server() -> Option<String> {
    let address = std::env::var("DEWCLAW_CONTRACT_HTTP").ok();
    if address.is_none() {
        say(
            "NOT RUN: a test of the HTTP contract, since DEWCLAW_CONTRACT_HTTP names no server (scripts/test starts one)",
        );
    }
    address
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        url: url.into(),
        headers: Vec::new(),
        content_length: 0,
        timeouts: Timeouts {
            connect_ms: 10_000,
            first_byte_ms: 10_000,
            between_bytes_ms: 10_000,
        },
    }
}

/// What came of one exchange.
#[derive(Default)]
struct Heard {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    chunks: usize,
    end: Option<Result<(), HttpError>>,
}

impl Heard {
    fn take(&mut self, event: HttpEvent) {
        assert!(self.end.is_none(), "{event:?} after the end");
        match event {
            HttpEvent::Writable => {}
            HttpEvent::Head { status, headers } => {
                assert_eq!(
                    (self.status, self.chunks),
                    (0, 0),
                    "the head comes first and once"
                );
                (self.status, self.headers) = (status, headers);
            }
            HttpEvent::Chunk(bytes) => {
                assert!(self.status > 0, "a chunk before the head");
                assert!(!bytes.is_empty(), "an empty chunk");
                self.body.extend_from_slice(&bytes);
                self.chunks += 1;
            }
            HttpEvent::End => {
                assert!(self.status > 0, "an end before the head");
                self.end = Some(Ok(()));
            }
            HttpEvent::Failed(error) => self.end = Some(Err(error)),
        }
    }

    /// The lines of the echo: the headers that the server got and the first line.
    fn lines(&self) -> Vec<String> {
        let headers = self.headers.iter().map(|(name, value)| {
            [name.strip_prefix("echo-").unwrap_or(name), ": ", value].concat()
        });
        let body = String::from_utf8_lossy(&self.body).into_owned();
        headers.chain(body.lines().map(str::to_string)).collect()
    }
}

/// Polls until every exchange is over.
fn finish<const N: usize>(http: &mut dyn HttpClient, ids: [HttpId; N]) -> [Heard; N] {
    let mut heard = [(); N].map(|()| Heard::default());
    let until = WasiClock.now().monotonic_ms + PATIENCE_MS;
    while heard.iter().any(|heard| heard.end.is_none()) {
        assert!(WasiClock.now().monotonic_ms < until, "it never ended");
        for (id, event) in http.poll(1_000).expect("there is a client") {
            let at = ids.iter().position(|known| *known == id);
            heard[at.expect("only what was started can happen")].take(event);
        }
    }
    heard
}

fn exchange(http: &mut dyn HttpClient, request: &HttpRequest) -> Heard {
    let id = http.start(request).expect("it can be started");
    let [heard] = finish(http, [id]);
    heard
}

/// Milliseconds that `action` takes.
fn time(action: impl FnOnce()) -> u64 {
    let before = WasiClock.now().monotonic_ms;
    action();
    WasiClock.now().monotonic_ms - before
}

/// A request arrives as it was made, and its answer as it was given.
pub(crate) fn gets(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let mut request = get(&[&server, "/echo?a=1&b=%C3%A9"].concat());
    request.headers = vec![
        ("x-one".into(), "first".into()),
        ("accept".into(), "text/plain, */*".into()),
    ];
    let heard = exchange(http, &request);
    assert_eq!((heard.status, heard.end), (200, Some(Ok(()))));
    let lines = heard.lines();
    for line in [
        "GET /echo?a=1&b=%C3%A9",
        "x-one: first",
        "accept: text/plain, */*",
    ] {
        assert!(lines.iter().any(|known| known == line), "{line}: {lines:?}");
    }
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("transfer-encoding")),
        "{lines:?}"
    );
}

/// A URL without a path asks for `/`.
pub(crate) fn asks_for_the_root(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    assert_eq!(exchange(http, &get(&server)).status, 404);
    assert_eq!(exchange(http, &get(&[&server, "?x"].concat())).status, 404);
}

/// A body goes out in as many writes as it takes, under the length that was said.
pub(crate) fn posts_a_body_in_pieces(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    // More than any host holds at once, so that it must say so by taking less.
    let body: Vec<u8> = (0..3_000_000u32)
        .map(|index| b'a' + (index % 23) as u8)
        .collect();
    let mut request = get(&[&server, "/echo"].concat());
    request.method = Method::Post;
    request.content_length = body.len() as u64;
    let (id, partial) = post(http, &request, &[&body]);
    assert!(partial > 0, "3 MB were taken at once");
    let [heard] = finish(http, [id]);
    assert_eq!((heard.status, heard.end), (200, Some(Ok(()))));
    assert!(heard.body.starts_with(b"POST /echo\n"));
    assert!(heard.body.ends_with(&body), "the body came back otherwise");
    request.content_length = 10;
    let (id, _) = post(http, &request, &[b"0123", b"4", b"56789"]);
    let [heard] = finish(http, [id]);
    assert!(heard.body.ends_with(b"0123456789"));
    let lines = heard.lines();
    assert!(
        lines.iter().any(|line| line == "content-length: 10"),
        "{lines:?}"
    );
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("transfer-encoding")),
        "{lines:?}"
    );
}

/// Starts an exchange and writes its body piece by piece; also answers how many writes took less than they were offered.
fn post(http: &mut dyn HttpClient, request: &HttpRequest, pieces: &[&[u8]]) -> (HttpId, u32) {
    let id = http.start(request).expect("it can be started");
    let until = WasiClock.now().monotonic_ms + PATIENCE_MS;
    let mut partial = 0;
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            assert!(
                WasiClock.now().monotonic_ms < until,
                "it never took all of it"
            );
            let taken = http.write(id, rest).expect("the exchange is open");
            partial += u32::from(taken < rest.len());
            rest = &rest[taken..];
            if taken == 0 {
                let events = http.poll(5_000).expect("there is a client");
                assert_eq!(events, [(id, HttpEvent::Writable)]);
            }
        }
    }
    (id, partial)
}

/// A POST may be empty.
pub(crate) fn posts_nothing(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let mut request = get(&[&server, "/echo"].concat());
    request.method = Method::Post;
    let heard = exchange(http, &request);
    assert!(heard.body.starts_with(b"POST /echo\n"));
    assert_eq!((heard.status, heard.end), (200, Some(Ok(()))));
}

/// Exchanges go on beside each other, and a slow one holds up none.
pub(crate) fn runs_several_at_once(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let mut start = |path: &str| {
        http.start(&get(&[&server, path].concat()))
            .expect("it can be started")
    };
    let slow = start("/slow-head");
    let ids = ["/chunks", "/big", "/echo?1", "/echo?2", "/status/404"].map(start);
    let mut all = ids.to_vec();
    all.push(slow);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6, "an id was given twice");
    let [chunks, big, one, two, missing] = finish(http, ids);
    assert_eq!(chunks.body, b"onetwothreefourfive");
    assert!(big.body == vec![0; 1 << 20] && big.chunks > 1);
    assert!(one.body.starts_with(b"GET /echo?1\n"));
    assert!(two.body.starts_with(b"GET /echo?2\n"));
    assert_eq!(missing.status, 404);
    http.cancel(slow).expect("there is a client");
    let later = http.start(&get(&server)).expect("it can be started");
    assert!(!all.contains(&later), "an id was given again");
    finish(http, [later]);
}

/// Any status is an answer: what to make of it is the caller's business. No redirect is followed.
pub(crate) fn passes_every_status_on(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    for status in [200, 201, 302, 307, 400, 401, 404, 413, 429, 500, 503] {
        let heard = exchange(http, &get(&format!("{server}/status/{status}")));
        assert_eq!((heard.status, heard.end), (status, Some(Ok(()))));
    }
}

/// Names of headers are in lower case, whatever the server wrote.
pub(crate) fn lowers_the_names_of_headers(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let heard = exchange(http, &get(&[&server, "/echo"].concat()));
    assert!(
        heard
            .headers
            .iter()
            .any(|(name, _)| name == "content-length")
    );
    for (name, _) in &heard.headers {
        assert_eq!(*name, name.to_ascii_lowercase());
    }
}

/// A server that never answers is given up after the first-byte patience, not earlier.
pub(crate) fn times_out_before_the_head(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let mut request = get(&[&server, "/slow-head"].concat());
    request.timeouts.connect_ms = 100;
    request.timeouts.first_byte_ms = 300;
    let took = time(|| {
        let heard = exchange(http, &request);
        assert_eq!(heard.end, Some(Err(HttpError::FirstByteTimeout)));
    });
    assert!((300..5_000).contains(&took), "after {took} ms");
}

/// A server that stalls is given up after the patience between bytes; what came before is told.
pub(crate) fn times_out_between_bytes(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let mut request = get(&[&server, "/drip"].concat());
    request.timeouts.between_bytes_ms = 300;
    let took = time(|| {
        let heard = exchange(http, &request);
        assert_eq!((heard.status, &heard.body[..]), (200, &b"abc"[..]));
        assert_eq!(heard.end, Some(Err(HttpError::BetweenBytesTimeout)));
    });
    assert!((300..5_000).contains(&took), "after {took} ms");
}

/// A port where nothing listens is no connection.
pub(crate) fn tells_a_closed_port(http: &mut dyn HttpClient) {
    let Some(_) = server() else { return };
    let closed = std::env::var("DEWCLAW_CONTRACT_CLOSED");
    let closed = closed.expect(
        "DEWCLAW_CONTRACT_CLOSED names a closed port, as DEWCLAW_CONTRACT_HTTP names a server",
    );
    let url = if closed.starts_with("http") {
        closed
    } else {
        ["http://127.0.0.1:", &closed].concat()
    };
    let heard = exchange(http, &get(&[&url, "/"].concat()));
    // Sockets tell it from other ways not to connect.
    let expected = if cfg!(target_env = "p1") {
        HttpError::Refused
    } else {
        HttpError::Connect
    };
    assert_eq!(heard.end, Some(Err(expected)));
}

/// A connection that closes midway is no end.
pub(crate) fn tells_a_connection_that_closes_midway(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let heard = exchange(http, &get(&[&server, "/close"].concat()));
    assert_eq!((heard.status, &heard.body[..]), (200, &b"0123456789"[..]));
    assert_eq!(heard.end, Some(Err(HttpError::Closed)));
}

/// Of an exchange that was cancelled nothing is heard again.
pub(crate) fn cancels(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let early = http
        .start(&get(&[&server, "/echo"].concat()))
        .expect("it can be started");
    http.cancel(early).expect("there is a client");
    let id = http
        .start(&get(&[&server, "/drip"].concat()))
        .expect("it can be started");
    let mut heard = Heard::default();
    while heard.chunks == 0 {
        for (_, event) in http.poll(5_000).expect("there is a client") {
            heard.take(event);
        }
    }
    http.cancel(id).expect("there is a client");
    assert_eq!(http.poll(300), Ok(Vec::new()));
    http.cancel(id).expect("again is fine");
    let over = http
        .start(&get(&[&server, "/chunks"].concat()))
        .expect("it can be started");
    finish(http, [over]);
    http.cancel(over).expect("what is over may be cancelled");
    assert_eq!(http.poll(0), Ok(Vec::new()));
}

/// With nothing in flight a poll is a wait.
pub(crate) fn waits_with_nothing_in_flight(http: &mut dyn HttpClient) {
    let took = time(|| assert_eq!(http.poll(250), Ok(Vec::new())));
    assert!((250..3_000).contains(&took), "{took} ms");
    let took = time(|| assert_eq!(http.poll(0), Ok(Vec::new())));
    assert!(took < 250, "{took} ms");
}

/// A poll ends when its time is over, though an exchange goes on.
pub(crate) fn waits_no_longer_than_asked(http: &mut dyn HttpClient) {
    let Some(server) = server() else { return };
    let id = http
        .start(&get(&[&server, "/slow-head"].concat()))
        .expect("it can be started");
    let took = time(|| assert_eq!(http.poll(250), Ok(Vec::new())));
    assert!((250..3_000).contains(&took), "{took} ms");
    http.cancel(id).expect("there is a client");
}

/// An id that was never given can't be written to; cancelled it may be.
pub(crate) fn refuses_unknown_ids(http: &mut dyn HttpClient) {
    assert!(http.write(HttpId(999), b"x").is_err());
    http.cancel(HttpId(999)).expect("there is a client");
}

/// What is no HTTP request is refused before anything is sent.
pub(crate) fn refuses_what_is_no_request(http: &mut dyn HttpClient) {
    for url in [
        "",
        "127.0.0.1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://a b/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/a\r\nx: y",
    ] {
        assert_eq!(
            http.start(&get(url)).err(),
            Some(HttpError::InvalidRequest),
            "{url:?}"
        );
    }
    for (name, value) in [("x y", "z"), ("", "z"), ("x", "a\r\ny: z"), ("x", "a\0")] {
        let mut request = get("http://127.0.0.1/");
        request.headers.push((name.into(), value.into()));
        assert_eq!(
            http.start(&request).err(),
            Some(HttpError::InvalidRequest),
            "{name:?}"
        );
    }
    assert_eq!(http.poll(0), Ok(Vec::new()));
}

/// One `#[test]` for each of the above, over clients made by `$fresh`.
macro_rules! http_contract {
    ($fresh:expr) => {
        http_contract! { @each $fresh;
            gets, asks_for_the_root, posts_a_body_in_pieces, posts_nothing, runs_several_at_once,
            passes_every_status_on, lowers_the_names_of_headers,
            times_out_before_the_head, times_out_between_bytes, tells_a_closed_port,
            tells_a_connection_that_closes_midway, cancels,
            waits_with_nothing_in_flight, waits_no_longer_than_asked,
            refuses_unknown_ids, refuses_what_is_no_request
        }
    };
    (@each $fresh:expr; $($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                crate::http::$name(&mut $fresh());
            }
        )*
    };
}
