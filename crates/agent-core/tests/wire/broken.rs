//! Replies that can't be used: each ends the run with a message that names the cause, and none takes memory without end.

use dewclaw_agent_core::{Effect, Event, FailureKind, Reason};
use serde_json::json;

use crate::script::{Call, Reply, calls, sse, text};
use crate::{failure, run};

/// Asserts the class of a failure and a word of its message.
#[track_caller]
fn assert_fails(reply: Reply, kind: FailureKind, word: &str) {
    let (failed, message) = failure(reply);
    assert_eq!(failed, kind, "{message}");
    assert!(message.contains(word), "{message:?} does not say {word:?}");
    let lower = message
        .chars()
        .next()
        .is_some_and(|letter| !letter.is_uppercase());
    assert!(lower, "{message}");
}

#[test]
fn a_stream_that_breaks_off_is_a_broken_connection() {
    let whole =
        String::from_utf8(text("some words here").streamed().body()).expect("a stream is text");
    let end = whole.find("\"stop\"").expect("it has a reason to stop");
    for cut in [0, 10, 200, end] {
        assert_fails(
            Reply::stream(&whole[..cut]),
            FailureKind::Connection,
            "broke off",
        );
    }
}

#[test]
fn a_plain_reply_that_breaks_off_is_a_broken_connection() {
    let whole = text("some words here").plain().body();
    for cut in [0, 1, 50, whole.len() - 1] {
        assert_fails(
            Reply::json(&whole[..cut]),
            FailureKind::Connection,
            "broke off",
        );
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_named() {
    let mut plain = text("words").plain().body();
    let at = plain
        .windows(5)
        .position(|window| window == b"words")
        .expect("the text is there");
    plain[at] = 0xff;
    assert_fails(Reply::json(plain), FailureKind::Malformed, "UTF-8");
    let body = [
        b"data: {\"choices\":[{\"delta\":{\"content\":\"\xc3\"}}]}\n\n".as_slice(),
        b"data: [DONE]\n\n",
    ];
    assert_fails(
        Reply::stream(body.concat()),
        FailureKind::Malformed,
        "UTF-8",
    );
}

#[test]
fn what_is_no_json_or_none_of_the_wire_is_named() {
    assert_fails(Reply::json("hello"), FailureKind::Malformed, "JSON");
    assert_fails(
        Reply::stream("data: hello\n\n"),
        FailureKind::Malformed,
        "JSON",
    );
    assert_fails(Reply::json("{}"), FailureKind::Malformed, "choices");
    assert_fails(Reply::json("[]"), FailureKind::Malformed, "choices");
    assert_fails(
        Reply::json(r#"{"choices":[]}"#),
        FailureKind::Malformed,
        "choices",
    );
    assert_fails(
        Reply::json(r#"{"choices":[null]}"#),
        FailureKind::Malformed,
        "choices",
    );
    assert_fails(
        Reply::json(r#"{"choices":{}}"#),
        FailureKind::Malformed,
        "choices",
    );
    assert_fails(
        Reply::stream(sse([json!({"choices": []})])),
        FailureKind::Malformed,
        "no choice",
    );
    assert_fails(
        Reply::stream("data: [DONE]\n\n"),
        FailureKind::Malformed,
        "no choice",
    );
}

#[test]
fn a_web_page_instead_of_a_reply_points_at_the_base_url() {
    let page = "<!doctype html><title>Sign in</title>";
    assert_fails(
        Reply::ok("text/html; charset=utf-8", page),
        FailureKind::Malformed,
        "base URL",
    );
    assert_fails(
        Reply::ok("Text/HTML", page),
        FailureKind::Malformed,
        "base URL",
    );
    let (_, message) = failure(Reply::ok("text/html", page));
    assert!(!message.contains("doctype"), "{message}");
    assert_fails(
        Reply::ok("application/json", page),
        FailureKind::Malformed,
        "base URL",
    );
}

#[test]
fn an_error_in_the_stream_is_told_in_the_servers_words() {
    let error = json!({"error": {"message": "the GPU is on fire", "type": "server_error"}});
    let words = json!({"choices": [{"delta": {"content": "words"}}]});
    for body in [sse([error.clone()]), sse([words, error.clone()])] {
        assert_fails(
            Reply::stream(body),
            FailureKind::Server,
            "the GPU is on fire",
        );
    }
    assert_fails(
        Reply::json(error.to_string()),
        FailureKind::Server,
        "the GPU is on fire",
    );
    assert_fails(
        Reply::json(r#"{"error":"out of memory"}"#),
        FailureKind::Server,
        "out of memory",
    );
    assert_fails(
        Reply::json(r#"{"error":{}}"#),
        FailureKind::Server,
        "reported an error",
    );
    // An error that is none.
    let fine = json!({"error": null, "choices": [{"message": {"content": "words"}}]});
    assert_eq!(crate::answer(Reply::json(fine.to_string())), "words");
}

#[test]
fn a_terminal_does_not_obey_the_server() {
    let reply = Reply::error(500, "\u{1b}[2J\u{7}cleared\r\n");
    let (_, message) = failure(reply);
    assert!(message.contains("cleared"), "{message:?}");
    assert!(!message.contains(char::is_control), "{message:?}");
}

/// Ten megabytes in pieces as a network brings them; the agent must let go long before the last.
#[track_caller]
fn assert_lets_go(mut reply: Reply, filler: &[u8], told: &str) {
    let piece = filler.repeat(64 * 1024 / filler.len());
    reply.pieces.extend(std::iter::repeat_n(piece, 160));
    let (driver, outcome) = run(reply);
    let Reason::Failed(failure) = outcome.reason else {
        panic!("10 MB were taken: {:?}", outcome.reason);
    };
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.message.contains(told), "{}", failure.message);
    assert!(
        driver
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::DropReply { .. }))
    );
}

#[test]
fn ten_megabytes_of_one_line_are_not_kept() {
    assert_lets_go(Reply::stream("data: "), b"x", "1 MiB");
    assert_lets_go(Reply::stream(": "), b"x", "1 MiB");
    assert_lets_go(Reply::stream(""), b"data: x\n", "1 MiB");
    assert_lets_go(
        Reply::json("{\"choices\":[{\"message\":{\"content\":\""),
        b"x",
        "4 MiB",
    );
    assert_lets_go(Reply::json(""), b" ", "4 MiB");
    let words = "x".repeat(1_000);
    let delta = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{words}\"}}}}]}}\n\n");
    assert_lets_go(Reply::stream(""), delta.as_bytes(), "4 MiB");
}

#[test]
fn a_large_error_page_is_not_kept() {
    let mut reply = Reply::error(400, "no");
    reply
        .pieces
        .extend(std::iter::repeat_n(vec![b'x'; 64 * 1024], 160));
    let (_, message) = failure(reply);
    assert!(message.len() < 2_000, "{} bytes", message.len());
}

#[test]
fn deep_json_is_refused_and_not_followed() {
    let deep = ["[".repeat(200), "]".repeat(200)].concat();
    let object = ["{\"a\":".repeat(200), "1".into(), "}".repeat(200)].concat();
    for body in [
        deep.clone(),
        object.clone(),
        format!("{{\"choices\":{deep}}}"),
    ] {
        assert_fails(Reply::json(&body), FailureKind::Malformed, "JSON");
        assert_fails(
            Reply::stream(format!("data: {body}\n\n")),
            FailureKind::Malformed,
            "JSON",
        );
    }
    let unclosed = "[".repeat(100_000);
    assert_fails(Reply::json(&unclosed), FailureKind::Malformed, "JSON");
    // In arguments it is the model's own mistake: it is told, and the run goes on.
    let turn = calls([
        Call::raw("c", "read_file", &deep),
        Call::raw("d", "read_file", &object),
    ]);
    let (driver, outcome) = run(turn.plain());
    assert_eq!(outcome.reason, Reason::Answered);
    for (_, ok, result) in driver.results() {
        assert_eq!(
            (ok, &result["error"]["kind"]),
            (false, &json!("invalid_arguments"))
        );
    }
}

#[test]
fn text_that_was_shown_before_it_broke_is_taken_back() {
    let body = [
        json!({"choices": [{"delta": {"content": "some words"}}]}).to_string(),
        "nonsense".into(),
    ];
    let reply = Reply::stream(body.map(|data| format!("data: {data}\n\n")).concat());
    let (driver, outcome) = run(reply);
    assert!(matches!(outcome.reason, Reason::Failed(_)));
    let events = driver.events();
    assert!(
        matches!(events[..], [Event::Text(_), Event::ReplyDiscarded { .. }]),
        "{events:?}"
    );
    assert_eq!(outcome.text, "");
}
