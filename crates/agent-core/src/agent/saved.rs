//! Saving a session between any two effects, and going on from what was saved.
//!
//! The bytes are fields, as `fields.rs` has them, and the last of them is the transcript's messages as they are: so that
//! saving is one copy of them and restoring another.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::calls::{Calls, SavedCall};
use super::fields::{Reader, Writer};
use super::{Agent, Exchange, ResumeError, State};
use crate::effect::{Effect, Event, Reason, Usage};
use crate::settings::Settings;
use crate::tools::{HostTool, Tool};
use crate::transcript::Transcript;
use crate::wire::{self, CallResult};

/// What the bytes begin with, up to the version.
const KIND: &[u8] = b"dewclaw-session ";

/// The version of the format. The first one, which is read too, has nothing of the context window, the workspace and budgets.
const VERSION: u64 = 2;

/// How far the run was.
const IDLE: u64 = 0;
const CALLING: u64 = 1;
const RUNNING: u64 = 2;

/// Why saved bytes can't be gone on from.
const DAMAGED: RestoreError =
    RestoreError::Saved("the saved bytes are cut off or damaged, or more follows them");

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
    pub fn restore(
        settings: Settings,
        tools: &[&'static Tool],
        host_tools: Vec<HostTool>,
        saved: &[u8],
    ) -> Result<Agent, RestoreError> {
        let fields = saved
            .strip_prefix(KIND)
            .ok_or(RestoreError::Saved("the saved bytes are not of a session"))?;
        let mut from = Reader(fields);
        let version = from.number().ok_or(DAMAGED)?;
        if !(1..=VERSION).contains(&version) {
            return Err(RestoreError::Saved(
                "the saved bytes are of another version: go on with the program that wrote them",
            ));
        }
        let saved = Saved::read(from, version).ok_or(DAMAGED)?;
        let old = wire::named(wire::tagged(&saved.wire).ok_or(RestoreError::Saved(
            "the saved bytes are of a wire that this program does not know",
        ))?);
        let mut transcript = Transcript::new(old.tag);
        transcript.push(saved.messages);
        let mut open = saved.open;
        let mut agent = if old.tag == wire::named(settings.wire).tag {
            let mut agent =
                Agent::new(settings, tools, saved.seed).map_err(ResumeError::Settings)?;
            agent.transcript = transcript;
            agent.calls = saved.calls;
            agent
        } else {
            if !open.is_empty() {
                let results = open.drain(..).map(|saved| saved.result);
                let results: Vec<CallResult> = results.collect();
                transcript.push(&(old.tool_messages)(&results));
            }
            Agent::take_up(settings, tools, saved.seed, transcript)?
        };
        agent = agent
            .with_host_tools(host_tools)
            .map_err(ResumeError::Settings)?;
        agent.born_ms = saved.born_ms;
        agent.last_request = saved.last_request;
        agent.steps = saved.steps;
        agent.wrapping_up = saved.wrapping_up;
        agent.context.restore(saved.context);
        agent.usage = saved.usage;
        agent
            .settings
            .budget
            .restore(&saved.budget, saved.wrapping_up);
        agent.text = saved.text;
        agent.found = saved.found;
        let calls = open.len();
        if calls > 0 {
            agent.calls.go_on(open, &agent.offer, &agent.settings);
            agent.state = State::Running;
        } else if saved.state != IDLE {
            let words = agent.text.clone();
            agent.set_out(&words);
        }
        agent.fit(calls).map_err(ResumeError::Settings)?;
        if saved.shown {
            agent.show(Event::ReplyDiscarded {
                reason: "the session was restored while the reply came".to_string(),
            });
        }
        if let Some(reason) = saved.ended {
            agent.finish(reason);
        }
        Ok(agent)
    }
}

/// What [`Agent::save`] wrote, behind its version.
struct Saved<'s> {
    state: u64,
    born_ms: u64,
    seed: u64,
    last_request: u32,
    steps: u32,
    wrapping_up: bool,
    usage: Usage,
    /// Something of the reply in flight was shown.
    shown: bool,
    /// What is known of the context window.
    context: [u64; 4],
    wire: String,
    text: String,
    /// How the system text ends.
    found: String,
    ended: Option<Reason>,
    /// What was used of the budgets.
    budget: String,
    calls: Calls,
    /// The calls of the reply that is being worked on.
    open: Vec<SavedCall>,
    messages: &'s [u8],
}

impl Saved<'_> {
    /// `None` where a field is missing, or is of no session.
    fn read(mut from: Reader<'_>, version: u64) -> Option<Saved<'_>> {
        let state = from.number()?;
        let (born_ms, seed) = (from.number()?, from.number()?);
        let (last_request, steps) = (from.small()?, from.small()?);
        let wrapping_up = from.number()? != 0;
        let usage = Usage {
            input_tokens: from.number()?,
            output_tokens: from.number()?,
            cached_tokens: from.number()?,
        };
        let shown = from.number()? != 0;
        let mut context = [0; 4];
        if version > 1 {
            for number in &mut context {
                *number = from.number()?;
            }
        }
        let (wire, mut text) = (from.text()?, from.text()?);
        let [reason, class, message] = [from.text()?, from.text()?, from.text()?];
        let ended = match reason.as_str() {
            "" => None,
            name => Some(Reason::ended(name, &class, message)?),
        };
        let [found, budget] = match version {
            1 => [String::new(), String::new()],
            _ => [from.text()?, from.text()?],
        };
        let (calls, mut open) = Calls::restore(&mut from)?;
        let messages = from.bytes()?;
        // The least that messages of every wire are.
        let are_messages =
            messages.is_empty() || messages.starts_with(b"{") && messages.ends_with(b"}");
        let fits = state <= RUNNING && (state == RUNNING) != open.is_empty();
        // A call without an id is the look at the workspace, which is begun anew, for the words of the prompt.
        if let [saved] = &mut open[..]
            && saved.result.call.id.is_empty()
        {
            text = core::mem::take(&mut saved.result.call.arguments);
            open.clear();
        }
        (fits && are_messages && from.0.is_empty()).then_some(Saved {
            state,
            born_ms,
            seed,
            last_request,
            steps,
            wrapping_up,
            usage,
            shown,
            context,
            wire,
            text,
            found,
            ended,
            budget,
            calls,
            open,
            messages,
        })
    }
}

/// Why no session could be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Settings, tools or messages that no session can go on with.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// Bytes that are not of a saved session.
    #[error(fmt = saved)]
    Saved(&'static str),
}

/// In place of `"{0}"`, which would format: that is 2.2 KB of the guest, as nothing else does.
fn saved(text: &&'static str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_str(text)
}
