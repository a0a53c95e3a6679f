//! Tests of what is read as which URL, of joining, and of the spellings that attacks use.

use alloc::string::String;

use super::*;
use proptest::prelude::*;

fn text_of(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => url.text(),
        Err(problem) => panic!("{text}: {problem}"),
    }
}

#[test]
fn urls_have_one_normal_form() {
    for (text, wanted) in [
        ("https://example.org", "https://example.org/"),
        (
            "  HTTPS://EXAMPLE.org.:443/A?B#c ",
            "https://example.org/A?B",
        ),
        ("http://example.org:80", "http://example.org/"),
        ("http://example.org:443/", "http://example.org:443/"),
        ("https://example.org:080/", "https://example.org:80/"),
        ("http://example.org?q=1", "http://example.org/?q=1"),
        ("http://example.org#top", "http://example.org/"),
        ("http://example.org/?", "http://example.org/?"),
        ("http://example.org/a/./b/../c/", "http://example.org/a/c/"),
        ("http://example.org/../../a", "http://example.org/a"),
        ("http://example.org/a//b/..", "http://example.org/a//"),
        ("http://example.org/?a/../b", "http://example.org/?a/../b"),
        (
            "http://example.org/a b?c d",
            "http://example.org/a%20b?c%20d",
        ),
        (
            "http://example.org/\u{e9}?q=\u{4f60}",
            "http://example.org/%C3%A9?q=%E4%BD%A0",
        ),
        (
            "http://example.org/\"<>^`{|}[]",
            "http://example.org/%22%3C%3E%5E%60%7B%7C%7D%5B%5D",
        ),
        (
            "http://example.org/%2e%2E/%41?%zz%4",
            "http://example.org/%2e%2E/%41?%25zz%254",
        ),
        (
            "http://example.org/~a!$&'()*+,;=:@-._/?/?",
            "http://example.org/~a!$&'()*+,;=:@-._/?/?",
        ),
        (
            "https://example.org/@user?a@b",
            "https://example.org/@user?a@b",
        ),
        ("http://good.com?@evil.net/", "http://good.com/?@evil.net/"),
        ("http://good.com#@evil.net/", "http://good.com/"),
        ("http://017700000001:8080/", "http://127.0.0.1:8080/"),
        ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
    ] {
        assert_eq!(text_of(text), wanted, "{text}");
    }
}

#[test]
fn the_parts_are_there() {
    let url = Url::parse("https://Example.org/a?b").unwrap();
    assert!(url.is_https());
    assert_eq!(url.host(), &Host::Name("example.org".into()));
    assert_eq!((url.port(), url.authority().as_str()), (443, "example.org"));

    let url = Url::parse("http://[::1]:8080/").unwrap();
    assert!(!url.is_https());
    assert_eq!(url.host(), &Host::V6([0, 0, 0, 0, 0, 0, 0, 1]));
    assert_eq!((url.port(), url.authority().as_str()), (8080, "[::1]:8080"));
}

#[test]
fn what_is_no_url_to_fetch_is_refused_with_what_to_write() {
    for (text, part) in [
        ("", "must begin with"),
        ("example.org/a", "must begin with"),
        ("//example.org/", "must begin with"),
        ("/a", "must begin with"),
        ("example.org:8080/a", "must begin with"),
        ("ht tp://example.org/", "must begin with"),
        ("ws://example.org/", "must begin with"),
        ("httpx://example.org/", "must begin with"),
        ("://example.org", "must begin with"),
        ("file:///etc/passwd", "file"),
        ("FILE:/etc/passwd", "file"),
        ("data:text/plain,a", "data"),
        ("ftp://example.org/", "ftp"),
        ("gopher://example.org/", "gopher"),
        ("javascript:alert(1)", "javascript"),
        ("mailto:a@example.org", "others are refused"),
        ("http:example.org", "needs //"),
        ("https:/example.org", "needs //"),
        ("https:", "needs //"),
        ("http://", "names no host"),
        ("http:///example.org/", "names no host"),
        ("http://:80/", "names no host"),
        ("http://?a", "names no host"),
        ("http://./", "names no host"),
        ("http://user@example.org/", "leave them out"),
        ("http://user:secret@example.org/", "leave them out"),
        ("http://good.com@evil.net/", "leave them out"),
        ("http://good.com:80@evil.net/", "leave them out"),
        ("http://@example.org/", "leave them out"),
        ("http://a@b@c/", "leave them out"),
        ("http://good.com\\@evil.net/", "or backslash"),
        ("http:\\\\example.org/", "or backslash"),
        ("http://example.org/a\\b", "or backslash"),
        ("\nhttp://example.org/", "control character"),
        ("http://exam\tple.org/", "control character"),
        (
            "http://example.org/a\r\nHost: evil.net",
            "control character",
        ),
        ("http://example.org/\0", "control character"),
        ("http://example.org/\x7f", "control character"),
        ("http://example.org/#\x01", "control character"),
        ("http://exam ple.org/", "letters, digits"),
        ("http://example.org :80/", "letters, digits"),
        ("http://example.org%2eevil.net/", "letters, digits"),
        ("http://127.0.0.1%00.org/", "letters, digits"),
        ("http://m\u{fc}nchen.de/", "xn--"),
        ("http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", "xn--"),
        ("http://127\u{3002}0\u{3002}0\u{3002}1/", "xn--"),
        ("http://\u{24db}ocalhost/", "xn--"),
        ("http://local\u{ad}host/", "xn--"),
        ("http://example.org:0/", "from 1 to 65535"),
        ("http://example.org:65536/", "from 1 to 65535"),
        ("http://example.org:/", "from 1 to 65535"),
        ("http://example.org:8o/", "from 1 to 65535"),
        ("http://::1/", "in brackets"),
        ("http://[::1/", "in brackets"),
        ("http://[]/", "in brackets"),
        ("http://[127.0.0.1]/", "in brackets"),
        ("http://[::1]evil.net/", "in brackets"),
        ("http://[fe80::1%25eth0]/", "without zone id"),
        ("http://[fe80::1%eth0]/", "without zone id"),
        ("http://1.2.3.4.5/", "no IPv4 address"),
        ("http://127.0.0.1.0x/", "no IPv4 address"),
        ("http://a..b/", "too long"),
    ] {
        let problem = Url::parse(text).unwrap_err();
        assert!(problem.contains(part), "{text:?}: {problem}");
    }
}

