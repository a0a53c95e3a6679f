//! A recording on its way into a file of state.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::recording::{Header, Recorder};
use dewclaw_agent_core::{Agent, Effect, Input};
use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, Now};

use crate::command::Stop;
use crate::folders::{Folders, state_path};

/// Bytes that are held before they are written, since each write goes to the disk.
const HELD_BYTES: usize = 32 * 1024;

/// The recorder and its file.
pub(crate) struct Recording {
    recorder: Recorder,
    files: WasiFileSystem,
    path: String,
}

impl Recording {
    /// Makes the file anew, empty, and the folders above it.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(crate) fn create(
        folders: &mut Folders,
        path: &str,
        header: &mut Header,
    ) -> Result<Recording, Stop> {
        let path = state_path(path);
        let make = |folders: &mut Folders| {
            let files = folders.state_for_writing()?;
            if let Some(end) = path.bytes().rposition(|byte| byte == b'/') {
                files.create_folders(path.get(..end).unwrap_or_default())?;
            }
            files.replace(path, b"")?;
            Ok(files.clone())
        };
        Ok(Recording {
            files: make(folders).map_err(|error| unwritable(path, error))?,
            path: path.to_string(),
            recorder: Recorder::new(
                &mut header.settings,
                &header.tools,
                header.seed,
                header.now,
                &header.prompt,
            ),
        })
    }

    /// Notes an effect, before it is performed. With the last one everything is written.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(crate) fn effect(&mut self, effect: &Effect, agent: &Agent) -> Result<(), Stop> {
        self.recorder.effect(effect, agent);
        self.write(matches!(effect, Effect::Finished(_)))
    }

    /// The line of an input, which is made before the agent is told.
    pub(crate) fn line(&self, now: Now, input: &Input) -> Vec<u8> {
        self.recorder.line(now, input)
    }

    /// Notes an input that fits, by its line.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(crate) fn input(&mut self, line: Vec<u8>) -> Result<(), Stop> {
        self.recorder.input(line);
        self.write(false)
    }

    fn write(&mut self, all: bool) -> Result<(), Stop> {
        if !all && self.recorder.pending_bytes() <= HELD_BYTES {
            return Ok(());
        }
        match self.files.append(&self.path, &self.recorder.take()) {
            Ok(_) => Ok(()),
            Err(error) => Err(unwritable(&self.path, error)),
        }
    }
}

fn unwritable(path: &str, error: FsError) -> Stop {
    Stop::failed(
        "the recording \"%\" can't be written to the state folder: %",
        &[path, error.text()],
    )
}
