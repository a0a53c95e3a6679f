//! Where a request may go: hosts, addresses in every spelling, names that change, redirects.

use dewclaw_sandbox::egress::{
    Caller, EgressError, EgressLimits, NoGrants, Request, Response, UrlProblem,
};
use std::net::IpAddr;
use std::sync::Arc;

use crate::loopback::{Server, moved, ok};
use crate::world::{PUBLIC, World, get};

fn refused_address(result: Result<Response, EgressError>) -> (IpAddr, bool) {
    match result {
        Err(EgressError::Address { address, mixed, .. }) => (address, mixed),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_host_that_no_rule_names_is_neither_resolved_nor_reached() {
    let world = World::allowing(&["https://a.example.com:443"]);
    for url in [
        "http://a.example.com/",
        "https://a.example.com:8443/",
        "https://b.example.com/",
        "https://a.example.com.evil.net/",
        "https://evil.net/?a.example.com",
        "https://evil.net\\@a.example.com/",
        "https://127.0.0.1/",
    ] {
        let error = world.get(url).await.unwrap_err();
        assert!(
            matches!(error, EgressError::Host { .. })
                || error == EgressError::Url(UrlProblem::Userinfo),
            "{url}: {error:?}"
        );
        assert!(error.rule().is_some());
    }
    let error = world.get("http://a.example.com/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "host denied: http://a.example.com:80: no rule names it; this line of the policy grants it: \
         allow = [\"http://a.example.com:80\"]"
    );
    assert_eq!(error.grant(), Some("allow = [\"http://a.example.com:80\"]"));
    assert!(world.asked().is_empty());
    assert!(world.sent_to().is_empty());
}

#[tokio::test]
async fn by_default_nothing_is_reached() {
    let mut world = World::allowing(&[]);
    world.caller = Arc::new(Caller::new(Arc::new(NoGrants), EgressLimits::default()));
    let error = world.get("https://example.com/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "host denied: https://example.com:443: nothing is granted by default"
    );
}

#[tokio::test]
async fn a_special_address_is_refused_in_every_spelling() {
    // Any host may be asked for; no special-use address is named.
    let world = World::new(
        &["*"],
        &[],
        EgressLimits {
            requests_per_minute: 100,
            ..EgressLimits::default()
        },
    );
    for (url, wanted) in [
        ("http://2130706433/", "127.0.0.1"),
        ("http://127.1/", "127.0.0.1"),
        ("http://0177.0.0.1/", "127.0.0.1"),
        ("http://0x7f000001/", "127.0.0.1"),
        (
            "http://169.254.169.254./latest/meta-data/",
            "169.254.169.254",
        ),
        ("http://１６９。２５４。１６９。２５４/", "169.254.169.254"),
        ("http://[::ffff:a9fe:a9fe]/", "169.254.169.254"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("http://[::a9fe:a9fe]/", "::a9fe:a9fe"),
        ("http://[::127.0.0.1]/", "::7f00:1"),
        ("http://[64:ff9b::169.254.169.254]/", "64:ff9b::a9fe:a9fe"),
        ("http://[64:ff9b:1::10.0.0.1]/", "64:ff9b:1::a00:1"),
        ("http://[2002:a9fe:a9fe::1]/", "2002:a9fe:a9fe::1"),
        (
            "http://[2001:0:5ef5:79fb::5601:5601]/",
            "2001:0:5ef5:79fb::5601:5601",
        ),
        ("http://198.18.0.1/", "198.18.0.1"),
        ("http://198.19.255.255/", "198.19.255.255"),
        ("http://224.0.0.1/", "224.0.0.1"),
        ("http://240.0.0.1/", "240.0.0.1"),
        ("http://255.255.255.255/", "255.255.255.255"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254"),
        ("http://[fe80::1]/", "fe80::1"),
        ("http://[::1]/", "::1"),
        ("http://[::]/", "::"),
        ("http://0.0.0.0/", "0.0.0.0"),
        ("http://0/", "0.0.0.0"),
        ("http://100.100.100.200/", "100.100.100.200"),
        ("http://168.63.129.16/", "168.63.129.16"),
    ] {
        let (address, mixed) = refused_address(world.get(url).await);
        assert_eq!(
            (address.to_string().as_str(), mixed),
            (wanted, false),
            "{url}"
        );
    }
    assert!(world.asked().is_empty());
    assert!(world.sent_to().is_empty());
}

#[tokio::test]
async fn a_name_of_a_special_address_is_refused_in_every_spelling() {
    let world = World::allowing(&["*"]);
    world.name("localhost", &["127.0.0.1", "::1"]);
    world.name("xn--mnchen-3ya.de", &["10.0.0.1"]);
    world.name("mapped.example.com", &["::ffff:10.0.0.1"]);
    for url in [
        "http://localhost/",
        "http://LOCALHOST./",
        "http://ｌｏｃａｌｈｏｓｔ/",
        "http://loc%61lhost/",
        "http://münchen.de/",
        "http://MÜNCHEN.de./",
        "http://mapped.example.com/",
    ] {
        refused_address(world.get(url).await);
    }
    assert!(world.sent_to().is_empty());
    let error = world.get("http://localhost/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "address denied: localhost leads to 127.0.0.1, a loopback address: no rule names it; this line of the policy \
         grants it: allow = [\"127.0.0.1\"]"
    );
    assert_eq!(
        error.for_plugin(),
        "address denied: localhost is, or leads to, a special-use address that no rule names"
    );
}

#[tokio::test]
async fn an_answer_that_mixes_public_and_private_is_refused_whole() {
    for private in ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"] {
        let world = World::allowing(&["*"]);
        world.name("first.example.com", &[PUBLIC, private]);
        world.name("last.example.com", &[private, PUBLIC]);
        for url in ["http://first.example.com/", "http://last.example.com/"] {
            let (_, mixed) = refused_address(world.get(url).await);
            assert!(mixed);
        }
        assert!(world.sent_to().is_empty(), "{private}");
    }
}

#[tokio::test]
async fn a_name_that_changes_after_the_check_is_asked_once() {
    let server = Server::answering([ok("public")]).await;
    let world = World::allowing(&["http://a.example.com:80"]);
    world.at_a(server.address);
    // What it would answer if anybody asked again.
    world.name("a.example.com", &["127.0.0.1"]);
    let response = world.get("http://a.example.com/").await.unwrap();
    assert_eq!(response.body, "public");
    assert_eq!(world.asked(), ["a.example.com"]);
    assert_eq!(world.sent_to(), [format!("{PUBLIC}:80")]);
    assert_eq!(
        response.hops[0].addresses,
        [PUBLIC.parse::<IpAddr>().unwrap()]
    );
    // The next request is one of its own: asked anew, and judged anew.
    refused_address(world.get("http://a.example.com/").await);
    assert_eq!(world.sent_to().len(), 1);
}

#[tokio::test]
async fn a_rule_that_names_the_address_lets_it_through() {
    let server = Server::answering([ok("mine")]).await;
    let port = server.address.port();
    let origins = [
        format!("http://127.0.0.1:{port}"),
        format!("http://nas.lan:{port}"),
    ];
    let origins = [origins[0].as_str(), origins[1].as_str()];
    let world = World::new(&origins, &["127.0.0.1"], EgressLimits::default());
    world.name("nas.lan", &["127.0.0.1"]);
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://nas.lan:{port}/"),
    ] {
        let response = world.get(&url).await.unwrap();
        assert_eq!(response.body, "mine", "{url}");
        assert_eq!(response.hops[0].rules[1], "127.0.0.1");
    }
    // The address is named, the host is not.
    let other = World::new(&[], &["127.0.0.1"], EgressLimits::default());
    let error = other.get(&format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(error, Err(EgressError::Host { .. })));
}

#[tokio::test]
async fn a_redirect_to_a_metadata_address_is_refused_by_either_rule() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://metadata.google.internal/",
    ] {
        let server = Server::answering([moved(302, location)]).await;
        // The host is not named; then any host is, and the address is not.
        for hosts in [["http://a.example.com:80"], ["*"]] {
            let world = World::allowing(&hosts);
            world.at_a(server.address);
            world.name("metadata.google.internal", &["169.254.169.254"]);
            let error = world.get("http://a.example.com/").await.unwrap_err();
            let EgressError::Redirected { hop: 1, cause } = &error else {
                panic!("{error:?}")
            };
            match hosts {
                ["*"] => assert!(matches!(**cause, EgressError::Address { .. }), "{location}"),
                _ => assert!(matches!(**cause, EgressError::Host { .. }), "{location}"),
            }
            assert!(error.rule().is_some() && error.grant().is_some());
            assert_eq!(world.sent_to(), [format!("{PUBLIC}:80")]);
        }
    }
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_refused_by_its_name() {
    for (location, scheme) in [
        ("file:///etc/passwd", "file"),
        ("data:,a", "data"),
        ("gopher://a/", "gopher"),
    ] {
        let server = Server::answering([moved(302, location)]).await;
        let world = World::allowing(&["*"]);
        world.at_a(server.address);
        let error = world.get("http://a.example.com/").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("redirect 1: url refused: its scheme is {scheme}: http and https only")
        );
    }
}

#[tokio::test]
async fn each_hop_is_resolved_and_decided_anew() {
    let server = Server::answering([moved(302, "/again"), ok("never")]).await;
    let world = World::allowing(&["*"]);
    world.at_a(server.address);
    world.name("a.example.com", &["127.0.0.1"]);
    let error = world.get("http://a.example.com/").await.unwrap_err();
    assert!(
        matches!(error, EgressError::Redirected { hop: 1, .. }),
        "{error}"
    );
    assert_eq!(world.asked(), ["a.example.com", "a.example.com"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_origin() {
    let second = Server::answering([ok("done")]).await;
    let first = Server::answering([moved(307, "http://b.example.com/x")]).await;
    let world = World::allowing(&["http://a.example.com:80", "http://b.example.com:80"]);
    world.at_a(first.address);
    world.name("b.example.com", &["93.184.216.35"]);
    world.wire("93.184.216.35:80", second.address);
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let response = world
        .ask(Request {
            method: "post".into(),
            headers: vec![
                header("Authorization", "Bearer secret"),
                header("Cookie", "secret=1"),
                header("X-Api-Key", "secret"),
                header("X-Plain", "kept"),
            ],
            body: "text".into(),
            ..get("http://a.example.com/")
        })
        .await
        .unwrap();
    assert_eq!(response.body, "done");
    assert_eq!(response.hops.len(), 2);
    assert_eq!(first.requests()[0].matches("secret").count(), 3);
    let followed = &second.requests()[0];
    assert!(
        followed.starts_with("POST /x HTTP/1.1\r\n") && followed.ends_with("\r\n\r\ntext"),
        "{followed}"
    );
    assert!(followed.contains("x-plain: kept") && followed.contains("host: b.example.com\r\n"));
    assert!(!followed.contains("secret"), "{followed}");
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_the_answer() {
    let server = Server::answering([moved(302, "http://169.254.169.254/")]).await;
    let world = World::allowing(&["http://a.example.com:80"]);
    world.at_a(server.address);
    let request = Request {
        follow: false,
        ..get("http://a.example.com/")
    };
    let response = world.ask(request).await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(response.headers["location"], "http://169.254.169.254/");
}
