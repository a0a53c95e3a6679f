//! Operations and their answers as JSON, in recordings.

use alloc::string::ToString;
use alloc::vec::Vec;

use dewclaw_platform::{EntryKind, FsError, Listing, ListingEntry, ReadChunk, Stat};

use super::line::{HTTP_ERRORS, Names, get_bytes, get_headers, put_bytes, put_headers};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Array, Object, Value, decimal, string};
use crate::operation::{ANSWER_HEADERS, FileAnswer, FileOperation, HttpAnswer};

const FS_ERRORS: Names<FsError> = Names::new(
    &[
        FsError::NotFound,
        FsError::Denied,
        FsError::ReadOnly,
        FsError::IsFolder,
        FsError::NotFolder,
        FsError::NotEmpty,
        FsError::Exists,
        FsError::NoSpace,
        FsError::TooLarge,
        FsError::InvalidPath,
        FsError::Special,
        FsError::Unsupported,
        FsError::NoRoot,
        FsError::Io,
    ],
    "not-found denied read-only is-folder not-folder not-empty exists no-space too-large invalid-path special \
    unsupported no-root io",
);

const ENTRY_KINDS: Names<EntryKind> = Names::new(
    &[
        EntryKind::File,
        EntryKind::Folder,
        EntryKind::Link,
        EntryKind::Special,
    ],
    "file folder link special",
);

