//! Calls of one turn: those of the network together, all others in order.

use crate::script::{Call, Driver, calls, lines_of, messages, replay, settings, text};
use dewclaw_agent_core::{
    Effect, Event, HttpAnswer, HttpOperation, Input, Misuse, Operation, OperationAnswer, Settings,
};
use serde_json::json;

fn allowing() -> Settings {
    Settings {
        allow_fetch: super::allowing(&["*"]).allow_fetch,
        search: Some(dewclaw_agent_core::SearchEngine::Brave),
        ..settings()
    }
}

fn web(operation: &HttpOperation) -> HttpAnswer {
    if operation.url.contains("brave") {
        return super::page("application/json", "[]");
    }
    super::page("text/plain", format!("page {}", operation.url))
}

fn fetch(id: &str, path: &str) -> Call {
    Call::new(
        id,
        "web_fetch",
        &json!({"url": format!("http://a.example.com/{path}")}),
    )
}

fn turn() -> crate::script::Turn {
    calls([
        fetch("c1", "one"),
        Call::new(
            "c2",
            "write_file",
            &json!({"path": "n.txt", "content": "new"}),
        ),
        fetch("c3", "two"),
        Call::new("c4", "read_file", &json!({"path": "n.txt"})),
        Call::new("c5", "web_search", &json!({"query": "x"})),
    ])
}

#[test]
fn what_uses_the_network_is_in_flight_together_and_results_keep_their_order() {
    for last_first in [false, true] {
        let mut driver = Driver::new(allowing()).replies([turn().plain(), text("done").plain()]);
        driver.web = web;
        driver.last_first = last_first;
        driver.run("go");
        assert_eq!(driver.most_in_flight, 3);
        // The file was read after it was written, and both while the pages were on their way.
        let request = messages(&driver.requests[1]);
        let results: Vec<String> = request[3..]
            .iter()
            .map(|message| format!("{}: {}", message["tool_call_id"], message["content"]))
            .collect();
        assert_eq!(results.len(), 5);
        for (result, (id, holds)) in results.iter().zip([
            ("c1", "page http://a.example.com/one"),
            ("c2", "bytes"),
            ("c3", "page http://a.example.com/two"),
            ("c4", "new"),
            ("c5", "results"),
        ]) {
            assert!(result.contains(id) && result.contains(holds), "{result}");
        }
        let order: Vec<&str> = driver
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::ToolFinished { call, .. } => Some(call.as_str()),
                _ => None,
            })
            .collect();
        let fetched = if last_first {
            ["c5", "c3", "c1"]
        } else {
            ["c1", "c3", "c5"]
        };
        assert_eq!(order, [&["c2", "c4"][..], &fetched[..]].concat());
    }
}

#[test]
fn the_recording_of_it_replays() {
    for last_first in [false, true] {
        let mut driver = Driver::new(allowing()).replies([turn().plain(), text("done").plain()]);
        driver.web = web;
        driver.last_first = last_first;
        driver.run("go");
        let recording = driver.recording.clone();
        let replayed = replay(&lines_of(&recording)).expect("it replays");
        assert_eq!(replayed.recording, recording);
        assert_eq!(&replayed.transcript, driver.agent.transcript());
        let begun = recording
            .split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"{\"operation\""));
        assert_eq!(begun.count(), 3);
    }
}

#[test]
fn cancelling_drops_what_is_in_flight_and_every_call_has_a_result() {
    let whole = {
        let mut driver = Driver::new(allowing()).replies([turn().plain(), text("done").plain()]);
        driver.web = web;
        driver.run("go");
        driver.steps
    };
    for at in 0..whole {
        let mut driver = Driver::new(allowing()).replies([turn().plain(), text("done").plain()]);
        driver.web = web;
        driver.cancel_at = Some(at);
        let outcome = driver.run("go");
        if at + 3 < whole {
            let cancelled = dewclaw_agent_core::Reason::Cancelled;
            assert_eq!(outcome.reason, cancelled, "at {at}");
        }
        // The script's driver asserts that nothing is left open. The next prompt finds a whole history.
        driver.script = [text("again").plain()].into();
        assert_eq!(driver.run("and now?").text, "again");
        crate::script::assert_whole(&messages(driver.requests.last().expect("a request")));
    }
}

#[test]
fn an_answer_of_another_kind_is_a_misuse_and_changes_nothing() {
    let mut driver = Driver::new(allowing())
        .replies([calls([fetch("c1", "one")]).plain(), text("done").plain()]);
    driver.web = web;
    driver.agent.prompt(driver.now, "go").expect("idle");
    let id = loop {
        driver.step();
        let last = driver.effects.last();
        if let Some(Effect::Operate {
            id,
            operation: Operation::Http(_),
        }) = last
        {
            break *id;
        }
    };
    let answer = OperationAnswer::File(dewclaw_agent_core::FileAnswer::Done);
    assert_eq!(
        driver
            .agent
            .feed(driver.now, Input::OperationDone { id, answer }),
        Err(Misuse::WrongAnswer)
    );
    while driver.step().is_none() {}
    assert!(driver.results()[0].1);
}
