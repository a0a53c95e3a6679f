//! Which failures are tried again, when, and when not.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::loopback::ClosedPort;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The agent's clock counts whole milliseconds, so a wait may be up to one shorter than it says.
const TICK: Duration = Duration::from_millis(1);

/// Asks a model that gives these replies, with these settings, and returns the end with the times between the requests.
fn ask(host: Host, settings: &Value, replies: Vec<Reply>) -> (Ended, Vec<Duration>) {
    let (work, state) = (
        Scratch::new(),
        Scratch::with(&[("dewclaw.json", &settings.to_string())]),
    );
    let model = ScriptedModel::start(replies);
    let ended = host.run(
        &Guest::ask(&work, &model, "hi")
            .state(&state)
            .args(["--json"]),
    );
    let arrivals: Vec<Instant> = model
        .requests()
        .iter()
        .map(|request| request.http.arrived)
        .collect();
    let bodies: Vec<Value> = model
        .requests()
        .into_iter()
        .map(|request| request.json)
        .collect();
    assert!(
        bodies.windows(2).all(|pair| pair[0] == pair[1]),
        "a retry asks the same"
    );
    (
        ended,
        arrivals.windows(2).map(|pair| pair[1] - pair[0]).collect(),
    )
}

fn rate_limited() -> Reply {
    Reply::error(
        429,
        "Rate limit reached.",
        "requests",
        Some("rate_limit_exceeded"),
    )
}

#[test]
fn retry_after_is_honoured() {
    on_each_host(|host| {
        let replies = vec![
            rate_limited().header("retry-after", "1"),
            Reply::text("Now."),
        ];
        let (ended, waits) = ask(host, &json!({}), replies);
        ended.code(0);
        assert_eq!(ended.finished()["text"], "Now.");
        assert!(
            waits[0] + TICK >= Duration::from_secs(1),
            "it came after {waits:?}"
        );
        let retry = &ended.events_of("retry")[0];
        assert_eq!(retry["attempt"], 1);
        assert!(
            retry["wait_ms"]
                .as_u64()
                .is_some_and(|wait| (1000..3000).contains(&wait)),
            "{retry}"
        );
        assert!(retry["cause"].to_string().contains("429"), "{retry}");
    });
}

#[test]
fn without_retry_after_the_waits_grow() {
    on_each_host(|host| {
        let replies = vec![rate_limited(), rate_limited(), Reply::text("Now.")];
        let (ended, waits) = ask(host, &json!({}), replies);
        ended.code(0);
        let told: Vec<u64> = ended
            .events_of("retry")
            .iter()
            .filter_map(|retry| retry["wait_ms"].as_u64())
            .collect();
        assert_eq!(told.len(), 2);
        // From 500 ms and twice that, with jitter of at most the half.
        assert!((250..=1000).contains(&told[0]), "{told:?}");
        assert!((500..=2000).contains(&told[1]), "{told:?}");
        for (wait, told) in waits.iter().zip(&told) {
            assert!(
                *wait + TICK >= Duration::from_millis(*told),
                "{waits:?} for {told}"
            );
        }
    });
}

#[test]
fn server_errors_are_tried_again() {
    on_each_host(|host| {
        for status in [500, 502, 503] {
            let broken = Reply::error(status, "The server had an error.", "server_error", None);
            let (ended, waits) = ask(host, &json!({}), vec![broken, Reply::text("Back.")]);
            ended.code(0);
            assert_eq!(waits.len(), 1);
        }
    });
}

#[test]
fn a_connection_that_closes_midway_is_tried_again_and_shown_text_is_taken_back() {
    on_each_host(|host| {
        let cut = Reply::text("Hello, this will break off").close_after(1200);
        let (ended, _) = ask(host, &json!({}), vec![cut, Reply::text("Hello.")]);
        ended.code(0);
        let events = ended.events();
        let at = |kind: &str| events.iter().position(|event| event["type"] == kind);
        assert!(at("text") < at("reply-discarded"), "{events:?}");
        assert!(at("reply-discarded").is_some(), "{events:?}");
        assert!(ended.events_of("reply-discarded")[0]["reason"].is_string());
        let after: String = events[at("reply-discarded").unwrap_or(0)..]
            .iter()
            .filter(|event| event["type"] == "text")
            .filter_map(|event| event["text"].as_str())
            .collect();
        assert_eq!(after, "Hello.");
        assert_eq!(ended.finished()["text"], "Hello.");
    });
}

#[test]
fn a_connection_that_closes_before_the_answer_is_tried_again() {
    on_each_host(|host| {
        let (ended, waits) = ask(
            host,
            &json!({}),
            vec![Reply::hang_up(), Reply::text("Hello.")],
        );
        ended.code(0);
        assert_eq!(waits.len(), 1);
    });
}

