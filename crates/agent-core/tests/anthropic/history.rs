//! The history that is sent: whatever happens, each tool call has its result in the message after it.

use dewclaw_agent_core::{Reason, Settings};
use dewclaw_platform::HttpError;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rules::{assert_marked, assert_whole};
use crate::said::{Said, answer, call, read, said, sealed, stream_call, text, thinking};
use crate::script::{Driver, Ending, Reply, lines_of, replay};
use crate::{body, settings, transcript};

#[track_caller]
fn assert_every_request_is_whole(driver: &Driver) {
    for request in &driver.requests {
        let request = body(request);
        assert_whole(&request);
        assert_marked(&request);
    }
}

/// Blocks as models make them, good and bad.
fn block() -> impl Strategy<Value = Value> {
    let id = prop_oneof!["[xyz]", Just(String::new()), Just("dewclaw_1".to_string())];
    let made = prop_oneof![
        Just(("read_file", json!({"path": "a.txt"}))),
        Just(("read_file", json!({"path": "missing"}))),
        Just(("write_file", json!({"path": "b/c.txt", "content": "x"}))),
        Just(("list_directory", json!({"path": "."}))),
        Just(("memory_read", json!({}))),
        Just(("read_file", json!([]))),
        Just(("read_file", json!(null))),
        Just(("exec_shell", json!({"command": "ls"}))),
        Just(("", json!({}))),
    ];
    prop_oneof![
        4 => (id, made).prop_map(|(id, (name, input))| call(&id, name, &input)),
        2 => "[a-z \n]{0,20}".prop_map(|words| text(&words)),
        1 => ("[a-z ]{0,20}", "[A-Z]{0,4}").prop_map(|(words, signature)| thinking(&words, &signature)),
        1 => "[A-Z]{0,4}".prop_map(|data| sealed(&data)),
        1 => Just(json!({"type": "server_tool_use", "id": "s", "name": "x", "input": {"q": 1}})),
    ]
}

/// Replies as servers give them, good and bad.
fn reply() -> impl Strategy<Value = Reply> {
    let turn = (prop::collection::vec(block(), 0..5), any::<bool>());
    let turn = turn.prop_map(|(blocks, streamed)| said(blocks).reply(streamed));
    let turn = turn.boxed();
    let errors = prop_oneof![Just(HttpError::Closed), Just(HttpError::Denied)];
    prop_oneof![
        5 => turn.clone(),
        1 => (turn, 0..900usize, errors).prop_map(|(reply, bytes, error)| reply.breaks_off(bytes, Ending::Fails(error))),
        1 => prop_oneof![Just(400u16), Just(429), Just(529)].prop_map(|status| Reply::error(status, "no")),
        1 => Just(stream_call("x", "read_file", &[r#"{"path":"#])),
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any replies, any cancels, any number of prompts.
    #[test]
    fn every_request_is_whole(
        runs in prop::collection::vec((prop::collection::vec(reply(), 0..8), prop::option::of(0..60usize)), 1..4),
    ) {
        let mut driver = driver();
        for (replies, cancel) in runs {
            driver.script = replies.into();
            // However long it goes on, it comes to words in the end.
            driver.script.extend((0..20).map(|_| answer("enough").plain()));
            driver.cancel_at = cancel.map(|steps| driver.steps + steps);
            driver.run("go on");
            driver.cancel_at = None;
            assert_every_request_is_whole(&driver);
        }
        driver.script = [answer("bye").plain()].into();
        prop_assert_eq!(driver.run("one last time").text, "bye");
        assert_every_request_is_whole(&driver);
    }
}

fn two_calls() -> Said {
    let edit = json!({"path": "a.txt", "old_text": "A", "new_text": "B"});
    said([
        thinking("Hm.", "c2ln"),
        text("Looking."),
        call("x", "edit_file", &edit),
        read("y", "a.txt"),
    ])
}

/// A run with two tool calls at once, a try that fails and an answer.
fn busy() -> Driver {
    driver().replies([
        two_calls().streamed(),
        Reply::error(529, "Overloaded"),
        answer("done").streamed(),
    ])
}

#[test]
fn a_run_can_be_cancelled_at_any_moment() {
    let mut whole = busy();
    assert_eq!(whole.run("go").reason, Reason::Answered);
    assert!(whole.steps > 20, "{} steps", whole.steps);
    let mut between_results = 0;
    for at in 0..whole.steps {
        let mut driver = busy();
        driver.cancel_at = Some(at);
        let outcome = driver.run("go");
        if outcome.reason != Reason::Answered {
            assert_eq!(outcome.reason, Reason::Cancelled, "at {at}");
        }
        let results = transcript(&driver);
        let results = results.get(2).map(|message| message["content"].clone());
        if let Some(results) = results {
            let failed = |index: usize| results[index].get("is_error") == Some(&json!(true));
            between_results += usize::from(!failed(0) && failed(1));
        }
        driver.script = [answer("fine").plain()].into();
        assert_eq!(driver.run("and now?").text, "fine", "at {at}");
        assert_every_request_is_whole(&driver);
    }
    assert!(between_results > 0, "no cancel came between two results");
}

#[test]
fn a_recorded_run_is_made_again_from_its_recording() {
    let mut driver = busy();
    driver.run("go");
    let replayed = replay(&lines_of(&driver.recording)).expect("it is the same run");
    assert_eq!(replayed.recording, driver.recording);
    assert_eq!(&replayed.transcript, driver.agent.transcript());
    assert_eq!(replayed.transcript.wire, "anthropic");
}
