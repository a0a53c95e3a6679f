//! Which tools the model is offered.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::tools::{ALL, Tool};
use dewclaw_platform::Environment;

use super::Stop;
use super::arguments::Arguments;

/// The tools that the flags and variables leave: `--tools A,B` or `DEWCLAW_TOOLS` selects, `--read-only` or
/// `DEWCLAW_READ_ONLY=true` leaves out those that write.
///
/// # Errors
/// A name of no tool, or a switch that is neither true nor false.
pub(super) fn tools(
    environment: &dyn Environment,
    arguments: &Arguments,
) -> Result<Vec<&'static Tool>, Stop> {
    let set = |name: &str| environment.var(name).filter(|value| !value.is_empty());
    let selected = arguments
        .value("--tools")
        .map(ToString::to_string)
        .or(set("DEWCLAW_TOOLS"));
    let read_only = match set("DEWCLAW_READ_ONLY").as_deref() {
        _ if arguments.has("--read-only") => true,
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Stop::usage(&["DEWCLAW_READ_ONLY must be true or false"])),
    };
    let mut tools: Vec<&'static Tool> = match &selected {
        None => ALL.to_vec(),
        Some(names) => names.split(',').map(named).collect::<Result<_, _>>()?,
    };
    tools.retain(|tool| !read_only || !tool.writes);
    Ok(tools)
}

/// The tool of a name.
pub(super) fn named(name: &str) -> Result<&'static Tool, Stop> {
    let known = ALL.iter().find(|tool| tool.name == name.trim());
    known.copied().ok_or_else(|| {
        Stop::usage(&[
            "unknown tool \"",
            name.trim(),
            "\": there are ",
            &names(&ALL),
        ])
    })
}

/// The names of tools, for a person.
pub(super) fn names(tools: &[&'static Tool]) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    names.join(", ")
}
