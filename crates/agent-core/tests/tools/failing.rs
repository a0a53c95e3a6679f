//! A file system on which every call fails in one way.

use dewclaw_platform::{FileSystem, FsError, FsResult, Listing, ReadChunk, Stat};

/// One call of each tool.
pub(crate) const CALLS: [(&str, &str); 6] = [
    ("read_file", r#"{"path":"x/y.md"}"#),
    ("write_file", r#"{"path":"x/y.md","content":"c"}"#),
    (
        "edit_file",
        r#"{"path":"x/y.md","old_text":"a","new_text":"b"}"#,
    ),
    ("list_directory", r#"{"path":"x/y.md"}"#),
    ("memory_read", "{}"),
    ("memory_write", r#"{"content":"c"}"#),
];

/// Every failure, and the kind of error that the model is told.
pub(crate) const ERRORS: [(FsError, &str); 14] = [
    (FsError::NotFound, "not_found"),
    (FsError::Denied, "permission_denied"),
    (FsError::ReadOnly, "permission_denied"),
    (FsError::NoRoot, "permission_denied"),
    (FsError::IsFolder, "invalid_arguments"),
    (FsError::NotFolder, "invalid_arguments"),
    (FsError::NotEmpty, "invalid_arguments"),
    (FsError::Exists, "invalid_arguments"),
    (FsError::InvalidPath, "invalid_arguments"),
    (FsError::TooLarge, "too_large"),
    (FsError::Special, "unsupported"),
    (FsError::Unsupported, "unsupported"),
    (FsError::NoSpace, "internal"),
    (FsError::Io, "internal"),
];

/// Answers every call with this error.
pub(crate) struct Failing(pub(crate) FsError);

impl FileSystem for Failing {
    fn read(&mut self, _: &str, _: u64, _: usize) -> FsResult<ReadChunk> {
        Err(self.0)
    }

    fn replace(&mut self, _: &str, _: &[u8]) -> FsResult<()> {
        Err(self.0)
    }

    fn append(&mut self, _: &str, _: &[u8]) -> FsResult<u64> {
        Err(self.0)
    }

    fn list(&mut self, _: &str, _: usize) -> FsResult<Listing> {
        Err(self.0)
    }

    fn stat(&mut self, _: &str) -> FsResult<Stat> {
        Err(self.0)
    }

    fn create_folders(&mut self, _: &str) -> FsResult<()> {
        Err(self.0)
    }

    fn remove(&mut self, _: &str) -> FsResult<()> {
        Err(self.0)
    }

    fn rename(&mut self, _: &str, _: &str) -> FsResult<()> {
        Err(self.0)
    }
}
