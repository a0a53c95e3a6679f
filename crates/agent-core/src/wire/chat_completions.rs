//! OpenAI chat completions, the wire of OpenAI, Ollama, llama.cpp, vLLM and most gateways.
//!
//! Source: the public API reference, "Create chat completion" and "Streaming"; where servers differ from it, the
//! reader takes what they send: no call index, no call id, content in parts, no `[DONE]`.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use dewclaw_platform::lossy;

use super::surrogates::Joiner;
use super::{
    Block, CallResult, Counter, Hints, MAX_BLOCKS, Message, Reply, ReplyError, Stop, TOO_MANY,
    ToolCall, Wire, error_words, unread,
};
use crate::effect::{Auth, AuthScheme, Event, Usage};
use crate::json::{Array, Object, Value, parse, parse_halves};
use crate::settings::{Limits, Settings};
use crate::tools::Offer;

/// The wire.
pub(super) const WIRE: Wire = Wire {
    tag: "openai-chat",
    path: "/chat/completions",
    headers: &[
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("user-agent", concat!("dewclaw/", env!("CARGO_PKG_VERSION"))),
    ],
    auth: Auth {
        slot: "openai",
        scheme: AuthScheme::Bearer,
    },
    request_head,
    tail_without_tools: br#"],"tool_choice":"none"}"#,
    // These servers cache by themselves.
    mark: (b"", b""),
    prompt: br#"{"role":"user","content":""#,
    user_message,
    reply_message,
    tool_messages,
    hints: Hints {
        key: "OPENAI_API_KEY",
        base_url: "mostly ends in /v1",
        server: "an OpenAI-compatible server",
    },
    parts,
};

