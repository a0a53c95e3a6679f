//! The conversation so far, as the raw bytes that requests are made of.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::json::decimal;
use crate::template::fill;
use crate::wire;

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
    /// The version of the lines that this program writes, and the only one that it reads.
    pub const VERSION: u64 = 1;

    /// A transcript of lines that were kept: the JSON of each message ([`Line::json`]), which stays as it is. What it
    /// says is read by [`crate::Agent::resume`], not here.
    ///
    /// # Errors
    /// [`TranscriptError::Version`]; [`TranscriptError::Wire`].
    pub fn from_lines(
        version: u64,
        tag: &str,
        lines: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Transcript, TranscriptError> {
        if version != Transcript::VERSION {
            return Err(TranscriptError::Version(version));
        }
        let Some(name) = wire::tagged(tag) else {
            return Err(TranscriptError::Wire(tag.to_string()));
        };
        let mut transcript = Transcript::new(wire::named(name).tag);
        for json in lines {
            transcript.push(wire::line(name, json));
        }
        Ok(transcript)
    }

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

/// A transcript that no conversation can go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TranscriptError {
    /// Its lines are of this version.
    Version(u64),
    /// No wire has this tag.
    Wire(String),
    /// A line can't be used.
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
}

/// What can be wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineProblem {
    /// It is no message that the transcript's wire writes.
    NotOfItsWire,
    /// It has a tool call without a result directly after it. At the end of a transcript this is what a run leaves that
    /// was stopped from outside.
    CallWithoutResult,
    /// It has a result, and nothing before it waits for one.
    ResultWithoutCall,
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            TranscriptError::Version(version) => fill(
                "the transcript is of version %, and this program reads version %: go on with the program that wrote it, or begin a new conversation",
                &[&decimal(*version), &decimal(Transcript::VERSION)],
            ),
            TranscriptError::Wire(tag) => fill(
                "the transcript is of the wire \"%\", which this program does not know: go on with the program that wrote it, or begin a new conversation",
                &[tag],
            ),
            TranscriptError::Line { line, problem } => fill(
                "line % of the transcript %: put the line right, or begin a new conversation",
                &[
                    &decimal(*line as u64),
                    match problem {
                        LineProblem::NotOfItsWire => "is no message of its wire",
                        LineProblem::CallWithoutResult => {
                            "has a tool call without its result directly after it"
                        }
                        LineProblem::ResultWithoutCall => {
                            "has a tool result without its call before it"
                        }
                    },
                ],
            ),
        };
        formatter.write_str(&text)
    }
}

impl core::error::Error for TranscriptError {}
