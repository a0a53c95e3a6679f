//! Limits of a plugin's requests: size, time, rate, connections, redirects.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dewclaw_sandbox::egress::{
    Connect, Egress, EgressError, EgressLimits, LookUp, Opening, Request, Resolve,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::loopback::{Server, moved, ok, serving};
use crate::world::{World, get};

const A: &str = "http://a.example.com/";

fn limited(limits: EgressLimits) -> World {
    World::new(&["http://a.example.com:80"], &[], limits)
}

fn in_time(total: u64) -> EgressLimits {
    EgressLimits {
        total: Duration::from_millis(total),
        ..EgressLimits::default()
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_stops_at_its_size() {
    let (told, mut sent) = mpsc::unbounded_channel();
    let server = serving(move |mut stream| {
        let told = told.clone();
        async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            let mut count = 0;
            while stream.write_all(&[b'a'; 65_536]).await.is_ok() {
                count += 65_536;
            }
            told.send(count).unwrap();
            Ok(())
        }
    })
    .await;
    let world = limited(EgressLimits::default());
    world.at_a(server);
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error, EgressError::ResponseSize { limit: 10_000_000 });
    assert_eq!(error.limit(), Some("http response size"));
    // The server was cut off: what is past the limit lay in buffers of the system.
    let sent = sent.recv().await.unwrap();
    assert!(sent < 30_000_000, "{sent}");
}

#[tokio::test]
async fn an_announced_size_is_believed_when_it_is_too_large() {
    let server = Server::answering(["HTTP/1.1 200 OK\r\ncontent-length: 10000001\r\n\r\n"]).await;
    let world = limited(EgressLimits::default());
    world.at_a(server.address);
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error, EgressError::ResponseSize { limit: 10_000_000 });
}

#[tokio::test]
async fn an_answer_that_drips_stops_at_its_time() {
    let server = serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        loop {
            drip.tick().await;
            stream.write_all(b"a").await?;
        }
    })
    .await;
    let world = limited(in_time(300));
    world.at_a(server);
    let start = Instant::now();
    let error = world.get(A).await.unwrap_err();
    let limit = Duration::from_millis(300);
    assert_eq!(error, EgressError::Time { limit });
    assert!(start.elapsed() >= limit && start.elapsed() < limit * 2);
}

#[tokio::test]
async fn a_server_that_says_nothing_stops_at_the_time_and_is_hung_up_on() {
    let (told, mut hung_up) = mpsc::unbounded_channel();
    let server = serving(move |mut stream| {
        let told = told.clone();
        async move {
            let read = stream.read(&mut [0]).await;
            told.send(read.is_ok_and(|read| read == 0)).unwrap();
            Ok(())
        }
    })
    .await;
    let world = limited(in_time(50));
    world.at_a(server);
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error.limit(), Some("http total time"));
    assert_eq!(hung_up.recv().await, Some(true));
}

#[tokio::test]
async fn heads_that_never_end_stop() {
    let endless = serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        loop {
            stream.write_all(b"x-a: b\r\n").await?;
        }
    })
    .await;
    let world = limited(EgressLimits::default());
    world.at_a(endless);
    let error = world.get(A).await.unwrap_err();
    assert!(matches!(error, EgressError::Exchange { .. }), "{error}");
    let informing = serving(|mut stream| async move {
        loop {
            stream
                .write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                .await?;
        }
    })
    .await;
    let world = limited(in_time(200));
    world.at_a(informing);
    let start = Instant::now();
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error.limit(), Some("http total time"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(400));
}

#[tokio::test]
async fn redirects_share_one_time() {
    let server = serving(|mut stream| async move {
        tokio::time::sleep(Duration::from_millis(80)).await;
        stream.write_all(moved(302, "/").as_bytes()).await
    })
    .await;
    let world = limited(in_time(200));
    world.at_a(server);
    let start = Instant::now();
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error.limit(), Some("http total time"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(400));
}

