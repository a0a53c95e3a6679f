//! Why a manifest or a policy was not read: the file, the line, and what to do.

use std::fmt;

/// A manifest or a policy that was refused as a whole. Nothing of it counts.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}:{line}: {problem}")]
pub struct ReadError {
    /// The file, as it was named by the caller.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong in a manifest or in a policy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// Larger than [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES).
    #[error("larger than {} bytes", super::MAX_FILE_BYTES)]
    TooLarge,
    /// Not text.
    #[error("not UTF-8")]
    NotUtf8,
    /// Not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A policy begins with its version.
    #[error("a policy says its version: write `version = 1` in its first line")]
    NoVersion,
    /// A version that is not known here.
    #[error("version {0} is not known here: this program reads version 1")]
    UnknownVersion(u64),
    /// A key that nothing reads, and the known one that looks most like it.
    #[error("unknown key {key:?}{}{}", In(.section), Nearest(.nearest))]
    UnknownKey {
        /// The key as it stands there.
        key: String,
        /// The table that it stands in, empty for the file's own.
        section: String,
        /// The known key of that table that looks most like it.
        nearest: Option<&'static str>,
    },
    /// A value of another kind than its key has.
    #[error("{key} must be {expected}, not {found}")]
    WrongKind {
        /// The key.
        key: String,
        /// What it takes, with an example.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A plugin's name that cannot be one.
    #[error("{0:?} is not a plugin's name: 1 to 64 of the characters a-z, A-Z, 0-9, - and _")]
    PluginName(String),
    /// A manifest that asks for something that only the operator may say.
    #[error("{key} is said by the operator's policy alone; a manifest cannot ask for it")]
    OperatorOnly {
        /// The key.
        key: &'static str,
    },
    /// More entries than [`MAX_ENTRIES`](super::MAX_ENTRIES).
    #[error("{key} has more than {} entries", super::MAX_ENTRIES)]
    TooMany {
        /// The key.
        key: &'static str,
    },
    /// An entry of a list that cannot be what its key lists.
    #[error("{key}: {entry:?} {reason}")]
    Entry {
        /// The key.
        key: &'static str,
        /// The entry as it stands there.
        entry: String,
        /// What is wrong with it, and what to write.
        reason: String,
    },
    /// A plugin would know two folders by one name.
    #[error(
        "filesystem: the plugin would know two folders as {name:?}, {first:?} and {second:?}: give one another name with `as`"
    )]
    TwoFolders {
        /// The name.
        name: String,
        /// What one rule makes of it.
        first: String,
        /// What another makes of it.
        second: String,
    },
}

struct In<'a>(&'a str);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            section => write!(f, " in [{}]", section.escape_debug()),
        }
    }
}

struct Nearest<'a>(&'a Option<&'static str>);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(nearest) => write!(f, ": did you mean {nearest:?}?"),
        }
    }
}
