//! How the model is reached: TLS, proxies, kept connections, and what is said when it is not reached.

use std::io::Write;

use crate::authority::Authority;
use crate::model::{self, Model, Seen};
use crate::proxy::Proxy;
use crate::scratch::{Scratch, run};

#[test]
fn tls_with_a_private_authority() {
    let scratch = Scratch::new();
    let authority = Authority::new();
    authority.write(&scratch.path("authority.pem"));
    let model = Model::tls(
        authority.server("127.0.0.1"),
        model::always("hello over tls"),
    );
    let mut ask = scratch.ask(&format!("https://{}/v1", model.address));
    ask.env("SSL_CERT_FILE", scratch.path("authority.pem"));
    let (code, out, err) = run(&mut ask);
    assert_eq!((code, out.as_str()), (0, "hello over tls\n"), "{err}");

    let seen = model.next();
    assert_eq!(seen.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(
        seen.header("host"),
        Some(model.address.to_string().as_str())
    );
    assert_eq!(seen.header("authorization"), Some("Bearer key-of-the-test"));
    assert_eq!(
        seen.header("content-length"),
        Some(seen.body.len().to_string().as_str())
    );
    assert!(seen.body.contains("say hello"), "{}", seen.body);
}

#[test]
fn a_folder_of_authorities_serves_too() {
    let scratch = Scratch::new();
    let authority = Authority::new();
    std::fs::create_dir(scratch.path("authorities")).unwrap();
    authority.write(&scratch.path("authorities/one.pem"));
    let model = Model::tls(authority.server("127.0.0.1"), model::always("hello"));
    let mut ask = scratch.ask(&format!("https://{}/v1", model.address));
    ask.env("SSL_CERT_DIR", scratch.path("authorities"));
    let (code, _, err) = run(&mut ask);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn an_authority_that_is_not_trusted_is_refused() {
    let scratch = Scratch::new();
    Authority::new().write(&scratch.path("other.pem"));
    let model = Model::tls(
        Authority::new().server("127.0.0.1"),
        model::always("never sent"),
    );
    let url = format!("https://{}/v1", model.address);
    let mut ask = scratch.try_once().ask(&url);
    ask.env("SSL_CERT_FILE", scratch.path("other.pem"));
    let (code, out, err) = run(&mut ask);
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert!(
        err.contains("its certificate is not trusted") && err.contains("SSL_CERT_FILE"),
        "{err}"
    );
    assert!(model.rest().is_empty());
}

#[test]
fn no_roots_at_all_says_so() {
    let scratch = Scratch::new();
    let model = Model::tls(Authority::new().server("127.0.0.1"), model::always("x"));
    let url = format!("https://{}/v1", model.address);
    let mut ask = scratch.try_once().ask(&url);
    ask.env("SSL_CERT_FILE", scratch.path("missing.pem"));
    let (code, _, err) = run(&mut ask);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("no certificate roots found"), "{err}");
}

#[test]
fn https_goes_through_a_tunnel_and_the_proxy_resolves_the_name() {
    let scratch = Scratch::new();
    let authority = Authority::new();
    authority.write(&scratch.path("authority.pem"));
    // Nothing resolves this name: RFC 6761 reserves .invalid.
    let model = Model::tls(
        authority.server("model.invalid"),
        model::always("tunnelled"),
    );
    let proxy = Proxy::start(Some(model.address));
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let mut ask = scratch.ask("https://model.invalid/v1");
        ask.env("SSL_CERT_FILE", scratch.path("authority.pem"))
            .env(name, format!("http://user:pass@{}", proxy.address));
        let (code, out, err) = run(&mut ask);
        assert_eq!((code, out.as_str()), (0, "tunnelled\n"), "{err}");
        assert_eq!(model.next().header("host"), Some("model.invalid"));
        let heads = proxy.heads();
        assert_eq!(heads.len(), 1);
        assert_eq!(heads[0][0], "CONNECT model.invalid:443 HTTP/1.1");
        assert!(
            heads[0]
                .iter()
                .any(|line| line.eq_ignore_ascii_case("proxy-authorization: Basic dXNlcjpwYXNz")),
            "{heads:?}"
        );
    }
}

