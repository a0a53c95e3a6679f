//! The model's context window: how large a request is, and what is done before it is too large, or once a server says so.
//!
//! A request is measured by its bytes alone, all of which count: system text, tool schemas and history. What they are in
//! tokens, the server's own count of the last request tells. Before a model call that comes near the window the oldest whole
//! turns are summed up by the model, in a call of its own, or left out.

use alloc::vec::Vec;

use dewclaw_platform::{Now, concat, is_blank};

use super::{Agent, State};
use crate::effect::{Failure, FailureKind, Misuse, Reason, Usage};
use crate::json::decimal;
use crate::settings::Compaction;
use crate::template::fill;
use crate::wire::{Reply, Stop};

mod overflow;
mod windows;

/// How much of the window a request with its reply may take, in percent: an estimate is off by some, and the next step needs
/// room too.
const FULL: u64 = 80;

/// Tokens that are kept for a reply where no limit is set, as far as that is a quarter of the window.
const REPLY: u64 = 4_096;

/// Tokens, and the bytes of a request that has so many: what is reckoned with until a server has counted. English has about
/// four letters to a token; JSON and program text, which requests are full of, have fewer.
const GUESS: (u64, u64) = (2, 7);

/// No request has fewer tokens than one for so many of its bytes: half of what the plainest text has.
const MOST_BYTES: u64 = 16;

/// Bytes that a request must have grown by before a count that did not grow with it says anything.
const TELLING: u64 = 8_192;

/// What a message of the person's begins with that holds a summary.
const SUMMARY: &str = "[Summary of the conversation before this:]\n";

/// What the model is asked for.
const ASK: &str = "Sum up the conversation, in at most 500 words, to go on without it: what the person wants and decided, \
    what was done and found (names, paths, numbers), what is left to do.";

/// What is known of the window, and how far compacting is.
#[derive(Default)]
pub(super) struct Context {
    /// What the server has said of its window, in tokens; 0 before.
    told: u64,
    /// The tokens that a server counted last, and the bytes of that request; nothing before.
    counted: (u64, u64),
    /// Bytes of the last request.
    sent: u64,
    /// Bytes of the messages that the model is summing up, the comma behind them included; 0 where it is not.
    summed: usize,
    /// The turns in them, and the bytes that are to stay where no summary can be had.
    turns: usize,
    aim: usize,
    /// The message that asks for the summary.
    ask: Vec<u8>,
    /// The run does nothing but compact.
    alone: bool,
    /// The server has refused this model call as too large once.
    refused: bool,
    /// There was no summary to be had in this run.
    has_failed: bool,
    /// The person was told that the server cuts requests off.
    has_warned: bool,
}

impl Context {
    /// A new run.
    pub(super) fn begin(&mut self) {
        self.refused = false;
        self.has_failed = false;
        self.has_warned = false;
    }

    /// A run is over.
    pub(super) fn end(&mut self) {
        self.summed = 0;
        self.alone = false;
    }

    /// Whether the model call that is made asks for a summary.
    pub(super) fn is_summing(&self) -> bool {
        self.summed > 0
    }

    /// Whether the run does nothing but compact.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// What goes on in a restored session, so that it makes the same requests; but for a summary, which is begun anew.
    pub(super) fn save(&self) -> [u64; 4] {
        let flags = u64::from(self.alone)
            | u64::from(self.has_failed) << 1
            | u64::from(self.has_warned) << 2;
        [flags, self.told, self.counted.0, self.counted.1]
    }

    /// Takes what [`Context::save`] gave.
    pub(super) fn restore(&mut self, [flags, told, tokens, bytes]: [u64; 4]) {
        self.alone = flags & 1 > 0;
        self.has_failed = flags & 2 > 0;
        self.has_warned = flags & 4 > 0;
        self.told = told.min(u32::MAX.into());
        if tokens <= bytes && bytes / MOST_BYTES <= tokens && bytes <= u32::MAX.into() {
            self.counted = (tokens, bytes);
        }
    }

    /// A request of so many bytes is made.
    pub(super) fn sends(&mut self, bytes: usize) {
        self.sent = bytes as u64;
    }

    fn ratio(&self) -> (u64, u64) {
        if self.counted.0 > 0 {
            self.counted
        } else {
            GUESS
        }
    }

    fn tokens(&self, bytes: u64) -> u64 {
        let (tokens, of) = self.ratio();
        bytes * tokens / of
    }
}

