//! What is in a folder, read some entries at a time: a folder of a million files takes no more memory than one of a hundred.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use cap_std::fs::{Dir, FileType, ReadDir};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode};
use wasmtime_wasi::runtime::spawn_blocking;

use crate::files::counts::Lease;

/// Entries that are read at once.
const BATCH: usize = 128;

/// A `directory-entry-stream`.
pub(super) struct Listing {
    /// `None` at the end, and after an error of the system's.
    entries: Option<ReadDir>,
    read: VecDeque<Result<DirectoryEntry, ErrorCode>>,
    _lease: Lease,
}

impl Listing {
    pub(super) async fn open(folder: Arc<std::fs::File>, lease: Lease) -> io::Result<Listing> {
        let open = move || {
            Ok(Listing {
                entries: Some(Dir::from_std_file(folder.try_clone()?).entries()?),
                read: VecDeque::new(),
                _lease: lease,
            })
        };
        spawn_blocking(open).await
    }

    pub(super) async fn next(&mut self) -> FsResult<Option<DirectoryEntry>> {
        if self.read.is_empty()
            && let Some(entries) = self.entries.take()
        {
            (self.entries, self.read) = spawn_blocking(move || batch(entries)).await;
        }
        Ok(self.read.pop_front().transpose()?)
    }
}

fn batch(mut entries: ReadDir) -> (Option<ReadDir>, VecDeque<Result<DirectoryEntry, ErrorCode>>) {
    let mut read = VecDeque::with_capacity(BATCH);
    while read.len() < BATCH {
        match entries.next() {
            None => return (None, read),
            Some(Err(error)) => {
                read.push_back(Err(error.into()));
                return (None, read);
            }
            Some(Ok(entry)) => {
                let name = entry.file_name().into_string();
                let name = name.map_err(|_| ErrorCode::IllegalByteSequence);
                let kind = entry.file_type().map(kind).map_err(ErrorCode::from);
                read.push_back(name.and_then(|name| Ok(DirectoryEntry { type_: kind?, name })));
            }
        }
    }
    (Some(entries), read)
}

fn kind(kind: FileType) -> DescriptorType {
    if kind.is_dir() {
        DescriptorType::Directory
    } else if kind.is_symlink() {
        DescriptorType::SymbolicLink
    } else if kind.is_file() {
        DescriptorType::RegularFile
    } else {
        device(kind)
    }
}

#[cfg(unix)]
fn device(kind: FileType) -> DescriptorType {
    use cap_std::fs::FileTypeExt;

    if kind.is_block_device() {
        DescriptorType::BlockDevice
    } else if kind.is_char_device() {
        DescriptorType::CharacterDevice
    } else {
        DescriptorType::Unknown
    }
}

#[cfg(not(unix))]
fn device(_: FileType) -> DescriptorType {
    DescriptorType::Unknown
}
