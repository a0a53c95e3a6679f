//! What is left out of a conversation that has reached its limit: its oldest turns, whole; within the run that is going on,
//! the oldest replies with their results. The prompt of that run stays, and no call is parted from its result.

use alloc::string::String;
use core::ops::Range;

use super::{Agent, State, WRAP_UP};
use crate::settings::SettingsError;
use crate::settings::limits::HISTORY;

/// What the model is told in place of what a run has done so far. (The seat of a summary, once there are any.) In either wire
/// it is shorter than the shortest reply with a call and its result, which it takes the place of.
const LEFT_OUT: &str = "[Earlier steps of this run were left out, for lack of memory.]";

/// What the person is told.
const NOTICE: &str = "the conversation has reached 160 KiB, the limit of --limits board: its oldest part was left out";

impl Agent {
    /// Makes room for so many bytes more; `false` where there can't be any. `stays_from` is where the messages begin that
    /// can't be left out.
    pub(super) fn make_room(&mut self, need: usize, stays_from: usize) -> bool {
        if !self.settings.limits.are_tight() {
            return true;
        }
        let most = self.settings.limits.of(HISTORY, usize::MAX);
        let length = self.transcript.messages().len();
        if need <= most.saturating_sub(length) {
            return true;
        }
        let note = (self.wire.user_message)(LEFT_OUT);
        let wrap_up = (self.wire.user_message)(WRAP_UP);
        // What every message of the person's begins with: all up to its text.
        let blank = (self.wire.user_message)("");
        let quotes = blank.windows(2).position(|pair| pair == b"\"\"");
        let opening = &blank[..quotes.unwrap_or_default() + 1];
        let is_prompt =
            |line: &[u8]| line.starts_with(opening) && line != &note[..] && line != &wrap_up[..];
        let is_running = !matches!(self.state, State::Idle);
        let mut prompt = None;
        let mut at = 0;
        for line in self.transcript.lines() {
            if is_running && is_prompt(line) {
                prompt = Some(at..at + line.len());
            }
            at += line.len() + 1;
        }
        // So that this is not done for every message from now on, a quarter is left free where that can be.
        let aim = most / 4 * 3;
        let mut chosen: Option<(Range<usize>, usize, usize)> = None;
        at = 0;
        let mut lines = self.transcript.lines();
        loop {
            let line = lines.next();
            let at_end = line.is_none();
            let line = line.unwrap_or_default();
            at = at.min(length);
            let rest = length - at;
            let choice = match &prompt {
                Some(prompt) if at > prompt.start => {
                    let fits = at > prompt.end + note.len() + 1;
                    let begins = at_end || line.starts_with(br#"{"role":"assistant""#);
                    let size = prompt.len() + note.len() + 2 + rest;
                    (fits && begins).then(|| (prompt.clone(), at, size))
                }
                _ => (at_end || is_prompt(line)).then_some((0..0, at, rest)),
            };
            if let Some(choice) = choice.filter(|(_, from, _)| *from <= stays_from) {
                let is_enough = choice.2.saturating_add(need) <= aim;
                chosen = Some(choice);
                if is_enough {
                    break;
                }
            }
            if at_end {
                break;
            }
            at += line.len() + 1;
        }
        drop(lines);
        let Some((kept, from, _)) = chosen.filter(|(_, _, size)| size.saturating_add(need) <= most)
        else {
            return false;
        };
        self.transcript.leave_out(kept, &note, from);
        self.note(NOTICE);
        true
    }

    /// Brings a conversation from elsewhere within the limits of this run. Calls may be open in its last message.
    ///
    /// # Errors
    /// What is going on in it does not fit.
    pub(super) fn fit(&mut self, has_open: bool) -> Result<(), SettingsError> {
        let limits = self.settings.limits;
        if !limits.are_tight() {
            return Ok(());
        }
        let (mut need, mut stays_from) = (0, usize::MAX);
        if has_open {
            let messages = self.transcript.messages();
            let last = self.transcript.lines().last().map_or(0, <[u8]>::len);
            need = self.room_for_results(self.calls.count(), last);
            stays_from = messages.len() - last;
        }
        if !self.make_room(need, stays_from) {
            return Err(SettingsError::Value {
                name: "limits",
                wanted: "none for this conversation: what goes on in it is larger than board leaves it",
            });
        }
        self.transcript.reserve(limits.of(HISTORY, 0));
        Ok(())
    }

    /// Says something to the person: now, or first in the next run.
    pub(super) fn note(&mut self, text: &str) {
        if matches!(self.state, State::Idle) {
            let before = self.notice.take();
            let parts = before.iter().map(String::as_str).chain([text]);
            self.notice = Some(parts.collect::<alloc::vec::Vec<_>>().join("; "));
        } else {
            self.show(super::Event::Notice(String::from(text)));
        }
    }
}
