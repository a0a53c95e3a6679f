//! The agent: prompt, model, tools, model, tools, answer.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{HttpError, Now, concat, is_blank};

use crate::effect::{
    Effect, Event, Failure, Input, Misuse, ModelCall, Outcome, Reason, RequestId, Usage,
};
use crate::json::decimal;
use crate::settings::limits::{RESULT, RESULTS};
use crate::settings::{Settings, SettingsError};
use crate::template::fill;
use crate::tools::{HostTool, MAX_RESULT_BYTES, Offer, Tool};
use crate::transcript::Transcript;
use crate::url::without_end;
use crate::wire::{self, Block, Reply, ReplyDecoder, Stop, Wire};

#[cfg(feature = "budgets")]
mod budget;
#[cfg(not(feature = "budgets"))]
#[path = "agent/budget/none.rs"]
mod budget;
mod calls;
#[cfg_attr(not(feature = "context"), path = "agent/context/none.rs")]
mod context;
mod exchange;
mod failure;
mod fields;
mod history;
mod preparation;
mod resume;
mod retry;
mod saved;
#[cfg(feature = "sessions")]
mod session_log;
mod skill;
mod system_text;

use calls::Calls;
use context::Context;
use exchange::Exchange;
pub use resume::ResumeError;
use retry::Retry;
pub use saved::RestoreError;
#[cfg(feature = "sessions")]
pub use session_log::{MAX_SESSION_BYTES, SessionLine, SessionLog};

/// Bytes of an error reply that are kept, to find the server's message in.
const MAX_ERROR_BODY_BYTES: usize = 8 * 1024;

/// Bytes of a piece of a request's body.
const PIECE_BYTES: usize = 16 * 1024;

/// How long the end of a connection is waited for once the reply on it is complete: one that is seen to end can be used
/// again, and some servers leave it open.
const END_GRACE_MS: u64 = 250;

/// What the model is told when its steps, or a budget, are used up.
const WRAP_UP: &str = "The limit of this run is reached, so no more tools can be called. \
    Answer now with what you have, and say what is left undone.";

/// The agent.
///
/// A driver calls [`Agent::prompt`], then takes effects from [`Agent::next`] until it answers
/// [`Effect::Finished`], and tells what happened by [`Agent::feed`]. After that the next prompt goes on with the same
/// conversation.
pub struct Agent {
    settings: Settings,
    wire: &'static Wire,
    offer: Offer,
    transcript: Transcript,
    /// The wall time of the first prompt, whose date is in the head; 0 before it.
    born_ms: u64,
    /// The request's bytes before the first message: the same in every request, so that servers can cache it. The first
    /// request makes it.
    head: Vec<u8>,
    /// How the system text ends, by what a look at the workspace has found; empty before it.
    found: String,
    effects: Vec<Effect>,
    /// How many of them were taken.
    taken: usize,
    /// What the next run says first.
    notice: Option<String>,
    /// It was taken from a session's file, whose last run did not come to its answer.
    is_interrupted: bool,
    state: State,
    retry: Retry,
    calls: Calls,
    context: Context,
    now: Now,
    last_request: u32,
    /// Model rounds of this run so far.
    steps: u32,
    wrapping_up: bool,
    usage: Usage,
    /// The last reply's text.
    text: String,
}

#[allow(
    clippy::large_enum_variant,
    reason = "an agent has one, and no copies of it are made; with pointers of 4 bytes it is small"
)]
enum State {
    /// No run is going on.
    Idle,
    /// Before the first model call, the workspace is looked at.
    Preparing,
    /// A model call is about to be made.
    Calling,
    /// A model call was made.
    Replying(Exchange),
    /// The next try of a model call waits for this monotonic moment.
    Waiting(u64),
    /// The calls of a reply are being run.
    Running,
}

