//! `read_file`: pages, and what a page is of.

use dewclaw_agent_core::tools::MAX_RESULT_BYTES;
use dewclaw_platform::{FileSystem as _, MemoryFileSystem};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::script::{Called, run_tool};
use crate::workspace;

fn read(files: &mut MemoryFileSystem, arguments: &Value) -> Called {
    run_tool(files, "read_file", arguments)
}

/// Reads f from a line on, as far as one page goes.
#[track_caller]
fn page(text: &str, offset: u64, limit: u64) -> (String, u64, Option<String>) {
    let mut files = workspace(&[("f", text)]);
    let called = read(
        &mut files,
        &json!({"path": "f", "offset": offset, "limit": limit}),
    );
    parts(&called)
}

/// A page's content, its lines and, of one that is not the last, the hint.
#[track_caller]
fn parts(called: &Called) -> (String, u64, Option<String>) {
    let value = called.value();
    let truncated = value["truncated"] == true;
    assert_eq!(truncated, value.get("hint").is_some());
    (
        value["content"].as_str().expect("content is text").into(),
        value["lines"].as_u64().expect("lines are counted"),
        value["hint"].as_str().map(Into::into),
    )
}

/// The offset that a hint names.
fn next(hint: &str) -> u64 {
    let digits = hint.rsplit(' ').next().expect("a hint has words");
    digits.parse().expect("a hint ends in the offset")
}

/// The whole file, page by page, as a model that follows the hints reads it.
fn read_on(files: &mut MemoryFileSystem, limit: Option<u64>) -> String {
    let (mut whole, mut offset) = (String::new(), 1);
    for _ in 0..10_000 {
        let mut arguments = json!({"path": "f", "offset": offset});
        if let Some(limit) = limit {
            arguments["limit"] = json!(limit);
        }
        let (content, lines, hint) = parts(&read(files, &arguments));
        whole.push_str(&content);
        let Some(hint) = hint else {
            return whole;
        };
        assert_eq!(next(&hint), offset + lines);
        offset = next(&hint);
    }
    panic!("it never ends");
}

#[test]
fn a_short_file_comes_whole() {
    for (text, lines) in [
        ("one\n", 1),
        ("one\ntwo\nthree\n", 3),
        ("one\ntwo, and no end", 2),
        ("\n\n\n", 3),
        ("", 0),
        ("crlf\r\nlines\r\n", 2),
        ("a\rb", 1),
        ("\u{feff}mark\n", 1),
        ("tab\tquote\"back\\slash\u{1}\n", 1),
        ("gr\u{fc}\u{df}e \u{1f43e}\n", 1),
    ] {
        let mut files = workspace(&[("f", text)]);
        let called = read(&mut files, &json!({"path": "f"}));
        assert_eq!(*called.value(), json!({"content": text, "lines": lines}));
    }
}

#[test]
fn the_path_may_be_spelled_in_any_way_that_stays_inside() {
    let mut files = workspace(&[("d/e/f", "text\n")]);
    for path in [
        "d/e/f",
        "./d/e/f",
        "d//e/./f",
        "d/e/../e/f",
        "x/../d/e/f",
        "d/e/f/",
    ] {
        let called = read(&mut files, &json!({"path": path}));
        assert_eq!(called.value()["content"], "text\n", "{path}");
    }
}

#[test]
fn a_page_is_the_lines_that_were_asked_for() {
    let text = "1\n2\n3\n4\n5";
    assert_eq!(
        page(text, 2, 2),
        ("2\n3\n".into(), 2, Some("read on with offset 4".into()))
    );
    assert_eq!(page(text, 4, 2), ("4\n5".into(), 2, None));
    assert_eq!(page(text, 5, 1), ("5".into(), 1, None));
    assert_eq!(page(text, 1, 5), (text.into(), 5, None));
    assert_eq!(
        page("1\r\n2\r\n3\r\n", 2, 1),
        ("2\r\n".into(), 1, Some("read on with offset 3".into()))
    );
    // A last line with an end is no empty line more.
    assert_eq!(page("1\n2\n", 1, 2), ("1\n2\n".into(), 2, None));
}

#[test]
fn past_the_end_the_number_of_lines_is_told() {
    for (text, lines) in [("1\n2\n3\n", 3), ("1\n2\n3", 3), ("1", 1), ("", 0)] {
        for offset in [lines + 1, lines + 2, 1_000_000, i64::MAX as u64] {
            if offset == 1 {
                continue;
            }
            let mut files = workspace(&[("f", text)]);
            let called = read(&mut files, &json!({"path": "f", "offset": offset}));
            let (kind, message) = called.error();
            assert_eq!(kind, "invalid_arguments");
            assert!(
                message.contains(&format!("has only {lines} lines")),
                "{offset} of {text:?}: {message}"
            );
        }
    }
}

#[test]
fn a_long_file_comes_in_pages_that_fit() {
    let text: String = (0..20_000)
        .map(|number| format!("line {number} \"\u{e9}\"\n"))
        .collect();
    let mut files = workspace(&[("f", &text)]);
    let first = read(&mut files, &json!({"path": "f"}));
    let (_, lines, hint) = parts(&first);
    assert_eq!(
        (lines, hint.as_deref()),
        (2_000, Some("read on with offset 2001"))
    );
    assert!(first.for_model.len() <= MAX_RESULT_BYTES);
    let whole: Value = serde_json::from_slice(&first.for_model).expect("a page is never cut");
    assert_eq!(whole, *first.value());
    assert_eq!(read_on(&mut files, None), text);
    assert_eq!(read_on(&mut files, Some(7_777)), text);
}

