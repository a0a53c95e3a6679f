//! Requests as a server reads them.

use serde_json::Value;

/// The messages of a request's body.
#[track_caller]
pub(crate) fn messages(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).expect("a request is JSON");
    body["messages"]
        .as_array()
        .expect("it has messages")
        .clone()
}

/// Asserts what every server wants of a history: each tool call has its result directly after it, in the calls' order,
/// and each result has its call.
#[track_caller]
pub(crate) fn assert_whole(messages: &[Value]) {
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().expect("a message has a role");
        if role == "tool" {
            let id = message["tool_call_id"]
                .as_str()
                .expect("a result names its call");
            assert!(
                !open.is_empty(),
                "message {index} is a result without a call: {messages:#?}"
            );
            assert_eq!(
                open.remove(0),
                id,
                "message {index} is another call's result: {messages:#?}"
            );
            assert!(message["content"].is_string());
            continue;
        }
        assert!(
            open.is_empty(),
            "calls {open:?} have no result before message {index}: {messages:#?}"
        );
        assert_eq!(role == "system", index == 0, "message {index} is {role}");
        if role == "assistant" {
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let id = call["id"].as_str().expect("a call has an id");
                assert!(
                    !id.is_empty() && !open.contains(&id),
                    "call id {id:?}: {messages:#?}"
                );
                open.push(id);
                assert_eq!(call["type"], "function");
                let arguments = call["function"]["arguments"]
                    .as_str()
                    .expect("arguments are text");
                let arguments: Value =
                    serde_json::from_str(arguments).expect("servers parse the arguments");
                assert!(arguments.is_object(), "servers want an object: {arguments}");
            }
        } else {
            assert!(message["content"].is_string());
        }
    }
    assert!(
        open.is_empty(),
        "calls {open:?} have no result: {messages:#?}"
    );
}
