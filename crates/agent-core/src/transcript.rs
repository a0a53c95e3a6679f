//! The conversation so far, as the raw bytes that requests are made of.

use alloc::vec::Vec;

/// One message, serialised once: a request sends these very bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The message's JSON and the comma that parts it from the next, so that both go out as one piece.
    bytes: Vec<u8>,
    mark_at: Option<usize>,
}

impl Line {
    /// The line of a message in the form of the transcript's wire. `mark_at`: where in it the wire may put a mark while
    /// it is the last message, so that the server caches up to here.
    pub fn new(mut json: Vec<u8>, mark_at: Option<usize>) -> Line {
        json.push(b',');
        Line {
            bytes: json,
            mark_at,
        }
    }

    /// The message's JSON.
    pub fn json(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - 1]
    }

    /// The message's JSON before and behind its mark; without one, all of it is before.
    pub(crate) fn around_mark(&self) -> (&[u8], Option<&[u8]>) {
        match self.mark_at {
            Some(at) => (
                &self.bytes[..at],
                Some(&self.bytes[at..self.bytes.len() - 1]),
            ),
            None => (self.json(), None),
        }
    }

    /// The message's JSON, and the comma before the next message.
    pub(crate) fn json_and_comma(&self) -> &[u8] {
        &self.bytes
    }
}

/// The conversation so far. Whenever a request is made of it, every tool call in it has its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The wire that every line is in the form of, such as `openai-chat`.
    pub wire: &'static str,
    lines: Vec<Line>,
    /// Bytes of all lines, their commas included, so that no request has to add them up again.
    bytes: usize,
}

impl Transcript {
    /// A transcript without messages.
    pub fn new(wire: &'static str) -> Transcript {
        Transcript {
            wire,
            lines: Vec::new(),
            bytes: 0,
        }
    }

    /// The messages, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Adds a message.
    pub fn push(&mut self, line: Line) {
        self.bytes += line.bytes.len();
        self.lines.push(line);
    }

    /// Bytes of the messages with a comma after each but the last.
    pub fn body_bytes(&self) -> usize {
        self.bytes.saturating_sub(1)
    }
}
