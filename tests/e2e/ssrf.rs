//! Special-use addresses in every spelling: refused by web_fetch as first URL and as the target of a redirect, with nothing sent, although
//! every public host and one loopback server are allowed.

use crate::web_fetch::{fetch, fetch_all, refused};
use e2e::guest::Guest;
use e2e::host::on_each_host;
use e2e::web::{Page, Site};
use serde_json::{Value, json};

/// Hosts that are this machine; the victim of the test listens there.
const LOOPBACK: [&str; 32] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.0x1",
    "127.000.000.001",
    "127.0.0.1.",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "localhost",
    "LocalHost",
    "localhost.",
    "any.localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:FFFF:7F00:0001]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
];

/// The link-local address at which clouds hand out credentials, and others that are no public host.
const ELSEWHERE: [&str; 45] = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "025177524776",
    "169.254.43518",
    "169.254.169.254.",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:169.254.169.254]",
    "[::a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    // Teredo, with the client's address inverted in the last 32 bits.
    "[2001:0:5ef5:79fd:0:0:5601:5601]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[100::1]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "0.1.2.3",
    "printer.local",
    "PRINTER.LOCAL.",
    "metadata.google.internal",
    "box.home.arpa",
    "[::ffff:10.0.0.1]",
    "[::ffff:c0a8:101]",
    "[::ffff:0:127.0.0.1]",
];

/// Whole authorities that parsers take for different hosts, where ours may also say that they are none. `PORT` is the victim's, and
/// `ALLOWED` the server that may be asked.
const AMBIGUOUS: [&str; 16] = [
    "example.com@127.0.0.1:PORT",
    "user:password@127.0.0.1:PORT",
    "ALLOWED@127.0.0.1:PORT",
    "ALLOWED%2f@127.0.0.1:PORT",
    "127.0.0.1:PORT\\@ALLOWED",
    "127.0.0.1:PORT#@ALLOWED",
    "[fe80::1%25eth0]:PORT",
    "[::1%25lo]:PORT",
    "[::1%lo]:PORT",
    "%31%32%37.0.0.1:PORT",
    "127%2e0.0.1:PORT",
    "①②⑦.⓪.⓪.①:PORT",
    "１２７.０.０.１:PORT",
    "127。0。0。1:PORT",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT",
    "0x7f000001\t:PORT",
];

/// Each URL of the tables, and whether it may be called invalid as well.
fn urls(victim: &Site, allowed: &Site) -> Vec<(String, bool)> {
    let port = victim.port();
    let plain = |host: &&str| (format!("http://{host}:{port}/taken"), false);
    let bare = |host: &&str| (format!("http://{host}/latest/meta-data/"), false);
    let ambiguous = AMBIGUOUS.iter().map(|authority| {
        let authority = authority
            .replace("PORT", &port.to_string())
            .replace("ALLOWED", &allowed.authority());
        (format!("http://{authority}/taken"), true)
    });
    let others = [
        format!("HTTP://127.0.0.1:{port}/taken"),
        format!("https://127.0.0.1:{port}/taken"),
        "https://169.254.169.254/".to_owned(),
        "http://169.254.169.254:80/".to_owned(),
    ];
    LOOPBACK
        .iter()
        .map(plain)
        .chain(ELSEWHERE.iter().map(bare))
        .chain(others.map(|url| (url, false)))
        .chain(ambiguous)
        .collect()
}

/// Every public host, and this one.
fn granted(guest: Guest, allowed: &Site) -> Guest {
    guest.allow_fetch("*").allow_fetch(&allowed.authority())
}

/// Asserts that a result is a refusal in one of the kinds that fit it.
#[track_caller]
fn denied(url: &str, result: &Value, others: &[&str]) {
    let kind = result["error"]["kind"].as_str().unwrap_or_default();
    assert!(
        kind == "permission_denied" || others.contains(&kind),
        "{url}: {result}"
    );
    refused(result, kind);
}

