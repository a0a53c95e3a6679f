//! One figure for the memory of a run, and what it leaves each part of it.

use crate::word_list;

/// How much memory a run may take for what model, files and web say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// Each part keeps to a limit of its own, and the conversation to none.
    #[default]
    None,
    /// [`Limits::BOARD_BYTES`] for all parts together.
    #[cfg(feature = "limits")]
    Board,
}

// The parts' shares of the figure: one in so many bytes. The history is there all along; beside it there is either a reply on
// its way in, or the calls of one with what the tool that runs needs, which is up to four times a file.

/// The history, as it is sent.
pub(crate) const HISTORY: usize = 4;
/// A reply: its text, reasoning and calls as JSON, one event of its stream, or its body where it is no stream.
pub(crate) const REPLY: usize = 32;
/// A prompt, as it is sent.
pub(crate) const PROMPT: usize = 32;
/// The results of one reply's calls.
pub(crate) const RESULTS: usize = 32;
/// The result of one call.
pub(crate) const RESULT: usize = 64;
/// The text in it that a tool reads, as JSON: with the rest of the result it stays below that.
pub(crate) const TEXT: usize = 72;
/// The file of memory: its words take ten times their letters while they are searched.
pub(crate) const MEMORY: usize = 40;
/// The entries of a folder, not bytes.
pub(crate) const ENTRIES: usize = 6_400;
/// The names of a folder of notes, not bytes.
pub(crate) const NOTES: usize = 1_280;
/// The workspace's own instructions in the system text, and so the beginning of a file that is read for it.
pub(crate) const INSTRUCTIONS: usize = 160;
/// The skills told there, not bytes.
pub(crate) const SKILLS: usize = 40_960;
/// A file or a body that a tool needs whole.
pub(crate) const WHOLE: usize = 16;
/// The values, not bytes, of a JSON text that somebody else wrote: arrays of small ones take much more memory than they have letters.
pub(crate) const VALUES: usize = 640;

/// A line of a session's file.
const LINE: usize = 10;

/// Bytes of a line of a session's file without limits.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

impl Limits {
    /// The names in settings, in this order.
    pub(crate) const NAMES: &str = if cfg!(feature = "limits") {
        "none board"
    } else {
        "none"
    };

    /// Every choice.
    pub const ALL: &[Limits] = &[
        Limits::None,
        #[cfg(feature = "limits")]
        Limits::Board,
    ];

    /// Bytes that everything which grows with what model, files and web say may take together. A board with one megabyte of
    /// linear memory has them: of its 16 pages the program takes 2 or 3, and 3 are left for what allocation wastes.
    pub const BOARD_BYTES: usize = 640 * 1024;

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        word_list::word(Limits::NAMES, self as usize)
    }

    /// The limit of a part: the board's share, or `own`.
    pub(crate) fn of(self, share: usize, own: usize) -> usize {
        match self {
            Limits::None => {
                let _ = share;
                own
            }
            #[cfg(feature = "limits")]
            Limits::Board => own.min(Limits::BOARD_BYTES / share),
        }
    }

    /// Bytes that the history takes from the start, so that it never moves: all that it may have, where that is known.
    pub(crate) fn reserved(self) -> usize {
        if self.are_tight() {
            self.of(HISTORY, usize::MAX)
        } else {
            0
        }
    }

    /// Whether there are any.
    pub(crate) fn are_tight(self) -> bool {
        self != Limits::None
    }

    /// The most values of a JSON text.
    pub(crate) fn values(self) -> usize {
        self.of(VALUES, usize::MAX)
    }

    /// Bytes of a line of a session's file: what the calls of a reply say is one, or the reply.
    pub fn line_bytes(self) -> usize {
        self.of(LINE, MAX_LINE_BYTES)
    }

    /// Bytes of a prompt, as it is sent.
    pub fn prompt_bytes(self) -> usize {
        self.of(PROMPT, usize::MAX)
    }
}
