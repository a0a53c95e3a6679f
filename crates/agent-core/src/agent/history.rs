//! What is left out of a conversation that has reached a limit: its oldest turns, whole; within the run that is going on,
//! the oldest replies with their results. The prompt of that run stays, and so does a summary of what came before; no call is
//! parted from its result.

use alloc::vec::Vec;
use core::ops::Range;

use dewclaw_platform::concat;

use super::{Agent, State, WRAP_UP};
use crate::settings::SettingsError;
use crate::settings::limits::HISTORY;

/// What the model is told in place of what a run has done so far. In either wire it is shorter than the shortest reply with a
/// call and its result, which it takes the place of.
const LEFT_OUT: &str = "[Earlier steps of this run were left out, for lack of room.]";

/// What the person is told.
pub(super) const NOTICE: &str =
    "the conversation is past the 160 KiB of --limits board: its oldest part was left out";

/// What can be left out: everything before a message, but for what is kept of it.
pub(super) struct Cut {
    /// The messages that stay before what is left out: a summary, or with it the prompt of the run.
    pub(super) kept: Range<usize>,
    /// What stands in place of a run's steps; nothing where none go.
    pub(super) note: Vec<u8>,
    /// Where the first message begins that stays; 0 where nothing can go.
    pub(super) from: usize,
    /// Bytes that stay.
    pub(super) left: usize,
    /// Turns that go.
    pub(super) turns: usize,
    /// Where the prompt of the run begins, or where the conversation ends.
    #[cfg(feature = "context")]
    pub(super) prompt: usize,
}

impl Agent {
    /// Makes room for so many bytes more; `false` where there can't be any. The last message stays too if calls are open there.
    pub(super) fn make_room(&mut self, need: usize, has_open: bool) -> bool {
        if !self.settings.limits.are_tight() {
            return true;
        }
        let most = self.settings.limits.of(HISTORY, usize::MAX);
        let length = self.transcript.messages().len();
        if length.saturating_add(need) <= most {
            return true;
        }
        // Until a quarter is free, so that this is not done for every message from now on; or as far as can be.
        let cut = self.cut((most / 4 * 3).saturating_sub(need), has_open);
        if cut.left.saturating_add(need) > most {
            return false;
        }
        self.transcript.leave_out(cut.kept, &cut.note, cut.from);
        if matches!(self.state, State::Idle) {
            let before = self.notice.take().unwrap_or_default();
            let gap = if before.is_empty() { "" } else { "; " };
            self.notice = Some(concat(&[&before, gap, NOTICE]));
        } else {
            self.say(NOTICE);
        }
        true
    }

    /// The least that can be left out so that no more than so many bytes stay; or the most, where that is too little. With
    /// `has_end` the last reply stays, with what follows it.
    pub(super) fn cut(&self, aim: usize, has_end: bool) -> Cut {
        let length = self.transcript.messages().len();
        let note = (self.wire.user_message)(LEFT_OUT);
        let wrap_up = (self.wire.user_message)(WRAP_UP);
        let is_prompt = |line: &[u8]| {
            line.starts_with(self.wire.prompt) && line != &note[..] && line != &wrap_up[..]
        };
        // Where the summary ends, where the prompt of the run begins and ends, and where the last message begins.
        let (mut summary, mut prompt, mut prompt_end, mut last) = (0, length, length, 0);
        let mut at = 0;
        for line in self.transcript.lines() {
            last = at;
            at += line.len();
            if last == 0 && self.is_summary(line) {
                summary = at;
            } else if is_prompt(line) && self.has_prompt() {
                (prompt, prompt_end) = (last, at);
            }
            at += 1;
        }
        let stays_from = if has_end { last } else { length };
        let mut cut = Cut {
            kept: 0..0,
            note: Vec::new(),
            from: 0,
            left: length,
            turns: 0,
            #[cfg(feature = "context")]
            prompt,
        };
        let mut turns = 0;
        at = 0;
        let mut lines = self.transcript.lines();
        loop {
            let line = lines.next().unwrap_or_default();
            // After the last line there is no comma.
            at = at.min(length);
            if at > stays_from || cut.left <= aim {
                break;
            }
            let is_end = line.is_empty();
            if at <= prompt {
                if at >= summary && (is_end || is_prompt(line)) {
                    if at > summary + 1 {
                        cut.kept = 0..summary;
                        (cut.from, cut.left, cut.turns) = (at, summary + length - at, turns);
                    }
                    turns += 1;
                }
            } else if at > prompt_end + note.len() + 1
                && (is_end || line.starts_with(br#"{"role":"assistant""#))
            {
                let start = if prompt <= summary + 1 { 0 } else { prompt };
                cut.kept = start..prompt_end;
                let kept = cut.kept.len() + note.len() + 2;
                (cut.from, cut.left) = (at, kept + length - at);
            }
            if is_end {
                break;
            }
            at += line.len() + 1;
        }
        if cut.from > prompt {
            cut.note = note;
        }
        cut
    }

    /// Brings a conversation from elsewhere within the limits of this run. So many calls are open in its last message. One that
    /// was within them already stays as it is.
    ///
    /// # Errors
    /// What is going on in it does not fit.
    pub(super) fn fit(&mut self, open: usize) -> Result<(), SettingsError> {
        let limits = self.settings.limits;
        let most = limits.reserved();
        let need = match limits.are_tight() {
            true => {
                self.room_for_results(open, self.transcript.lines().last().map_or(0, <[u8]>::len))
            }
            false => 0,
        };
        if limits.are_tight() && !self.make_room(need, open > 0) {
            return Err(SettingsError::Value {
                name: "limits",
                wanted: "none: what goes on in this conversation is larger than board leaves it",
            });
        }
        self.transcript.reserve(most);
        Ok(())
    }
}
