//! Effects and inputs as JSON, one object each: what goes over the boundary of the core module, as `wit/dewclaw.h` tells.
//!
//! An input is an object as a recording's line has it; an effect has a `type`, and an event is what `--json` prints.

use alloc::vec::Vec;

use dewclaw_platform::Timeouts;

use crate::effect::{Auth, AuthScheme, Effect, Input, ModelCall, Operation};
use crate::event_json;
use crate::json::{Object, Value};
use crate::recording::{get_input, put_operation};

/// An effect as a JSON object.
pub fn effect(effect: &Effect) -> Vec<u8> {
    let mut object = Object::new();
    match effect {
        Effect::Event(event) => return event_json::event(event),
        Effect::Finished(outcome) => return event_json::outcome(outcome),
        Effect::CallModel(call) => put_call(object.text("type", "call-model"), call),
        Effect::DropReply { id } => object.text("type", "drop-reply").number("id", id.0.into()),
        Effect::Operate { id, operation } => {
            object
                .text("type", "operate")
                .number("id", id.0.into())
                .raw("do", &put_operation(operation));
            if let Operation::Http(http) = operation {
                if let Some(auth) = http.auth {
                    put_auth(&mut object, auth);
                }
                put_timeouts(&mut object, http.timeouts).number("total_ms", http.total_ms);
            }
            &mut object
        }
        Effect::DropOperation { id } => object
            .text("type", "drop-operation")
            .number("id", id.0.into()),
        Effect::RunTool {
            call,
            name,
            arguments,
        } => put_tool_call(object.text("type", "run-tool"), call, name, arguments),
        Effect::Approve {
            call,
            name,
            arguments,
        } => put_tool_call(object.text("type", "approve"), call, name, arguments),
        Effect::Wait { until_ms } => object.text("type", "wait").number("until_ms", *until_ms),
        Effect::Pending => object.text("type", "pending"),
    };
    object.finish()
}

/// The input of a JSON object; `None` where it holds none.
pub fn input(object: &Value) -> Option<Input> {
    get_input(object)
}

fn put_call<'o>(object: &'o mut Object, call: &ModelCall) -> &'o mut Object {
    let mut headers = Object::new();
    for (name, value) in &call.headers {
        headers.text(name, value);
    }
    object
        .number("id", call.id.0.into())
        .text("url", &call.url)
        .raw("headers", &headers.finish())
        .number("content_length", call.content_length);
    put_auth(object, call.auth);
    put_timeouts(object, call.timeouts)
}

/// The slot of a credential, and the header that carries it.
fn put_auth(object: &mut Object, auth: Auth) {
    let (header, prefix) = match auth.scheme {
        AuthScheme::Bearer => ("authorization", "Bearer "),
        AuthScheme::Header(name) => (name, ""),
    };
    let seat = Object::new()
        .text("slot", auth.slot)
        .text("header", header)
        .text("prefix", prefix)
        .finish();
    object.raw("auth", &seat);
}

fn put_timeouts(object: &mut Object, timeouts: Timeouts) -> &mut Object {
    object
        .number("connect_ms", timeouts.connect_ms)
        .number("first_byte_ms", timeouts.first_byte_ms)
        .number("between_bytes_ms", timeouts.between_bytes_ms)
}

fn put_tool_call<'o>(
    object: &'o mut Object,
    call: &str,
    name: &str,
    arguments: &str,
) -> &'o mut Object {
    object
        .text("call", call)
        .text("name", name)
        .text("arguments", arguments)
}
