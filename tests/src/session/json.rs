//! Effects and inputs of a session as JSON, one object each, as `wit/dewclaw.h` has them.

use super::runtime::Told;
use super::wit;
use dewclaw_agent_core::json::{Value, parse, raw};
use serde_json::json;
use std::fmt::Debug;

/// The effect of an object. Panics where it is none.
pub(super) fn effect(text: &[u8]) -> wit::Effect {
    let object = parse(text).expect("an effect is JSON");
    match string(&object, "type").as_str() {
        "call-model" => wit::Effect::CallModel(wit::ModelCall {
            id: small(&object, "id"),
            url: string(&object, "url"),
            headers: headers(&object),
            auth: auth(&object),
            content_length: number(&object, "content_length"),
            timeouts: timeouts(&object),
        }),
        "drop-reply" => wit::Effect::DropReply(small(&object, "id")),
        "operate" => wit::Effect::Operate((small(&object, "id"), operation(&object))),
        "drop-operation" => wit::Effect::DropOperation(small(&object, "id")),
        "run-tool" => wit::Effect::RunTool(tool_call(&object)),
        "approve" => wit::Effect::Approve(tool_call(&object)),
        "wait" => wit::Effect::Wait(number(&object, "until_ms")),
        "pending" => wit::Effect::Pending,
        "finished" => wit::Effect::Finished(wit::Outcome {
            reason: string(&object, "reason"),
            exit_code: u8::try_from(number(&object, "exit_code")).expect("an exit code"),
            text: string(&object, "text"),
            usage: usage(object.get("usage").expect("an outcome has its usage")),
            failure: object
                .get("error")
                .map(|error| (string(error, "kind"), string(error, "message"))),
        }),
        event => wit::Effect::Show(shown(event, &object, text)),
    }
}

fn shown(event: &str, object: &Value, text: &[u8]) -> wit::Event {
    match event {
        "text" => wit::Event::Text(string(object, "text")),
        "reasoning" => wit::Event::Reasoning(string(object, "text")),
        "reply-discarded" => wit::Event::ReplyDiscarded(string(object, "reason")),
        "tool-started" => wit::Event::ToolStarted(tool_call(object)),
        "tool-finished" => {
            let result = raw(text, "result").expect("a result").to_vec();
            wit::Event::ToolFinished(wit::ToolFinished {
                call: string(object, "call"),
                name: string(object, "name"),
                ok: object.is_true("ok"),
                result: String::from_utf8(result).expect("UTF-8"),
            })
        }
        "retry" => wit::Event::Retry(wit::Retry {
            attempt: small(object, "attempt"),
            wait_ms: number(object, "wait_ms"),
            cause: string(object, "cause"),
        }),
        "usage" => wit::Event::Usage(usage(object)),
        "notice" => wit::Event::Notice(string(object, "text")),
        other => panic!("{other:?} is no effect and no event"),
    }
}

fn operation(object: &Value) -> wit::Operation {
    let what = object.get("do").expect("an operation");
    let path = |member: &str| what.text(member).map(str::to_owned);
    let content = |path: String| wit::FileContent {
        path,
        content: bytes(what),
    };
    wit::Operation::File(if let Some(path) = path("read") {
        wit::FileOperation::Read(wit::FileRead {
            path,
            offset: number(what, "offset"),
            length: small(what, "length"),
        })
    } else if let Some(path) = path("replace") {
        wit::FileOperation::Replace(content(path))
    } else if let Some(path) = path("append") {
        wit::FileOperation::Append(content(path))
    } else if let Some(path) = path("list") {
        let limit = small(what, "limit");
        wit::FileOperation::ListFolder(wit::FolderList { path, limit })
    } else if let Some(path) = path("stat") {
        wit::FileOperation::Stat(path)
    } else {
        return wit::Operation::Http(wit::HttpOperation {
            method: string(what, "http"),
            url: string(what, "url"),
            headers: headers(what),
            body: bytes(what),
            auth: object.get("auth").map(|_| auth(object)),
            max_bytes: small(what, "max_bytes"),
            timeouts: timeouts(object),
            total_ms: number(object, "total_ms"),
        });
    })
}

fn tool_call(object: &Value) -> wit::ToolCall {
    wit::ToolCall {
        id: string(object, "call"),
        name: string(object, "name"),
        arguments: string(object, "arguments"),
    }
}

