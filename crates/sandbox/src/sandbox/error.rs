//! Why a plugin is not there to be called.

use std::path::PathBuf;

use super::description::DescriptionError;
use super::imports::ImportsError;
use crate::engine::{CallError, LoadError};
use crate::files::OpenError;

/// Why a plugin was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Its file is no component.
    #[error(transparent)]
    Imports(#[from] ImportsError),
    /// It imports what the policy does not grant, or what no plugin gets.
    #[error("the plugin imports {name}, which is refused: {rule}{}", granting(.grant))]
    Import {
        /// The import.
        name: String,
        /// Why.
        rule: String,
        /// What would grant it; empty where nothing would.
        grant: String,
    },
    /// A folder that it is granted for writing holds the audit.
    #[error(
        "the granted folder {folder:?} holds the audit trails, which no plugin may write ({rule}): grant a folder that does not"
    )]
    AuditFolder {
        /// The folder.
        folder: PathBuf,
        /// The rule that grants it.
        rule: String,
    },
    /// A folder that it is granted cannot be opened.
    #[error(transparent)]
    Files(#[from] OpenError),
    /// The engine did not take it.
    #[error(transparent)]
    Load(#[from] LoadError),
}

fn granting(grant: &str) -> String {
    if grant.is_empty() {
        String::new()
    } else {
        format!("; to grant it: {grant}")
    }
}

/// Why a plugin's description is not known.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// Its `describe` did not come to an end.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What it gave is no description.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}