#[test]
fn a_proxy_may_speak_tls_itself() {
    let scratch = Scratch::new();
    let authority = Authority::new();
    authority.write(&scratch.path("authority.pem"));
    let proxy = Model::tls(authority.server("127.0.0.1"), model::always("by a proxy"));
    let mut ask = scratch.ask("http://model.invalid/v1");
    ask.env("SSL_CERT_FILE", scratch.path("authority.pem"))
        .env("HTTP_PROXY", format!("https://{}", proxy.address));
    let (code, out, err) = run(&mut ask);
    assert_eq!((code, out.as_str()), (0, "by a proxy\n"), "{err}");
}

#[test]
fn plain_http_is_forwarded_by_its_own_proxy() {
    let scratch = Scratch::new();
    let proxy = Model::plain(model::always("forwarded"));
    let mut ask = scratch.ask("http://model.invalid:8080/v1");
    ask.env("HTTP_PROXY", format!("http://user:pass@{}", proxy.address));
    let (code, out, err) = run(&mut ask);
    assert_eq!((code, out.as_str()), (0, "forwarded\n"), "{err}");
    let seen = proxy.next();
    assert_eq!(
        seen.line,
        "POST http://model.invalid:8080/v1/chat/completions HTTP/1.1"
    );
    assert_eq!(seen.header("host"), Some("model.invalid:8080"));
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNz")
    );
}

#[test]
fn exceptions_go_past_the_proxy() {
    let scratch = Scratch::new();
    let model = Model::plain(model::always("direct"));
    let proxy = Proxy::start(None);
    let mut ask = scratch.ask(&model.url());
    ask.env("HTTP_PROXY", format!("http://{}", proxy.address))
        .env("NO_PROXY", "127.0.0.0/8");
    let (code, out, err) = run(&mut ask);
    assert_eq!((code, out.as_str()), (0, "direct\n"), "{err}");
    assert_eq!(model.next().header("proxy-authorization"), None);
    assert!(proxy.heads().is_empty());
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let scratch = Scratch::new();
    let proxy = Proxy::start(None);
    let mut ask = scratch.try_once().ask("https://model.invalid/v1");
    ask.env(
        "HTTPS_PROXY",
        format!("http://user:secret@{}", proxy.address),
    );
    let (code, _, err) = run(&mut ask);
    assert_ne!(code, 0, "{err}");
    assert!(
        err.contains(&format!("proxy {}: it answered 407", proxy.address)),
        "{err}"
    );
    assert!(!err.contains("secret"), "{err}");
}

#[test]
fn a_proxy_that_cannot_be_used_is_not_passed_by() {
    let scratch = Scratch::new();
    let model = Model::plain(model::always("never"));
    let mut ask = scratch.try_once().ask(&model.url());
    ask.env("HTTP_PROXY", "socks5://127.0.0.1:1");
    let (code, _, err) = run(&mut ask);
    assert_ne!(code, 0, "{err}");
    assert!(
        err.contains("HTTP_PROXY: not a proxy that can be used"),
        "{err}"
    );
    assert!(model.rest().is_empty());
}

#[test]
fn turns_share_a_connection() {
    let scratch = Scratch::new();
    let mut turn = 0;
    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        turn += 1;
        let body = match turn {
            1 | 2 => model::tool_call(),
            _ => model::message("listed"),
        };
        model::respond(stream, "200 OK", &body)
    });
    let (code, out, err) = run(&mut scratch.ask(&model.url()));
    assert_eq!((code, out.as_str()), (0, "listed\n"), "{err}");
    let connections: Vec<usize> = model.rest().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[test]
fn streamed_turns_share_a_connection_too() {
    let scratch = Scratch::new();
    let mut turn = 0;
    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        turn += 1;
        if turn < 3 {
            let call = r#"{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"list_directory","arguments":"{\"path\":\".\"}"}}]}"#;
            model::stream_start(stream, &[call]) && model::stream_end(stream, "tool_calls")
        } else {
            model::stream_start(stream, &[r#"{"content":"listed"}"#])
                && model::stream_end(stream, "stop")
        }
    });
    let mut command = scratch.command();
    command
        .env("OPENAI_BASE_URL", model.url())
        .args(["ask", "list the files"]);
    let (code, out, err) = run(&mut command);
    assert_eq!((code, out.as_str()), (0, "listed\n"), "{err}");
    let connections: Vec<usize> = model.rest().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[test]
fn a_connection_closed_between_turns_costs_nothing() {
    let scratch = Scratch::new();
    let mut turn = 0;
    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        turn += 1;
        let body = match turn {
            1 => model::tool_call(),
            _ => model::message("again"),
        };
        // The server closes after each answer without having said so.
        model::respond(stream, "200 OK", &body);
        false
    });
    let (code, out, err) = run(&mut scratch.ask(&model.url()));
    assert_eq!((code, out.as_str()), (0, "again\n"), "{err}");
}

