//! What a WASI host offers of a file or folder that it has open.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{FsResult, Stat};

/// A file or folder that the host has open for this program, until it is dropped.
///
/// A `name` is one entry of a folder: never empty, `.` or `..`, without `/`. No call follows a link that
/// stands at a name: what it meets there is the link itself.
pub trait Descriptor: Sized {
    /// The folder `name`, for reading and, where that is granted, for changing what is in it. The caller has looked that it
    /// is one: wasmtime opens a pipe to see whether it is a folder, and waits for ever.
    fn open_folder(&self, name: &str) -> FsResult<Self>;

    /// The file `name`, for reading. The caller has looked that it is one.
    fn open(&self, name: &str) -> FsResult<Self>;

    /// The file `name`, for writing to its end; made when it is missing.
    fn open_to_append(&self, name: &str) -> FsResult<Self>;

    /// The file `name`, made now, for writing; [`FsError::Exists`](crate::FsError::Exists) if anything has that name.
    fn create(&self, name: &str) -> FsResult<Self>;

    /// What stands at `name`.
    fn stat_at(&self, name: &str) -> FsResult<Stat>;

    /// Where the link `name` points to.
    fn read_link(&self, name: &str) -> FsResult<String>;

    /// Makes the folder `name`.
    fn create_folder(&self, name: &str) -> FsResult<()>;

    /// Removes the empty folder `name`.
    fn remove_folder(&self, name: &str) -> FsResult<()>;

    /// Removes `name`, which is not a folder.
    fn remove_file(&self, name: &str) -> FsResult<()>;

    /// Renames `name` to `to_name` in `to`, whose file or empty folder of that name is replaced.
    fn rename(&self, name: &str, to: &Self, to_name: &str) -> FsResult<()>;

    /// Gives every name in this folder to `each`, in any order; `None` stands for one that is not UTF-8.
    fn names(&self, each: impl FnMut(Option<String>)) -> FsResult<()>;

    /// Whether both are the same folder, by whatever name each was opened. In doubt they are.
    fn is_same(&self, other: &Self) -> bool;

    /// Whether the host granted this folder for reading alone. Where it does not say, no.
    fn is_read_only(&self) -> bool;

    /// Bytes of this file.
    fn size(&self) -> FsResult<u64>;

    /// Adds at most `length` bytes (not 0) from `offset` of this file to `bytes`, and answers whether it ends there.
    fn read(&self, bytes: &mut Vec<u8>, length: usize, offset: u64) -> FsResult<bool>;

    /// Writes a first part of `bytes` to `offset` of this file, and answers its length. Without an offset it is written to
    /// the end, wherever that is when it is written, of a file that was opened to append; what others add meanwhile stays.
    fn write(&self, bytes: &[u8], offset: Option<u64>) -> FsResult<usize>;

    /// Cuts this file off, or fills it up with zeros.
    fn set_size(&self, size: u64) -> FsResult<()>;

    /// Waits until all that was written is on the disk.
    fn sync(&self) -> FsResult<()>;

    /// As [`Descriptor::sync`], for what it takes to read the bytes back.
    fn sync_data(&self) -> FsResult<()>;

    /// 64 unpredictable bits, for the names of temporary files.
    fn random() -> u64;
}
