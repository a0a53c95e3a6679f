//! The tools of plugins, as a conversation has them beside the agent's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dewclaw_sandbox::engine::CallError;
use dewclaw_sandbox::policy::{Access, Effective, Outcome};
use dewclaw_sandbox::sandbox::{SandboxedPlugin, ToolDescription};
use serde_json::Value;
use wasmtime_wasi::async_trait;

use super::error::PluginsError;
use super::loading::{describe, load, wait_for};
use super::terms::settle;
use super::witness::{Loudness, Witness};
use crate::args::plugin::Plugged;
use crate::exit::say;
use crate::session::{Declaration, HostTool};

/// Between a plugin's name and its tool's, as the model's server is told it: servers take letters, digits, `_` and `-` and no dot.
const SEPARATOR: &str = "__";

/// Letters that servers take of a tool's name.
const MAX_NAME: usize = 64;

/// The tools of a conversation's plugins. Says on standard error which ones are left out.
///
/// # Errors
/// A plugin is not there or is refused, does not describe itself, or has the name of another.
pub(crate) fn tools(
    plugged: &Plugged,
    state: &Path,
    loudness: Loudness,
) -> Result<Vec<Arc<dyn HostTool>>, PluginsError> {
    if plugged.files.is_empty() {
        return Ok(Vec::new());
    }
    let terms = settle(&plugged.terms, Some(state.to_owned()))?;
    if let Some(absent) = &terms.absent
        && loudness != Loudness::Silent
    {
        say(&format!(
            "there is no policy at {}, so plugins are granted nothing: dewclaw plugin check FILE tells what they ask",
            absent.display()
        ));
    }
    let witness = Arc::new(Witness::new(loudness));
    let files: Vec<PathBuf> = plugged.files.clone();
    let plugins = load(&files, &terms, witness.clone())?;
    let mut tools: Vec<PluginTool> = Vec::new();
    for plugin in plugins {
        let description = wait_for(describe(&plugin)).and_then(|described| described)?;
        for tool in description.tools {
            let shown = format!("{}.{}", plugin.name(), tool.name);
            let tool = match PluginTool::new(&plugin, tool, &witness) {
                Ok(tool) => tool,
                Err(why) => {
                    if loudness != Loudness::Silent {
                        say(&format!("the tool {shown} is left out: {why}"));
                    }
                    continue;
                }
            };
            let wire = &tool.declaration.name;
            if let Some(other) = tools.iter().find(|other| other.declaration.name == *wire) {
                return Err(PluginsError::SameTool {
                    first: other.shown_name(),
                    second: shown,
                    wire: wire.clone(),
                });
            }
            tools.push(tool);
        }
    }
    let offered = |tool| Arc::new(tool) as Arc<dyn HostTool>;
    Ok(tools.into_iter().map(offered).collect())
}

struct PluginTool {
    plugin: SandboxedPlugin,
    /// Its own name.
    tool: String,
    declaration: Declaration,
    witness: Arc<Witness>,
}

impl PluginTool {
    /// # Errors
    /// Why no model can be offered it.
    fn new(
        plugin: &SandboxedPlugin,
        tool: ToolDescription,
        witness: &Arc<Witness>,
    ) -> Result<PluginTool, &'static str> {
        let name = [plugin.name(), &tool.name].join(SEPARATOR);
        if name.len() > MAX_NAME {
            return Err("its name and its plugin's have more than 62 letters together");
        }
        let mut parameters = tool.parameters;
        let kind = parameters
            .entry("type")
            .or_insert_with(|| Value::from("object"));
        if kind != "object" {
            return Err("its parameters are not of type object");
        }
        // Servers refuse a schema without any.
        let none = || Value::Object(serde_json::Map::new());
        if !parameters
            .entry("properties")
            .or_insert_with(none)
            .is_object()
        {
            return Err("the properties of its parameters are no object");
        }
        let writes = has_effects(plugin.effective());
        Ok(PluginTool {
            plugin: plugin.clone(),
            declaration: Declaration {
                name,
                description: tool.description,
                parameters: Value::Object(parameters).to_string(),
                writes,
                // What changes something keeps the order of the calls.
                parallel: !writes,
            },
            tool: tool.name,
            witness: witness.clone(),
        })
    }

    /// What went wrong, for the model, with what the plugin was denied meanwhile. What would grant it is for the person.
    fn failure(&self, error: &CallError, denied_before: u64) -> String {
        let mut words = error.to_string();
        if self.witness.denials(self.plugin.name()) > denied_before {
            words.push_str(
                "\nThe sandbox denied this plugin, and only the operator's policy can change it:",
            );
            for thing in self.witness.denied_things(self.plugin.name()) {
                words.push_str("\n- ");
                words.push_str(&thing);
            }
        }
        words
    }
}

#[async_trait]
impl HostTool for PluginTool {
    fn declaration(&self) -> Declaration {
        self.declaration.clone()
    }

    fn shown_name(&self) -> String {
        format!("{}.{}", self.plugin.name(), self.tool)
    }

    async fn call(&self, arguments: &str) -> Result<String, String> {
        let denied_before = self.witness.denials(self.plugin.name());
        let result = self.plugin.call(self.tool.as_str(), arguments).await;
        result.map_err(|error| self.failure(&error, denied_before))
    }
}

/// Whether calls of a plugin can change anything outside of it, or tell anybody: it is granted a host, or a folder to write in.
fn has_effects(effective: &Effective) -> bool {
    let network = effective
        .rows()
        .iter()
        .any(|row| row.key == "network" && row.outcome != Outcome::Refused);
    let mut folders = effective.folders().iter();
    network || folders.any(|folder| folder.access() == Access::ReadWrite)
}

#[cfg(test)]
mod tests {
    use dewclaw_sandbox::policy::{PluginManifest, Policy};

    use super::*;

    #[test]
    fn what_can_reach_out_or_write_has_effects() {
        let effects = |permissions: &str| {
            let text = format!("version = 1\n[shared.permissions]\n{permissions}");
            let policy = Policy::read("p.toml", text.as_bytes(), Path::new("/srv/p")).unwrap();
            has_effects(&Effective::decide(
                &policy,
                &PluginManifest::absent("a").unwrap(),
            ))
        };
        assert!(!effects(
            "wasi = ['clocks', 'filesystem', 'http']\nenv_vars = ['A']"
        ));
        assert!(!effects("filesystem = ['read-only data']"));
        assert!(effects(
            "filesystem = ['read-only data', 'read-write cache']"
        ));
        assert!(effects("network = ['example.com']"));
        assert!(effects("presets = ['loopback']"));
    }
}
