//! The operations that tools ask for, and how a driver performs them.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{
    FileSystem, FsError, HttpError, Listing, Method, ReadChunk, Stat, Timeouts,
};

use crate::effect::Auth;

/// An operation on the workspace's files. Paths keep the contract of [`FileSystem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOperation {
    /// [`FileSystem::read`], answered by [`FileAnswer::Bytes`].
    Read {
        /// The file.
        path: String,
        /// From this byte.
        offset: u64,
        /// At most so many bytes.
        length: usize,
    },
    /// [`FileSystem::replace`], its folder made first where it is missing; answered by [`FileAnswer::Done`].
    Replace {
        /// The file.
        path: String,
        /// What it will hold.
        content: Vec<u8>,
    },
    /// [`FileSystem::append`], its folder made first where it is missing; answered by [`FileAnswer::Done`].
    Append {
        /// The file.
        path: String,
        /// What is added.
        content: Vec<u8>,
    },
    /// [`FileSystem::list`], answered by [`FileAnswer::Listing`].
    List {
        /// The folder.
        path: String,
        /// At most so many entries.
        limit: usize,
    },
    /// [`FileSystem::stat`], answered by [`FileAnswer::Stat`].
    Stat {
        /// The path.
        path: String,
    },
}

/// The answer to a [`FileOperation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAnswer {
    /// Bytes read.
    Bytes(ReadChunk),
    /// A folder's entries.
    Listing(Listing),
    /// What stands at the path.
    Stat(Stat),
    /// It is done.
    Done,
    /// It failed, and changed nothing.
    Failed(FsError),
}

/// An HTTP exchange, from the request to the last byte that is wanted. A redirect is an answer like any other: the tool
/// decides whether it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOperation {
    /// The method.
    pub method: Method,
    /// An absolute URL.
    pub url: String,
    /// Names in lower case; the driver adds authorisation and content-length.
    pub headers: Vec<(String, String)>,
    /// The request's body.
    pub body: Vec<u8>,
    /// Which credential the driver adds, if any, and how.
    pub auth: Option<Auth>,
    /// Bytes of the answer's body that are wanted. The driver stops reading there, however much there is.
    pub max_bytes: usize,
    /// Patience with each stage.
    pub timeouts: Timeouts,
    /// Milliseconds that the whole exchange may take.
    pub total_ms: u64,
}

/// The answer to an [`HttpOperation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpAnswer {
    /// The server answered.
    Reply {
        /// The status code.
        status: u16,
        /// Headers in lower case; only [`ANSWER_HEADERS`] are read.
        headers: Vec<(String, String)>,
        /// The body, as far as it was wanted.
        body: Vec<u8>,
        /// The body is all of it.
        whole: bool,
    },
    /// No complete answer could be had.
    Failed(HttpError),
}

/// The headers of an [`HttpAnswer`] that tools read; drivers may leave out the rest, and recordings do.
pub const ANSWER_HEADERS: [&str; 4] = [
    "content-type",
    "content-encoding",
    "location",
    "retry-after",
];

/// Performs a file operation.
pub fn perform(files: &mut dyn FileSystem, operation: &FileOperation) -> FileAnswer {
    let answer = match operation {
        FileOperation::Read {
            path,
            offset,
            length,
        } => files.read(path, *offset, *length).map(FileAnswer::Bytes),
        FileOperation::Replace { path, content } => parent_folder(files, path)
            .and_then(|()| files.replace(path, content))
            .map(|()| FileAnswer::Done),
        FileOperation::Append { path, content } => parent_folder(files, path)
            .and_then(|()| files.append(path, content))
            .map(|_| FileAnswer::Done),
        FileOperation::List { path, limit } => files.list(path, *limit).map(FileAnswer::Listing),
        FileOperation::Stat { path } => files.stat(path).map(FileAnswer::Stat),
    };
    answer.unwrap_or_else(FileAnswer::Failed)
}

fn parent_folder(files: &mut dyn FileSystem, path: &str) -> Result<(), FsError> {
    let end = path.bytes().rposition(|byte| byte == b'/');
    match end.and_then(|end| path.get(..end)) {
        Some(folder) => files.create_folders(folder),
        None => Ok(()),
    }
}
