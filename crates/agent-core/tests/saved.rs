//! Saving between any two effects: what goes on is the same conversation.

mod script;

use dewclaw_agent_core::tools::{ALL, HostTool};
use dewclaw_agent_core::{Agent, Effect, Event, HttpAnswer, RestoreError, Settings, WireName};
use proptest::prelude::*;
use script::{Call, Driver, assert_whole, calls, messages, settings, text};
use serde_json::json;

fn host_tool() -> HostTool {
    HostTool {
        name: "clock".into(),
        description: "Tells the time of the host.".into(),
        parameters: r#"{"type":"object"}"#.into(),
        writes: false,
        parallel: true,
    }
}

fn with_web() -> Settings {
    let mut settings = settings();
    let hosts = dewclaw_agent_core::json::Value::String("example.com".into());
    settings.set("allow_fetch", &hosts).expect("a host");
    settings
}

fn driver() -> Driver {
    let first = calls([
        Call::new(
            "c1",
            "write_file",
            &json!({"path": "a.txt", "content": "x"}),
        ),
        Call::new("c2", "clock", &json!({})),
        Call::new("c3", "web_fetch", &json!({"url": "http://example.com/"})),
        Call::new("c4", "read_file", &json!({"path": "a.txt"})),
    ]);
    let mut driver = Driver::new(with_web()).replies([
        first.plain(),
        text("done").usage(10, 2, 0).plain(),
        text("again").plain(),
    ]);
    driver.web = |_| HttpAnswer::Reply {
        status: 200,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: b"page".to_vec(),
        whole: true,
    };
    driver.host = |_, _| Ok("noon".into());
    let agent = Agent::new(with_web(), &ALL, 1).expect("the settings are fine");
    driver.replace_agent(agent.with_host_tools(vec![host_tool()]).expect("a tool"));
    driver
}

fn restored(saved: &[u8]) -> Agent {
    Agent::restore(with_web(), &ALL, vec![host_tool()], saved).expect("it was saved")
}

/// What goes on being asked of the model, whatever was saved and restored on the way.
fn unsaved() -> Vec<Vec<u8>> {
    let mut driver = driver();
    assert_eq!(driver.run("go").text, "done");
    assert_eq!(driver.run("more").text, "again");
    driver.requests
}

#[test]
fn between_runs_nothing_is_different() {
    let mut driver = driver();
    driver.run("go");
    let saved = driver.agent.save();
    driver.replace_agent(restored(&saved));
    assert_eq!(
        driver.agent.save(),
        saved,
        "saving again gives the same bytes"
    );
    assert_eq!(driver.run("more").text, "again");
    assert_eq!(driver.requests, unsaved());
}

#[test]
fn saved_anywhere_the_run_goes_on_and_no_call_that_had_begun_is_run_again() {
    let whole = {
        let mut driver = driver();
        driver.run("go");
        driver.steps
    };
    for at in 0..whole {
        let mut driver = driver();
        driver.agent.prompt(driver.now, "go").expect("idle");
        let mut over = None;
        for _ in 0..at {
            over = over.or(driver.step());
        }
        let operations = driver.operations().len();
        let begun: Vec<Effect> = driver
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::RunTool { .. } | Effect::Operate { .. }))
            .cloned()
            .collect();
        let saved = driver.agent.save();
        assert!(saved.len() < 20_000);
        let asked = driver.requests.len();
        driver.replace_agent(restored(&saved));
        // A reply that was on its way is asked for again, in the same bytes.
        let answered = messages_left(&driver);
        driver.script = answered;
        let outcome = match over {
            Some(outcome) => outcome,
            None => loop {
                if let Some(outcome) = driver.step() {
                    break outcome;
                }
            },
        };
        assert_eq!(outcome.text, "done", "saved after {at} steps");
        for request in &driver.requests[asked..] {
            assert_whole(&messages(request));
        }
        for effect in &begun {
            let count = driver
                .effects
                .iter()
                .filter(|other| *other == effect)
                .count();
            assert_eq!(count, 1, "saved after {at} steps: {effect:?}");
        }
        assert!(driver.operations().len() >= operations);
    }
}

/// The replies that the script still owes the restored agent.
fn messages_left(driver: &Driver) -> std::collections::VecDeque<script::Reply> {
    let body = driver.agent.transcript().messages();
    let has_calls = body.windows(10).any(|window| window == b"tool_calls");
    let mut replies: std::collections::VecDeque<_> = driver_script();
    if has_calls {
        replies.pop_front();
    }
    replies
}

