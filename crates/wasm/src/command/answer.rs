//! `--output FILE`: the answer in a file of the workspace.

use dewclaw_agent_core::{FileAnswer, FileOperation, Outcome, perform};
use dewclaw_platform::{EntryKind, FileSystem, FsError, Stat};

use super::Stop;

/// Checks, before the model is called, that the file could be written.
///
/// # Errors
/// Why not.
pub(crate) fn check(files: &mut dyn FileSystem, path: &str) -> Result<(), Stop> {
    match files.stat(path) {
        Ok(Stat {
            kind: EntryKind::File,
            ..
        })
        | Err(FsError::NotFound) => Ok(()),
        Ok(_) => Err(Stop::usage("--output: \"%\" is no file", &[path])),
        Err(error) => Err(Stop::usage(
            "--output: \"%\" can't be a file of the workspace: %",
            &[path, error.text()],
        )),
    }
}

/// Writes the answer, whole or not at all. A run that has none leaves the file as it was.
///
/// # Errors
/// Why it can't be written.
pub(crate) fn write(files: &mut dyn FileSystem, path: &str, outcome: &Outcome) -> Result<(), Stop> {
    if outcome.text.is_empty() {
        return Ok(());
    }
    let mut content = outcome.text.clone().into_bytes();
    if content.last() != Some(&b'\n') {
        content.push(b'\n');
    }
    let operation = FileOperation::Replace {
        path: alloc::string::String::from(path),
        content,
    };
    match perform(files, &operation) {
        FileAnswer::Failed(error) => Err(Stop::failed(
            "the answer can't be written to \"%\": %",
            &[path, error.text()],
        )),
        _ => Ok(()),
    }
}
