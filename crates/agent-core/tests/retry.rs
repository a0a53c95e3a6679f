//! When a failed model call is made again, when not, and what is told on the way.

mod script;

use dewclaw_agent_core::{
    Agent, Effect, Event, FailureKind, Input, Outcome, Reason, Settings, tools,
};
use dewclaw_platform::{HttpError, Now};
use script::{Call, Driver, Ending, Reply, calls, settings, sse, streaming, text};
use serde_json::json;

/// Everything that another try may help with.
fn transient() -> Vec<(&'static str, Reply)> {
    let broken = |ending| text("some words").streamed().breaks_off(400, ending);
    let error = json!({"error": {"message": "overloaded"}});
    let mut transient = vec![
        ("429", Reply::error(429, "slow down")),
        ("stream cut off", broken(Ending::Complete)),
        ("error in the stream", Reply::stream(sse([error]))),
        ("empty body", Reply::json("")),
        ("closed before its head", Reply::fails(HttpError::Closed)),
        (
            "closed before its head, to another host",
            Reply::fails(HttpError::Protocol),
        ),
        ("name not resolved", Reply::fails(HttpError::Dns)),
        ("no connection", Reply::fails(HttpError::Connect)),
        ("closed port", Reply::fails(HttpError::Refused)),
        ("no way there", Reply::fails(HttpError::Unreachable)),
        ("connection reset", Reply::fails(HttpError::Reset)),
        ("connect timeout", Reply::fails(HttpError::ConnectTimeout)),
        (
            "first-byte timeout",
            Reply::fails(HttpError::FirstByteTimeout),
        ),
    ];
    for status in [500, 502, 503, 504, 529] {
        transient.push(("5xx", Reply::error(status, "on fire")));
    }
    for error in [HttpError::Closed, HttpError::BetweenBytesTimeout] {
        transient.push(("broken midway", broken(Ending::Fails(error))));
    }
    transient
}

#[test]
fn what_may_pass_is_tried_again() {
    for (what, reply) in transient() {
        let mut driver = Driver::new(streaming()).replies([reply, text("fine").streamed()]);
        let outcome = driver.run("go");
        assert_eq!(
            (outcome.reason, outcome.text.as_str()),
            (Reason::Answered, "fine"),
            "{what}"
        );
        assert_eq!(driver.requests.len(), 2, "{what}");
        assert_eq!(
            driver.requests[0], driver.requests[1],
            "{what}: the same request"
        );
        let retries: Vec<u32> = driver
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Retry { attempt, cause, .. } => {
                    assert!(!cause.is_empty());
                    Some(*attempt)
                }
                _ => None,
            })
            .collect();
        assert_eq!(retries, [1], "{what}");
    }
}

#[test]
fn the_wait_is_asked_for_and_kept() {
    let mut driver =
        Driver::new(settings()).replies([Reply::error(503, "later"), text("fine").plain()]);
    let before = driver.now.monotonic_ms;
    driver.run("go");
    let wait = driver.waits()[0];
    let until = driver.effects.iter().find_map(|effect| match effect {
        Effect::Wait { until_ms } => Some(*until_ms),
        _ => None,
    });
    assert_eq!(until, Some(before + wait));
}

/// The waits of a call that fails four times.
fn waits(seed: u64) -> Vec<u64> {
    let mut driver = Driver::new(settings()).replies((0..5).map(|_| Reply::error(500, "no")));
    driver.agent = Agent::new(settings(), &tools::ALL, seed).expect("the settings are fine");
    driver.run("go");
    driver.waits()
}

#[test]
fn waits_double_and_their_jitter_is_the_seeds() {
    for seed in [0, 1, 7, u64::MAX] {
        let waits = waits(seed);
        for (wait, full) in waits.iter().zip([500, 1_000, 2_000, 4_000]) {
            assert!((full / 2..=full).contains(wait), "{wait} of {full}");
        }
        assert_eq!(waits.len(), 4);
        assert_eq!(waits, self::waits(seed));
    }
    assert_ne!(waits(1), waits(2));
}

