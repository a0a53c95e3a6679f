//! Replies as servers send them: whole, cut anywhere, in every dialect, and broken.

mod script;

#[path = "wire/broken.rs"]
mod broken;
#[path = "wire/calls.rs"]
mod calls;
#[path = "wire/cuts.rs"]
mod cuts;
#[path = "wire/dialects.rs"]
mod dialects;
#[path = "wire/reasoning.rs"]
mod reasoning;

use dewclaw_agent_core::{Event, FailureKind, Outcome, Reason, Settings};
use script::{Driver, Reply, settings, text};

/// What became of one reply: no other try is made, and an answer in words follows where the model is asked again.
#[track_caller]
fn run(reply: Reply) -> (Driver, Outcome) {
    let settings = Settings {
        retry_attempts: 1,
        ..settings()
    };
    let mut driver = Driver::new(settings)
        .file("a.txt", "A\n")
        .file("b.txt", "B\n");
    driver
        .script
        .extend([reply, text("after the tools").plain()]);
    let outcome = driver.run("go");
    (driver, outcome)
}

/// The text of a reply that is an answer.
#[track_caller]
fn answer(reply: Reply) -> String {
    let (_, outcome) = run(reply);
    assert_eq!(outcome.reason, Reason::Answered);
    outcome.text
}

/// The failure of a reply that can't be used.
#[track_caller]
fn failure(reply: Reply) -> (FailureKind, String) {
    match run(reply).1.reason {
        Reason::Failed(failure) => (failure.kind, failure.message),
        other => panic!("it is {other:?}"),
    }
}

/// The calls that a reply was taken to make: ids, names and arguments.
#[track_caller]
fn calls_of(reply: Reply) -> Vec<(String, String, String)> {
    let (driver, outcome) = run(reply);
    assert_eq!(outcome.text, "after the tools");
    script::assert_whole(&driver.transcript());
    let started = driver.events().into_iter().filter_map(|event| match event {
        Event::ToolStarted {
            call,
            name,
            arguments,
        } => Some((call.clone(), name.clone(), arguments.clone())),
        _ => None,
    });
    started.collect()
}
