//! Tool errors: what the model reads when a call did not work, and what it can do next.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{FsError, part};

use crate::json::Object;
use crate::template::fill;

/// The kinds of tool errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    InvalidArguments,
    NotFound,
    PermissionDenied,
    Unsupported,
    TooLarge,
    Timeout,
    Network,
    Internal,
}

impl ErrorKind {
    fn name(self) -> &'static str {
        const NAMES: &str = "invalid_arguments not_found permission_denied unsupported too_large timeout network internal";
        part(NAMES, b' ', self as usize)
    }
}

/// A call that did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolError {
    kind: ErrorKind,
    message: String,
}

impl ToolError {
    /// The message comes as a template ([`fill`]) with its parts.
    pub(crate) fn new(kind: ErrorKind, message: &str, parts: &[&str]) -> ToolError {
        ToolError {
            kind,
            message: fill(message, parts),
        }
    }

    /// Arguments that can't be taken.
    pub(crate) fn invalid(message: &str, parts: &[&str]) -> ToolError {
        ToolError::new(ErrorKind::InvalidArguments, message, parts)
    }

    /// A path that the tools may not touch.
    pub(crate) fn denied(path: &str, why: &str) -> ToolError {
        ToolError::new(ErrorKind::PermissionDenied, "\"%\" %", &[path, why])
    }

    /// A file operation on `path` that failed.
    pub(crate) fn file(path: &str, error: FsError) -> ToolError {
        use ErrorKind::{
            Internal, InvalidArguments, NotFound, PermissionDenied, TooLarge, Unsupported,
        };
        let (kind, advice) = match error {
            FsError::NotFound => (NotFound, "; list_directory shows what is there"),
            FsError::Denied => (
                PermissionDenied,
                ": paths stay in the workspace, and some of it may be off limits",
            ),
            FsError::ReadOnly => (PermissionDenied, ": reading still works"),
            FsError::IsFolder => (
                InvalidArguments,
                ": use list_directory, or name a file in it",
            ),
            FsError::NotFolder | FsError::NotEmpty | FsError::Exists | FsError::InvalidPath => {
                (InvalidArguments, "; check the path")
            }
            FsError::TooLarge => (TooLarge, ""),
            FsError::Special => (Unsupported, ": only regular files can be read and written"),
            FsError::Unsupported => (Unsupported, ""),
            FsError::NoRoot => (PermissionDenied, "; no workspace: grant one with --dir"),
            FsError::NoSpace => (Internal, "; nothing was changed; free some space first"),
            _ => (Internal, ""),
        };
        let shown = if path.is_empty() { "." } else { path };
        ToolError::new(kind, "\"%\": %%", &[shown, error.text(), advice])
    }

    /// What is wrong, and what to do.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The error as the model gets it.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let inner = Object::new()
            .text("kind", self.kind.name())
            .text("message", &self.message)
            .finish();
        Object::new().raw("error", &inner).finish()
    }
}
