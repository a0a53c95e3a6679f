//! Tools of the driver's own: how they are offered, checked, run and answered.

mod script;

use dewclaw_agent_core::tools::{ALL, HostTool};
use dewclaw_agent_core::{Agent, Approve, Effect, Input, Misuse, Settings};
use script::{Call, Driver, calls, messages, settings, text};
use serde_json::{Value, json};

const SCHEMA: &str = r#"{"type":"object","properties":{"room":{"type":"string"}},"required":["room"],"additionalProperties":false}"#;

fn tool(name: &str) -> HostTool {
    HostTool {
        name: name.into(),
        description: "Reads the temperature of a room, in degrees Celsius.".into(),
        parameters: SCHEMA.into(),
        writes: false,
        parallel: false,
    }
}

fn driver(settings: Settings, tools: Vec<HostTool>) -> Driver {
    let mut driver = Driver::new(settings.clone());
    let agent = Agent::new(settings, &ALL, 1).expect("the settings are fine");
    driver.replace_agent(agent.with_host_tools(tools).expect("the tools are fine"));
    driver
}

fn room(id: &str, room: &str) -> Call {
    Call::new(id, "temperature", &json!({"room": room}))
}

#[test]
fn it_is_offered_beside_the_others_and_its_result_goes_back() {
    let mut driver = driver(settings(), vec![tool("temperature")])
        .replies([calls([room("c1", "cellar")]).plain(), text("cold").plain()]);
    driver.host = |name, arguments| {
        assert_eq!((name, arguments), ("temperature", r#"{"room":"cellar"}"#));
        Ok("4.5".into())
    };
    driver.run("how cold?");
    let first: Value = serde_json::from_slice(&driver.requests[0]).unwrap();
    let offered = first["tools"].as_array().unwrap();
    assert_eq!(offered.len(), ALL.len() + 1);
    let last = &offered[ALL.len()]["function"];
    assert_eq!(last["name"], "temperature");
    assert_eq!(
        last["parameters"],
        serde_json::from_str::<Value>(SCHEMA).unwrap()
    );
    let second = messages(&driver.requests[1]);
    assert_eq!(second[3]["tool_call_id"], "c1");
    assert_eq!(second[3]["content"], r#"{"result":"4.5"}"#);
}

#[test]
fn an_object_goes_back_as_it_is_and_words_of_failure_as_an_error() {
    for (answer, wanted) in [
        (Ok(r#"{"celsius": 4.5}"#), json!({"celsius": 4.5})),
        (Ok("[1]"), json!({"result": "[1]"})),
        (Ok(""), json!({"result": ""})),
        (
            Err("the sensor is off: switch it on"),
            json!({"error": {"kind": "internal", "message": "the sensor is off: switch it on"}}),
        ),
    ] {
        let mut driver = driver(settings(), vec![tool("temperature")])
            .replies([calls([room("c1", "a")]).plain(), text("x").plain()]);
        driver.agent.prompt(driver.now, "go").unwrap();
        while !matches!(driver.effects.last(), Some(Effect::RunTool { .. })) {
            driver.step();
        }
        let result = answer.map(str::to_string).map_err(str::to_string);
        let call = "c1".to_string();
        let done = Input::ToolDone { call, result };
        assert_eq!(driver.agent.feed(driver.now, done.clone()), Ok(()));
        assert_eq!(
            driver.agent.feed(driver.now, done),
            Err(Misuse::UnknownCall),
            "twice"
        );
        assert!(matches!(driver.agent.next(), Effect::Event(_)));
        let Effect::CallModel(_) = driver.agent.next() else {
            panic!("the model is told");
        };
        let body: Vec<u8> = (0..)
            .map_while(|index| driver.agent.body_piece(index))
            .flatten()
            .copied()
            .collect();
        let content = messages(&body)[3]["content"].as_str().unwrap().to_string();
        assert_eq!(serde_json::from_str::<Value>(&content).unwrap(), wanted);
    }
}

#[test]
fn a_result_of_any_size_is_cut_before_it_is_kept() {
    let mut driver = driver(settings(), vec![tool("temperature")])
        .replies([calls([room("c1", "a")]).plain(), text("x").plain()]);
    driver.host = |_, _| Ok("\u{e9}".repeat(25_000_000));
    driver.run("go");
    let content = messages(&driver.requests[1])[3]["content"]
        .as_str()
        .unwrap()
        .to_string();
    assert!(
        content.len() <= 70_000 && content.contains("bytes cut"),
        "{}",
        content.len()
    );
}

#[test]
fn arguments_that_miss_the_schema_never_reach_the_host() {
    let mut driver = driver(settings(), vec![tool("temperature")]).replies([
        calls([
            Call::new("c1", "temperature", &json!({"room": 3})),
            Call::raw("c2", "temperature", "{\"room\": "),
        ])
        .plain(),
        text("sorry").plain(),
    ]);
    driver.run("go");
    for (_, ok, result) in driver.results() {
        assert!(!ok);
        assert_eq!(result["error"]["kind"], "invalid_arguments");
    }
}

#[test]
fn calls_run_in_order_or_beside_each_other_as_the_tool_says() {
    for parallel in [false, true] {
        let tools = vec![HostTool {
            parallel,
            ..tool("temperature")
        }];
        let mut driver = driver(settings(), tools).replies([
            calls([room("c1", "a"), room("c2", "b")]).plain(),
            text("x").plain(),
        ]);
        driver.host = |_, _| Ok("1".into());
        driver.run("go");
        let order: Vec<bool> = driver
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::RunTool { .. } => Some(true),
                Effect::Event(dewclaw_agent_core::Event::ToolFinished { .. }) => Some(false),
                _ => None,
            })
            .collect();
        let wanted = if parallel {
            [true, true, false, false]
        } else {
            [true, false, true, false]
        };
        assert_eq!(order, wanted);
    }
}

#[test]
fn a_tool_that_writes_is_asked_about_and_left_out_of_a_read_only_session() {
    let writing = || HostTool {
        writes: true,
        ..tool("temperature")
    };
    let asking = Settings {
        approve: Approve::Writes,
        ..settings()
    };
    let mut run = driver(asking, vec![writing()])
        .replies([calls([room("c1", "a")]).plain(), text("x").plain()]);
    run.verdicts = [dewclaw_agent_core::Verdict::Refused].into();
    run.run("go");
    assert!(!run.results()[0].1);
    let read_only = Settings {
        read_only: true,
        ..settings()
    };
    let mut run = driver(read_only, vec![writing(), tool("other")])
        .replies([calls([room("c1", "a")]).plain(), text("x").plain()]);
    run.run("go");
    let message = run.results()[0].2["error"]["message"]
        .as_str()
        .unwrap()
        .to_string();
    assert!(
        message.contains("unknown tool") && message.contains("other"),
        "{message}"
    );
}

#[test]
fn tools_that_can_not_be_offered_are_refused_by_name() {
    let with = |tools: Vec<HostTool>| {
        let agent = Agent::new(settings(), &ALL, 1).unwrap();
        agent
            .with_host_tools(tools)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (tools, told) in [
        (vec![tool("")], "1 to 64"),
        (vec![tool("a b")], "a b"),
        (vec![tool(&"x".repeat(65))], "1 to 64"),
        (vec![tool("read_file")], "another tool"),
        (vec![tool("twice"), tool("twice")], "another tool"),
        (
            vec![HostTool {
                parameters: "{".into(),
                ..tool("t")
            }],
            "JSON Schema",
        ),
        (
            vec![HostTool {
                parameters: "{\"type\": \"string\"}".into(),
                ..tool("t")
            }],
            "object",
        ),
        (
            vec![HostTool {
                parameters: "3".into(),
                ..tool("t")
            }],
            "object",
        ),
    ] {
        let error = with(tools).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(with(vec![tool("a"), tool("b")]), Ok(()));
}

#[test]
fn a_result_that_nothing_waits_for_is_a_misuse() {
    let mut driver = driver(settings(), vec![tool("temperature")]);
    let done = Input::ToolDone {
        call: "c1".into(),
        result: Ok("1".into()),
    };
    assert_eq!(
        driver.agent.feed(driver.now, done),
        Err(Misuse::UnknownCall)
    );
}