#[test]
fn the_jitter_does_not_depend_on_the_time() {
    let mut late =
        Driver::new(settings()).replies((0..5).map(|_| Reply::error(500, "no").takes(77)));
    late.now = Now {
        monotonic_ms: 9_999_999,
        wall_ms: 1_900_000_000_123,
    };
    late.run("go");
    assert_eq!(late.waits(), waits(1));
}

/// The end of a run whose model call fails for good.
#[track_caller]
fn failed(outcome: Outcome) -> (FailureKind, String) {
    match outcome.reason {
        Reason::Failed(failure) => (failure.kind, failure.message),
        other => panic!("it is {other:?}"),
    }
}

#[test]
fn tries_end_with_their_number() {
    let settings = Settings {
        retry_attempts: 3,
        ..settings()
    };
    let mut driver =
        Driver::new(settings).replies((0..3).map(|_| Reply::error(500, "still on fire")));
    let outcome = driver.run("go");
    assert_eq!(outcome.reason.exit_code(), 3);
    let (kind, message) = failed(outcome);
    assert_eq!(kind, FailureKind::Server);
    assert!(
        message.contains("500") && message.contains("still on fire"),
        "{message}"
    );
    assert!(message.contains("gave up after"), "{message}");
    assert_eq!(driver.requests.len(), 3);
    assert_eq!(driver.waits().len(), 2);
}

#[test]
fn tries_end_with_the_budget() {
    // Each try takes 50 seconds to fail: a third may start within 120 seconds, a fourth may not.
    let slow = || Reply::fails(HttpError::FirstByteTimeout).takes(50_000);
    let mut driver = Driver::new(settings()).replies((0..3).map(|_| slow()));
    let (kind, message) = failed(driver.run("go"));
    assert_eq!(kind, FailureKind::Timeout);
    assert!(message.contains("retry_budget_ms"), "{message}");
    assert_eq!(driver.requests.len(), 3);
}

#[test]
fn each_model_call_has_tries_and_a_budget_of_its_own() {
    let look = |number: u32| {
        calls([Call::new(
            "c",
            "list_directory",
            &json!({"path": format!("d{number}")}),
        )])
        .plain()
    };
    let slow = || Reply::fails(HttpError::FirstByteTimeout).takes(50_000);
    let mut driver = Driver::new(settings());
    for number in 0..3 {
        driver.script.extend([slow(), slow(), look(number)]);
    }
    driver.script.push_back(text("done").plain());
    assert_eq!(driver.run("go").text, "done");
}

#[test]
fn retry_after_is_kept_to_the_letter() {
    // 2026-11-20T12:00:00Z is the driver's moment.
    for (value, wait) in [
        ("7", 7_000),
        ("0", 0),
        ("90", 90_000),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30_000),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
    ] {
        for status in [429, 503] {
            let reply = Reply::error(status, "later").header("retry-after", value);
            let mut driver = Driver::new(settings()).replies([reply, text("fine").plain()]);
            assert_eq!(driver.run("go").text, "fine");
            assert_eq!(driver.waits(), [wait], "{value}");
        }
    }
}

#[test]
fn a_retry_after_that_is_none_is_left_aside() {
    for value in [
        "",
        "soon",
        "-5",
        "1.5",
        "Fri, 20 Nov 2026",
        "20 Nov 2026 12:00:30 GMT",
    ] {
        let reply = Reply::error(429, "later").header("retry-after", value);
        let mut driver = Driver::new(settings()).replies([reply, text("fine").plain()]);
        driver.run("go");
        let wait = driver.waits()[0];
        assert!((250..=500).contains(&wait), "{value:?}: {wait}");
    }
}

