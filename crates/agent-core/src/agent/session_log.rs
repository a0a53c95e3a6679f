//! A session's file: a conversation as lines of JSON that are only ever added to, read back one by one.
//!
//! ```text
//! {"v":1,"t":…,"openai-chat":[…]}           a message, as it is sent on this wire; each result by itself
//! {"v":1,"t":…,"last":N,"openai-chat":[…]}  these stand in place of all but the last N messages that are no results
//! …~                                        a line that was cut off, and does not count
//! ```
//!
//! `"v"` is the version, `"t"` the milliseconds of the wall clock at that moment. A line that was cut off is one that a killed
//! run was writing; the next run ends it so. A call without a result is one that was interrupted; a prompt without an answer is
//! there to be asked again.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{Now, concat, count, cut, join, lossy, split};

use super::calls::interrupted;
use super::history::NOTICE as LEFT_OUT;
use super::resume::{Walk, problem};
use super::{Agent, State};
use crate::json::{elements, parse_within};
use crate::transcript::{LineProblem, Transcript, TranscriptError};
use crate::wire::{self, Block, Message};

/// Bytes of a file that is gone on with: all of it is read, and without limits all of it may be sent.
pub const MAX_SESSION_BYTES: u64 = 64 * 1024 * 1024;

/// What the person is told when the last run did not come to its end.
const NOTICE: &str = "the last run was interrupted: calls without a result are not run again";

/// Reads a session's file into an agent, which then goes on with it.
pub struct SessionLog<'a> {
    agent: &'a mut Agent,
    walk: Walk,
}

impl SessionLog<'_> {
    /// A file of which nothing was read, for an agent that is new. After an error that is one of no use any more.
    pub fn new(agent: &mut Agent) -> SessionLog<'_> {
        // What does not fit any more is left out as in a run: whole turns, and else the oldest of the last one.
        agent.state = State::Calling;
        let walk = Walk::of_file();
        SessionLog { agent, walk }
    }

    /// Takes the next line, without its end.
    ///
    /// # Errors
    /// What can't be gone on with, by its number in the file.
    pub fn take(&mut self, line: &[u8]) -> Result<(), TranscriptError> {
        let SessionLog { agent, walk } = self;
        walk.line += 1;
        if line.ends_with(b"~") {
            return Ok(());
        }
        let limits = agent.settings.limits;
        if limits.are_tight() {
            agent.calls.forget_ids();
            let is_large =
                matches!(parse_within(line, limits.values()), Err(error) if error.is_too_large);
            if is_large || line.len() > limits.line_bytes() {
                return Err(problem(walk.line, LineProblem::TooLong));
            }
        }
        let Some(line) = SessionLine::read(line) else {
            return Err(problem(walk.line, LineProblem::Damaged));
        };
        if line.version != Transcript::VERSION {
            return Err(TranscriptError::Version(line.version));
        }
        let Some(wire) = wire::tagged(line.tag) else {
            return Err(TranscriptError::Wire(line.tag.to_string()));
        };
        if agent.born_ms == 0 {
            agent.born_ms = line.time_ms;
        }
        let mut rest = None;
        if let Some(last) = line.last {
            // One that was cut off within its messages must take the place of nothing.
            if elements(line.messages).any(|json| wire::read(wire, json).is_none()) {
                return Err(problem(walk.line, LineProblem::NotOfItsWire));
            }
            walk.close(agent)?;
            rest = Some(agent.transcript.split_last(last as usize));
        }
        for json in elements(line.messages) {
            walk.take(agent, wire, json)?;
        }
        if let Some(rest) = rest
            && !rest.is_empty()
        {
            agent.transcript.push(&rest);
        }
        Ok(())
    }

    /// Ends the reading. The agent keeps a journal ([`Agent::take_journal`]) for the end of the file, which begins with `repair`. Calls
    /// that have no result are closed, each with an error that says that it was interrupted, and the next prompt follows; without
    /// one ([`Agent::prompt`]) the run that was interrupted goes on.
    ///
    /// # Errors
    /// As [`SessionLog::take`].
    pub fn resume(mut self, now: Now, repair: &str) -> Result<(), TranscriptError> {
        let agent = self.agent;
        let limits = agent.settings.limits;
        agent.transcript.set_time(now.wall_ms);
        let mut is_cut = false;
        for open in &mut self.walk.open {
            if !open.has_result {
                open.has_result = true;
                open.result.result = interrupted();
                is_cut = true;
            }
        }
        // Results that are all there need not be noted once more.
        if !is_cut {
            self.walk.close(agent)?;
        }
        agent.transcript.keep_journal(repair);
        self.walk.close(agent)?;
        let last = agent.transcript.lines().last();
        agent.is_interrupted = last.is_some_and(|last| {
            !last.starts_with(br#"{"role":"assistant""#) && !agent.is_summary(last)
        });
        agent.state = State::Idle;
        agent.notice = match () {
            () if limits.are_tight() && !agent.effects.is_empty() => Some(LEFT_OUT.to_string()),
            () if agent.is_interrupted => Some(NOTICE.to_string()),
            () => self.walk.notice(agent.settings.wire),
        };
        agent.effects.clear();
        Ok(())
    }
}

/// A line, as it is written.
pub struct SessionLine<'l> {
    /// Milliseconds of the wall clock.
    pub time_ms: u64,
    version: u64,
    last: Option<u64>,
    tag: &'l str,
    messages: &'l [u8],
}

impl SessionLine<'_> {
    /// Takes a line apart; `None` where it is none. The messages are not looked at.
    pub fn read(line: &[u8]) -> Option<SessionLine<'_>> {
        let line = core::str::from_utf8(line).ok()?;
        let (version, rest) = number_behind("{\"v\":", line)?;
        let (time_ms, rest) = number_behind("\"t\":", rest)?;
        let (last, rest) = match number_behind("\"last\":", rest) {
            Some((last, rest)) => (Some(last), rest),
            None => (None, rest),
        };
        let (tag, json) = cut(rest.strip_prefix('"')?, b'"');
        Some(SessionLine {
            time_ms,
            version,
            last,
            tag,
            messages: json?.strip_prefix(":[")?.strip_suffix("]}")?.as_bytes(),
        })
    }

    /// What was said, as Markdown; empty where nothing was.
    pub fn markdown(&self) -> String {
        let mut said = String::new();
        let mut tell = |parts: &[&str]| {
            said.push_str(&concat(parts));
            said.push_str("\n\n");
        };
        let wire = wire::tagged(self.tag).unwrap_or_default();
        for json in elements(self.messages) {
            for message in wire::read(wire, json).unwrap_or_default() {
                match message {
                    Message::User(text) => tell(&["## You\n\n", &text]),
                    Message::Result(result) => {
                        let lines = lossy(&result.result);
                        let lines: Vec<&str> = split(&lines, b'\n').collect();
                        tell(&["    = ", &join(&lines, "\n    ")]);
                    }
                    Message::Reply(reply) => {
                        for block in &reply.blocks {
                            match block {
                                Block::Text(text) => tell(&["## Dewclaw\n\n", text]),
                                Block::Call(call) => {
                                    tell(&["    ", &call.name, " ", &call.arguments]);
                                }
                                _ => {}
                            }
                        }
                    }
                }
            }
        }
        said
    }
}

/// The number behind what a text begins with, and what follows the comma behind it.
fn number_behind<'t>(start: &str, text: &'t str) -> Option<(u64, &'t str)> {
    let (digits, rest) = cut(text.strip_prefix(start)?, b',');
    Some((count(digits)?, rest?))
}
