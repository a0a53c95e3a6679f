//! Going on from an earlier transcript, on its own wire or on another one.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::is_blank;

use super::{Agent, Calls};
use crate::json::decimal;
use crate::settings::{Settings, SettingsError};
use crate::template::fill;
use crate::tools::Tool;
use crate::transcript::{LineProblem, Transcript, TranscriptError};
use crate::wire::{self, Block, CallResult, Message, NOTHING, Reply, Wire};

/// Why no agent could be made that goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// Settings that no run can be made with.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A transcript that no conversation can go on from.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
}

impl ResumeError {
    /// What is wrong, and what to do.
    pub fn text(&self) -> String {
        match self {
            ResumeError::Settings(error) => error.text(),
            ResumeError::Transcript(error) => error.text(),
        }
    }
}

impl Agent {
    /// An agent that goes on with an earlier conversation; for the rest it is one of [`Agent::new`].
    ///
    /// On the wire of the transcript its lines are taken as they are. On another they are written once more, as that
    /// wire would have written them had the conversation been on it from the start, but without the model's reasoning:
    /// it is signed for, or meant for, the server that it came from. The next run says so first. Calls whose ids that
    /// wire might refuse get other ones. Messages of the person's in a row stay apart, also behind results: that is what
    /// a run leaves whose steps are used up, and a server that wants turns joins them.
    ///
    /// # Errors
    /// Settings that no run can be made with; a transcript with a line that is not of its wire, a call without its
    /// result, or a result without its call.
    pub fn resume(
        settings: Settings,
        tools: &[&'static Tool],
        seed: u64,
        transcript: Transcript,
    ) -> Result<Agent, ResumeError> {
        let mut agent = Agent::new(settings, tools, seed)?;
        agent.take_up(transcript)?;
        agent.fit(0)?;
        Ok(agent)
    }

    /// Takes the conversation, of any size, into an agent that has none.
    pub(super) fn take_up(&mut self, transcript: Transcript) -> Result<(), TranscriptError> {
        let Some(from) = wire::tagged(transcript.wire) else {
            return Err(TranscriptError::Wire(String::from(transcript.wire)));
        };
        let to = self.settings.wire;
        let mut walk = Walk {
            calls: &mut self.calls,
            rewrite: (from != to).then_some((self.wire, &mut self.transcript)),
            open: Vec::new(),
            calls_line: 0,
            results: Vec::new(),
            left_out: 0,
        };
        for (index, line) in transcript.lines().enumerate() {
            let number = index + 1;
            let Some(messages) = wire::read(from, line) else {
                return Err(problem(number, LineProblem::NotOfItsWire));
            };
            for message in messages {
                walk.take(number, message)?;
            }
        }
        // The seat of the repair of an interrupted run: calls that are still open here could be given their results.
        walk.close()?;
        let left_out = walk.left_out;
        if from == to {
            self.transcript = transcript;
        } else if left_out > 0 {
            self.notice = Some(fill(
                "the conversation goes on with another wire (% \u{2192} %): the reasoning in % of its replies was left out",
                &[from.name(), to.name(), &decimal(left_out)],
            ));
        }
        Ok(())
    }
}

/// The way through an earlier transcript, line by line.
struct Walk<'a> {
    calls: &'a mut Calls,
    /// What the lines are written on again, and where to; `None` when they stay as they are.
    rewrite: Option<(&'static Wire, &'a mut Transcript)>,
    /// The calls that have no result yet: each by its id in the transcript, and by the one that it has from now on.
    open: Vec<(String, String)>,
    /// The line that they are in.
    calls_line: usize,
    /// Results that are not written yet: those of one reply belong together on some wires.
    results: Vec<CallResult>,
    /// Replies whose reasoning was left out.
    left_out: u64,
}

impl Walk<'_> {
    fn take(&mut self, line: usize, message: Message) -> Result<(), TranscriptError> {
        match message {
            Message::Result(mut result) => {
                let id = &result.call.id;
                let Some(at) = self.open.iter().position(|(old, _)| old == id) else {
                    return Err(problem(line, LineProblem::ResultWithoutCall));
                };
                result.call.id = self.open.remove(at).1;
                self.results.push(result);
            }
            Message::User(text) => {
                self.close()?;
                if let Some((wire, lines)) = &mut self.rewrite {
                    let has_words = !is_blank(&text);
                    lines.push(&(wire.user_message)(if has_words {
                        &text
                    } else {
                        NOTHING
                    }));
                }
            }
            Message::Reply(reply) => {
                self.close()?;
                self.calls_line = line;
                self.take_reply(reply)?;
            }
        }
        Ok(())
    }

    fn take_reply(&mut self, mut reply: Reply) -> Result<(), TranscriptError> {
        for call in reply.calls() {
            let id = &call.id;
            if !call.is_sound() || self.open.iter().any(|(known, _)| known == id) {
                return Err(problem(self.calls_line, LineProblem::NotOfItsWire));
            }
            self.open.push((id.clone(), id.clone()));
        }
        let Some((wire, lines)) = &mut self.rewrite else {
            for (id, _) in &self.open {
                self.calls.note_used(id);
            }
            return Ok(());
        };
        for call in reply.calls_mut() {
            if !call.has_sound_id() {
                call.id = String::new();
            }
        }
        self.calls.name(reply.calls_mut());
        for ((_, new), call) in self.open.iter_mut().zip(reply.calls()) {
            new.clone_from(&call.id);
        }
        let blocks = reply.blocks.len();
        reply
            .blocks
            .retain(|block| matches!(block, Block::Text(_) | Block::Call(_)));
        self.left_out += u64::from(reply.blocks.len() < blocks);
        lines.push(&(wire.reply_message)(&reply));
        Ok(())
    }

    /// Ends a round of calls, each of which must have its result by now.
    fn close(&mut self) -> Result<(), TranscriptError> {
        if !self.open.is_empty() {
            return Err(problem(self.calls_line, LineProblem::CallWithoutResult));
        }
        let results = core::mem::take(&mut self.results);
        if let Some((wire, lines)) = &mut self.rewrite
            && !results.is_empty()
        {
            lines.push(&(wire.tool_messages)(&results));
        }
        Ok(())
    }
}

fn problem(line: usize, problem: LineProblem) -> TranscriptError {
    TranscriptError::Line { line, problem }
}