#[test]
fn a_retry_after_past_the_budget_is_not_waited_for() {
    for value in [
        "121",
        "3600",
        "18446744073709551615",
        "Sat, 21 Nov 2026 12:00:00 GMT",
    ] {
        let reply = Reply::error(429, "quota").header("retry-after", value);
        let mut driver = Driver::new(settings()).replies([reply]);
        let (kind, message) = failed(driver.run("go"));
        assert_eq!(kind, FailureKind::RateLimited);
        assert!(
            message.contains("quota") && message.contains("retry_budget_ms"),
            "{message}"
        );
        assert!(driver.waits().is_empty());
    }
}

#[test]
fn a_retry_after_counts_for_its_own_try_only() {
    let first = Reply::error(429, "later").header("retry-after", "9");
    let mut driver =
        Driver::new(settings()).replies([first, Reply::error(500, "no"), text("fine").plain()]);
    driver.run("go");
    let waits = driver.waits();
    assert_eq!(waits[0], 9_000);
    assert!((500..=1_000).contains(&waits[1]), "{waits:?}");
}

/// What the server will say again however often it is asked.
#[test]
fn a_refused_request_is_made_once() {
    for (status, kind, advice) in [
        (400, FailureKind::Rejected, ""),
        (401, FailureKind::Unauthorized, "OPENAI_API_KEY"),
        (403, FailureKind::Unauthorized, "OPENAI_API_KEY"),
        (404, FailureKind::Rejected, "base URL"),
        (405, FailureKind::Rejected, ""),
        (408, FailureKind::Rejected, ""),
        (413, FailureKind::Context, "too large"),
        (422, FailureKind::Rejected, ""),
        (301, FailureKind::Rejected, "redirects"),
        (307, FailureKind::Rejected, "redirects"),
    ] {
        let reply = Reply::error(status, "the server's own words").header("retry-after", "1");
        let mut driver = Driver::new(settings()).replies([reply]);
        let outcome = driver.run("go");
        assert_eq!(outcome.reason.exit_code(), 3);
        let (failed, message) = failed(outcome);
        assert_eq!(failed, kind, "{status}");
        for word in [
            &status.to_string(),
            "the server's own words",
            advice,
            "http://model.test/v1",
        ] {
            assert!(message.contains(word), "{message:?} lacks {word:?}");
        }
        assert!(driver.waits().is_empty(), "{status}");
    }
}

/// The status says it all, whatever becomes of the body.
#[test]
fn a_refused_request_is_made_once_though_its_body_breaks_off() {
    for error in [
        HttpError::Closed,
        HttpError::BetweenBytesTimeout,
        HttpError::Internal,
        HttpError::Protocol,
    ] {
        for (status, kind) in [
            (401, FailureKind::Unauthorized),
            (400, FailureKind::Rejected),
            (413, FailureKind::Context),
        ] {
            let reply = Reply::error(status, "no").ending(Ending::Fails(error));
            let mut driver = Driver::new(settings()).replies([reply]);
            // Another try would find words; none may be made.
            driver.script.push_back(text("tried again").plain());
            let (failed, message) = failed(driver.run("go"));
            assert_eq!(failed, kind, "{status}, {error}: {message}");
            assert!(message.contains(&status.to_string()), "{message}");
        }
    }
}

#[test]
fn what_the_host_refuses_is_not_asked_again() {
    for (error, kind, code) in [
        (HttpError::Denied, FailureKind::Denied, 5),
        (HttpError::NameDenied, FailureKind::Denied, 5),
        (HttpError::AddressDenied, FailureKind::Denied, 5),
        (HttpError::NoTls, FailureKind::Unsupported, 3),
        (HttpError::Unsupported, FailureKind::Unsupported, 3),
        (HttpError::InvalidRequest, FailureKind::Rejected, 3),
        (HttpError::Tls, FailureKind::Rejected, 3),
        (HttpError::TooLarge, FailureKind::Malformed, 3),
    ] {
        let mut driver = Driver::new(settings()).replies([Reply::fails(error)]);
        let outcome = driver.run("go");
        assert_eq!(outcome.reason.exit_code(), code, "{error}");
        let (failed, message) = failed(outcome);
        assert_eq!(failed, kind, "{message}");
        assert!(message.contains(&error.to_string()), "{message}");
    }
}

