//! What the runs of a day spend, in a file of state that every run adds to.

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::{Agent, Settings, read_log};
use dewclaw_platform::wasi::WasiFileSystem;
use dewclaw_platform::{FileSystem, FsError, Now};

use crate::command::Stop;
use crate::folders::Folders;

const FILE: &str = "budget.log";

/// The file, which can be written.
pub(crate) struct BudgetFile(WasiFileSystem);

impl BudgetFile {
    /// The file where the runs of a day have a budget together; the settings are told what was spent.
    ///
    /// # Errors
    /// A file that can't be read or written: a budget that can't be counted does not hold.
    pub(crate) fn open(
        folders: &mut Folders,
        settings: &mut Settings,
        now: Now,
    ) -> Result<Option<BudgetFile>, Stop> {
        if settings.budget_per_day.is_empty() {
            return Ok(None);
        }
        let log = folders.read_state(FILE).map_err(wrong)?;
        let log = read_log(&log.unwrap_or_default(), now).map_err(|line| {
            Stop::failed(
                "line % of % in the state folder is none that this version writes: remove it",
                &[&decimal(line), FILE],
            )
        })?;
        settings.spent_today = log.spent;
        let files = folders.state_for_writing().map_err(wrong)?;
        match &log.replacement {
            Some(log) => files.replace(FILE, log.as_bytes()),
            // Nothing is added, but that it could be is seen.
            None => files.append(FILE, b"").map(|_| ()),
        }
        .map_err(wrong)?;
        Ok(Some(BudgetFile(files.clone())))
    }

    /// Adds what the agent has spent.
    ///
    /// # Errors
    /// A file that can't be written.
    pub(crate) fn note(&mut self, agent: &mut Agent, all: bool) -> Result<(), Stop> {
        match agent.take_spent(all) {
            Some(line) => self
                .0
                .append(FILE, line.as_bytes())
                .map(|_| ())
                .map_err(wrong),
            None => Ok(()),
        }
    }
}

fn wrong(error: FsError) -> Stop {
    Stop::failed(
        "the budget per day can't be counted in % of the state folder: %",
        &[FILE, error.text()],
    )
}
