//! `dewclaw plugin check`: what a plugin asks for, what it gets, and the line that decides each. Nothing of it runs.

use std::fmt::Write as _;
use std::path::Path;

use dewclaw_sandbox::policy::{Effective, Outcome};
use dewclaw_sandbox::sandbox::{PluginFile, component_imports};

use super::error::PluginsError;
use super::sizes;
use super::terms::Settled;
use crate::exit::Ending;
use crate::run::{RunError, show};
use crate::session::printable;

/// Not all that is asked is granted.
const DENIED: u8 = 5;

/// What every plugin may import: the host's functions, by the contract and by its older names.
const HOST: [&str; 2] = ["dewclaw:plugin/host@0.1.0", "host"];

/// Letters of an import's name that are shown.
const MAX_NAME: usize = 100;

pub(super) fn check(file: &Path, terms: &Settled) -> Result<Ending, RunError> {
    let mut text = String::new();
    if let Some(absent) = &terms.absent {
        let _ = writeln!(
            text,
            "There is no policy at {}, so nothing is granted but the default limits. The lines below would make one;\n\
             --policy FILE names another, and --preset loopback or --preset 'read-only DIR' grants without one.\n",
            printable(&absent.to_string_lossy(), usize::MAX)
        );
    }
    let mut all = true;
    let (plugins, folder) = sizes::read_any_size(file, &terms.policy)?;
    for (at, plugin) in plugins.into_iter().enumerate() {
        let separator = if at > 0 { "\n" } else { "" };
        let (checked, granted) = check_one(plugin, folder, terms)?;
        let _ = write!(text, "{separator}{checked}");
        all &= granted;
    }
    show(&text, Ending::Finished(if all { 0 } else { DENIED }))
}

/// What is to be said of one plugin, and whether it gets all.
fn check_one(
    plugin: PluginFile,
    folder: Option<u64>,
    terms: &Settled,
) -> Result<(String, bool), PluginsError> {
    let PluginFile { manifest, bytes } = plugin;
    let imports = component_imports(&bytes).map_err(|error| PluginsError::Load {
        plugin: manifest.name().to_owned(),
        source: error.into(),
    })?;
    let manifest = manifest.importing(imports.iter().map(String::as_str));
    let effective = Effective::decide(&terms.policy, &manifest);
    let mut text = effective.to_string();
    let (mut whole, mut partly, mut refused) = (0, 0, 0);
    for row in effective.rows() {
        match row.outcome {
            Outcome::Granted(_) => whole += 1,
            Outcome::Clamped(_) => partly += 1,
            Outcome::Refused => refused += 1,
        }
    }
    for import in &imports {
        if !import.starts_with("wasi:") && !HOST.contains(&import.as_str()) {
            refused += 1;
            let import = printable(import, MAX_NAME);
            let _ = writeln!(text, "\nIt imports {import}, which no plugin gets.");
        }
    }
    let name = effective.plugin();
    let too_large = sizes::too_large(&bytes, folder, &effective);
    if !too_large.is_empty() {
        let policy = printable(effective.policy_file(), MAX_NAME);
        let _ = writeln!(
            text,
            "\nIt is larger than it may be. These lines would allow it, in {policy} under [plugins.{name}.resources]:\n"
        );
    }
    for (limit, bytes) in &too_large {
        refused += 1;
        let allowed = limit.show(effective.limits().get(*limit));
        let _ = writeln!(
            text,
            "  {} = {}    ({bytes} bytes, where {allowed} is allowed)",
            limit.key(),
            limit.to_number(*bytes),
        );
    }
    let _ = match (whole, partly, refused) {
        (_, 0, 0) => writeln!(text, "\n{name}: all that is asked is granted"),
        _ => writeln!(
            text,
            "\n{name}: NOT all that is asked is granted: {whole} granted, {partly} in part, {refused} refused"
        ),
    };
    Ok((text, partly + refused == 0))
}
