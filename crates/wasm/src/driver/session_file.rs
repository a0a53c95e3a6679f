//! A session's file in the state folder: written line by line, and read back.
//!
//! WASI has no locks. The file beside it that says that a run is going on is for people; what holds is that nothing is added to a
//! file that is not as long as it was left.

use alloc::string::String;

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::{Agent, Limits, MAX_SESSION_BYTES, SessionLog, TranscriptError};
use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, FsResult, Now, concat, count, lossy};

use crate::command::Stop;
use crate::folders::Folders;
use crate::state_lines::StateLines;

/// The folder of the sessions, in state.
pub(crate) const SESSIONS: &str = "sessions";

/// Letters of a name.
const MAX_NAME_LETTERS: usize = 64;

/// Bytes of a lock that are read; it has fewer.
const MARK_BYTES: usize = 32;

/// What the names of a session's file and of its lock end in.
pub(crate) const FILE: &str = "jsonl";
pub(crate) const LOCK: &str = "lock";

/// The file of a session that goes on.
pub(crate) struct SessionFile {
    files: WasiFileSystem,
    name: String,
    /// The bytes that were read or written.
    length: u64,
    /// What the lock holds as long as it is this run's.
    mark: String,
}

/// The path of a session's file, or of its lock.
pub(crate) fn path(name: &str, end: &str) -> String {
    concat(&[SESSIONS, "/", name, ".", end])
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_long = name.len() > MAX_NAME_LETTERS;
    !is_long && !matches!(name.as_bytes(), [] | [b'.', ..]) && name.bytes().all(fits)
}

/// Why a session's file can't be used.
pub(crate) fn text(error: FsError) -> &'static str {
    match error {
        FsError::TooLarge => "it, or a line of it, is larger than this run takes",
        error => error.text(),
    }
}

/// What is wrong with a session.
pub(crate) fn failed(name: &str, why: &str) -> Stop {
    Stop::failed("session \"%\": %", &[name, why])
}

impl SessionFile {
    /// The file of a session's name, of which nothing was read.
    ///
    /// # Errors
    /// Another run that may be going on; a folder that takes no files.
    pub(crate) fn begin(
        folders: &mut Folders,
        name: &str,
        takes_over: bool,
        now: Now,
    ) -> Result<SessionFile, Stop> {
        if !is_name(name) {
            return Err(Stop::usage(
                "\"%\" is no name of a session: up to 64 letters, digits, '-', '_' and '.', which is not first",
                &[name],
            ));
        }
        let lock = path(name, LOCK);
        let mark = decimal(now.wall_ms);
        let mut take = || {
            let files = folders.state_for_writing()?;
            files.create_folders(SESSIONS)?;
            if !takes_over && let Ok(held) = files.read(&lock, 0, MARK_BYTES) {
                return Ok(Some(held.bytes));
            }
            files.replace(&lock, mark.as_bytes())?;
            Ok(None)
        };
        if let Some(held) = take().map_err(|error| failed(name, text(error)))? {
            let since = count(&lossy(&held)).unwrap_or_default();
            let minutes = decimal(now.wall_ms.saturating_sub(since) / 60_000);
            let why = concat(&[
                "a run that began ",
                &minutes,
                " minutes ago is in it: wait for its end, or if it has none, add --take-over",
            ]);
            return Err(failed(name, &why));
        }
        Ok(SessionFile {
            files: folders.state().clone(),
            name: String::from(name),
            length: 0,
            mark,
        })
    }

    /// Reads the file into an agent, which is new and goes on where the file ends.
    ///
    /// # Errors
    /// A file that can't be read or gone on with.
    pub(crate) fn read(&mut self, agent: &mut Agent, now: Now) -> Result<(), Stop> {
        let limits = agent.settings().limits;
        let mut log = SessionLog::new(agent);
        let most = MAX_SESSION_BYTES / if limits == Limits::None { 1 } else { 8 };
        let mut lines = StateLines::new(&path(&self.name, FILE), limits.line_bytes());
        let mut repair = "";
        let wrong = |error: TranscriptError| failed(&self.name, &error.text());
        loop {
            let line = match lines.next(&mut self.files) {
                Ok(Some(line)) if lines.offset <= most => line,
                Ok(None) | Err(FsError::NotFound) => break,
                line => {
                    let error = line.err().unwrap_or(FsError::TooLarge);
                    return Err(failed(&self.name, text(error)));
                }
            };
            match (log.take(&line), lines.has_half()) {
                (Err(error), false) => return Err(wrong(error)),
                (Err(_), true) => repair = "~\n",
                (Ok(()), true) => repair = "\n",
                _ => {}
            }
        }
        self.length = lines.offset;
        log.resume(now, repair).map_err(wrong)
    }

    /// Where it is, for a person.
    #[cfg(feature = "chat")]
    pub(crate) fn description(&self) -> String {
        let path = path(&self.name, FILE);
        concat(&[
            ", kept in ",
            &path,
            " of the state folder as session ",
            &self.name,
        ])
    }

    /// Writes what the agent has noted, before anything else happens.
    ///
    /// # Errors
    /// A file that is not as it was left, or that can't be written.
    pub(crate) fn keep(&mut self, lines: &[u8]) -> Result<(), Stop> {
        let why = match self.append(lines) {
            Ok(true) => return Ok(()),
            Ok(false) => "it was changed by another run, so this one stops",
            Err(error) => text(error),
        };
        Err(failed(&self.name, why))
    }

    /// Whether the file was as it was left, before and after.
    fn append(&mut self, lines: &[u8]) -> FsResult<bool> {
        let path = path(&self.name, FILE);
        let length = match self.files.stat(&path) {
            Err(FsError::NotFound) => 0,
            stat => stat?.size,
        };
        if length != self.length {
            return Ok(false);
        }
        self.length += lines.len() as u64;
        Ok(self.files.append(&path, lines)? == self.length)
    }
}

impl Drop for SessionFile {
    fn drop(&mut self) {
        let lock = path(&self.name, LOCK);
        // One that was taken over is the other run's.
        if let Ok(held) = self.files.read(&lock, 0, MARK_BYTES)
            && held.bytes == self.mark.as_bytes()
        {
            let _ = self.files.remove_file(&lock);
        }
    }
}
