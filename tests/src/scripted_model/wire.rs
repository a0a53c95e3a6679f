//! Replies on their wire: the framing of both, and chat completions as a server writes them, plain JSON or server-sent events.

use super::messages;
use super::reply::{Call, Completion, Content, Fault, Reply};
use super::script::{Answer, Ending};
use serde_json::{Value, json};

/// When the replies say that they were made; a fixed moment, so that two runs are the same.
const CREATED: u64 = 1_795_000_000;

/// How a request is written, and its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    ChatCompletions,
    Messages,
}

impl Wire {
    pub(super) const ALL: [Self; 2] = [Self::ChatCompletions, Self::Messages];

    /// The path that requests of this wire go to.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }

    /// The wire of a request to this path.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.path() == path)
    }
}

/// The bytes of `reply` to the request `asked`, which decides whether a completion is streamed.
pub(super) fn encode(reply: &Reply, wire: Wire, asked: &Value) -> Answer {
    let mut answer = match &reply.content {
        Content::Silence => return without_head(Ending::Silence),
        Content::HangUp => return without_head(Ending::HangUp),
        Content::Body { status, body } => sized(*status, Vec::new(), body.clone()),
        Content::Stream(cuts) => streamed(cuts.clone()),
        Content::Error {
            status,
            message,
            kind,
            code,
        } => {
            let body = match wire {
                Wire::Messages => messages::error(*status, message),
                Wire::ChatCompletions => {
                    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
                }
            };
            sized(*status, vec![json_type()], body.to_string().into_bytes())
        }
        Content::Completion(completion) if asked["stream"] == true && wire == Wire::Messages => {
            streamed(messages::stream(completion, asked))
        }
        Content::Completion(completion) if asked["stream"] == true => {
            let events = events(completion, asked);
            let lines = events
                .iter()
                .map(|event| format!("data: {event}\n\n").into_bytes());
            streamed(lines.chain([b"data: [DONE]\n\n".to_vec()]).collect())
        }
        Content::Completion(completion) => {
            let body = match wire {
                Wire::Messages => messages::plain(completion, asked),
                Wire::ChatCompletions => plain(completion, asked),
            };
            sized(200, vec![json_type()], body.to_string().into_bytes())
        }
    };
    answer.headers.extend(reply.headers.iter().cloned());
    if let Some(bytes) = reply.cut_every {
        let body = answer.cuts.concat();
        answer.cuts = body.chunks(bytes.max(1)).map(<[u8]>::to_vec).collect();
    }
    match reply.fault {
        None => {}
        Some(Fault::CloseAfter(bytes)) => break_off(&mut answer, bytes, Ending::Close),
        Some(Fault::StallAfter(bytes)) => break_off(&mut answer, bytes, Ending::Stall),
    }
    answer
}

fn json_type() -> (String, String) {
    ("content-type".to_owned(), "application/json".to_owned())
}

fn without_head(ending: Ending) -> Answer {
    Answer {
        status: 0,
        headers: Vec::new(),
        length: None,
        cuts: Vec::new(),
        ending,
    }
}

fn sized(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Answer {
    Answer {
        status,
        headers,
        length: Some(body.len()),
        cuts: vec![body],
        ending: Ending::Complete,
    }
}

fn streamed(cuts: Vec<Vec<u8>>) -> Answer {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Answer {
        status: 200,
        headers: vec![
            header("content-type", "text/event-stream; charset=utf-8"),
            header("cache-control", "no-cache"),
        ],
        length: None,
        cuts,
        ending: Ending::Complete,
    }
}

/// Keeps the first `bytes` of the body, cut where they were.
fn break_off(answer: &mut Answer, bytes: usize, ending: Ending) {
    let mut left = bytes;
    let mut kept = Vec::new();
    for cut in &answer.cuts {
        let part = &cut[..cut.len().min(left)];
        left -= part.len();
        if !part.is_empty() {
            kept.push(part.to_vec());
        }
    }
    answer.cuts = kept;
    answer.ending = ending;
}

fn finish_reason(completion: &Completion) -> &str {
    match &completion.finish_reason {
        Some(reason) => reason,
        None if completion.calls.is_empty() => "stop",
        None => "tool_calls",
    }
}

fn usage(completion: &Completion) -> Value {
    let (input, output) = completion.usage.unwrap_or((9, 3));
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

/// The whole completion as one object.
fn plain(completion: &Completion, asked: &Value) -> Value {
    let text = completion.text.concat();
    let content = if text.is_empty() && !completion.calls.is_empty() {
        Value::Null
    } else {
        Value::String(text)
    };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if let Some(reasoning) = &completion.reasoning {
        message["reasoning_content"] = json!(reasoning);
    }
    if !completion.calls.is_empty() {
        let calls: Vec<_> = completion
            .calls
            .iter()
            .map(|call| head_of(call, &call.arguments))
            .collect();
        message["tool_calls"] = json!(calls);
    }
    json!({
        "id": "chatcmpl-e2e",
        "object": "chat.completion",
        "created": CREATED,
        "model": asked["model"],
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": finish_reason(completion),
        }],
        "usage": usage(completion),
        "service_tier": "default",
        "system_fingerprint": "fp_e2e",
    })
}