impl Agent {
    /// Begins a run that only compacts: the model sums up everything before now, and the summary, which is the run's text,
    /// takes its place. Where there is nothing to sum up, a notice says so. Where no summary can be had the run fails, and
    /// the conversation stays as it is.
    ///
    /// # Errors
    /// [`Misuse::Busy`] while another run goes on.
    pub fn compact(&mut self, now: Now) -> Result<(), Misuse> {
        self.begin(now)?;
        self.context.alone = true;
        self.state = State::Calling;
        Ok(())
    }

    /// The window in tokens, or 0 where nothing is known of it.
    fn window(&self) -> u64 {
        match (self.settings.context_window, self.context.told) {
            (0, 0) => windows::of(&self.settings.model),
            (0, told) => told,
            (set, _) => set.into(),
        }
    }

    /// Bytes of messages that there is room for before something should go.
    fn room(&self) -> usize {
        let window = self.window();
        if window == 0 {
            return self.transcript.messages().len();
        }
        let reply = match self.settings.max_tokens {
            0 => REPLY,
            tokens => tokens.into(),
        };
        self.bytes(window * FULL / 100 - reply.min(window / 4))
    }

    /// Bytes of messages that a request of so many tokens has.
    fn bytes(&self, tokens: u64) -> usize {
        let (of, bytes) = self.context.ratio();
        let bytes = usize::try_from(tokens * bytes / of).unwrap_or(usize::MAX);
        bytes.saturating_sub(self.head.len())
    }

    /// Whether a line holds a summary.
    pub(super) fn is_summary(&self, line: &[u8]) -> bool {
        let mut like = (self.wire.user_message)(SUMMARY);
        // What ends a message, on the wire where that is longest.
        like.truncate(like.len() - b"\"}]}".len());
        line.starts_with(&like)
    }

    /// The messages to sum up, and the one that asks for it, where that is what is to be sent.
    pub(super) fn to_sum_up(&self) -> Option<(&[u8], &[u8])> {
        let messages = self.transcript.messages();
        let end = match self.context.summed {
            0 => return None,
            all if all == messages.len() => all,
            some => some - 1,
        };
        Some((messages.get(..end)?, &self.context.ask))
    }

    /// Whether the model can be called now. Else something was left out, a summary is to be made first, or the run is over.
    pub(super) fn fits_window(&mut self) -> bool {
        if self.context.is_summing() {
            return true;
        }
        if self.context.alone {
            if !self.compact_to(0) {
                self.say("there is nothing to sum up");
                self.finish(Reason::Answered);
            }
            return false;
        }
        let room = self.room();
        let length = self.transcript.messages().len();
        if length <= room {
            return true;
        }
        // The least that a request can be. The table may not know of a larger window, so what is not far past it is left to
        // the server.
        let least = self.cut(0, true);
        let window = self.window();
        let is_certain = self.settings.context_window > 0 || self.context.told > 0;
        if least.left > self.bytes(if is_certain { window } else { window * 2 }) {
            let tokens = self.context.tokens((self.head.len() + least.left) as u64);
            if self.steps == 0 {
                // Its answer would never come: the next prompt goes on without it.
                let before = 0..least.prompt.saturating_sub(1);
                self.transcript.leave_out(before, b"", length);
            }
            self.finish(Reason::Failed(Failure {
                kind: FailureKind::Context,
                message: fill(
                    "not sent: with instructions and tools it is about % tokens, and the model's context window is %: put less into the prompt, or set context_window",
                    &[&decimal(tokens), &decimal(window)],
                ),
            }));
            return false;
        }
        !self.compact_to(room / 2)
    }

    /// Makes the conversation smaller, so that no more than so many bytes stay if that can be: what goes is left out, or is to
    /// be summed up first. `false` where nothing can go.
    fn compact_to(&mut self, aim: usize) -> bool {
        let has_end = !self.context.alone;
        let mut cut = self.cut(aim, has_end);
        let end = cut.from.min(cut.prompt);
        let drops =
            has_end && (self.context.has_failed || self.settings.compaction == Compaction::Drop);
        if !drops && cut.turns > 0 {
            let (mark, closing) = self.wire.mark;
            let ask = (self.wire.user_message)(ASK);
            let open = ask.strip_suffix(closing).unwrap_or_default();
            let ask = [open, mark, closing].concat();
            // What there is room for leaves a fifth of the window.
            let most = self.room() / 4 * 5;
            if end <= most {
                self.context.summed = end;
                self.context.turns = cut.turns;
                self.context.aim = aim;
                self.context.ask = ask;
                return true;
            }
            // The oldest of it is more than can be summed up at once.
            let behind = self.transcript.messages().len() - end;
            cut = self.cut(most + behind, has_end);
        }
        if cut.from == 0 {
            return false;
        }
        self.transcript.leave_out(cut.kept, &cut.note, cut.from);
        if cut.turns > 0 {
            self.tell(cut.turns, "left out");
        }
        if !cut.note.is_empty() {
            self.say(
                "to make room in the context window, the oldest steps of this run were left out",
            );
        }
        true
    }

