//! Guests that want to go where they may not, and servers that are the attack.

use std::time::Duration;

use dewclaw_sandbox::audit::Verdict;
use tokio::io::AsyncWriteExt;

use crate::guest::asker;
use crate::loopback::{Server, moved, ok, serving};
use crate::scene::{PUBLIC, Scene};
use crate::wasi_http::gzip_bomb;

const A: &str = "http://a.example.com/";
const GRANTED: &str = "[plugins.attacker.permissions]\nnetwork = [\"http://*.example.com\"]\n";

/// One request of a plugin that was just loaded, so that its minute is its own, and the one entry that it left.
async fn refused(scene: &Scene, url: &str) -> (String, dewclaw_sandbox::audit::Entry) {
    let before = scene.internet.connected().len();
    let attacker = scene.load(asker()).unwrap();
    let answer = scene.attack(&attacker, "get", url).await.answer();
    assert_eq!(scene.internet.connected().len(), before, "{url}");
    let entry = scene.attackers_trail().pop().unwrap();
    assert_eq!(entry.verdict, Verdict::Denied, "{url}");
    (answer.unwrap_err(), entry)
}

/// Attack: SSRF in decimal · SSRF in octal · SSRF in hex · SSRF as `::ffff:a9fe:a9fe` · SSRF as `::a.b.c.d` · SSRF by NAT64 · SSRF by 6to4 ·
/// SSRF by Teredo · SSRF to 198.18/15 · SSRF to 224/4 · SSRF to 240/4 · SSRF to fd00:ec2::254 · SSRF to 0.0.0.0 · SSRF with a trailing dot ·
/// SSRF by IDN
/// Answer: in a URL: "host denied: … is not granted to this plugin", where a host was granted; behind a granted name: "address denied: … is,
/// or leads to, a special-use address that no rule names"; the trail names the rule and the line that would grant it, with the address
/// Bound: nobody is connected to
#[tokio::test]
async fn ssrf_in_every_spelling() {
    for (url, address) in [
        ("http://2852039166/", "169.254.169.254"),
        ("http://0251.0376.0251.0376/", "169.254.169.254"),
        ("http://0xa9fea9fe/", "169.254.169.254"),
        ("http://0xa9.254.0251.254/", "169.254.169.254"),
        ("http://[::ffff:a9fe:a9fe]/", "::ffff:a9fe:a9fe"),
        ("http://[::169.254.169.254]/", "::a9fe:a9fe"),
        ("http://[64:ff9b::169.254.169.254]/", "64:ff9b::a9fe:a9fe"),
        ("http://[2002:a9fe:a9fe::1]/", "2002:a9fe:a9fe::1"),
        (
            "http://[2001:0:5ef5:79fb::5601:5601]/",
            "2001:0:5ef5:79fb::5601:5601",
        ),
        ("http://198.19.255.255/", "198.19.255.255"),
        ("http://239.1.2.3/", "239.1.2.3"),
        ("http://255.255.255.255/", "255.255.255.255"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254"),
        ("http://0/", "0.0.0.0"),
        ("http://169.254.169.254./", "169.254.169.254"),
        ("http://１６９。２５４。１６９。２５４/", "169.254.169.254"),
        ("http://ｌｏｃａｌｈｏｓｔ/", "127.0.0.1"),
    ] {
        let scene = Scene::new(GRANTED);
        let (told, entry) = refused(&scene, url).await;
        assert!(told.starts_with("host denied: http://"), "{url}: {told}");
        assert!(
            told.ends_with(" is not granted to this plugin"),
            "{url}: {told}"
        );
        assert!(entry.error.unwrap().contains("; to grant it: "), "{url}");
        scene.internet.name("evil.example.com", &[address]);
        let (told, entry) = refused(&scene, "http://evil.example.com/").await;
        assert_eq!(
            told,
            "address denied: evil.example.com is, or leads to, a special-use address that no rule names"
        );
        assert!(entry.error.unwrap().contains("; to grant it: "), "{url}");
        assert_eq!(entry.rule, "no line of policy.toml grants it", "{url}");
        assert_eq!(scene.attackers_trail().len(), 2);
        assert_eq!(scene.heard().len(), 2);
    }
}

/// Attack: SSRF with userinfo · SSRF with a zone
/// Answer: "url refused: it has userinfo: put credentials into a header", "url refused: its address has a zone"; the rule: "a url has one
/// reading"
/// Bound: no name is looked up
#[tokio::test]
async fn ssrf_with_userinfo_or_a_zone() {
    for (url, told) in [
        (
            "http://a.example.com@169.254.169.254/",
            "url refused: it has userinfo: put credentials into a header",
        ),
        (
            "http://[fe80::1%25eth0]/",
            "url refused: its address has a zone",
        ),
        (
            "http://a.example.com\t.evil.net/",
            "url refused: it has a control letter",
        ),
        (
            "http://a.example.com\0.evil.net/",
            "url refused: it has a control letter",
        ),
    ] {
        let scene = Scene::new(GRANTED);
        let (said, entry) = refused(&scene, url).await;
        assert_eq!(
            (said.as_str(), entry.rule.as_str()),
            (told, "a url has one reading")
        );
    }
    for url in [
        "file:///etc/passwd",
        "data:,a",
        "ftp://a.example.com/",
        "gopher://a.example.com/",
    ] {
        let scene = Scene::new(GRANTED);
        let (said, entry) = refused(&scene, url).await;
        assert!(said.ends_with(": http and https only"), "{said}");
        assert_eq!(entry.rule, "http and https only");
    }
}

/// Attack: DNS answers that mix public and private
/// Answer: "address denied: …": the whole answer is refused; the trail has the address that was not granted
/// Bound: nobody is connected to
#[tokio::test]
async fn dns_answers_that_mix_public_and_private() {
    for answers in [[PUBLIC, "127.0.0.1"], ["::ffff:10.0.0.1", PUBLIC]] {
        let scene = Scene::new(GRANTED);
        scene.internet.name("a.example.com", &answers);
        let (told, entry) = refused(&scene, A).await;
        assert_eq!(
            told,
            "address denied: a.example.com is, or leads to, a special-use address that no rule names"
        );
        let private = if answers[0] == PUBLIC {
            "127.0.0.1"
        } else {
            "10.0.0.1"
        };
        let error = entry.error.unwrap();
        assert!(
            error.contains(private) && !error.contains(PUBLIC),
            "{error}"
        );
    }
}

/// Attack: DNS answers that change between check and connect
/// Answer: the name is looked up once for a request, and connected to by the address that was judged; the next request is judged anew:
/// "address denied: …"
/// Bound: nobody else is connected to
#[tokio::test]
async fn dns_answers_that_change_between_check_and_connect() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([ok("public")]).await;
    scene.internet.at_a(server.address);
    scene.internet.name("a.example.com", &["127.0.0.1"]);
    let attacker = scene.load(asker()).unwrap();
    let answer = scene.attack(&attacker, "get", A).await.answer();
    assert_eq!(answer.unwrap(), "public");
    let told = scene
        .attack(&attacker, "get", A)
        .await
        .answer()
        .unwrap_err();
    assert!(told.starts_with("address denied: a.example.com"), "{told}");
    assert_eq!(scene.internet.connected(), [format!("{PUBLIC}:80")]);
    let verdicts: Vec<_> = scene
        .attackers_trail()
        .iter()
        .map(|entry| entry.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Permitted, Verdict::Denied]);
}

