//! What is left out of a conversation that has reached its limit: its oldest turns, whole; within the run that is going on,
//! the oldest replies with their results. The prompt of that run stays, and no call is parted from its result.

use super::{Agent, State, WRAP_UP};
use crate::effect::Event;
use crate::settings::SettingsError;
use crate::settings::limits::HISTORY;

/// What the model is told in place of what a run has done so far. (The seat of a summary, once there are any.) In either wire
/// it is shorter than the shortest reply with a call and its result, which it takes the place of.
const LEFT_OUT: &str = "[Earlier steps of this run were left out, for lack of memory.]";

/// What the person is told.
pub(super) const NOTICE: &str =
    "the conversation is past the 160 KiB of --limits board: its oldest part was left out";

impl Agent {
    /// Makes room for so many bytes more; `false` where there can't be any. The last message stays too if calls are open there.
    pub(super) fn make_room(&mut self, need: usize, has_open: bool) -> bool {
        if !self.settings.limits.are_tight() {
            return true;
        }
        let most = self.settings.limits.of(HISTORY, usize::MAX);
        let messages = self.transcript.messages();
        let length = messages.len();
        if length.saturating_add(need) <= most {
            return true;
        }
        let note = (self.wire.user_message)(LEFT_OUT);
        let wrap_up = (self.wire.user_message)(WRAP_UP);
        let is_prompt = |line: &[u8]| {
            line.starts_with(self.wire.prompt) && line != &note[..] && line != &wrap_up[..]
        };
        // Where the prompt of the run begins and ends, and where the last message begins.
        let (mut prompt, mut prompt_end, mut last) = (length, length, 0);
        let mut at = 0;
        for line in self.transcript.lines() {
            last = at;
            at += line.len();
            if is_prompt(line) && !matches!(self.state, State::Idle) {
                (prompt, prompt_end) = (last, at);
            }
            at += 1;
        }
        let stays_from = if has_open { last } else { length };
        // Until a quarter is free, so that this is not done for every message from now on; or as far as can be.
        let aim = most / 4 * 3;
        let (mut from, mut left) = (0, length);
        at = 0;
        for line in self.transcript.lines().chain([&b""[..]]) {
            // After the last line there is no comma.
            at = at.min(length);
            if at > stays_from || left.saturating_add(need) <= aim {
                break;
            }
            let is_end = line.is_empty();
            if at <= prompt {
                if is_end || is_prompt(line) {
                    (from, left) = (at, length - at);
                }
            } else if at > prompt_end + note.len() + 1
                && (is_end || line.starts_with(br#"{"role":"assistant""#))
            {
                let kept = prompt_end - prompt + note.len() + 2;
                (from, left) = (at, kept + length - at);
            }
            at += line.len() + 1;
        }
        if left.saturating_add(need) > most {
            return false;
        }
        let kept = if from > prompt {
            prompt..prompt_end
        } else {
            0..0
        };
        self.transcript.leave_out(kept, &note, from);
        if matches!(self.state, State::Idle) {
            let before = self.notice.take().unwrap_or_default();
            let gap = if before.is_empty() { "" } else { "; " };
            self.notice = Some([&before, gap, NOTICE].concat());
        } else {
            self.show(Event::Notice(NOTICE.into()));
        }
        true
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
