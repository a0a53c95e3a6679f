//! URLs, taken apart or refused.

use dewclaw_platform::HttpError;
use dewclaw_platform::http1::{Host, target};
use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

#[test]
fn urls_say_whom_to_connect_to_and_what_to_ask_for() {
    let long = "x".repeat(253);
    let long_url = ["http://", &long].concat();
    for (url, host, port, authority, path) in [
        ("http://h", Host::Name("h"), 80, "h", ""),
        ("http://h/", Host::Name("h"), 80, "h", "/"),
        ("http://h?x", Host::Name("h"), 80, "h", "?x"),
        (
            "http://h:8080/a/b?c#".trim_end_matches('#'),
            Host::Name("h"),
            8080,
            "h:8080",
            "/a/b?c",
        ),
        ("http://h:/a", Host::Name("h"), 80, "h:", "/a"),
        ("http://h:65535", Host::Name("h"), 65535, "h:65535", ""),
        ("http://h:0080", Host::Name("h"), 80, "h:0080", ""),
        (
            "http://My-Host_1.lan./",
            Host::Name("My-Host_1.lan."),
            80,
            "My-Host_1.lan.",
            "/",
        ),
        (
            "http://10.0.0.255/",
            Host::V4([10, 0, 0, 255]),
            80,
            "10.0.0.255",
            "/",
        ),
        (
            "http://127.0.0.1:11434/v1",
            Host::V4([127, 0, 0, 1]),
            11434,
            "127.0.0.1:11434",
            "/v1",
        ),
        // These are no addresses, and a resolver may still make one of them: which is held against the pool.
        ("http://127.1/", Host::Name("127.1"), 80, "127.1", "/"),
        (
            "http://010.0.0.1/",
            Host::Name("010.0.0.1"),
            80,
            "010.0.0.1",
            "/",
        ),
        (
            "http://256.0.0.1/",
            Host::Name("256.0.0.1"),
            80,
            "256.0.0.1",
            "/",
        ),
        (
            "http://1.2.3.4.5/",
            Host::Name("1.2.3.4.5"),
            80,
            "1.2.3.4.5",
            "/",
        ),
        (
            "http://[::1]/",
            Host::V6([0, 0, 0, 0, 0, 0, 0, 1]),
            80,
            "[::1]",
            "/",
        ),
        ("http://[::]:81", Host::V6([0; 8]), 81, "[::]:81", ""),
        (
            "http://[fe80::A:b]:1/x",
            Host::V6([0xfe80, 0, 0, 0, 0, 0, 0xa, 0xb]),
            1,
            "[fe80::A:b]:1",
            "/x",
        ),
        (
            "http://[1:2:3:4:5:6:7:8]/",
            Host::V6([1, 2, 3, 4, 5, 6, 7, 8]),
            80,
            "[1:2:3:4:5:6:7:8]",
            "/",
        ),
        (
            "http://[1:2:3:4:5:6:7::]/",
            Host::V6([1, 2, 3, 4, 5, 6, 7, 0]),
            80,
            "[1:2:3:4:5:6:7::]",
            "/",
        ),
        (
            "http://[::2:3:4:5:6:7:8]/",
            Host::V6([0, 2, 3, 4, 5, 6, 7, 8]),
            80,
            "[::2:3:4:5:6:7:8]",
            "/",
        ),
        (long_url.as_str(), Host::Name(&long), 80, &long, ""),
    ] {
        let known = target(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((known.host, known.port), (host, port), "{url}");
        assert_eq!((known.authority, known.path), (authority, path), "{url}");
    }
}

#[test]
fn what_is_no_plain_http_is_refused() {
    let too_long = ["http://", &"x".repeat(254)].concat();
    for url in [
        "",
        "h",
        "HTTP://h",
        "http:/h",
        "http://",
        "http:///x",
        "http://?x",
        "http://:80/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:99999999999/",
        "http://h:8x/",
        "http://h:80:80/",
        "http://h:-1/",
        "http://u@h/",
        "http://u:p@h/",
        "http://h/#f",
        "http://h/a b",
        "http://h/\u{fc}",
        "http://h/a\r\nx: y",
        "http://h/\u{0}",
        "http://h\t/",
        "http://a%20b/",
        "http://a\\b/",
        "http://[::1/",
        "http://::1/",
        "http://[]/",
        "http://[:]/",
        "http://[1:2]/",
        "http://[1::2::3]/",
        "http://[:::]/",
        "http://[1:2:3:4:5:6:7:8:9]/",
        "http://[1:2:3:4::5:6:7:8]/",
        "http://[12345::]/",
        "http://[g::]/",
        "http://[fe80::1%25eth0]/",
        "http://[::ffff:1.2.3.4]/",
        "http://[::1]x/",
        "ftp://h/",
        "file:///etc/passwd",
        &too_long,
    ] {
        assert_eq!(target(url), Err(HttpError::InvalidRequest), "{url:?}");
    }
}

#[test]
fn https_is_told_apart_and_says_where_to_go() {
    for url in ["https://api.example.org/v1", "https://", "https:// "] {
        assert_eq!(target(url), Err(HttpError::NoTls), "{url:?}");
    }
    let text = HttpError::NoTls.text();
    for word in [
        "no TLS",
        "gateway on the local network",
        "Ollama",
        "llama.cpp",
        "LiteLLM",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(
        HttpError::NameDenied
            .text()
            .contains("--allow-resolve=NAME")
    );
    assert!(
        HttpError::AddressDenied
            .text()
            .contains("--addr-pool=ADDRESS/32")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(url in "\\PC{0,40}", rest in "[\\[\\]0-9a-f:.@/?#%x ]{0,30}") {
        let _ = target(&url);
        let _ = target(&["http://", &url].concat());
        let _ = target(&["http://", &rest].concat());
        let _ = target(&["http://[", &rest].concat());
    }

    #[test]
    fn addresses_are_read_as_the_standard_library_reads_them(
        text in "[0-9.]{1,15}|[0-9]{1,3}(\\.[0-9]{1,3}){3}",
        groups in any::<[u16; 8]>(),
        zeros in any::<u8>(),
        v6 in "[0-9a-f:]{0,20}",
    ) {
        let url = ["http://", &text, "/"].concat();
        let wanted = text.parse::<Ipv4Addr>().ok().map(|address| Host::V4(address.octets()));
        let known = target(&url).map(|target| target.host);
        prop_assert_eq!(known, Ok(wanted.unwrap_or(Host::Name(&text))));
        let mut groups = groups;
        for (index, group) in groups.iter_mut().enumerate() {
            if zeros >> index & 1 == 1 {
                *group = 0;
            }
        }
        // As the standard library shortens it, unless that writes the end as IPv4.
        let text = Ipv6Addr::from(groups).to_string();
        if !text.contains('.') {
            let url = ["http://[", &text, "]/"].concat();
            prop_assert_eq!(target(&url).map(|target| target.host), Ok(Host::V6(groups)));
        }
        let url = ["http://[", &v6, "]/"].concat();
        let wanted = v6.parse::<Ipv6Addr>().map(|address| Host::V6(address.segments()));
        let known = target(&url).map(|target| target.host);
        prop_assert_eq!(known, wanted.map_err(|_| HttpError::InvalidRequest), "{}", v6);
    }
}