#[test]
fn urls_hold_8_kib_as_they_are_sent() {
    let head = "http://example.org/";
    let of = |length: usize, letter: &str| {
        let tail = letter.repeat((length - head.len()) / letter.len());
        Url::parse(&[head, &tail].concat())
    };
    assert!(of(8192, "a").is_ok());
    assert!(of(8193, "a").unwrap_err().contains("8 KiB"));
    // Each of these is six bytes when it is percent-encoded.
    assert!(of(2019, "\u{e9}").is_ok());
    assert!(of(8192, "\u{e9}").unwrap_err().contains("8 KiB"));
    let base = of(8000, "a/").unwrap();
    assert!(base.join(&"b".repeat(300)).is_err());
    assert!(base.join(&"b".repeat(150)).is_ok());
}

/// RFC 3986, section 5.4, without the fragments, which are not sent.
#[test]
fn references_are_resolved_as_in_the_rfc() {
    let base = Url::parse("http://a/b/c/d;p?q").unwrap();
    for (reference, wanted) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g"),
        ("g#s/../x", "http://a/b/c/g"),
    ] {
        assert_eq!(base.join(reference).unwrap().text(), wanted, "{reference}");
    }
    assert!(base.join("g:h").is_err());
    assert!(base.join("http:g").is_err());
}

