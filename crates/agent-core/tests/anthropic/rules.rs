//! What the wire wants of a request's messages.

use serde_json::Value;

/// Asserts what the wire wants of a request's messages.
#[track_caller]
pub(crate) fn assert_whole(request: &Value) {
    let messages = request["messages"].as_array().expect("it has messages");
    assert!(!messages.is_empty());
    assert_eq!(messages[0]["role"], "user");
    let mut seen: Vec<&str> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().expect("a message has a role");
        assert!(matches!(role, "user" | "assistant"), "{message}");
        let blocks = message["content"].as_array().expect("content is blocks");
        assert!(!blocks.is_empty(), "an empty message: {messages:#?}");
        let mut made = Vec::new();
        let mut results = Vec::new();
        for block in blocks {
            let member = |name: &str| {
                let text = block[name].as_str();
                text.unwrap_or_else(|| panic!("{block} has no {name}"))
            };
            match (role, member("type")) {
                (_, "text") => assert!(!member("text").trim().is_empty(), "{messages:#?}"),
                ("assistant", "thinking") => assert!(!member("signature").is_empty()),
                ("assistant", "redacted_thinking") => {
                    member("data");
                }
                ("assistant", "tool_use") => {
                    let id = member("id");
                    assert!(!id.is_empty() && !seen.contains(&id), "{id}: {messages:#?}");
                    assert!(!member("name").is_empty());
                    assert!(block["input"].is_object(), "{block}");
                    seen.push(id);
                    made.push(id);
                }
                ("user", "tool_result") => {
                    member("content");
                    assert!(matches!(
                        block.get("is_error"),
                        None | Some(Value::Bool(true))
                    ));
                    results.push(member("tool_use_id"));
                }
                other => panic!("{other:?}: {messages:#?}"),
            }
        }
        assert_eq!(results, open, "the calls and their results: {messages:#?}");
        open = made;
    }
    assert!(open.is_empty(), "{open:?} have no result: {messages:#?}");
}

/// Asserts that one block of the messages has the cache mark: the last of the last.
#[track_caller]
pub(crate) fn assert_marked(request: &Value) {
    let messages = request["messages"].as_array().expect("it has messages");
    let blocks = messages
        .iter()
        .flat_map(|message| message["content"].as_array().expect("content is blocks"));
    let marked: Vec<bool> = blocks
        .map(|block| block.get("cache_control").is_some())
        .collect();
    assert_eq!(marked.iter().filter(|marked| **marked).count(), 1);
    assert_eq!(marked.last(), Some(&true));
}
