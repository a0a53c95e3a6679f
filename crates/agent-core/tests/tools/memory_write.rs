//! `memory_write`: what is remembered, and what is not.

use dewclaw_agent_core::tools::MEMORY_PATH;
use dewclaw_platform::MemoryFileSystem;
use serde_json::json;

use crate::script::{Called, run_tool};
use crate::{content, workspace};

fn write(files: &mut MemoryFileSystem, text: &str) -> Called {
    run_tool(files, "memory_write", &json!({"content": text}))
}

#[test]
fn what_is_added_stands_in_paragraphs_of_its_own() {
    assert_eq!(MEMORY_PATH, "memory/MEMORY.md");
    let mut files = workspace(&[]);
    let called = write(&mut files, "Anna prefers tea.");
    assert_eq!(
        *called.value(),
        json!({"message": "added to memory", "path": "memory/MEMORY.md"})
    );
    write(&mut files, "Deploys happen\non Fridays.\n\n\n");
    assert_eq!(
        content(&mut files, MEMORY_PATH),
        "Anna prefers tea.\n\nDeploys happen\non Fridays.\n\n"
    );
    let found = run_tool(&mut files, "memory_read", &json!({"query": "fridays"}));
    assert_eq!(
        found.value()["matches"],
        json!(["Deploys happen\non Fridays."])
    );
    let called = run_tool(
        &mut files,
        "memory_write",
        &json!({"content": "More.", "mode": "append"}),
    );
    assert!(called.ok);
    assert!(content(&mut files, MEMORY_PATH).ends_with("on Fridays.\n\nMore.\n\n"));
}

#[test]
fn what_a_person_wrote_without_a_last_line_end_stays_a_paragraph() {
    for before in [
        "Anna prefers tea.",
        "Anna prefers tea.\n",
        "Anna prefers tea.\n\n",
    ] {
        let mut files = workspace(&[(MEMORY_PATH, before)]);
        write(&mut files, "Bob has a dog.");
        let after = content(&mut files, MEMORY_PATH);
        for (query, paragraph) in [("dog", "Bob has a dog."), ("tea", "Anna prefers tea.")] {
            let found = run_tool(&mut files, "memory_read", &json!({"query": query}));
            assert_eq!(
                found.value()["matches"],
                json!([paragraph]),
                "{before:?} became {after:?}"
            );
        }
    }
}

#[test]
fn overwritten_is_all_of_it() {
    let mut files = workspace(&[(MEMORY_PATH, "old\n\n")]);
    let overwrite = json!({"content": "new", "mode": "overwrite"});
    let called = run_tool(&mut files, "memory_write", &overwrite);
    assert_eq!(
        *called.value(),
        json!({"message": "memory was overwritten", "path": "memory/MEMORY.md"})
    );
    assert_eq!(content(&mut files, MEMORY_PATH), "new\n\n");
    // To forget everything is a wish like another.
    let called = run_tool(
        &mut files,
        "memory_write",
        &json!({"content": "", "mode": "overwrite"}),
    );
    assert!(called.ok);
    assert_eq!(content(&mut files, MEMORY_PATH).trim(), "");
}

#[test]
fn nothing_is_not_remembered() {
    for text in ["", " ", "\n\t\n"] {
        let mut files = workspace(&[]);
        let called = write(&mut files, text);
        assert_eq!(called.error().0, "invalid_arguments");
        assert!(called.operations.is_empty());
    }
}

#[test]
fn what_came_from_memory_is_not_written_back() {
    for text in [
        "<recalled-context>\nAnna prefers tea.\n</recalled-context>",
        "New.\n<recalled-context source=\"memory\">old</recalled-context>",
        "cut </recalled-context> New.",
        "cut off <recalled-context",
    ] {
        for mode in ["append", "overwrite"] {
            let mut files = workspace(&[(MEMORY_PATH, "old\n\n")]);
            let called = run_tool(
                &mut files,
                "memory_write",
                &json!({"content": text, "mode": mode}),
            );
            let (kind, message) = called.error();
            assert_eq!(kind, "invalid_arguments");
            assert!(
                message.contains("recalled-context") && message.contains("only what is new"),
                "{message}"
            );
            assert!(called.operations.is_empty());
        }
    }
    assert!(
        write(
            &mut workspace(&[]),
            "The word recalled-context alone is fine."
        )
        .ok
    );
}

#[test]
fn another_mode_is_refused() {
    let called = run_tool(
        &mut workspace(&[]),
        "memory_write",
        &json!({"content": "x", "mode": "prepend"}),
    );
    let (kind, message) = called.error();
    assert_eq!(kind, "invalid_arguments");
    assert!(
        message.contains("\"mode\" must be one of: append, overwrite"),
        "{message}"
    );
    assert!(called.operations.is_empty());
}

#[test]
fn a_folder_in_its_place_says_so() {
    let mut files = workspace(&[("memory/MEMORY.md/x", "")]);
    assert_eq!(write(&mut files, "x").error().0, "invalid_arguments");
    let mut files = workspace(&[("memory", "a file")]);
    assert_eq!(write(&mut files, "x").error().0, "invalid_arguments");
    assert_eq!(content(&mut files, "memory"), "a file");
}
