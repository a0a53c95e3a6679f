//! The core's types as those of `wit/session.wit`, and back.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::{
    Auth, AuthScheme, Effect, Event, FileAnswer, FileOperation, HttpAnswer, HttpOperation, Misuse,
    ModelCall, Operation, OperationAnswer, Outcome, Reason, Usage, Verdict,
};
use dewclaw_platform::{
    EntryKind, FsError, HttpError, Listing, ListingEntry, ReadChunk, Stat, Timeouts,
};

use super::bindings::exports::dewclaw::agent::session as wit;
#[cfg(feature = "wasi")]
use crate::command::Stop;
use crate::performs::Performs;
use crate::session::Error;

/// An effect for the host.
pub(super) fn effect_out(effect: Effect) -> wit::Effect {
    match effect {
        Effect::Event(event) => wit::Effect::Show(event_out(event)),
        Effect::CallModel(call) => wit::Effect::CallModel(model_call_out(call)),
        Effect::DropReply { id } => wit::Effect::DropReply(id.0),
        Effect::Operate { id, operation } => {
            let operation = match operation {
                Operation::File(operation) => wit::Operation::File(file_operation_out(operation)),
                Operation::Http(operation) => wit::Operation::Http(http_operation_out(operation)),
            };
            wit::Effect::Operate((id.0, operation))
        }
        Effect::DropOperation { id } => wit::Effect::DropOperation(id.0),
        Effect::RunTool {
            call,
            name,
            arguments,
        } => wit::Effect::RunTool(tool_call(call, name, arguments)),
        Effect::Approve {
            call,
            name,
            arguments,
        } => wit::Effect::Approve(tool_call(call, name, arguments)),
        Effect::Wait { until_ms } => wit::Effect::Wait(until_ms),
        Effect::Pending => wit::Effect::Pending,
        Effect::Finished(outcome) => wit::Effect::Finished(outcome_out(outcome)),
    }
}

/// Something to show.
pub(super) fn event_out(event: Event) -> wit::Event {
    match event {
        Event::Text(text) => wit::Event::Text(text),
        Event::Reasoning(text) => wit::Event::Reasoning(text),
        Event::ReplyDiscarded { reason } => wit::Event::ReplyDiscarded(reason),
        Event::ToolStarted {
            call,
            name,
            arguments,
        } => wit::Event::ToolStarted(tool_call(call, name, arguments)),
        Event::ToolFinished {
            call,
            name,
            ok,
            result,
        } => wit::Event::ToolFinished(wit::ToolFinished {
            call,
            name,
            ok,
            result: String::from_utf8_lossy(&result).into_owned(),
        }),
        Event::Retry {
            attempt,
            wait_ms,
            cause,
        } => wit::Event::Retry(wit::Retry {
            attempt,
            wait_ms,
            cause,
        }),
        Event::Usage(usage) => wit::Event::Usage(usage_out(usage)),
        Event::Notice(text) => wit::Event::Notice(text),
    }
}

fn tool_call(id: String, name: String, arguments: String) -> wit::ToolCall {
    wit::ToolCall {
        id,
        name,
        arguments,
    }
}

fn model_call_out(call: ModelCall) -> wit::ModelCall {
    let header = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    wit::ModelCall {
        id: call.id.0,
        url: call.url,
        headers: call.headers.iter().map(header).collect(),
        auth: auth_out(call.auth),
        content_length: call.content_length,
        timeouts: timeouts_out(call.timeouts),
    }
}

fn auth_out(auth: Auth) -> wit::Auth {
    wit::Auth {
        slot: auth.slot.to_string(),
        scheme: match auth.scheme {
            AuthScheme::Bearer => wit::AuthScheme::Bearer,
            AuthScheme::Header(name) => wit::AuthScheme::Header(name.to_string()),
        },
    }
}

fn timeouts_out(timeouts: Timeouts) -> wit::Timeouts {
    wit::Timeouts {
        connect_ms: timeouts.connect_ms,
        first_byte_ms: timeouts.first_byte_ms,
        between_bytes_ms: timeouts.between_bytes_ms,
    }
}

fn file_operation_out(operation: FileOperation) -> wit::FileOperation {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match operation {
        FileOperation::Read {
            path,
            offset,
            length,
        } => wit::FileOperation::Read(wit::FileRead {
            path,
            offset,
            length: small(length),
        }),
        FileOperation::Replace { path, content } => {
            wit::FileOperation::Replace(wit::FileContent { path, content })
        }
        FileOperation::Append { path, content } => {
            wit::FileOperation::Append(wit::FileContent { path, content })
        }
        FileOperation::List { path, limit } => wit::FileOperation::ListFolder(wit::FolderList {
            path,
            limit: small(limit),
        }),
        FileOperation::Stat { path } => wit::FileOperation::Stat(path),
    }
}

fn http_operation_out(operation: HttpOperation) -> wit::HttpOperation {
    wit::HttpOperation {
        method: operation.method.name().to_string(),
        url: operation.url,
        headers: operation.headers,
        body: operation.body,
        auth: operation.auth.map(auth_out),
        max_bytes: u32::try_from(operation.max_bytes).unwrap_or(u32::MAX),
        timeouts: timeouts_out(operation.timeouts),
        total_ms: operation.total_ms,
    }
}

fn outcome_out(outcome: Outcome) -> wit::Outcome {
    wit::Outcome {
        reason: outcome.reason.name().to_string(),
        exit_code: outcome.reason.exit_code(),
        usage: usage_out(outcome.usage),
        failure: match outcome.reason {
            Reason::Failed(failure) => Some((failure.kind.name().to_string(), failure.message)),
            _ => None,
        },
        text: outcome.text,
    }
}