/// An operation, as recordings compare it.
pub(crate) fn put_operation(operation: &Operation) -> Vec<u8> {
    let mut object = Object::new();
    let operation = match operation {
        Operation::File(operation) => operation,
        Operation::Http(operation) => {
            let mut headers = Object::new();
            for (name, value) in &operation.headers {
                headers.text(name, value);
            }
            object
                .text("http", operation.method.name())
                .text("url", &operation.url)
                .raw("headers", &headers.finish())
                .number("max_bytes", operation.max_bytes as u64);
            put_bytes(&mut object, &operation.body);
            return object.finish();
        }
    };
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

/// An operation's answer.
pub(super) fn put_answer(answer: &OperationAnswer) -> Vec<u8> {
    let mut object = Object::new();
    let answer = match answer {
        OperationAnswer::File(answer) => answer,
        OperationAnswer::Http(HttpAnswer::Failed(error)) => {
            return object
                .text("http_error", HTTP_ERRORS.name_of(*error as usize))
                .finish();
        }
        OperationAnswer::Http(HttpAnswer::Reply {
            status,
            headers,
            body,
            whole,
        }) => {
            object
                .number("status", (*status).into())
                .raw("headers", &put_headers(headers, &ANSWER_HEADERS))
                .boolean("whole", *whole);
            put_bytes(&mut object, body);
            return object.finish();
        }
    };
    match answer {
        FileAnswer::Bytes(chunk) => {
            put_bytes(object.boolean("end", chunk.end), &chunk.bytes);
        }
        FileAnswer::Listing(listing) => {
            let mut entries = Array::new();
            for entry in &listing.entries {
                let mut line = Array::new();
                line.raw(&string(&entry.name));
                line.raw(&string(ENTRY_KINDS.name_of(entry.kind as usize)));
                line.raw(decimal(entry.size).as_bytes());
                entries.raw(&line.finish());
            }
            object
                .raw("entries", &entries.finish())
                .number("total", listing.total);
        }
        FileAnswer::Stat(stat) => {
            object
                .text("kind", ENTRY_KINDS.name_of(stat.kind as usize))
                .number("size", stat.size);
        }
        FileAnswer::Done => {
            object.boolean("done", true);
        }
        FileAnswer::Failed(error) => {
            object.text("error", FS_ERRORS.name_of(*error as usize));
        }
    }
    object.finish()
}

/// The answer that [`put_answer`] wrote.
pub(super) fn get_answer(value: &Value) -> Option<OperationAnswer> {
    if let Some(status) = value.get("status") {
        return Some(OperationAnswer::Http(HttpAnswer::Reply {
            status: u16::try_from(status.as_u64()?).ok()?,
            headers: get_headers(value),
            body: get_bytes(value)?,
            whole: value.is_true("whole"),
        }));
    }
    if let Some(error) = value.get("http_error") {
        let error = HTTP_ERRORS.named(Some(error))?;
        return Some(OperationAnswer::Http(HttpAnswer::Failed(error)));
    }
    let answer = if value.get("end").is_some() {
        FileAnswer::Bytes(ReadChunk {
            bytes: get_bytes(value)?,
            end: value.is_true("end"),
        })
    } else if value.get("entries").is_some() {
        let mut entries = Vec::new();
        for entry in value.elements("entries") {
            entries.push(ListingEntry {
                name: entry.text("0")?.to_string(),
                kind: ENTRY_KINDS.named(entry.get("1"))?,
                size: entry.count("2")?,
            });
        }
        FileAnswer::Listing(Listing {
            entries,
            total: value.count("total")?,
        })
    } else if let Some(size) = value.get("size") {
        FileAnswer::Stat(Stat {
            kind: ENTRY_KINDS.named(value.get("kind"))?,
            size: size.as_u64()?,
        })
    } else if value.get("done").is_some() {
        FileAnswer::Done
    } else {
        FileAnswer::Failed(FS_ERRORS.named(value.get("error"))?)
    };
    Some(OperationAnswer::File(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use crate::recording::line::strategies::bytes;
    use alloc::string::String;
    use proptest::prelude::*;

    fn answers() -> impl Strategy<Value = OperationAnswer> {
        let kind = || (0..ENTRY_KINDS.values.len()).prop_map(|index| ENTRY_KINDS.values[index]);
        let entry = ("\\PC{0,20}", kind(), any::<u64>())
            .prop_map(|(name, kind, size)| ListingEntry { name, kind, size });
        let file = prop_oneof![
            (bytes(), any::<bool>())
                .prop_map(|(bytes, end)| FileAnswer::Bytes(ReadChunk { bytes, end })),
            (prop::collection::vec(entry, 0..5), any::<u64>())
                .prop_map(|(entries, total)| FileAnswer::Listing(Listing { entries, total })),
            (kind(), any::<u64>()).prop_map(|(kind, size)| FileAnswer::Stat(Stat { kind, size })),
            Just(FileAnswer::Done),
            (0..FS_ERRORS.values.len())
                .prop_map(|index| FileAnswer::Failed(FS_ERRORS.values[index])),
        ];
        let http = prop_oneof![
            (any::<u16>(), "\\PC{0,20}", bytes(), any::<bool>()).prop_map(
                |(status, value, body, whole)| HttpAnswer::Reply {
                    status,
                    headers: alloc::vec![(ANSWER_HEADERS[2].to_string(), value)],
                    body,
                    whole,
                }
            ),
            (0..HTTP_ERRORS.values.len())
                .prop_map(|index| HttpAnswer::Failed(HTTP_ERRORS.values[index])),
        ];
        prop_oneof![
            file.prop_map(OperationAnswer::File),
            http.prop_map(OperationAnswer::Http)
        ]
    }

    #[test]
    fn the_header_names_every_error_and_kind() {
        let header = include_str!("../../../../wit/dewclaw.h").replace("\n *", "");
        for names in [FS_ERRORS.names, ENTRY_KINDS.names] {
            let names = names.replace(' ', ", ");
            let (others, last) = names.rsplit_once(", ").unwrap();
            assert!(
                header.contains(&alloc::format!("{others} or {last}")),
                "{names}"
            );
        }
    }

    proptest! {
        #[test]
        fn answers_survive_a_round_trip(answer in answers()) {
            let read = parse(&put_answer(&answer)).unwrap();
            prop_assert_eq!(get_answer(&read), Some(answer));
        }

        #[test]
        fn any_json_is_survived(text in "[\\[\\]{}\",:a-z_0-9]{0,60}") {
            if let Ok(value) = parse(text.as_bytes()) {
                let _ = get_answer(&value);
            }
        }
    }

    #[test]
    fn an_http_operation_is_compared_by_all_that_is_sent() {
        let operation = |url: &str, body: &[u8]| {
            put_operation(&Operation::Http(crate::HttpOperation {
                method: dewclaw_platform::Method::Post,
                url: String::from(url),
                headers: alloc::vec![(String::from("accept"), String::from("*/*"))],
                body: body.to_vec(),
                auth: None,
                max_bytes: 7,
                timeouts: crate::Settings::default().timeouts,
                total_ms: 1,
            }))
        };
        assert_eq!(
            operation("http://a.test/", b"x"),
            br#"{"http":"POST","url":"http://a.test/","headers":{"accept":"*/*"},"max_bytes":7,"text":"x"}"#
        );
        assert_ne!(
            operation("http://a.test/", b"x"),
            operation("http://a.test/", b"y")
        );
    }
}
