//! The same attacks by a guest that has wasi:http: the door is the same, and the answers are wasi:http's nearest.

use std::io::Write;
use std::time::Duration;

use dewclaw_sandbox::audit::Verdict;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::AsyncWriteExt;

use crate::guest::Guest;
use crate::loopback::{Server, moved, ok, serving};
use crate::scene::{LATE, Scene};

/// Of wasi:http's `error-code`, by their place in it.
const DESTINATION_IP_PROHIBITED: &str = "004";
const CONNECTION_LIMIT_REACHED: &str = "011";
const HTTP_REQUEST_DENIED: &str = "015";
const HTTP_RESPONSE_BODY_SIZE: &str = "028";
const HTTP_RESPONSE_TIMEOUT: &str = "033";
/// What the guest says when the host does not even take the authority.
const NO_AUTHORITY: &str = "999";

/// A guest that asks `http://PARAMETERS/`, and gives the status or the error's number, in three digits. With another tool than
/// `t`, it gives what comes of a header instead: `v` of a value that injects, `n` of a name that does, `f` of the header
/// `host`. With `k` it asks again and again and keeps the answers, until an error. With `b` it puts header after header into one
/// `fields`, with `m` 12 KiB into one after the other, and keeps them.
fn asker() -> Vec<u8> {
    let guest = Guest {
        imports: r#"
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:http/types@0.2.0" (instance $types
    (alias outer 1 $pollable (type $p))
    (export "fields" (type $fields (sub resource)))
    (export "outgoing-request" (type $request (sub resource)))
    (export "request-options" (type $options (sub resource)))
    (export "incoming-response" (type $response (sub resource)))
    (export "future-incoming-response" (type $future (sub resource)))
    (type $scheme' (variant (case "HTTP") (case "HTTPS") (case "other" string)))
    (export "scheme" (type $scheme (eq $scheme')))
    (type $dns' (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns')))
    (type $tls' (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $tls (eq $tls')))
    (type $field' (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $field (eq $field')))
    (type $error' (variant
      (case "DNS-timeout") (case "DNS-error" $dns) (case "destination-not-found") (case "destination-unavailable")
      (case "destination-IP-prohibited") (case "destination-IP-unroutable") (case "connection-refused")
      (case "connection-terminated") (case "connection-timeout") (case "connection-read-timeout")
      (case "connection-write-timeout") (case "connection-limit-reached") (case "TLS-protocol-error")
      (case "TLS-certificate-error") (case "TLS-alert-received" $tls) (case "HTTP-request-denied")
      (case "HTTP-request-length-required") (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid") (case "HTTP-request-URI-invalid") (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32)) (case "HTTP-request-header-size" (option $field))
      (case "HTTP-request-trailer-section-size" (option u32)) (case "HTTP-request-trailer-size" $field)
      (case "HTTP-response-incomplete") (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $field) (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32)) (case "HTTP-response-trailer-size" $field)
      (case "HTTP-response-transfer-coding" (option string)) (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout") (case "HTTP-upgrade-failed") (case "HTTP-protocol-error") (case "loop-detected")
      (case "configuration-error") (case "internal-error" (option string))))
    (export "error-code" (type $error (eq $error')))
    (export "[constructor]fields" (func (result (own $fields))))
    (type $refusal' (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $refusal (eq $refusal')))
    (export "[method]fields.append" (func (param "self" (borrow $fields)) (param "name" string) (param "value" (list u8))
      (result (result (error $refusal)))))
    (export "[constructor]outgoing-request" (func (param "headers" (own $fields)) (result (own $request))))
    (export "[method]outgoing-request.set-scheme"
      (func (param "self" (borrow $request)) (param "scheme" (option $scheme)) (result (result))))
    (export "[method]outgoing-request.set-authority"
      (func (param "self" (borrow $request)) (param "authority" (option string)) (result (result))))
    (export "[method]outgoing-request.set-path-with-query"
      (func (param "self" (borrow $request)) (param "path-with-query" (option string)) (result (result))))
    (export "[method]future-incoming-response.subscribe" (func (param "self" (borrow $future)) (result (own $p))))
    (export "[method]future-incoming-response.get" (func (param "self" (borrow $future))
      (result (option (result (result (own $response) (error $error)))))))
    (export "[method]incoming-response.status" (func (param "self" (borrow $response)) (result u16)))))
  (alias export $types "outgoing-request" (type $request))
  (alias export $types "request-options" (type $options))
  (alias export $types "future-incoming-response" (type $future))
  (alias export $types "error-code" (type $error))
  (import "wasi:http/outgoing-handler@0.2.0" (instance $handler
    (alias outer 1 $request (type $r)) (alias outer 1 $options (type $o))
    (alias outer 1 $future (type $f)) (alias outer 1 $error (type $e'))
    (export "error-code" (type $e (eq $e')))
    (export "handle" (func (param "request" (own $r)) (param "options" (option (own $o)))
      (result (result (own $f) (error $e)))))))"#,
        lowered: r#"
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $fields (canon lower (func $types "[constructor]fields")))
  (core func $append (canon lower (func $types "[method]fields.append") (memory $m "memory")))
  (core func $request (canon lower (func $types "[constructor]outgoing-request")))
  (core func $scheme (canon lower (func $types "[method]outgoing-request.set-scheme") (memory $m "memory")))
  (core func $authority (canon lower (func $types "[method]outgoing-request.set-authority") (memory $m "memory")))
  (core func $path (canon lower (func $types "[method]outgoing-request.set-path-with-query") (memory $m "memory")))
  (core func $subscribe (canon lower (func $types "[method]future-incoming-response.subscribe")))
  (core func $get (canon lower (func $types "[method]future-incoming-response.get")
    (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $status (canon lower (func $types "[method]incoming-response.status")))
  (core func $handle (canon lower (func $handler "handle") (memory $m "memory") (realloc (func $m "realloc"))))"#,
        given: r#"
    (export "append" (func $append)) (export "block" (func $block)) (export "fields" (func $fields)) (export "request" (func $request))
    (export "scheme" (func $scheme)) (export "authority" (func $authority)) (export "subscribe" (func $subscribe))
    (export "path" (func $path))
    (export "get" (func $get)) (export "status" (func $status)) (export "handle" (func $handle))"#,
        module: r#"
    (import "h" "append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import "h" "block" (func $block (param i32)))
    (import "h" "fields" (func $fields (result i32)))
    (import "h" "request" (func $request (param i32) (result i32)))
    (import "h" "scheme" (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "h" "authority" (func $authority (param i32 i32 i32 i32) (result i32)))
    (import "h" "path" (func $path (param i32 i32 i32 i32) (result i32)))
    (import "h" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "h" "get" (func $get (param i32 i32)))
    (import "h" "status" (func $status (param i32) (result i32)))
    (import "h" "handle" (func $handle (param i32 i32 i32 i32)))
    (data (i32.const 2048) "/")
    (data (i32.const 2064) "x-a\0d\0a: 1")
    (data (i32.const 2080) "1\0d\0ax-evil: 1")
    (data (i32.const 2096) "host")
    (func $ask (param $at i32) (param $len i32) (result i32)
      (local $n i32)
      (local.set $n (call $request (call $fields)))
      (drop (call $scheme (local.get $n) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
      (if (call $authority (local.get $n) (i32.const 1) (local.get $at) (local.get $len))
        (then (return (i32.const 999))))
      (drop (call $path (local.get $n) (i32.const 1) (i32.const 2048) (i32.const 1)))
      (call $handle (local.get $n) (i32.const 0) (i32.const 0) (i32.const 256))
      (if (i32.load8_u (i32.const 256)) (then (return (i32.load8_u (i32.const 264)))))
      (local.set $n (i32.load (i32.const 264)))
      (call $block (call $subscribe (local.get $n)))
      (call $get (local.get $n) (i32.const 256))
      (if (i32.load8_u (i32.const 272)) (then (return (i32.load8_u (i32.const 280)))))
      (call $status (i32.load (i32.const 280))))
    (func $header (param $name i32) (param $name_len i32) (param $value i32) (param $value_len i32) (result i32)
      (call $append (call $fields) (local.get $name) (local.get $name_len) (local.get $value) (local.get $value_len) (i32.const 256))
      (call $say (i32.add (i32.const 900)
        (i32.add (i32.mul (i32.const 10) (i32.load8_u (i32.const 256))) (i32.load8_u (i32.const 257))))))
    (func $stuff (param $fields i32)
      (call $append (local.get $fields) (i32.const 2064) (i32.const 3) (i32.const 32768) (i32.const 4096) (i32.const 256)))
    (func $digit (param $at i32) (param $number i32)
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))
    (func $say (param $number i32) (result i32)
      (call $digit (i32.const 64) (i32.div_u (local.get $number) (i32.const 100)))
      (call $digit (i32.const 65) (i32.div_u (local.get $number) (i32.const 10)))
      (call $digit (i32.const 66) (local.get $number))
      (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 64)) (i32.store (i32.const 24) (i32.const 3))
      (i32.const 16))"#,
        execute: r#"
      (local.set $n (i32.load8_u (local.get $tool)))
      (if (i32.eq (local.get $n) (i32.const 118))
        (then (return (call $header (i32.const 2064) (i32.const 3) (i32.const 2080) (i32.const 12)))))
      (if (i32.eq (local.get $n) (i32.const 110))
        (then (return (call $header (i32.const 2064) (i32.const 8) (i32.const 2080) (i32.const 1)))))
      (if (i32.eq (local.get $n) (i32.const 102))
        (then (return (call $header (i32.const 2096) (i32.const 4) (i32.const 2080) (i32.const 1)))))
      (if (i32.eq (local.get $n) (i32.const 107))
        (then (loop $again
          (local.set $n (call $ask (local.get $json) (local.get $json_len)))
          (br_if $again (i32.eq (local.get $n) (i32.const 200))))
          (return (call $say (local.get $n)))))
      (memory.fill (i32.const 32768) (i32.const 97) (i32.const 4096))
      (if (i32.eq (local.get $n) (i32.const 98))
        (then (local.set $n (call $fields)) (loop $again (call $stuff (local.get $n)) (br $again))))
      (if (i32.eq (local.get $n) (i32.const 109))
        (then (loop $again
          (local.set $n (call $fields))
          (call $stuff (local.get $n)) (call $stuff (local.get $n)) (call $stuff (local.get $n))
          (br $again))))
      (call $say (call $ask (local.get $json) (local.get $json_len)))"#,
        ..Guest::default()
    };
    guest.bytes()
}

const GRANTED: &str =
    "[plugins.attacker.permissions]\nwasi = [\"http\"]\nnetwork = [\"http://*.example.com\"]\n";

/// Attack: SSRF by wasi:http
/// Answer: `HTTP-request-denied` for what no rule names, `destination-IP-prohibited` for a granted name that leads to a
/// special-use address; the trail has the rule and the line that would grant it
/// Bound: nobody is connected to
#[tokio::test]
async fn ssrf_by_wasi_http() {
    for (authority, answer) in [
        ("169.254.169.254", HTTP_REQUEST_DENIED),
        ("2852039166", HTTP_REQUEST_DENIED),
        ("0xa9fea9fe", HTTP_REQUEST_DENIED),
        ("0251.0376.0251.0376", HTTP_REQUEST_DENIED),
        ("[::ffff:a9fe:a9fe]", HTTP_REQUEST_DENIED),
        ("[fd00:ec2::254]", HTTP_REQUEST_DENIED),
        ("0.0.0.0:80", HTTP_REQUEST_DENIED),
        ("localhost.", HTTP_REQUEST_DENIED),
        ("evil.example.com", DESTINATION_IP_PROHIBITED),
        ("both.example.com.", DESTINATION_IP_PROHIBITED),
    ] {
        let scene = Scene::new(GRANTED);
        scene
            .internet
            .name("evil.example.com", &["169.254.169.254"]);
        scene
            .internet
            .name("both.example.com", &[crate::scene::PUBLIC, "127.0.0.1"]);
        let attacker = scene.load(&asker()).unwrap();
        let said = scene.attack(&attacker, "t", authority).await.answer();
        assert_eq!(said.as_deref(), Ok(answer), "{authority}");
        assert!(scene.internet.connected().is_empty(), "{authority}");
        let trail = scene.attackers_trail();
        assert_eq!(
            (trail.len(), trail[0].verdict),
            (1, Verdict::Denied),
            "{authority}"
        );
        assert!(
            trail[0].error.as_deref().unwrap().contains("network = ["),
            "{trail:?}"
        );
    }
    let scene = Scene::new(GRANTED);
    let attacker = scene.load(&asker()).unwrap();
    for authority in [
        "user@evil.example.com",
        "[fe80::1%25eth0]",
        "a\r\nx-evil: 1",
        "a/../b",
    ] {
        let said = scene
            .attack(&attacker, "t", authority)
            .await
            .answer()
            .unwrap();
        assert!(said == NO_AUTHORITY || said == "019", "{authority}: {said}");
    }
    assert!(scene.internet.connected().is_empty());
}

/// Attack: DNS answers that change between check and connect
/// Answer: by wasi:http: `destination-IP-prohibited` for the request that is judged anew
/// Bound: nobody else is connected to
#[tokio::test]
async fn dns_answers_that_change_by_wasi_http() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([ok("public")]).await;
    scene.internet.at_a(server.address);
    scene.internet.name("a.example.com", &["127.0.0.1"]);
    let attacker = scene.load(&asker()).unwrap();
    for answer in ["200", DESTINATION_IP_PROHIBITED] {
        let said = scene.attack(&attacker, "t", "a.example.com").await.answer();
        assert_eq!(said.as_deref(), Ok(answer));
    }
    assert_eq!(scene.internet.connected().len(), 1);
    assert_eq!(scene.attackers_trail().len(), 2);
}

/// Attack: header injection by wasi:http
/// Answer: `header-error`: `invalid-syntax`, or `forbidden` for what the host sets itself
/// Bound: there is no request to send
#[tokio::test]
async fn header_injection_by_wasi_http() {
    let scene = Scene::new(GRANTED);
    let attacker = scene.load(&asker()).unwrap();
    for (tool, answer) in [("v", "910"), ("n", "910"), ("f", "911")] {
        let said = scene.attack(&attacker, tool, "").await.answer();
        assert_eq!(said.as_deref(), Ok(answer), "{tool}");
    }
    scene.assert_trail(&[]);
}

/// Attack: redirect to a metadata address, by wasi:http
/// Answer: the redirect is the answer; following it is a request like any other: `HTTP-request-denied`
/// Bound: nothing is followed for the guest
#[tokio::test]
async fn a_redirect_to_a_metadata_address_by_wasi_http() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([moved(302, "http://169.254.169.254/latest/")]).await;
    scene.internet.at_a(server.address);
    let attacker = scene.load(&asker()).unwrap();
    let answer = scene.attack(&attacker, "t", "a.example.com").await.answer();
    assert_eq!(answer.unwrap(), "302");
    let answer = scene
        .attack(&attacker, "t", "169.254.169.254")
        .await
        .answer();
    assert_eq!(answer.unwrap(), HTTP_REQUEST_DENIED);
    assert_eq!(scene.internet.connected().len(), 1);
    let verdicts: Vec<_> = scene
        .attackers_trail()
        .iter()
        .map(|entry| entry.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Permitted, Verdict::Denied]);
}

/// Attack: response that never ends, drips, or decompresses to gigabytes, by wasi:http
/// Answer: `HTTP-response-body-size`, or `HTTP-response-timeout`; the trail names the limit
/// Bound: 10 MB after decoding; the policy's seconds for a request
#[tokio::test]
async fn responses_without_end_by_wasi_http() {
    let endless = serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        while stream.write_all(&[b'a'; 65_536]).await.is_ok() {}
        Ok(())
    })
    .await;
    let dripping = serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        loop {
            drip.tick().await;
            stream.write_all(b"a").await?;
        }
    })
    .await;
    let bomb = Server::answering([gzip_bomb()]).await.address;
    let (size, time) = ("limit: http response size", "limit: http total time");
    for (server, seconds, answer, rule) in [
        (endless, 30, HTTP_RESPONSE_BODY_SIZE, size),
        (bomb, 30, HTTP_RESPONSE_BODY_SIZE, size),
        (dripping, 1, HTTP_RESPONSE_TIMEOUT, time),
    ] {
        let resources = format!("[plugins.attacker.resources]\nmax_http_seconds = {seconds}\n");
        let scene = Scene::new(&format!("{GRANTED}{resources}"));
        scene.internet.at_a(server);
        let attacker = scene.load(&asker()).unwrap();
        let answered = scene.attack(&attacker, "t", "a.example.com").await.answer();
        assert_eq!(answered.as_deref(), Ok(answer));
        scene.assert_trail(&[("wasi:http", rule)]);
    }
}

