//! Saving a session between any two effects, and going on from what was saved.
//!
//! The bytes are one line of JSON, the head, and then the transcript's messages as they are, whose lengths the head has:
//! so that saving is one copy of them and restoring another.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::calls::Calls;
use super::{Agent, ResumeError, State};
use crate::effect::{Effect, Reason, Usage};
use crate::json::{Array, Object, Value, decimal, parse};
use crate::settings::Settings;
use crate::tools::{HostTool, Tool};
use crate::transcript::Transcript;
use crate::wire;

/// What the head says it is.
const KIND: &str = "dewclaw-session";

/// The version of the format.
const VERSION: u64 = 1;

/// Bytes of a head: the calls of one reply, their results, and a number for each message.
const MAX_HEAD_BYTES: usize = 16 * 1024 * 1024;

/// Why saved bytes can't be gone on from.
const NOT_SAVED: &str = "the saved bytes are not of a session";
const CUT_OFF: &str = "the saved bytes are cut off, or more follows them";

impl Agent {
    /// The session as bytes that [`Agent::restore`] takes. What was in flight is noted as begun. Effects that were not
    /// taken yet are not kept, but for the end of the run.
    pub fn save(&self) -> Vec<u8> {
        let mut lengths = Array::new();
        let lines = self.transcript.lines();
        for line in lines {
            lengths.raw(decimal(line.json().len() as u64).as_bytes());
        }
        let effects = self.effects.get(self.taken..).unwrap_or_default();
        let state = match &self.state {
            State::Idle => "idle",
            State::Running => "running",
            State::Calling | State::Replying(_) | State::Waiting(_) => "calling",
        };
        let usage = [
            self.usage.input_tokens,
            self.usage.output_tokens,
            self.usage.cached_tokens,
        ];
        let mut tokens = Array::new();
        for count in usage {
            tokens.raw(decimal(count).as_bytes());
        }
        let mut head = Object::new();
        let mut text = self.text.as_str();
        if let Some(Effect::Finished(outcome)) = effects.last() {
            text = &outcome.text;
            head.text("finished", outcome.reason.name());
            if let Reason::Failed(failure) = &outcome.reason {
                head.text("failure", failure.kind.name())
                    .text("why", &failure.message);
            }
        }
        head.text("kind", KIND)
            .number("version", VERSION)
            .text("wire", self.transcript.wire)
            .number("born_ms", self.born_ms)
            .number("random", self.retry.seed())
            .text("state", state)
            .number("last_request", self.last_request.into())
            .number("steps", self.steps.into())
            .boolean("wrapping_up", self.wrapping_up)
            .raw("tokens", &tokens.finish())
            .text("text", text)
            .raw("calls", &self.calls.save(effects))
            .raw("lines", &lengths.finish());
        let mut saved = head.finish();
        saved.push(b'\n');
        saved.reserve_exact(self.transcript.body_bytes());
        for line in lines {
            saved.extend_from_slice(line.json());
        }
        saved
    }

