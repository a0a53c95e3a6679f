//! The history that is sent: whatever happens, each tool call has its result directly after it, and each result its call.

mod script;

use dewclaw_agent_core::{Effect, Event, Input, Outcome, Reason, Settings};
use dewclaw_platform::HttpError;
use proptest::prelude::*;
use script::{Call, Driver, Ending, Reply, Turn, assert_whole, calls, messages, settings, text};
use serde_json::{Value, json};

/// Calls as models make them, good and bad.
fn call() -> impl Strategy<Value = Call> {
    let id = prop_oneof!["[xyz]", Just(String::new()), Just("dewclaw_1".to_string())];
    let kind = prop_oneof![
        Just(("read_file", r#"{"path":"a.txt"}"#)),
        Just(("read_file", r#"{"path":"missing"}"#)),
        Just(("write_file", r#"{"path":"b/c.txt","content":"x"}"#)),
        Just((
            "edit_file",
            r#"{"path":"a.txt","old_text":"A","new_text":"A "}"#
        )),
        Just(("list_directory", r#"{"path":"."}"#)),
        Just(("memory_write", r#"{"content":"x"}"#)),
        Just(("memory_read", "")),
        Just(("read_file", r#"{"path":"../x"}"#)),
        Just(("read_file", r#"{"path":"#)),
        Just(("read_file", "[]")),
        Just(("exec_shell", r#"{"command":"ls"}"#)),
        Just(("", "")),
    ];
    (id, kind).prop_map(|(id, (name, arguments))| Call::raw(&id, name, arguments))
}

/// Replies as servers give them, good and bad.
fn reply() -> impl Strategy<Value = Reply> {
    let turn = (
        prop::collection::vec(call(), 0..4),
        "[a-z ]{0,20}",
        any::<bool>(),
    );
    let turn = turn.prop_map(|(made, words, stream)| {
        Turn {
            text: words,
            ..calls(made)
        }
        .reply(stream)
    });
    let turn = turn.boxed();
    let errors = prop_oneof![
        Just(HttpError::Closed),
        Just(HttpError::BetweenBytesTimeout),
        Just(HttpError::Denied),
    ];
    prop_oneof![
        5 => turn.clone(),
        1 => (turn, 0..600usize, errors).prop_map(|(reply, bytes, error)| reply.breaks_off(bytes, Ending::Fails(error))),
        1 => prop_oneof![Just(400u16), Just(429), Just(500)].prop_map(|status| Reply::error(status, "no")),
        1 => Just(Reply::fails(HttpError::Connect)),
        1 => Just(Reply::json("nonsense")),
    ]
}

fn driver() -> Driver {
    let settings = Settings {
        max_steps: 4,
        retry_attempts: 2,
        ..settings()
    };
    Driver::new(settings).file("a.txt", "A\n")
}

#[track_caller]
fn assert_every_request_is_whole(driver: &Driver) {
    for request in &driver.requests {
        assert_whole(&messages(request));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any replies, any cancels, any number of prompts.
    #[test]
    fn every_request_is_whole(
        runs in prop::collection::vec((prop::collection::vec(reply(), 0..8), prop::option::of(0..60usize)), 1..4),
    ) {
        let mut driver = driver();
        for (replies, cancel) in runs {
            driver.script = replies.into();
            // However long it goes on, it comes to words in the end.
            driver.script.extend((0..20).map(|_| text("enough").plain()));
            driver.cancel_at = cancel.map(|steps| driver.steps + steps);
            driver.run("go on");
            driver.cancel_at = None;
            assert_every_request_is_whole(&driver);
        }
        driver.script = [text("bye").plain()].into();
        prop_assert_eq!(driver.run("one last time").text, "bye");
        assert_every_request_is_whole(&driver);
    }
}

/// A run with two tool calls at once, a try that fails and an answer.
fn busy() -> Driver {
    let turn = Turn {
        text: "Looking.".into(),
        ..calls([
            Call::new(
                "x",
                "edit_file",
                &json!({"path": "a.txt", "old_text": "A", "new_text": "B"}),
            ),
            Call::new("y", "read_file", &json!({"path": "a.txt"})),
        ])
    };
    driver().replies([
        turn.streamed(),
        Reply::error(500, "no"),
        text("done").streamed(),
    ])
}

#[test]
fn a_run_can_be_cancelled_at_any_moment() {
    let mut whole = busy();
    assert_eq!(whole.run("go").reason, Reason::Answered);
    assert!(whole.steps > 20, "{} steps", whole.steps);
    for at in 0..whole.steps {
        let mut driver = busy();
        driver.cancel_at = Some(at);
        let outcome = driver.run("go");
        // Cancelled once its end is there, it has ended already.
        if outcome.reason != Reason::Answered {
            assert_eq!(outcome.reason, Reason::Cancelled, "at {at}");
            assert_eq!(outcome.reason.exit_code(), 1);
        }
        assert!(matches!(driver.effects.last(), Some(Effect::Finished(_))));
        if !driver.requests.is_empty() {
            assert_whole(&driver.transcript());
        }
        driver.script = [text("fine").plain()].into();
        assert_eq!(driver.run("and now?").text, "fine", "at {at}");
        assert_every_request_is_whole(&driver);
    }
}

#[test]
fn after_a_cancel_nothing_more_is_asked_for() {
    for at in 0..40 {
        let mut driver = busy();
        driver.cancel_at = Some(at);
        driver.run("go");
        // What was shown may still come; no call, no operation and no wait does.
        let asked = driver
            .effects
            .iter()
            .rev()
            .skip(1)
            .take_while(|effect| matches!(effect, Effect::Event(_)));
        let events = asked.count();
        assert!(driver.effects.len() > events);
    }
}

/// Tells all of a streamed reply but that its connection has ended, and cancels.
fn cancelled_at_the_end_of(reply: Reply) -> (Outcome, Driver) {
    let mut driver = driver().replies([]);
    driver.agent.prompt(driver.now, "go").expect("idle");
    let Effect::CallModel(call) = driver.agent.next() else {
        panic!("the model is called");
    };
    let (id, bytes) = (call.id, reply.body());
    let start = Input::ReplyStart {
        id,
        status: reply.status,
        headers: reply.headers,
    };
    for input in [start, Input::ReplyChunk { id, bytes }, Input::Cancel] {
        driver.agent.feed(driver.now, input).expect("it fits");
    }
    let mut dropped = 0;
    let outcome = loop {
        match driver.agent.next() {
            Effect::Finished(outcome) => break outcome,
            Effect::DropReply { .. } => dropped += 1,
            Effect::Event(_) => {}
            other => panic!("nothing else is asked for: {other:?}"),
        }
    };
    assert_eq!(dropped, 1, "the driver lets go of the connection");
    (outcome, driver)
}

#[test]
fn a_reply_that_is_whole_counts_when_it_is_cancelled() {
    let (outcome, mut driver) = cancelled_at_the_end_of(text("All done.").streamed());
    assert_eq!(outcome.reason, Reason::Answered);
    assert_eq!(outcome.text, "All done.");
    driver.script = [text("fine").plain()].into();
    assert_eq!(driver.run("and now?").text, "fine");
    assert_eq!(messages(&driver.requests[0])[2]["content"], "All done.");

    let wants = calls([Call::new("x", "read_file", &json!({"path": "a.txt"}))]);
    let (outcome, mut driver) = cancelled_at_the_end_of(wants.streamed());
    assert_eq!(outcome.reason, Reason::Cancelled);
    driver.script = [text("fine").plain()].into();
    assert_eq!(driver.run("and now?").text, "fine");
    assert_every_request_is_whole(&driver);
}

#[test]
fn a_cancelled_call_says_what_is_known_of_its_effect() {
    let mut driver = busy();
    // Just before the first operation is taken.
    let before = {
        let mut whole = busy();
        whole.agent.prompt(whole.now, "go").unwrap();
        while !matches!(
            whole.effects.last(),
            Some(Effect::Event(Event::ToolStarted { .. }))
        ) {
            whole.step();
        }
        whole.steps
    };
    driver.cancel_at = Some(before);
    assert_eq!(driver.run("go").reason, Reason::Cancelled);
    assert!(driver.operations().is_empty(), "it was not run");
    assert_eq!(driver.content("a.txt"), "A\n");
    let results: Vec<Value> = driver
        .transcript()
        .into_iter()
        .filter(|message| message["role"] == "tool")
        .collect();
    assert_eq!(results.len(), 2, "each call has one");
    // The second had not begun when the first was stopped.
    for (result, known) in results.iter().zip(["unknown", "before this call began"]) {
        let content = result["content"].as_str().unwrap();
        assert!(
            content.contains("cancelled") && content.contains(known),
            "{content}"
        );
    }
}

#[test]
fn ids_are_never_shared_within_a_reply() {
    let made = ["", "dewclaw_1", "", "x", "dewclaw_2", "x", "dewclaw_1"];
    let turn = calls(made.map(|id| Call::new(id, "list_directory", &json!({"path": "."}))));
    let mut driver = driver().replies([turn.streamed(), text("done").plain()]);
    driver.run("go");
    assert_every_request_is_whole(&driver);
    assert_eq!(driver.results().len(), made.len());
}

/// A server checks the names in a history as it checks those of the tools.
#[test]
fn a_name_that_no_server_takes_is_not_sent_back() {
    for name in [
        "",
        "functions.read_file",
        "read file",
        "read_file\n",
        "\u{e9}",
        &"x".repeat(65),
    ] {
        let turn = calls([Call::new("c", name, &json!({"path": "a.txt"}))]);
        let mut driver = driver().replies([turn.plain(), text("sorry").plain()]);
        driver.run("go");
        let sent = messages(&driver.requests[1]);
        let sent = sent[2]["tool_calls"][0]["function"]["name"]
            .as_str()
            .unwrap();
        let taken = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        assert!(
            (1..=64).contains(&sent.len()) && sent.chars().all(taken),
            "{sent:?} for {name:?}"
        );
    }
}
