//! What a strict server of the messages wire refuses: each rule that a request broke, as a sentence.

use super::messages_blocks::fields;
use super::rules::{is_function_name, schema};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The parameters of `POST /v1/messages` in the public reference. The server answers 400 to others.
const PARAMETERS: [&str; 14] = [
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// So many blocks may be marked for the cache.
const MOST_MARKS: usize = 4;

/// The rules of the wire that the body broke.
pub(super) fn of_body(body: &Value) -> Vec<String> {
    let Some(body) = body.as_object() else {
        return vec!["the body is not an object".to_owned()];
    };
    let mut broken = Vec::new();
    for name in body.keys() {
        if !PARAMETERS.contains(&name.as_str()) {
            broken.push(format!("{name}: extra inputs are not permitted"));
        }
    }
    if body
        .get("model")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        broken.push("model is not a name".to_owned());
    }
    if body
        .get("stream")
        .is_some_and(|stream| !stream.is_boolean())
    {
        broken.push("stream is not a boolean".to_owned());
    }
    let most = body.get("max_tokens").and_then(Value::as_u64).unwrap_or(0);
    if most == 0 {
        broken.push("max_tokens is not a positive integer".to_owned());
    }
    if let Some(thinking) = body.get("thinking").filter(|it| it["type"] != "disabled") {
        let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
        if thinking["type"] != "enabled" || budget < 1024 || budget >= most {
            broken.push(format!(
                "thinking {thinking} is not from 1024 to below max_tokens"
            ));
        }
    }
    system(body, &mut broken);
    tools(body, &mut broken);
    match body.get("messages").and_then(Value::as_array) {
        Some(messages) if !messages.is_empty() => conversation(messages, body, &mut broken),
        _ => broken.push("messages is not a list with something in it".to_owned()),
    }
    let marks = marks(&Value::Object(body.clone()), &mut broken);
    if marks > MOST_MARKS {
        broken.push(format!(
            "{marks} blocks have cache_control; at most {MOST_MARKS} may"
        ));
    }
    broken
}

fn system(body: &Map<String, Value>, broken: &mut Vec<String>) {
    match body.get("system") {
        None | Some(Value::String(_)) => {}
        Some(Value::Array(blocks)) if blocks.iter().all(|block| block["type"] == "text") => {
            for block in blocks {
                fields("system", block, broken);
            }
        }
        Some(_) => broken.push("system is neither text nor blocks of text".to_owned()),
    }
}

fn tools(body: &Map<String, Value>, broken: &mut Vec<String>) {
    let Some(tools) = body.get("tools") else {
        if body.contains_key("tool_choice") {
            broken.push("tool_choice without tools".to_owned());
        }
        return;
    };
    let tools = tools.as_array().map_or(&[][..], Vec::as_slice);
    if tools.is_empty() {
        broken.push("tools is not a list with something in it".to_owned());
    }
    let mut names = BTreeSet::new();
    for tool in tools {
        let name = tool["name"].as_str().unwrap_or_default();
        if !is_function_name(name) {
            broken.push(format!("{tool} is not a tool with a name"));
        }
        if !names.insert(name) {
            broken.push(format!("there are two tools called {name}"));
        }
        if tool["description"].as_str().is_none_or(str::is_empty) {
            broken.push(format!("tool {name} has no description"));
        }
        for field in tool.as_object().into_iter().flat_map(Map::keys) {
            if !["name", "description", "input_schema", "cache_control"].contains(&field.as_str()) {
                broken.push(format!(
                    "tool {name}: {field}: extra inputs are not permitted"
                ));
            }
        }
        schema(name, &tool["input_schema"], broken);
    }
    if let Some(choice) = body.get("tool_choice") {
        let named = choice["name"]
            .as_str()
            .is_some_and(|name| names.contains(name));
        match choice["type"].as_str() {
            Some("auto" | "any" | "none") => {}
            Some("tool") if named => {}
            _ => broken.push(format!("tool_choice {choice} is no choice of these tools")),
        }
    }
}

