//! Requests: where they go, what they hold, and what servers can cache of them.

use dewclaw_agent_core::tools;
use dewclaw_agent_core::{AuthScheme, Effect, Event, ModelCall, Reason, Settings};
use serde_json::{Value, json};

use crate::rules::{assert_marked, assert_whole};
use crate::said::{answer, call, read, said, text};
use crate::script::Driver;
use crate::{body, run, run_with, settings, transcript};

const MARK: &str = r#","cache_control":{"type":"ephemeral"}"#;

fn calls_of(driver: &Driver) -> Vec<&ModelCall> {
    let calls = driver.effects.iter().filter_map(|effect| match effect {
        Effect::CallModel(call) => Some(call),
        _ => None,
    });
    calls.collect()
}

#[test]
fn the_head_names_version_and_credential() {
    for (base_url, url) in [
        ("http://model.test", "http://model.test/v1/messages"),
        ("http://model.test/", "http://model.test/v1/messages"),
        ("http://h:1/gateway", "http://h:1/gateway/v1/messages"),
        ("", "https://api.anthropic.com/v1/messages"),
    ] {
        let settings = Settings {
            base_url: base_url.into(),
            ..settings()
        };
        let (driver, _) = run_with(settings, [answer("hi").plain()]);
        let call = calls_of(&driver)[0];
        assert_eq!(call.url, url);
        for header in [
            ("content-type", "application/json"),
            ("anthropic-version", "2023-06-01"),
        ] {
            assert!(call.headers.contains(&header), "{:?}", call.headers);
        }
        let auth = |(name, _): &(&str, &str)| matches!(*name, "authorization" | "x-api-key");
        assert!(!call.headers.iter().any(auth), "the driver adds the key");
        assert_eq!(call.auth.slot, "anthropic");
        assert_eq!(call.auth.scheme, AuthScheme::Header("x-api-key"));
        assert_eq!(call.content_length, driver.requests[0].len() as u64);
    }
}

#[test]
fn the_body_holds_model_limits_system_tools_and_messages() {
    let (driver, _) = run([answer("hi").plain()]);
    let sent = body(&driver.requests[0]);
    assert_eq!(sent["model"], "scripted");
    assert_eq!(sent["max_tokens"], 8192);
    let ephemeral = json!({"type": "ephemeral"});
    let system = sent["system"].as_array().expect("system is blocks");
    assert_eq!(system.len(), 1);
    assert_eq!(system[0]["type"], "text");
    let words = system[0]["text"].as_str().expect("it has a text");
    assert!(words.contains("Be brief."), "{words}");
    assert_eq!(system[0]["cache_control"], ephemeral);
    let offered = sent["tools"].as_array().expect("there are tools");
    let names: Vec<&str> = offered
        .iter()
        .map(|tool| tool["name"].as_str().expect("a tool has a name"))
        .collect();
    let all: Vec<&str> = tools::ALL.iter().map(|tool| tool.name).collect();
    assert_eq!(names, all);
    for tool in offered {
        let members: Vec<&String> = tool
            .as_object()
            .expect("a tool is an object")
            .keys()
            .collect();
        assert_eq!(members.len(), 3, "{members:?}");
        assert!(tool["description"].is_string());
        assert_eq!(tool["input_schema"]["type"], "object", "{tool}");
    }
    assert_eq!(
        sent["messages"],
        json!([{"role": "user", "content": [{"type": "text", "text": "go", "cache_control": ephemeral}]}])
    );
    for absent in ["stream", "thinking", "tool_choice", "stream_options"] {
        assert_eq!(sent.get(absent), None, "{absent}");
    }
}

#[test]
fn settings_that_are_set_are_sent() {
    let settings = Settings {
        stream: true,
        max_tokens: 5000,
        thinking_tokens: 2048,
        ..settings()
    };
    let (driver, _) = run_with(settings, [answer("hi").streamed()]);
    let sent = body(&driver.requests[0]);
    assert_eq!(sent["stream"], true);
    assert_eq!(sent["max_tokens"], 5000);
    assert_eq!(
        sent["thinking"],
        json!({"type": "enabled", "budget_tokens": 2048})
    );
}

#[test]
fn without_tools_none_are_sent_and_no_choice_of_them() {
    let mut driver = Driver::with_tools(
        Settings {
            max_steps: 1,
            ..settings()
        },
        &[],
    )
    .replies([said([read("c", "a.txt")]).plain(), answer("hi").plain()]);
    driver.run("go");
    for request in &driver.requests {
        let sent = body(request);
        assert_eq!(sent.get("tools"), None);
        assert_eq!(sent.get("tool_choice"), None);
    }
}