fn driver_script() -> std::collections::VecDeque<script::Reply> {
    driver().script
}

#[test]
fn text_that_was_shown_before_saving_is_said_to_be_void() {
    let mut driver = Driver::new(script::streaming())
        .replies([text("one two three").streamed(), text("four").plain()]);
    driver.agent.prompt(driver.now, "go").unwrap();
    while !driver
        .events()
        .iter()
        .any(|event| matches!(event, Event::Text(_)))
    {
        driver.step();
    }
    let saved = driver.agent.save();
    let mut agent = Agent::restore(script::streaming(), &ALL, Vec::new(), &saved).unwrap();
    assert!(
        matches!(agent.next(), Effect::Event(Event::ReplyDiscarded { .. })),
        "before the call is made again"
    );
    assert!(matches!(agent.next(), Effect::CallModel(_)));
}

#[test]
fn a_call_that_a_guard_has_stopped_stays_stopped() {
    let make = || {
        let read = |id| Call::new(id, "read_file", &json!({"path": "a.txt"}));
        let clock = Call::new("c0", "clock", &json!({}));
        let mut driver = driver();
        let first = calls([clock, read("c1"), read("c2"), read("c3")]);
        driver.script = [first.plain(), text("done").plain()].into();
        driver
    };
    let mut whole = make();
    whole.run("go");
    let mut driver = make();
    driver.agent.prompt(driver.now, "go").expect("idle");
    let has_started = |effect: &Effect| matches!(effect, Effect::Event(Event::ToolStarted { .. }));
    while !driver.effects.iter().any(has_started) {
        driver.step();
    }
    driver.replace_agent(restored(&driver.agent.save()));
    while driver.step().is_none() {}
    assert_eq!(driver.requests, whole.requests);
    let last = String::from_utf8_lossy(&whole.requests[1]).into_owned();
    assert_eq!(last.matches("in a row").count(), 1, "the control");
}

#[test]
fn on_another_wire_it_goes_on_too() {
    let mut driver = driver();
    driver.run("go");
    let saved = driver.agent.save();
    let anthropic = Settings {
        wire: WireName::Anthropic,
        ..with_web()
    };
    let mut agent =
        Agent::restore(anthropic, &ALL, vec![host_tool()], &saved).expect("it was saved");
    agent.prompt(driver.now, "more").expect("idle");
    let Effect::CallModel(call) = agent.next() else {
        panic!("the model is called");
    };
    assert!(call.url.ends_with("/v1/messages"));
    let body: Vec<u8> = (0..)
        .map_while(|index| agent.body_piece(index))
        .flatten()
        .copied()
        .collect();
    let text = String::from_utf8(body).expect("text");
    assert!(
        text.contains("tool_result") && text.contains("noon"),
        "{text}"
    );
}

#[test]
fn bytes_that_are_not_of_a_session_are_refused() {
    let mut driver = driver();
    driver.run("go");
    let saved = driver.agent.save();
    let restore = |bytes: &[u8]| {
        Agent::restore(with_web(), &ALL, vec![host_tool()], bytes)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for end in 0..saved.len() {
        restore(&saved[..end]).expect_err("it is cut off");
    }
    assert!(restore(&[&saved[..], b"{}"].concat()).is_err());
    let newer = String::from_utf8(saved)
        .unwrap()
        .replacen("session 1 ", "session 2 ", 1);
    assert!(restore(newer.as_bytes()).unwrap_err().contains("version"));
    assert!(restore(b"").is_err() && restore(b"\n").is_err() && restore(b"{}\n").is_err());
    let wrong = Agent::restore(with_web(), &ALL, vec![], b"{}\n");
    assert!(matches!(wrong.err(), Some(RestoreError::Saved(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Changed bytes give an error or an agent, and the agent can be asked, told and saved again.
    #[test]
    fn hostile_bytes_are_survived(at in 0usize..4_000, byte: u8, steps in 0usize..30) {
        let mut driver = driver();
        driver.agent.prompt(driver.now, "go").expect("idle");
        for _ in 0..steps {
            if driver.step().is_some() {
                break;
            }
        }
        let mut saved = driver.agent.save();
        let at = at % saved.len();
        saved[at] = byte;
        if let Ok(mut agent) = Agent::restore(with_web(), &ALL, vec![host_tool()], &saved) {
            for _ in 0..50 {
                if matches!(agent.next(), Effect::Pending | Effect::Finished(_)) {
                    break;
                }
            }
            let _ = agent.save();
        }
    }
}
