//! The lines of a recording, both ways: inputs as JSON.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use dewclaw_platform::{HttpError, Now};

use super::operation::{get_answer, put_answer};
use crate::base64;
use crate::effect::{Input, OperationId, REPLY_HEADERS, RequestId, Verdict};
use crate::json::{Array, Object, Value, decimal};
use crate::template::fill;
use crate::word_list;

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

impl RecordingError {
    /// What a person is told.
    pub fn text(&self) -> String {
        match self {
            RecordingError::Malformed { line, why } => {
                fill("line % is not of a recording: %", &[&decimal(*line), *why])
            }
            RecordingError::Version => {
                "the recording is not of version 1: record it again".to_string()
            }
            RecordingError::Differs { line, difference } => fill(
                "line % of the recording does not fit this run: %",
                &[&decimal(*line), difference],
            ),
            RecordingError::Ended { line } => fill(
                "the recording ends at line %, before the run does: it was cut off",
                &[&decimal(*line)],
            ),
        }
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

impl core::error::Error for RecordingError {}

/// The values of an enum that recordings name, and their names, both in its order.
pub(super) struct Names<T: 'static> {
    pub(super) values: &'static [T],
    pub(super) names: &'static str,
}

pub(super) const HTTP_ERRORS: Names<HttpError> = Names::new(
    &[
        HttpError::Unsupported,
        HttpError::InvalidRequest,
        HttpError::Denied,
        HttpError::Dns,
        HttpError::Connect,
        HttpError::Tls,
        HttpError::ConnectTimeout,
        HttpError::FirstByteTimeout,
        HttpError::BetweenBytesTimeout,
        HttpError::TotalTimeout,
        HttpError::Closed,
        HttpError::Protocol,
        HttpError::TooLarge,
        HttpError::Internal,
        HttpError::NoTls,
        HttpError::NameDenied,
        HttpError::AddressDenied,
        HttpError::Refused,
        HttpError::Unreachable,
        HttpError::Reset,
    ],
    "unsupported invalid-request denied dns connect tls connect-timeout first-byte-timeout between-bytes-timeout \
    total-timeout closed protocol too-large internal no-tls name-denied address-denied refused unreachable reset",
);

const VERDICTS: Names<Verdict> = Names::new(
    &[Verdict::Approved, Verdict::Refused, Verdict::Unanswered],
    "approved refused unanswered",
);

impl<T: Copy> Names<T> {
    pub(super) const fn new(values: &'static [T], names: &'static str) -> Names<T> {
        Names { values, names }
    }

    /// The name of the value at this place, which is its number in the enum too.
    pub(super) fn name_of(&self, value: usize) -> &'static str {
        word_list::word(self.names, value)
    }

    pub(super) fn named(&self, name: Option<&Value>) -> Option<T> {
        let place = word_list::place(self.names, name?.as_str()?)?;
        self.values.get(place).copied()
    }
}

/// Adds bytes: as text where they are UTF-8.
pub(super) fn put_bytes(object: &mut Object, bytes: &[u8]) {
    match core::str::from_utf8(bytes) {
        Ok(text) => object.text("text", text),
        Err(_) => object.text("base64", &base64::encode(bytes)),
    };
}

pub(super) fn get_bytes(value: &Value) -> Option<Vec<u8>> {
    match value.get("text") {
        Some(text) => Some(text.as_str()?.as_bytes().to_vec()),
        None => base64::decode(value.text("base64")?),
    }
}

/// Those of `headers` that are `wanted`, as an object.
pub(super) fn put_headers(headers: &[(String, String)], wanted: &[&str]) -> Vec<u8> {
    let mut object = Object::new();
    for (name, value) in headers {
        if wanted.contains(&name.as_str()) {
            object.text(name, value);
        }
    }
    object.finish()
}

/// The member `headers` of a line.
pub(super) fn get_headers(value: &Value) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, value) in value.members("headers") {
        if let Some(value) = value.as_str() {
            headers.push((name.clone(), value.to_string()));
        }
    }
    headers
}

/// A line that begins with the moment at which it was learned.
pub(super) fn at(now: Now) -> Object {
    let mut moment = Array::new();
    moment.raw(decimal(now.monotonic_ms).as_bytes());
    moment.raw(decimal(now.wall_ms).as_bytes());
    let mut object = Object::new();
    object.raw("at", &moment.finish());
    object
}

/// The moment of a line.
pub(super) fn get_at(value: &Value) -> Option<Now> {
    Some(Now {
        monotonic_ms: value.count("at/0")?,
        wall_ms: value.count("at/1")?,
    })
}

