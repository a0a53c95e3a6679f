//! The lines of a recording, both ways: inputs, operations and answers as JSON.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use dewclaw_platform::{
    EntryKind, FsError, HttpError, Listing, ListingEntry, Now, ReadChunk, Stat,
};

use crate::base64;
use crate::effect::{Input, Operation, OperationAnswer, OperationId, REPLY_HEADERS, RequestId};
use crate::json::{Object, Value, decimal, push_array, push_string};
use crate::operation::{FileAnswer, FileOperation};

/// A recording that can't be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingError {
    /// A line is not one of a recording.
    Malformed {
        /// From 1.
        line: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// The recording was made by another version of the format.
    Version,
    /// The run asks for something else than was recorded.
    Differs {
        /// From 1.
        line: u64,
        /// What was recorded, and what this run has.
        difference: String,
    },
    /// The recording ends before the run.
    Ended {
        /// The last line, from 1.
        line: u64,
    },
}

impl fmt::Display for RecordingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            RecordingError::Malformed { line, why } => {
                ["line ", &decimal(*line), " is not of a recording: ", *why].concat()
            }
            RecordingError::Version => {
                "the recording is not of version 1: record it again".to_string()
            }
            RecordingError::Differs { line, difference } => [
                "line ",
                &decimal(*line),
                " of the recording does not fit this run: ",
                difference,
            ]
            .concat(),
            RecordingError::Ended { line } => [
                "the recording ends at line ",
                &decimal(*line),
                ", before the run does: it was cut off",
            ]
            .concat(),
        };
        formatter.write_str(&text)
    }
}

impl core::error::Error for RecordingError {}

/// The names of errors in recordings.
const FS_ERRORS: [(FsError, &str); 14] = [
    (FsError::NotFound, "not-found"),
    (FsError::Denied, "denied"),
    (FsError::ReadOnly, "read-only"),
    (FsError::IsFolder, "is-folder"),
    (FsError::NotFolder, "not-folder"),
    (FsError::NotEmpty, "not-empty"),
    (FsError::Exists, "exists"),
    (FsError::NoSpace, "no-space"),
    (FsError::TooLarge, "too-large"),
    (FsError::InvalidPath, "invalid-path"),
    (FsError::Special, "special"),
    (FsError::Unsupported, "unsupported"),
    (FsError::NoRoot, "no-root"),
    (FsError::Io, "io"),
];

const HTTP_ERRORS: [(HttpError, &str); 13] = [
    (HttpError::Unsupported, "unsupported"),
    (HttpError::InvalidRequest, "invalid-request"),
    (HttpError::Denied, "denied"),
    (HttpError::Dns, "dns"),
    (HttpError::Connect, "connect"),
    (HttpError::Tls, "tls"),
    (HttpError::ConnectTimeout, "connect-timeout"),
    (HttpError::FirstByteTimeout, "first-byte-timeout"),
    (HttpError::BetweenBytesTimeout, "between-bytes-timeout"),
    (HttpError::Closed, "closed"),
    (HttpError::Protocol, "protocol"),
    (HttpError::TooLarge, "too-large"),
    (HttpError::Internal, "internal"),
];

const ENTRY_KINDS: [(EntryKind, &str); 4] = [
    (EntryKind::File, "file"),
    (EntryKind::Folder, "folder"),
    (EntryKind::Link, "link"),
    (EntryKind::Special, "special"),
];

fn name_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    table
        .iter()
        .find(|(known, _)| known == value)
        .map_or("", |(_, name)| name)
}

