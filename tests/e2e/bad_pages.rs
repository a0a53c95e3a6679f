//! Pages and servers that web_fetch has to survive, a row each: an error that says what to do or what could be read, and no trap.

use crate::web_fetch::{fetch, fetch_all, refused};
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host_and_board};
use e2e::loopback::ClosedPort;
use e2e::scratch::Scratch;
use e2e::web::{Page, Site, chain};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What is read of a body, as the contract says.
const CAP: u64 = 2 << 20;

/// More than the cap and every buffer between a server and the guest, and a fraction of what the servers here would send.
const TAKEN: u64 = 24 << 20;

/// Fetches each path of the site, all in one turn.
fn fetch_paths<'p>(
    host: Host,
    site: &Site,
    paths: impl IntoIterator<Item = &'p str>,
) -> Vec<Value> {
    let calls: Vec<_> = paths
        .into_iter()
        .map(|path| json!({"url": site.url(path)}))
        .collect();
    fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority()))
}

/// Fetches one path with the command, which shows all that was read.
fn fetch_whole(host: Host, site: &Site, path: &str) -> Value {
    fetch(host, &json!({"url": site.url(path)}), |guest| {
        guest.allow_fetch(&site.authority())
    })
}

/// Settings with short patience; long enough for a scripted model on a busy machine.
fn impatient() -> Scratch {
    let settings = json!({"first_byte_timeout_ms": 1000, "between_bytes_timeout_ms": 1000});
    Scratch::with(&[("dewclaw.json", &settings.to_string())])
}

/// Asserts that no kind of error but these came.
#[track_caller]
fn refused_by_one_of(result: &Value, kinds: &[&str]) {
    let kind = result["error"]["kind"].as_str().unwrap_or_default();
    assert!(kinds.contains(&kind), "not one of {kinds:?}: {result}");
    refused(result, kind);
}

#[test]
fn a_redirect_loop() {
    on_each_host_and_board(|host| {
        let site = Site::open([
            ("/a", Page::redirect(302, "/b")),
            ("/b", Page::redirect(301, "/a")),
            ("/self", Page::redirect(307, "/self")),
        ]);
        for result in fetch_paths(host, &site, ["/a", "/self"]) {
            let message = refused(&result, "network");
            assert!(message.contains("redirect"), "{message}");
        }
        assert!(site.requests().len() <= 12, "{:?}", site.paths());
    });
}

#[test]
fn more_than_five_redirects() {
    on_each_host_and_board(|host| {
        let site = Site::open(chain(6));
        let result = fetch_whole(host, &site, "/1");
        let message = refused(&result, "network");
        assert!(message.contains("redirect"), "{message}");
        assert!(
            !site.paths().contains(&"/7".to_owned()),
            "{:?}",
            site.paths()
        );
    });
}

#[test]
fn redirects_to_nowhere() {
    on_each_host_and_board(|host| {
        let rows = [
            "",
            "http://",
            "http:///path",
            "http://[::1",
            "http://a b/",
            "http://a.example:99999/",
            "file:///etc/passwd",
            "data:text/plain,hello",
            "ftp://a.example/",
            "javascript:alert(1)",
            "gopher://a.example/",
        ];
        let pages = rows
            .iter()
            .enumerate()
            .map(|(row, location)| (format!("/{row}"), Page::redirect(302, location)));
        let missing = Page::text("It is elsewhere.").status(302);
        let site = Site::open(pages.chain([("/missing".to_owned(), missing)]));
        let paths: Vec<_> = (1..rows.len()).map(|row| format!("/{row}")).collect();
        let results = fetch_paths(host, &site, paths.iter().map(String::as_str));
        for (result, row) in results.iter().zip(&rows[1..]) {
            eprintln!("redirect to {row:?}");
            refused_by_one_of(
                result,
                &["permission_denied", "network", "invalid_arguments"],
            );
        }
        // One that says nothing of where can be told as it is, and an empty one is the page itself.
        for result in fetch_paths(host, &site, ["/missing", "/0"]) {
            assert!(
                result["status"] == 302 || result["error"]["kind"] == "network",
                "{result}"
            );
        }
    });
}

#[test]
fn addresses_that_are_none() {
    on_each_host_and_board(|host| {
        let site = Site::untouched();
        let rows = [
            "",
            " ",
            "a.example",
            "/path",
            "//a.example/",
            "http:",
            "http://",
            "http:///path",
            "http://?q",
            "http://[::1",
            "http://a b.example/",
            "http://a.example:99999/",
            "http://a.example:port/",
            "http://a.example\r\nx-evil: 1/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "data:text/plain,hello",
            "javascript:alert(1)",
            "gopher://a.example/",
            "unix:/run/docker.sock",
        ];
        let calls = rows.map(|url| json!({"url": url}));
        let grant = |guest: Guest| guest.allow_fetch("*").allow_fetch(&site.authority());
        for (result, row) in fetch_all(host, &calls, grant).iter().zip(rows) {
            eprintln!("fetching {row:?}");
            refused(result, "invalid_arguments");
        }
    });
}

