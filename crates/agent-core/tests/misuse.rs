//! Inputs that do not fit: each is told by its name, and changes nothing.

mod script;

use dewclaw_agent_core::{
    Effect, Event, FileAnswer, Input, Misuse, OperationAnswer, OperationId, RequestId, Settings,
    Verdict,
};
use dewclaw_platform::HttpError;
use proptest::prelude::*;
use script::{Call, Driver, Reply, calls, settings, text};
use serde_json::json;

fn start(id: u32) -> Input {
    Input::ReplyStart {
        id: RequestId(id),
        status: 200,
        headers: Vec::new(),
    }
}

fn chunk(id: u32) -> Input {
    Input::ReplyChunk {
        id: RequestId(id),
        bytes: b"{}".to_vec(),
    }
}

fn end(id: u32) -> Input {
    Input::ReplyEnd { id: RequestId(id) }
}

fn broken(id: u32) -> Input {
    Input::ReplyFailed {
        id: RequestId(id),
        error: HttpError::Closed,
    }
}

fn done(id: u32) -> Input {
    Input::OperationDone {
        id: OperationId(id),
        answer: OperationAnswer::File(FileAnswer::Done),
    }
}

/// A run of two tool calls, a failed try and an answer.
fn driver() -> Driver {
    let turn = calls([
        Call::new("x", "read_file", &json!({"path": "a.txt"})),
        Call::new("y", "write_file", &json!({"path": "b.txt", "content": "B"})),
    ]);
    Driver::new(settings()).file("a.txt", "A\n").replies([
        turn.streamed(),
        Reply::error(503, "later"),
        text("done").plain(),
    ])
}

#[test]
fn a_prompt_while_a_run_goes_on() {
    let mut driver = driver();
    driver.agent.prompt(driver.now, "go").unwrap();
    loop {
        assert_eq!(driver.agent.prompt(driver.now, "again"), Err(Misuse::Busy));
        if driver.step().is_some() {
            break;
        }
    }
    assert_eq!(driver.agent.prompt(driver.now, "again"), Ok(()));
    let users = driver
        .transcript()
        .into_iter()
        .filter(|message| message["role"] == "user");
    assert_eq!(users.count(), 2);
}

#[test]
fn a_prompt_before_the_end_was_taken() {
    let mut driver = driver();
    driver.agent.prompt(driver.now, "go").unwrap();
    driver.agent.feed(driver.now, Input::Cancel).unwrap();
    assert_eq!(driver.agent.prompt(driver.now, "again"), Err(Misuse::Busy));
    assert!(matches!(driver.agent.next(), Effect::Finished(_)));
    assert_eq!(driver.agent.prompt(driver.now, "again"), Ok(()));
}

#[test]
fn an_empty_prompt() {
    let mut driver = driver();
    for empty in ["", " ", "\n\t "] {
        assert_eq!(
            driver.agent.prompt(driver.now, empty),
            Err(Misuse::EmptyPrompt)
        );
    }
    assert!(driver.agent.transcript().messages().is_empty());
    assert_eq!(driver.agent.next(), Effect::Pending);
    assert_eq!(driver.run("go").text, "done");
}

#[test]
fn replies_to_no_request() {
    let mut driver = driver();
    let unknown = Err(Misuse::UnknownRequest);
    // Before any run.
    for input in [start(1), chunk(1), end(1), broken(1)] {
        assert_eq!(driver.agent.feed(driver.now, input), unknown);
    }
    driver.run("go");
    // After the end, of calls that were once in flight.
    for id in 0..5 {
        for input in [start(id), chunk(id), end(id), broken(id)] {
            assert_eq!(driver.agent.feed(driver.now, input), unknown);
        }
    }
    assert_eq!(driver.agent.next(), Effect::Pending);
}

#[test]
fn parts_of_a_reply_out_of_order() {
    let mut driver = driver();
    driver.agent.prompt(driver.now, "go").unwrap();
    driver.step();
    let wrong = Err(Misuse::OutOfOrder);
    assert_eq!(driver.agent.feed(driver.now, chunk(1)), wrong);
    assert_eq!(driver.agent.feed(driver.now, end(1)), wrong);
    driver.step();
    assert_eq!(driver.agent.feed(driver.now, start(1)), wrong);
    // The run is none the worse for it.
    let outcome = loop {
        if let Some(outcome) = driver.step() {
            break outcome;
        }
    };
    assert_eq!(outcome.text, "done");
}