/// Attack: redirect to a metadata address
/// Answer: "redirect 1: host denied: …", or "redirect 1: address denied: …" where a granted name leads there
/// Bound: only the first server is connected to
#[tokio::test]
async fn a_redirect_to_a_metadata_address() {
    for (location, told) in [
        (
            "http://169.254.169.254/latest/",
            "redirect 1: host denied: http://169.254.169.254:80 is not granted to this plugin",
        ),
        (
            "http://2852039166/",
            "redirect 1: host denied: http://169.254.169.254:80 is not granted to this plugin",
        ),
        ("//[::ffff:a9fe:a9fe]/", "redirect 1: host denied: http://"),
        (
            "http://metadata.example.com/",
            "redirect 1: address denied: metadata.example.com is, or leads to, a special-use address that no rule names",
        ),
        (
            "file:///etc/passwd",
            "redirect 1: url refused: its scheme is file: http and https only",
        ),
    ] {
        let scene = Scene::new(GRANTED);
        let server = Server::answering([moved(302, location)]).await;
        scene.internet.at_a(server.address);
        scene
            .internet
            .name("metadata.example.com", &["169.254.169.254"]);
        let attacker = scene.load(asker()).unwrap();
        let said = scene
            .attack(&attacker, "get", A)
            .await
            .answer()
            .unwrap_err();
        assert!(said.starts_with(told), "{said}");
        assert_eq!(scene.internet.connected().len(), 1);
        let trail = scene.attackers_trail();
        assert_eq!((trail.len(), trail[0].verdict), (1, Verdict::Denied));
    }
}

/// What a server's answer that is an attack comes to, with so many seconds for a request.
async fn stopped(server: std::net::SocketAddr, seconds: u32) -> (String, String, Duration) {
    let resources = format!("[plugins.attacker.resources]\nmax_http_seconds = {seconds}\n");
    let scene = Scene::new(&format!("{GRANTED}{resources}"));
    scene.internet.at_a(server);
    let attacker = scene.load(asker()).unwrap();
    let attempt = scene.attack(&attacker, "get", A).await;
    let took = attempt.took;
    let trail = scene.attackers_trail();
    assert_eq!(trail.len(), 1);
    (attempt.answer().unwrap_err(), trail[0].rule.clone(), took)
}