    fn tell(&mut self, turns: usize, what: &str) {
        self.say(&fill(
            "to make room in the context window, oldest turns %: %",
            &[what, &decimal(turns as u64)],
        ));
    }

    /// Puts a summary in the place of what it sums up.
    pub(super) fn take_summary(&mut self, reply: &Reply) {
        let text = reply.text();
        let note = (self.wire.user_message)(&concat(&[SUMMARY, &text]));
        let is_shorter = note.len() < self.context.summed;
        if is_blank(&text) || reply.stop == Stop::Refused || !is_shorter {
            return self.do_without_summary(Failure {
                kind: FailureKind::Malformed,
                message: "the model gave none that is shorter".into(),
            });
        }
        self.transcript.leave_out(0..0, &note, self.context.summed);
        self.tell(self.context.turns, "summed up");
        if self.context.alone {
            self.text = text;
            return self.finish(Reason::Answered);
        }
        self.go_on();
    }

    /// Goes on where there is no summary: what it was to sum up is left out.
    pub(super) fn do_without_summary(&mut self, failure: Failure) {
        if self.context.alone {
            return self.finish(Reason::Failed(failure));
        }
        self.say(&concat(&["no summary could be made: ", &failure.message]));
        self.context.has_failed = true;
        self.compact_to(self.context.aim);
        self.go_on();
    }

    /// Calls the model, as the run wants.
    fn go_on(&mut self) {
        self.context.summed = 0;
        self.retry.begin(self.now);
        self.state = State::Calling;
    }

    /// Whether a model call failed because its request was too large, and is made again with a smaller one. Where that can't
    /// be, the failure says so.
    pub(super) fn overflowed(&mut self, failure: &mut Failure) -> bool {
        let State::Replying(exchange) = &self.state else {
            return false;
        };
        let estimate = self.context.tokens(self.context.sent);
        let status = exchange.status.unwrap_or_default();
        let mut words = [failure.message.as_bytes(), &exchange.error_body].concat();
        words.make_ascii_lowercase();
        let told = overflow::told(&words);
        let length = self.transcript.messages().len();
        let is_overflow = match status {
            413 => true,
            400 => length > self.room() || told.is_some(),
            200..300 => told.is_some(),
            _ => false,
        };
        if !is_overflow {
            return false;
        }
        // What is read out of prose is believed where it can be.
        if let Some(told) = told
            && told > estimate / 16
            && told / 4 < estimate
        {
            self.context.told = told;
        }
        if !self.context.is_summing() && !self.context.refused {
            self.context.refused = true;
            if self.compact_to(self.room().min(length) / 2) {
                self.state = State::Calling;
                return true;
            }
        }
        failure.kind = FailureKind::Context;
        failure.message.push_str("; it is probably past the model's context window: put less into the prompt, or raise the server's window");
        false
    }

    /// Takes a server's count of the last request. One that did not grow with the request says that the server cuts it off.
    pub(super) fn count(&mut self, usage: Usage) {
        let context = &mut self.context;
        context.refused &= context.is_summing();
        let (before, of) = context.counted;
        let (bytes, tokens) = (context.sent, usage.input_tokens);
        // Some servers leave out of the count what they had cached, and then it is lower than before.
        let counted = tokens.saturating_add(usage.cached_tokens);
        let grown = bytes.saturating_sub(of);
        let is_cut = counted.saturating_sub(before) < grown / MOST_BYTES;
        if tokens > 0 && is_cut && grown > TELLING && counted >= before / 2 {
            if !core::mem::replace(&mut context.has_warned, true) {
                self.say(&fill(
                    "the server counted % tokens in % bytes: it seems to cut off what is past its context window. Raise that (Ollama: num_ctx), and set context_window to it",
                    &[&decimal(tokens), &decimal(bytes)],
                ));
            }
        } else if tokens >= bytes / MOST_BYTES && tokens <= bytes {
            context.counted = (tokens, bytes);
        }
    }
}