fn named<T: Copy>(table: &[(T, &'static str)], value: Option<&Value>) -> Option<T> {
    let name = value?.as_str()?;
    table
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(value, _)| *value)
}

/// Adds bytes: as text where they are UTF-8.
fn put_bytes(object: &mut Object, bytes: &[u8]) {
    match core::str::from_utf8(bytes) {
        Ok(text) => object.text("text", text),
        Err(_) => object.text("base64", &base64::encode(bytes)),
    };
}

fn get_bytes(value: &Value) -> Option<Vec<u8>> {
    match value.get("text") {
        Some(text) => Some(text.as_str()?.as_bytes().to_vec()),
        None => base64::decode(value.text("base64")?),
    }
}

/// A line that begins with the moment at which it was learned.
pub(super) fn at(now: Now) -> Object {
    let mut moment = Vec::new();
    push_array(
        &mut moment,
        [decimal(now.monotonic_ms), decimal(now.wall_ms)],
    );
    let mut object = Object::new();
    object.raw("at", &moment);
    object
}

/// The moment of a line.
pub(super) fn get_at(value: &Value) -> Option<Now> {
    Some(Now {
        monotonic_ms: value.count("at/0")?,
        wall_ms: value.count("at/1")?,
    })
}

/// The line of an input; none for an operation's answer, which goes with its operation.
pub(super) fn put_input(now: Now, input: &Input) -> Option<Vec<u8>> {
    let mut object = at(now);
    match input {
        Input::ReplyStart {
            id,
            status,
            headers,
        } => {
            let mut kept = Object::new();
            for (name, value) in headers {
                if REPLY_HEADERS.contains(&name.as_str()) {
                    kept.text(name, value);
                }
            }
            object
                .number("reply_start", id.0.into())
                .number("status", (*status).into())
                .raw("headers", &kept.finish());
        }
        Input::ReplyChunk { id, bytes } => {
            object.number("reply_chunk", id.0.into());
            put_bytes(&mut object, bytes);
        }
        Input::ReplyEnd { id } => {
            object.number("reply_end", id.0.into());
        }
        Input::ReplyFailed { id, error } => {
            object
                .number("reply_failed", id.0.into())
                .text("error", name_of(&HTTP_ERRORS, error));
        }
        Input::OperationDone { .. } => return None,
        Input::Tick => {
            object.boolean("tick", true);
        }
        Input::Cancel => {
            object.boolean("cancel", true);
        }
    }
    Some(object.finish())
}

/// The input of a line; `None` for a line that holds none.
pub(super) fn get_input(value: &Value) -> Option<Input> {
    let id = |name: &str| -> Option<RequestId> {
        let number = value.count(name)?;
        Some(RequestId(u32::try_from(number).ok()?))
    };
    if let Some(id) = id("reply_start") {
        let headers = value.members("headers");
        return Some(Input::ReplyStart {
            id,
            status: u16::try_from(value.count("status")?).ok()?,
            headers: headers
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_string())))
                .collect(),
        });
    }
    if let Some(id) = id("reply_chunk") {
        let bytes = get_bytes(value)?;
        return Some(Input::ReplyChunk { id, bytes });
    }
    if let Some(id) = id("reply_end") {
        return Some(Input::ReplyEnd { id });
    }
    if let Some(id) = id("reply_failed") {
        let error = named(&HTTP_ERRORS, value.get("error"))?;
        return Some(Input::ReplyFailed { id, error });
    }
    if value.get("tick").is_some() {
        return Some(Input::Tick);
    }
    value.get("cancel").map(|_| Input::Cancel)
}

/// An operation, as recordings compare it.
pub(super) fn put_operation(operation: &Operation) -> Vec<u8> {
    let Operation::File(operation) = operation;
    let mut object = Object::new();
    match operation {
        FileOperation::Read {
            path,
            offset,
            length,
        } => {
            object
                .text("read", path)
                .number("offset", *offset)
                .number("length", *length as u64);
        }
        FileOperation::Replace { path, content } => {
            put_bytes(object.text("replace", path), content);
        }
        FileOperation::Append { path, content } => {
            put_bytes(object.text("append", path), content);
        }
        FileOperation::List { path, limit } => {
            object.text("list", path).number("limit", *limit as u64);
        }
        FileOperation::Stat { path } => {
            object.text("stat", path);
        }
    }
    object.finish()
}

/// The line of an operation and its answer.
pub(super) fn put_answer(
    now: Now,
    id: OperationId,
    operation: &[u8],
    answer: &OperationAnswer,
) -> Vec<u8> {
    let OperationAnswer::File(answer) = answer;
    let mut object = Object::new();
    match answer {
        FileAnswer::Bytes(chunk) => {
            put_bytes(object.boolean("end", chunk.end), &chunk.bytes);
        }
        FileAnswer::Listing(listing) => {
            let mut entries = Vec::new();
            push_array(
                &mut entries,
                listing.entries.iter().map(|entry| {
                    let mut line = alloc::vec![b'['];
                    push_string(&mut line, &entry.name);
                    line.push(b',');
                    push_string(&mut line, name_of(&ENTRY_KINDS, &entry.kind));
                    line.push(b',');
                    line.extend_from_slice(decimal(entry.size).as_bytes());
                    line.push(b']');
                    line
                }),
            );
            object
                .raw("entries", &entries)
                .number("total", listing.total);
        }
        FileAnswer::Stat(stat) => {
            object
                .text("kind", name_of(&ENTRY_KINDS, &stat.kind))
                .number("size", stat.size);
        }
        FileAnswer::Done => {
            object.boolean("done", true);
        }
        FileAnswer::Failed(error) => {
            object.text("error", name_of(&FS_ERRORS, error));
        }
    }
    at(now)
        .number("operation", id.0.into())
        .raw("do", operation)
        .raw("answer", &object.finish())
        .finish()
}

