//! What the runs of a day spend, in a file of state that every run adds to.

use dewclaw_agent_core::{Agent, Settings};
use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, Now};

use crate::command::Stop;
use crate::folders::Folders;

const FILE: &str = "budget.log";

/// Reads the file, where the runs of a day have a budget together; the settings are told what was spent.
///
/// # Errors
/// A file that can't be read or written: a budget that can't be counted does not hold.
pub(crate) fn open(folders: &mut Folders, settings: &mut Settings, now: Now) -> Result<(), Stop> {
    if !settings.budget.is_per_day() {
        return Ok(());
    }
    let mut read = || {
        let log = folders.read_state(FILE)?.unwrap_or_default();
        let Some(log) = settings.read_log(&log, now) else {
            return Ok(false);
        };
        let files = folders.state_for_writing()?;
        if !log.is_empty() {
            files.replace(FILE, log.as_bytes())?;
        }
        Ok(true)
    };
    match read() {
        Ok(true) => Ok(()),
        Ok(false) => Err(wrong(
            "a line is damaged or of another version: remove the file",
        )),
        Err(error) => Err(wrong(FsError::text(error))),
    }
}

/// Adds what the agent has spent.
///
/// # Errors
/// A file that can't be written.
pub(crate) fn note(files: &mut WasiFileSystem, agent: &mut Agent) -> Result<(), Stop> {
    if let Some(line) = agent.take_spent() {
        files
            .append(FILE, line.as_bytes())
            .map_err(|error| wrong(error.text()))?;
    }
    Ok(())
}

fn wrong(why: &str) -> Stop {
    Stop::failed(
        "the budget per day can't be counted in % of the state folder: %",
        &[FILE, why],
    )
}
