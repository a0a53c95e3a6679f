//! Tool calls in every dialect: with and without ids and indexes, whole and in fragments.

use serde_json::{Value, json};

use crate::calls_of;
use crate::script::{Reply, sse};

/// A stream whose deltas bring these parts of calls, one each.
fn stream(parts: &[Value]) -> Reply {
    let mut events: Vec<Value> = parts
        .iter()
        .map(|part| json!({"choices": [{"index": 0, "delta": {"tool_calls": [part]}}]}))
        .collect();
    events.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    Reply::stream(sse(events))
}

/// A plain reply that makes these calls.
fn plain(calls: &[Value]) -> Reply {
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    Reply::json(
        json!({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
            .to_string(),
    )
}

fn call(name: &str, arguments: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "arguments": arguments}})
}

fn with(mut call: Value, name: &str, value: Value) -> Value {
    call[name] = value;
    call
}

const A: &str = r#"{"path":"a.txt"}"#;
const B: &str = r#"{"path":"b.txt"}"#;

/// Asserts that a reply reads a.txt and then b.txt, by calls of two ids.
#[track_caller]
fn assert_reads_both(reply: Reply) -> [String; 2] {
    let calls = calls_of(reply);
    let made: Vec<(&str, &str)> = calls
        .iter()
        .map(|call| (call.1.as_str(), call.2.as_str()))
        .collect();
    assert_eq!(made, [("read_file", A), ("read_file", B)]);
    assert!(!calls[0].0.is_empty() && !calls[1].0.is_empty());
    assert_ne!(calls[0].0, calls[1].0);
    [calls[0].0.clone(), calls[1].0.clone()]
}

#[test]
fn by_the_reference() {
    let both = [
        with(call("read_file", A), "id", json!("x")),
        with(call("read_file", B), "id", json!("y")),
    ];
    assert_eq!(assert_reads_both(plain(&both)), ["x", "y"]);
    let indexed: Vec<Value> = both
        .into_iter()
        .enumerate()
        .map(|(index, call)| with(call, "index", json!(index)))
        .collect();
    assert_eq!(assert_reads_both(stream(&indexed)), ["x", "y"]);
}

#[test]
fn without_ids() {
    assert_reads_both(plain(&[call("read_file", A), call("read_file", B)]));
    let indexed = [
        with(call("read_file", A), "index", json!(0)),
        with(call("read_file", B), "index", json!(1)),
    ];
    assert_reads_both(stream(&indexed));
    for nothing in [json!(null), json!("")] {
        let both = [
            with(call("read_file", A), "id", nothing.clone()),
            with(call("read_file", B), "id", nothing),
        ];
        assert_reads_both(plain(&both));
    }
}

#[test]
fn without_indexes() {
    let both = [
        with(call("read_file", A), "id", json!("x")),
        with(call("read_file", B), "id", json!("y")),
    ];
    assert_eq!(assert_reads_both(stream(&both)), ["x", "y"]);
    let fragments = [
        with(call("read_file", r#"{"path":"#), "id", json!("x")),
        with(
            json!({"function": {"arguments": "\"a.txt\"}"}}),
            "id",
            json!("x"),
        ),
        with(call("read_file", r#"{"path":"#), "id", json!("y")),
        with(
            json!({"function": {"arguments": "\"b.txt\"}"}}),
            "id",
            json!("y"),
        ),
    ];
    assert_eq!(assert_reads_both(stream(&fragments)), ["x", "y"]);
}

#[test]
fn without_ids_and_indexes() {
    assert_reads_both(stream(&[call("read_file", A), call("read_file", B)]));
    let fragments = [
        call("read_file", ""),
        json!({"function": {"arguments": r#"{"path":"#}}),
        json!({"function": {"arguments": r#""a.txt"}"#}}),
        call("read_file", r#"{"path":"#),
        json!({"function": {"arguments": r#""b.txt"}"#}}),
    ];
    assert_reads_both(stream(&fragments));
}

#[test]
fn with_the_same_id_twice() {
    let both = [
        with(call("read_file", A), "id", json!("same")),
        with(call("read_file", B), "id", json!("same")),
    ];
    let indexed: Vec<Value> = both
        .iter()
        .cloned()
        .enumerate()
        .map(|(index, call)| with(call, "index", json!(index)))
        .collect();
    assert_eq!(assert_reads_both(stream(&indexed))[0], "same");
    // In a plain reply each element is a call of its own.
    assert_eq!(assert_reads_both(plain(&both))[0], "same");
}

#[test]
fn with_the_same_index_for_each() {
    // As some gateways stream calls that the model made at once: whole, each with its id, all with index 0.
    let both = [
        with(
            with(call("read_file", A), "id", json!("x")),
            "index",
            json!(0),
        ),
        with(
            with(call("read_file", B), "id", json!("y")),
            "index",
            json!(0),
        ),
    ];
    assert_eq!(assert_reads_both(stream(&both)), ["x", "y"]);
    assert_eq!(assert_reads_both(plain(&both)), ["x", "y"]);
}

#[test]
fn with_fragments_that_take_turns() {
    let part =
        |index: u64, arguments: &str| json!({"index": index, "function": {"arguments": arguments}});
    let fragments = [
        with(
            with(call("read_file", ""), "id", json!("x")),
            "index",
            json!(0),
        ),
        with(
            with(call("read_file", ""), "id", json!("y")),
            "index",
            json!(1),
        ),
        part(0, r#"{"pa"#),
        part(1, r#"{"path":"b.t"#),
        part(0, r#"th":"a.txt"}"#),
        part(1, r#"xt"}"#),
    ];
    assert_eq!(assert_reads_both(stream(&fragments)), ["x", "y"]);
    // Indexes need not begin at 0, nor come in order.
    let fragments = [
        with(
            with(call("read_file", A), "id", json!("x")),
            "index",
            json!(7),
        ),
        with(
            with(call("read_file", B), "id", json!("y")),
            "index",
            json!(3),
        ),
    ];
    assert_eq!(assert_reads_both(stream(&fragments)), ["x", "y"]);
}

#[test]
fn with_the_id_and_name_repeated_in_each_fragment() {
    let part = |arguments: &str| {
        with(
            with(call("read_file", arguments), "id", json!("x")),
            "index",
            json!(0),
        )
    };
    let calls = calls_of(stream(&[part(r#"{"path":"#), part(r#""a.txt"}"#)]));
    assert_eq!(calls, [("x".into(), "read_file".into(), A.into())]);
}

#[test]
fn without_arguments() {
    for nothing in [json!(null), json!(""), json!("{}")] {
        let mut bare = call("memory_read", "");
        bare["function"]["arguments"] = nothing;
        let (driver, _) = crate::run(plain(&[bare]));
        let results = driver.results();
        assert_eq!(results[0].2, json!({"content": ""}), "{results:?}");
    }
}

#[test]
fn more_than_any_model_makes() {
    let many = vec![call("read_file", A); 129];
    let (kind, message) = crate::failure(plain(&many));
    assert_eq!(kind.name(), "malformed");
    assert!(message.contains("more than 128 parts"), "{message}");
}
