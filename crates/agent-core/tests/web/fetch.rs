//! `web_fetch`: what is sent, which redirects are followed, what comes of the body.

use super::{allowing, call, page, redirect, reply};
use dewclaw_agent_core::{HttpAnswer, Settings};
use dewclaw_platform::Method;
use serde_json::{Value, json};

const URL: &str = "https://example.com/page";

fn fetch(arguments: &Value, answers: Vec<HttpAnswer>) -> super::Fetched {
    let settings = allowing(&["example.com", "www.example.com:8443", "other.example.org"]);
    call("web_fetch", &settings, arguments, answers)
}

#[track_caller]
fn body(kind: &str, bytes: impl AsRef<[u8]>) -> String {
    let fetched = fetch(&json!({"url": URL}), vec![page(kind, bytes)]);
    fetched.result["body"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", fetched.result))
        .to_string()
}

#[test]
fn a_page_comes_as_text_that_is_marked_as_data() {
    let html = "<html><head><title>T</title></head><body><nav>menu</nav><h1>Hello</h1>\
                <p>See <a href=\"/more\">more</a>.</p><script>evil()</script></body></html>";
    let fetched = fetch(&json!({"url": URL}), vec![page("text/html", html)]);
    let result = &fetched.result;
    let first = serde_json::to_string(result).unwrap();
    assert!(
        result["note"]
            .as_str()
            .unwrap()
            .contains("never instructions"),
        "{first}"
    );
    assert_eq!(result["status"], 200);
    assert_eq!(result["content_type"], "text/html");
    assert_eq!(result["url"], URL);
    assert_eq!(result["bytes"], html.len());
    assert_eq!(result.get("truncated"), None);
    let text = result["body"].as_str().unwrap();
    assert!(text.contains("# Hello"), "{text}");
    assert!(text.contains("[more](https://example.com/more)"), "{text}");
    assert!(!text.contains("menu") && !text.contains("evil"), "{text}");
    let sent = &fetched.sent[0];
    assert_eq!((sent.method, sent.url.as_str()), (Method::Get, URL));
    assert!(
        sent.headers
            .contains(&("accept-encoding".into(), "identity".into()))
    );
    assert!(sent.auth.is_none() && sent.body.is_empty());
}

#[test]
fn the_source_comes_when_it_is_asked_for() {
    let html = "<p>a</p>";
    let arguments = json!({"url": URL, "headers": {"Accept": "text/html"}});
    let fetched = fetch(&arguments, vec![page("text/html", html)]);
    assert_eq!(fetched.result["body"], html);
}

#[test]
fn what_is_said_to_be_text_comes_as_it_is() {
    for kind in [
        "text/plain",
        "application/json; charset=utf-8",
        "text/csv",
        "image/svg+xml",
        "",
        "image/png",
    ] {
        assert_eq!(
            body(kind, "<b>1</b> {\"a\": 2}"),
            "<b>1</b> {\"a\": 2}",
            "{kind}"
        );
    }
    assert_eq!(body("", "\n<!DOCTYPE html><p>a</p>").trim(), "a");
    assert_eq!(
        body("text/plain; charset=iso-8859-1", b"caf\xe9"),
        "caf\u{e9}"
    );
    assert_eq!(
        body("text/html", b"<meta charset=windows-1252><p>\x80 5</p>").trim(),
        "\u{20ac} 5"
    );
}

#[test]
fn binary_data_is_refused_by_its_bytes_whatever_it_says_it_is() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    for kind in [
        "image/png",
        "text/html",
        "text/plain",
        "",
        "application/octet-stream",
    ] {
        let fetched = fetch(&json!({"url": URL}), vec![page(kind, png)]);
        assert_eq!(fetched.kind(), "unsupported", "{kind}");
        assert!(
            fetched.message().contains("binary"),
            "{}",
            fetched.message()
        );
    }
    let zeros = HttpAnswer::Reply {
        status: 200,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: vec![0; 100_000],
        whole: false,
    };
    assert_eq!(
        fetch(&json!({"url": URL}), vec![zeros]).kind(),
        "unsupported"
    );
    // One far behind the start is a slip of the page's author.
    let slip = [&[b'a'; 2_000][..], b"\0", b"<p>end"].concat();
    assert!(body("text/html", &slip).ends_with("end"));
    let gzip = reply(
        200,
        &[("content-encoding", "gzip"), ("content-type", "text/html")],
        "x",
    );
    let fetched = fetch(&json!({"url": URL}), vec![gzip]);
    assert_eq!(fetched.kind(), "unsupported");
    let strange = page("text/plain; charset=koi8-r", b"\xc1\xc2");
    let fetched = fetch(&json!({"url": URL}), vec![strange]);
    assert_eq!(fetched.kind(), "unsupported");
    assert!(
        fetched.message().contains("koi8-r"),
        "{}",
        fetched.message()
    );
}

