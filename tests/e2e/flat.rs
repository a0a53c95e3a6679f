//! The flat interface of `dewclaw-wamr.wasm`, in WAMR: that `wit/dewclaw.h` tells the truth, and that a host which gets everything
//! wrong is answered, unharmed, and can go on.

mod anything;
mod header;
mod misuse;
mod performing;
mod trap;

use e2e::flat::{Flat, moment};
use serde_json::{Value as Json, json};
use wamr_runner::Value;

/// The status `DC_OK`.
const OK: i32 = 0;

/// A configuration with a tool of the host's own.
fn config() -> Vec<u8> {
    json!({
        "settings": {"model": "scripted", "approve": "writes"},
        "host_tools": [{
            "name": "temperature",
            "description": "Reads a thermometer.",
            "parameters": {"type": "object"},
        }],
    })
    .to_string()
    .into_bytes()
}

/// Opens a session.
#[track_caller]
fn open(flat: &mut Flat, config: &[u8], saved: &[u8]) -> i32 {
    let session = flat.tell("dc_open", &[], &[config, saved]);
    assert!(session > 0, "dc_open: {session}, {}", flat.text());
    session
}

/// A session and both clocks.
fn at(session: i32) -> Vec<Value> {
    let mut numbers = vec![session.into()];
    numbers.extend(moment(1_000, 1_795_000_000_000));
    numbers
}

fn prompt(flat: &mut Flat, session: i32, text: &str) -> i32 {
    flat.tell("dc_prompt", &at(session), &[text.as_bytes()])
}

fn feed(flat: &mut Flat, session: i32, input: &Json) -> i32 {
    flat.tell("dc_feed", &at(session), &[input.to_string().as_bytes()])
}

fn chunk(flat: &mut Flat, session: i32, id: i32, bytes: &[u8]) -> i32 {
    let mut numbers = at(session);
    numbers.push(id.into());
    flat.tell("dc_chunk", &numbers, &[bytes])
}

/// The next effect.
#[track_caller]
fn next(flat: &mut Flat, session: i32) -> Json {
    assert_eq!(flat.call("dc_next", &at(session)), OK);
    serde_json::from_slice(&flat.result()).expect("an effect is JSON")
}

/// The next effect that is no event.
#[track_caller]
fn next_to_do(flat: &mut Flat, session: i32) -> Json {
    let to_do = [
        "call-model",
        "run-tool",
        "approve",
        "wait",
        "pending",
        "finished",
        "operate",
    ];
    loop {
        let effect = next(flat, session);
        if effect["type"]
            .as_str()
            .is_some_and(|kind| to_do.contains(&kind))
        {
            return effect;
        }
    }
}

fn save(flat: &mut Flat, session: i32) -> Vec<u8> {
    assert_eq!(flat.call("dc_save", &[session.into()]), OK);
    flat.result()
}

/// Answers the model call that the session has just made: the reply's body, whole.
#[track_caller]
fn reply(flat: &mut Flat, session: i32, body: &Json) {
    let effect = next_to_do(flat, session);
    assert_eq!(effect["type"], "call-model", "{effect}");
    let id = &effect["id"];
    let headers = json!({"content-type": "application/json"});
    let start = json!({"reply_start": id, "status": 200, "headers": headers});
    assert_eq!(feed(flat, session, &start), OK);
    let number = id.as_i64().expect("a number") as i32;
    assert_eq!(
        chunk(flat, session, number, body.to_string().as_bytes()),
        OK
    );
    assert_eq!(feed(flat, session, &json!({"reply_end": id})), OK);
}

/// A reply that is an answer.
fn text(answer: &str) -> Json {
    json!({"choices": [{"message": {"content": answer}, "finish_reason": "stop"}]})
}

/// A reply that calls the host's tool.
fn call(id: &str) -> Json {
    let function = json!({"name": "temperature", "arguments": "{}"});
    let call = json!({"id": id, "type": "function", "function": function});
    json!({"choices": [{"message": {"content": null, "tool_calls": [call]}, "finish_reason": "tool_calls"}]})
}

/// Asserts that the session can be talked to: a whole turn, whatever went on before.
#[track_caller]
fn is_usable(flat: &mut Flat, session: i32) {
    assert_eq!(feed(flat, session, &json!({"cancel": true})), OK);
    while !["finished", "pending"].contains(&next(flat, session)["type"].as_str().unwrap_or("")) {}
    assert_eq!(prompt(flat, session, "Are you there?"), OK);
    reply(flat, session, &text("Here I am."));
    let outcome = next_to_do(flat, session);
    assert_eq!(outcome["text"], "Here I am.", "{outcome}");
}
