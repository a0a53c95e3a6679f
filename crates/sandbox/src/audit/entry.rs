//! One entry, as it is read back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::head::Hash;

/// Whether the policy let a call happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was done, or begun; [`Entry::error`] tells whether it went wrong.
    Permitted,
    /// It was not.
    Denied,
}

impl Verdict {
    /// As it is written: `permitted` or `denied`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Permitted => "permitted",
            Verdict::Denied => "denied",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One host call of a plugin, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The format's version: 1.
    #[serde(rename = "v")]
    pub version: u32,
    /// Counts from 1 in each chain, without gaps.
    #[serde(rename = "seq")]
    pub sequence: u64,
    /// Wall time at the call's beginning, in milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// Whose call it was.
    pub plugin: String,
    /// The host function, such as `http-request`; `audit` for what the log says of itself.
    pub function: String,
    /// The parameters, bounded and without secrets.
    pub summary: String,
    /// Whether the policy let it happen.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: String,
    /// What the guest was told went wrong, if anything did.
    pub error: Option<String>,
    /// From the call's beginning to the writing of its entry, in nanoseconds.
    pub duration_ns: u64,
    /// What the log has to say of itself.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The hash of the entry before.
    pub prev: Hash,
    /// This entry's.
    pub hash: Hash,
}

/// What a log says of itself, in the first entry that it writes after the fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Notice {
    /// When the log was opened, its last line was cut. Its bytes are in a file of their own.
    Torn {
        /// How many there were.
        bytes: u64,
        /// Over them.
        sha256: Hash,
    },
    /// Entries that could not be written since the last one that was; their calls failed.
    Unwritten {
        /// How many.
        entries: u64,
    },
    /// When the log was opened, it had entries and no head that could be read.
    HeadMissing {},
    /// When the log was opened, its head was of a later entry than the last in it: the newest entries were lost or removed.
    HeadAhead {
        /// The head's.
        sequence: u64,
        /// The head's.
        hash: Hash,
    },
    /// When the log was opened, its head was not of the last entry in it, nor of the one before: entries were added, or the head is
    /// an older one.
    HeadOther {
        /// The head's.
        sequence: u64,
        /// The head's.
        hash: Hash,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Torn { bytes, .. } => {
                write!(f, "a last line of {bytes} bytes was cut and set aside")
            }
            Notice::Unwritten { entries } => {
                write!(
                    f,
                    "{entries} entries before could not be written; their calls failed"
                )
            }
            Notice::HeadMissing {} => f.write_str(
                "there was no head when the log was opened: newer entries may have been removed",
            ),
            Notice::HeadAhead { sequence, .. } => {
                write!(
                    f,
                    "when the log was opened, its head was of entry {sequence}: the entries up to it were lost or removed"
                )
            }
            Notice::HeadOther { sequence, .. } => {
                write!(
                    f,
                    "when the log was opened, its head was of another entry {sequence}: entries were added or exchanged"
                )
            }
        }
    }
}