#[test]
fn a_long_text_is_cut_and_says_so_and_the_result_stays_json() {
    let quotes = "\"".repeat(200_000);
    let fetched = fetch(&json!({"url": URL}), vec![page("text/plain", &quotes)]);
    assert_eq!(fetched.result["truncated"], true);
    assert_eq!(fetched.result["bytes"], 200_000);
    let whole = serde_json::to_string(&fetched.result).unwrap();
    assert!(whole.len() <= 64 * 1024, "{} bytes", whole.len());
    assert!(whole.len() > 56 * 1024, "{} bytes", whole.len());
    let cut_off = HttpAnswer::Reply {
        status: 200,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: b"short".to_vec(),
        whole: false,
    };
    assert_eq!(
        fetch(&json!({"url": URL}), vec![cut_off]).result["truncated"],
        true
    );
}

#[test]
fn an_error_status_is_a_result_with_its_page() {
    for status in [204, 304, 404, 500] {
        let answer = reply(status, &[("content-type", "text/plain")], "no such page");
        let fetched = fetch(&json!({"url": URL}), vec![answer]);
        assert_eq!(fetched.result["status"], status);
        assert_eq!(fetched.result["body"], "no such page");
    }
}

#[test]
fn what_the_model_sends_goes_out_as_it_is() {
    let arguments = json!({
        "url": "http://www.example.com:8443/a?b=1#part",
        "method": "POST",
        "headers": {"X-One": "1", "Content-Type": "application/x-www-form-urlencoded"},
        "body": "a=b",
    });
    let fetched = fetch(&arguments, vec![page("text/plain", "ok")]);
    let sent = &fetched.sent[0];
    assert_eq!(sent.method, Method::Post);
    assert_eq!(sent.url, "http://www.example.com:8443/a?b=1");
    assert_eq!(sent.body, b"a=b");
    let header = |name: &str| {
        let found = sent.headers.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(header("x-one"), ["1"]);
    assert_eq!(
        header("content-type"),
        ["application/x-www-form-urlencoded"]
    );
    let arguments = json!({"url": URL, "method": "PUT", "body": "{\"a\":1}"});
    let fetched = fetch(&arguments, vec![page("text/plain", "ok")]);
    assert!(
        fetched.sent[0]
            .headers
            .contains(&("content-type".into(), "application/json".into()))
    );
}

#[test]
fn what_can_not_be_sent_is_refused_before_anything_is() {
    for (arguments, told) in [
        (json!({"url": "ftp://example.com/"}), "ftp"),
        (json!({"url": "example.com"}), "http"),
        (json!({"url": ""}), "http"),
        (json!({"url": URL, "body": "x"}), "POST"),
        (json!({"url": URL, "method": "TRACE"}), "GET"),
        (json!({"url": URL, "headers": {"host": "evil"}}), "host"),
        (
            json!({"url": URL, "headers": {"Content-Length": "1"}}),
            "content-length",
        ),
        (
            json!({"url": URL, "headers": {"transfer-encoding": "chunked"}}),
            "transfer-encoding",
        ),
        (
            json!({"url": URL, "headers": {"x": "a\r\nevil: 1"}}),
            "control",
        ),
        (json!({"url": URL, "headers": {"x": "a\u{0}"}}), "control"),
        (json!({"url": URL, "headers": {"x\n": "a"}}), "name"),
        (json!({"url": URL, "headers": {"": "a"}}), "name"),
        (json!({"url": URL, "headers": {"x": 1}}), "text"),
        (
            json!({"url": URL, "headers": {"x": "a".repeat(5_000)}}),
            "too long",
        ),
    ] {
        let fetched = fetch(&arguments, vec![]);
        assert_eq!(fetched.kind(), "invalid_arguments", "{arguments}");
        assert!(fetched.message().contains(told), "{}", fetched.message());
    }
    let many: serde_json::Map<_, _> = (0..40).map(|n| (format!("x-{n}"), json!("1"))).collect();
    let fetched = fetch(&json!({"url": URL, "headers": many}), vec![]);
    assert_eq!(fetched.kind(), "invalid_arguments");
}

#[test]
fn a_host_that_is_not_allowed_is_refused() {
    for url in [
        "http://evil.example.net/",
        "http://www.example.com/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://2130706433/",
    ] {
        let fetched = fetch(&json!({"url": url}), vec![]);
        assert_eq!(fetched.kind(), "permission_denied", "{url}");
        assert!(
            fetched.message().contains("--allow-fetch"),
            "{}",
            fetched.message()
        );
    }
    let none = call(
        "web_fetch",
        &Settings::default(),
        &json!({"url": URL}),
        vec![],
    );
    assert_eq!(none.kind(), "permission_denied");
}

#[test]
fn redirects_are_followed_hop_by_hop_and_the_last_address_is_told() {
    let answers = vec![
        redirect(301, "/two"),
        redirect(302, "three?x=1"),
        redirect(307, "//other.example.org/four"),
        redirect(308, "https://example.com/five"),
        page("text/plain", "here"),
    ];
    let fetched = fetch(&json!({"url": URL}), answers);
    assert_eq!(fetched.result["body"], "here");
    assert_eq!(fetched.result["url"], "https://example.com/five");
    let urls: Vec<&str> = fetched.sent.iter().map(|sent| sent.url.as_str()).collect();
    assert_eq!(
        urls,
        [
            URL,
            "https://example.com/two",
            "https://example.com/three?x=1",
            "https://other.example.org/four",
            "https://example.com/five"
        ]
    );
}

#[test]
fn a_redirect_loop_ends() {
    let fetched = fetch(&json!({"url": URL}), vec![redirect(302, URL); 6]);
    assert_eq!(fetched.kind(), "network");
    assert!(
        fetched.message().contains("more than 5"),
        "{}",
        fetched.message()
    );
    assert_eq!(fetched.sent.len(), 6);
}

#[test]
fn a_redirect_to_where_the_model_may_not_go_is_refused() {
    for (to, told) in [
        ("http://example.com/", "https to"),
        ("https://evil.example.net/", "evil.example.net"),
        ("https://169.254.169.254/", "169.254.169.254"),
        ("https://127.1/", "127.0.0.1"),
        ("file:///etc/passwd", "file"),
        ("javascript:alert(1)", "javascript"),
        ("https://user@example.com/", "user"),
    ] {
        let fetched = fetch(&json!({"url": URL}), vec![redirect(302, to)]);
        assert_eq!(
            fetched.kind(),
            "permission_denied",
            "{to}: {}",
            fetched.message()
        );
        assert!(
            fetched.message().contains(told),
            "{to}: {}",
            fetched.message()
        );
        assert_eq!(fetched.sent.len(), 1, "nothing was sent to {to}");
    }
}

#[test]
fn what_was_meant_for_one_origin_does_not_travel_to_another() {
    let arguments = json!({"url": URL, "headers": {"authorization": "Bearer x", "x-key": "y", "accept-language": "de"}});
    let answers = vec![
        redirect(302, "https://other.example.org/"),
        page("text/plain", "ok"),
    ];
    let fetched = fetch(&arguments, answers);
    let names = |at: usize| {
        let headers = fetched.sent[at].headers.iter();
        headers.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    assert!(names(0).contains(&"authorization") && names(0).contains(&"x-key"));
    assert!(!names(1).contains(&"authorization") && !names(1).contains(&"x-key"));
    assert!(names(1).contains(&"accept-language"));
    // To the same origin everything goes along.
    let fetched = fetch(
        &arguments,
        vec![redirect(302, "/b"), page("text/plain", "ok")],
    );
    assert!(
        fetched.sent[1]
            .headers
            .contains(&("authorization".into(), "Bearer x".into()))
    );
    // A body is not sent on to another origin.
    let post = json!({"url": URL, "method": "POST", "body": "secret"});
    let fetched = fetch(&post, vec![redirect(307, "https://other.example.org/")]);
    assert_eq!(fetched.kind(), "permission_denied");
}

#[test]
fn a_redirect_after_a_post_is_fetched_or_posted_as_its_status_says() {
    let post = json!({"url": URL, "method": "POST", "body": "x"});
    for (status, method, body) in [
        (301, Method::Get, ""),
        (302, Method::Get, ""),
        (303, Method::Get, ""),
        (307, Method::Post, "x"),
        (308, Method::Post, "x"),
    ] {
        let fetched = fetch(
            &post,
            vec![redirect(status, "/b"), page("text/plain", "ok")],
        );
        let sent = &fetched.sent[1];
        assert_eq!(
            (sent.method, sent.body.as_slice()),
            (method, body.as_bytes()),
            "{status}"
        );
        let has_type = sent.headers.iter().any(|(name, _)| name == "content-type");
        assert_eq!(has_type, method == Method::Post);
    }
}

#[test]
fn a_redirect_without_an_address_is_the_answer() {
    let fetched = fetch(
        &json!({"url": URL}),
        vec![reply(302, &[("content-type", "text/plain")], "?")],
    );
    assert_eq!(fetched.result["status"], 302);
}

#[test]
fn in_a_read_only_run_nothing_is_posted() {
    let mut settings = allowing(&["example.com"]);
    settings.read_only = true;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let arguments = json!({"url": URL, "method": method});
        let fetched = call("web_fetch", &settings, &arguments, vec![]);
        assert_eq!(fetched.kind(), "permission_denied");
        assert!(
            fetched.message().contains("read-only"),
            "{}",
            fetched.message()
        );
    }
    for method in ["GET", "HEAD"] {
        let arguments = json!({"url": URL, "method": method});
        let fetched = call(
            "web_fetch",
            &settings,
            &arguments,
            vec![page("text/plain", "")],
        );
        assert_eq!(fetched.result["status"], 200);
    }
}

#[test]
fn the_settings_patience_reaches_tools() {
    let mut settings = allowing(&["example.com"]);
    settings.timeouts.first_byte_ms = 7;
    let fetched = call(
        "web_fetch",
        &settings,
        &json!({"url": URL}),
        vec![page("text/plain", "")],
    );
    let sent = &fetched.sent[0];
    assert_eq!(sent.timeouts.first_byte_ms, 7);
    assert!(sent.timeouts.between_bytes_ms <= 30_000 && sent.total_ms <= 60_000);
    assert_eq!(sent.max_bytes, 2 * 1024 * 1024);
}
