//! Events and outcomes as JSON, one object each: what `--json` prints.

use alloc::vec::Vec;

use crate::effect::{Event, Outcome, Reason, Usage};
use crate::json::Object;

/// An event as a JSON object, without a line end.
pub fn event(event: &Event) -> Vec<u8> {
    let mut object = Object::new();
    match event {
        Event::Text(text) => object.text("type", "text").text("text", text),
        Event::Reasoning(text) => object.text("type", "reasoning").text("text", text),
        Event::ReplyDiscarded { reason } => object
            .text("type", "reply-discarded")
            .text("reason", reason),
        Event::ToolStarted {
            call,
            name,
            arguments,
        } => object
            .text("type", "tool-started")
            .text("call", call)
            .text("name", name)
            .text("arguments", arguments),
        Event::ToolFinished {
            call,
            name,
            ok,
            result,
        } => object
            .text("type", "tool-finished")
            .text("call", call)
            .text("name", name)
            .boolean("ok", *ok)
            .raw("result", result),
        Event::Retry {
            attempt,
            wait_ms,
            cause,
        } => object
            .text("type", "retry")
            .number("attempt", (*attempt).into())
            .number("wait_ms", *wait_ms)
            .text("cause", cause),
        Event::Usage(usage) => {
            object.text("type", "usage");
            push_usage(&mut object, *usage)
        }
        Event::Notice(text) => object.text("type", "notice").text("text", text),
    };
    object.finish()
}

/// The end of a run as a JSON object, without a line end.
pub fn outcome(outcome: &Outcome) -> Vec<u8> {
    let mut usage = Object::new();
    let usage = push_usage(&mut usage, outcome.usage).finish();
    let mut object = Object::new();
    object
        .text("type", "finished")
        .text("reason", outcome.reason.name())
        .number("exit_code", outcome.reason.exit_code().into())
        .text("text", &outcome.text)
        .raw("usage", &usage);
    if let Reason::Failed(failure) = &outcome.reason {
        object.raw("error", &error(failure.kind.name(), &failure.message));
    }
    object.finish()
}

/// The end of a run that failed outside the agent, as a JSON object without a line end.
pub fn failure(exit_code: u8, kind: &str, message: &str) -> Vec<u8> {
    Object::new()
        .text("type", "finished")
        .text("reason", "failed")
        .number("exit_code", exit_code.into())
        .text("text", "")
        .raw("error", &error(kind, message))
        .finish()
}

fn error(kind: &str, message: &str) -> Vec<u8> {
    Object::new()
        .text("kind", kind)
        .text("message", message)
        .finish()
}

fn push_usage(object: &mut Object, usage: Usage) -> &mut Object {
    object
        .number("input_tokens", usage.input_tokens)
        .number("output_tokens", usage.output_tokens)
        .number("cached_tokens", usage.cached_tokens)
}