#[test]
fn arguments_that_are_wrong() {
    on_each_host_and_board(|host| {
        let site = Site::open([("/", Page::echo())]);
        let url = site.url("/");
        let calls = [
            json!({}),
            json!({"url": 7}),
            json!({"url": url, "colour": "red"}),
            json!({"url": url, "method": "GET\r\nx-evil: 1"}),
            json!({"url": url, "method": ""}),
            json!({"url": url, "method": "CONNECT"}),
            json!({"url": url, "headers": "accept: text/html"}),
            json!({"url": url, "headers": {"x-a": "1\r\nx-evil: 1"}}),
            json!({"url": url, "headers": {"x-a\r\nx-evil": "1"}}),
            json!({"url": url, "headers": {"x a": "1"}}),
            json!({"url": url, "headers": {"": "1"}}),
            json!({"url": url, "headers": {"x-a": 1}}),
            json!({"url": url, "headers": {"host": "elsewhere.example"}}),
            json!({"url": url, "headers": {"Content-Length": "0"}}),
            json!({"url": url, "headers": {"transfer-encoding": "chunked"}}),
            json!({"url": url, "method": "POST", "body": {"a": 1}}),
        ];
        let results = fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority()));
        for (result, call) in results.iter().zip(&calls) {
            eprintln!("fetching {call}");
            refused(result, "invalid_arguments");
        }
        assert_eq!((site.connections(), site.malformed()), (0, vec![]));
    });
}

#[test]
fn a_body_that_never_ends() {
    on_each_host_and_board(|host| {
        let site = Site::open([("/", Page::endless())]);
        let result = fetch_whole(host, &site, "/");
        assert_eq!(
            (&result["status"], &result["truncated"]),
            (&json!(200), &json!(true))
        );
        let body = result["body"].as_str().unwrap_or_default();
        assert!(body.starts_with("This line comes again"), "{body:.200}");
        assert!(body.len() as u64 <= CAP + 1024, "{}", body.len());
        assert!(result["bytes"].as_u64().is_some_and(|bytes| bytes <= CAP));
        assert!(site.sent() < TAKEN, "{} bytes were taken", site.sent());
    });
}

#[test]
fn a_page_that_never_ends() {
    on_each_host_and_board(|host| {
        let text = "<p>Again and again.</p>\n".repeat(300_000);
        let site = Site::open([("/", Page::html(&text))]);
        let result = fetch_whole(host, &site, "/");
        assert_eq!(result["truncated"], true);
        let body = result["body"].as_str().unwrap_or_default();
        assert!(body.starts_with("Again and again."), "{body:.200}");
        assert!(!body.contains("<p>"), "{body:.200}");
    });
}

#[test]
fn a_gigabyte_of_text() {
    on_each_host_and_board(|host| {
        let site = Site::open([("/", Page::filled(b'x', 1 << 30))]);
        let result = fetch_whole(host, &site, "/");
        assert_eq!(result["truncated"], true);
        let body = result["body"].as_str().unwrap_or_default();
        assert!(body.starts_with("xxx") && body.len() as u64 <= CAP + 1024);
        assert!(site.sent() < TAKEN, "{} bytes were taken", site.sent());
    });
}

#[test]
fn a_gigabyte_of_zeros() {
    on_each_host_and_board(|host| {
        let site = Site::open([("/", Page::filled(0, 1 << 30))]);
        let result = fetch_whole(host, &site, "/");
        if result["truncated"] != true {
            refused_by_one_of(&result, &["unsupported", "too_large"]);
        }
        assert!(site.sent() < TAKEN, "{} bytes were taken", site.sent());
    });
}

#[test]
fn ten_thousand_headers() {
    on_each_host_and_board(|host| {
        let site = Site::open([("/", Page::with_headers(10_000))]);
        let result = fetch_whole(host, &site, "/");
        if result["status"] != 200 {
            refused_by_one_of(&result, &["network", "too_large"]);
        }
    });
}

#[test]
fn a_content_type_that_lies() {
    on_each_host_and_board(|host| {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
        let html = "<p>Marked <b>up</b>.</p>";
        let site = Site::open([
            ("/html-of-png", Page::of("text/html", png)),
            ("/text-of-png", Page::of("text/plain", png)),
            ("/png", Page::of("image/png", png)),
            ("/nothing-of-png", Page::untyped(png)),
            ("/text-of-html", Page::of("text/plain", html)),
            ("/png-of-text", Page::of("image/png", "In truth, text.")),
            ("/nothing-of-html", Page::untyped(html)),
            ("/nonsense", Page::of(";;=,/", "Words.")),
            ("/json-of-html", Page::of("application/json", html)),
        ]);
        let paths = ["/html-of-png", "/text-of-png", "/png", "/nothing-of-png"];
        for result in fetch_paths(host, &site, paths) {
            refused(&result, "unsupported");
        }
        let paths = [
            "/text-of-html",
            "/png-of-text",
            "/nothing-of-html",
            "/nonsense",
            "/json-of-html",
        ];
        let results = fetch_paths(host, &site, paths);
        assert_eq!(results[0]["body"], html, "plain text is as it is");
        if results[1]["body"] != "In truth, text." {
            refused(&results[1], "unsupported");
        }
        for (result, word) in results[2..].iter().zip(["Marked", "Words.", "Marked"]) {
            let body = result["body"].as_str().unwrap_or_default();
            assert!(body.contains(word), "{result}");
        }
    });
}

