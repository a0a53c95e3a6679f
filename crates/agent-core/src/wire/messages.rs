//! Anthropic messages.
//!
//! Source: the public API reference, "Create a Message", "Streaming messages", "Extended thinking" and "Prompt caching".

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{is_blank, lossy};

use super::surrogates::Joiner;
use super::{
    Block, CallResult, Counter, Hints, MAX_BLOCKS, NOTHING, Reply, ReplyError, Stop, TOO_MANY,
    ToolCall, Wire, error_words, unread,
};
use crate::effect::{Auth, AuthScheme, Event, Usage};
use crate::json::{self, Array, Object, Value, parse_halves};
use crate::settings::{Limits, Settings};
use crate::template::fill;
use crate::tools::Offer;
use crate::word_list;

mod line;

pub(super) use line::read;

/// Tokens of a reply where no limit is set: the wire wants one.
const DEFAULT_MAX_TOKENS: u32 = 8_192;

/// The member that asks the server to cache everything up to the block that has it.
const MARK: &[u8] = br#","cache_control":{"type":"ephemeral"}"#;

/// The wire.
pub(super) const WIRE: Wire = Wire {
    tag: "anthropic",
    path: "/v1/messages",
    headers: &[
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("anthropic-version", "2023-06-01"),
        ("user-agent", concat!("dewclaw/", env!("CARGO_PKG_VERSION"))),
    ],
    auth: Auth {
        slot: "anthropic",
        scheme: AuthScheme::Header("x-api-key"),
    },
    request_head,
    tail_without_tools: br#"],"tool_choice":{"type":"none"}}"#,
    // Into the last block, before the ends of block, array and message.
    mark: (MARK, b"}]}"),
    prompt: br#"{"role":"user","content":[{"type":"text""#,
    user_message,
    reply_message,
    tool_messages,
    hints: Hints {
        key: "ANTHROPIC_API_KEY",
        base_url: "mostly ends before /v1",
        server: "Anthropic's messages",
    },
    parts,
};

fn request_head(settings: &Settings, offer: &Offer, system: &str) -> Vec<u8> {
    let mut object = Object::new();
    let max_tokens = match settings.max_tokens {
        0 => settings.thinking_tokens.saturating_add(DEFAULT_MAX_TOKENS),
        tokens => tokens,
    };
    object
        .text("model", &settings.model)
        .number("max_tokens", max_tokens.into());
    if settings.stream {
        object.boolean("stream", true);
    }
    if settings.thinking_tokens > 0 {
        let thinking = Object::new()
            .text("type", "enabled")
            .number("budget_tokens", settings.thinking_tokens.into())
            .finish();
        object.raw("thinking", &thinking);
    }
    if !offer.is_empty() {
        let mut list = Array::new();
        for schema in offer.schemas("input_schema") {
            list.raw(&schema);
        }
        object.raw("tools", &list.finish());
    }
    // The mark here covers the tools too, since they come before it.
    let mut text = text_block(system);
    text.truncate(text.len() - 1);
    let system = [b"[", &text[..], MARK, b"}]"].concat();
    let mut head = object.raw("system", &system).raw("messages", b"[").finish();
    head.pop();
    head
}

fn user_message(text: &str) -> Vec<u8> {
    let mut content = Array::new();
    content.raw(&text_block(text));
    message("user", &mut content)
}

fn reply_message(reply: &Reply) -> Vec<u8> {
    let mut blocks = Array::new();
    let mut is_empty = true;
    for block in &reply.blocks {
        let json = match block {
            // Blocks without words are refused.
            Block::Text(text) if is_blank(text) => continue,
            Block::Text(text) => text_block(text),
            // Reasoning that was not signed came from elsewhere, and is refused.
            Block::Reasoning { signature, .. } if signature.is_empty() => continue,
            Block::Reasoning { text, signature } => Object::new()
                .text("type", "thinking")
                .text("thinking", text)
                .text("signature", signature)
                .finish(),
            Block::Sealed(data) => Object::new()
                .text("type", "redacted_thinking")
                .text("data", data)
                .finish(),
            Block::Call(call) => Object::new()
                .text("type", "tool_use")
                .text("id", &call.id)
                .text("name", &call.sound_name())
                .raw("input", call.sound_arguments().as_bytes())
                .finish(),
        };
        blocks.raw(&json);
        is_empty = false;
    }
    // A message can't be empty, nor end in reasoning.
    let ends_well = matches!(reply.blocks.last(), Some(Block::Call(_)))
        || (!is_blank(&reply.text()) && matches!(reply.blocks.last(), Some(Block::Text(_))));
    if is_empty || !ends_well {
        blocks.raw(&text_block(NOTHING));
    }
    message("assistant", &mut blocks)
}

