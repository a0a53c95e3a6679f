//! `dewclaw plugin call`: one call of one tool, as a model would make it.

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use dewclaw_sandbox::sandbox::SandboxedPlugin;
use serde_json::{Map, Value};

use super::error::PluginsError;
use super::loading::{load, wait_for};
use super::terms::Settled;
use super::witness::{Loudness, Witness};
use crate::exit::Ending;
use crate::run::{RunError, show};

/// Bytes of parameters from standard input.
const MAX_PARAMETERS: u64 = 1 << 20;

pub(super) fn call(
    file: &Path,
    terms: &Settled,
    tool: &str,
    parameters: &str,
) -> Result<Ending, RunError> {
    let parameters = read(parameters)?;
    let witness = Arc::new(Witness::new(Loudness::Everything));
    let plugins = load(&[file.to_owned()], terms, witness.clone())?;
    let (plugin, tool) = find(&plugins, tool)?;
    let result = wait_for(plugin.call(tool, parameters))?;
    let result = result.map_err(|source| PluginsError::Call {
        plugin: plugin.name().to_owned(),
        denied: witness.denials(plugin.name()) > 0,
        source,
    })?;
    let text = if io::stdout().is_terminal() {
        harmless(&result)
    } else {
        result
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    show(&format!("{text}{end}"), Ending::Finished(0))
}

/// The parameters, which are an object.
fn read(given: &str) -> Result<String, PluginsError> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        let mut input = io::stdin().lock().take(MAX_PARAMETERS + 1);
        input.read_to_string(&mut text)?;
    }
    if text.len() as u64 > MAX_PARAMETERS {
        return Err(PluginsError::Parameters {
            reason: format!("more than {MAX_PARAMETERS} bytes"),
        });
    }
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(PluginsError::Parameters {
            reason: error.to_string(),
        }),
    }
}

/// The plugin that `TOOL`, or `PLUGIN.TOOL`, is of, and the tool's own name.
fn find<'a>(
    plugins: &'a [SandboxedPlugin],
    given: &'a str,
) -> Result<(&'a SandboxedPlugin, &'a str), PluginsError> {
    let found = match (given.split_once('.'), plugins) {
        (Some((name, tool)), plugins) => {
            let plugin = plugins.iter().find(|plugin| plugin.name() == name);
            plugin.map(|plugin| (plugin, tool))
        }
        (None, [plugin]) => Some((plugin, given)),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = plugins.iter().map(SandboxedPlugin::name).collect();
        PluginsError::WhichPlugin {
            given: given.to_owned(),
            names: names.join(", "),
        }
    })
}

/// The text with everything that a terminal would obey taken out, but for ends of lines and tabs.
fn harmless(text: &str) -> String {
    let shown = |line: &str| {
        let cells = line
            .split('\t')
            .map(|cell| crate::session::printable(cell, usize::MAX));
        cells.collect::<Vec<_>>().join("\t")
    };
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_an_object() {
        assert_eq!(read(r#"{"a":[1]}"#).unwrap(), r#"{"a":[1]}"#);
        for given in ["", "{", "[]", "7", "\"a\"", "{} {}"] {
            let told = read(given).unwrap_err().to_string();
            assert!(
                told.starts_with("the parameters must be a JSON object, such as '{}': "),
                "{told}"
            );
        }
    }

    #[test]
    fn a_terminal_is_shown_lines_and_nothing_else() {
        assert_eq!(harmless("a\tb\r\n\u{1b}[2Jc\u{202e}\n"), "a\tb \n [2Jc \n");
    }
}
