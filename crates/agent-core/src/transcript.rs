//! The conversation so far, as the raw bytes that requests are made of.

use alloc::vec::Vec;

/// The version of a transcript line.
pub const LINE_VERSION: u32 = 1;

/// One message, serialised once: a request sends these very bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The message's JSON, in the form of the transcript's wire.
    pub json: Vec<u8>,
    /// Where the wire may put a mark when this is the last message, so that the server caches up to here.
    pub mark_at: Option<usize>,
}

/// The conversation so far. Whenever a request is made of it, every tool call in it has its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The wire that every line is in the form of, such as `openai-chat`.
    pub wire: &'static str,
    /// The messages, oldest first.
    pub lines: Vec<Line>,
}

impl Transcript {
    /// A transcript without messages.
    pub fn new(wire: &'static str) -> Transcript {
        Transcript {
            wire,
            lines: Vec::new(),
        }
    }
}
