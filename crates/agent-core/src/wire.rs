//! Model wires: how a conversation is put to a server, and how its replies are read.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use self::sse::{MAX_EVENT_BYTES, SseDecoder};
use crate::effect::{Auth, Event, Usage};
use crate::json::{ParseError, Value, is_object, parse_within, string_cost};
use crate::settings::limits::REPLY;
use crate::settings::{Limits, Settings, WireName};
use crate::tools::{MAX_NAME_LETTERS, Offer, is_sound_name};

mod chat_completions;
mod messages;
mod sse;
mod surrogates;

/// Bytes of text, reasoning and arguments together that a reply may have.
const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Blocks that one reply may have.
const MAX_BLOCKS: usize = 128;

/// What stands where there are no words, since one wire refuses a text without any.
pub(crate) const NOTHING: &str = "(nothing)";

/// One family of model interfaces. To add one: a file in this folder, its name in [`WireName`], and its line in [`named`]
/// and [`read`].
pub(crate) struct Wire {
    /// Its name in transcripts.
    pub(crate) tag: &'static str,
    /// What is added to the base URL.
    pub(crate) path: &'static str,
    /// The request's headers, authorisation and content-length aside.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The credential that requests carry.
    pub(crate) auth: Auth,
    /// The request's bytes before the first message of the transcript, a comma included where one is needed.
    pub(crate) request_head: fn(&Settings, &Offer, system: &str) -> Vec<u8>,
    /// The request's bytes after the last message where there are tools, and none may be called.
    pub(crate) tail_without_tools: &'static [u8],
    /// What is put into the last message, so that the server caches up to there; and what it is put before, where the
    /// message ends so.
    pub(crate) mark: (&'static [u8], &'static [u8]),
    /// What a message of the person's begins with, up to its text.
    pub(crate) prompt: &'static [u8],
    /// A message of the person's.
    pub(crate) user_message: fn(text: &str) -> Vec<u8>,
    /// The model's own message, as it is sent back.
    pub(crate) reply_message: fn(&Reply) -> Vec<u8>,
    /// The results of a reply's calls, in their order: a message, or several with a comma between two.
    pub(crate) tool_messages: fn(&[CallResult]) -> Vec<u8>,
    /// What a person is told when calls fail.
    pub(crate) hints: Hints,
    /// What a reply is put together in.
    pub(crate) parts: fn(Limits) -> Box<dyn Parts>,
}

/// The request's bytes after the last message.
pub(crate) const TAIL: &[u8] = b"]}";

/// Words for a person whose model calls fail.
pub(crate) struct Hints {
    /// The variable of the key.
    pub(crate) key: &'static str,
    /// What the base URL mostly ends in.
    pub(crate) base_url: &'static str,
    /// What speaks this wire.
    pub(crate) server: &'static str,
}

/// The wire of a name.
pub(crate) fn named(name: WireName) -> &'static Wire {
    match name {
        WireName::OpenAi => &chat_completions::WIRE,
        WireName::Anthropic => &messages::WIRE,
    }
}

/// The wire whose transcripts have this tag.
pub(crate) fn tagged(tag: &str) -> Option<WireName> {
    WireName::ALL
        .into_iter()
        .find(|name| named(*name).tag == tag)
}

/// Reads the message of one line back, on the wire that wrote it; `None` when that wire writes no such message. (This is
/// no member of [`Wire`] so that a guest which never resumes does not carry it.)
pub(crate) fn read(name: WireName, json: &[u8]) -> Option<Vec<Message>> {
    match name {
        WireName::OpenAi => chat_completions::read(json),
        WireName::Anthropic => messages::read(json),
    }
}

/// Something that was said, in no wire's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The person's words.
    User(String),
    /// The model's reply.
    Reply(Reply),
    /// The result of a call. Of the call it has the id alone.
    Result(CallResult),
}

/// A reply of one wire, as far as it was read.
pub(crate) trait Parts {
    /// Takes an event of a stream and adds what it shows to `events`.
    fn take_event(&mut self, data: &[u8], events: &mut Vec<Event>) -> Result<(), ReplyError>;
    /// Takes a reply that is no stream: `value` is what `json` says.
    fn take_whole(
        &mut self,
        value: &Value,
        json: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), ReplyError>;
    /// Whether the stream has said that it is complete.
    fn is_complete(&self) -> bool;
    /// The reply, once its body is over.
    fn finish(&mut self) -> Result<Reply, ReplyError>;
}

