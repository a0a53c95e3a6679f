//! The JSON of events is what docs/agent.md says: a program that reads them has nothing else to go by.

use std::collections::BTreeMap;

use dewclaw_agent_core::{Event, Failure, FailureKind, Outcome, Reason, Usage, event_json};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../docs/agent.md");

/// The members of each type, as the table has them.
fn documented() -> BTreeMap<String, Vec<String>> {
    let quoted = |cell: &str| -> Vec<String> {
        let parts = cell.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let (_, section) = DOCUMENT
        .split_once("\n## Events\n")
        .expect("the page tells the events");
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            (quoted(cells[1]).remove(0), quoted(cells[2]))
        })
        .collect()
}

/// The members of a JSON line beside its type, in their order.
fn members(json: &[u8]) -> (String, Vec<String>) {
    let value: Value = serde_json::from_slice(json).expect("an event is JSON");
    let kind = value["type"].as_str().expect("it has a type").to_owned();
    let text = String::from_utf8(json.to_vec()).expect("it is UTF-8");
    let mut names: Vec<String> = value
        .as_object()
        .expect("it is an object")
        .keys()
        .filter(|name| *name != "type")
        .cloned()
        .collect();
    names.sort_by_key(|name| text.find(&format!("\"{name}\":")));
    (kind, names)
}

fn every_event() -> Vec<Event> {
    let text = || "t".to_owned();
    vec![
        Event::Text(text()),
        Event::Reasoning(text()),
        Event::ReplyDiscarded { reason: text() },
        Event::ToolStarted {
            call: text(),
            name: text(),
            arguments: text(),
        },
        Event::ToolFinished {
            call: text(),
            name: text(),
            ok: true,
            result: b"{}".to_vec(),
        },
        Event::Retry {
            attempt: 1,
            wait_ms: 2,
            cause: text(),
        },
        Event::Usage(Usage::default()),
        Event::Notice(text()),
    ]
}

fn outcome(reason: Reason) -> Vec<u8> {
    event_json::outcome(&Outcome {
        reason,
        text: "t".to_owned(),
        usage: Usage::default(),
    })
}

#[test]
fn every_event_is_documented_and_nothing_else_is() {
    let documented = documented();
    let failed = Reason::Failed(Failure {
        kind: FailureKind::Server,
        message: "m".to_owned(),
    });
    let mut seen: BTreeMap<String, Vec<String>> = every_event()
        .iter()
        .map(|event| members(&event_json::event(event)))
        .collect();
    seen.extend([members(&outcome(failed))]);
    assert_eq!(seen, documented);
}

#[test]
fn the_end_lacks_only_what_the_document_says() {
    let (_, names) = members(&outcome(Reason::Answered));
    assert_eq!(names, ["reason", "exit_code", "text", "usage"]);
    let (_, names) = members(&event_json::failure(2, "usage", "m"));
    assert_eq!(names, ["reason", "exit_code", "text", "error"]);
}

#[test]
fn every_reason_is_documented() {
    let failure = Failure {
        kind: FailureKind::Server,
        message: String::new(),
    };
    for reason in [
        Reason::Answered,
        Reason::StepLimit,
        Reason::Length,
        Reason::Refused,
        Reason::Failed(failure),
        Reason::Cancelled,
    ] {
        assert!(
            DOCUMENT.contains(&format!("`{}`", reason.name())),
            "{}",
            reason.name()
        );
    }
}
