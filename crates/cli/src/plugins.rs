//! Other people's tools: `dewclaw plugin`, and the plugins of a conversation. The sandbox runs them; this says with which policy, and
//! shows what they do.

mod call;
mod check;
mod describe;
mod error;
mod loading;
mod sizes;
mod terms;
mod tools;
mod witness;

use std::path::PathBuf;

use crate::args::plugin::{Action, Plugin};
use crate::exit::Ending;
use crate::help;
use crate::run::{RunError, show};

pub(crate) use self::error::PluginsError;
pub(crate) use self::tools::tools;
pub(crate) use self::witness::Loudness;

/// Does what was asked of a plugin. `state` is the folder that `--state` named.
///
/// # Errors
/// The plugin, its policy or its parameters are not there, are refused, or the plugin failed.
pub(crate) fn command(state: Option<PathBuf>, plugin: Plugin) -> Result<Ending, RunError> {
    match plugin {
        Plugin::Help => show(help::PLUGIN, Ending::Finished(0)),
        Plugin::Of {
            file,
            terms,
            action,
        } => {
            let terms = terms::settle(&terms, state)?;
            match action {
                Action::Check => check::check(&file, &terms),
                Action::Describe { json } => describe::describe(&file, &terms, json),
                Action::Call { tool, parameters } => call::call(&file, &terms, &tool, &parameters),
            }
        }
    }
}
