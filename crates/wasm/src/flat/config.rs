//! What a session is made with, from JSON.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::json::{Value, decimal, parse, raw};
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::tools::HostTool;

use dewclaw_platform::{concat, lossy};

use crate::performs::Performs;
use crate::session::{Config, Error, Session};

/// The members of a configuration. Others are refused, since they were meant to do something.
const MEMBERS: [&str; 7] = [
    "settings",
    "tools",
    "host_tools",
    "model",
    "files",
    "web",
    "seed",
];

/// Opens the session of a configuration, or restores it.
///
/// # Errors
/// What is wrong with the configuration, or with what was saved.
pub(super) fn open(text: &[u8], saved: Option<&[u8]>) -> Result<Session, Error> {
    let wrong = |template: &str, part: &str| Error::Config(fill(template, &[part]));
    let Ok(Value::Object(members)) = parse(text) else {
        return Err(wrong("the configuration is no JSON object", ""));
    };
    for (name, _) in &members {
        if !MEMBERS.contains(&name.as_str()) {
            return Err(wrong("the configuration has no member \"%\"", name));
        }
    }
    let config = Value::Object(members);
    let Some(Value::Object(settings)) = config.get("settings") else {
        return Err(Error::no_settings());
    };
    let mut tools: Vec<String> = Vec::new();
    let chosen = is_array(&config, "tools")?;
    for name in config.elements("tools") {
        // No tool is called "".
        tools.push(name.as_str().unwrap_or_default().to_string());
    }
    let performs = |what: &str| match config.get(what).map(Value::as_str) {
        Some(Some("module")) => Ok(true),
        Some(Some("host")) | None => Ok(false),
        Some(_) => Err(wrong("\"%\" takes \"host\" or \"module\"", what)),
    };
    let performs = Performs {
        model: performs("model")?,
        files: performs("files")?,
        web: performs("web")?,
    };
    let Some(seed) = config.get("seed").map_or(Some(0), Value::as_u64) else {
        return Err(wrong("\"seed\" takes a whole number from 0", ""));
    };
    is_array(&config, "host_tools")?;
    let config = Config {
        settings,
        tools: chosen.then_some(tools.as_slice()),
        performs,
    };
    Session::open(&config, host_tools(text)?, seed, saved)
}

/// Whether the configuration has this member.
///
/// # Errors
/// It has it, and no array is there.
fn is_array(config: &Value, name: &str) -> Result<bool, Error> {
    match config.get(name) {
        None => Ok(false),
        Some(Value::Array(_)) => Ok(true),
        Some(_) => Err(Error::Config(fill("\"%\" takes an array", &[name]))),
    }
}

/// The host's tools.
fn host_tools(text: &[u8]) -> Result<Vec<HostTool>, Error> {
    let mut tools = Vec::new();
    for at in 0.. {
        let path = concat(&["host_tools/", &decimal(at)]);
        let Some(tool) = raw(text, &path) else {
            break;
        };
        let value = parse(tool).unwrap_or(Value::Null);
        let (Some(name), Some(description), Some(parameters)) = (
            value.text("name"),
            value.text("description"),
            raw(tool, "parameters"),
        ) else {
            return Err(Error::Config(fill(
                "% of the configuration needs a name, a description and parameters",
                &[&path],
            )));
        };
        tools.push(HostTool {
            name: name.to_string(),
            description: description.to_string(),
            parameters: lossy(parameters),
            writes: value.is_true("writes"),
            parallel: value.is_true("parallel"),
        });
    }
    Ok(tools)
}