    /// An agent that goes on where a saved one was. Settings and tools may be others than they were; on another wire the
    /// conversation is rewritten as by [`Agent::resume`], calls that are open there included. A call that had begun and
    /// has no result becomes an error and is never run again; a model call that was in flight is made again. The
    /// messages are taken as they are: whoever keeps the bytes answers for them.
    ///
    /// # Errors
    /// Settings that no run can be made with; bytes that [`Agent::save`] does not give, of another version, or cut off.
    pub fn restore(
        settings: Settings,
        tools: &[&'static Tool],
        host_tools: Vec<HostTool>,
        saved: &[u8],
    ) -> Result<Agent, RestoreError> {
        let newline = saved
            .iter()
            .take(MAX_HEAD_BYTES)
            .position(|byte| *byte == b'\n')
            .ok_or(RestoreError::Saved(NOT_SAVED))?;
        let (head, messages) = saved.split_at(newline);
        let head = parse(head).map_err(|_| RestoreError::Saved(NOT_SAVED))?;
        if head.text("kind") != Some(KIND) {
            return Err(RestoreError::Saved(NOT_SAVED));
        }
        if head.count("version") != Some(VERSION) {
            return Err(RestoreError::Saved(
                "the saved bytes are of another version: go on with the program that wrote them",
            ));
        }
        let transcript = transcript(&head, messages.get(1..).unwrap_or_default())?;
        let seed = head.count("random").unwrap_or_default();
        let same_wire = wire::tagged(transcript.wire) == Some(settings.wire);
        let mut agent = if same_wire {
            let mut agent = Agent::new(settings, tools, seed).map_err(ResumeError::Settings)?;
            agent.transcript = transcript;
            agent
        } else {
            let mut transcript = transcript;
            if head.text("state") == Some("running") {
                let results =
                    Calls::results(head.get("calls")).ok_or(RestoreError::Saved(NOT_SAVED))?;
                let old = wire::tagged(transcript.wire).map(wire::named);
                for line in old.iter().flat_map(|wire| (wire.tool_messages)(&results)) {
                    transcript.push(line);
                }
            }
            Agent::resume(settings, tools, seed, transcript)?
        };
        agent = agent
            .with_host_tools(host_tools)
            .map_err(ResumeError::Settings)?;
        agent.take_head(&head, same_wire)?;
        Ok(agent)
    }

    fn take_head(&mut self, head: &Value, same_wire: bool) -> Result<(), RestoreError> {
        let number = |name: &str| head.count(name).unwrap_or_default();
        let small = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
        self.born_ms = number("born_ms");
        self.last_request = small("last_request");
        self.steps = small("steps");
        self.wrapping_up = head.is_true("wrapping_up");
        self.usage = Usage {
            input_tokens: number("tokens/0"),
            output_tokens: number("tokens/1"),
            cached_tokens: number("tokens/2"),
        };
        self.text = head.text("text").unwrap_or_default().to_string();
        if !self.transcript.lines().is_empty() {
            self.set_head();
        }
        self.state = match head.text("state") {
            Some("idle") => State::Idle,
            Some("calling") => State::Calling,
            Some("running") if same_wire => State::Running,
            Some("running") => State::Calling,
            _ => return Err(RestoreError::Saved(NOT_SAVED)),
        };
        if same_wire {
            let calls = head.get("calls").ok_or(RestoreError::Saved(NOT_SAVED))?;
            self.calls
                .restore(calls, &self.offer, &self.settings)
                .ok_or(RestoreError::Saved(NOT_SAVED))?;
        }
        if let Some(reason) = head.text("finished") {
            let reason = Reason::ended(reason, head.text("failure"), head.text("why"))
                .ok_or(RestoreError::Saved(NOT_SAVED))?;
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

/// The messages, by the lengths that the head has.
fn transcript(head: &Value, mut messages: &[u8]) -> Result<Transcript, RestoreError> {
    let tag = head.text("wire").unwrap_or_default();
    let name = wire::tagged(tag).ok_or(RestoreError::Saved(
        "the saved bytes are of a wire that this program does not know",
    ))?;
    let mut transcript = Transcript::new(wire::named(name).tag);
    for length in head.elements("lines") {
        let length = length.as_u64().unwrap_or(u64::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((message, rest)) = messages.split_at_checked(length) else {
            return Err(RestoreError::Saved(CUT_OFF));
        };
        // The least that every message of every wire is.
        if !(message.starts_with(b"{") && message.ends_with(b"}")) {
            return Err(RestoreError::Saved(NOT_SAVED));
        }
        messages = rest;
        transcript.push(wire::line(name, message.to_vec()));
    }
    if messages.is_empty() {
        Ok(transcript)
    } else {
        Err(RestoreError::Saved(CUT_OFF))
    }
}