/// The answer of a line.
pub(super) fn get_answer(value: &Value) -> Option<OperationAnswer> {
    let answer = if let Some(end) = value.get("end") {
        FileAnswer::Bytes(ReadChunk {
            bytes: get_bytes(value)?,
            end: *end == Value::Bool(true),
        })
    } else if value.get("entries").is_some() {
        let entry = |entry: &Value| -> Option<ListingEntry> {
            Some(ListingEntry {
                name: entry.text("0")?.to_string(),
                kind: named(&ENTRY_KINDS, entry.get("1"))?,
                size: entry.count("2")?,
            })
        };
        FileAnswer::Listing(Listing {
            entries: value
                .elements("entries")
                .iter()
                .map(entry)
                .collect::<Option<_>>()?,
            total: value.count("total")?,
        })
    } else if let Some(size) = value.get("size") {
        FileAnswer::Stat(Stat {
            kind: named(&ENTRY_KINDS, value.get("kind"))?,
            size: size.as_u64()?,
        })
    } else if value.get("done").is_some() {
        FileAnswer::Done
    } else {
        FileAnswer::Failed(named(&FS_ERRORS, value.get("error"))?)
    };
    Some(OperationAnswer::File(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "\\PC{0,20}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..20)
        ]
    }

    fn inputs() -> impl Strategy<Value = Input> {
        let id = || any::<u32>().prop_map(RequestId);
        prop_oneof![
            (id(), any::<u16>(), "\\PC{0,20}").prop_map(|(id, status, value)| Input::ReplyStart {
                id,
                status,
                headers: alloc::vec![(REPLY_HEADERS[0].to_string(), value)],
            }),
            (id(), bytes()).prop_map(|(id, bytes)| Input::ReplyChunk { id, bytes }),
            id().prop_map(|id| Input::ReplyEnd { id }),
            (id(), 0..HTTP_ERRORS.len()).prop_map(|(id, index)| Input::ReplyFailed {
                id,
                error: HTTP_ERRORS[index].0,
            }),
            Just(Input::Tick),
            Just(Input::Cancel),
        ]
    }

    fn answers() -> impl Strategy<Value = FileAnswer> {
        let kind = || (0..ENTRY_KINDS.len()).prop_map(|index| ENTRY_KINDS[index].0);
        let entry = ("\\PC{0,20}", kind(), any::<u64>())
            .prop_map(|(name, kind, size)| ListingEntry { name, kind, size });
        prop_oneof![
            (bytes(), any::<bool>())
                .prop_map(|(bytes, end)| FileAnswer::Bytes(ReadChunk { bytes, end })),
            (prop::collection::vec(entry, 0..5), any::<u64>())
                .prop_map(|(entries, total)| FileAnswer::Listing(Listing { entries, total })),
            (kind(), any::<u64>()).prop_map(|(kind, size)| FileAnswer::Stat(Stat { kind, size })),
            Just(FileAnswer::Done),
            (0..FS_ERRORS.len()).prop_map(|index| FileAnswer::Failed(FS_ERRORS[index].0)),
        ]
    }

    proptest! {
        #[test]
        fn inputs_survive_a_round_trip(input in inputs(), monotonic_ms: u64, wall_ms: u64) {
            let now = Now { monotonic_ms, wall_ms };
            let line: Value = parse(&put_input(now, &input).unwrap()).unwrap();
            prop_assert_eq!(get_at(&line), Some(now));
            prop_assert_eq!(get_input(&line), Some(input));
        }

        #[test]
        fn answers_survive_a_round_trip(answer in answers()) {
            let answer = OperationAnswer::File(answer);
            let line = put_answer(Now::default(), OperationId(7), b"{}", &answer);
            let line = parse(&line).unwrap();
            prop_assert_eq!(get_answer(line.get("answer").unwrap()), Some(answer));
        }

        #[test]
        fn any_json_is_survived(text in "[\\[\\]{}\",:a-z_0-9]{0,60}") {
            if let Ok(value) = parse(text.as_bytes()) {
                let _ = (get_at(&value), get_input(&value), get_answer(&value));
            }
        }
    }
}