/// Reads one reply from bytes cut anywhere.
pub(crate) struct ReplyDecoder {
    parts: Box<dyn Parts>,
    limits: Limits,
    is_stream: bool,
    sse: SseDecoder,
    /// The body of a reply that is no stream.
    body: Vec<u8>,
}

impl ReplyDecoder {
    /// A decoder of a stream (its content type says `text/event-stream`), or of one JSON object.
    pub(crate) fn new(wire: &Wire, limits: Limits, is_stream: bool) -> ReplyDecoder {
        ReplyDecoder {
            parts: (wire.parts)(limits),
            limits,
            is_stream,
            sse: SseDecoder::new(limits.of(REPLY, MAX_EVENT_BYTES)),
            body: Vec::new(),
        }
    }

    /// Takes more bytes and adds what they show to `events`.
    pub(crate) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), ReplyError> {
        if self.is_stream {
            let parts = &mut self.parts;
            return self.sse.feed(bytes, &mut |data| {
                if parts.is_complete() {
                    return Ok(());
                }
                parts.take_event(data, events)
            });
        }
        if self.body.len() + bytes.len() > self.limits.of(REPLY, MAX_REPLY_BYTES) {
            return Err(too_large(self.limits));
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the reply has said that it is complete, so that a broken connection changes nothing any more.
    pub(crate) fn is_complete(&self) -> bool {
        self.parts.is_complete()
    }

    /// The reply, once its body is over.
    pub(crate) fn finish(&mut self, events: &mut Vec<Event>) -> Result<Reply, ReplyError> {
        if !self.is_stream {
            let value = parse_within(&self.body, self.limits.values()).map_err(|error| {
                if error.is_cut_off {
                    ReplyError::Truncated
                } else {
                    unread(error)
                }
            })?;
            self.parts.take_whole(&value, &self.body, events)?;
        }
        self.parts.finish()
    }
}

/// A whole reply, in no wire's form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) blocks: Vec<Block>,
    pub(crate) stop: Stop,
    pub(crate) usage: Usage,
}

/// A part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// A part of the answer.
    Text(String),
    /// Reasoning, which is no part of the answer.
    Reasoning {
        text: String,
        /// What the wire needs to send it back: its signature, or the name of the field that it came in.
        signature: String,
    },
    /// Reasoning that only the server can read.
    Sealed(String),
    /// A tool call.
    Call(ToolCall),
}

impl Reply {
    /// The answer so far.
    pub(crate) fn text(&self) -> String {
        let mut answer = String::new();
        for block in &self.blocks {
            if let Block::Text(text) = block {
                answer.push_str(text);
            }
        }
        answer
    }

    /// The calls, in their order.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Call(call) => Some(call),
            _ => None,
        })
    }

    /// The calls, to be changed.
    pub(crate) fn calls_mut(&mut self) -> impl Iterator<Item = &mut ToolCall> {
        self.blocks.iter_mut().filter_map(|block| match block {
            Block::Call(call) => Some(call),
            _ => None,
        })
    }

    /// Adds text to the block at its end, or as a new one.
    fn push_text(&mut self, text: &str, events: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        events.push(Event::Text(String::from(text)));
        match self.blocks.last_mut() {
            Some(Block::Text(last)) => last.push_str(text),
            _ => self.blocks.push(Block::Text(String::from(text))),
        }
    }

    /// Adds reasoning to the block at its end, or as a new one.
    fn push_reasoning(&mut self, more: &str, events: &mut Vec<Event>) {
        if more.is_empty() {
            return;
        }
        events.push(Event::Reasoning(String::from(more)));
        match self.blocks.last_mut() {
            Some(Block::Reasoning { text, .. }) => text.push_str(more),
            _ => self.blocks.push(Block::Reasoning {
                text: String::from(more),
                signature: String::new(),
            }),
        }
    }
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It was done, or wants tools.
    #[default]
    Done,
    /// It reached its token limit.
    Length,
    /// It, or a filter, declined.
    Refused,
}

/// A tool call, as the model wrote it but for an id that is missing or taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// A call with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallResult {
    pub(crate) call: ToolCall,
    /// Whether the result is none of an error.
    pub(crate) ok: bool,
    /// A JSON object, or one that was cut.
    pub(crate) result: Vec<u8>,
}