/// One message: the wire wants every result of a reply in the message that follows it.
fn tool_messages(results: &[CallResult]) -> Vec<u8> {
    let mut blocks = Array::new();
    for CallResult { call, ok, result } in results {
        let mut object = Object::new();
        object
            .text("type", "tool_result")
            .text("tool_use_id", &call.id)
            .text("content", &lossy(result));
        if !ok {
            object.boolean("is_error", true);
        }
        blocks.raw(&object.finish());
    }
    message("user", &mut blocks)
}

fn parts(limits: Limits) -> Box<dyn super::Parts> {
    Box::new(Parts {
        counter: Counter::new(limits),
        ..Parts::default()
    })
}

fn text_block(text: &str) -> Vec<u8> {
    Object::new()
        .text("type", "text")
        .text("text", text)
        .finish()
}

/// A message of blocks.
fn message(role: &str, blocks: &mut Array) -> Vec<u8> {
    Object::new()
        .text("role", role)
        .raw("content", &blocks.finish())
        .finish()
}

/// Where a reply's usage is, in a whole reply, a stream's first event, or its last ones.
fn take_usage(usage: &mut Usage, value: &Value) {
    let count = |name: &str| value.count(name);
    if let Some(fresh) = count("input_tokens") {
        let cached = count("cache_read_input_tokens").unwrap_or_default();
        let written = count("cache_creation_input_tokens").unwrap_or_default();
        usage.input_tokens = fresh.saturating_add(cached).saturating_add(written);
        usage.cached_tokens = cached;
    }
    if let Some(output) = count("output_tokens") {
        usage.output_tokens = output;
    }
}

/// The types of errors that the request is to blame for.
const TO_BLAME: &str = "invalid_request_error authentication_error billing_error permission_error not_found_error \
    request_too_large";

/// An error that came with a success's status, by its type: the request is to blame, or the server may do better later.
fn server_error(event: &Value) -> ReplyError {
    let words = event.get("error").map(error_words).unwrap_or_default();
    let kind = event.text("error/type").unwrap_or_default();
    if word_list::place(TO_BLAME, kind).is_some() {
        ReplyError::Refused(words)
    } else {
        ReplyError::Server(words)
    }
}

fn stop_of(reason: &str) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "refusal" => Stop::Refused,
        _ => Stop::Done,
    }
}

/// A reply put together from a stream's events. Blocks come one after the other, each opened, filled and closed.
#[derive(Default)]
struct Parts {
    reply: Reply,
    counter: Counter,
    stopped: bool,
    done: bool,
    /// The block that is open is of no known kind, and so is nothing that fills it.
    passed_over: bool,
    joiner: Joiner,
    /// The event that is being taken may have halves of letters.
    has_halves: bool,
}

impl super::Parts for Parts {
    fn take_event(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), ReplyError> {
        let (event, has_halves) =
            parse_halves(data, self.counter.limits.values()).map_err(unread)?;
        self.has_halves = has_halves;
        self.take(&event, events)
    }