#[test]
fn a_stream_that_ends_too_soon_is_tried_again() {
    on_each_host(|host| {
        let cut = Reply::stream([
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n",
        ]);
        let (ended, waits) = ask(host, &json!({}), vec![cut, Reply::text("Hello.")]);
        ended.code(0);
        assert_eq!(waits.len(), 1);
        assert_eq!(ended.finished()["text"], "Hello.");
    });
}

#[test]
fn a_plain_reply_that_closes_midway_is_tried_again() {
    on_each_host(|host| {
        let replies = vec![
            Reply::text("Hello, all of you.").close_after(80),
            Reply::text("Hello."),
        ];
        let (ended, waits) = ask(host, &json!({"stream": false}), replies);
        ended.code(0);
        assert_eq!(waits.len(), 1);
        assert!(
            ended.events_of("reply-discarded").is_empty(),
            "nothing was shown, so nothing is taken back"
        );
    });
}

#[test]
fn a_stall_before_the_head_is_tried_again_after_the_timeout() {
    on_each_host(|host| {
        let settings = json!({"first_byte_timeout_ms": 200});
        let (ended, waits) = ask(
            host,
            &settings,
            vec![Reply::silence(), Reply::text("Awake.")],
        );
        ended.code(0);
        assert!(waits[0] + TICK >= Duration::from_millis(200), "{waits:?}");
    });
}

#[test]
fn a_stall_in_the_stream_is_tried_again_after_the_timeout() {
    on_each_host(|host| {
        let settings = json!({"between_bytes_timeout_ms": 200});
        let replies = vec![
            Reply::text("Hello, and then nothing").stall_after(900),
            Reply::text("Awake."),
        ];
        let (ended, waits) = ask(host, &settings, replies);
        ended.code(0);
        assert!(waits[0] + TICK >= Duration::from_millis(200), "{waits:?}");
        assert_eq!(ended.finished()["text"], "Awake.");
    });
}

#[test]
fn other_client_errors_are_never_tried_again() {
    on_each_host(|host| {
        for status in [400, 401, 403, 404, 405, 408, 409, 413, 418, 422] {
            let refused = Reply::error(status, "No.", "invalid_request_error", None);
            let (ended, waits) = ask(host, &json!({}), vec![refused]);
            ended.code(3);
            assert!(waits.is_empty());
            assert!(ended.events_of("retry").is_empty(), "{ended}");
        }
    });
}

#[test]
fn the_attempts_are_limited() {
    on_each_host(|host| {
        let settings = json!({"retry_attempts": 2});
        let (ended, waits) = ask(host, &settings, vec![rate_limited(), rate_limited()]);
        ended.code(3);
        assert_eq!(waits.len(), 1);
        let finished = ended.finished();
        assert_eq!(finished["reason"], "failed");
        assert_eq!(finished["exit_code"], 3);
        assert_eq!(finished["error"]["kind"], "rate_limited");
    });
}

#[test]
fn a_wait_past_the_budget_is_not_begun() {
    on_each_host(|host| {
        let started = Instant::now();
        let settings = json!({"retry_budget_ms": 5000});
        let (ended, waits) = ask(
            host,
            &settings,
            vec![rate_limited().header("retry-after", "3600")],
        );
        ended.code(3);
        assert!(waits.is_empty());
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "it gave up at once"
        );
    });
}

#[test]
fn a_refused_connection_is_tried_again_and_then_named() {
    on_each_host(|host| {
        let closed = ClosedPort::new();
        let (work, state) = (
            Scratch::new(),
            Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 2}"#)]),
        );
        let guest = Guest::dewclaw()
            .workspace(&work)
            .state(&state)
            .base_url(&format!("{}/v1", closed.url()));
        let ended = host.run(&guest.args(["ask", "hi", "--model", "m", "--json"]));
        ended.code(3);
        assert_eq!(ended.events_of("retry").len(), 1);
        assert_eq!(ended.finished()["error"]["kind"], "connection");
        let message = ended.finished()["error"]["message"].to_string();
        assert!(
            message.contains(closed.url().trim_start_matches("http://")),
            "it names the address: {message}"
        );
    });
}

#[test]
fn tools_that_ran_are_not_run_again_when_a_later_reply_fails() {
    on_each_host(|host| {
        let work = Scratch::new();
        let note = json!({"content": "once"});
        let model = ScriptedModel::start([
            Reply::call("c", "memory_write", note),
            Reply::error(500, "oops", "server_error", None),
            Reply::text("Noted."),
        ]);
        host.run(&Guest::ask(&work, &model, "note it"))
            .code(0)
            .prints("Noted.\n");
        assert_eq!(work.read("memory/MEMORY.md").matches("once").count(), 1);
    });
}