/// Tokens.
pub(super) fn usage_out(usage: Usage) -> wit::Usage {
    wit::Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_tokens: usage.cached_tokens,
    }
}

/// What the host has decided.
pub(super) fn verdict_in(verdict: wit::Verdict) -> Verdict {
    match verdict {
        wit::Verdict::Approved => Verdict::Approved,
        wit::Verdict::Refused => Verdict::Refused,
        wit::Verdict::Unanswered => Verdict::Unanswered,
    }
}

/// The host's answer to an operation.
pub(super) fn answer_in(answer: wit::Answer) -> OperationAnswer {
    OperationAnswer::File(match answer {
        wit::Answer::Bytes((bytes, end)) => FileAnswer::Bytes(ReadChunk { bytes, end }),
        wit::Answer::Listing((entries, total)) => FileAnswer::Listing(Listing {
            entries: entries.into_iter().map(entry_in).collect::<Vec<_>>(),
            total,
        }),
        wit::Answer::Stat((kind, size)) => FileAnswer::Stat(Stat {
            kind: kind_in(kind),
            size,
        }),
        wit::Answer::Done => FileAnswer::Done,
        wit::Answer::FileFailed(error) => FileAnswer::Failed(file_error_in(error)),
        wit::Answer::Reply(reply) => {
            return OperationAnswer::Http(HttpAnswer::Reply {
                status: reply.status,
                headers: reply.headers,
                body: reply.body,
                whole: reply.whole,
            });
        }
        wit::Answer::HttpFailed(error) => {
            return OperationAnswer::Http(HttpAnswer::Failed(http_error_in(error)));
        }
    })
}

fn entry_in(entry: wit::Entry) -> ListingEntry {
    ListingEntry {
        name: entry.name,
        kind: kind_in(entry.kind),
        size: entry.size,
    }
}

fn kind_in(kind: wit::EntryKind) -> EntryKind {
    match kind {
        wit::EntryKind::File => EntryKind::File,
        wit::EntryKind::Folder => EntryKind::Folder,
        wit::EntryKind::Link => EntryKind::Link,
        wit::EntryKind::Special => EntryKind::Special,
    }
}

fn file_error_in(error: wit::FileError) -> FsError {
    match error {
        wit::FileError::NotFound => FsError::NotFound,
        wit::FileError::Denied => FsError::Denied,
        wit::FileError::ReadOnly => FsError::ReadOnly,
        wit::FileError::IsFolder => FsError::IsFolder,
        wit::FileError::NotFolder => FsError::NotFolder,
        wit::FileError::NotEmpty => FsError::NotEmpty,
        wit::FileError::Exists => FsError::Exists,
        wit::FileError::NoSpace => FsError::NoSpace,
        wit::FileError::TooLarge => FsError::TooLarge,
        wit::FileError::InvalidPath => FsError::InvalidPath,
        wit::FileError::Special => FsError::Special,
        wit::FileError::Unsupported => FsError::Unsupported,
        wit::FileError::NoRoot => FsError::NoRoot,
        wit::FileError::Io => FsError::Io,
    }
}

/// The class of a failed exchange.
pub(super) fn http_error_in(error: wit::HttpError) -> HttpError {
    match error {
        wit::HttpError::Unsupported => HttpError::Unsupported,
        wit::HttpError::InvalidRequest => HttpError::InvalidRequest,
        wit::HttpError::Denied => HttpError::Denied,
        wit::HttpError::Dns => HttpError::Dns,
        wit::HttpError::Connect => HttpError::Connect,
        wit::HttpError::Tls => HttpError::Tls,
        wit::HttpError::ConnectTimeout => HttpError::ConnectTimeout,
        wit::HttpError::FirstByteTimeout => HttpError::FirstByteTimeout,
        wit::HttpError::BetweenBytesTimeout => HttpError::BetweenBytesTimeout,
        wit::HttpError::TotalTimeout => HttpError::TotalTimeout,
        wit::HttpError::Closed => HttpError::Closed,
        wit::HttpError::Protocol => HttpError::Protocol,
        wit::HttpError::TooLarge => HttpError::TooLarge,
        wit::HttpError::Internal => HttpError::Internal,
    }
}

/// What is asked of the component.
pub(super) fn performs_in(
    model: wit::Performer,
    files: wit::Performer,
    web: wit::Performer,
) -> Performs {
    let asked = |performer| matches!(performer, wit::Performer::Component);
    Performs {
        model: asked(model),
        files: asked(files),
        web: asked(web),
    }
}

/// Why no session can be made.
pub(super) fn error_out(error: Error) -> wit::Error {
    match error {
        Error::Config(why) => wit::Error::Config(why),
        Error::Saved(why) => wit::Error::Saved(why),
    }
}

/// Why an input was refused.
pub(super) fn misuse_out(misuse: Misuse) -> wit::Error {
    match misuse {
        Misuse::Busy => wit::Error::Busy,
        Misuse::EmptyPrompt => wit::Error::EmptyPrompt,
        Misuse::UnknownRequest => wit::Error::UnknownRequest,
        Misuse::OutOfOrder => wit::Error::OutOfOrder,
        Misuse::UnknownOperation => wit::Error::UnknownOperation,
        Misuse::WrongAnswer => wit::Error::WrongAnswer,
        Misuse::UnknownCall => wit::Error::UnknownCall,
    }
}

/// The end of a run whose recording or answer can't be kept.
#[cfg(feature = "wasi")]
pub(super) fn stop_out(stop: Stop) -> wit::Outcome {
    wit::Outcome {
        reason: String::from("failed"),
        exit_code: stop.code,
        text: String::new(),
        usage: usage_out(Usage::default()),
        failure: Some((String::from("io"), stop.message)),
    }
}