#[test]
fn references_lead_to_other_hosts_only_where_they_say_so() {
    let base = Url::parse("https://example.org:8443/a/b?c").unwrap();
    for (reference, wanted) in [
        ("//other.net/x", "https://other.net/x"),
        ("http://other.net", "http://other.net/"),
        (" /x y ", "https://example.org:8443/x%20y"),
        ("?", "https://example.org:8443/a/b?"),
        ("/a:b", "https://example.org:8443/a:b"),
        ("./a:b", "https://example.org:8443/a/a:b"),
        ("@evil.net", "https://example.org:8443/a/@evil.net"),
        (".evil.net", "https://example.org:8443/a/.evil.net"),
        ("x//evil.net", "https://example.org:8443/a/x//evil.net"),
        ("/.//evil.net", "https://example.org:8443//evil.net"),
        ("..//evil.net", "https://example.org:8443//evil.net"),
    ] {
        assert_eq!(base.join(reference).unwrap().text(), wanted, "{reference}");
    }
    for wrong in [
        "///evil.net",
        "//",
        "/\\evil.net",
        "\\\\evil.net",
        "/\t/evil.net",
        "//user@evil.net",
        "javascript:alert(1)",
        "data:,",
        "FILE:///etc/passwd",
        "mailto:a@b",
        "x:y",
        "1:2",
        ":80/",
    ] {
        assert!(base.join(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    let origin = |one: &str, other: &str| {
        Url::parse(one)
            .unwrap()
            .same_origin(&Url::parse(other).unwrap())
    };
    assert!(origin("https://a.org/x", "HTTPS://A.org.:443/y?z"));
    assert!(origin("http://127.1", "http://2130706433:80"));
    assert!(!origin("http://a.org", "https://a.org"));
    assert!(!origin("http://a.org:443", "https://a.org"));
    assert!(!origin("https://a.org", "https://b.org"));
    assert!(!origin("https://a.org", "https://a.org:444"));
}

/// The spellings by which a fetch could be led to the machine itself, its network or the cloud's metadata.
const ATTACKS: [&str; 64] = [
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://127.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::FFFF:169.254.169.254]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[::a9fe:a9fe]/",
    "http://[::169.254.169.254]/",
    "http://[::ffff:0:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://localhost.localdomain/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata/",
    "http://printer.local/",
    "http://router.home.arpa/",
    "http://router.lan/",
];

#[test]
fn attacks_are_refused_though_every_public_host_is_allowed() {
    let rules = [
        HostRule::parse("*").unwrap(),
        HostRule::parse("*.org").unwrap(),
    ];
    let page = Url::parse("https://example.org/page").unwrap();
    for attack in ATTACKS {
        let url = Url::parse(attack).unwrap();
        let refusal = check(&rules, &url).unwrap_err();
        assert!(refusal.contains("--allow-fetch"), "{attack}: {refusal}");
        // As the Location of a redirect, whole and without its scheme.
        assert_eq!(page.join(attack).as_ref(), Ok(&url));
        let without_scheme = attack.strip_prefix("http:").unwrap();
        assert!(
            check(&rules, &page.join(without_scheme).unwrap()).is_err(),
            "{attack}"
        );
        // The very host, as the refusal spells it, allows every spelling.
        let rule = HostRule::parse(&url.authority()).unwrap();
        assert_eq!(check(&[rule], &url), Ok(()), "{attack}");
    }
    for public in [
        "https://example.org/",
        "https://a.b.example.org:8443/",
        "http://example.com/127.0.0.1",
        "http://localhost.example.com/",
        "http://8.8.8.8/",
        "http://134744072/",
        "http://[2606:4700:4700::1111]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://172.15.0.1/",
        "http://xn--mnchen-3ya.de/",
    ] {
        assert_eq!(
            check(&rules, &Url::parse(public).unwrap()),
            Ok(()),
            "{public}"
        );
    }
}

/// Texts that get far: pieces of URLs in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&[
            "http:", "https:", "HTTP://", "https://", "/", "//", ".", "..", "/../", "/./", ":", "@", "?", "#", "[", "]",
            "::", "[::1]", "%", "%41", "%zz", "\\", " ", "\t", "\0", "0x7f", "127.1", "017", ":80", ":443", ":0",
            "example.org", "localhost", "a", "xn--", "_", "\u{e9}", "\u{3002}", "*", "*.",
        ][..]).prop_map(String::from),
        1 => any::<String>(),
        1 => "[ -~]{0,4}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The same behind a scheme and a host, so that most are URLs.
fn likely() -> impl Strategy<Value = String> {
    ("https?://[a-z0-9.]{1,8}(:[1-9]{1,4})?[/?#]", pieces())
        .prop_map(|(head, tail)| [head, tail].concat())
}

fn assert_normal(url: &Url) -> Result<(), TestCaseError> {
    let text = url.text();
    prop_assert_eq!(&Url::parse(&text), &Ok(url.clone()), "{}", text);
    prop_assert_eq!(&url.join("").unwrap(), url);
    let (scheme, rest) = text.split_once("://").unwrap();
    let (authority, target) = rest.split_at(rest.find('/').unwrap());
    prop_assert_eq!(scheme, if url.is_https() { "https" } else { "http" });
    prop_assert_eq!(authority, url.authority());
    prop_assert!(authority.bytes().all(
        |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':' | b'[' | b']')
    ));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}[]".contains(&byte);
    prop_assert!(target.bytes().all(plain));
    let path = target.split('?').next().unwrap();
    prop_assert!(
        path.split('/')
            .all(|segment| segment != "." && segment != "..")
    );
    // Not one character of it is read differently by a client that is stricter.
    for (at, _) in text.match_indices('%') {
        prop_assert!(
            text[at + 1..]
                .bytes()
                .take(2)
                .filter(u8::is_ascii_hexdigit)
                .count()
                == 2
        );
    }
    prop_assert!(text.len() <= LONGEST);
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_read_is_in_normal_form(text in prop_oneof![pieces(), likely(), any::<String>()]) {
        if let Ok(url) = Url::parse(&text) {
            assert_normal(&url)?;
        }
    }

    #[test]
    fn whatever_is_joined_is_in_normal_form(base in likely(), reference in pieces()) {
        if let Ok(base) = Url::parse(&base)
            && let Ok(url) = base.join(&reference)
        {
            assert_normal(&url)?;
            // A reference that names no host stays where it is.
            if !reference.contains("//") {
                prop_assert!(url.same_origin(&base), "{}", url.text());
            }
        }
    }

    #[test]
    fn rules_are_read_or_refused(rule in pieces(), url in likely()) {
        if let Ok(rule) = HostRule::parse(&rule)
            && let Ok(url) = Url::parse(&url)
        {
            let allowed = check(core::slice::from_ref(&rule), &url).is_ok();
            prop_assert!(!allowed || url.host().special_use().is_none() || !rule.text().starts_with('*'));
        }
    }
}
