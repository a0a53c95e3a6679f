//! Replies that break off, report an error or can't be used: what passes is tried again, and nothing else is.

use dewclaw_agent_core::{Event, FailureKind, Outcome, Reason, Settings};
use dewclaw_platform::HttpError;
use serde_json::{Value, json};

use crate::said::{Said, answer, delta, said, start, stream, text, thinking};
use crate::script::{Driver, Ending, Reply};
use crate::{run, run_with, settings, transcript};

fn discarded(driver: &Driver) -> Vec<&String> {
    let events = driver.events().into_iter();
    let reasons = events.filter_map(|event| match event {
        Event::ReplyDiscarded { reason } => Some(reason),
        _ => None,
    });
    reasons.collect()
}

/// Asserts that the model is asked once more, and that nothing of the first reply is left.
#[track_caller]
fn assert_tried_again(reply: Reply) -> Driver {
    let (driver, outcome) = run([reply, answer("done").streamed()]);
    assert_eq!(outcome.reason, Reason::Answered);
    assert_eq!(outcome.text, "done");
    assert_eq!(driver.waits().len(), 1);
    assert_eq!(driver.requests[0], driver.requests[1]);
    assert_eq!(transcript(&driver).len(), 2);
    driver
}

/// The failure of a reply that is not tried again.
#[track_caller]
fn failure(reply: Reply) -> (FailureKind, String) {
    let (driver, Outcome { reason, .. }) = run([reply]);
    assert!(driver.waits().is_empty());
    match reason {
        Reason::Failed(failure) => (failure.kind, failure.message),
        other => panic!("it is {other:?}"),
    }
}

/// The first events of a reply, up to the first of this type, that one left out.
fn up_to(said: &Said, kind: &str) -> Vec<Value> {
    let events = said.events();
    let end = events.iter().position(|event| event["type"] == kind);
    events[..end.expect("there is one")].to_vec()
}

fn overloaded() -> Value {
    json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
}

#[test]
fn an_error_in_the_stream_is_tried_again() {
    let mut events = up_to(&answer("some words"), "content_block_stop");
    events.push(overloaded());
    let driver = assert_tried_again(stream(&events));
    let reasons = discarded(&driver);
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].contains("Overloaded"), "{reasons:?}");
    // Reasoning is shown too.
    let mut events = up_to(&said([thinking("Hm.", "c2ln")]), "content_block_stop");
    events.push(overloaded());
    assert_eq!(discarded(&assert_tried_again(stream(&events))).len(), 1);
    // Where nothing was shown, nothing is taken back.
    let driver = assert_tried_again(stream(&[overloaded()]));
    assert!(discarded(&driver).is_empty());
    let driver = assert_tried_again(Reply::json(overloaded().to_string()));
    assert!(discarded(&driver).is_empty());
}

#[test]
fn a_stream_that_breaks_off_is_tried_again() {
    let words = answer("some words");
    for kind in [
        "ping",
        "content_block_start",
        "content_block_stop",
        "message_delta",
    ] {
        let events = up_to(&words, kind);
        let driver = assert_tried_again(stream(&events));
        let shown = usize::from(matches!(kind, "content_block_stop" | "message_delta"));
        assert_eq!(discarded(&driver).len(), shown, "{kind}");
        let closed = Ending::Fails(HttpError::Closed);
        assert_tried_again(stream(&events).ending(closed));
    }
    let plain = words.plain().body();
    for cut in [0, 1, plain.len() / 2, plain.len() - 1] {
        assert_tried_again(Reply::json(&plain[..cut]));
    }
}

#[test]
fn a_stream_that_says_why_it_stopped_is_whole() {
    // Without its last event; and with it, without its reason.
    let without_end = stream(&up_to(&answer("words"), "message_stop"));
    let mut events = answer("words").events();
    events.retain(|event| event["type"] != "message_delta");
    for reply in [without_end, stream(&events)] {
        let (driver, outcome) = run([reply]);
        assert_eq!(outcome.text, "words");
        assert_eq!(outcome.reason, Reason::Answered);
        assert!(driver.waits().is_empty());
    }
}

