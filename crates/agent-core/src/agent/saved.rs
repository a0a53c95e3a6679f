//! Saving a session between any two effects, and going on from what was saved.
//!
//! The bytes are fields, as `fields.rs` has them, and the last of them is the transcript's messages as they are: so that
//! saving is one copy of them and restoring another.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::calls::Calls;
use super::fields::{Reader, Writer};
use super::{Agent, Exchange, ResumeError, Retry, State};
use crate::effect::{Effect, Event, Reason, Usage};
use crate::settings::Settings;
use crate::tools::{HostTool, Tool};
use crate::transcript::Transcript;
use crate::wire::{self, CallResult};

/// What the bytes begin with, up to the version.
const KIND: &[u8] = b"dewclaw-session ";

/// The version of the format.
const VERSION: u64 = 1;

/// How far the run was.
const IDLE: u64 = 0;
const CALLING: u64 = 1;
const RUNNING: u64 = 2;

impl Agent {
    /// The session as bytes that [`Agent::restore`] takes. What was in flight is noted as begun. Effects that were not
    /// taken yet are not kept, but for the end of the run.
    pub fn save(&self) -> Vec<u8> {
        let effects = self.effects.get(self.taken..).unwrap_or_default();
        let (mut text, mut ended) = (self.text.as_str(), ["", "", ""]);
        if let Some(Effect::Finished(outcome)) = effects.last() {
            text = &outcome.text;
            ended[0] = outcome.reason.name();
            if let Reason::Failed(failure) = &outcome.reason {
                ended = [ended[0], failure.kind.name(), &failure.message];
            }
        }
        let [flags, told, tokens, bytes] = self.context.save();
        let mut to = Writer(KIND.to_vec());
        for number in [
            VERSION,
            match &self.state {
                State::Idle => IDLE,
                State::Running | State::Preparing => RUNNING,
                State::Calling | State::Replying(_) | State::Waiting(_) => CALLING,
            },
            self.born_ms,
            self.retry.seed(),
            self.last_request.into(),
            self.steps.into(),
            self.wrapping_up.into(),
            self.usage.input_tokens,
            self.usage.output_tokens,
            self.usage.cached_tokens,
            matches!(&self.state, State::Replying(Exchange { shown: true, .. })).into(),
            flags,
            told,
            tokens,
            bytes,
        ] {
            to.number(number);
        }
        let [reason, class, message] = ended;
        let wire = self.transcript.wire;
        for text in [wire, text, reason, class, message, &self.found] {
            to.bytes(text.as_bytes());
        }
        to.bytes(self.settings.budget.save().as_bytes());
        self.calls.save(effects, &mut to);
        let messages = self.transcript.messages();
        to.0.reserve_exact(messages.len() + 24);
        to.bytes(messages);
        to.0
    }

    /// An agent that goes on where a saved one was. Settings and tools may be others than they were; on another wire the
    /// conversation is rewritten as by [`Agent::resume`], calls that are open there included. A call that had begun and
    /// has no result becomes an error and is never run again; a model call that was in flight is made again. The
    /// messages are taken as they are: whoever keeps the bytes answers for them.
    ///
    /// # Errors
    /// Settings that no run can be made with; bytes that [`Agent::save`] does not give, of another version, or cut off.
    #[inline]
    pub fn restore(
        settings: Settings,
        tools: &[&'static Tool],
        host_tools: Vec<HostTool>,
        saved: &[u8],
    ) -> Result<Agent, RestoreError> {
        let mut agent = Agent::new(settings, tools, 0).map_err(ResumeError::Settings)?;
        agent
            .add_host_tools(host_tools)
            .map_err(ResumeError::Settings)?;
        agent.take_saved(saved)?;
        Ok(agent)
    }

    /// The same with an agent that was just made, and is of no use after an error.
    ///
    /// # Errors
    /// As [`Agent::restore`].
    pub fn take_saved(&mut self, saved: &[u8]) -> Result<(), RestoreError> {
        let fields = saved
            .strip_prefix(KIND)
            .ok_or(RestoreError::Saved("the saved bytes are not of a session"))?;
        let mut from = Reader::new(fields);
        if from.number() != VERSION {
            return Err(RestoreError::Saved(
                "the saved bytes are of another version: go on with the program that wrote them",
            ));
        }
        let state = from.number();
        self.born_ms = from.number();
        self.retry = Retry::new(from.number());
        self.last_request = from.small();
        self.steps = from.small();
        self.wrapping_up = from.number() != 0;
        self.usage = Usage {
            input_tokens: from.number(),
            output_tokens: from.number(),
            cached_tokens: from.number(),
        };
        let was_shown = from.number() != 0;
        self.context
            .restore([from.number(), from.number(), from.number(), from.number()]);
        let wire = from.text();
        let mut text = from.text();
        let [reason, class, message] = [from.text(), from.text(), from.text()];
        let ended = Reason::ended(&reason, &class, message);
        self.found = from.text();
        let budget = from.text();
        self.settings.budget.restore(&budget, self.wrapping_up);
        let (calls, mut open) = Calls::restore(&mut from);
        let messages = from.bytes();
        // The least that messages of every wire are.
        let are_messages =
            messages.is_empty() || messages.starts_with(b"{") && messages.ends_with(b"}");
        let fits = state <= RUNNING
            && (state == RUNNING) != open.is_empty()
            && ended.is_some() != reason.is_empty();
        if !(fits && are_messages && from.is_over()) {
            return Err(RestoreError::Saved(
                "the saved bytes are cut off or damaged, or more follows them",
            ));
        }
        let old = wire::named(wire::tagged(&wire).ok_or(RestoreError::Saved(
            "the saved bytes are of a wire that this program does not know",
        ))?);
        // A call without an id is the look at the workspace, which is begun anew, for the words of the prompt.
        if let [saved] = &mut open[..]
            && saved.result.call.id.is_empty()
        {
            text = core::mem::take(&mut saved.result.call.arguments);
            open.clear();
        }
        let mut transcript = Transcript::new(old.tag);
        transcript.push(messages);
        if old.tag == self.wire.tag {
            self.transcript = transcript;
            self.calls = calls;
        } else {
            if !open.is_empty() {
                let results = open.drain(..).map(|saved| saved.result);
                let results: Vec<CallResult> = results.collect();
                transcript.push(&(old.tool_messages)(&results));
            }
            self.take_up(transcript).map_err(ResumeError::Transcript)?;
        }
        self.text = text;
        let calls = open.len();
        if calls > 0 {
            self.calls.go_on(open, &self.offer, &self.settings);
            self.state = State::Running;
        } else if state != IDLE {
            let words = self.text.clone();
            self.set_out(&words);
        }
        self.fit(calls).map_err(ResumeError::Settings)?;
        if was_shown {
            self.show(Event::ReplyDiscarded {
                reason: "the session was restored while the reply came".to_string(),
            });
        }
        if let Some(reason) = ended {
            self.finish(reason);
        }
        Ok(())
    }
}

/// Why no session could be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Settings, tools or messages that no session can go on with.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// Bytes that are not of a saved session.
    #[error("{0}")]
    Saved(&'static str),
}

impl RestoreError {
    /// What is wrong, and what to do.
    pub fn text(&self) -> String {
        match self {
            RestoreError::Resume(error) => error.text(),
            RestoreError::Saved(why) => why.to_string(),
        }
    }
}