impl Agent {
    /// An agent that offers `tools` to the model, in this order. `seed` is 64 unpredictable bits, for jitter.
    ///
    /// # Errors
    /// Settings that no run can be made with.
    pub fn new(
        settings: Settings,
        tools: &[&'static Tool],
        seed: u64,
    ) -> Result<Agent, SettingsError> {
        settings.check()?;
        let wire = wire::named(settings.wire);
        let mut transcript = Transcript::new(wire.tag);
        transcript.reserve(settings.limits.reserved());
        Ok(Agent {
            born_ms: 0,
            head: Vec::new(),
            found: String::new(),
            wire,
            offer: Offer {
                tools: tools.to_vec(),
                host_tools: Vec::new(),
            },
            transcript,
            effects: Vec::new(),
            taken: 0,
            notice: None,
            is_interrupted: false,
            state: State::Idle,
            retry: Retry::new(seed),
            calls: Calls::default(),
            context: Context::default(),
            now: Now::default(),
            last_request: 0,
            steps: 0,
            wrapping_up: false,
            usage: Usage::default(),
            text: String::new(),
            settings,
        })
    }

    /// Offers tools of the driver's own too. A tool that writes is left out where the settings say read-only.
    ///
    /// # Errors
    /// A name that another tool has or that no server takes, or parameters that are no JSON Schema of an object.
    pub fn add_host_tools(&mut self, tools: Vec<HostTool>) -> Result<(), SettingsError> {
        self.offer
            .add(tools, self.settings.read_only)
            .map_err(SettingsError::HostTool)
    }

    /// The same, for an agent that was just made.
    ///
    /// # Errors
    /// As [`Agent::add_host_tools`].
    #[inline]
    pub fn with_host_tools(mut self, tools: Vec<HostTool>) -> Result<Agent, SettingsError> {
        self.add_host_tools(tools)?;
        Ok(self)
    }

    /// Begins a run. Without a prompt the last one of a session that was interrupted is gone on with.
    ///
    /// # Errors
    /// [`Misuse::Busy`] while another goes on; [`Misuse::EmptyPrompt`].
    pub fn prompt(&mut self, now: Now, text: &str) -> Result<(), Misuse> {
        let goes_on = text.is_empty() && self.is_interrupted;
        if is_blank(text) && self.is_idle() && !goes_on {
            return Err(Misuse::EmptyPrompt);
        }
        self.begin(now)?;
        let most = self.settings.limits.prompt_bytes();
        // What is too large is not made larger yet.
        let message = match text.len() > most {
            true => Vec::new(),
            false => (self.wire.user_message)(text),
        };
        let fits = goes_on
            || (1..=most).contains(&message.len()) && self.make_room(message.len() + 1, false);
        if let Some(notice) = self.notice.take() {
            self.say(&notice);
        }
        if !fits {
            self.finish(Reason::Failed(failure::of_prompt()));
            return Ok(());
        }
        if !goes_on {
            self.transcript.push(&message);
        }
        self.set_out(text);
        Ok(())
    }

    fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.taken == self.effects.len()
    }

    /// Begins a run of any kind.
    fn begin(&mut self, now: Now) -> Result<(), Misuse> {
        if !self.is_idle() {
            return Err(Misuse::Busy);
        }
        self.now = now;
        self.is_interrupted = false;
        self.transcript.set_time(now.wall_ms);
        self.settings.budget.begin(now);
        if self.born_ms == 0 {
            self.born_ms = now.wall_ms.max(1);
        }
        self.steps = 0;
        self.wrapping_up = false;
        self.usage = Usage::default();
        self.text = String::new();
        self.calls.forget_repeats();
        self.context.begin();
        self.retry.begin(now);
        Ok(())
    }

    /// Whether a run goes on that works on a prompt: the last one of the conversation.
    fn has_prompt(&self) -> bool {
        !matches!(self.state, State::Idle) && !self.context.is_alone()
    }

