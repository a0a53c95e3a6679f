//! Model wires: how a conversation is put to a server, and how its replies are read.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::effect::{Auth, Event, Usage};
use crate::settings::Settings;
use crate::tools::Tool;

pub(crate) mod chat_completions;
pub(crate) mod sse;
mod surrogates;

/// One family of model interfaces. Add the next one beside [`chat_completions`].
pub(crate) trait Wire {
    /// Its name in transcripts.
    fn tag(&self) -> &'static str;
    /// What is added to the base URL.
    fn path(&self) -> &'static str;
    /// The request's headers, authorisation and content-length aside.
    fn headers(&self) -> &'static [(&'static str, &'static str)];
    /// The credential that requests carry.
    fn auth(&self) -> Auth;
    /// The request's bytes before the first message.
    fn request_head(&self, settings: &Settings, tools: &[&'static Tool]) -> Vec<u8>;
    /// The request's bytes after the last message. `wrap_up`: no tool may be called.
    fn request_tail(&self, wrap_up: bool, has_tools: bool) -> &'static [u8];
    /// The message that opens a conversation.
    fn system_message(&self, text: &str) -> Vec<u8>;
    /// A message of the person's.
    fn user_message(&self, text: &str) -> Vec<u8>;
    /// The model's own message, as it is sent back.
    fn reply_message(&self, reply: &Reply) -> Vec<u8>;
    /// A tool's result.
    fn tool_message(&self, call: &ToolCall, result: &[u8]) -> Vec<u8>;
    /// A reader for a reply: `stream` when its content type says `text/event-stream`.
    fn decoder(&self, stream: bool) -> Box<dyn ReplyDecoder>;
}

/// Reads one reply from bytes cut anywhere.
pub(crate) trait ReplyDecoder {
    /// Takes more bytes and adds what they show to `events`.
    fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), ReplyError>;
    /// Whether the reply has said that it is complete, so that a broken connection changes nothing any more.
    fn is_complete(&self) -> bool;
    /// The reply, once its body is over.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<Reply, ReplyError>;
}

/// A whole reply, in no wire's form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) stop: Stop,
    pub(crate) usage: Usage,
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

/// Letters that a tool's name may have (OpenAI's and Anthropic's references agree).
const MAX_NAME_LETTERS: usize = 64;

impl ToolCall {
    /// The name as it is sent back: servers refuse names with other letters than tools have. Such a name is of no tool,
    /// before or after.
    fn sound_name(&self) -> String {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        if (1..=MAX_NAME_LETTERS).contains(&self.name.len()) && self.name.chars().all(fits) {
            return self.name.clone();
        }
        self.name
            .chars()
            .map(|letter| if fits(letter) { letter } else { '_' })
            .take(MAX_NAME_LETTERS - 1)
            .chain(['_'])
            .collect()
    }
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
}