#[test]
fn the_end_of_the_connection_need_not_come() {
    for ending in [Ending::StaysOpen, Ending::Fails(HttpError::Closed)] {
        let (driver, outcome) = run([answer("words").streamed().ending(ending)]);
        assert_eq!(outcome.reason, Reason::Answered);
        assert_eq!(outcome.text, "words");
        assert!(driver.waits().is_empty());
    }
    // What follows the last event is none of the reply's.
    let mut events = answer("words").events();
    events.push(overloaded());
    assert_eq!(run([stream(&events)]).1.text, "words");
}

#[test]
fn statuses_that_pass_are_tried_again() {
    for status in [429, 500, 503, 529] {
        let body = overloaded().to_string();
        let reply = Reply {
            status,
            ..Reply::json(body)
        };
        let driver = assert_tried_again(reply);
        let told = driver.events().iter().any(
            |event| matches!(event, Event::Retry { cause, .. } if cause.contains("Overloaded")),
        );
        assert!(told, "{status}");
    }
}

#[test]
fn statuses_that_stay_are_not() {
    for (status, kind) in [
        (400, FailureKind::Rejected),
        (401, FailureKind::Unauthorized),
        (403, FailureKind::Unauthorized),
        (404, FailureKind::Rejected),
        (413, FailureKind::Context),
    ] {
        let (failed, message) = failure(Reply::error(status, "invalid x-api-key"));
        assert_eq!(failed, kind);
        assert!(message.contains("invalid x-api-key"), "{message}");
    }
}

#[test]
fn what_is_none_of_the_wire_is_named() {
    let event = |json: Value| stream(&[json]);
    for (reply, word) in [
        (Reply::json("hello"), "JSON"),
        (Reply::json("{}"), "content"),
        (Reply::json("[]"), "content"),
        (Reply::json(r#"{"content":"words"}"#), "content"),
        (Reply::stream("data: hello\n\n"), "JSON"),
        (event(json!({"type": "content_block_start"})), "block"),
        (event(json!({"type": "content_block_delta"})), "delta"),
        (Reply::stream(b"data: {\"type\":\"\xff\"}\n\n"), "UTF-8"),
    ] {
        let (kind, message) = failure(reply);
        assert_eq!(kind, FailureKind::Malformed, "{message}");
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
}

#[test]
fn more_than_any_model_sends_is_refused() {
    let many = said(vec![text("x"); 129]);
    for reply in [many.plain(), many.streamed()] {
        let (kind, message) = failure(reply);
        assert_eq!(kind, FailureKind::Malformed);
        assert!(message.contains("more than 128 parts"), "{message}");
    }
    let most = said(vec![text("x"); 128]);
    for streamed in [false, true] {
        assert_eq!(run([most.reply(streamed)]).1.text, "x".repeat(128));
    }
    // Blocks that were never opened count too.
    let turns: Vec<Value> = (0..129)
        .map(|index| match index % 2 {
            0 => delta(0, &json!({"type": "text_delta", "text": "x"})),
            _ => delta(0, &json!({"type": "thinking_delta", "thinking": "x"})),
        })
        .collect();
    assert!(failure(stream(&turns)).1.contains("more than 128 parts"));
    // A megabyte at a time, wherever it is.
    let large = "x".repeat(1_000_000);
    for block in [
        text(&large),
        thinking("", &large),
        crate::said::sealed(&large),
    ] {
        let events: Vec<Value> = (0..5).map(|index| start(index, &block)).collect();
        let (kind, message) = failure(stream(&events));
        assert_eq!(kind, FailureKind::Malformed);
        assert!(message.contains("4 MiB"), "{message}");
    }
}

#[test]
fn tries_end_when_they_are_used_up() {
    let settings = Settings {
        retry_attempts: 3,
        ..settings()
    };
    let replies = [529, 529, 529].map(|status| Reply::error(status, "Overloaded"));
    let (driver, outcome) = run_with(settings, replies);
    assert_eq!(driver.requests.len(), 3);
    assert_eq!(outcome.reason.exit_code(), 3);
}
