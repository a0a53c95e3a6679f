//! A session's file in the state folder: written line by line, and read back.
//!
//! WASI has no locks. The file beside it that says that a run is going on is for people; what holds is that nothing is added to a
//! file that is not as long as it was left.

use alloc::string::{String, ToString};

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::{Agent, Limits, MAX_SESSION_BYTES, SessionLog, digits};
use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, FsResult, Now};

use crate::command::Stop;
use crate::folders::Folders;

/// The folder of the sessions, in state.
pub(crate) const SESSIONS: &str = "sessions";

/// Bytes of a file that are read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Letters of a name.
const MAX_NAME_LETTERS: usize = 64;

/// The file of a session that goes on.
pub(crate) struct SessionFile {
    files: WasiFileSystem,
    name: String,
    path: String,
    /// The bytes that were read or written.
    length: u64,
    lock: String,
    /// What the lock holds as long as it is this run's.
    mark: String,
}

/// The path of a session's file, or of its lock.
///
/// # Errors
/// A name that is none.
pub(crate) fn path_of(name: &str, ending: &str) -> Result<String, Stop> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_long = name.len() > MAX_NAME_LETTERS;
    if is_long || matches!(name.as_bytes(), [] | [b'.', ..]) || !name.bytes().all(fits) {
        return Err(Stop::usage(
            "\"%\" is no name of a session: 1 to 64 of letters, digits, '-', '_' and '.', which is not first",
            &[name],
        ));
    }
    Ok([SESSIONS, "/", name, ending].concat())
}

/// What is wrong with a session.
pub(crate) fn failed(name: &str, why: &str) -> Stop {
    Stop::failed("session \"%\": %", &[name, why])
}

/// A time that has passed.
pub(crate) fn age(ms: u64) -> String {
    let minutes = ms / 60_000;
    if minutes < 2_880 {
        [&decimal(minutes), " minutes"].concat()
    } else {
        [&decimal(minutes / 1_440), " days"].concat()
    }
}

/// Takes a piece of a file, which has so many bytes up to its end.
type TakePiece<'a> = &'a mut dyn FnMut(&[u8], u64) -> Result<(), Stop>;

/// Reads a file in pieces. Answers how many bytes it has: none where there is no file.
///
/// # Errors
/// Why it can't be read, or what `take` answers.
pub(crate) fn each_piece(
    files: &mut WasiFileSystem,
    name: &str,
    path: &str,
    take: TakePiece<'_>,
) -> Result<u64, Stop> {
    let mut length = 0;
    loop {
        let chunk = match files.read(path, length, PIECE_BYTES) {
            Err(FsError::NotFound) => return Ok(length),
            chunk => chunk.map_err(|error| failed(name, error.text()))?,
        };
        length += chunk.bytes.len() as u64;
        take(&chunk.bytes, length)?;
        if chunk.end {
            return Ok(length);
        }
    }
}

impl SessionFile {
    /// The session of a name with its agent, which goes on where the file ends; `log` has its settings and has read nothing.
    /// What there is not is begun.
    ///
    /// # Errors
    /// Another run that may be going on; a file that can't be gone on with.
    pub(crate) fn open(
        folders: &mut Folders,
        name: &str,
        takes_over: bool,
        now: Now,
        (log, limits): (&mut SessionLog, Limits),
    ) -> Result<(SessionFile, Agent), Stop> {
        let (lock, path) = (path_of(name, ".lock")?, path_of(name, ".jsonl")?);
        let unusable = |error: FsError| failed(name, error.text());
        let files = folders.state_for_writing().map_err(unusable)?;
        files.create_folders(SESSIONS).map_err(unusable)?;
        if !takes_over && let Ok(held) = files.read(&lock, 0, 32) {
            let since = digits(&held.bytes).0;
            let why = fill(
                "in use by a run that began % ago: wait for its end, or if it has none, take the session over with --take-over",
                &[&age(now.wall_ms.saturating_sub(since))],
            );
            return Err(failed(name, &why));
        }
        let mark = decimal(now.wall_ms);
        files.replace(&lock, mark.as_bytes()).map_err(unusable)?;
        // From here on the lock is taken away again, whatever happens.
        let mut file = SessionFile {
            files: files.clone(),
            name: name.to_string(),
            path,
            length: 0,
            lock,
            mark,
        };
        let most = MAX_SESSION_BYTES / if limits == Limits::None { 1 } else { 8 };
        file.length = each_piece(files, name, &file.path, &mut |piece, length| {
            if length > most {
                return Err(failed(
                    name,
                    "it is larger than 64 MiB, or than 8 MiB with --limits board: begin another one",
                ));
            }
            log.read(piece)
                .map_err(|error| failed(name, &error.to_string()))
        })?;
        let agent = log
            .resume(now)
            .map_err(|error| failed(name, &error.to_string()))?;
        Ok((file, agent))
    }

    /// Writes what the agent has noted, before anything else happens.
    ///
    /// # Errors
    /// A file that is not as it was left, or that can't be written.
    pub(crate) fn keep(&mut self, lines: &[u8]) -> Result<(), Stop> {
        let why = match self.append(lines) {
            Ok(true) => return Ok(()),
            Ok(false) => {
                "it was changed by another run, so this one stops; what it said last is not kept"
            }
            Err(error) => error.text(),
        };
        Err(failed(&self.name, why))
    }

    /// Whether the file was as it was left, before and after.
    fn append(&mut self, lines: &[u8]) -> FsResult<bool> {
        let length = match self.files.stat(&self.path) {
            Err(FsError::NotFound) => 0,
            stat => stat?.size,
        };
        if length != self.length {
            return Ok(false);
        }
        self.length += lines.len() as u64;
        Ok(self.files.append(&self.path, lines)? == self.length)
    }
}

impl Drop for SessionFile {
    fn drop(&mut self) {
        // One that was taken over is the other run's.
        if let Ok(held) = self.files.read(&self.lock, 0, 32)
            && held.bytes == self.mark.as_bytes()
        {
            let _ = self.files.remove(&self.lock);
        }
    }
}
