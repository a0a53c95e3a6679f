//! Files below one root: the workspace, or the state folder.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::{part, split};

pub(crate) mod memory;
pub(crate) mod stub;

/// Why a file operation failed. The texts carry no paths: the caller knows which one it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FsError {
    /// Nothing is there.
    NotFound,
    /// The path leaves the root, enters an excluded folder, or the host said no.
    Denied,
    /// The root or its file system takes no writes.
    ReadOnly,
    /// A folder stands where a file was wanted.
    IsFolder,
    /// A file stands where a folder was wanted.
    NotFolder,
    /// A folder that must be empty is not.
    NotEmpty,
    /// The target of a rename exists and can't be replaced.
    Exists,
    /// The disk or the quota is full.
    NoSpace,
    /// The file would grow past what the file system takes.
    TooLarge,
    /// The path is not one: empty where a name is needed, a NUL, a name that is too long.
    InvalidPath,
    /// Neither a file nor a folder: a pipe, a socket, a device.
    Special,
    /// This build has no file system.
    Unsupported,
    /// No folder was granted to this run.
    NoRoot,
    /// Anything else: hardware, or an interrupted host.
    Io,
}

/// What is told of each error, in their order.
const FS_TEXTS: &str = "\
    no such file or folder\n\
    access denied\n\
    the file system is read-only\n\
    it is a folder\n\
    it is not a folder\n\
    the folder is not empty\n\
    it exists already\n\
    no space left on the device\n\
    the file is too large for the file system\n\
    the path is not valid\n\
    it is neither a file nor a folder\n\
    this build has no file system: dewclaw.wasm and dewclaw-offline.wasm have one\n\
    no folder was granted\n\
    input/output error";

impl FsError {
    /// What a person or a model is told.
    pub fn text(self) -> &'static str {
        part(FS_TEXTS, b'\n', self as usize)
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl core::error::Error for FsError {}

/// A file operation's answer.
pub type FsResult<T> = Result<T, FsError>;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, as listed; every other operation follows it as far as the root allows.
    Link,
    /// A pipe, socket or device. Never opened.
    Special,
}

/// What is known of a path without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What stands there, links followed.
    pub kind: EntryKind,
    /// Bytes of a file; 0 for anything else.
    pub size: u64,
}

/// Bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadChunk {
    /// At most as many bytes as were asked for; fewer only at the file's end.
    pub bytes: Vec<u8>,
    /// Whether the file ends after these bytes.
    pub end: bool,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingEntry {
    /// Its name, without any folder.
    pub name: String,
    /// What it is, links not followed.
    pub kind: EntryKind,
    /// Bytes of a file; 0 for anything else.
    pub size: u64,
}

/// A folder's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The first entries by name (byte order), as many as were asked for.
    pub entries: Vec<ListingEntry>,
    /// How many there are in all, those whose names are not UTF-8 included.
    pub total: u64,
}

/// Files below one root.
///
/// Paths are relative, `/`-separated and normal: no empty, `.` or `..` part, no NUL; `""` is the root itself. A backend
/// refuses others with [`FsError::Denied`] or [`FsError::InvalidPath`], and follows symbolic links only as
/// far as they stay below the root.
pub trait FileSystem {
    /// Reads at most `length` bytes from `offset` (bytes). At or past the end: no bytes, `end` true.
    fn read(&mut self, path: &str, offset: u64, length: usize) -> FsResult<ReadChunk>;

    /// Makes the file hold `content`, whatever it held before. Atomic: a crash at any moment leaves the old
    /// content or the new one. The folder must exist.
    fn replace(&mut self, path: &str, content: &[u8]) -> FsResult<()>;

    /// Adds `content` at the end, makes the file if it is missing, and returns only once the bytes are on the
    /// disk. Answers the file's new length in bytes. What others add at the same time stays.
    fn append(&mut self, path: &str, content: &[u8]) -> FsResult<u64>;

    /// The first `limit` entries of a folder, by name.
    fn list(&mut self, path: &str, limit: usize) -> FsResult<Listing>;

    /// What stands at a path.
    fn stat(&mut self, path: &str) -> FsResult<Stat>;

    /// Makes a folder and those above it. Existing ones are fine.
    fn create_folders(&mut self, path: &str) -> FsResult<()>;

    /// Removes a file, a link (not what it points to) or an empty folder. The root can't be removed.
    fn remove(&mut self, path: &str) -> FsResult<()>;

    /// Renames, replacing a file that stands at `to`.
    fn rename(&mut self, from: &str, to: &str) -> FsResult<()>;
}

/// The parts of a path that keeps the contract of [`FileSystem`]; the root has none.
pub(crate) fn parts(path: &str) -> FsResult<Vec<&str>> {
    let mut parts = Vec::new();
    if path.is_empty() {
        return Ok(parts);
    }
    for part in split(path, b'/') {
        match part {
            "" | "." => return Err(FsError::InvalidPath),
            ".." => return Err(FsError::Denied),
            _ if part.bytes().any(|byte| byte == 0) => return Err(FsError::InvalidPath),
            _ => parts.push(part),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::FsError;

    #[test]
    fn each_error_has_its_text() {
        assert_eq!(FsError::NotFound.text(), "no such file or folder");
        assert_eq!(FsError::NotEmpty.text(), "the folder is not empty");
        assert_eq!(FsError::NoRoot.text(), "no folder was granted");
        assert_eq!(FsError::Io.text(), "input/output error");
    }
}