    /// What must happen next. Never fails, and costs nothing to ask again: [`Effect::Pending`] says that an input
    /// must come first.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name of the contract; an agent that waits for an input is no iterator"
    )]
    pub fn next(&mut self) -> Effect {
        loop {
            if let Some(effect) = self.effects.get_mut(self.taken) {
                self.taken += 1;
                return core::mem::replace(effect, Effect::Pending);
            }
            self.effects.clear();
            self.taken = 0;
            match &self.state {
                State::Idle => return Effect::Pending,
                State::Replying(exchange) => {
                    let until = exchange.complete_until;
                    return match until.or_else(|| self.settings.budget.deadline(self.now)) {
                        Some(until_ms) => Effect::Wait { until_ms },
                        None => Effect::Pending,
                    };
                }
                State::Waiting(until) => return Effect::Wait { until_ms: *until },
                State::Calling => self.call_model(),
                State::Running | State::Preparing => {
                    if !self.run_calls() {
                        return Effect::Pending;
                    }
                }
            }
        }
    }

    /// Gives back what [`Agent::next`] answered last and nobody has begun. It is answered again, and until then it is as
    /// if it had not been taken.
    pub fn put_back(&mut self, effect: Effect) {
        let last = self.taken.checked_sub(1);
        if let Some(place) = last.and_then(|last| self.effects.get_mut(last)) {
            *place = effect;
            self.taken -= 1;
        }
    }

    /// Piece `index` of the body of the request that [`Effect::CallModel`] asked for last; `None` past its end.
    /// The pieces in order, without anything between them, are the body.
    pub fn body_piece(&self, index: usize) -> Option<&[u8]> {
        if self.head.is_empty() {
            return None;
        }
        let Some(index) = index.checked_sub(1) else {
            return Some(&self.head);
        };
        let (messages, mark, end) = self.around_mark();
        if let Some(piece) = messages.chunks(PIECE_BYTES).nth(index) {
            return Some(piece);
        }
        let behind = [mark, end, self.tail()];
        let first = if mark.is_empty() { 2 } else { 0 };
        behind
            .get(first + index - messages.len().div_ceil(PIECE_BYTES))
            .copied()
    }

    /// The messages up to where the last one has its mark, the mark, and what is behind it. Or those that are to be summed up,
    /// and what asks for that.
    fn around_mark(&self) -> (&[u8], &[u8], &[u8]) {
        if let Some((messages, ask)) = self.to_sum_up() {
            return (messages, b",", ask);
        }
        let messages = self.transcript.messages();
        let (mark, end) = self.wire.mark;
        match messages.strip_suffix(end) {
            Some(before) => (before, mark, end),
            None => (messages, b"", b""),
        }
    }

    /// The conversation so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The name and the description of each tool that the model is offered.
    pub fn tools(&self, each: &mut dyn FnMut(&str, &str)) {
        for tool in &self.offer.tools {
            each(tool.name, tool.description);
        }
        for tool in &self.offer.host_tools {
            each(&tool.name, &tool.description);
        }
    }

    /// Tells what happened.
    ///
    /// # Errors
    /// An input that does not fit, which changes nothing.
    pub fn feed(&mut self, now: Now, input: Input) -> Result<(), Misuse> {
        match input {
            Input::ReplyStart {
                id,
                status,
                headers,
            } => {
                let exchange = self.exchange(id)?;
                if exchange.status.is_some() {
                    return Err(Misuse::OutOfOrder);
                }
                exchange.start(status, headers);
                self.pass(now);
                self.choose_decoder();
            }
            Input::ReplyChunk { id, bytes } => {
                if self.exchange(id)?.status.is_none() {
                    return Err(Misuse::OutOfOrder);
                }
                self.pass(now);
                self.take_chunk(&bytes);
                self.check_time();
            }
            Input::ReplyEnd { id } => {
                if self.exchange(id)?.status.is_none() {
                    return Err(Misuse::OutOfOrder);
                }
                self.pass(now);
                self.end_reply();
            }
            Input::ReplyFailed { id, error } => {
                self.exchange(id)?;
                self.pass(now);
                self.break_reply(error);
            }
            Input::OperationDone { id, answer } => {
                self.calls.answer(id, answer)?;
                self.pass(now);
            }
            Input::ToolDone { call, result } => {
                self.calls.finish(&call, result, self.settings.limits)?;
                self.pass(now);
            }
            Input::Verdict { call, verdict } => {
                self.calls.decide(&call, verdict)?;
                self.pass(now);
            }
            Input::Tick => {
                self.pass(now);
                self.wake();
            }
            Input::Cancel => {
                self.pass(now);
                self.stop(Reason::Cancelled);
            }
        }
        Ok(())
    }

    /// The moment is this now.
    fn pass(&mut self, now: Now) {
        self.now = now;
        self.transcript.set_time(now.wall_ms);
        self.settings.budget.pass(now);
    }

    /// Goes on with what waited for a moment that has come.
    fn wake(&mut self) {
        let now = self.now.monotonic_ms;
        match &self.state {
            State::Waiting(until) if now >= *until => self.state = State::Calling,
            State::Replying(Exchange {
                id,
                complete_until: Some(until),
                ..
            }) if now >= *until => {
                self.effects.push(Effect::DropReply { id: *id });
                self.end_reply();
            }
            _ => self.check_time(),
        }
    }

    /// A reply that is still coming when time is up is dropped, and the run ends.
    fn check_time(&mut self) {
        if let State::Replying(Exchange {
            complete_until: None,
            ..
        }) = &self.state
            && self.is_out_of_budget()
        {
            self.stop(Reason::Budget);
        }
    }

    /// Whether a budget leaves no room for a model call, not even one that wraps up. The person is told.
    fn is_out_of_budget(&mut self) -> bool {
        let budget = &mut self.settings.budget;
        if self.wrapping_up && budget.left_ms() > 0 {
            return false;
        }
        match budget.used_up() {
            Some(notice) => {
                self.show(Event::Notice(notice));
                true
            }
            None => false,
        }
    }

    fn exchange(&mut self, id: RequestId) -> Result<&mut Exchange, Misuse> {
        match &mut self.state {
            State::Replying(exchange) if exchange.id == id => Ok(exchange),
            _ => Err(Misuse::UnknownRequest),
        }
    }

    fn tail(&self) -> &'static [u8] {
        if (self.wrapping_up || self.context.is_summing()) && !self.offer.is_empty() {
            self.wire.tail_without_tools
        } else {
            wire::TAIL
        }
    }

    fn call_model(&mut self) {
        if self.is_out_of_budget() {
            return self.finish(Reason::Budget);
        }
        if self.head.is_empty() {
            let system = system_text::system_text(&self.settings.system, self.born_ms, &self.found);
            self.head = (self.wire.request_head)(&self.settings, &self.offer, &system);
        }
        if !self.fits_window() {
            return;
        }
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let (messages, mark, end) = self.around_mark();
        let content_length =
            self.head.len() + messages.len() + mark.len() + end.len() + self.tail().len();
        self.context.sends(content_length);
        let base = without_end(self.settings.base_url(), "/");
        self.effects.push(Effect::CallModel(ModelCall {
            id,
            url: concat(&[base, self.wire.path]),
            headers: self.wire.headers.to_vec(),
            auth: self.wire.auth,
            content_length: content_length as u64,
            timeouts: self.settings.timeouts,
        }));
        self.state = State::Replying(Exchange::new(id));
    }

    /// Once the head is here: a success of the wire's own kinds gets a decoder.
    fn choose_decoder(&mut self) {
        let State::Replying(exchange) = &mut self.state else {
            return;
        };
        if exchange
            .status
            .is_some_and(|status| (200..300).contains(&status))
        {
            let kind = &exchange.content_type;
            // What says that it is a page is no reply, whatever its status.
            if !kind.starts_with("text/html") {
                let is_stream = kind.starts_with("text/event-stream");
                exchange.decoder = Some(ReplyDecoder::new(
                    self.wire,
                    self.settings.limits,
                    is_stream,
                ));
            }
        }
    }

    fn take_chunk(&mut self, bytes: &[u8]) {
        let State::Replying(exchange) = &mut self.state else {
            return;
        };
        let Some(decoder) = &mut exchange.decoder else {
            let room = MAX_ERROR_BODY_BYTES - exchange.error_body.len();
            let kept = &bytes[..bytes.len().min(room)];
            exchange.error_body.extend_from_slice(kept);
            return;
        };
        let mut events = Vec::new();
        let taken = decoder.feed(bytes, &mut events);
        // A summary is no part of the answer.
        if !self.context.is_summing() {
            exchange.shown |= !events.is_empty();
            show_all(&mut self.effects, events);
        }
        if decoder.is_complete() && exchange.complete_until.is_none() {
            exchange.complete_until = Some(self.now.monotonic_ms.saturating_add(END_GRACE_MS));
        }
        if let Err(error) = taken {
            let id = exchange.id;
            self.effects.push(Effect::DropReply { id });
            self.fail(failure::of_reply(error, &self.wire.hints));
        }
    }

    fn end_reply(&mut self) {
        let State::Replying(exchange) = &mut self.state else {
            return;
        };
        let Some(decoder) = &mut exchange.decoder else {
            let failure = failure::of_status(exchange, self.settings.base_url(), &self.wire.hints);
            self.fail(failure);
            return;
        };
        let mut events = Vec::new();
        let reply = decoder.finish(&mut events);
        // What is left of the stream makes room for what is made of the reply.
        exchange.decoder = None;
        if !self.context.is_summing() {
            exchange.shown |= !events.is_empty();
            show_all(&mut self.effects, events);
        }
        match reply {
            Ok(reply) => self.take_reply(reply),
            Err(error) => self.fail(failure::of_reply(error, &self.wire.hints)),
        }
    }

    fn break_reply(&mut self, error: HttpError) {
        let State::Replying(exchange) = &mut self.state else {
            return;
        };
        if exchange
            .decoder
            .as_ref()
            .is_some_and(|decoder| decoder.is_complete())
        {
            // The reply was whole; only the connection's own end was not.
            self.end_reply();
            return;
        }
        // A status says more than the way in which its body broke off.
        let refused = exchange.status.is_some_and(|status| status >= 300);
        let failure = if refused {
            failure::of_status(exchange, self.settings.base_url(), &self.wire.hints)
        } else {
            failure::of_http(error, self.settings.base_url())
        };
        self.fail(failure);
    }

    /// Tries again where that may help, else ends the run.
    fn fail(&mut self, mut failure: Failure) {
        let (shown, retry_after) = match &mut self.state {
            State::Replying(exchange) => (exchange.shown, exchange.retry_after.take()),
            _ => (false, None),
        };
        if shown {
            self.show(Event::ReplyDiscarded {
                reason: failure.message.clone(),
            });
        }
        if self.overflowed(&mut failure) {
            return;
        }
        if !failure.kind.is_transient() {
            return self.give_up(failure);
        }
        match self
            .retry
            .next(&self.settings, self.now, retry_after.as_deref())
        {
            Ok(wait_ms) => {
                let attempt = self.retry.attempt();
                let wait_ms = wait_ms.min(self.settings.budget.left_ms());
                self.show(Event::Retry {
                    attempt,
                    wait_ms,
                    cause: failure.message,
                });
                self.state = State::Waiting(self.now.monotonic_ms.saturating_add(wait_ms));
            }
            Err(why) => {
                failure.message.push_str(&why);
                self.give_up(failure);
            }
        }
    }

    /// No reply can be had: that is the end of the run, but where it was only to be a summary.
    fn give_up(&mut self, failure: Failure) {
        if self.context.is_summing() {
            self.do_without_summary(failure);
        } else {
            self.finish(Reason::Failed(failure));
        }
    }

    fn take_reply(&mut self, mut reply: Reply) {
        self.usage += reply.usage;
        if reply.usage != Usage::default() {
            self.show(Event::Usage(reply.usage));
        }
        self.count(reply.usage);
        if self.context.is_summing() {
            return self.take_summary(&reply);
        }
        self.steps += 1;
        if self.wrapping_up {
            // Calls made against the word given here would lack their results.
            reply
                .blocks
                .retain(|block| !matches!(block, Block::Call(_)));
        }
        self.calls.name(reply.calls_mut());
        let message = (self.wire.reply_message)(&reply);
        let rates = self.settings.rates();
        let request = self.head.len() + self.transcript.messages().len();
        self.settings
            .budget
            .count_reply(rates, reply.usage, request, message.len());
        // A comma before it, and the results of its calls must fit too, and they name the calls again.
        let room = 1 + self.room_for_results(reply.calls().count(), message.len());
        if !self.make_room(message.len().saturating_add(room), false) {
            return self.fail(failure::of_reply(
                wire::too_large(self.settings.limits),
                &self.wire.hints,
            ));
        }
        self.transcript.push(&message);
        drop(message);
        self.text = reply.text();
        let mut calls = Vec::new();
        for block in reply.blocks {
            if let Block::Call(call) = block {
                calls.push(call);
            }
        }
        if !calls.is_empty() {
            let allowed = self.settings.budget.allow(calls.len());
            self.calls.begin(calls, &self.offer, &self.settings);
            self.calls.refuse(allowed);
            self.state = State::Running;
            return;
        }
        if self.text.is_empty() {
            self.say("the model answered with nothing");
        }
        self.finish(match reply.stop {
            _ if self.wrapping_up && self.settings.budget.is_used_up() => Reason::Budget,
            _ if self.wrapping_up => Reason::StepLimit,
            Stop::Done => Reason::Answered,
            Stop::Length => Reason::Length,
            Stop::Refused => Reason::Refused,
        });
    }

    /// Bytes that the results of so many calls take at most, whose ids are so many bytes.
    fn room_for_results(&self, calls: usize, ids: usize) -> usize {
        let limits = self.settings.limits;
        if calls == 0 || !limits.are_tight() {
            return 0;
        }
        // Each is a string there, in which quotes take two bytes; and a message is put around it. The wrap-up may follow.
        let results = limits
            .of(RESULTS, usize::MAX)
            .min(calls * limits.of(RESULT, MAX_RESULT_BYTES));
        results * 2 + ids + calls * 100 + 2 * WRAP_UP.len()
    }

    /// Goes on with the calls; `false` when an operation's answer must come first.
    fn run_calls(&mut self) -> bool {
        if self.settings.budget.left_ms() == 0 {
            self.calls.refuse(0);
        }
        let all_done = self.calls.step(&self.settings, &mut self.effects);
        self.note_results();
        if !all_done {
            return !self.effects.is_empty();
        }
        let results = self.calls.take_results();
        if let (State::Preparing, [found]) = (&self.state, &results[..]) {
            self.take_found(&found.result);
            self.retry.begin(self.now);
            self.state = State::Calling;
            return true;
        }
        self.transcript.add(&(self.wire.tool_messages)(&results));
        let mut notice = self.settings.budget.used_up();
        if notice.is_none() && self.steps >= self.settings.max_steps {
            notice = Some(fill(
                "the step limit of % is reached: wrapping up",
                &[&decimal(self.settings.max_steps.into())],
            ));
        }
        if let Some(notice) = notice {
            self.show(Event::Notice(notice));
            self.wrapping_up = true;
            self.transcript.push(&(self.wire.user_message)(WRAP_UP));
        }
        self.retry.begin(self.now);
        self.state = State::Calling;
        true
    }

    /// Notes the results that came just now, each by itself: nothing happens before they are kept.
    fn note_results(&mut self) {
        if !self.transcript.has_journal() {
            return;
        }
        for effect in &self.effects {
            if let Effect::Event(Event::ToolFinished { call, .. }) = effect
                && let Some(result) = self.calls.result_of(call)
            {
                let message = (self.wire.tool_messages)(&[result]);
                self.transcript.note(None, &message);
            }
        }
    }

    /// What a session's file is to be told before the next effect is begun: lines for its end, or nothing. Only an agent of
    /// [`SessionLog`] has any.
    #[cfg(feature = "sessions")]
    pub fn take_journal(&mut self) -> Vec<u8> {
        self.transcript.take_journal()
    }

    /// Ends the run with what it is in.
    fn stop(&mut self, reason: Reason) {
        // A reply that is whole counts, whether or not its connection has ended: an answer is the end of the run.
        if let State::Replying(exchange) = &self.state
            && exchange.complete_until.is_some()
        {
            self.effects.push(Effect::DropReply { id: exchange.id });
            self.end_reply();
        }
        if matches!(self.state, State::Idle) {
            return;
        }
        // What was asked for and not begun is taken back; what the driver has begun, it is told to drop.
        let mut reply = match &self.state {
            State::Replying(exchange) => Some(exchange.id),
            _ => None,
        };
        self.taken = 0;
        let mut asked = Vec::new();
        for effect in core::mem::take(&mut self.effects) {
            match effect {
                Effect::Event(_) | Effect::DropReply { .. } => self.effects.push(effect),
                Effect::CallModel(_) => reply = None,
                Effect::Operate { id, .. } => asked.push(id),
                _ => {}
            }
        }
        if let Some(id) = reply {
            self.effects.push(Effect::DropReply { id });
        }
        for id in self.calls.open() {
            if !asked.contains(&id) {
                self.effects.push(Effect::DropOperation { id });
            }
        }
        let results = self.calls.take_results();
        if matches!(self.state, State::Running) {
            // No history is sent in which a call lacks its result.
            self.transcript.push(&(self.wire.tool_messages)(&results));
        }
        self.finish(reason);
    }

    fn finish(&mut self, reason: Reason) {
        self.state = State::Idle;
        self.context.end();
        self.settings.budget.end();
        self.effects.push(Effect::Finished(Outcome {
            reason,
            text: core::mem::take(&mut self.text),
            usage: self.usage,
        }));
    }

    /// Tells the person something.
    fn say(&mut self, notice: &str) {
        self.show(Event::Notice(notice.to_string()));
    }

    fn show(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }
}

fn show_all(effects: &mut Vec<Effect>, events: Vec<Event>) {
    for event in events {
        effects.push(Effect::Event(event));
    }
}
