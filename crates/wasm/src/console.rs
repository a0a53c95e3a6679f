//! Standard input, output and error.

use alloc::string::String;
use alloc::vec::Vec;

use wasi::cli::{stderr, stdin, stdout};
use wasi::io::streams::{OutputStream, StreamError};

/// Bytes that one `blocking-write-and-flush` takes, by the definition of wasi:io.
const MAX_WRITE: usize = 4096;

/// Bytes of standard input that a prompt or arguments may have.
pub(crate) const MAX_INPUT_BYTES: usize = 1024 * 1024;

/// Writes to standard output. A reader that went away is no failure: what it left unread is lost to it alone.
pub(crate) fn print(bytes: &[u8]) {
    write(&stdout::get_stdout(), bytes);
}

/// Writes lines to standard error.
pub(crate) fn complain(parts: &[&str]) {
    let mut line = parts.concat();
    line.push('\n');
    write(&stderr::get_stderr(), line.as_bytes());
}

fn write(stream: &OutputStream, bytes: &[u8]) {
    for piece in bytes.chunks(MAX_WRITE) {
        if stream.blocking_write_and_flush(piece).is_err() {
            return;
        }
    }
}

/// Standard input, whole.
///
/// # Errors
/// Why it can't be used, for the person.
pub(crate) fn read_input() -> Result<String, &'static str> {
    let stream = stdin::get_stdin();
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        match stream.blocking_read(16 * 1024) {
            Ok(more) => bytes.extend_from_slice(&more),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err("standard input can't be read"),
        }
        if bytes.len() > MAX_INPUT_BYTES {
            return Err("standard input is larger than 1 MiB");
        }
    }
    String::from_utf8(bytes).map_err(|_| "standard input is not UTF-8 text")
}

/// Says that there is a bug.
pub(crate) fn panicked() {
    complain(&["dewclaw: internal error: please report it, with the trace that follows"]);
}
