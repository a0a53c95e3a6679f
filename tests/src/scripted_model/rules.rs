//! What a strict server refuses: each rule of HTTP and of the chat-completions wire that a request broke, as a sentence.

use super::wire::Wire;
use crate::loopback::Request;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The parameters of `POST /chat/completions` in the public reference. Servers answer 400 to others.
const PARAMETERS: [&str; 21] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
];

/// The rules of HTTP that `request` broke.
pub(super) fn of_http(request: &Request) -> Vec<String> {
    let mut broken = Vec::new();
    if request.method != "POST" {
        broken.push(format!("the method is {}, not POST", request.method));
    }
    let wire = Wire::of_path(&request.path);
    match wire {
        None => broken.push(format!(
            "the path is {}, not one of {:?}",
            request.path,
            Wire::ALL.map(Wire::path)
        )),
        Some(Wire::Messages) if request.header("anthropic-version") != Some("2023-06-01") => {
            broken.push("anthropic-version is not 2023-06-01".to_owned());
        }
        Some(_) => {}
    }
    let foreign = match wire {
        Some(Wire::Messages) => "authorization",
        _ => "x-api-key",
    };
    if request.header(foreign).is_some() {
        broken.push(format!("there is a header {foreign}, of another wire"));
    }
    let kind = request.header("content-type").unwrap_or_default();
    if kind.split(';').next() != Some("application/json") {
        broken.push(format!("content-type is {kind:?}, not application/json"));
    }
    // The length itself was checked against the body when the request was read.
    if request.header("content-length").is_none() {
        broken.push("there is no content-length".to_owned());
    }
    for name in [
        "host",
        "authorization",
        "x-api-key",
        "anthropic-version",
        "content-type",
        "accept",
    ] {
        let count = request
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .count();
        if count > 1 || (name == "host" && count == 0) {
            broken.push(format!("there are {count} headers called {name}"));
        }
    }
    broken
}

/// The rules of the wire that the body broke.
pub(super) fn of_body(body: &Value) -> Vec<String> {
    let Some(body) = body.as_object() else {
        return vec!["the body is not an object".to_owned()];
    };
    let mut broken = Vec::new();
    for name in body.keys() {
        if !PARAMETERS.contains(&name.as_str()) {
            broken.push(format!("unrecognised parameter {name}"));
        }
    }
    if text(body.get("model")).is_none_or(str::is_empty) {
        broken.push("model is not a name".to_owned());
    }
    if body
        .get("stream")
        .is_some_and(|stream| !stream.is_boolean())
    {
        broken.push("stream is not a boolean".to_owned());
    }
    if body.contains_key("stream_options") && body.get("stream") != Some(&Value::Bool(true)) {
        broken.push("stream_options without stream".to_owned());
    }
    for name in ["max_tokens", "max_completion_tokens"] {
        if body
            .get(name)
            .is_some_and(|limit| limit.as_u64().is_none_or(|limit| limit == 0))
        {
            broken.push(format!("{name} is not a positive integer"));
        }
    }
    tools(body, &mut broken);
    match body.get("messages").and_then(Value::as_array) {
        Some(messages) if !messages.is_empty() => conversation(messages, &mut broken),
        _ => broken.push("messages is not a list with something in it".to_owned()),
    }
    broken
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
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap_or_default();
        if tool["type"] != "function" || !is_function_name(name) {
            broken.push(format!("{tool} is not a function with a name"));
        }
        if !names.insert(name) {
            broken.push(format!("there are two tools called {name}"));
        }
        if function["description"].as_str().is_none_or(str::is_empty) {
            broken.push(format!("tool {name} has no description"));
        }
        schema(name, &function["parameters"], broken);
    }
}

