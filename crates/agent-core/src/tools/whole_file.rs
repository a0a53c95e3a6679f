//! Reading a whole file, of bounded size, piece by piece: the first part of several tools.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::FsError;

use super::error::{ErrorKind, ToolError};
use crate::effect::{Operation, OperationAnswer};
use crate::json::decimal;
use crate::operation::{FileAnswer, FileOperation};
use crate::template::fill;

/// Bytes that are asked for at once.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// A file on its way into memory.
pub(crate) struct WholeFile {
    pub(crate) path: String,
    max_bytes: usize,
    bytes: Vec<u8>,
}

/// How far it is.
pub(crate) enum Progress {
    /// It needs this operation.
    Operate(Operation),
    /// It is all there, and text.
    Text(String),
    /// It can't be had.
    Failed(ToolError, Option<FsError>),
}

impl WholeFile {
    pub(crate) fn new(path: String, max_bytes: usize) -> WholeFile {
        WholeFile {
            path,
            max_bytes,
            bytes: Vec::new(),
        }
    }

    /// Goes on: first with no answer, then with each operation's.
    pub(crate) fn step(&mut self, answer: Option<OperationAnswer>) -> Progress {
        match answer {
            None => {}
            Some(OperationAnswer::File(FileAnswer::Bytes(chunk))) => {
                if self.bytes.len() + chunk.bytes.len() > self.max_bytes {
                    let limit = decimal((self.max_bytes / 1024) as u64);
                    return self.fail(
                        ErrorKind::TooLarge,
                        "is larger than % KiB: read it in pages with read_file, or write a new file", &[&limit],
                    );
                }
                if self.bytes.is_empty() {
                    self.bytes = chunk.bytes;
                } else {
                    self.bytes.extend_from_slice(&chunk.bytes);
                }
                if chunk.end {
                    let bytes = core::mem::take(&mut self.bytes);
                    return match String::from_utf8(bytes) {
                        Ok(text) => Progress::Text(text),
                        Err(_) => self.fail(ErrorKind::Unsupported, NOT_TEXT, &[]),
                    };
                }
            }
            Some(OperationAnswer::File(FileAnswer::Failed(error))) => {
                return Progress::Failed(ToolError::file(&self.path, error), Some(error));
            }
            Some(_) => {
                return self.fail(ErrorKind::Internal, WRONG_ANSWER, &[]);
            }
        }
        Progress::Operate(Operation::File(FileOperation::Read {
            path: self.path.clone(),
            offset: self.bytes.len() as u64,
            length: PIECE_BYTES,
        }))
    }

    fn fail(&self, kind: ErrorKind, why: &str, parts: &[&str]) -> Progress {
        let parts = [self.path.as_str(), &fill(why, parts)];
        Progress::Failed(ToolError::new(kind, "\"%\" %", &parts), None)
    }
}

/// Why a file that is no text is not read.
pub(crate) const NOT_TEXT: &str = "is binary: it is not UTF-8 text";

/// A driver that answers an operation with another one's answer.
pub(crate) const WRONG_ANSWER: &str = "got an answer that does not fit the operation";

/// The operation's own error, or `Ok` for [`FileAnswer::Done`].
pub(crate) fn done(path: &str, answer: Option<OperationAnswer>) -> Result<(), ToolError> {
    match answer {
        Some(OperationAnswer::File(FileAnswer::Done)) => Ok(()),
        Some(OperationAnswer::File(FileAnswer::Failed(error))) => Err(ToolError::file(path, error)),
        _ => Err(ToolError::new(
            ErrorKind::Internal,
            "\"%\" %",
            &[path, WRONG_ANSWER],
        )),
    }
}
