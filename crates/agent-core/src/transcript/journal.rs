//! What a session's file is told of a transcript, as lines, while it grows.

use alloc::vec::Vec;

use super::Transcript;
use crate::json::decimal;
use crate::template::fill;

/// The lines that were not taken yet. Without the feature `sessions` there are none.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    /// What happens is noted.
    is_kept: bool,
    lines: Vec<u8>,
    /// The wall clock.
    now_ms: u64,
}

/// Two transcripts with the same messages are the same, whatever is noted of them.
impl PartialEq for Journal {
    fn eq(&self, _: &Journal) -> bool {
        true
    }
}

impl Eq for Journal {}

impl Transcript {
    /// From now on what is added and left out is noted, behind a repair of the file's end.
    #[cfg(feature = "sessions")]
    pub(crate) fn keep_journal(&mut self, repair: &str) {
        self.journal.is_kept = true;
        self.journal.lines.extend_from_slice(repair.as_bytes());
    }

    /// The moment of what is noted from now on.
    pub(crate) fn set_time(&mut self, wall_ms: u64) {
        self.journal.now_ms = wall_ms;
    }

    /// Whether what happens is noted.
    pub(crate) fn has_journal(&self) -> bool {
        cfg!(feature = "sessions") && self.journal.is_kept
    }

    /// Notes messages; with a number, that they stand in place of all but the last so many that are no results.
    pub(crate) fn note(&mut self, last: Option<usize>, json: &[u8]) {
        if !self.has_journal() {
            return;
        }
        let now = decimal(self.journal.now_ms);
        let count = last.map(|last| fill(",\"last\":%", &[&decimal(last as u64)]));
        // Of `Transcript::VERSION`.
        let start = fill(
            "{\"v\":1,\"t\":%%,\"%\":[",
            &[&now, &count.unwrap_or_default(), self.wire],
        );
        for part in [start.as_bytes(), json, b"]}\n"] {
            self.journal.lines.extend_from_slice(part);
        }
    }

    /// Notes that so many bytes stand in the place of what was left out.
    pub(super) fn note_left_out(&mut self, head: usize) {
        if self.has_journal() {
            let (head, rest) = self.messages.split_at(head.min(self.messages.len()));
            let rest = rest.strip_prefix(b",").unwrap_or(rest);
            let last = crate::json::elements(rest).filter(|line| is_no_result(line));
            let last = last.count();
            let head = head.to_vec();
            self.note(Some(last), &head);
        }
    }

    /// Takes out the last so many messages that are no results, with the results behind them, and leaves out all others.
    #[cfg(feature = "sessions")]
    pub(crate) fn split_last(&mut self, last: usize) -> Vec<u8> {
        let all = self.lines().filter(|line| is_no_result(line)).count();
        let (mut seen, mut from) = (0, 0);
        for line in self.lines() {
            seen += usize::from(is_no_result(line));
            if seen + last > all {
                break;
            }
            from += line.len() + 1;
        }
        let rest = self.messages.split_off(from.min(self.messages.len()));
        self.messages.clear();
        rest
    }

    /// The lines since they were taken last.
    #[cfg(feature = "sessions")]
    pub(crate) fn take_journal(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.journal.lines)
    }
}

/// Whether a message, on any wire, is a prompt or a reply.
fn is_no_result(line: &[u8]) -> bool {
    !line.starts_with(br#"{"role":"tool""#)
        && !line.starts_with(br#"{"role":"user","content":[{"type":"tool_result""#)
}
