//! Standard input, output and error.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::template::fill;
use dewclaw_platform::wasi::streams::{read_input as read, write_error, write_output};

/// Bytes of a line that answers a question.
const MAX_LINE_BYTES: usize = 4096;

/// Bytes of standard input that a prompt or arguments may have.
pub(crate) const MAX_INPUT_BYTES: usize = 1024 * 1024;

/// Writes to standard output. A reader that went away is no failure: what it left unread is lost to it alone.
pub(crate) fn print(bytes: &[u8]) {
    write_output(bytes);
}

/// Writes lines to standard error: a template, filled as by [`fill`].
pub(crate) fn complain(template: &str, parts: &[&str]) {
    let mut line = fill(template, parts);
    line.push('\n');
    write_error(line.as_bytes());
}

/// Standard input, whole, where it has at most so many bytes.
///
/// # Errors
/// Why it can't be used, for the person.
pub(crate) fn read_input(most: usize) -> Result<String, &'static str> {
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        match read(16 * 1024) {
            Ok(more) if more.is_empty() => break,
            Ok(more) => bytes.extend_from_slice(&more),
            Err(_) => return Err("standard input can't be read"),
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
    return dewclaw_platform::wasi::streams::input_is_terminal();
    #[cfg(not(feature = "http"))]
    false
}

/// Puts a question on standard error and answers the next line of standard input; `None` when it has ended.
pub(crate) fn ask_line(question: &[&str]) -> Option<String> {
    write_error(question.concat().as_bytes());
    let mut line: Vec<u8> = Vec::new();
    // A byte at a time: what follows the line is the answer to the next question.
    while line.len() < MAX_LINE_BYTES {
        match read(1) {
            Ok(byte) if byte == b"\n" => return Some(String::from_utf8_lossy(&line).into_owned()),
            Ok(byte) if byte.is_empty() => break,
            Ok(byte) => line.extend_from_slice(&byte),
            Err(_) => break,
        }
    }
    None
}

/// Says that there is a bug. Nothing is allocated: memory may be what there is none of.
pub(crate) fn panicked() {
    write_error(b"dewclaw: internal error: please report it, with the trace that follows\n");
}

/// Says that memory has run out.
pub(crate) fn out_of_memory() {
    write_error(if cfg!(feature = "limits") {
        b"dewclaw: out of memory: grant more linear memory, or run with --limits board\n"
    } else {
        b"dewclaw: out of memory: grant more linear memory\n"
    });
}