fn request_head(settings: &Settings, offer: &Offer, system: &str) -> Vec<u8> {
    let mut object = Object::new();
    object.text("model", &settings.model);
    if settings.stream {
        object
            .boolean("stream", true)
            .raw("stream_options", br#"{"include_usage":true}"#);
    }
    if settings.max_tokens > 0 {
        object.number("max_tokens", settings.max_tokens.into());
    }
    if !offer.is_empty() {
        let mut list = Array::new();
        for schema in offer.schemas("parameters") {
            let function = Object::new()
                .text("type", "function")
                .raw("function", &schema)
                .finish();
            list.raw(&function);
        }
        object.raw("tools", &list.finish());
    }
    // More messages follow, so the object stays open inside their array.
    let system = message("system", system);
    let messages = [b"[", &system[..], b","].concat();
    let mut head = object.raw("messages", &messages).finish();
    head.pop();
    head
}

fn user_message(text: &str) -> Vec<u8> {
    message("user", text)
}

fn reply_message(reply: &Reply) -> Vec<u8> {
    let mut object = Object::new();
    object.text("role", "assistant");
    let text = reply.text();
    let mut calls = Array::new();
    let mut has_calls = false;
    for call in reply.calls() {
        let function = Object::new()
            .text("name", &call.sound_name())
            .text("arguments", call.sound_arguments())
            .finish();
        let call = Object::new()
            .text("id", &call.id)
            .text("type", "function")
            .raw("function", &function)
            .finish();
        calls.raw(&call);
        has_calls = true;
    }
    if text.is_empty() && has_calls {
        object.raw("content", b"null");
    } else {
        object.text("content", &text);
    }
    if has_calls {
        // Models that reason between calls want their reasoning back with the calls, and never after an answer:
        // so DeepSeek's and Moonshot's references say. It goes back under the name that it came by.
        if let Some(Block::Reasoning { text, signature }) = reply.blocks.first()
            && !signature.is_empty()
        {
            object.text(signature, text);
        }
        object.raw("tool_calls", &calls.finish());
    }
    object.finish()
}

fn tool_messages(results: &[CallResult]) -> Vec<u8> {
    let mut messages = Vec::new();
    for CallResult { call, result, .. } in results {
        if !messages.is_empty() {
            messages.push(b',');
        }
        let mut message = Object::new()
            .text("role", "tool")
            .text("tool_call_id", &call.id)
            .text("content", &lossy(result))
            .finish();
        messages.append(&mut message);
    }
    messages
}

fn parts(limits: Limits) -> Box<dyn super::Parts> {
    Box::new(Parts {
        counter: Counter::new(limits),
        ..Parts::default()
    })
}

fn message(role: &str, text: &str) -> Vec<u8> {
    Object::new()
        .text("role", role)
        .text("content", text)
        .finish()
}

/// Reads back a message that was written here. A result says only by itself whether it is an error.
pub(super) fn read(json: &[u8]) -> Option<Vec<Message>> {
    let message = parse(json).ok()?;
    let content = message.get("content")?;
    let read = match (message.text("role")?, content) {
        ("user", Value::String(text)) => Message::User(text.clone()),
        ("tool", Value::String(text)) => {
            let failed =
                matches!(parse(text.as_bytes()), Ok(result) if result.get("error").is_some());
            Message::result(message.text("tool_call_id")?, !failed, text)
        }
        ("assistant", Value::String(_) | Value::Null) => {
            let mut parts = Parts::default();
            parts.take_message(&message, false, &mut Vec::new()).ok()?;
            let reply = parts.reply();
            if matches!(content, Value::Null) && reply.calls().next().is_none() {
                return None;
            }
            Message::Reply(reply)
        }
        _ => return None,
    };
    Some(alloc::vec![read])
}

/// A reply put together from whole messages or from deltas.
#[derive(Default)]
struct Parts {
    reply: Reply,
    calls: Vec<ToolCall>,
    /// The `index` of each call, where the server gives one.
    indexes: Vec<Option<u64>>,
    counter: Counter,
    stopped: bool,
    /// The stream has said that it is over.
    done: bool,
    text: Joiner,
    reasoning: Joiner,
    arguments: Joiner,
    /// The chunk that is being taken may have halves of letters.
    has_halves: bool,
}

impl super::Parts for Parts {
    fn take_event(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), ReplyError> {
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        let (chunk, has_halves) =
            parse_halves(data, self.counter.limits.values()).map_err(unread)?;
        self.has_halves = has_halves;
        self.take(&chunk, events)
    }

    fn take_whole(
        &mut self,
        completion: &Value,
        _: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), ReplyError> {
        self.take(completion, events)?;
        if completion.members("choices/0").is_empty() {
            return Err(ReplyError::Malformed("its \"choices\" are empty"));
        }
        self.stopped = true;
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn finish(&mut self) -> Result<Reply, ReplyError> {
        if !self.stopped {
            // `[DONE]` without a reason to stop comes from servers that leave it out; without both it broke off.
            let nothing = self.reply.blocks.is_empty() && self.calls.is_empty();
            if !self.done {
                return Err(ReplyError::Truncated);
            }
            if nothing {
                return Err(ReplyError::Malformed("it has no choice and no content"));
            }
        }
        Ok(self.reply())
    }
}

impl Parts {
    /// Takes a completion, or a chunk of one.
    fn take(&mut self, completion: &Value, events: &mut Vec<Event>) -> Result<(), ReplyError> {
        if let Some(error) = completion
            .get("error")
            .filter(|error| !matches!(error, Value::Null))
        {
            let words = error_words(error);
            // Some gateways give the status of the server behind them.
            return Err(match error.count("code") {
                Some(code @ 400..500) if code != 429 => ReplyError::Refused(words),
                _ => ReplyError::Server(words),
            });
        }
        if !completion.members("usage").is_empty() {
            let count = |path: &str| completion.count(path).unwrap_or_default();
            self.reply.usage = Usage {
                input_tokens: count("usage/prompt_tokens"),
                output_tokens: count("usage/completion_tokens"),
                cached_tokens: count("usage/prompt_tokens_details/cached_tokens"),
            };
        }
        let Some(Value::Array(choices)) = completion.get("choices") else {
            return Err(ReplyError::Malformed("it has no \"choices\""));
        };
        // A chunk that brings the usage alone has an empty list.
        let Some(choice) = choices.first() else {
            return Ok(());
        };
        if let Some(delta) = choice.get("delta") {
            self.take_message(delta, true, events)?;
        } else if let Some(message) = choice.get("message") {
            self.take_message(message, false, events)?;
        }
        if let Some(reason) = choice.text("finish_reason") {
            self.stopped = true;
            match reason {
                "length" => self.reply.stop = Stop::Length,
                "content_filter" => self.reply.stop = Stop::Refused,
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes a whole message, or one delta of it.
    fn take_message(
        &mut self,
        message: &Value,
        is_delta: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), ReplyError> {
        // Two names are in use for the same thing: DeepSeek's and vLLM's, and OpenRouter's.
        for name in &["reasoning_content", "reasoning"] {
            let more = message.text(name).unwrap_or_default();
            self.counter.add(more)?;
            let joined = self.reasoning.join(more, self.has_halves);
            self.reply.push_reasoning(&joined, events);
            self.count_blocks()?;
            if let Some(Block::Reasoning { signature, .. }) = self.reply.blocks.last_mut()
                && !more.is_empty()
            {
                *signature = name.to_string();
                break;
            }
        }
        match message.get("content") {
            Some(Value::String(text)) => self.take_text(text, events)?,
            Some(Value::Array(parts)) => {
                for part in parts {
                    if let Some(text) = part.text("text") {
                        self.take_text(text, events)?;
                    }
                }
            }
            None | Some(Value::Null) => {}
            Some(_) => return Err(ReplyError::Malformed("its \"content\" is no text")),
        }
        if let Some(refusal) = message.text("refusal")
            && !refusal.is_empty()
        {
            self.reply.stop = Stop::Refused;
            self.take_text(refusal, events)?;
        }
        for call in message.elements("tool_calls") {
            self.take_call(call, is_delta)?;
        }
        Ok(())
    }

    fn take_text(&mut self, text: &str, events: &mut Vec<Event>) -> Result<(), ReplyError> {
        self.counter.add(text)?;
        let text = self.text.join(text, self.has_halves);
        self.reply.push_text(&text, events);
        self.count_blocks()
    }

    /// Takes a call, or more of one: of the last call of the same index, else of the same id, else of the last one. In a
    /// whole message every call stands by itself, and so does one that brings another id than the one before it.
    fn take_call(&mut self, part: &Value, is_delta: bool) -> Result<(), ReplyError> {
        let text = |path: &str| part.text(path).unwrap_or_default().to_string();
        let index = part.count("index");
        let id = text("id");
        let name = text("function/name");
        let arguments = part.text("function/arguments").unwrap_or_default();
        let arguments = self.arguments.join(arguments, self.has_halves);
        self.counter.add(&id)?;
        self.counter.add(&name)?;
        self.counter.add(&arguments)?;
        let calls = &self.calls;
        let known = match index {
            _ if !is_delta => None,
            Some(_) => self.indexes.iter().rposition(|known| *known == index),
            None if !id.is_empty() => calls.iter().rposition(|call| call.id == id),
            // Without index and id, a name begins a call and arguments alone go on with the last one.
            None if name.is_empty() => calls.len().checked_sub(1),
            None => None,
        };
        let known = known.filter(|at| {
            let before = &calls[*at].id;
            id.is_empty() || before.is_empty() || *before == id
        });
        let at = match known {
            Some(at) => at,
            None => {
                if self.calls.len() == MAX_BLOCKS {
                    return Err(TOO_MANY);
                }
                self.indexes.push(index);
                self.calls.push(ToolCall::default());
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        call.arguments.push_str(&arguments);
        Ok(())
    }

    /// Text and reasoning in turns make a block each time.
    fn count_blocks(&self) -> Result<(), ReplyError> {
        if self.reply.blocks.len() > MAX_BLOCKS {
            return Err(TOO_MANY);
        }
        Ok(())
    }

    fn reply(&mut self) -> Reply {
        let mut reply = core::mem::take(&mut self.reply);
        let calls = core::mem::take(&mut self.calls);
        for call in calls {
            reply.blocks.push(Block::Call(call));
        }
        reply
    }
}