impl Message {
    /// A result that was read back.
    fn result(id: &str, ok: bool, result: &str) -> Message {
        let call = ToolCall {
            id: String::from(id),
            ..ToolCall::default()
        };
        Message::Result(CallResult {
            call,
            ok,
            result: Vec::from(result),
        })
    }
}

/// Letters that a call's id may have on any wire (OpenAI's servers refuse more).
const MAX_ID_LETTERS: usize = 40;

impl ToolCall {
    /// Whether every wire takes the id: Anthropic's wants the letters that names have.
    pub(crate) fn has_sound_id(&self) -> bool {
        (1..=MAX_ID_LETTERS).contains(&self.id.len()) && self.id.chars().all(fits)
    }

    /// Whether it is as calls are sent back, and so as transcripts have them.
    pub(crate) fn is_sound(&self) -> bool {
        !self.id.is_empty()
            && self.name == self.sound_name()
            && self.arguments == self.sound_arguments()
    }

    /// The name as it is sent back: servers refuse names with other letters than tools have. Such a name is of no tool,
    /// before or after.
    fn sound_name(&self) -> String {
        if is_sound_name(&self.name) {
            return self.name.clone();
        }
        let mut name = String::new();
        for letter in self.name.chars().take(MAX_NAME_LETTERS - 1) {
            name.push(if fits(letter) { letter } else { '_' });
        }
        name.push('_');
        name
    }

    /// The arguments as they are sent back: servers parse those of past calls and fail on broken ones. What was
    /// broken is in the call's result, quoted.
    fn sound_arguments(&self) -> &str {
        if is_object(self.arguments.as_bytes()) {
            &self.arguments
        } else {
            "{}"
        }
    }
}

/// Whether a letter may be in names and ids.
fn fits(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// A reply that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyError {
    /// The body ended before the reply did.
    Truncated,
    /// The server reported an error in the reply's body, in these words.
    Server(String),
    /// The same, with a code that says that the request is to blame.
    Refused(String),
    /// The body is not of the wire, for this reason.
    Malformed(&'static str),
    /// It is larger than the setting `limits` lets a reply be.
    #[cfg(feature = "limits")]
    OverLimits,
}

/// A reply that is larger than a reply may be.
pub(crate) fn too_large(limits: Limits) -> ReplyError {
    match limits {
        Limits::None => ReplyError::Malformed("it is larger than 4 MiB"),
        #[cfg(feature = "limits")]
        Limits::Board => ReplyError::OverLimits,
    }
}

/// A reply that is no JSON, or too much of it.
fn unread(error: ParseError) -> ReplyError {
    #[cfg(feature = "limits")]
    if error.is_too_large {
        return ReplyError::OverLimits;
    }
    let _ = error;
    NOT_JSON
}

const TOO_MANY: ReplyError = ReplyError::Malformed("it has more than 128 parts");
const NOT_JSON: ReplyError = ReplyError::Malformed("it is not valid JSON in UTF-8");

impl From<sse::EventTooLarge> for ReplyError {
    fn from(sse::EventTooLarge { most }: sse::EventTooLarge) -> ReplyError {
        #[cfg(feature = "limits")]
        if most < MAX_EVENT_BYTES {
            return ReplyError::OverLimits;
        }
        let _ = most;
        ReplyError::Malformed("it has an event of more than 1 MiB")
    }
}

/// Counts the bytes of a reply as they come.
#[derive(Default)]
struct Counter {
    limits: Limits,
    bytes: usize,
}

impl Counter {
    fn new(limits: Limits) -> Counter {
        Counter { limits, bytes: 0 }
    }

    fn add(&mut self, text: &str) -> Result<(), ReplyError> {
        self.bytes += if self.limits.are_tight() {
            text.bytes().map(string_cost).sum()
        } else {
            text.len()
        };
        if self.bytes > self.limits.of(REPLY, MAX_REPLY_BYTES) {
            return Err(too_large(self.limits));
        }
        Ok(())
    }
}

/// The words of an error object, wherever it keeps them.
fn error_words(error: &Value) -> String {
    let words = error.text("message").or(error.as_str());
    String::from(words.unwrap_or_default())
}
