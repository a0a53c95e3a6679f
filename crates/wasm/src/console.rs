//! Standard input, output and error.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::template::fill;
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

/// Writes lines to standard error: a template, filled as by [`fill`].
pub(crate) fn complain(template: &str, parts: &[&str]) {
    let mut line = fill(template, parts);
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

/// Standard input, whole, where it has at most so many bytes.
///
/// # Errors
/// Why it can't be used, for the person.
pub(crate) fn read_input(most: usize) -> Result<String, &'static str> {
    let stream = stdin::get_stdin();
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        match stream.blocking_read(16 * 1024) {
            Ok(more) => bytes.extend_from_slice(&more),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err("standard input can't be read"),
        }
        if bytes.len() > MAX_INPUT_BYTES.min(most) {
            return Err("standard input is larger than 1 MiB, or than --limits leaves it");
        }
    }
    String::from_utf8(bytes).map_err(|_| "standard input is not UTF-8 text")
}

/// Whether a person can be asked: standard input is a terminal. A build without network has no run to ask about, and
/// does not import what tells.
pub(crate) fn has_terminal() -> bool {
    #[cfg(feature = "http")]
    return wasi::cli::terminal_stdin::get_terminal_stdin().is_some();
    #[cfg(not(feature = "http"))]
    false
}

/// Puts a question on standard error and answers the next line of standard input; `None` when it has ended.
pub(crate) fn ask_line(question: &[&str]) -> Option<String> {
    write(&stderr::get_stderr(), question.concat().as_bytes());
    let stream = stdin::get_stdin();
    let mut line: Vec<u8> = Vec::new();
    // A byte at a time: what follows the line is the answer to the next question.
    while line.len() < MAX_WRITE {
        match stream.blocking_read(1) {
            Ok(byte) if byte == b"\n" => return Some(String::from_utf8_lossy(&line).into_owned()),
            Ok(byte) => line.extend_from_slice(&byte),
            Err(_) => break,
        }
    }
    None
}

/// Says that there is a bug.
pub(crate) fn panicked() {
    complain(
        "dewclaw: internal error: please report it, with the trace that follows",
        &[],
    );
}
