//! What a session's file is told of a transcript, as lines, while it grows.

use alloc::vec::Vec;

use super::Transcript;
#[cfg(feature = "sessions")]
use crate::json::string;
use crate::json::{decimal, elements};

/// The lines that were not taken yet. Without the feature `sessions` there are none.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    /// It is known which messages of a file stand in the transcript.
    is_followed: bool,
    /// What happens is noted.
    is_kept: bool,
    lines: Vec<u8>,
    /// The wall clock.
    now_ms: u64,
    /// Messages at the start of the transcript that stand for what was left out.
    head: usize,
    /// Messages that the lines have held before the first one behind those.
    first: usize,
}

/// Two transcripts with the same messages are the same, whatever is noted of them.
impl PartialEq for Journal {
    fn eq(&self, _: &Journal) -> bool {
        true
    }
}

impl Eq for Journal {}

impl Journal {
    fn is_followed(&self) -> bool {
        cfg!(feature = "sessions") && self.is_followed
    }

    fn is_kept(&self) -> bool {
        self.is_followed() && self.is_kept
    }
}

impl Transcript {
    /// From now on it is known which messages of a session's file stand in the transcript, which is empty.
    #[cfg(feature = "sessions")]
    pub(crate) fn follow(&mut self) {
        self.journal.is_followed = true;
    }

    /// From now on what is added and left out is noted, behind a repair of the file's end.
    #[cfg(feature = "sessions")]
    pub(crate) fn keep_journal(&mut self, repair: &str) {
        self.journal.is_followed = true;
        self.journal.is_kept = true;
        self.journal.lines.extend_from_slice(repair.as_bytes());
    }

    /// Notes the beginning of a file.
    #[cfg(feature = "sessions")]
    pub(crate) fn note_beginning(&mut self) {
        let (version, now) = (decimal(Transcript::VERSION), decimal(self.journal.now_ms));
        let created = [&version, ",\"created\":", &now].concat();
        self.note_value("dewclaw-session", created.as_bytes());
        self.note_wire();
    }

    /// Notes that from here on the messages are those that stand here, on this wire.
    #[cfg(feature = "sessions")]
    pub(crate) fn note_wire(&mut self) {
        let parts = [
            &string(self.wire),
            &br#","all":["#[..],
            &self.messages,
            b"]",
        ];
        let json = parts.concat();
        self.note_value("wire", &json);
    }

    /// The moment of what is noted from now on.
    pub(crate) fn set_time(&mut self, wall_ms: u64) {
        self.journal.now_ms = wall_ms;
    }

    /// Notes messages.
    pub(super) fn note(&mut self, name: &str, json: &[u8]) {
        if self.journal.is_kept() {
            self.note_value(name, &[b"[", json, b"]"].concat());
        }
    }

    /// Notes something else.
    pub(crate) fn note_value(&mut self, name: &str, json: &[u8]) {
        let now = decimal(self.journal.now_ms);
        let parts = [
            br#"{"t":"#,
            now.as_bytes(),
            b",\"",
            name.as_bytes(),
            b"\":",
            json,
            b"}\n",
        ];
        for part in parts {
            self.journal.lines.extend_from_slice(part);
        }
    }

    /// Whether what happens is noted.
    pub(crate) fn has_journal(&self) -> bool {
        self.journal.is_kept()
    }

    /// Messages of the file up to the one at this place of the transcript.
    pub(super) fn count_before(&self, from: usize) -> usize {
        if !self.journal.is_followed() {
            return 0;
        }
        // Without the comma, behind which there would be one more.
        let before = self.messages.get(..from.saturating_sub(1));
        let count = elements(before.unwrap_or_default()).count();
        (self.journal.first + count).saturating_sub(self.journal.head)
    }

    /// Notes that everything before message `gone` of the file was left out, and so many bytes stand in its place.
    pub(super) fn note_left_out(&mut self, gone: usize, head: usize) {
        if !self.journal.is_followed() {
            return;
        }
        let head = self.messages.get(..head).unwrap_or_default();
        self.journal.first = gone;
        self.journal.head = elements(head).count();
        if self.journal.is_kept {
            let gone = decimal(gone as u64);
            let json = [gone.as_bytes(), br#","head":["#, head, b"]"].concat();
            self.note_value("from", &json);
        }
    }

    /// Leaves out again what was left out before: everything before message `gone` of the file, with `head` in its place.
    #[cfg(feature = "sessions")]
    pub(crate) fn leave_out_again(&mut self, gone: usize, head: &[u8]) {
        // Where more is missing already, all that stands is behind it.
        let skipped = (gone + self.journal.head).saturating_sub(self.journal.first);
        let mut from = 0;
        for line in elements(&self.messages).take(skipped.max(self.journal.head)) {
            from += line.len() + 1;
        }
        let rest = self.messages.split_off(from.min(self.messages.len()));
        self.messages.clear();
        self.journal.first = gone.max(self.journal.first);
        self.journal.head = elements(head).count();
        for part in [head, &rest] {
            if !self.messages.is_empty() && !part.is_empty() {
                self.messages.push(b',');
            }
            self.messages.extend_from_slice(part);
        }
    }

    /// The lines since they were taken last.
    #[cfg(feature = "sessions")]
    pub(crate) fn take_journal(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.journal.lines)
    }
}