pub(super) fn schema(tool: &str, parameters: &Value, broken: &mut Vec<String>) {
    let Some(properties) = parameters["properties"]
        .as_object()
        .filter(|_| parameters["type"] == "object")
    else {
        broken.push(format!(
            "the parameters of tool {tool} are not a schema of type object"
        ));
        return;
    };
    for (name, property) in properties {
        if property["type"].as_str().is_none() {
            broken.push(format!("parameter {name} of tool {tool} has no type"));
        }
    }
    let required = parameters["required"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for name in required {
        if name
            .as_str()
            .is_none_or(|name| !properties.contains_key(name))
        {
            broken.push(format!(
                "tool {tool} requires {name}, which it does not describe"
            ));
        }
    }
}

/// Servers take `^[a-zA-Z0-9_-]{1,64}$`.
pub(super) fn is_function_name(name: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    (1..=64).contains(&name.len()) && name.chars().all(allowed)
}

/// Walks through the messages: who may speak when, and every call with its result directly after it.
fn conversation(messages: &[Value], broken: &mut Vec<String>) {
    let mut ids = BTreeSet::new();
    let mut waiting: BTreeSet<&str> = BTreeSet::new();
    for (number, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !waiting.is_empty() {
            broken.push(format!(
                "message {number}: no result for the tool calls {waiting:?} before it"
            ));
            waiting.clear();
        }
        let content = text(message.get("content"));
        match role {
            "system" | "developer" | "user" if content.is_some() => {}
            "assistant" => {
                let calls = message["tool_calls"]
                    .as_array()
                    .map_or(&[][..], Vec::as_slice);
                if message.get("tool_calls").is_some() && calls.is_empty() {
                    broken.push(format!(
                        "message {number}: tool_calls is not a list with something in it"
                    ));
                }
                if content.is_none() && calls.is_empty() {
                    broken.push(format!(
                        "message {number}: an assistant says nothing and calls nothing"
                    ));
                }
                for call in calls {
                    match call_id(call) {
                        Some(id) if ids.insert(id) => {
                            waiting.insert(id);
                        }
                        Some(id) => {
                            broken.push(format!("message {number}: the call id {id} is used twice"))
                        }
                        None => broken.push(format!(
                            "message {number}: {call} is not a call with id, name and arguments"
                        )),
                    }
                }
            }
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                if !waiting.remove(id) {
                    broken.push(format!(
                        "message {number}: a result for {id:?}, which no call waits for"
                    ));
                }
                if content.is_none() {
                    broken.push(format!("message {number}: a tool result without text"));
                }
            }
            _ => broken.push(format!(
                "message {number}: role {role:?} with content {}",
                message["content"]
            )),
        }
    }
    if !waiting.is_empty() {
        broken.push(format!("no result for the tool calls {waiting:?}"));
    }
    let last = messages.last().map(|message| &message["role"]);
    if last.is_none_or(|role| role != "user" && role != "tool") {
        broken.push("the last message is neither the user's nor a tool result".to_owned());
    }
}

/// The id of a call that is as it should be.
fn call_id(call: &Value) -> Option<&str> {
    let function = &call["function"];
    let whole = call["type"] == "function"
        && function["name"].as_str().is_some_and(is_function_name)
        && function["arguments"].is_string();
    call["id"].as_str().filter(|id| whole && !id.is_empty())
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(messages: Value) -> Value {
        json!({"model": "m", "messages": messages})
    }

    fn call(id: &str) -> Value {
        json!({"id": id, "type": "function", "function": {"name": "read_file", "arguments": "{}"}})
    }

    #[test]
    fn a_whole_conversation_breaks_no_rule() {
        let body = json!({
            "model": "m",
            "stream": true,
            "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {
                "name": "read_file",
                "description": "reads",
                "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
            }}],
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "u"},
                {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
                {"role": "tool", "tool_call_id": "a", "content": "1"},
                {"role": "tool", "tool_call_id": "b", "content": "2"},
            ],
        });
        assert_eq!(of_body(&body), Vec::<String>::new());
    }

    #[test]
    fn each_broken_rule_is_named() {
        let user = json!({"role": "user", "content": "u"});
        let calls = |ids: &[&str]| {
            let calls: Vec<_> = ids.iter().map(|id| call(id)).collect();
            json!({"role": "assistant", "content": null, "tool_calls": calls})
        };
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "1"});
        for (body, rule) in [
            (json!([]), "not an object"),
            (
                json!({"model": "m", "messages": [user], "thinking": 1}),
                "unrecognised parameter thinking",
            ),
            (json!({"messages": [user]}), "model is not a name"),
            (
                json!({"model": "m", "messages": [user], "stream_options": {}}),
                "stream_options without",
            ),
            (
                json!({"model": "m", "messages": [user], "tool_choice": "none"}),
                "tool_choice without",
            ),
            (
                json!({"model": "m", "messages": [user], "tools": []}),
                "tools is not a list",
            ),
            (
                json!({"model": "m", "messages": [user], "max_tokens": 0}),
                "max_tokens is not",
            ),
            (asked(json!([])), "messages is not a list"),
            (
                asked(json!([user, calls(&["a"])])),
                "no result for the tool calls {\"a\"}",
            ),
            (
                asked(json!([user, calls(&["a", "b"]), result("a"), user])),
                "no result for the tool calls {\"b\"}",
            ),
            (asked(json!([user, result("a")])), "which no call waits for"),
            (
                asked(json!([
                    user,
                    calls(&["a"]),
                    result("a"),
                    calls(&["a"]),
                    result("a")
                ])),
                "used twice",
            ),
            (
                asked(json!([user, calls(&[""]), result("")])),
                "not a call with id",
            ),
            (
                asked(json!([user, {"role": "assistant", "content": null}])),
                "says nothing",
            ),
            (
                asked(json!([{"role": "alien", "content": "x"}])),
                "role \"alien\"",
            ),
            (
                asked(json!([user, {"role": "assistant", "content": "x"}])),
                "last message",
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
