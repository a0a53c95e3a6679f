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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Event, Failure, FailureKind, OperationId, Outcome, Reason, RequestId};
    use crate::effect::{OperationAnswer, Usage, Verdict};
    use crate::json::parse;
    use crate::operation::{FileAnswer, FileOperation, HttpAnswer, HttpOperation};
    use alloc::string::{String, ToString};
    use alloc::vec;
    use dewclaw_platform::{
        EntryKind, FsError, HttpError, Listing, ListingEntry, Method, ReadChunk, Stat,
    };

    /// The examples of the header, one a line: an object that goes on in further lines is whole.
    fn examples() -> Vec<String> {
        let header = include_str!("../../../wit/dewclaw.h");
        let mut examples: Vec<String> = Vec::new();
        let mut goes_on = false;
        for line in header.lines() {
            let text = line.trim_start_matches(" *").trim();
            if line.starts_with(" *     {\"") {
                examples.push(text.into());
            } else if goes_on {
                examples.last_mut().expect("it began before").push_str(text);
            }
            goes_on = (goes_on || line.starts_with(" *     {\"")) && text.ends_with(',');
        }
        examples
    }

    fn effects() -> Vec<Effect> {
        let used = Usage {
            input_tokens: 1200,
            output_tokens: 50,
            cached_tokens: 0,
        };
        let timeouts = |first_byte_ms, between_bytes_ms| Timeouts {
            connect_ms: 10_000,
            first_byte_ms,
            between_bytes_ms,
        };
        let text = || "read_temperature".to_string();
        let file = |operation| Effect::Operate {
            id: OperationId(4),
            operation: Operation::File(operation),
        };
        let todo = || "notes/todo.md".to_string();
        let could_not = || "could not connect to the server".to_string();
        vec![
            Effect::CallModel(ModelCall {
                id: RequestId(1),
                url: "http://10.0.0.2:11434/v1/chat/completions".into(),
                headers: vec![
                    ("content-type", "application/json"),
                    ("accept", "application/json, text/event-stream"),
                ],
                auth: Auth {
                    slot: "openai",
                    scheme: AuthScheme::Bearer,
                },
                content_length: 2300,
                timeouts: timeouts(120_000, 60_000),
            }),
            Effect::DropReply { id: RequestId(1) },
            Effect::DropOperation { id: OperationId(4) },
            Effect::RunTool {
                call: "call_1".into(),
                name: text(),
                arguments: "{}".into(),
            },
            Effect::Approve {
                call: "call_2".into(),
                name: "write_file".into(),
                arguments: r#"{"path":"a.txt","content":"21.5"}"#.into(),
            },
            Effect::Wait { until_ms: 81_250 },
            Effect::Pending,
            Effect::Finished(Outcome {
                reason: Reason::Answered,
                text: "It is 21.5 degrees.".into(),
                usage: used,
            }),
            Effect::Finished(Outcome {
                reason: Reason::Failed(Failure {
                    kind: FailureKind::Connection,
                    message: could_not(),
                }),
                text: String::new(),
                usage: Usage::default(),
            }),
            Effect::Event(Event::Text("It is ".into())),
            Effect::Event(Event::Reasoning("I should look.".into())),
            Effect::Event(Event::ReplyDiscarded {
                reason: "the connection closed".into(),
            }),
            Effect::Event(Event::ToolStarted {
                call: "call_1".into(),
                name: text(),
                arguments: "{}".into(),
            }),
            Effect::Event(Event::ToolFinished {
                call: "call_1".into(),
                name: text(),
                ok: true,
                result: br#"{"celsius":21.5}"#.to_vec(),
            }),
            Effect::Event(Event::Retry {
                attempt: 1,
                wait_ms: 1000,
                cause: could_not(),
            }),
            Effect::Event(Event::Usage(used)),
            Effect::Event(Event::Notice("the memory is full".into())),
            file(FileOperation::Read {
                path: todo(),
                offset: 0,
                length: 65_536,
            }),
            file(FileOperation::Replace {
                path: todo(),
                content: b"- water the plants\n".to_vec(),
            }),
            file(FileOperation::Append {
                path: "log.txt".into(),
                content: b"21.5\n".to_vec(),
            }),
            file(FileOperation::List {
                path: "notes".into(),
                limit: 200,
            }),
            file(FileOperation::Stat {
                path: "notes".into(),
            }),
            Effect::Operate {
                id: OperationId(5),
                operation: Operation::Http(HttpOperation {
                    method: Method::Get,
                    url: "https://example.com/".into(),
                    headers: vec![("accept".into(), "text/html".into())],
                    body: Vec::new(),
                    auth: None,
                    max_bytes: 1_000_000,
                    timeouts: timeouts(30_000, 30_000),
                    total_ms: 60_000,
                }),
            },
        ]
    }

    fn inputs() -> Vec<Input> {
        let headers = |name: &str| vec![("content-type".to_string(), name.to_string())];
        let id = RequestId(1);
        let call = || "call_1".to_string();
        let file = |answer| Input::OperationDone {
            id: OperationId(4),
            answer: OperationAnswer::File(answer),
        };
        let http = |answer| Input::OperationDone {
            id: OperationId(5),
            answer: OperationAnswer::Http(answer),
        };
        let entry = |name: &str, kind, size| ListingEntry {
            name: name.into(),
            kind,
            size,
        };
        let broken = "the sensor does not answer: check its cable";
        vec![
            Input::ReplyStart {
                id,
                status: 200,
                headers: headers("text/event-stream"),
            },
            Input::ReplyEnd { id },
            Input::ReplyFailed {
                id,
                error: HttpError::ConnectTimeout,
            },
            Input::ToolDone {
                call: call(),
                result: Ok(r#"{"celsius":21.5}"#.into()),
            },
            Input::ToolDone {
                call: call(),
                result: Err(broken.into()),
            },
            Input::Verdict {
                call: "call_2".into(),
                verdict: Verdict::Approved,
            },
            Input::Cancel,
            file(FileAnswer::Bytes(ReadChunk {
                bytes: b"- water the plants\n".to_vec(),
                end: true,
            })),
            file(FileAnswer::Listing(Listing {
                entries: vec![
                    entry("todo.md", EntryKind::File, 19),
                    entry("old", EntryKind::Folder, 0),
                ],
                total: 2,
            })),
            file(FileAnswer::Stat(Stat {
                kind: EntryKind::Folder,
                size: 0,
            })),
            file(FileAnswer::Done),
            file(FileAnswer::Failed(FsError::NotFound)),
            http(HttpAnswer::Reply {
                status: 200,
                headers: headers("text/html"),
                body: b"<p>Hello.</p>".to_vec(),
                whole: true,
            }),
            http(HttpAnswer::Failed(HttpError::Dns)),
        ]
    }

    #[test]
    fn the_headers_examples_are_what_is_written_and_read() {
        let examples = examples();
        let typed = |example: &&String| example.starts_with("{\"type\"");
        let shown: Vec<_> = examples.iter().filter(typed).cloned().collect();
        let written = |one: &Effect| String::from_utf8(effect(one)).unwrap();
        let effects: Vec<String> = effects().iter().map(written).collect();
        assert_eq!(shown, effects);
        let told = [
            "{\"re",
            "{\"tool_done",
            "{\"verdict",
            "{\"cancel",
            "{\"operation",
        ];
        let told: Vec<Input> = examples
            .iter()
            .filter(|example| told.iter().any(|begin| example.starts_with(begin)))
            .map(|example| {
                let object = parse(example.as_bytes()).unwrap();
                input(&object).unwrap_or_else(|| panic!("{example} is no input"))
            })
            .collect();
        assert_eq!(told, inputs());
    }
}