/// Walks through the messages: who may speak when, and the calls of one message with all their results in the next. Messages of the
/// user in a row are one to the server.
fn conversation(messages: &[Value], body: &Map<String, Value>, broken: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    let mut waiting: Vec<&str> = Vec::new();
    let mut before = "";
    for (number, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !["user", "assistant"].contains(&role) {
            broken.push(format!(
                "message {number}: role {role:?} is neither user nor assistant"
            ));
        } else if role == "assistant" && before != "user" {
            broken.push(format!(
                "message {number}: the assistant speaks without the user before it"
            ));
        }
        before = role;
        for field in message.as_object().into_iter().flat_map(Map::keys) {
            if !["role", "content"].contains(&field.as_str()) {
                broken.push(format!(
                    "message {number}: {field}: extra inputs are not permitted"
                ));
            }
        }
        let blocks = match &message["content"] {
            Value::Array(blocks) if !blocks.is_empty() => &blocks[..],
            Value::String(text) if !text.trim().is_empty() => &[],
            _ => {
                broken.push(format!("message {number}: the content is empty"));
                &[]
            }
        };
        let answered = results(number, blocks, &waiting, broken);
        let unanswered: Vec<_> = waiting.iter().filter(|id| !answered.contains(id)).collect();
        if !unanswered.is_empty() {
            broken.push(format!(
                "message {number}: tool_use ids without tool_result immediately after: {unanswered:?}"
            ));
        }
        waiting.clear();
        for block in blocks {
            let place = format!("message {number}");
            fields(&place, block, broken);
            let kind = block["type"].as_str().unwrap_or_default();
            let speaker = match kind {
                "tool_use" | "thinking" | "redacted_thinking" => "assistant",
                "tool_result" => "user",
                _ => role,
            };
            if role != speaker {
                broken.push(format!("{place}: {kind} in a message of the {role}"));
            }
            if kind.starts_with("tool_") && !body.contains_key("tools") {
                broken.push(format!("{place}: {kind} without tools"));
            }
            if kind == "tool_use" {
                let id = block["id"].as_str().unwrap_or_default();
                if !ids.insert(id) {
                    broken.push(format!("{place}: the tool_use id {id} is used twice"));
                }
                waiting.push(id);
            }
        }
        if role == "assistant" && blocks.last().is_some_and(|last| last["type"] == "thinking") {
            broken.push(format!(
                "message {number}: the final block of an assistant is thinking"
            ));
        }
    }
    if !waiting.is_empty() {
        broken.push(format!(
            "tool_use ids without tool_result immediately after: {waiting:?}"
        ));
    }
    if before != "user" {
        broken.push("the last message is not the user's".to_owned());
    }
}

/// The ids that the results of one message answer. They come before anything else in it, one for each call of the message before.
fn results<'a>(
    number: usize,
    blocks: &'a [Value],
    waiting: &[&str],
    broken: &mut Vec<String>,
) -> Vec<&'a str> {
    let mut answered = Vec::new();
    let mut others = false;
    for block in blocks {
        if block["type"] != "tool_result" {
            others = true;
            continue;
        }
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        if !waiting.contains(&id) {
            broken.push(format!(
                "message {number}: a tool_result for {id:?}, which the message before does not call"
            ));
        }
        if answered.contains(&id) {
            broken.push(format!("message {number}: two tool_results for {id:?}"));
        }
        if others {
            broken.push(format!(
                "message {number}: the tool_result for {id:?} comes after other blocks"
            ));
        }
        answered.push(id);
    }
    answered
}

