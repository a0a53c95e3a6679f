//! Standard input, output and error from wasi:cli.

use alloc::vec::Vec;

use wasi::cli::{stderr, stdin, stdout, terminal_stdin};
use wasi::io::streams::{OutputStream, StreamError};

pub use crate::streams::InputError;

/// Bytes that one `blocking-write-and-flush` takes, by the definition of wasi:io.
pub(super) const MAX_WRITE: usize = 4096;

/// Writes all of it to standard output, without allocating. A reader that went away is no failure: what it left unread is
/// lost to it alone.
pub fn write_output(bytes: &[u8]) {
    write(&stdout::get_stdout(), bytes);
}

/// As [`write_output`], to standard error.
pub fn write_error(bytes: &[u8]) {
    write(&stderr::get_stderr(), bytes);
}

fn write(stream: &OutputStream, bytes: &[u8]) {
    for piece in bytes.chunks(MAX_WRITE) {
        if stream.blocking_write_and_flush(piece).is_err() {
            return;
        }
    }
}

/// Waits for standard input and takes at most `length` bytes (not 0) of it; none at its end.
///
/// # Errors
/// [`InputError`] when the host can't read it.
#[inline(never)]
pub fn read_input(length: usize) -> Result<Vec<u8>, InputError> {
    match stdin::get_stdin().blocking_read(length as u64) {
        Ok(bytes) => Ok(bytes),
        Err(StreamError::Closed) => Ok(Vec::new()),
        Err(StreamError::LastOperationFailed(_)) => Err(InputError),
    }
}

/// Whether standard input is a terminal, where a person can be asked.
pub fn input_is_terminal() -> bool {
    terminal_stdin::get_terminal_stdin().is_some()
}
