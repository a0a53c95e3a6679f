//! Which tools the model is offered.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::Settings;
use dewclaw_agent_core::tools::{ALL, SEARCH_VARIABLES, Tool, Writes};
use dewclaw_platform::wasi::WasiEnvironment;
use dewclaw_platform::{Environment, concat, join, split, trim};

use super::Stop;
use super::arguments::Arguments;

/// The tools that the model is offered: those whose backend is real here and that the settings let it use, of those
/// that `--tools A,B` or `DEWCLAW_TOOLS` selects.
///
/// # Errors
/// A name of no tool, or a tool that is selected and can't be offered.
pub(super) fn tools(
    environment: &WasiEnvironment,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<Vec<&'static Tool>, Stop> {
    let selected = arguments
        .value("--tools")
        .or(environment.var("DEWCLAW_TOOLS"))
        .filter(|names| !names.is_empty());
    let mut tools = Vec::new();
    match selected {
        None => tools.extend(ALL.iter().filter(|tool| missing(tool, settings).is_none())),
        Some(names) => {
            for name in split(names, b',') {
                let tool = named(name)?;
                if let Some(why) = missing(tool, settings) {
                    return Err(Stop::usage("--tools names %, but %", &[tool.name, &why]));
                }
                tools.push(tool);
            }
        }
    }
    tools.retain(|tool| !settings.read_only || !matches!(tool.writes, Writes::Always));
    Ok(tools)
}

/// Why a tool can't be offered, and what would change that.
pub(super) fn missing(tool: &Tool, settings: &Settings) -> Option<String> {
    let why: &[&str] = match (tool.name, NO_NETWORK) {
        (_, Some(why)) if tool.networked => &[why],
        _ if tool.is_configured(settings) => return None,
        ("web_fetch", _) => &["no host is allowed: add --allow-fetch HOST"],
        _ => &["it is not configured: ", SEARCH_VARIABLES],
    };
    Some(concat(why))
}

/// What a build without network says of the web.
pub(super) const NO_NETWORK: Option<&str> = if cfg!(feature = "http") {
    None
} else if cfg!(target_env = "p1") {
    Some("this build has no network: use dewclaw-wamr.wasm")
} else {
    Some("this build has no network: use dewclaw.wasm (with wasmtime's -S http)")
};

/// The tool of a name.
pub(super) fn named(name: &str) -> Result<&'static Tool, Stop> {
    let known = ALL.iter().find(|tool| tool.name == trim(name));
    known.copied().ok_or_else(|| {
        Stop::usage(
            "unknown tool \"%\": there are %",
            &[trim(name), &names(&ALL)],
        )
    })
}

/// The names of tools, for a person.
pub(super) fn names(tools: &[&'static Tool]) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    join(&names, ", ")
}