/// Attack: response that never ends
/// Answer: "limit reached: 10000000 bytes of a response"
/// Bound: 10 MB are held; the server is hung up on
#[tokio::test]
async fn a_response_that_never_ends() {
    let server = serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        while stream.write_all(&[b'a'; 65_536]).await.is_ok() {}
        Ok(())
    })
    .await;
    let (told, rule, _) = stopped(server, 30).await;
    assert_eq!(told, "limit reached: 10000000 bytes of a response");
    assert_eq!(rule, "limit: http response size");
}

/// Attack: response that drips
/// Answer: "limit reached: 1s for a request, from its name to the last byte of its answer"
/// Bound: 30 s, or less by the policy, over name, connections, redirects and body together
#[tokio::test]
async fn a_response_that_drips() {
    let server = serving(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        loop {
            drip.tick().await;
            stream.write_all(b"a").await?;
        }
    })
    .await;
    let (told, rule, took) = stopped(server, 1).await;
    assert_eq!(
        told,
        "limit reached: 1s for a request, from its name to the last byte of its answer"
    );
    assert_eq!(rule, "limit: http total time");
    let second = Duration::from_secs(1);
    assert!(took >= second && took < 2 * second, "{took:?}");
}

/// Attack: response that decompresses to gigabytes
/// Answer: "limit reached: 10000000 bytes of a response"
/// Bound: 10 MB are decoded
#[tokio::test]
async fn a_response_that_decompresses_to_gigabytes() {
    let server = Server::answering([gzip_bomb()]).await;
    let (told, rule, took) = stopped(server.address, 30).await;
    assert_eq!(told, "limit reached: 10000000 bytes of a response");
    assert_eq!(rule, "limit: http response size");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Attack: header injection
/// Answer: "header refused: …", "method refused: …" or "url refused: …"; the rule: "headers that a plugin may set", "a url has one reading"
/// Bound: nothing is sent
#[tokio::test]
async fn header_injection() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([ok("")]).await;
    scene.internet.at_a(server.address);
    for header in [
        "x-a\n1\r\nx-evil: 1",
        "x-a\n1\n x-evil: 1",
        "x-a\n1\0",
        "x-a\r\nx-evil: 1",
        "x-a: 1\r\n\n1",
        "Host\n169.254.169.254",
        "Content-Length\n0",
        "Transfer-Encoding\nchunked",
    ] {
        let attacker = scene.load(asker()).unwrap();
        let told = scene
            .attack(&attacker, "header", &format!("{A}\n{header}"))
            .await
            .answer();
        let told = told.unwrap_err();
        assert!(told.starts_with("header refused: "), "{header:?}: {told}");
        assert_eq!(
            scene.attackers_trail().pop().unwrap().rule,
            "headers that a plugin may set"
        );
    }
    let (told, entry) = refused(
        &scene,
        "http://a.example.com/ HTTP/1.1\r\nx-evil: 1\r\n\r\n",
    )
    .await;
    assert_eq!(told, "url refused: it has a control letter");
    assert_eq!(entry.rule, "a url has one reading");
    assert!(server.requests().is_empty());
}

/// Attack: request flood
/// Answer: "limit reached: 10 http requests a minute: the next may go in … s"
/// Bound: 10 requests a minute over all calls of the plugin, redirects among them
#[tokio::test]
async fn a_request_flood() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([ok("")]).await;
    scene.internet.at_a(server.address);
    let attacker = scene.load(asker()).unwrap();
    for _ in 0..10 {
        scene.attack(&attacker, "get", A).await.answer().unwrap();
    }
    let told = scene
        .attack(&attacker, "get", A)
        .await
        .answer()
        .unwrap_err();
    assert!(
        told.starts_with("limit reached: 10 http requests a minute: the next may go in "),
        "{told}"
    );
    assert_eq!(server.requests().len(), 10);
    let trail = scene.attackers_trail();
    assert_eq!(
        (trail.len(), trail[10].rule.as_str()),
        (11, "limit: http requests a minute")
    );
}

/// Attack: request that is large
/// Answer: "limit reached: 1000000 bytes of a request", or "the body: 1000001 bytes, at most 1000000 are taken"
/// Bound: nothing is sent; what is over the limit is not copied
#[tokio::test]
async fn a_request_that_is_large() {
    let scene = Scene::new(GRANTED);
    let server = Server::answering([ok("")]).await;
    scene.internet.at_a(server.address);
    let attacker = scene.load(asker()).unwrap();
    for (bytes, told) in [
        (1_000_000, "limit reached: 1000000 bytes of a request"),
        (
            1_000_001,
            "the body: 1000001 bytes, at most 1000000 are taken",
        ),
    ] {
        let parameters = format!("{A}\n{}", "a".repeat(bytes));
        let said = scene.attack(&attacker, "post", &parameters).await.answer();
        assert_eq!(said.unwrap_err(), told);
    }
    assert!(server.requests().is_empty());
    scene.assert_trail(&[
        ("http-request", "limit: http request size"),
        ("http-request", "limit: size of an argument"),
    ]);
}
