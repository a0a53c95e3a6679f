//! One conversation on either wire: reasoning, two calls at once of which one fails, the step limit, and a second prompt.

use dewclaw_agent_core::{Event, Reason, WireName};
use serde_json::{Value, json};

use crate::script::{Call, Driver, Reply, Turn};
use crate::{ANTHROPIC, OPENAI, driver, said};

/// One reply, in no wire's form.
#[derive(Default)]
struct Said {
    reasoning: &'static str,
    words: &'static str,
    /// Id, name and arguments of each call.
    calls: Vec<(&'static str, &'static str, Value)>,
}

impl Said {
    fn on(&self, wire: WireName, with_reasoning: bool) -> Reply {
        let reasoning = if with_reasoning { self.reasoning } else { "" };
        let calls = self.calls.iter();
        if wire == OPENAI {
            let calls = calls.map(|(id, name, arguments)| Call::new(id, name, arguments));
            let turn = Turn {
                text: self.words.into(),
                reasoning: reasoning.into(),
                calls: calls.collect(),
                ..Turn::default()
            };
            return turn.streamed();
        }
        let mut blocks = Vec::new();
        if !reasoning.is_empty() {
            blocks.extend([
                said::thinking(reasoning, "c2lnbmVk"),
                said::sealed("c2VhbGVk"),
            ]);
        }
        if !self.words.is_empty() {
            blocks.push(said::text(self.words));
        }
        blocks.extend(calls.map(|(id, name, arguments)| said::call(id, name, arguments)));
        said::said(blocks).streamed()
    }
}

/// What is said in the conversation: two steps, the wrap-up, and the answer to the second prompt.
fn replies() -> [Said; 4] {
    let call = |id, name, arguments: Value| (id, name, arguments);
    [
        Said {
            reasoning: "Both at once.",
            words: "Looking \u{1f43e}.",
            calls: vec![
                call("call_1", "read_file", json!({"path": "a.txt"})),
                call("call_2", "read_file", json!({"path": "missing"})),
            ],
        },
        Said {
            reasoning: "One more.",
            words: "",
            calls: vec![call("call_3", "list_directory", json!({"path": "."}))],
        },
        Said {
            words: "So far.",
            ..Said::default()
        },
        Said {
            words: "Done.",
            ..Said::default()
        },
    ]
}

/// The conversation, held on this wire.
#[track_caller]
pub(crate) fn held_on(wire: WireName, with_reasoning: bool) -> Driver {
    let replies = replies();
    let replies = replies.iter().map(|said| said.on(wire, with_reasoning));
    let mut driver = driver(wire).replies(replies);
    assert_eq!(driver.run("go").reason, Reason::StepLimit);
    assert_eq!(driver.run("and now?").text, "Done.");
    let failed: Vec<bool> = driver.results().iter().map(|(_, ok, _)| !ok).collect();
    assert_eq!(failed, [false, true, false]);
    driver
}

/// The messages of the conversation as this wire has them, without reasoning.
pub(crate) fn messages(wire: WireName, held: &Driver) -> Vec<Value> {
    let results = held.events().into_iter().filter_map(|event| match event {
        Event::ToolFinished { result, .. } => Some(String::from_utf8(result.clone())),
        _ => None,
    });
    let results: Vec<String> = results
        .map(|text| text.expect("a result is text"))
        .collect();
    let wrap_up = held.agent.transcript().lines();
    let wrap_up = wrap_up
        .map(|line| serde_json::from_slice(line).expect("a line is JSON"))
        .filter(|message: &Value| message["role"] == "user")
        .find_map(|message| {
            let text = message["content"].as_str();
            let text = text.or_else(|| message["content"][0]["text"].as_str());
            text.filter(|text| text.contains("limit of this run"))
                .map(String::from)
        })
        .expect("the run was wrapped up");
    if wire == ANTHROPIC {
        let user =
            |text: &str| json!({"role": "user", "content": [{"type": "text", "text": text}]});
        let model = |blocks: Value| json!({"role": "assistant", "content": blocks});
        let call = |id: &str, name: &str, input: Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
        let result = |id: &str, content: &str| json!({"type": "tool_result", "tool_use_id": id, "content": content});
        let mut failed = result("call_2", &results[1]);
        failed["is_error"] = json!(true);
        return vec![
            user("go"),
            model(json!([
                {"type": "text", "text": "Looking \u{1f43e}."},
                call("call_1", "read_file", json!({"path": "a.txt"})),
                call("call_2", "read_file", json!({"path": "missing"})),
            ])),
            json!({"role": "user", "content": [result("call_1", &results[0]), failed]}),
            model(json!([call(
                "call_3",
                "list_directory",
                json!({"path": "."})
            )])),
            json!({"role": "user", "content": [result("call_3", &results[2])]}),
            user(&wrap_up),
            model(json!([{"type": "text", "text": "So far."}])),
            user("and now?"),
            model(json!([{"type": "text", "text": "Done."}])),
        ];
    }
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let result =
        |id: &str, content: &str| json!({"role": "tool", "tool_call_id": id, "content": content});
    vec![
        said("user", "go"),
        json!({"role": "assistant", "content": "Looking \u{1f43e}.", "tool_calls": [
            call("call_1", "read_file", r#"{"path":"a.txt"}"#),
            call("call_2", "read_file", r#"{"path":"missing"}"#),
        ]}),
        result("call_1", &results[0]),
        result("call_2", &results[1]),
        json!({"role": "assistant", "content": null, "tool_calls": [
            call("call_3", "list_directory", r#"{"path":"."}"#),
        ]}),
        result("call_3", &results[2]),
        said("user", &wrap_up),
        said("assistant", "So far."),
        said("user", "and now?"),
        said("assistant", "Done."),
    ]
}
