//! `list_directory`: what stands in a folder, as far as tools may see it.

use dewclaw_agent_core::tools::{MAX_RESULT_BYTES, STATE_FOLDER};
use dewclaw_platform::{FileSystem as _, MemoryFileSystem};
use serde_json::{Value, json};

use crate::script::{Called, run_tool};
use crate::workspace;

fn list(files: &mut MemoryFileSystem, path: &str) -> Called {
    run_tool(files, "list_directory", &json!({"path": path}))
}

fn names(called: &Called) -> Vec<String> {
    let entries = called.value()["entries"]
        .as_array()
        .expect("entries are an array");
    entries
        .iter()
        .map(|entry| entry["name"].as_str().expect("a name").into())
        .collect()
}

#[test]
fn entries_come_by_name_with_kind_and_size() {
    let mut files = workspace(&[
        ("b.txt", "12345"),
        ("a/inner", ""),
        ("Z", "1"),
        ("\u{e9}", ""),
    ]);
    let wanted = json!({"entries": [
        {"name": "Z", "is_dir": false, "size": 1},
        {"name": "a", "is_dir": true, "size": 0},
        {"name": "b.txt", "is_dir": false, "size": 5},
        {"name": "\u{e9}", "is_dir": false, "size": 0},
    ]});
    for path in [".", "", "./", "a/.."] {
        assert_eq!(*list(&mut files, path).value(), wanted, "{path:?}");
    }
    assert_eq!(names(&list(&mut files, "a")), ["inner"]);
    files.create_folders("empty").unwrap();
    assert_eq!(*list(&mut files, "empty/").value(), json!({"entries": []}));
}

#[test]
fn what_can_not_be_listed_says_why() {
    let mut files = workspace(&[("d/f", "x")]);
    for (path, kind) in [
        ("missing", "not_found"),
        ("d/missing", "not_found"),
        ("d/f", "invalid_arguments"),
        ("d/f/x", "invalid_arguments"),
    ] {
        assert_eq!(list(&mut files, path).error().0, kind, "{path}");
    }
}

#[test]
fn state_is_not_shown() {
    let mut files = workspace(&[
        (".dewclaw/dewclaw.json", "{}"),
        ("d/.dewclaw/x", ""),
        ("f", ""),
    ]);
    assert_eq!(names(&list(&mut files, ".")), ["d", "f"]);
    // Only the workspace's own is state.
    assert_eq!(names(&list(&mut files, "d")), [".dewclaw"]);
    for other in [".DEWCLAW/x", ".Dewclaw/x"] {
        let mut files = workspace(&[(other, ""), (".dewclaw2", ""), ("f", "")]);
        assert_eq!(names(&list(&mut files, ".")), [".dewclaw2", "f"], "{other}");
    }
    assert_eq!(STATE_FOLDER, ".dewclaw");
}

fn many(count: usize, name: impl Fn(usize) -> String) -> MemoryFileSystem {
    let mut files = MemoryFileSystem::default();
    for number in 0..count {
        files.replace(&name(number), b"").expect("a file");
    }
    files
}

#[test]
fn a_long_listing_is_capped_and_says_so() {
    let name = |number| format!("n{number:04}");
    for (count, shown) in [(499, 499), (500, 500), (501, 500), (1_234, 500)] {
        let mut files = many(count, name);
        let called = list(&mut files, ".");
        let value = called.value();
        assert_eq!(names(&called), (0..shown).map(name).collect::<Vec<_>>());
        if count > shown {
            assert_eq!(value["truncated"], true);
            let hint = value["hint"].as_str().unwrap();
            assert!(
                hint.contains(&format!("the first 500 of {count} entries")),
                "{hint}"
            );
        } else {
            assert_eq!((value.get("truncated"), value.get("hint")), (None, None));
        }
    }
}

#[test]
fn the_hidden_folder_takes_no_place_of_the_cap() {
    let name = |number| format!("n{number:04}");
    for (count, truncated) in [(500, false), (501, true)] {
        let mut files = many(count, name);
        files.create_folders(STATE_FOLDER).unwrap();
        let called = list(&mut files, ".");
        assert_eq!(names(&called).len(), 500);
        assert_eq!(called.value()["truncated"] == true, truncated);
        if truncated {
            let hint = called.value()["hint"].as_str().unwrap();
            assert!(hint.contains("of 501 entries"), "{hint}");
        }
    }
}

#[test]
fn even_the_longest_names_stay_a_result_that_can_be_read() {
    let mut files = many(500, |number| format!("{number:0>255}"));
    let called = list(&mut files, ".");
    assert!(called.for_model.len() <= MAX_RESULT_BYTES);
    let read: Result<Value, _> = serde_json::from_slice(&called.for_model);
    assert!(read.is_err() || read.is_ok_and(|value| value["entries"].is_array()));
    assert!(
        String::from_utf8(called.for_model)
            .unwrap()
            .contains("bytes cut")
    );
}
