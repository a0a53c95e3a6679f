//! What the scripted model answers, in the bytes of the public wire.

use std::collections::VecDeque;

use dewclaw_agent_core::{Input, RequestId};
use dewclaw_platform::HttpError;
use serde_json::{Value, json};

/// One reply as it comes over the network.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body, as it is cut.
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) ending: Ending,
    /// Time until its head.
    pub(crate) takes_ms: u64,
}

/// How a reply ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should.
    Complete,
    /// After its pieces.
    Fails(HttpError),
    /// Before its head.
    NeverStarts(HttpError),
    /// Never: the server leaves the connection open.
    StaysOpen,
}

impl Reply {
    /// A success of this content type.
    pub(crate) fn ok(content_type: &str, body: impl AsRef<[u8]>) -> Reply {
        Reply {
            status: 200,
            headers: vec![("content-type".into(), content_type.into())],
            pieces: vec![body.as_ref().to_vec()],
            ending: Ending::Complete,
            takes_ms: 0,
        }
    }

    pub(crate) fn json(body: impl AsRef<[u8]>) -> Reply {
        Reply::ok("application/json", body)
    }

    pub(crate) fn stream(body: impl AsRef<[u8]>) -> Reply {
        Reply::ok("text/event-stream; charset=utf-8", body)
    }

    /// Another status, with an error body as the public interface has it.
    pub(crate) fn error(status: u16, message: &str) -> Reply {
        let body = json!({"error": {"message": message, "type": "error", "code": null}});
        Reply {
            status,
            ..Reply::json(body.to_string())
        }
    }

    /// No reply at all.
    pub(crate) fn fails(error: HttpError) -> Reply {
        Reply::json("").ending(Ending::NeverStarts(error))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn ending(mut self, ending: Ending) -> Reply {
        self.ending = ending;
        self
    }

    pub(crate) fn takes(mut self, ms: u64) -> Reply {
        self.takes_ms = ms;
        self
    }

    /// The whole body.
    pub(crate) fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// The same body, cut at these places.
    pub(crate) fn cut(mut self, cuts: &[usize]) -> Reply {
        let body = self.body();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        self.pieces = cuts
            .windows(2)
            .map(|cut| body[cut[0]..cut[1]].to_vec())
            .collect();
        self
    }

    /// Its head and the first bytes of its body, and then this.
    pub(crate) fn breaks_off(mut self, bytes: usize, ending: Ending) -> Reply {
        let mut body = self.body();
        body.truncate(bytes);
        self.pieces = vec![body];
        self.ending(ending)
    }

    /// What a driver tells of it, each with the time that passes before.
    pub(super) fn inputs(self, id: RequestId) -> VecDeque<(u64, Input)> {
        let failed = |error| (0, Input::ReplyFailed { id, error });
        if let Ending::NeverStarts(error) = self.ending {
            return [(self.takes_ms, Input::ReplyFailed { id, error })].into();
        }
        let start = Input::ReplyStart {
            id,
            status: self.status,
            headers: self.headers,
        };
        let mut inputs = VecDeque::from([(self.takes_ms, start)]);
        let pieces = self.pieces.into_iter();
        inputs.extend(pieces.map(|bytes| (0, Input::ReplyChunk { id, bytes })));
        inputs.extend(match self.ending {
            Ending::Fails(error) => Some(failed(error)),
            Ending::StaysOpen => None,
            _ => Some((0, Input::ReplyEnd { id })),
        });
        inputs
    }
}

/// A tool call, as the model makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Call {
    pub(crate) fn new(id: &str, name: &str, arguments: &Value) -> Call {
        Call::raw(id, name, &arguments.to_string())
    }

    pub(crate) fn raw(id: &str, name: &str, arguments: &str) -> Call {
        Call {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }
}

/// What a reply says, plain or streamed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Option<&'static str>,
    /// Input, output and cached tokens.
    pub(crate) usage: Option<[u64; 3]>,
}

/// An answer in words.
pub(crate) fn text(text: &str) -> Turn {
    Turn {
        text: text.into(),
        ..Turn::default()
    }
}

/// An answer in tool calls.
pub(crate) fn calls(calls: impl IntoIterator<Item = Call>) -> Turn {
    Turn {
        calls: calls.into_iter().collect(),
        ..Turn::default()
    }
}

/// Events of a stream: each value is one's data, and `[DONE]` follows.
pub(crate) fn sse(events: impl IntoIterator<Item = Value>) -> String {
    let events = events.into_iter().map(|event| format!("data: {event}\n\n"));
    events.chain(["data: [DONE]\n\n".into()]).collect()
}

impl Turn {
    pub(crate) fn usage(mut self, input: u64, output: u64, cached: u64) -> Turn {
        self.usage = Some([input, output, cached]);
        self
    }

    fn finish_reason(&self) -> &'static str {
        self.finish.unwrap_or(if self.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        })
    }

    fn usage_json(&self) -> Option<Value> {
        self.usage.map(|[input, output, cached]| {
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
                "prompt_tokens_details": {"cached_tokens": cached}})
        })
    }

    /// The turn as one JSON body.
    pub(crate) fn plain(&self) -> Reply {
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|call| call_json(None, call))
            .collect();
        let mut message = json!({"role": "assistant", "content": null});
        if !self.text.is_empty() || calls.is_empty() {
            message["content"] = json!(self.text);
        }
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = json!(self.reasoning);
        }
        if !calls.is_empty() {
            message["tool_calls"] = json!(calls);
        }
        let mut body = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted",
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason()}]});
        if let Some(usage) = self.usage_json() {
            body["usage"] = usage;
        }
        Reply::json(body.to_string())
    }

    /// The turn as a stream, in small deltas.
    pub(crate) fn streamed(&self) -> Reply {
        let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
        let fragments = |text: &str| -> Vec<String> {
            let letters: Vec<char> = text.chars().collect();
            letters.chunks(7).map(String::from_iter).collect()
        };
        for part in fragments(&self.reasoning) {
            events.push(chunk(json!({"reasoning_content": part}), None));
        }
        for part in fragments(&self.text) {
            events.push(chunk(json!({"content": part}), None));
        }
        for (index, call) in self.calls.iter().enumerate() {
            let begun = Call {
                arguments: String::new(),
                ..call.clone()
            };
            events.push(chunk(
                json!({"tool_calls": [call_json(Some(index), &begun)]}),
                None,
            ));
            for part in fragments(&call.arguments) {
                let part = json!({"index": index, "function": {"arguments": part}});
                events.push(chunk(json!({"tool_calls": [part]}), None));
            }
        }
        events.push(chunk(json!({}), Some(self.finish_reason())));
        if let Some(usage) = self.usage_json() {
            events.push(json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": usage}));
        }
        Reply::stream(sse(events))
    }

    /// Plain or streamed.
    pub(crate) fn reply(&self, stream: bool) -> Reply {
        if stream {
            self.streamed()
        } else {
            self.plain()
        }
    }
}

fn call_json(index: Option<usize>, call: &Call) -> Value {
    let mut json = json!({"id": call.id, "type": "function",
        "function": {"name": call.name, "arguments": call.arguments}});
    if let Some(index) = index {
        json["index"] = json!(index);
    }
    json
}

fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}