#[test]
fn nobody_listening_is_code_3_and_says_where() {
    let scratch = Scratch::new();
    let closed = "127.0.0.1:1";
    let (code, out, err) = run(&mut scratch.try_once().ask(&format!("http://{closed}/v1")));
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert!(
        err.contains(&format!("the last connection failed: {closed}: ")),
        "{err}"
    );
}

#[test]
fn a_name_that_does_not_resolve_is_code_3() {
    let scratch = Scratch::new();
    let (code, _, err) = run(&mut scratch.try_once().ask("http://model.invalid/v1"));
    assert_eq!(code, 3, "{err}");
    assert!(
        err.contains("model.invalid:80: the name cannot be resolved"),
        "{err}"
    );
}

#[test]
fn a_model_that_refuses_is_code_3_without_a_failed_connection() {
    let scratch = Scratch::new();
    let model = Model::plain(|_: &Seen, stream: &mut dyn Write| {
        model::respond(stream, "401 Unauthorized", r#"{"error":{"message":"no"}}"#)
    });
    let (code, _, err) = run(&mut scratch.ask(&model.url()));
    assert_eq!(code, 3, "{err}");
    assert!(!err.contains("the last connection failed"), "{err}");
}

#[test]
fn a_stalled_answer_is_told_from_a_broken_one() {
    let scratch = Scratch::new();
    scratch.settings(r#"{"retry_attempts": 1, "between_bytes_timeout_ms": 200}"#);
    let part = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";

    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        stream.write_all(part.as_bytes()).is_ok()
    });
    let (code, _, err) = run(&mut scratch.ask(&model.url()));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("timed out"), "{err}");
    assert!(err.contains("between_bytes_timeout_ms"), "{err}");

    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        let _ = stream.write_all(part.as_bytes());
        false
    });
    let (code, _, err) = run(&mut scratch.ask(&model.url()));
    assert_eq!(code, 3, "{err}");
    assert!(!err.contains("timed out"), "{err}");
}

#[test]
fn an_answer_that_never_comes_times_out() {
    let scratch = Scratch::new();
    scratch.settings(
        r#"{"retry_attempts": 1, "first_byte_timeout_ms": 200, "connect_timeout_ms": 5000}"#,
    );
    let model = Model::plain(|_: &Seen, _: &mut dyn Write| true);
    let (code, _, err) = run(&mut scratch.ask(&model.url()));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("no answer within 200ms"), "{err}");
}

#[test]
fn a_page_over_tls_is_fetched_and_never_leads_to_plain_http() {
    let scratch = Scratch::new();
    let authority = Authority::new();
    authority.write(&scratch.path("authority.pem"));
    let plain = Model::plain(model::always("never sent"));
    let location = format!("http://{}/stolen", plain.address);
    let secure = Model::tls(
        authority.server("127.0.0.1"),
        move |seen: &Seen, stream: &mut dyn Write| {
            if seen.line.starts_with("GET /page ") {
                return model::respond(stream, "200 OK", r#"{"valve":"red"}"#);
            }
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
            )
            .is_ok()
        },
    );
    // Both hosts are allowed: only the step from https to http is wrong.
    let hosts = format!("{},{}", secure.address, plain.address);
    for (path, expected, words) in [
        ("page", 0, r#"\"valve\""#),
        ("away", 5, "permission_denied"),
    ] {
        let url = format!("https://{}/{path}", secure.address);
        let mut fetch = scratch.command();
        fetch
            .env("SSL_CERT_FILE", scratch.path("authority.pem"))
            .env("DEWCLAW_ALLOW_FETCH", &hosts)
            .args(["tool", "web_fetch", &format!(r#"{{"url":"{url}"}}"#)]);
        let (code, out, err) = run(&mut fetch);
        assert_eq!(code, expected, "{out}{err}");
        assert!(out.contains(words), "{out}");
    }
    assert!(plain.rest().is_empty());
}
