//! What is sent and what comes back: headers, bodies, broken answers.

use std::io::Write;

use dewclaw_sandbox::egress::{EgressError, Request};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::loopback::{Server, ok};
use crate::world::{World, get};

const A: &str = "http://a.example.com/";

async fn answered(
    answer: impl Into<Vec<u8>>,
) -> Result<dewclaw_sandbox::egress::Response, EgressError> {
    let server = Server::answering([answer.into()]).await;
    let world = World::allowing(&["http://a.example.com:80"]);
    world.at_a(server.address);
    world.get(A).await
}

#[tokio::test]
async fn a_request_is_what_it_says_and_no_more() {
    let server = Server::answering([ok("")]).await;
    let world = World::allowing(&["http://a.example.com:80"]);
    world.at_a(server.address);
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let request = Request {
        method: "post".into(),
        url: "http://A.example.com:80/p a?q=é#part".into(),
        headers: vec![
            header("Connection", "upgrade, x-gone"),
            header("X-Gone", "1"),
            header("Upgrade", "h2c"),
            header("X-Kept", "1"),
            header("Accept-Encoding", "br"),
        ],
        body: "body".into(),
        follow: true,
    };
    world.ask(request).await.unwrap();
    let sent = server.requests().remove(0);
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /p%20a?q=%C3%A9 HTTP/1.1");
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept-encoding: gzip, deflate",
            "connection: close",
            "content-length: 4",
            "host: a.example.com",
            "user-agent: dewclaw",
            "x-kept: 1",
        ]
    );
    assert_eq!(body, "body");
}

#[tokio::test]
async fn injected_headers_are_refused_before_anybody_is_asked() {
    let world = World::allowing(&["*"]);
    for (name, value) in [
        ("x-a", "1\r\nx-evil: 1"),
        ("x-a", "1\nx-evil: 1"),
        ("x-a", "1\0"),
        ("x-a\r\nx-evil", "1"),
        ("Host", "169.254.169.254"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
    ] {
        let request = Request {
            headers: vec![(name.into(), value.into())],
            ..get(A)
        };
        let error = world.ask(request).await.unwrap_err();
        assert!(matches!(error, EgressError::Header { .. }), "{error}");
        assert_eq!(error.rule(), Some("headers that a plugin may set"));
        assert!(!error.to_string().contains(['\r', '\n', '\0']));
    }
    for method in ["GET / HTTP/1.1\r\nx-evil: 1\r\n\r\n", "CONNECT", "TRACE"] {
        let request = Request {
            method: method.into(),
            ..get(A)
        };
        assert!(matches!(
            world.ask(request).await,
            Err(EgressError::Method { .. })
        ));
    }
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn compressed_answers_come_decoded() {
    let text = "a text that is compressed ".repeat(1000);
    let best = Compression::best();
    let mut gzip = GzEncoder::new(Vec::new(), best);
    let mut zlib = ZlibEncoder::new(Vec::new(), best);
    let mut bare = DeflateEncoder::new(Vec::new(), best);
    for encoder in [&mut gzip as &mut dyn Write, &mut zlib, &mut bare] {
        encoder.write_all(text.as_bytes()).unwrap();
    }
    for (coding, body) in [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", bare.finish().unwrap()),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\nkeep-alive: 1\r\nx-a: 1\r\n\r\n",
            body.len()
        );
        let response = answered([head.as_bytes(), &body].concat()).await.unwrap();
        assert_eq!(response.body, text);
        let names: Vec<&str> = response.headers.keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["x-a"]);
        let cut = &body[..body.len() - 5];
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\n");
        let error = answered([head.as_bytes(), cut].concat()).await.unwrap_err();
        assert!(matches!(error, EgressError::Encoding { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_broken_is_told_and_nothing_of_it_given() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
        "220 smtp.example.com ESMTP\r\n",
        "",
    ] {
        let error = answered(answer).await.unwrap_err();
        assert!(
            matches!(error, EgressError::Exchange { .. }),
            "{answer:?}: {error}"
        );
    }
    for coding in ["br", "gzip, gzip", "compress"] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\nabc");
        let error = answered(answer).await.unwrap_err();
        assert!(matches!(error, EgressError::Encoding { .. }), "{error}");
    }
}

#[tokio::test]
async fn every_status_is_an_answer() {
    let response = answered("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno")
        .await
        .unwrap();
    assert_eq!(
        (response.status.as_u16(), response.body.as_ref()),
        (500, &b"no"[..])
    );
    assert_eq!(response.hops[0].rules, ["http://a.example.com:80"]);
    let response = answered("HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(response.status, 204);
}

#[tokio::test]
async fn names_without_addresses_and_servers_that_are_gone() {
    let world = World::allowing(&["*"]);
    let error = world.get("http://nobody.example.com/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "nobody.example.com: the name cannot be resolved: no such name"
    );
    world.name("empty.example.com", &[]);
    assert!(matches!(
        world.get("http://empty.example.com/").await,
        Err(EgressError::Resolve { .. })
    ));
    // A port that was a listener's a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    world.at_a(listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(
        world.get(A).await,
        Err(EgressError::Connect { .. })
    ));
}
