//! Reasoning on chat completions: it goes back with the calls that it led to, under the name it came by, and never
//! after an answer.

use serde_json::{Value, json};

use crate::run;
use crate::script::{Reply, messages, sse, text};

const NAMES: [&str; 2] = ["reasoning_content", "reasoning"];

fn call() -> Value {
    let function = json!({"name": "read_file", "arguments": "{\"path\":\"a.txt\"}"});
    json!({"index": 0, "id": "c", "type": "function", "function": function})
}

fn replies(message: &Value, finish: &str) -> [Reply; 2] {
    let plain = json!({"choices": [{"message": message, "finish_reason": finish}]});
    let streamed = sse([
        json!({"choices": [{"delta": message}]}),
        json!({"choices": [{"delta": {}, "finish_reason": finish}]}),
    ]);
    [Reply::json(plain.to_string()), Reply::stream(streamed)]
}

#[test]
fn reasoning_goes_back_with_calls_under_its_own_name() {
    for (name, other) in [(NAMES[0], NAMES[1]), (NAMES[1], NAMES[0])] {
        let message = json!({name: "Look first.", "content": null, "tool_calls": [call()]});
        for reply in replies(&message, "tool_calls") {
            let (driver, outcome) = run(reply);
            let sent = &messages(&driver.requests[1])[2];
            assert_eq!(sent[name], "Look first.", "{sent}");
            assert_eq!(sent.get(other), None, "{sent}");
            assert_eq!(sent["tool_calls"][0]["id"], "c");
            assert_eq!(outcome.text, "after the tools");
        }
    }
}

#[test]
fn reasoning_in_many_deltas_goes_back_as_one() {
    let body = sse([
        json!({"choices": [{"delta": {"reasoning_content": "Look "}}]}),
        json!({"choices": [{"delta": {"reasoning_content": "first."}}]}),
        json!({"choices": [{"delta": {"content": "Looking."}}]}),
        json!({"choices": [{"delta": {"tool_calls": [call()]}}]}),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]);
    let (driver, _) = run(Reply::stream(body));
    let sent = &messages(&driver.requests[1])[2];
    assert_eq!(sent["reasoning_content"], "Look first.");
    assert_eq!(sent["content"], "Looking.");
}

#[test]
fn both_names_at_once_are_one_reasoning() {
    let message =
        json!({"reasoning_content": "Look.", "reasoning": "Look.", "tool_calls": [call()]});
    for reply in replies(&message, "tool_calls") {
        let (driver, _) = run(reply);
        let sent = &messages(&driver.requests[1])[2];
        assert_eq!(sent["reasoning_content"], "Look.");
        assert_eq!(sent.get("reasoning"), None);
    }
}

#[test]
fn reasoning_is_not_sent_back_after_an_answer() {
    for name in NAMES {
        let message = json!({name: "Think.", "content": "words"});
        for reply in replies(&message, "stop") {
            let (mut driver, outcome) = run(reply);
            assert_eq!(outcome.text, "words");
            driver.script = [text("hi").plain()].into();
            driver.run("and now?");
            let sent = &messages(&driver.requests[1])[2];
            assert_eq!(*sent, json!({"role": "assistant", "content": "words"}));
        }
    }
}
