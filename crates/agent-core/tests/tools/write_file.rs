//! `write_file`: a file's whole content.

use dewclaw_agent_core::FileOperation;
use dewclaw_platform::{FileSystem as _, FsError, MemoryFileSystem};
use serde_json::json;

use crate::script::run_tool;
use crate::{content, workspace};

#[test]
fn a_file_is_made_with_its_folders() {
    let mut files = workspace(&[]);
    let called = run_tool(
        &mut files,
        "write_file",
        &json!({"path": "a/b/c.md", "content": "caf\u{e9}\n"}),
    );
    assert_eq!(
        *called.value(),
        json!({"message": "wrote 6 bytes to a/b/c.md", "bytes": 6})
    );
    assert_eq!(content(&mut files, "a/b/c.md"), "caf\u{e9}\n");
}

#[test]
fn a_file_is_replaced_whole() {
    let mut files = workspace(&[("f", "a long old content\n")]);
    for new in ["short", "", "longer again\r\n\t\u{1f43e}\u{0}"] {
        let called = run_tool(
            &mut files,
            "write_file",
            &json!({"path": "./f", "content": new}),
        );
        assert_eq!(called.value()["bytes"], new.len());
        assert_eq!(content(&mut files, "f"), new);
        // One replacement, which the file system makes whole or not at all.
        let wanted = FileOperation::Replace {
            path: "f".into(),
            content: new.into(),
        };
        assert_eq!(called.operations, [wanted]);
    }
}

#[test]
fn what_can_not_be_written_says_why_and_changes_nothing() {
    let mut files = workspace(&[("d/f", "old")]);
    for (path, kind) in [
        ("d", "invalid_arguments"),
        (".", "invalid_arguments"),
        ("", "invalid_arguments"),
        ("d/f/x", "invalid_arguments"),
    ] {
        let called = run_tool(
            &mut files,
            "write_file",
            &json!({"path": path, "content": "new"}),
        );
        assert_eq!(called.error().0, kind, "{path}");
    }
    assert_eq!(content(&mut files, "d/f"), "old");
    let mut full = MemoryFileSystem::with_capacity(10);
    full.replace("f", b"old").unwrap();
    let called = run_tool(
        &mut full,
        "write_file",
        &json!({"path": "f", "content": "much too long"}),
    );
    let (kind, message) = called.error();
    assert_eq!(kind, "internal");
    assert!(
        message.contains("no space") && message.contains("nothing was changed"),
        "{message}"
    );
    assert_eq!(content(&mut full, "f"), "old");
    assert_eq!(full.stat("g"), Err(FsError::NotFound));
}
