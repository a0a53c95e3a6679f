//! What a strict server of the messages wire refuses in one block of a message.

use super::messages::signature_of;
use super::rules::is_function_name;
use serde_json::{Map, Value};

/// The fields of each block beside its type: those that it must have, and those that it may have.
const BLOCKS: [(&str, &[&str], &[&str]); 5] = [
    ("text", &["text"], &["cache_control", "citations"]),
    ("tool_use", &["id", "name", "input"], &["cache_control"]),
    (
        "tool_result",
        &["tool_use_id"],
        &["content", "is_error", "cache_control"],
    ),
    ("thinking", &["thinking", "signature"], &[]),
    ("redacted_thinking", &["data"], &[]),
];

/// Checks a block's fields and what is in them.
pub(super) fn fields(place: &str, block: &Value, broken: &mut Vec<String>) {
    let kind = block["type"].as_str().unwrap_or_default();
    let Some((_, needed, possible)) = BLOCKS.iter().find(|(name, ..)| *name == kind) else {
        broken.push(format!("{place}: {block} is no known block"));
        return;
    };
    let names = block.as_object().into_iter().flat_map(Map::keys);
    for name in names.map(String::as_str) {
        if name != "type" && !needed.contains(&name) && !possible.contains(&name) {
            broken.push(format!(
                "{place}: {kind}.{name}: extra inputs are not permitted"
            ));
        }
    }
    for name in *needed {
        let value = &block[*name];
        let whole = if *name == "input" {
            value.is_object()
        } else {
            value.as_str().is_some_and(|text| !text.trim().is_empty())
        };
        if !whole {
            broken.push(format!(
                "{place}: {kind}.{name} is empty or of a wrong type"
            ));
        }
    }
    let id = block["id"].as_str().unwrap_or_default();
    let sound = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !id.chars().all(sound) {
        broken.push(format!(
            "{place}: {kind}.id {id:?} does not match ^[a-zA-Z0-9_-]+$"
        ));
    }
    if kind == "tool_use" && !is_function_name(block["name"].as_str().unwrap_or_default()) {
        broken.push(format!("{place}: {} is no name of a tool", block["name"]));
    }
    if let Some(flag) = block.get("is_error") {
        let said = block["content"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        if !flag.is_boolean() || (flag == true && !said) {
            broken.push(format!("{place}: is_error {flag} without words"));
        }
    }
    if kind == "tool_result" && block.get("content").is_some_and(|it| !it.is_string()) {
        broken.push(format!("{place}: the content of a tool_result is not text"));
    }
    if let (Some(thinking), Some(signature)) =
        (block["thinking"].as_str(), block["signature"].as_str())
        && signature != signature_of(thinking)
    {
        broken.push(format!(
            "{place}: the signature in thinking is not this server's"
        ));
    }
}
