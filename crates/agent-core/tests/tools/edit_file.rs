//! `edit_file`: exactly one match, or nothing happens.

use dewclaw_agent_core::FileOperation;
use dewclaw_platform::{FileSystem as _, MemoryFileSystem};
use proptest::prelude::*;
use serde_json::json;

use crate::script::{Called, run_tool};
use crate::{content, workspace};

fn edit(files: &mut MemoryFileSystem, old: &str, new: &str) -> Called {
    run_tool(
        files,
        "edit_file",
        &json!({"path": "f", "old_text": old, "new_text": new}),
    )
}

#[test]
fn the_only_match_is_replaced() {
    for (before, old, new, line, after) in [
        ("one\ntwo\nthree\n", "two", "2", 2, "one\n2\nthree\n"),
        ("one\ntwo\nthree\n", "one\n", "", 1, "two\nthree\n"),
        (
            "one\ntwo\nthree\n",
            "three\n",
            "three",
            3,
            "one\ntwo\nthree",
        ),
        ("one\ntwo\n", "one\ntwo\n", "all new", 1, "all new"),
        ("caf\u{e9} \u{1f43e}", "\u{e9} \u{1f43e}", "e", 1, "cafe"),
        ("a\r\nb\r\n", "a\r\nb", "c", 1, "c\r\n"),
        ("a\nb\n", "\nb", "\r\nb", 1, "a\r\nb\n"),
    ] {
        let mut files = workspace(&[("f", before)]);
        let called = edit(&mut files, old, new);
        let message = format!("replaced 1 passage at line {line} of f");
        assert_eq!(*called.value(), json!({"message": message}));
        assert_eq!(content(&mut files, "f"), after);
        assert!(matches!(
            called.operations.last(),
            Some(FileOperation::Replace { .. })
        ));
    }
}

/// Asserts that an edit is refused with these words and that nothing is written.
#[track_caller]
fn assert_refused(text: &str, old: &str, new: &str, told: &[&str]) {
    let mut files = workspace(&[("f", text)]);
    let called = edit(&mut files, old, new);
    let (kind, message) = called.error();
    assert_eq!(kind, "invalid_arguments");
    for words in told {
        assert!(message.contains(words), "{message:?} lacks {words:?}");
    }
    assert!(
        !called
            .operations
            .iter()
            .any(|operation| matches!(operation, FileOperation::Replace { .. }))
    );
    assert_eq!(content(&mut files, "f"), text);
}

#[test]
fn no_match_is_refused_with_a_hint() {
    assert_refused(
        "one\ntwo\n",
        "three",
        "3",
        &["0 matches", "in f", "read the file again"],
    );
    assert_refused("", "x", "y", &["0 matches"]);
    assert_refused("One\n", "one", "1", &["0 matches"]);
    // The commonest cause of all: the file's lines end otherwise.
    assert_refused("a\r\nb\r\n", "a\nb", "c", &["0 matches", "\\r\\n"]);
}

#[test]
fn several_matches_are_refused_with_their_lines() {
    assert_refused(
        "a\nb\na\n",
        "a",
        "c",
        &["2 times", "lines 1, 3", "add lines"],
    );
    assert_refused("aa", "a", "c", &["2 times", "lines 1, 1"]);
    // Seven places are counted, five told.
    assert_refused(
        "x\nx\nx\nx\nx\nx\nx\n",
        "x",
        "y",
        &["7 times", "lines 1, 2, 3, 4, 5, ..."],
    );
}

#[test]
fn matches_that_overlap_are_several() {
    assert_refused("aaa", "aa", "b", &["2 times"]);
    assert_refused("x abab y", "ab", "z", &["2 times"]);
    assert_refused("-ababa-", "aba", "z", &["2 times"]);
}

#[test]
fn what_would_change_nothing_is_refused_unread() {
    for (old, new, told) in [
        ("", "x", "\"old_text\" is empty"),
        ("a", "a", "nothing would change"),
    ] {
        let mut files = workspace(&[("f", "a")]);
        let called = edit(&mut files, old, new);
        let (kind, message) = called.error();
        assert_eq!(kind, "invalid_arguments");
        assert!(message.contains(told), "{message}");
        assert!(called.operations.is_empty());
    }
}

#[test]
fn what_can_not_be_edited_says_why() {
    let mut files = workspace(&[("d/f", "x")]);
    let missing = edit(&mut files, "a", "b");
    assert_eq!(missing.error().0, "not_found");
    files.create_folders("f").unwrap();
    assert_eq!(edit(&mut files, "a", "b").error().0, "invalid_arguments");
    files.remove("f").unwrap();
    files.replace("f", b"\xff\xfe binary").unwrap();
    let binary = edit(&mut files, "binary", "b");
    assert_eq!(binary.error().0, "unsupported");
    assert!(
        binary.error().1.contains("\"f\" is binary"),
        "{:?}",
        binary.error()
    );
    files
        .replace("f", "a".repeat((2 << 20) + 1).as_bytes())
        .unwrap();
    let large = edit(&mut files, "b", "c");
    assert_eq!(large.error().0, "too_large");
    assert!(large.error().1.contains("2048 KiB"), "{:?}", large.error());
    files
        .replace(
            "f",
            ["a".repeat((2 << 20) - 1), "b".into()].concat().as_bytes(),
        )
        .unwrap();
    assert!(
        edit(&mut files, "b", "c").ok,
        "exactly as large as it may be"
    );
}

#[test]
fn a_failed_write_leaves_the_old_content() {
    let mut files = MemoryFileSystem::with_capacity(6);
    files.replace("f", b"a b c").unwrap();
    let called = edit(&mut files, "b", "much longer");
    assert_eq!(called.error().0, "internal");
    assert_eq!(content(&mut files, "f"), "a b c");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// One match is replaced as the standard library would; any other number changes nothing and is told.
    #[test]
    fn an_edit_is_a_replacement(text in "[ab\n\u{e9}]{0,12}", old in "[ab\n\u{e9}]{1,3}", new in "[abc]{0,3}") {
        prop_assume!(old != new);
        let mut files = workspace(&[("f", &text)]);
        let called = edit(&mut files, &old, &new);
        let count = text.char_indices().filter(|(at, _)| text[*at..].starts_with(&old)).count();
        prop_assert_eq!(called.ok, count == 1);
        let wanted = if count == 1 { text.replace(&old, &new) } else { text };
        prop_assert_eq!(content(&mut files, "f"), wanted);
        if count != 1 {
            let told = if count == 0 { "(0 matches)".to_string() } else { format!("{count} times") };
            prop_assert!(called.error().1.contains(&told));
        }
    }
}
