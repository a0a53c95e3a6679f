//! `dewclaw plugin describe`: what a plugin says that it is.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use dewclaw_sandbox::sandbox::Description;
use serde_json::{Value, json};

use super::error::PluginsError;
use super::loading::{describe as described, load, wait_for};
use super::terms::Settled;
use super::witness::{Loudness, Witness};
use crate::exit::Ending;
use crate::run::{RunError, show};
use crate::session::printable;

pub(super) fn describe(file: &Path, terms: &Settled, as_json: bool) -> Result<Ending, RunError> {
    let witness = Arc::new(Witness::new(Loudness::Everything));
    let plugins = load(&[file.to_owned()], terms, witness)?;
    let mut text = String::new();
    for plugin in &plugins {
        let description = wait_for(described(plugin)).and_then(|described| described)?;
        if as_json {
            let _ = writeln!(text, "{}", as_value(plugin.name(), &description));
        } else {
            write(&mut text, plugin.name(), &description);
        }
    }
    show(&text, Ending::Finished(0))
}

/// On one line each: nothing in it is a control character.
fn as_value(plugin: &str, description: &Description) -> Value {
    let tools: Vec<Value> = description
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            })
        })
        .collect();
    json!({
        "plugin": plugin,
        "name": description.name,
        "version": description.version,
        "tools": tools,
    })
}

/// For a person: a head, and each tool with what it does and what it takes.
fn write(text: &mut String, plugin: &str, description: &Description) {
    const LETTERS: usize = 2_000;
    let line = |given: &str| printable(given, LETTERS);
    let _ = write!(text, "{plugin}");
    if !description.version.is_empty() {
        let _ = write!(text, " {}", line(&description.version));
    }
    if description.name != plugin {
        let _ = write!(text, ", which calls itself {}", line(&description.name));
    }
    let _ = writeln!(text);
    for tool in &description.tools {
        let _ = writeln!(text, "\n  {plugin}.{}", tool.name);
        if !tool.description.is_empty() {
            let _ = writeln!(text, "    {}", line(&tool.description));
        }
        let parameters = Value::Object(tool.parameters.clone());
        let _ = writeln!(text, "    takes {}", line(&parameters.to_string()));
    }
    if description.tools.is_empty() {
        let _ = writeln!(text, "\n  It has no tools.");
    }
}

impl From<PluginsError> for RunError {
    fn from(error: PluginsError) -> RunError {
        RunError::Plugins(error)
    }
}
