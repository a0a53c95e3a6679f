//! `dewclaw audit`: what plugins asked for and what came of it, and whether the trail of it is whole.

use std::io;
use std::path::PathBuf;

use dewclaw_sandbox::audit::{
    AuditError, Filter, VerifyOptions, query, verify, write_json_lines, write_table,
};

use crate::args::audit::Audit;
use crate::exit::{Ending, say};
use crate::folders::{FoldersError, Places};
use crate::help;
use crate::run::{RunError, show};

/// The folder of the trail, in the state folder.
pub(crate) const FOLDER: &str = "audit";

/// The trail is there, and it is not whole.
const NOT_WHOLE: u8 = 1;

/// A trail that there is not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditCommandError {
    /// It has no folder.
    #[error(
        "there is no audit trail at `{}`: the first call of a plugin begins one; \
         another is named by its folder: dewclaw audit show DIR",
        folder.display()
    )]
    NoTrail { folder: PathBuf },
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] AuditError),
}

/// Does what was asked. `state` is the folder that `--state` named.
///
/// # Errors
/// There is no trail that can be read.
pub(crate) fn run(state: Option<PathBuf>, audit: Audit) -> Result<Ending, RunError> {
    match audit {
        Audit::Help => show(help::AUDIT, Ending::Finished(0)),
        Audit::Show {
            folder,
            filter,
            json,
        } => list(folder_of(folder, state)?, &filter, json),
        Audit::Verify { folder, options } => examine(folder_of(folder, state)?, &options),
    }
}

fn folder_of(named: Option<PathBuf>, state: Option<PathBuf>) -> Result<PathBuf, FoldersError> {
    match named {
        Some(folder) => Ok(folder),
        None => Ok(Places::of_this_process().state_of(state)?.join(FOLDER)),
    }
}

/// The trail's own error, or that there is none.
fn unreadable(folder: PathBuf) -> impl FnOnce(AuditError) -> AuditCommandError {
    move |error| match &error {
        AuditError::Read { path, source }
            if *path == folder && source.kind() == io::ErrorKind::NotFound =>
        {
            AuditCommandError::NoTrail { folder }
        }
        _ => error.into(),
    }
}

fn list(folder: PathBuf, filter: &Filter, json: bool) -> Result<Ending, RunError> {
    let listing = query(&folder, filter).map_err(unreadable(folder))?;
    let mut text = Vec::new();
    if json {
        write_json_lines(&mut text, &listing.entries)?;
    } else {
        write_table(&mut text, &listing.entries)?;
    }
    let ending = show(&String::from_utf8_lossy(&text), Ending::Finished(0))?;
    if listing.left_out > 0 {
        say(&format!(
            "{} older entries are not shown: --last N shows more of them",
            listing.left_out
        ));
    }
    if listing.unsound > 0 {
        say(&format!(
            "{} lines are no entries, or were changed: dewclaw audit verify says which",
            listing.unsound
        ));
        return Ok(match ending {
            Ending::Finished(0) => Ending::Finished(NOT_WHOLE),
            cut_short => cut_short,
        });
    }
    Ok(ending)
}

fn examine(folder: PathBuf, options: &VerifyOptions) -> Result<Ending, RunError> {
    let report = verify(&folder, options).map_err(unreadable(folder.clone()))?;
    if report.chains.is_empty() && report.is_intact() {
        // Nothing was verified: a trail that was removed whole looks so too.
        return Err(AuditCommandError::NoTrail { folder }.into());
    }
    let code = if report.is_intact() { 0 } else { NOT_WHOLE };
    show(&report.to_string(), Ending::Finished(code))
}
