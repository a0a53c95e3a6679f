//! Which policy decides what plugins get, and where the trail of what they do lies.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dewclaw_sandbox::policy::{MAX_FILE_BYTES, Policy};

use super::error::PluginsError;
use crate::args::plugin::Terms;
use crate::audit;
use crate::folders::Places;

/// The policy's file, in the state folder.
const POLICY: &str = "policy.toml";

/// The terms of a command, as they are.
pub(super) struct Settled {
    /// What decides.
    pub(super) policy: Policy,
    /// Where a policy would be, where there is none.
    pub(super) absent: Option<PathBuf>,
    /// Where the trail is, or will be.
    pub(super) audit: PathBuf,
    /// The state folder, which may be missing.
    pub(super) state: PathBuf,
}

/// Finds what was typed, and reads the policy. `state` is the folder that was named.
///
/// # Errors
/// The policy cannot be read, or is none.
pub(super) fn settle(terms: &Terms, state: Option<PathBuf>) -> Result<Settled, PluginsError> {
    let state = Places::of_this_process().state_of(state)?;
    let found = state.join(POLICY);
    let mut absent = None;
    let policy = match (&terms.preset, &terms.policy) {
        (Some(preset), _) => {
            let here = std::env::current_dir().unwrap_or_default();
            Policy::preset(preset, &here).map_err(PluginsError::Preset)?
        }
        (None, Some(named)) => read(named).map_err(PluginsError::policy(named))??,
        (None, None) => match read(&found) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let none = Policy::none(&found.to_string_lossy());
                absent = Some(found);
                none
            }
            read => read.map_err(PluginsError::policy(&found))??,
        },
    };
    Ok(Settled {
        policy,
        absent,
        audit: match &terms.audit {
            Some(named) => named.clone(),
            None => state.join(audit::FOLDER),
        },
        state,
    })
}

fn read(path: &Path) -> io::Result<Result<Policy, PluginsError>> {
    let mut bytes = Vec::new();
    // One more than is read: the reader says what is too much.
    let most = MAX_FILE_BYTES as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    // The folder as it is: the policy's own folder is known by its name.
    let folder = path.canonicalize()?;
    let folder = folder.parent().unwrap_or(Path::new("/"));
    Ok(Policy::read(&path.to_string_lossy(), &bytes, folder).map_err(PluginsError::Policy))
}
