//! The public messages wire, written as a server writes it: plain JSON, or server-sent events that each have a name.

use super::reply::{Call, Completion};
use super::wire::fragments;
use serde_json::{Value, json};

/// The whole turn as one object.
pub(super) fn plain(completion: &Completion, asked: &Value) -> Value {
    let mut message = head(completion, asked);
    let content: Vec<_> = blocks(completion)
        .into_iter()
        .map(|block| block.whole)
        .collect();
    message["content"] = json!(content);
    message["stop_reason"] = json!(stop_reason(completion));
    message["usage"]["output_tokens"] = json!(usage(completion).1);
    message
}

/// The turn as the events of a stream, each with its name and its end.
pub(super) fn stream(completion: &Completion, asked: &Value) -> Vec<Vec<u8>> {
    let mut events = vec![json!({"type": "message_start", "message": head(completion, asked)})];
    for (index, block) in blocks(completion).into_iter().enumerate() {
        events.push(
            json!({"type": "content_block_start", "index": index, "content_block": block.opening}),
        );
        if index == 0 {
            events.push(json!({"type": "ping"}));
        }
        for delta in block.deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(completion), "stop_sequence": null},
        "usage": {"output_tokens": usage(completion).1},
    }));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(named).collect()
}

/// The body of an error with this status.
pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_e2e"})
}

/// What the server signs this reasoning with, so that it knows it again.
pub(super) fn signature_of(thinking: &str) -> String {
    // FNV-1a.
    let hash = thinking
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("signed+e2e/{hash:016x}==")
}

/// An event as it is sent.
fn named(event: &Value) -> Vec<u8> {
    let name = event["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {event}\n\n").into_bytes()
}

/// The message before anything is in it.
fn head(completion: &Completion, asked: &Value) -> Value {
    json!({
        "id": "msg_e2e",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": usage(completion).0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
            "service_tier": "standard",
        },
    })
}

/// A block of the content, whole and in the pieces of a stream.
struct Block {
    whole: Value,
    opening: Value,
    deltas: Vec<Value>,
}

fn blocks(completion: &Completion) -> Vec<Block> {
    let thinking = completion.reasoning.as_deref().map(thinking_block);
    let text = (!completion.text.is_empty()).then(|| text_block(&completion.text));
    let calls = completion.calls.iter().map(call_block);
    thinking.into_iter().chain(text).chain(calls).collect()
}

fn thinking_block(thinking: &str) -> Block {
    let signature = signature_of(thinking);
    let mut deltas: Vec<_> = fragments(thinking)
        .into_iter()
        .map(|piece| json!({"type": "thinking_delta", "thinking": piece}))
        .collect();
    deltas.push(json!({"type": "signature_delta", "signature": signature}));
    Block {
        whole: json!({"type": "thinking", "thinking": thinking, "signature": signature}),
        opening: json!({"type": "thinking", "thinking": "", "signature": ""}),
        deltas,
    }
}

fn text_block(pieces: &[String]) -> Block {
    let deltas = pieces
        .iter()
        .map(|piece| json!({"type": "text_delta", "text": piece}))
        .collect();
    Block {
        whole: json!({"type": "text", "text": pieces.concat()}),
        opening: json!({"type": "text", "text": ""}),
        deltas,
    }
}

/// The real server's first piece of the input is empty. A plain reply has no room for arguments that are not JSON: they are null.
fn call_block(call: &Call) -> Block {
    let mut opening = json!({"type": "tool_use", "name": call.name, "input": {}});
    if let Some(id) = &call.id {
        opening["id"] = json!(id);
    }
    let mut whole = opening.clone();
    whole["input"] = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
    let pieces = [String::new()]
        .into_iter()
        .chain(fragments(&call.arguments));
    let deltas = pieces
        .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
        .collect();
    Block {
        whole,
        opening,
        deltas,
    }
}

fn usage(completion: &Completion) -> (u64, u64) {
    completion.usage.unwrap_or((9, 3))
}

/// The reasons of the other wire in the words of this one; others as they are.
fn stop_reason(completion: &Completion) -> &str {
    match completion.finish_reason.as_deref() {
        None if completion.calls.is_empty() => "end_turn",
        None => "tool_use",
        Some("stop") => "end_turn",
        Some("tool_calls") => "tool_use",
        Some("length") => "max_tokens",
        Some("content_filter") => "refusal",
        Some(reason) => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_adds_up_to_the_plain_reply() {
        let completion = Completion {
            text: vec!["Look".to_owned(), "ing…".to_owned()],
            reasoning: Some("Files first.".to_owned()),
            calls: vec![
                Call::new(
                    "toolu_a",
                    "read_file",
                    json!({"path": "naïve \"notes\".txt"}),
                ),
                Call::new("toolu_b", "list_directory", json!({})),
            ],
            usage: Some((20, 7)),
            finish_reason: None,
        };
        let whole = plain(&completion, &json!({"model": "m"}));
        let mut built: Vec<Value> = Vec::new();
        let mut inputs = vec![String::new(); 4];
        let mut names = Vec::new();
        for event in stream(&completion, &json!({"model": "m"})) {
            let event = String::from_utf8(event).unwrap();
            let (name, data) = event
                .strip_prefix("event: ")
                .and_then(|rest| rest.strip_suffix("\n\n")?.split_once("\ndata: "))
                .unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["type"], name);
            names.push(name.to_owned());
            if name == "content_block_start" {
                built.push(data["content_block"].clone());
            }
            let delta = &data["delta"];
            for part in ["text", "thinking", "signature"] {
                if let Some(more) = delta[part].as_str() {
                    let block = built.last_mut().unwrap();
                    block[part] = json!(format!("{}{more}", block[part].as_str().unwrap()));
                }
            }
            if let Some(more) = delta["partial_json"].as_str() {
                inputs[built.len() - 1] += more;
            }
        }
        for (block, input) in built.iter_mut().zip(&inputs) {
            if block["type"] == "tool_use" {
                block["input"] = serde_json::from_str(input).unwrap();
            }
        }
        assert_eq!(whole["content"], json!(built));
        assert_eq!(whole["stop_reason"], "tool_use");
        assert_eq!(whole["usage"]["output_tokens"], 7);
        assert_eq!(
            names[..3],
            ["message_start", "content_block_start", "ping"].map(String::from)
        );
        assert_eq!(names[names.len() - 1], "message_stop");
    }
}
