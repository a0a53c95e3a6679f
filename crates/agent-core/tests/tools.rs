//! The six tools over files: what each gives, every error it can give, and what it leaves behind. One file for each tool.

mod script;

#[path = "tools/edit_file.rs"]
mod edit_file;
#[path = "tools/failing.rs"]
mod failing;
#[path = "tools/list_directory.rs"]
mod list_directory;
#[path = "tools/memory_read.rs"]
mod memory_read;
#[path = "tools/memory_write.rs"]
mod memory_write;
#[path = "tools/read_file.rs"]
mod read_file;
#[path = "tools/write_file.rs"]
mod write_file;

use dewclaw_agent_core::tools::{self, MAX_RESULT_BYTES};
use dewclaw_platform::{FileSystem, MemoryFileSystem};
use failing::{CALLS, ERRORS, Failing};
use script::{Called, run_tool};
use serde_json::{Value, json};

/// A workspace with these files.
fn workspace(files: &[(&str, &str)]) -> MemoryFileSystem {
    let mut workspace = MemoryFileSystem::default();
    for (path, content) in files {
        if let Some((folder, _)) = path.rsplit_once('/') {
            workspace.create_folders(folder).expect("folders");
        }
        workspace.replace(path, content.as_bytes()).expect("a file");
    }
    workspace
}

/// All of a file.
#[track_caller]
fn content(files: &mut MemoryFileSystem, path: &str) -> String {
    let chunk = files.read(path, 0, usize::MAX).expect("the file is there");
    String::from_utf8(chunk.bytes).expect("the file is text")
}

#[test]
fn the_tools_are_those_of_the_specification() {
    let known = [
        ("read_file", &["path", "offset", "limit"][..], &["path"][..]),
        ("write_file", &["path", "content"], &["path", "content"]),
        (
            "edit_file",
            &["path", "old_text", "new_text"],
            &["path", "old_text", "new_text"],
        ),
        ("list_directory", &["path"], &["path"]),
        ("memory_read", &["query"], &[]),
        ("memory_write", &["content", "mode"], &["content"]),
        ("web_fetch", &["url", "method", "headers", "body"], &["url"]),
        ("web_search", &["query", "num_results"], &["query"]),
    ];
    assert_eq!(tools::ALL.len(), known.len());
    for (tool, (name, parameters, required)) in tools::ALL.iter().zip(known) {
        let schema: Value = serde_json::from_slice(&tool.to_json("parameters")).unwrap();
        assert_eq!(schema["name"], name);
        assert!(schema["description"].as_str().unwrap().len() > 20);
        let schema = &schema["parameters"];
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["additionalProperties"], false);
        let properties = schema["properties"].as_object().unwrap();
        let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
        let mut wanted = parameters.to_vec();
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{name}");
        let needed: Vec<&str> = schema["required"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(needed, required, "{name}");
    }
}

/// What each failure of the file system is to the model.
#[test]
fn every_failure_of_the_files_is_an_error_of_its_kind() {
    for (name, arguments) in CALLS {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        for (error, kind) in ERRORS {
            // Nothing remembered yet is nothing, and no error.
            if (name, kind) == ("memory_read", "not_found") {
                continue;
            }
            let called = run_tool(&mut Failing(error), name, &arguments);
            let (told, message) = called.error();
            assert_eq!(told, kind, "{name} {error:?}: {message}");
            assert!(message.contains(&error.to_string()), "{name}: {message}");
            assert!(
                message.contains("x/y.md") || message.contains("memory/MEMORY.md"),
                "{name}: {message}"
            );
        }
    }
}

#[test]
fn without_a_workspace_the_grant_is_named() {
    for (name, arguments) in CALLS {
        let arguments = serde_json::from_str(arguments).unwrap();
        let called = run_tool(
            &mut Failing(dewclaw_platform::FsError::NoRoot),
            name,
            &arguments,
        );
        assert!(called.error().1.contains("--dir"), "{:?}", called.error());
    }
}

#[test]
fn arguments_that_miss_the_schema_touch_nothing() {
    for (name, arguments) in CALLS {
        let mut more: Value = serde_json::from_str(arguments).unwrap();
        more["surplus"] = json!(1);
        let called = run_tool(&mut workspace(&[]), name, &more);
        let (kind, message) = called.error();
        assert_eq!(kind, "invalid_arguments");
        assert!(message.contains("\"surplus\" is no parameter"), "{message}");
        assert!(called.operations.is_empty());
        let required: Value = serde_json::from_str(arguments).unwrap();
        let schema = tools::ALL
            .iter()
            .find(|tool| tool.name == name)
            .unwrap()
            .parameters;
        let schema: Value = serde_json::from_str(schema).unwrap();
        for missing in schema["required"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
        {
            let mut less = required.clone();
            less.as_object_mut()
                .unwrap()
                .remove(missing.as_str().unwrap());
            let called = run_tool(&mut workspace(&[]), name, &less);
            assert!(
                called.error().1.contains("is required"),
                "{name}: {:?}",
                called.error()
            );
            assert!(called.operations.is_empty());
        }
    }
}

#[test]
fn what_the_model_gets_is_cut_in_the_middle_and_says_so() {
    let big = "\u{e9}".repeat(100_000);
    let mut files = workspace(&[("memory/MEMORY.md", &big)]);
    let called: Called = run_tool(&mut files, "memory_read", &json!({}));
    assert_eq!(
        called.value()["content"],
        json!(big),
        "the whole of it is there for the driver"
    );
    let cut = String::from_utf8(called.for_model.clone()).expect("it is cut between letters");
    assert!(cut.len() <= MAX_RESULT_BYTES);
    assert!(cut.len() > MAX_RESULT_BYTES - 200, "{} bytes", cut.len());
    assert!(cut.starts_with("{\"note\":\"") && cut.ends_with("\u{e9}\"}"));
    let (before, rest) = cut.split_once("\n[... ").expect("it says that it was cut");
    let (number, after) = rest
        .split_once(" bytes cut ...]\n")
        .expect("it says how much");
    let whole = serde_json::to_string(called.value()).unwrap();
    assert_eq!(
        before.len() + number.parse::<usize>().unwrap() + after.len(),
        whole.len()
    );
    // What fits is left as it is.
    let mut files = workspace(&[("memory/MEMORY.md", &"x".repeat(60_000))]);
    let called = run_tool(&mut files, "memory_read", &json!({}));
    let whole: Value = serde_json::from_slice(&called.for_model).expect("it is JSON");
    assert_eq!(whole, *called.value());
}
