//! The lines of a file of state, one at a time, so that a long file needs no more memory than its longest line.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, FsResult};

/// Bytes of the file that are read at once.
const READ_BYTES: usize = 16 * 1024;

/// A file that is being read.
pub(crate) struct StateLines {
    path: String,
    /// Bytes of a line that are too many.
    most: usize,
    /// Bytes that were read.
    pub(crate) offset: u64,
    buffer: Vec<u8>,
    /// What of the buffer was given out.
    taken: usize,
    end: bool,
}

impl StateLines {
    /// A file of which nothing was read.
    pub(crate) fn new(path: &str, most: usize) -> StateLines {
        StateLines {
            path: path.to_string(),
            most,
            offset: 0,
            buffer: Vec::new(),
            taken: 0,
            end: false,
        }
    }

    /// The next line, without its end; `None` past the last one.
    ///
    /// # Errors
    /// Why it can't be read; [`FsError::TooLarge`] for a line that is too long.
    pub(crate) fn next(&mut self, state: &mut WasiFileSystem) -> FsResult<Option<Vec<u8>>> {
        let mut searched = self.taken;
        loop {
            let newline = self.buffer[searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(at) = newline {
                let end = searched + at;
                let line = self.buffer[self.taken..end].to_vec();
                self.taken = end + 1;
                return Ok(Some(line));
            }
            if self.end {
                let rest = self.buffer[self.taken..].to_vec();
                self.taken = self.buffer.len();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            searched = self.buffer.len();
            if searched > self.most {
                return Err(FsError::TooLarge);
            }
            let chunk = state.read(&self.path, self.offset, READ_BYTES)?;
            self.offset += chunk.bytes.len() as u64;
            self.end = chunk.end;
            self.buffer.extend_from_slice(&chunk.bytes);
        }
    }

    /// Whether the last line had no end.
    #[cfg(feature = "sessions")]
    pub(crate) fn has_half(&self) -> bool {
        self.taken == self.buffer.len() && self.buffer.last().is_some_and(|byte| *byte != b'\n')
    }
}