#[test]
fn answers_to_no_operation() {
    let mut driver = driver();
    let unknown = Err(Misuse::UnknownOperation);
    assert_eq!(driver.agent.feed(driver.now, done(1)), unknown);
    driver.agent.prompt(driver.now, "go").unwrap();
    while !matches!(
        driver.effects.last(),
        Some(Effect::Event(Event::ToolStarted { .. }))
    ) {
        assert_eq!(driver.agent.feed(driver.now, done(1)), unknown);
        driver.step();
    }
    let Effect::Operate { id: operation, .. } = driver.agent.next() else {
        panic!("the tool asks for an operation");
    };
    let answer = |id: OperationId| Input::OperationDone {
        id,
        answer: OperationAnswer::File(FileAnswer::Failed(dewclaw_platform::FsError::NotFound)),
    };
    assert_eq!(
        driver
            .agent
            .feed(driver.now, answer(OperationId(operation.0 + 1))),
        unknown
    );
    assert_eq!(
        driver.agent.feed(driver.now, answer(OperationId(0))),
        unknown
    );
    assert_eq!(driver.agent.feed(driver.now, answer(operation)), Ok(()));
    assert_eq!(
        driver.agent.feed(driver.now, answer(operation)),
        unknown,
        "twice"
    );
}

#[test]
fn an_answer_that_does_not_fit_its_operation_is_a_tool_error() {
    use dewclaw_agent_core::tools::{self, CallStep, ToolCallRun};
    let arguments = [
        ("read_file", json!({"path": "a"})),
        ("write_file", json!({"path": "a", "content": "x"})),
        (
            "edit_file",
            json!({"path": "a", "old_text": "x", "new_text": "y"}),
        ),
        ("list_directory", json!({"path": "a"})),
        ("memory_read", json!({})),
        ("memory_write", json!({"content": "x"})),
    ];
    for (name, arguments) in arguments {
        let tool = tools::ALL.iter().find(|tool| tool.name == name).unwrap();
        let mut run = ToolCallRun::new(tool, &arguments.to_string(), &Settings::default());
        assert!(matches!(run.step(None), CallStep::Operate(_)));
        let misfit = if name == "list_directory" {
            FileAnswer::Done
        } else {
            FileAnswer::Listing(dewclaw_platform::Listing::default())
        };
        let CallStep::Done(result) = run.step(Some(OperationAnswer::File(misfit))) else {
            panic!("{name} goes on");
        };
        let json: serde_json::Value = serde_json::from_slice(&result.json).unwrap();
        assert_eq!(
            (result.ok, &json["error"]["kind"]),
            (false, &json!("internal")),
            "{name}"
        );
    }
}

#[test]
fn cancelling_nothing_is_nothing() {
    let mut driver = driver();
    assert_eq!(driver.agent.feed(driver.now, Input::Cancel), Ok(()));
    assert_eq!(driver.agent.feed(driver.now, Input::Tick), Ok(()));
    assert_eq!(driver.agent.next(), Effect::Pending);
    assert_eq!(driver.run("go").text, "done");
    assert_eq!(driver.agent.feed(driver.now, Input::Cancel), Ok(()));
    assert_eq!(driver.agent.next(), Effect::Pending);
}

/// Inputs that fit at no moment of this run.
fn never() -> impl Strategy<Value = Input> {
    let id = 90..95u32;
    prop_oneof![
        id.clone().prop_map(start),
        id.clone().prop_map(chunk),
        id.clone().prop_map(end),
        id.clone().prop_map(broken),
        id.prop_map(done),
        Just(Input::Verdict {
            call: "call_1".into(),
            verdict: Verdict::Approved,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever wrong inputs come at whatever moment, the run is the one without them.
    #[test]
    fn wrong_inputs_change_nothing(wrong in prop::collection::vec((0..60usize, never()), 1..10)) {
        let mut clean = driver();
        clean.run("go");
        let mut disturbed = driver();
        disturbed.agent.prompt(disturbed.now, "go").unwrap();
        loop {
            for (_, input) in wrong.iter().filter(|(at, _)| *at == disturbed.steps) {
                // A moment far away, which must not be taken over either.
                let mut later = disturbed.now;
                later.monotonic_ms += 1_000_000;
                prop_assert!(disturbed.agent.feed(later, input.clone()).is_err());
            }
            if disturbed.step().is_some() {
                break;
            }
        }
        prop_assert_eq!(disturbed.effects, clean.effects);
        prop_assert_eq!(disturbed.agent.transcript(), clean.agent.transcript());
    }
}

#[test]
fn each_misuse_says_what_it_is() {
    for (misuse, told) in [
        (Misuse::Busy, "cancel it"),
        (Misuse::EmptyPrompt, "empty"),
        (Misuse::UnknownRequest, "model call"),
        (Misuse::OutOfOrder, "out of order"),
        (Misuse::UnknownOperation, "operation"),
        (Misuse::WrongAnswer, "another kind"),
        (Misuse::UnknownCall, "verdict"),
    ] {
        assert!(misuse.to_string().contains(told), "{misuse}");
    }
    let settings = Settings::default();
    assert!(
        dewclaw_agent_core::Agent::new(settings, &[], 1).is_err(),
        "no model is named"
    );
}