#[test]
fn no_spelling_is_reached_as_first_url() {
    on_each_host(|host| {
        let (victim, allowed) = (Site::untouched(), Site::untouched());
        let urls = urls(&victim, &allowed);
        let calls: Vec<_> = urls.iter().map(|(url, _)| json!({"url": url})).collect();
        let results = fetch_all(host, &calls, |guest| granted(guest, &allowed));
        for ((url, ambiguous), result) in urls.iter().zip(&results) {
            let others: &[&str] = if *ambiguous {
                &["invalid_arguments"]
            } else {
                &[]
            };
            denied(url, result, others);
        }
        assert_eq!((victim.connections(), allowed.connections()), (0, 0));
    });
}

#[test]
fn no_spelling_is_reached_by_a_redirect() {
    on_each_host(|host| {
        let victim = Site::untouched();
        // The front knows its own port only once it is open, and needs it for the ambiguous ones.
        let stand_in = Site::untouched();
        let urls = urls(&victim, &stand_in);
        let pages = urls
            .iter()
            .enumerate()
            .map(|(number, (url, _))| (format!("/{number}"), Page::redirect(302, url)));
        let front = Site::open(pages);
        let calls: Vec<_> = (0..urls.len())
            .map(|number| json!({"url": front.url(&format!("/{number}"))}))
            .collect();
        let results = fetch_all(host, &calls, |guest| {
            granted(guest, &front).allow_fetch(&stand_in.authority())
        });
        for ((url, ambiguous), result) in urls.iter().zip(&results) {
            let others: &[&str] = if *ambiguous {
                &["invalid_arguments", "network"]
            } else {
                &[]
            };
            denied(url, result, others);
        }
        assert_eq!((victim.connections(), stand_in.connections()), (0, 0));
        assert_eq!(
            front.requests().len(),
            urls.len(),
            "each redirect was asked for"
        );
    });
}

#[test]
fn a_later_hop_is_checked_like_the_first() {
    on_each_host(|host| {
        let victim = Site::untouched();
        let taken = victim.url("/taken");
        let site = Site::open([
            ("/1", Page::redirect(302, "/2")),
            ("/2", Page::redirect(307, "/3")),
            ("/3", Page::redirect(308, &taken)),
        ]);
        let arguments = json!({"url": site.url("/1"), "method": "POST", "body": "secret words"});
        let result = fetch(host, &arguments, |guest| granted(guest, &site));
        refused(&result, "permission_denied");
        assert_eq!(site.paths(), ["/1", "/2", "/3"]);
        assert_eq!(victim.connections(), 0);
    });
}

#[test]
fn an_entry_of_its_own_reaches_it_and_no_neighbour() {
    on_each_host(|host| {
        let site = Site::open([("/", Page::text("Let in."))]);
        let neighbour = Site::untouched();
        let (port, other) = (site.port(), neighbour.port());
        let calls = [
            format!("http://127.0.0.1:{port}/"),
            format!("http://127.0.0.1:{other}/"),
            format!("http://127.0.0.2:{port}/"),
            format!("http://localhost:{port}/"),
            format!("http://[::1]:{port}/"),
        ]
        .map(|url| json!({"url": url}));
        let results = fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority()));
        assert_eq!(results[0]["body"], "Let in.", "the control: {}", results[0]);
        for result in &results[1..] {
            refused(result, "permission_denied");
        }
        assert_eq!((site.connections(), neighbour.connections()), (1, 0));
    });
}

#[test]
fn names_that_cover_others_never_cover_special_ones() {
    on_each_host(|host| {
        let victim = Site::untouched();
        let port = victim.port();
        let url = format!("http://box.localhost:{port}/");
        for entry in ["*", "localhost"] {
            let result = fetch(host, &json!({"url": url}), |guest| guest.allow_fetch(entry));
            refused(&result, "permission_denied");
        }
        let guest = Guest::web_tool("web_fetch", &json!({"url": url}));
        host.run(&guest.allow_fetch("*.localhost"))
            .code(2)
            .says(&["*.localhost"]);
        assert_eq!(victim.connections(), 0);
    });
}