/// What a server has seen once it sees again, byte for byte, so that it can cache it; the mark alone moves on.
#[test]
fn each_request_begins_with_the_one_before_but_for_its_mark() {
    let rounds = ["a.txt", "missing", "b.txt"];
    let replies = rounds
        .iter()
        .enumerate()
        .map(|(index, path)| said([text("Looking."), read(&format!("c{index}"), path)]).plain());
    let (mut driver, _) = run(replies.chain([answer("done").plain()]));
    driver.script.push_back(answer("again").plain());
    driver.run("and now?");
    assert_eq!(driver.requests.len(), 5);
    let mut before: Option<String> = None;
    for request in &driver.requests {
        let sent = String::from_utf8(request.clone()).expect("a request is UTF-8");
        assert_marked(&body(request));
        let (head, messages) = sent.split_once(r#""messages":["#).expect("it has messages");
        assert_eq!(head.matches(MARK).count(), 1);
        assert_eq!(messages.matches(MARK).count(), 1);
        let unmarked = [head, r#""messages":["#, &messages.replace(MARK, "")].concat();
        let end = unmarked.strip_suffix("]}").expect("messages come last");
        if let Some(before) = before {
            let more = end.strip_prefix(&before).expect("it goes on where it was");
            assert!(more.starts_with(','), "{more}");
        }
        before = Some(end.to_string());
    }
}

#[test]
fn all_results_of_a_reply_are_in_one_message() {
    let turn = said([
        read("x", "a.txt"),
        read("y", "missing"),
        call("z", "no_such_tool", &json!({})),
        read("w", "b.txt"),
    ]);
    let (driver, _) = run([turn.plain(), answer("done").plain()]);
    let sent = body(&driver.requests[1]);
    assert_whole(&sent);
    let messages = sent["messages"].as_array().expect("it has messages");
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[2]["role"], "user");
    let results = messages[2]["content"].as_array().expect("it has blocks");
    let told: Vec<(&Value, Option<&Value>)> = results
        .iter()
        .map(|block| (&block["tool_use_id"], block.get("is_error")))
        .collect();
    let yes = json!(true);
    assert_eq!(
        told,
        [
            (&json!("x"), None),
            (&json!("y"), Some(&yes)),
            (&json!("z"), Some(&yes)),
            (&json!("w"), None),
        ]
    );
    for (result, word) in results
        .iter()
        .zip(["A\\n", "not_found", "unknown tool", "B\\n"])
    {
        let content = result["content"].as_str().expect("a result is text");
        assert!(content.contains(word), "{content}");
    }
}

#[test]
fn wrapping_up_no_tool_may_be_called_and_calls_are_dropped() {
    for streamed in [false, true] {
        let settings = Settings {
            max_steps: 1,
            ..settings()
        };
        let replies = [
            said([read("c1", "a.txt")]).reply(streamed),
            said([text("So far."), read("c2", "b.txt")]).reply(streamed),
        ];
        let (mut driver, outcome) = run_with(settings, replies);
        assert_eq!(outcome.reason, Reason::StepLimit);
        assert_eq!(outcome.text, "So far.");
        assert_eq!(driver.results().len(), 1);
        assert_eq!(body(&driver.requests[0]).get("tool_choice"), None);
        let sent = body(&driver.requests[1]);
        assert_eq!(sent["tool_choice"], json!({"type": "none"}));
        assert!(sent["tools"].is_array(), "its calls still need their tools");
        assert_whole(&sent);
        assert_eq!(
            transcript(&driver).last(),
            Some(&json!({"role": "assistant", "content": [text("So far.")]}))
        );
        // The next run may call tools again.
        driver.script.push_back(answer("hi").plain());
        driver.run("and now?");
        let sent = body(&driver.requests[2]);
        assert_eq!(sent.get("tool_choice"), None);
        assert_whole(&sent);
    }
}

#[test]
fn a_wrap_up_of_calls_alone_leaves_no_empty_message() {
    let settings = Settings {
        max_steps: 1,
        ..settings()
    };
    let calls = |id| said([read(id, "a.txt")]).plain();
    let (mut driver, outcome) = run_with(settings, [calls("c1"), calls("c2")]);
    assert_eq!(outcome.reason, Reason::StepLimit);
    let nothing = |event: &&Event| matches!(event, Event::Notice(text) if text.contains("nothing"));
    assert!(driver.events().iter().any(nothing));
    driver.script.push_back(answer("hi").plain());
    driver.run("and now?");
    assert_whole(&body(&driver.requests[2]));
}