    fn take_whole(
        &mut self,
        message: &Value,
        json: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), ReplyError> {
        if message.text("type") == Some("error") {
            return Err(server_error(message));
        }
        let Some(Value::Array(blocks)) = message.get("content") else {
            return Err(ReplyError::Malformed("it has no \"content\""));
        };
        self.open_all(blocks, json, events)?;
        if let Some(usage) = message.get("usage") {
            take_usage(&mut self.reply.usage, usage);
        }
        self.stopped = true;
        self.reply.stop = stop_of(message.text("stop_reason").unwrap_or_default());
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn finish(&mut self) -> Result<Reply, ReplyError> {
        if !self.done && !self.stopped {
            return Err(ReplyError::Truncated);
        }
        Ok(core::mem::take(&mut self.reply))
    }
}

impl Parts {
    fn take(&mut self, event: &Value, events: &mut Vec<Event>) -> Result<(), ReplyError> {
        match event.text("type").unwrap_or_default() {
            "message_start" => {
                if let Some(usage) = event.get("message/usage") {
                    take_usage(&mut self.reply.usage, usage);
                }
            }
            "content_block_start" => {
                let Some(block) = event.get("content_block") else {
                    return Err(ReplyError::Malformed("it opens a block that is not there"));
                };
                self.open(block, events)?;
            }
            "content_block_delta" => {
                let Some(delta) = event.get("delta") else {
                    return Err(ReplyError::Malformed("it has a delta that is not there"));
                };
                self.fill(delta, events)?;
            }
            "message_delta" => {
                if let Some(usage) = event.get("usage") {
                    take_usage(&mut self.reply.usage, usage);
                }
                if let Some(reason) = event.text("delta/stop_reason") {
                    self.stopped = true;
                    self.reply.stop = stop_of(reason);
                }
            }
            "message_stop" => self.done = true,
            "error" => {
                return Err(server_error(event));
            }
            // Pings, the ends of blocks, and what may come later.
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, block: &Value, events: &mut Vec<Event>) -> Result<(), ReplyError> {
        if self.reply.blocks.len() == MAX_BLOCKS {
            return Err(TOO_MANY);
        }
        let text = |name: &str| block.text(name).unwrap_or_default();
        self.passed_over = false;
        // Halves of letters belong to one block.
        self.joiner = Joiner::default();
        let opened = match text("type") {
            "text" => Block::Text(String::new()),
            "thinking" => {
                self.counter.add(text("signature"))?;
                Block::Reasoning {
                    text: String::new(),
                    signature: text("signature").to_string(),
                }
            }
            "redacted_thinking" => {
                self.counter.add(text("data"))?;
                Block::Sealed(text("data").to_string())
            }
            "tool_use" => {
                self.counter.add(text("id"))?;
                self.counter.add(text("name"))?;
                Block::Call(ToolCall {
                    id: text("id").to_string(),
                    name: text("name").to_string(),
                    arguments: String::new(),
                })
            }
            _ => {
                self.passed_over = true;
                return Ok(());
            }
        };
        self.reply.blocks.push(opened);
        // What a block opens with is part of it; mostly it is empty.
        for (name, kind) in &[("text", "text_delta"), ("thinking", "thinking_delta")] {
            if !text(name).is_empty() {
                self.add(kind, text(name), events)?;
            }
        }
        Ok(())
    }

    /// Takes the blocks of a whole message, whose JSON this is.
    fn open_all(
        &mut self,
        blocks: &[Value],
        json: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), ReplyError> {
        for (index, block) in blocks.iter().enumerate() {
            self.open(block, events)?;
            if let Some(Block::Call(call)) = self.reply.blocks.last_mut()
                && !self.passed_over
                && call.arguments.is_empty()
            {
                let path = fill("content/%/input", &[&json::decimal(index as u64)]);
                let input = json::raw(json, &path).unwrap_or_default();
                call.arguments = lossy(input);
            }
        }
        Ok(())
    }

    fn fill(&mut self, delta: &Value, events: &mut Vec<Event>) -> Result<(), ReplyError> {
        if self.passed_over {
            return Ok(());
        }
        let kind = delta.text("type").unwrap_or_default();
        for name in &["text", "thinking", "partial_json", "signature"] {
            if let Some(more) = delta.text(name) {
                return self.add(kind, more, events);
            }
        }
        Ok(())
    }

    fn add(&mut self, kind: &str, more: &str, events: &mut Vec<Event>) -> Result<(), ReplyError> {
        self.counter.add(more)?;
        let more = &self.joiner.join(more, self.has_halves);
        match (kind, self.reply.blocks.last_mut()) {
            ("input_json_delta", Some(Block::Call(call))) => call.arguments.push_str(more),
            ("signature_delta", Some(Block::Reasoning { signature, .. })) => {
                signature.push_str(more);
            }
            ("text_delta", _) => self.reply.push_text(more, events),
            ("thinking_delta", _) => self.reply.push_reasoning(more, events),
            _ => {}
        }
        // Text and reasoning in turns make blocks that were never opened.
        if self.reply.blocks.len() > MAX_BLOCKS {
            return Err(TOO_MANY);
        }
        Ok(())
    }
}
