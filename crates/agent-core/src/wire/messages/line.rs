//! A message of a transcript: what it says when it is read back.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::super::{Message, NOTHING};
use super::Parts;
use crate::json::{self, Value};

/// Reads back a message that was written here. The person's texts are a message each, and so are results.
pub(in crate::wire) fn read(json: &[u8]) -> Option<Vec<Message>> {
    let message = json::parse(json).ok()?;
    let content = message.elements("content");
    // The server refuses empty content, and anything beside it.
    if content.is_empty() || !matches!(&message, Value::Object(members) if members.len() == 2) {
        return None;
    }
    match message.text("role")? {
        "user" => {
            let mut messages = Vec::new();
            for block in content {
                messages.push(read_block(block)?);
            }
            Some(messages)
        }
        "assistant" => {
            if !content.iter().all(is_written_here) {
                return None;
            }
            let blocks = match content {
                [blocks @ .., last] if last.text("text") == Some(NOTHING) => blocks,
                blocks => blocks,
            };
            let mut parts = Parts::default();
            parts.open_all(blocks, json, &mut Vec::new()).ok()?;
            Some(alloc::vec![Message::Reply(parts.reply)])
        }
        _ => None,
    }
}

/// Whether a block of the model's is of a kind that is written here, with the texts that make it one.
fn is_written_here(block: &Value) -> bool {
    let members: &[&str] = match block.text("type") {
        Some("text") => &["text"],
        Some("thinking") => &["thinking", "signature"],
        Some("redacted_thinking") => &["data"],
        Some("tool_use") => &["id", "name"],
        _ => return false,
    };
    members.iter().all(|member| block.text(member).is_some())
}

/// A block of a message of the person's.
fn read_block(block: &Value) -> Option<Message> {
    match block.text("type")? {
        "text" => Some(Message::User(block.text("text")?.to_string())),
        "tool_result" => Some(Message::result(
            block.text("tool_use_id")?,
            !block.is_true("is_error"),
            block.text("content")?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No other wire has a form for it yet, so only here it shows.
    #[test]
    fn a_failed_result_is_read_back_as_one() {
        for (member, ok) in [
            (r#","is_error":true"#, false),
            (r#","is_error":false"#, true),
            ("", true),
        ] {
            let block = r#"{"type":"tool_result","tool_use_id":"a","content":"x""#;
            let line = [r#"{"role":"user","content":["#, block, member, "}]}"].concat();
            let expected = Message::result("a", ok, "x");
            assert_eq!(read(line.as_bytes()), Some(alloc::vec![expected]));
        }
    }
}