#[tokio::test]
async fn the_calls_deadline_is_one_more() {
    let server = serving(|stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let world = limited(EgressLimits::default());
    world.at_a(server);
    let start = Instant::now();
    for (left, most) in [(100, 300), (0, 50)] {
        let deadline = start + Duration::from_millis(left);
        let error = world.egress.request(&world.caller, get(A), deadline).await;
        assert_eq!(error.unwrap_err(), EgressError::Deadline);
        assert!(start.elapsed() < Duration::from_millis(most) + Duration::from_millis(100));
    }
    // The second began behind its deadline: nothing went out.
    assert_eq!(world.sent_to().len(), 1);
}

#[tokio::test]
async fn a_bomb_stops_at_the_size_that_it_would_have() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1000 {
        encoder.write_all(&[0; 1_000_000]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1_000_000);
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let server = Server::answering([[head.as_bytes(), &bomb].concat()]).await;
    let world = limited(EgressLimits::default());
    world.at_a(server.address);
    let start = Instant::now();
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error, EgressError::ResponseSize { limit: 10_000_000 });
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_request_has_its_size() {
    let server = Server::answering([ok("")]).await;
    let world = limited(EgressLimits::default());
    world.at_a(server.address);
    let request = |bytes| Request {
        method: "POST".into(),
        body: vec![b'a'; bytes].into(),
        ..get(A)
    };
    let most = 1_000_000 - A.len();
    world.ask(request(most)).await.unwrap();
    let error = world.ask(request(most + 1)).await.unwrap_err();
    assert_eq!(error, EgressError::RequestSize { limit: 1_000_000 });
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_minute_has_ten_requests_and_redirects_are_among_them() {
    let server = Server::answering([moved(302, "/"), ok("")]).await;
    let world = limited(EgressLimits::default());
    world.at_a(server.address);
    assert_eq!(world.get(A).await.unwrap().hops.len(), 2);
    for _ in 0..8 {
        world.get(A).await.unwrap();
    }
    let error = world.get(A).await.unwrap_err();
    assert!(
        matches!(error, EgressError::RequestRate { limit: 10, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .starts_with("limit reached: 10 http requests a minute: the next may go in ")
    );
    assert_eq!(server.requests().len(), 10);
    // A neighbour has a minute of its own.
    let neighbour = limited(EgressLimits::default());
    neighbour.at_a(server.address);
    neighbour.get(A).await.unwrap();
}

#[tokio::test]
async fn five_connections_at_once_and_the_sixth_is_told_so() {
    let (told, mut arrived) = mpsc::unbounded_channel();
    let server = serving(move |stream| {
        let told = told.clone();
        async move {
            told.send(stream).unwrap();
            Ok(())
        }
    })
    .await;
    let world = limited(EgressLimits::default());
    world.at_a(server);
    let five = async {
        tokio::join!(
            world.get(A),
            world.get(A),
            world.get(A),
            world.get(A),
            world.get(A)
        )
    };
    let sixth = async {
        let mut streams = Vec::new();
        for _ in 0..5 {
            streams.push(arrived.recv().await.unwrap());
        }
        let error = world.get(A).await.unwrap_err();
        assert_eq!(error, EgressError::Connections { limit: 5 });
        for mut stream in streams {
            stream.write_all(ok("").as_bytes()).await.unwrap();
        }
    };
    let ((a, b, c, d, e), ()) = tokio::join!(five, sixth);
    assert!([a, b, c, d, e].iter().all(Result::is_ok));
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::answering([moved(302, "/")]).await;
    let world = limited(EgressLimits::default());
    world.at_a(server.address);
    let error = world.get(A).await.unwrap_err();
    assert_eq!(error, EgressError::Redirects { limit: 5 });
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn names_and_addresses_that_never_answer_stop_at_the_time() {
    struct Never;
    impl Resolve for Never {
        fn resolve(&self, _name: String) -> LookUp<'_> {
            Box::pin(std::future::pending())
        }
    }
    impl Connect for Never {
        fn connect(&self, _address: SocketAddr) -> Opening<'_> {
            Box::pin(std::future::pending())
        }
    }
    let limit = Duration::from_millis(50);
    let mut world = limited(in_time(50));
    world.at_a("127.0.0.1:1".parse().unwrap());
    for egress in [
        Egress::new(Arc::new(Never), world.wires.clone()),
        Egress::new(world.names.clone(), Arc::new(Never)),
    ] {
        world.egress = egress;
        let start = Instant::now();
        assert_eq!(world.get(A).await.unwrap_err(), EgressError::Time { limit });
        assert!(start.elapsed() < limit * 4);
    }
}
