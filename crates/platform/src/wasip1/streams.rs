//! Standard input, output and error.
//!
//! WAMR (2.4.3) leaves it to its embedder what becomes of a program that writes to a pipe whose reader went away: in
//! iwasm on Linux the signal SIGPIPE ends it, before it can be told. Where that signal is ignored, and in wasmtime, the
//! program is told, and goes on.

use alloc::vec::Vec;

use wasip1::{
    Ciovec, ERRNO_AGAIN, ERRNO_INTR, Errno, FD_STDERR, FD_STDIN, FD_STDOUT,
    FILETYPE_CHARACTER_DEVICE, FILETYPE_UNKNOWN, Fd, Iovec, RIGHTS_FD_SEEK, RIGHTS_FD_TELL,
    fd_fdstat_get, fd_filestat_get, fd_read, fd_write, sched_yield,
};

pub use crate::streams::InputError;

/// Writes all of it to standard output, without allocating. A reader that went away is no failure: what it left unread is
/// lost to it alone.
pub fn write_output(bytes: &[u8]) {
    write(FD_STDOUT, bytes);
}

/// As [`write_output`], to standard error.
pub fn write_error(bytes: &[u8]) {
    write(FD_STDERR, bytes);
}

fn write(stream: Fd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let piece = Ciovec {
            buf: bytes.as_ptr(),
            buf_len: bytes.len(),
        };
        // SAFETY: the host reads the piece, which lives to the end of the call, and writes to the call's own result.
        let written = unsafe { fd_write(stream, &[piece]) };
        match written {
            Ok(0) => return,
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if is_for_now(error) => {}
            Err(_) => return,
        }
    }
}

/// Waits for standard input and takes at most `length` bytes (not 0) of it; none at its end.
///
/// # Errors
/// [`InputError`] when the host can't read it.
pub fn read_input(length: usize) -> Result<Vec<u8>, InputError> {
    let mut bytes: Vec<u8> = Vec::with_capacity(length);
    loop {
        let room = Iovec {
            buf: bytes.as_mut_ptr(),
            buf_len: length,
        };
        // SAFETY: the host writes at most `length` bytes to the room, which has them and lives to the end of the call.
        let read = unsafe { fd_read(FD_STDIN, &[room]) };
        match read {
            Ok(count) => {
                // SAFETY: they are initialised, and no more than there is room for.
                unsafe {
                    bytes.set_len(count.min(length));
                }
                return Ok(bytes);
            }
            Err(error) if is_for_now(error) => {}
            Err(_) => return Err(InputError),
        }
    }
}

/// Whether standard input is a terminal, where a person can be asked.
///
/// A host says so by its type, a character device that can't be moved about in. WAMR (2.4.3) gives the standard streams no
/// type there at all; what the file itself is it does say, so there every character device is a terminal: `/dev/null` too,
/// which answers every question by its end.
pub fn input_is_terminal() -> bool {
    // SAFETY: the only pointers that they pass are to their own results.
    let (described, file) = unsafe { (fd_fdstat_get(FD_STDIN), fd_filestat_get(FD_STDIN)) };
    match described {
        Ok(stream) if stream.fs_filetype == FILETYPE_CHARACTER_DEVICE => {
            stream.fs_rights_base & (RIGHTS_FD_SEEK | RIGHTS_FD_TELL) == 0
        }
        Ok(stream) if stream.fs_filetype == FILETYPE_UNKNOWN => {
            file.is_ok_and(|file| file.filetype == FILETYPE_CHARACTER_DEVICE)
        }
        _ => false,
    }
}

/// Whether a stream that answered this will do it later: it was interrupted, or the host's side of it does not wait. Then
/// this waits, as a stream that waits would.
fn is_for_now(error: Errno) -> bool {
    if error == ERRNO_AGAIN {
        // SAFETY: it takes nothing. What it answers means nothing: at worst this waits busily.
        let _ = unsafe { sched_yield() };
        return true;
    }
    error == ERRNO_INTR
}
