//! A plugin's own wasi:http goes through the same door.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dewclaw_sandbox::egress::{
    EgressError, PluginHttp, Request, RequestFailure, Requests, Response,
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpHooks};

use crate::loopback::{Server, moved, ok};
use crate::world::World;

type Log = Arc<Mutex<Vec<String>>>;

/// Requests that go through the door, and what they came to.
struct Logged {
    world: World,
    log: Log,
}

impl Logged {
    fn write(&self, method: &str, url: &str, verdict: &str) {
        self.log
            .lock()
            .unwrap()
            .push(format!("{method} {url}: {verdict}"));
    }
}

impl Requests for Logged {
    fn request<'a>(
        &'a self,
        request: Request,
        deadline: Instant,
    ) -> Pin<Box<dyn Future<Output = Result<Response, RequestFailure>> + Send + 'a>> {
        Box::pin(async move {
            let (method, url) = (request.method.clone(), request.url.clone());
            let World { egress, caller, .. } = &self.world;
            let result = egress.request(caller, request, deadline).await;
            match &result {
                Ok(response) => self.write(&method, &url, &response.status.to_string()),
                Err(error) => self.write(&method, &url, &error.to_string()),
            }
            Ok(result?)
        })
    }

    fn refused(&self, method: &str, url: &str, error: &EgressError) -> Result<(), RequestFailure> {
        self.write(method, url, &error.to_string());
        Ok(())
    }
}

/// What cannot be written down.
struct Unwritten;

impl Requests for Unwritten {
    fn request<'a>(
        &'a self,
        _: Request,
        _: Instant,
    ) -> Pin<Box<dyn Future<Output = Result<Response, RequestFailure>> + Send + 'a>> {
        Box::pin(async { Err(RequestFailure::Unrecorded("disk full".into())) })
    }

    fn refused(&self, _: &str, _: &str, _: &EgressError) -> Result<(), RequestFailure> {
        Err(RequestFailure::Unrecorded("disk full".into()))
    }
}

fn plugin(world: World, log: &Log) -> PluginHttp {
    PluginHttp {
        caller: Arc::clone(&world.caller),
        deadline: Instant::now() + Duration::from_secs(30),
        requests: Arc::new(Logged {
            world,
            log: log.clone(),
        }),
    }
}

fn request(url: &str, body: &'static [u8]) -> http::Request<WasiBody> {
    let body = Full::from(body)
        .map_err(|never| match never {})
        .boxed_unsync();
    let host = url.split('/').nth(2).unwrap();
    http::Request::post(url)
        .header("host", host)
        .body(body)
        .unwrap()
}

async fn send(
    plugin: &mut PluginHttp,
    request: http::Request<WasiBody>,
) -> Result<(u16, Vec<u8>), Error> {
    let sent = plugin.send_request(request, None, Box::new(async { Ok(()) }));
    let (response, _) = Pin::from(sent).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, body.to_vec()))
}

#[tokio::test]
async fn the_rules_hold_and_the_audit_has_every_request() {
    let server = Server::answering([ok("answer"), moved(302, "http://169.254.169.254/")]).await;
    let world = World::allowing(&["http://a.example.com:80"]);
    world.at_a(server.address);
    let log = Log::default();
    let mut plugin = plugin(world, &log);
    let answer = send(&mut plugin, request("http://a.example.com/x", b"body"))
        .await
        .unwrap();
    assert_eq!(answer, (200, b"answer".to_vec()));
    assert!(server.requests()[0].ends_with("\r\n\r\nbody"));
    // The redirect is the plugin's to follow, and following it is a request like any other.
    let answer = send(&mut plugin, request("http://a.example.com/", b""))
        .await
        .unwrap();
    assert_eq!(answer.0, 302);
    let refused = send(&mut plugin, request("http://169.254.169.254/", b"")).await;
    assert!(matches!(refused, Err(Error::HttpRequestDenied)));
    let log = log.lock().unwrap();
    assert_eq!(log[0], "POST http://a.example.com/x: 200 OK");
    assert_eq!(log[1], "POST http://a.example.com/: 302 Found");
    assert!(
        log[2].starts_with("POST http://169.254.169.254/: host denied: "),
        "{}",
        log[2]
    );
}

#[tokio::test]
async fn a_body_has_its_size_and_an_audit_that_fails_withholds_the_answer() {
    let server = Server::answering([ok("answer")]).await;
    let world = World::allowing(&["http://a.example.com:80"]);
    world.at_a(server.address);
    let log = Log::default();
    let mut plugin = plugin(world, &log);
    let large: &'static [u8] = vec![b'a'; 1_000_001].leak();
    let refused = send(&mut plugin, request("http://a.example.com/", large)).await;
    assert!(matches!(
        refused,
        Err(Error::HttpRequestBodySize(Some(1_000_000)))
    ));
    assert!(server.requests().is_empty());
    assert_eq!(log.lock().unwrap().len(), 1);
    plugin.requests = Arc::new(Unwritten);
    let refused = send(&mut plugin, request("http://a.example.com/", b"")).await;
    assert!(matches!(refused, Err(Error::HttpRequestDenied)));
}

/// A body that nothing comes of.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn bodies_that_never_come_are_as_many_as_connections() {
    let world = World::allowing(&["http://a.example.com:80"]);
    let log = Log::default();
    let mut plugin = plugin(world, &log);
    plugin.deadline = Instant::now() + Duration::from_millis(100);
    let never = || {
        let body = Never.boxed_unsync();
        http::Request::post("http://a.example.com/")
            .body(body)
            .unwrap()
    };
    let mut plugins = [(); 6].map(|()| plugin.clone());
    let [a, b, c, d, e, f] = &mut plugins;
    let _ = tokio::join!(
        send(a, never()),
        send(b, never()),
        send(c, never()),
        send(d, never()),
        send(e, never()),
        send(f, never()),
    );
    let log = log.lock().unwrap();
    assert!(
        log[0].ends_with("limit reached: 5 connections at once"),
        "{}",
        log[0]
    );
    assert_eq!(log.len(), 6);
    assert!(
        log[1..]
            .iter()
            .all(|line| line.ends_with("limit reached: the call's deadline"))
    );
}
