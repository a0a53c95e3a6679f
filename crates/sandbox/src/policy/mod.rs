//! What a plugin may do: its manifest asks, the operator's policy decides, hard maxima clamp.
//!
//! [`Manifest`] and [`Policy`] document every key of the two files. [`Effective::decide`] puts them together; what comes out
//! answers every question that is asked while the plugin runs, and is printed by `dewclaw plugin check`.

mod answers;
mod audit_keys;
mod check;
mod decision;
mod effective;
mod environment;
mod error;
mod folder;
mod grant_line;
mod manifest;
mod missing;
mod network;
mod operator;
mod read;
mod wasi;

pub use answers::OpenedPath;
pub use decision::Decision;
pub use effective::{Effective, Outcome, Row};
pub use error::{Problem, ReadError};
pub use folder::{Access, FolderGrant};
pub use grant_line::{GrantLine, Place};
pub use manifest::{Manifest, PluginManifest};
pub use network::{HostRule, Scheme};
pub use operator::Policy;
pub use read::{MAX_ENTRIES, MAX_FILE_BYTES};
pub use wasi::WasiPackage;
