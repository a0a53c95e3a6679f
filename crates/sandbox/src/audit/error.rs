//! Why a log cannot be opened, written or read.

use std::io;
use std::path::PathBuf;

/// Why a log cannot be opened, written or read. From [`AuditLog`](super::AuditLog) and its calls it means that the host call must
/// fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A plugin's name becomes a file's name.
    #[error(
        "{0:?} cannot be the name of a plugin's audit log: 1 to 64 letters of a-z, A-Z, 0-9, - and _ are needed"
    )]
    Name(String),
    /// A file or folder of the trail cannot be opened or made.
    #[error("the audit trail cannot be opened at {}: {source}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// All chains of the plugin are being written by others.
    #[error("{writers} others are writing the audit log of plugin {plugin}: end one of them")]
    InUse {
        /// Whose.
        plugin: String,
        /// How many chains there may be at once.
        writers: u32,
    },
    /// The last whole line is not an entry that the chain can go on from.
    #[error(
        "the audit log {} cannot be continued: its last line {why}; verify it, then move the plugin's files elsewhere",
        path.display()
    )]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong, as in "its last line …".
        why: &'static str,
    },
    /// An entry was not written.
    #[error("the audit entry cannot be written to {}, so the call fails: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The plugin's files have reached [`max_total_bytes`](super::AuditOptions::max_total_bytes).
    #[error(
        "the audit trail of plugin {plugin} has reached its limit max_total_bytes of {limit}, so the call fails: move its oldest files elsewhere"
    )]
    Full {
        /// Whose.
        plugin: String,
        /// In bytes.
        limit: u64,
    },
    /// After an earlier failure nobody can say what the disk holds. The log has to be opened again.
    #[error("the audit log {} is not written any more, so the call fails: {why}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// A file of the trail cannot be read.
    #[error("the audit trail cannot be read at {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