/// The line of an input. The answer to a file operation goes with `operation`, which was asked for right before it.
pub(super) fn put_input(now: Now, input: &Input, operation: &[u8]) -> Vec<u8> {
    let mut object = at(now);
    match input {
        Input::ReplyStart {
            id,
            status,
            headers,
        } => {
            object
                .number("reply_start", id.0.into())
                .number("status", (*status).into())
                .raw("headers", &put_headers(headers, &REPLY_HEADERS));
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
                .text("error", HTTP_ERRORS.name_of(*error as usize));
        }
        Input::OperationDone { id, answer } => {
            object.number("operation", id.0.into());
            if !operation.is_empty() {
                object.raw("do", operation);
            }
            object.raw("answer", &put_answer(answer));
        }
        Input::ToolDone { call, result } => {
            object.text("tool_done", call);
            match result {
                Ok(text) => object.text("result", text),
                Err(why) => object.text("error", why),
            };
        }
        Input::Verdict { call, verdict } => {
            object
                .text("verdict", VERDICTS.name_of(*verdict as usize))
                .text("call", call);
        }
        Input::Tick => {
            object.boolean("tick", true);
        }
        Input::Cancel => {
            object.boolean("cancel", true);
        }
    }
    object.finish()
}

/// The input of a line; `None` for a line that holds none.
pub(crate) fn get_input(value: &Value) -> Option<Input> {
    let id = |name: &str| -> Option<RequestId> {
        let number = value.count(name)?;
        Some(RequestId(u32::try_from(number).ok()?))
    };
    if let Some(id) = id("reply_start") {
        return Some(Input::ReplyStart {
            id,
            status: u16::try_from(value.count("status")?).ok()?,
            headers: get_headers(value),
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
        let error = HTTP_ERRORS.named(value.get("error"))?;
        return Some(Input::ReplyFailed { id, error });
    }
    if let Some(RequestId(id)) = id("operation") {
        let answer = get_answer(value.get("answer")?)?;
        let id = OperationId(id);
        return Some(Input::OperationDone { id, answer });
    }
    if let Some(call) = value.text("tool_done") {
        let result = match (value.text("result"), value.text("error")) {
            (Some(text), _) => Ok(text.to_string()),
            (None, why) => Err(why?.to_string()),
        };
        let call = call.to_string();
        return Some(Input::ToolDone { call, result });
    }
    if let Some(verdict) = value.get("verdict") {
        return Some(Input::Verdict {
            call: value.text("call")?.to_string(),
            verdict: VERDICTS.named(Some(verdict))?,
        });
    }
    if value.get("tick").is_some() {
        return Some(Input::Tick);
    }
    value.get("cancel").map(|_| Input::Cancel)
}

/// Values for the property tests of recordings.
#[cfg(test)]
pub(super) mod strategies {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that are text, or are not.
    pub(in crate::recording) fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "\\PC{0,20}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..20)
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::strategies::bytes;
    use super::*;
    use crate::json::parse;
    use proptest::prelude::*;

    #[test]
    fn the_header_names_every_failure_and_verdict() {
        let header = include_str!("../../../../wit/dewclaw.h").replace("\n *", "");
        let failures = HTTP_ERRORS.names.replace(' ', ", ");
        let last = failures.rsplit_once(", ").unwrap();
        assert!(header.contains(&alloc::format!("{} or {}.", last.0, last.1)));
        for verdict in VERDICTS.names.split(' ') {
            assert!(
                header.contains(&alloc::format!("\"{verdict}\"")),
                "{verdict}"
            );
        }
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
            (id(), 0..HTTP_ERRORS.values.len()).prop_map(|(id, index)| Input::ReplyFailed {
                id,
                error: HTTP_ERRORS.values[index],
            }),
            ("\\PC{0,20}", 0..VERDICTS.values.len()).prop_map(|(call, index)| Input::Verdict {
                call,
                verdict: VERDICTS.values[index],
            }),
            ("\\PC{0,20}", "\\PC{0,20}", any::<bool>()).prop_map(|(call, text, ok)| {
                Input::ToolDone {
                    call,
                    result: if ok { Ok(text) } else { Err(text) },
                }
            }),
            Just(Input::Tick),
            Just(Input::Cancel),
        ]
    }

    proptest! {
        #[test]
        fn inputs_survive_a_round_trip(input in inputs(), monotonic_ms: u64, wall_ms: u64) {
            let now = Now { monotonic_ms, wall_ms };
            let line: Value = parse(&put_input(now, &input, b"")).unwrap();
            prop_assert_eq!(get_at(&line), Some(now));
            prop_assert_eq!(get_input(&line), Some(input));
        }

        #[test]
        fn any_json_is_survived(text in "[\\[\\]{}\",:a-z_0-9]{0,60}") {
            if let Ok(value) = parse(text.as_bytes()) {
                let _ = (get_at(&value), get_input(&value));
            }
        }
    }
}
