//! The file system of builds that have none.

use super::{FileSystem, FsError, FsResult, Listing, ReadChunk, Stat};

/// Answers every call with [`FsError::Unsupported`], whose text names the artifacts that have files.
#[derive(Clone, Copy, Debug, Default)]
pub struct StubFileSystem;

impl FileSystem for StubFileSystem {
    fn read(&mut self, _: &str, _: u64, _: usize) -> FsResult<ReadChunk> {
        Err(FsError::Unsupported)
    }

    fn replace(&mut self, _: &str, _: &[u8]) -> FsResult<()> {
        Err(FsError::Unsupported)
    }

    fn append(&mut self, _: &str, _: &[u8]) -> FsResult<u64> {
        Err(FsError::Unsupported)
    }

    fn list(&mut self, _: &str, _: usize) -> FsResult<Listing> {
        Err(FsError::Unsupported)
    }

    fn stat(&mut self, _: &str) -> FsResult<Stat> {
        Err(FsError::Unsupported)
    }

    fn create_folders(&mut self, _: &str) -> FsResult<()> {
        Err(FsError::Unsupported)
    }

    fn remove(&mut self, _: &str) -> FsResult<()> {
        Err(FsError::Unsupported)
    }

    fn rename(&mut self, _: &str, _: &str) -> FsResult<()> {
        Err(FsError::Unsupported)
    }
}