fn auth(object: &Value) -> wit::Auth {
    let header = string(object, "auth/header");
    let scheme = match string(object, "auth/prefix").as_str() {
        "Bearer " if header == "authorization" => wit::AuthScheme::Bearer,
        "" => wit::AuthScheme::Header(header),
        other => panic!("{other:?} before a credential"),
    };
    let slot = string(object, "auth/slot");
    wit::Auth { slot, scheme }
}

fn timeouts(object: &Value) -> wit::Timeouts {
    wit::Timeouts {
        connect_ms: number(object, "connect_ms"),
        first_byte_ms: number(object, "first_byte_ms"),
        between_bytes_ms: number(object, "between_bytes_ms"),
    }
}

fn usage(object: &Value) -> wit::Usage {
    wit::Usage {
        input_tokens: number(object, "input_tokens"),
        output_tokens: number(object, "output_tokens"),
        cached_tokens: number(object, "cached_tokens"),
    }
}

fn headers(object: &Value) -> Vec<(String, String)> {
    let members = object.members("headers").iter();
    let header = |(name, value): &(String, Value)| {
        let value = value.as_str().expect("a header is text");
        (name.clone(), value.to_owned())
    };
    members.map(header).collect()
}

fn bytes(object: &Value) -> Vec<u8> {
    let text = object.text("text");
    text.expect("what a session writes is text")
        .as_bytes()
        .to_vec()
}

fn string(object: &Value, member: &str) -> String {
    let text = object.text(member);
    text.unwrap_or_else(|| panic!("no text {member}: {object:?}"))
        .to_owned()
}

fn number(object: &Value, member: &str) -> u64 {
    let number = object.count(member);
    number.unwrap_or_else(|| panic!("no number {member}: {object:?}"))
}

fn small(object: &Value, member: &str) -> u32 {
    u32::try_from(number(object, member)).expect("a number of 32 bits")
}

/// What a session is told, as an object.
pub(super) fn input(told: &Told) -> Vec<u8> {
    let input = match told {
        Told::Start(id, status, headers) => {
            let headers: serde_json::Map<_, _> = headers
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({"reply_start": id, "status": status, "headers": headers})
        }
        Told::Chunk(id, bytes) => with_bytes(json!({"reply_chunk": id}), bytes),
        Told::End(id) => json!({"reply_end": id}),
        Told::Failed(id, class) => json!({"reply_failed": id, "error": named(class)}),
        Told::Operation(id, answer) => json!({"operation": id, "answer": answered(answer)}),
        Told::Tool(call, Ok(result)) => json!({"tool_done": call, "result": result}),
        Told::Tool(call, Err(why)) => json!({"tool_done": call, "error": why}),
        Told::Verdict(call, verdict) => json!({"verdict": named(verdict), "call": call}),
    };
    input.to_string().into_bytes()
}

fn answered(answer: &wit::Answer) -> serde_json::Value {
    match answer {
        wit::Answer::Bytes((bytes, end)) => with_bytes(json!({"end": end}), bytes),
        wit::Answer::Listing((entries, total)) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| json!([entry.name, named(entry.kind), entry.size]))
                .collect();
            json!({"entries": entries, "total": total})
        }
        wit::Answer::Stat((kind, size)) => json!({"kind": named(kind), "size": size}),
        wit::Answer::Done => json!({"done": true}),
        wit::Answer::FileFailed(error) => json!({"error": named(error)}),
        wit::Answer::Reply(reply) => {
            let headers: serde_json::Map<_, _> = reply
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            let head = json!({"status": reply.status, "headers": headers, "whole": reply.whole});
            with_bytes(head, &reply.body)
        }
        wit::Answer::HttpFailed(error) => json!({"http_error": named(error)}),
    }
}

/// Adds bytes: as text where they are UTF-8.
fn with_bytes(mut object: serde_json::Value, bytes: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => object["text"] = json!(text),
        Err(_) => object["base64"] = json!(base64(bytes)),
    }
    object
}

/// The name of an enum's case in the contract. Its bindings print it as `Type::ConnectTimeout`.
fn named(case: impl Debug) -> String {
    let printed = format!("{case:?}");
    let (_, camel) = printed.rsplit_once("::").unwrap_or(("", &printed));
    let mut name = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(*three.get(at).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for letter in 0..4 {
            if letter > three.len() {
                text.push('=');
            } else {
                let six = bits >> (18 - 6 * letter) & 63;
                text.push(char::from(LETTERS[six as usize]));
            }
        }
    }
    text
}
