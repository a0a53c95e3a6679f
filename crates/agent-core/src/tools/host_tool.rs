//! Tools of the driver's own, and the offer of all tools to the model.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::concat;

use super::{ALL, Tool, ToolCallRun, schema};
use crate::json::parse;
use crate::schema::push_listed;
use crate::settings::Settings;

/// A tool of the driver's own. The agent checks the arguments; the driver runs the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTool {
    /// Its name: 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// The JSON Schema of its arguments, as far as [`crate::tools`] checks schemas: an object.
    pub parameters: String,
    /// Whether calls can change anything.
    pub writes: bool,
    /// Its calls may run beside all others of their turn.
    pub parallel: bool,
}

/// What the model is offered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    pub(crate) tools: Vec<&'static Tool>,
    pub(crate) host_tools: Vec<HostTool>,
}

impl Offer {
    pub(crate) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.host_tools.is_empty()
    }

    /// Every tool as a JSON object, its schema under the name that a wire has for it.
    pub(crate) fn schemas(&self, parameters: &str) -> Vec<Vec<u8>> {
        let mut schemas: Vec<Vec<u8>> = Vec::new();
        for tool in &self.tools {
            schemas.push(tool.to_json(parameters));
        }
        for tool in &self.host_tools {
            schemas.push(schema(
                &tool.name,
                &tool.description,
                parameters,
                &tool.parameters,
            ));
        }
        schemas
    }

    /// Begins a call; `None` where there is no such tool.
    pub(crate) fn begin(
        &self,
        name: &str,
        arguments: &str,
        settings: &Settings,
    ) -> Option<ToolCallRun> {
        if let Some(tool) = self.tools.iter().find(|tool| tool.name == name) {
            return Some(ToolCallRun::new(tool, arguments, settings));
        }
        let mut host_tools = self.host_tools.iter();
        let tool = host_tools.find(|tool| tool.name == name)?;
        Some(ToolCallRun::of_host(tool, arguments, settings.limits))
    }

    /// The names of all, for the model.
    pub(crate) fn names(&self) -> String {
        let mut names = String::new();
        for tool in &self.tools {
            push_listed(&mut names, tool.name);
        }
        for tool in &self.host_tools {
            push_listed(&mut names, &tool.name);
        }
        names
    }

    /// Adds the driver's own tools.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn add(&mut self, tools: Vec<HostTool>, read_only: bool) -> Result<(), String> {
        for tool in tools {
            let wrong = |why: &str| Err(concat(&["the tool \"", &tool.name, "\" ", why]));
            if !is_sound_name(&tool.name) {
                return wrong("must have a name of 1 to 64 letters, digits, _ and -");
            }
            let mut others = self.host_tools.iter().map(|other| other.name.as_str());
            if others.any(|name| name == tool.name)
                || ALL.iter().any(|other| other.name == tool.name)
            {
                return wrong("has the name of another tool");
            }
            let schema = parse(tool.parameters.as_bytes()).ok();
            if schema.and_then(|schema| Some(schema.text("type")? == "object")) != Some(true) {
                return wrong("must have parameters that are a JSON Schema of type object");
            }
            if !(tool.writes && read_only) {
                self.host_tools.push(tool);
            }
        }
        Ok(())
    }
}

/// Letters that a tool's name may have (OpenAI's and Anthropic's references agree).
pub(crate) const MAX_NAME_LETTERS: usize = 64;

pub(crate) fn is_sound_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_NAME_LETTERS).contains(&name.len()) && name.bytes().all(fits)
}
