//! Standard input, output and error.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::template::fill;
use dewclaw_platform::has;
use dewclaw_platform::wasi::streams::{read_input as read, write_error, write_output};

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

/// Puts `sign` on standard error and answers the next line of standard input, without its end; `None` past the last one, and
/// where it can't be read. A line that ends in `\` goes on in the next one, which has the sign too.
///
/// # Errors
/// A line that is no text, holds a NUL or has more than `most` bytes. It was read to its end.
pub(crate) fn read_line(sign: &str, most: usize) -> Result<Option<String>, ()> {
    let mut line: Vec<u8> = Vec::new();
    write_error(sign.as_bytes());
    // A byte at a time: what follows is somebody else's to read.
    loop {
        let Some(byte) = read(1).unwrap_or_default().pop() else {
            if line.is_empty() {
                return Ok(None);
            }
            break;
        };
        if byte == b'\n' {
            line.pop_if(|last| *last == b'\r');
            if line.pop_if(|last| *last == b'\\').is_none() {
                break;
            }
            write_error(sign.as_bytes());
        } else if line.len() >= most {
            // What is kept of it is only what says whether it goes on.
            line.clear();
            line.push(0);
        }
        line.push(byte);
    }
    match String::from_utf8(line) {
        Ok(line) if !has(line.as_bytes(), 0) => Ok(Some(line)),
        _ => Err(()),
    }
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
