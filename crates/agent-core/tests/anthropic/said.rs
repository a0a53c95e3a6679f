//! What the scripted model answers, in the blocks of the Anthropic wire.

use serde_json::{Value, json};

use crate::script::Reply;

/// A reply's blocks, plain or streamed.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) blocks: Vec<Value>,
    pub(crate) stop: &'static str,
    /// As the wire has it.
    pub(crate) usage: Value,
}

/// A reply of these blocks: it stops for tools if there is a call among them.
pub(crate) fn said(blocks: impl IntoIterator<Item = Value>) -> Said {
    let blocks: Vec<Value> = blocks.into_iter().collect();
    let calls = blocks.iter().any(|block| block["type"] == "tool_use");
    Said {
        blocks,
        stop: if calls { "tool_use" } else { "end_turn" },
        usage: json!({"input_tokens": 0, "output_tokens": 0}),
    }
}

/// An answer in words.
pub(crate) fn answer(words: &str) -> Said {
    said([text(words)])
}

pub(crate) fn text(words: &str) -> Value {
    json!({"type": "text", "text": words})
}

pub(crate) fn thinking(words: &str, signature: &str) -> Value {
    json!({"type": "thinking", "thinking": words, "signature": signature})
}

pub(crate) fn sealed(data: &str) -> Value {
    json!({"type": "redacted_thinking", "data": data})
}

pub(crate) fn call(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

/// A call that reads a file.
pub(crate) fn read(id: &str, path: &str) -> Value {
    call(id, "read_file", &json!({"path": path}))
}

/// A stream of these events, each with its name.
pub(crate) fn stream(events: &[Value]) -> Reply {
    let events = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap_or("message");
        format!("event: {name}\ndata: {event}\n\n")
    });
    Reply::stream(events.collect::<String>())
}

/// The event that opens a block.
pub(crate) fn start(index: usize, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

/// An event that fills one.
pub(crate) fn delta(index: usize, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

/// An event with more of a call's input.
pub(crate) fn partial(index: usize, json: &str) -> Value {
    delta(
        index,
        &json!({"type": "input_json_delta", "partial_json": json}),
    )
}

/// The event that closes a block.
pub(crate) fn stop(index: usize) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

/// A stream of one call whose input comes in these parts.
pub(crate) fn stream_call(id: &str, name: &str, parts: &[&str]) -> Reply {
    let said = said([call(id, name, &json!({}))]);
    let mut events = said.events();
    let is_partial = |event: &Value| event["delta"]["type"] == "input_json_delta";
    let at = events.iter().position(is_partial).expect("it has an input");
    let parts = parts.iter().map(|part| partial(0, part));
    events.retain(|event| !is_partial(event));
    events.splice(at..at, parts);
    stream(&events)
}

impl Said {
    pub(crate) fn stop(mut self, reason: &'static str) -> Said {
        self.stop = reason;
        self
    }

    pub(crate) fn usage(mut self, usage: Value) -> Said {
        self.usage = usage;
        self
    }

    /// The reply as one JSON body.
    pub(crate) fn plain(&self) -> Reply {
        let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted",
            "content": self.blocks, "stop_reason": self.stop, "stop_sequence": null, "usage": self.usage});
        Reply::json(body.to_string())
    }

    /// The reply as a stream, in small deltas.
    pub(crate) fn streamed(&self) -> Reply {
        stream(&self.events())
    }

    /// Plain or streamed.
    pub(crate) fn reply(&self, streamed: bool) -> Reply {
        if streamed {
            self.streamed()
        } else {
            self.plain()
        }
    }

    /// The stream's events.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut usage = self.usage.clone();
        usage["output_tokens"] = json!(1);
        let mut events = vec![
            json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
                "model": "scripted", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage}}),
            json!({"type": "ping"}),
        ];
        for (index, block) in self.blocks.iter().enumerate() {
            let (opened, deltas) = parts(block);
            events.push(start(index, &opened));
            events.extend(deltas.iter().map(|part| delta(index, part)));
            events.push(stop(index));
        }
        events.extend([
            json!({"type": "message_delta", "delta": {"stop_reason": self.stop, "stop_sequence": null},
                "usage": {"output_tokens": self.usage["output_tokens"]}}),
            json!({"type": "message_stop"}),
        ]);
        events
    }
}

/// A block as it is opened, and the deltas that fill it.
fn parts(block: &Value) -> (Value, Vec<Value>) {
    let fragments = |text: &str| -> Vec<String> {
        let letters: Vec<char> = text.chars().collect();
        letters.chunks(7).map(String::from_iter).collect()
    };
    let words = |name: &str| fragments(block[name].as_str().unwrap_or_default());
    match block["type"].as_str() {
        Some("text") => {
            let deltas = words("text").into_iter();
            let deltas = deltas.map(|part| json!({"type": "text_delta", "text": part}));
            (text(""), deltas.collect())
        }
        Some("thinking") => {
            let deltas = words("thinking").into_iter();
            let deltas = deltas.map(|part| json!({"type": "thinking_delta", "thinking": part}));
            let signature = json!({"type": "signature_delta", "signature": block["signature"]});
            (thinking("", ""), deltas.chain([signature]).collect())
        }
        Some("tool_use") => {
            let mut opened = block.clone();
            opened["input"] = json!({});
            let deltas = fragments(&block["input"].to_string()).into_iter();
            let deltas = [String::new()].into_iter().chain(deltas);
            let deltas =
                deltas.map(|part| json!({"type": "input_json_delta", "partial_json": part}));
            (opened, deltas.collect())
        }
        _ => (block.clone(), Vec::new()),
    }
}