/// Attack: answers that are kept unread, by wasi:http
/// Answer: `connection-limit-reached`; the trail: "limit: connections at once"
/// Bound: as many as there may be connections: 5 of 10 MB in the host's memory
#[tokio::test]
async fn answers_that_are_kept_unread_by_wasi_http() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([ok(&"a".repeat(1_000_000))]).await;
    scene.internet.at_a(server.address);
    let attacker = scene.load(&asker()).unwrap();
    let said = scene.attack(&attacker, "k", "a.example.com").await.answer();
    assert_eq!(said.as_deref(), Ok(CONNECTION_LIMIT_REACHED));
    let trail = scene.attackers_trail();
    assert_eq!(
        (trail.len(), trail[5].rule.as_str()),
        (6, "limit: connections at once")
    );
    // With the store they are gone.
    let said = scene.attack(&attacker, "t", "a.example.com").await.answer();
    assert_eq!(said.as_deref(), Ok("200"));
}

/// Attack: headers without end, by wasi:http
/// Answer: `CallError::Limit`: "bytes of one wasi:http fields: at most 16384 at once", or "resources of WASI: at most 1000 at once"
/// Bound: 1,000 times 16 KiB of the host's memory for a store
#[tokio::test]
async fn headers_without_end_by_wasi_http() {
    for (tool, limit) in [
        ("b", "bytes of one wasi:http fields: at most 16384 at once"),
        ("m", "resources of WASI: at most 1000 at once"),
    ] {
        let scene = Scene::new(GRANTED);
        let attacker = scene.load(&asker()).unwrap();
        let attempt = scene.attack(&attacker, tool, "").await;
        attempt.is_stopped_saying(limit, LATE);
        scene.assert_trail(&[]);
    }
}

/// An answer of a megabyte that is a gigabyte.
pub(crate) fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1000 {
        encoder.write_all(&[b' '; 1_000_000]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    [head.as_bytes(), &bomb].concat()
}