fn head_of(call: &Call, arguments: &str) -> Value {
    let mut head =
        json!({"type": "function", "function": {"name": call.name, "arguments": arguments}});
    if let Some(id) = &call.id {
        head["id"] = json!(id);
    }
    head
}

/// The completion as the objects of an event stream.
fn events(completion: &Completion, asked: &Value) -> Vec<Value> {
    let with_usage = asked["stream_options"]["include_usage"] == true;
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-e2e",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": asked["model"],
            "service_tier": "default",
            "system_fingerprint": "fp_e2e",
            "choices": choices,
        });
        if with_usage {
            chunk["usage"] = usage;
        }
        chunk
    };
    let delta = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
        chunk(json!([choice]), Value::Null)
    };
    let says = if completion.text.is_empty() {
        Value::Null
    } else {
        json!("")
    };
    let mut events = vec![delta(
        json!({"role": "assistant", "content": says, "refusal": null}),
        Value::Null,
    )];
    if let Some(reasoning) = &completion.reasoning {
        events.push(delta(json!({"reasoning_content": reasoning}), Value::Null));
    }
    for piece in &completion.text {
        events.push(delta(json!({"content": piece}), Value::Null));
    }
    for (index, call) in completion.calls.iter().enumerate() {
        let mut head = head_of(call, "");
        head["index"] = json!(index);
        events.push(delta(json!({"tool_calls": [head]}), Value::Null));
        for fragment in fragments(&call.arguments) {
            let part = json!({"index": index, "function": {"arguments": fragment}});
            events.push(delta(json!({"tool_calls": [part]}), Value::Null));
        }
    }
    events.push(delta(json!({}), json!(finish_reason(completion))));
    if with_usage {
        events.push(chunk(json!([]), usage(completion)));
    }
    events
}

/// Cuts `text` into fragments of 1, 2, 3, 5, 8, 13 and again 1, 2, 3 … characters: inside names, escapes and numbers.
pub(super) fn fragments(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut rest = &letters[..];
    let mut fragments = Vec::new();
    for size in [1, 2, 3, 5, 8, 13].iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (fragment, after) = rest.split_at(rest.len().min(*size));
        fragments.push(fragment.iter().collect());
        rest = after;
    }
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream_of(reply: &Reply) -> Vec<Value> {
        let asked =
            json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}});
        let body =
            String::from_utf8(encode(reply, Wire::ChatCompletions, &asked).cuts.concat()).unwrap();
        let mut lines: Vec<&str> = body.split("\n\n").collect();
        assert_eq!(lines.pop(), Some(""));
        assert_eq!(lines.pop(), Some("data: [DONE]"));
        let objects = lines
            .iter()
            .map(|line| line.strip_prefix("data: ").unwrap());
        objects
            .map(|object| serde_json::from_str(object).unwrap())
            .collect()
    }

    #[test]
    fn a_stream_adds_up_to_the_plain_reply() {
        let reply = Reply::calls([
            Call::new(
                "call_a",
                "read_file",
                json!({"path": "naïve \"notes\".txt"}),
            ),
            Call::new("call_b", "list_directory", json!({"path": "."})),
        ])
        .saying("Looking…")
        .usage(20, 7);
        let whole = plain(
            match &reply.content {
                Content::Completion(completion) => completion,
                other => panic!("{other:?}"),
            },
            &json!({"model": "m"}),
        );
        let message = &whole["choices"][0]["message"];
        let events = stream_of(&reply);
        let (mut text, mut arguments) = (String::new(), [String::new(), String::new()]);
        for event in &events {
            let delta = &event["choices"][0]["delta"];
            text += delta["content"].as_str().unwrap_or_default();
            for part in delta["tool_calls"].as_array().unwrap_or(&Vec::new()) {
                let index = part["index"].as_u64().unwrap() as usize;
                arguments[index] += part["function"]["arguments"].as_str().unwrap();
            }
        }
        assert_eq!(message["content"], text);
        for (call, arguments) in message["tool_calls"]
            .as_array()
            .unwrap()
            .iter()
            .zip(&arguments)
        {
            assert_eq!(call["function"]["arguments"], *arguments);
        }
        assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 27);
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    }

    #[test]
    fn breaking_off_keeps_the_first_bytes_and_the_promise() {
        let reply = Reply::json(200, &json!({"a": 1})).close_after(3);
        let answer = encode(&reply, Wire::ChatCompletions, &json!({}));
        assert_eq!(answer.length, Some(7));
        assert_eq!(answer.cuts.concat(), b"{\"a");
        assert_eq!(answer.ending, Ending::Close);
    }

    #[test]
    fn a_stream_can_be_cut_anywhere() {
        let reply = Reply::text("héllo").cut_every(1);
        let cuts = encode(&reply, Wire::ChatCompletions, &json!({"stream": true})).cuts;
        assert!(cuts.iter().all(|cut| cut.len() == 1));
    }
}
