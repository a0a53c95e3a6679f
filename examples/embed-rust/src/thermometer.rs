//! The program's own tool: the temperature of a room.

use crate::agent::wit::HostTool;
use serde_json::{Value, json};

/// The rooms and their degrees Celsius. A real program would ask its sensors.
const ROOMS: [(&str, f64); 3] = [("cellar", 11.5), ("kitchen", 21.0), ("greenhouse", 27.5)];

/// The tool, as the model is told of it.
pub(crate) fn tool() -> HostTool {
    HostTool {
        name: "read_temperature".to_owned(),
        description: format!("Reads the thermometer of a room, in °C. {}", rooms()),
        parameters: json!({
            "type": "object",
            "properties": {"room": {"type": "string"}},
            "required": ["room"],
            "additionalProperties": false,
        })
        .to_string(),
        writes: false,
        parallel: true,
    }
}

/// Runs a call, whose arguments fit the schema. An error is words for the model: what went wrong and what to do.
pub(crate) fn read(arguments: &str) -> Result<String, String> {
    let arguments: Value = serde_json::from_str(arguments).map_err(|error| error.to_string())?;
    let room = arguments["room"].as_str().unwrap_or_default();
    match ROOMS.iter().find(|(name, _)| *name == room) {
        Some((_, celsius)) => Ok(json!({"room": room, "celsius": celsius}).to_string()),
        None => Err(format!("there is no room {room:?}. {}", rooms())),
    }
}

fn rooms() -> String {
    format!("The rooms: {}.", ROOMS.map(|(name, _)| name).join(", "))
}
