//! The conversation so far, as the raw bytes that requests are made of.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::json::{self, decimal};
use crate::template::fill;
use crate::wire;

mod journal;

use journal::Journal;

/// The conversation so far. Whenever a request is made of it, every tool call in it has its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The wire that every message is in the form of, such as `openai-chat`.
    pub wire: &'static str,
    /// Each message's JSON, serialised once, with a comma between two.
    messages: Vec<u8>,
    /// What a session's file has not been told yet.
    journal: Journal,
}

impl Transcript {
    /// The version of the messages that this program writes, and the only one that it reads.
    pub const VERSION: u64 = 1;

    /// A transcript of lines that were kept: the JSON of each message ([`Transcript::lines`]), which stays as it is. What
    /// it says is read by [`crate::Agent::resume`], not here.
    ///
    /// # Errors
    /// [`TranscriptError::Version`]; [`TranscriptError::Wire`]; [`TranscriptError::Line`] for a line that is not one value.
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
        for (index, json) in lines.into_iter().enumerate() {
            if json::elements(&json).count() != 1 {
                return Err(TranscriptError::Line {
                    line: index + 1,
                    problem: LineProblem::NotOfItsWire,
                });
            }
            transcript.push(&json);
        }
        Ok(transcript)
    }

    /// A transcript without messages.
    pub fn new(wire: &'static str) -> Transcript {
        Transcript {
            wire,
            messages: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// The messages as a request has them: the JSON of each, with a comma between two.
    pub fn messages(&self) -> &[u8] {
        &self.messages
    }

    /// The JSON of each message, oldest first. Where one ends is looked for anew each time.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        json::elements(&self.messages)
    }

    /// Takes the memory for so many bytes in all at once, so that what is added later moves nothing.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        let more = bytes.saturating_sub(self.messages.len());
        self.messages.reserve_exact(more);
    }

    /// Leaves out everything before `from`. The messages at `kept` stay all the same, if there are any, and `note` follows them,
    /// if it is not empty; it is shorter than what was between them and `from`. (The one way in which anything is removed.)
    pub(crate) fn leave_out(&mut self, kept: Range<usize>, note: &[u8], from: usize) {
        let mut at = kept.len();
        self.messages.copy_within(kept, 0);
        if !note.is_empty() {
            if at > 0 {
                self.messages[at] = b',';
                at += 1;
            }
            self.messages[at..at + note.len()].copy_from_slice(note);
            at += note.len();
        }
        let head = at;
        let length = self.messages.len();
        if from < length {
            if at > 0 {
                self.messages[at] = b',';
                at += 1;
            }
            self.messages.copy_within(from..length, at);
            at += length - from;
        }
        self.messages.truncate(at);
        self.note_left_out(head);
    }

    /// Adds a message, or several with a comma between two.
    pub fn push(&mut self, json: &[u8]) {
        self.add(json);
        self.note(None, json);
    }

    /// The same, of what was noted already.
    pub(crate) fn add(&mut self, json: &[u8]) {
        // By a quarter, so that a long conversation on a small device does not hold twice its bytes.
        if self.messages.capacity() - self.messages.len() <= json.len() {
            self.messages
                .reserve_exact((json.len() + 1).max(self.messages.len() / 4));
        }
        if !self.messages.is_empty() {
            self.messages.push(b',');
        }
        self.messages.extend_from_slice(json);
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
    /// It is no line of a session's file.
    Damaged,
    /// It is longer than lines of a session's file may be.
    TooLong,
}

impl TranscriptError {
    /// What is wrong, and what to do. It is what `Display` shows, without the code of formatting.
    pub fn text(&self) -> String {
        match self {
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
                        LineProblem::Damaged => "is cut off, damaged or of something else",
                        LineProblem::TooLong => "is larger than this run takes",
                    },
                ],
            ),
        }
    }
}

impl fmt::Display for TranscriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

impl core::error::Error for TranscriptError {}