#[test]
fn charsets_that_are_not_utf8() {
    on_each_host_and_board(|host| {
        let latin1 = b"<p>Caf\xe9 f\xfcr \x80 3</p>";
        let with = |head: &str| [head.as_bytes(), latin1].concat();
        let site = Site::open([
            ("/1", Page::of("text/html; charset=ISO-8859-1", latin1)),
            ("/2", Page::of("text/html;Charset=\"windows-1252\"", latin1)),
            ("/3", Page::of("text/plain; charset=latin1", latin1)),
            (
                "/4",
                Page::of("text/html", with("<meta charset=windows-1252>")),
            ),
            (
                "/5",
                Page::of(
                    "text/html",
                    with(
                        "<META http-equiv='Content-Type' content='text/html; charset=iso-8859-1'>",
                    ),
                ),
            ),
            (
                "/utf8",
                Page::of(
                    "text/html; charset=utf-8",
                    "<meta charset=latin1><p>Café</p>",
                ),
            ),
            ("/bom", Page::of("text/html", "\u{feff}<p>Café</p>")),
            ("/undeclared", Page::of("text/html", latin1)),
            ("/unknown", Page::of("text/html; charset=x-klingon", latin1)),
        ]);
        let paths = ["/1", "/2", "/3", "/4", "/5"];
        for (result, path) in fetch_paths(host, &site, paths).iter().zip(paths) {
            let body = result["body"].as_str().unwrap_or_default();
            // By the Encoding Standard each name of Latin-1 means windows-1252.
            assert!(body.contains("Café für € 3"), "{path}: {result}");
        }
        for result in fetch_paths(host, &site, ["/utf8", "/bom"]) {
            assert_eq!(
                result["body"].as_str().map(str::trim),
                Some("Café"),
                "{result}"
            );
        }
        for result in fetch_paths(host, &site, ["/undeclared", "/unknown"]) {
            let body = result["body"].as_str().unwrap_or_default();
            if !(body.contains("Caf") && body.contains(" 3")) {
                refused(&result, "unsupported");
            }
        }
    });
}

#[test]
fn bodies_that_are_packed_though_nobody_asked() {
    on_each_host_and_board(|host| {
        // gzip of nothing much; what matters is that it is not taken for text.
        let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c\x84\x01\0\x1b\xcd\x1a\x93\x05\0\0\0";
        let packed = |name: &str| Page::of("text/plain", gzip).header("content-encoding", name);
        let site = Site::open([("/gzip", packed("gzip")), ("/br", packed("br"))]);
        for result in fetch_paths(host, &site, ["/gzip", "/br"]) {
            refused(&result, "unsupported");
        }
    });
}

#[test]
fn servers_that_never_answer_or_stall() {
    on_each_host_and_board(|host| {
        let site = Site::open([
            ("/silent", Page::silence()),
            ("/stalling", Page::stalling("The beginning")),
        ]);
        let (state, started) = (impatient(), Instant::now());
        let calls = ["/silent", "/stalling"].map(|path| json!({"url": site.url(path)}));
        let results = fetch_all(host, &calls, |guest| {
            guest.allow_fetch(&site.authority()).state(&state)
        });
        for result in &results {
            refused(result, "timeout");
        }
        assert!(started.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn servers_that_are_none() {
    on_each_host_and_board(|host| {
        let closed = ClosedPort::new();
        let site = Site::open([
            ("/hang-up", Page::hang_up()),
            ("/not-http", Page::raw("SSH-2.0-OpenSSH_9.9\r\n")),
            ("/half-a-head", Page::raw("HTTP/1.1 200 OK\r\ncontent-ty")),
            (
                "/half-a-body",
                Page::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
            ),
            (
                "/bad-chunk",
                Page::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
            ),
        ]);
        let mut calls: Vec<_> = [
            "/hang-up",
            "/not-http",
            "/half-a-head",
            "/half-a-body",
            "/bad-chunk",
        ]
        .map(|path| json!({"url": site.url(path)}))
        .to_vec();
        calls.push(json!({"url": closed.url()}));
        calls.push(json!({"url": format!("https://{}/", site.authority())}));
        let results = fetch_all(host, &calls, |guest| {
            let closed = closed.url();
            guest
                .allow_fetch(&site.authority())
                .allow_fetch(closed.trim_start_matches("http://"))
        });
        for (result, call) in results.iter().zip(&calls) {
            eprintln!("fetching {call}");
            let is_tls = call["url"].to_string().contains("https:");
            let kind = if is_tls && !host.has_tls() {
                "unsupported"
            } else {
                "network"
            };
            refused(result, kind);
        }
    });
}
