//! Why a file was not read or written, by type: the rule or the limit is named, and the line that would grant it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::limits::Limit;
use crate::policy::Decision;

/// The rules that no policy lifts.
pub(super) const LEAVES: &str = "symlinks that leave a granted folder are refused";
pub(super) const IRREGULAR: &str = "only regular files are read and written";
pub(super) const HARD_LINKS: &str = "files with more than one name are refused";

/// A file that was not read or written. No text holds a path of the host: `path` is always the plugin's own word.
///
/// The texts are for the audit and the operator: a denial tells the line that would grant it.
/// [`for_plugin`](FilesError::for_plugin) leaves that out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilesError {
    /// The policy does not grant it, or the path is none.
    #[error("file denied: {path}: {}{}", .decision.rule, granting(.decision))]
    Denied {
        /// As the plugin gave it, shortened.
        path: String,
        /// The policy's decision.
        decision: Decision,
    },
    /// A symlink, or a `..` in one, leads out of the granted folder.
    #[error("file denied: {path}: a symlink leads out of the granted folder")]
    Leaves {
        /// As the plugin gave it.
        path: String,
    },
    /// It is no regular file.
    #[error("file denied: {path}: {kind}; only regular files are read and written")]
    Irregular {
        /// As the plugin gave it.
        path: String,
        /// What it is.
        kind: Irregular,
    },
    /// The file has more than one name, and the others may be outside the granted folder.
    #[error(
        "file denied: {path}: the file has {names} names (hard links), some of which may be outside the granted folder; use a copy"
    )]
    HardLink {
        /// As the plugin gave it.
        path: String,
        /// How many names it has.
        names: u64,
    },
    /// The file, or what was to be written, is longer than it may be.
    #[error("limit reached: {path}: {} is {}", .limit.key(), .limit.show(*.most))]
    TooLong {
        /// As the plugin gave it.
        path: String,
        /// [`Limit::ReadFile`] or [`Limit::WriteFile`].
        limit: Limit,
        /// Bytes that it may have.
        most: u64,
    },
    /// The plugin has as many files open as it may.
    #[error("limit reached: {path}: {} is {most}, over all running calls of the plugin", Limit::OpenFiles.key())]
    OpenFiles {
        /// As the plugin gave it.
        path: String,
        /// Files that may be open at once.
        most: u64,
    },
    /// The plugin has written as much as it may.
    #[error("limit reached: {path}: {} is {} since the plugin was loaded", Limit::Written.key(), Limit::Written.show(*.most))]
    Written {
        /// As the plugin gave it.
        path: String,
        /// Bytes that may be written.
        most: u64,
    },
    /// The file is not UTF-8.
    #[error("{path}: the file is not UTF-8 text")]
    NotText {
        /// As the plugin gave it.
        path: String,
    },
    /// The call ended before the file was put in its place: what was there is still there.
    #[error("{path}: the call ended before the file was put in its place; nothing was changed")]
    CallEnded {
        /// As the plugin gave it.
        path: String,
    },
    /// The system refused: there is no such file, the disk is full.
    #[error("{path}: {cause}")]
    System {
        /// As the plugin gave it.
        path: String,
        /// What the system said, by kind.
        cause: io::ErrorKind,
    },
}

/// What is no regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Irregular {
    /// A folder.
    #[error("it is a folder")]
    Folder,
    /// A named pipe.
    #[error("it is a FIFO")]
    Fifo,
    /// A socket.
    #[error("it is a socket")]
    Socket,
    /// A block or character device.
    #[error("it is a device")]
    Device,
    /// A file that the kernel makes up, as in `/proc` and `/sys`.
    #[error("it is a file that the kernel makes up")]
    Kernel,
    /// Something else.
    #[error("it is not a regular file")]
    Other,
}

impl FilesError {
    /// The rule that denied it, if one did: the policy's own words, or this module's where no policy can grant it.
    pub fn rule(&self) -> Option<&str> {
        Some(match self {
            FilesError::Denied { decision, .. } => &decision.rule,
            FilesError::Leaves { .. } => LEAVES,
            FilesError::Irregular { .. } => IRREGULAR,
            FilesError::HardLink { .. } => HARD_LINKS,
            _ => return None,
        })
    }

    /// The limit that was reached, if one was. Its key is what the policy calls it.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            FilesError::TooLong { limit, .. } => Some(*limit),
            FilesError::OpenFiles { .. } => Some(Limit::OpenFiles),
            FilesError::Written { .. } => Some(Limit::Written),
            _ => None,
        }
    }

    /// The line that would grant it, if there is one.
    pub fn grant(&self) -> Option<String> {
        match self {
            FilesError::Denied { decision, .. } => decision.grant_line(),
            _ => None,
        }
    }

    /// Whether it was denied or over a limit, rather than gone wrong.
    pub fn is_denial(&self) -> bool {
        self.rule().is_some() || self.limit().is_some()
    }

    /// What the plugin is told: the same without the policy's file, its lines and what they say.
    pub fn for_plugin(&self) -> String {
        match self {
            FilesError::Denied { path, decision } if decision.grant.is_empty() => {
                format!("file denied: {path}: {}", decision.rule)
            }
            FilesError::Denied { path, .. } => {
                format!("file denied: {path}: no such access is granted to this plugin")
            }
            other => other.to_string(),
        }
    }
}

fn granting(decision: &Decision) -> String {
    decision
        .grant_line()
        .map(|line| format!("; this would grant it: {line}"))
        .unwrap_or_default()
}

/// A granted folder that cannot be opened. The text is for the operator: it tells the folder.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no such folder, or this process may not open it.
    #[error("the granted folder {} cannot be opened ({rule}): {source}", place(.folder, .within))]
    Folder {
        /// As the operator named it.
        folder: PathBuf,
        /// The part of it that the plugin asks for; empty for the whole.
        within: PathBuf,
        /// The rule that grants it.
        rule: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is one of the kernel's own, which tell the host's memory and environment.
    #[error("the granted folder {} is refused ({rule}): the kernel makes up what is in it", place(.folder, .within))]
    Kernel {
        /// As the operator named it.
        folder: PathBuf,
        /// The part of it that the plugin asks for; empty for the whole.
        within: PathBuf,
        /// The rule that grants it.
        rule: String,
    },
}

fn place(folder: &PathBuf, within: &PathBuf) -> String {
    if within.as_os_str().is_empty() {
        format!("{folder:?}")
    } else {
        format!("{folder:?}, in it {within:?},")
    }
}

/// A path as an error shows it: harmless to a terminal, and at most 200 characters of it.
pub(super) fn shown(path: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = path
        .chars()
        .take(MOST)
        .flat_map(|letter| match letter.is_control() {
            true => letter.escape_default().collect::<Vec<_>>(),
            false => vec![letter],
        })
        .collect();
    if path.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