#[test]
fn shown_text_is_taken_back_before_another_try() {
    for ending in [
        Ending::Fails(HttpError::Closed),
        Ending::Fails(HttpError::BetweenBytesTimeout),
        Ending::Complete,
    ] {
        let broken = text("these words break off")
            .streamed()
            .breaks_off(700, ending);
        let mut driver = Driver::new(streaming()).replies([broken, text("whole").streamed()]);
        let outcome = driver.run("go");
        assert_eq!(outcome.text, "whole");
        let told: Vec<&str> = driver
            .events()
            .into_iter()
            .map(|event| match event {
                Event::Text(_) => "text",
                Event::ReplyDiscarded { .. } => "discarded",
                Event::Retry { .. } => "retry",
                _ => "other",
            })
            .collect();
        let broken = told.iter().position(|told| *told != "text").unwrap();
        assert!(broken > 0, "nothing was shown: {told:?}");
        assert_eq!(told[broken..broken + 2], ["discarded", "retry"], "{told:?}");
        assert!(told[broken + 2..].iter().all(|told| *told == "text"));
        // Nothing of it is kept.
        let kept = driver.transcript();
        assert_eq!(kept[2], json!({"role": "assistant", "content": "whole"}));
    }
}

#[test]
fn where_nothing_was_shown_nothing_is_taken_back() {
    for (what, reply) in transient() {
        if what == "stream cut off" || what == "broken midway" {
            continue;
        }
        let mut driver = Driver::new(streaming()).replies([reply, text("fine").streamed()]);
        driver.run("go");
        let discarded = driver
            .events()
            .into_iter()
            .any(|event| matches!(event, Event::ReplyDiscarded { .. }));
        assert!(!discarded, "{what}");
    }
}

#[test]
fn a_reply_that_was_whole_is_taken_though_its_connection_breaks() {
    let reply = text("whole")
        .streamed()
        .ending(Ending::Fails(HttpError::Closed));
    let mut driver = Driver::new(streaming()).replies([reply]);
    let outcome = driver.run("go");
    assert_eq!(
        (outcome.reason, outcome.text.as_str()),
        (Reason::Answered, "whole")
    );
}

/// Some servers leave the connection open after the mark: an answer does not wait for them.
#[test]
fn a_connection_left_open_is_let_go_once_the_reply_is_whole() {
    let reply = text("whole").streamed().ending(Ending::StaysOpen);
    let mut driver = Driver::new(streaming()).replies([reply]);
    let before = driver.now.monotonic_ms;
    let outcome = driver.run("go");
    assert_eq!(
        (outcome.reason, outcome.text.as_str()),
        (Reason::Answered, "whole")
    );
    let dropped = |effect: &Effect| matches!(effect, Effect::DropReply { .. });
    assert!(driver.effects.iter().any(dropped));
    assert!(driver.now.monotonic_ms - before <= 1_000);
}

#[test]
fn time_that_passes_early_does_not_end_the_wait() {
    let mut driver =
        Driver::new(settings()).replies([Reply::error(500, "no").header("retry-after", "10")]);
    driver.agent.prompt(driver.now, "go").unwrap();
    let until = loop {
        driver.step();
        if let Some(Effect::Event(Event::Retry { .. })) = driver.effects.last() {
            break driver.now.monotonic_ms + 10_000;
        }
    };
    for ms in [0, 1, 9_999] {
        let now = Now {
            monotonic_ms: until - 10_000 + ms,
            ..driver.now
        };
        driver.agent.feed(now, Input::Tick).unwrap();
        assert_eq!(driver.agent.next(), Effect::Wait { until_ms: until });
    }
    let now = Now {
        monotonic_ms: until,
        ..driver.now
    };
    driver.agent.feed(now, Input::Tick).unwrap();
    assert!(matches!(driver.agent.next(), Effect::CallModel(_)));
}