#[test]
fn a_page_of_long_lines_ends_where_the_next_does_not_fit() {
    // Every byte of it takes two in JSON.
    let text = ["\"".repeat(9_000), "\n".into()].concat().repeat(10);
    let mut files = workspace(&[("f", &text)]);
    let first = read(&mut files, &json!({"path": "f"}));
    let (content, lines, hint) = parts(&first);
    assert_eq!((lines, hint.as_deref()), (3, Some("read on with offset 4")));
    assert_eq!(content.len(), 3 * 9_001);
    assert!(first.for_model.len() <= MAX_RESULT_BYTES);
    assert_eq!(read_on(&mut files, None), text);
}

#[test]
fn a_line_longer_than_a_page_is_cut_between_letters() {
    for letter in ["x", "\u{e9}", "\u{20ac}", "\u{1f43e}", "\u{1}"] {
        for shift in 0..4 {
            let long = ["a".repeat(shift), letter.repeat(200_000 / letter.len())].concat();
            let text = format!("first\n{long}\nlast\n");
            let mut files = workspace(&[("f", &text)]);
            assert_eq!(page(&text, 1, 9).0, "first\n");
            let called = read(&mut files, &json!({"path": "f", "offset": 2}));
            let (content, lines, hint) = parts(&called);
            assert!(
                long.starts_with(&content) && content.len() > 9_000,
                "{} bytes",
                content.len()
            );
            assert_eq!(lines, 1);
            let hint = hint.expect("it was cut");
            assert!(hint.contains("longer than a page"), "{hint}");
            assert!(called.for_model.len() <= MAX_RESULT_BYTES);
            assert_eq!(next(&hint), 3);
            assert_eq!(page(&text, 3, 9), ("last\n".into(), 1, None));
        }
    }
}

#[test]
fn a_long_last_line_promises_no_next_one() {
    for end in ["", "\n"] {
        let text = ["x".repeat(200_000), end.into()].concat();
        let (_, _, hint) = page(&text, 1, 9);
        let hint = hint.expect("it was cut");
        assert!(
            !hint.contains("the next line is at"),
            "there is none: {hint}"
        );
    }
}

#[test]
fn a_file_is_read_no_further_than_its_page_needs() {
    let text = "0123456789\n".repeat(100_000);
    let mut files = workspace(&[("f", &text)]);
    let called = read(&mut files, &json!({"path": "f", "limit": 10}));
    assert_eq!(called.operations.len(), 1);
    let called = read(&mut files, &json!({"path": "f", "offset": 99_999}));
    assert_eq!(parts(&called).1, 2);
}

#[test]
fn what_is_no_text_is_refused_by_name() {
    let mut files = workspace(&[]);
    for bytes in [
        b"\x7fELF\x02\x01\x01\0\0\0".as_slice(),
        b"text\0text",
        b"caf\xe9\n",
        b"\xff\xfea\0",
        b"cut \xc3",
    ] {
        files.replace("photo.bin", bytes).unwrap();
        let called = read(&mut files, &json!({"path": "photo.bin"}));
        let (kind, message) = called.error();
        assert_eq!(kind, "unsupported", "{bytes:?}");
        assert!(message.contains("\"photo.bin\" is binary"), "{message}");
    }
}

#[test]
fn what_can_not_be_read_says_what_to_do() {
    let mut files = workspace(&[("d/f", "x")]);
    for (path, kind, told) in [
        ("missing", "not_found", "list_directory"),
        ("d/missing", "not_found", "list_directory"),
        ("d", "invalid_arguments", "list_directory"),
        (".", "invalid_arguments", "\".\""),
        ("", "invalid_arguments", "\".\""),
        ("d/f/x", "invalid_arguments", "check the path"),
    ] {
        let called = read(&mut files, &json!({"path": path}));
        let (found, message) = called.error();
        assert_eq!(found, kind, "{path}");
        assert!(message.contains(told), "{path}: {message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever follows the hints reads the file, whatever stands in it.
    #[test]
    fn pages_joined_are_the_file(text in "([\\PC\t\r]{0,30}\n?){0,60}", limit in 1u64..12) {
        let mut files = workspace(&[("f", &text)]);
        prop_assert_eq!(read_on(&mut files, Some(limit)), text.clone());
        prop_assert_eq!(read_on(&mut files, None), text);
    }

    /// The same where pieces and pages end within lines and letters.
    #[test]
    fn pages_of_a_large_file_joined_are_the_file(lengths in prop::collection::vec(0usize..9_000, 1..40), letter in "[a\u{e9}\u{20ac}\u{1f43e}\"]") {
        let lines = lengths.iter().map(|length| [letter.repeat(length / letter.len()), "\n".into()].concat());
        let text: String = lines.collect();
        let mut files = workspace(&[("f", &text)]);
        prop_assert!(read_on(&mut files, None) == text);
    }
}
