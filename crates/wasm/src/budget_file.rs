//! What the runs of a day spend, in a file of state that every run adds to.

use dewclaw_agent_core::{Agent, Settings, read_log};
use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, Now};

use crate::command::Stop;
use crate::folders::Folders;

const FILE: &str = "budget.log";

/// Reads the file where the runs of a day have a budget together, which the answer says; the settings are told what was
/// spent.
///
/// # Errors
/// A file that can't be read or written: a budget that can't be counted does not hold.
pub(crate) fn open(folders: &mut Folders, settings: &mut Settings, now: Now) -> Result<bool, Stop> {
    let [_, limits, spent] = &mut settings.budgets;
    if *limits == [0; 6] {
        return Ok(false);
    }
    let mut read = || {
        let log = folders.read_state(FILE).map_err(FsError::text)?;
        let log = read_log(&log.unwrap_or_default(), now)
            .ok_or("a line is damaged or of another version: remove the file")?;
        *spent = log.spent;
        let files = folders.state_for_writing().map_err(FsError::text)?;
        match &log.replacement {
            Some(log) => files.replace(FILE, log.as_bytes()),
            // Nothing is added, but that it could be is seen.
            None => files.append(FILE, b"").map(|_| ()),
        }
        .map_err(FsError::text)
    };
    read().map_err(wrong)?;
    Ok(true)
}

/// Adds what the agent has spent.
///
/// # Errors
/// A file that can't be written.
pub(crate) fn note(files: &mut WasiFileSystem, agent: &mut Agent, all: bool) -> Result<(), Stop> {
    if let Some(line) = agent.take_spent(all) {
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
