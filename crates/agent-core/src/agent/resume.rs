//! Going on from an earlier transcript, on its own wire or on another one.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::is_blank;

use super::Agent;
use crate::json::decimal;
use crate::settings::{Settings, SettingsError, WireName};
use crate::template::fill;
use crate::tools::Tool;
use crate::transcript::{LineProblem, Transcript, TranscriptError};
use crate::wire::{self, Block, CallResult, Message, NOTHING, Reply, ToolCall};

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
        let mut walk = Walk::default();
        for (index, line) in transcript.lines().enumerate() {
            walk.line = index + 1;
            walk.take(self, from, line)?;
        }
        walk.close(self)?;
        if from == to {
            self.transcript = transcript;
        } else {
            self.notice = walk.notice(to);
        }
        Ok(())
    }
}

/// The way through an earlier conversation, message by message, into the transcript of an agent.
#[derive(Default)]
pub(super) struct Walk {
    /// The line that the message is in.
    pub(super) line: usize,
    /// It is a session's file: a result may be there more than once, and what has no room is left out.
    is_file: bool,
    /// The calls of the last reply, in their order.
    pub(super) open: Vec<OpenCall>,
    /// The line that they are in.
    calls_line: usize,
    /// Replies whose reasoning was left out, and the wire that the last of them was on.
    left_out: u64,
    from: WireName,
}

/// A call whose result is still to be written: those of one reply belong together on some wires.
pub(super) struct OpenCall {
    /// Its id where it was read.
    id: String,
    pub(super) has_result: bool,
    /// With the id that it has from now on.
    pub(super) result: CallResult,
}

impl Walk {
    /// The way through a session's file.
    #[cfg(feature = "sessions")]
    pub(super) fn of_file() -> Walk {
        Walk {
            is_file: true,
            ..Walk::default()
        }
    }

    /// Takes a message. On the agent's own wire it stays as it is, but for results: they are put together in the order of the
    /// calls.
    pub(super) fn take(
        &mut self,
        agent: &mut Agent,
        from: WireName,
        json: &[u8],
    ) -> Result<(), TranscriptError> {
        let Some(messages) = wire::read(from, json) else {
            return Err(problem(self.line, LineProblem::NotOfItsWire));
        };
        let stays = messages.len() == 1 && from == agent.settings.wire;
        for message in messages {
            let written = match message {
                Message::Result(result) => {
                    let mut open = self.open.iter_mut();
                    let Some(call) = open.find(|open| {
                        open.id == result.call.id && (self.is_file || !open.has_result)
                    }) else {
                        return Err(problem(self.line, LineProblem::ResultWithoutCall));
                    };
                    call.has_result = true;
                    call.result.ok = result.ok;
                    call.result.result = result.result;
                    continue;
                }
                Message::User(text) => {
                    self.close(agent)?;
                    let has_words = !is_blank(&text);
                    (agent.wire.user_message)(if has_words { &text } else { NOTHING })
                }
                Message::Reply(reply) => {
                    self.close(agent)?;
                    self.calls_line = self.line;
                    if !stays {
                        self.from = from;
                    }
                    self.take_reply(agent, reply, stays)?
                }
            };
            self.push(agent, if stays { json } else { &written })?;
        }
        Ok(())
    }

    /// Answers the reply as the agent's wire has it, unless it stays.
    fn take_reply(
        &mut self,
        agent: &mut Agent,
        mut reply: Reply,
        stays: bool,
    ) -> Result<Vec<u8>, TranscriptError> {
        for call in reply.calls() {
            let id = &call.id;
            if !call.is_sound() || self.open.iter().any(|known| known.id == *id) {
                return Err(problem(self.line, LineProblem::NotOfItsWire));
            }
            self.open.push(OpenCall {
                id: id.clone(),
                has_result: false,
                result: CallResult {
                    call: ToolCall {
                        id: id.clone(),
                        ..ToolCall::default()
                    },
                    ok: false,
                    result: Vec::new(),
                },
            });
        }
        if stays {
            for call in &self.open {
                agent.calls.note_used(&call.id);
            }
            return Ok(Vec::new());
        }
        for call in reply.calls_mut() {
            if !call.has_sound_id() {
                call.id = String::new();
            }
        }
        agent.calls.name(reply.calls_mut());
        for (open, call) in self.open.iter_mut().zip(reply.calls()) {
            open.result.call.id.clone_from(&call.id);
        }
        let blocks = reply.blocks.len();
        reply
            .blocks
            .retain(|block| matches!(block, Block::Text(_) | Block::Call(_)));
        self.left_out += u64::from(reply.blocks.len() < blocks);
        Ok((agent.wire.reply_message)(&reply))
    }

    /// Ends a round of calls, each of which must have its result by now.
    pub(super) fn close(&mut self, agent: &mut Agent) -> Result<(), TranscriptError> {
        let mut results = Vec::new();
        for open in core::mem::take(&mut self.open) {
            if !open.has_result {
                return Err(problem(self.calls_line, LineProblem::CallWithoutResult));
            }
            results.push(open.result);
        }
        if results.is_empty() {
            return Ok(());
        }
        self.push(agent, &(agent.wire.tool_messages)(&results))
    }

    fn push(&self, agent: &mut Agent, json: &[u8]) -> Result<(), TranscriptError> {
        if self.is_file && !agent.make_room(json.len() + 1, true) {
            return Err(problem(self.line, LineProblem::TooLong));
        }
        agent.transcript.push(json);
        Ok(())
    }

    /// What the person is told of a conversation that goes on with this wire.
    pub(super) fn notice(&self, to: WireName) -> Option<String> {
        (self.left_out > 0).then(|| {
            fill(
                "the conversation goes on with another wire (% \u{2192} %): the reasoning in % of its replies was left out",
                &[self.from.name(), to.name(), &decimal(self.left_out)],
            )
        })
    }
}

pub(super) fn problem(line: usize, problem: LineProblem) -> TranscriptError {
    TranscriptError::Line { line, problem }
}