/// How many blocks of the whole request are marked for the cache.
fn marks(value: &Value, broken: &mut Vec<String>) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| marks(item, broken)).sum(),
        Value::Object(members) => {
            let below = |(name, member): (&String, &Value)| match &**name {
                // What a tool takes and was called with is the caller's own.
                "input" | "input_schema" => 0,
                "cache_control" => {
                    if member["type"] != "ephemeral" {
                        broken.push(format!("cache_control {member} is not ephemeral"));
                    }
                    1
                }
                _ => marks(member, broken),
            };
            members.iter().map(below).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::signature_of;
    use super::*;
    use serde_json::json;

    fn tool() -> Value {
        json!({"name": "read_file", "description": "reads", "input_schema": {
            "type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"],
        }})
    }

    fn asked(messages: Value) -> Value {
        json!({"model": "m", "max_tokens": 9, "tools": [tool()], "messages": messages})
    }

    fn user() -> Value {
        json!({"role": "user", "content": [{"type": "text", "text": "u"}]})
    }

    fn calls(ids: &[&str]) -> Value {
        let blocks = ids
            .iter()
            .map(|id| json!({"type": "tool_use", "id": id, "name": "read_file", "input": {}}));
        json!({"role": "assistant", "content": blocks.collect::<Vec<_>>()})
    }

    fn results(ids: &[&str]) -> Value {
        let blocks = ids
            .iter()
            .map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": "1"}));
        json!({"role": "user", "content": blocks.collect::<Vec<_>>()})
    }

    #[test]
    fn a_whole_conversation_breaks_no_rule() {
        let mark = json!({"type": "ephemeral"});
        let mut body = asked(json!([
            user(),
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "t", "signature": signature_of("t")},
                {"type": "text", "text": "a"},
                {"type": "tool_use", "id": "a", "name": "read_file", "input": {"cache_control": 1}},
                {"type": "tool_use", "id": "b", "name": "read_file", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": "2", "is_error": true, "cache_control": mark},
            ]},
            user(),
        ]));
        body["system"] = json!([{"type": "text", "text": "s", "cache_control": mark}]);
        body["stream"] = json!(true);
        body["tool_choice"] = json!({"type": "none"});
        assert_eq!(of_body(&body), Vec::<String>::new());
    }

    #[test]
    fn each_broken_rule_is_named() {
        let says = |block: Value| asked(json!([{"role": "user", "content": [block]}]));
        let text = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
        let answers = |content: Value| json!({"role": "assistant", "content": content});
        for (body, rule) in [
            (json!([]), "not an object"),
            (
                json!({"messages": [user()], "max_tokens": 9}),
                "model is not",
            ),
            (
                json!({"model": "m", "messages": [user()]}),
                "max_tokens is not",
            ),
            (
                json!({"model": "m", "max_tokens": 9, "messages": [user()], "stream_options": {}}),
                "stream_options: extra inputs",
            ),
            (
                json!({"model": "m", "max_tokens": 9, "messages": [user()], "tool_choice": {"type": "none"}}),
                "tool_choice without",
            ),
            (
                json!({"model": "m", "max_tokens": 9, "messages": [user()], "thinking": {"type": "enabled", "budget_tokens": 9}}),
                "thinking {",
            ),
            (
                json!({"model": "m", "max_tokens": 9, "messages": [user()], "system": 1}),
                "system is neither",
            ),
            (
                json!({"model": "m", "max_tokens": 9, "messages": [user(), calls(&["a"]), results(&["a"])]}),
                "without tools",
            ),
            (asked(json!([])), "messages is not a list"),
            (
                asked(json!([answers(json!("x")), user()])),
                "without the user before it",
            ),
            (
                asked(json!([
                    user(),
                    answers(json!("x")),
                    answers(json!("x")),
                    user()
                ])),
                "without the user before it",
            ),
            (
                asked(json!([{"role": "system", "content": "x"}])),
                "role \"system\"",
            ),
            (
                asked(json!([{"role": "user", "content": ""}])),
                "content is empty",
            ),
            (
                asked(json!([{"role": "user", "content": []}])),
                "content is empty",
            ),
            (asked(json!([user(), answers(json!("x"))])), "last message"),
            (
                says(json!({"type": "text", "text": " \n"})),
                "text.text is empty",
            ),
            (
                says(json!({"type": "text", "text": "x", "name": 1})),
                "text.name: extra",
            ),
            (says(json!({"type": "alien"})), "no known block"),
            (asked(json!([user(), calls(&["a"])])), "without tool_result"),
            (
                asked(json!([user(), calls(&["a", "b"]), results(&["a"])])),
                "without tool_result immediately after: [\"b\"]",
            ),
            (
                asked(json!([
                    user(),
                    calls(&["a", "b"]),
                    results(&["a"]),
                    results(&["b"])
                ])),
                "without tool_result immediately after: [\"b\"]",
            ),
            (asked(json!([results(&["a"])])), "does not call"),
            (
                asked(json!([user(), calls(&["a"]), results(&["a", "a"])])),
                "two tool_results",
            ),
            (
                asked(json!([
                    user(),
                    calls(&["a"]),
                    results(&["a"]),
                    calls(&["a"]),
                    results(&["a"])
                ])),
                "used twice",
            ),
            (
                asked(json!([user(), calls(&["a:1"]), results(&["a:1"])])),
                "does not match",
            ),
            (
                asked(json!([
                    user(),
                    answers(json!([{"type": "thinking", "thinking": "t", "signature": "other"}]))
                ])),
                "not this server's",
            ),
            (
                asked(json!([
                    user(),
                    answers(
                        json!([{"type": "thinking", "thinking": "t", "signature": signature_of("t")}])
                    )
                ])),
                "the final block",
            ),
            (
                asked(json!([{"role": "user", "content": [text, text, text, text, text]}])),
                "5 blocks have cache_control",
            ),
        ] {
            let broken = of_body(&body);
            assert!(
                broken.iter().any(|sentence| sentence.contains(rule)),
                "{rule}: {broken:?}"
            );
        }
    }
}
