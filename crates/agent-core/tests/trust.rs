//! Where tools may not go: out of the workspace, and into state. A path that leads there is refused by its text alone,
//! so the files are never asked.

mod script;

use dewclaw_agent_core::FileOperation;
use dewclaw_platform::{FileSystem as _, MemoryFileSystem};
use proptest::prelude::*;
use script::{Call, Driver, calls, run_tool, settings, text};
use serde_json::{Value, json};

/// Every spelling that leaves the workspace.
const OUTSIDE: [&str; 24] = [
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "/./a",
    "..",
    "../",
    "../x",
    "./..",
    "./../x",
    ".//../x",
    "a/../..",
    "a/../../x",
    "a/b/../../../c",
    // Through folders that do not exist.
    "nope/../../x",
    "nope/nope/../../../x",
    "a/./../b/../../x",
    "../workspace/a",
    "C:/x",
    "c:\\x",
    "..\\x",
    "a\\..\\..\\x",
    "\\\\server\\share",
    "a\0b",
    "\0",
];

/// Every spelling that enters state.
const STATE: [&str; 18] = [
    ".dewclaw",
    ".dewclaw/",
    ".dewclaw/dewclaw.json",
    ".dewclaw/sub/x",
    "./.dewclaw/x",
    ".//.dewclaw",
    "a/../.dewclaw",
    "nope/../.dewclaw/x",
    ".dewclaw/a/../x",
    ".DEWCLAW",
    ".Dewclaw/x",
    ".dEWCLAW/x",
    // What Windows takes for the same name.
    ".dewclaw.",
    ".dewclaw./x",
    ".dewclaw /x",
    ".dewclaw. . /x",
    ".dewclaw:stream",
    ".dewclaw::$INDEX_ALLOCATION/x",
];

/// Every tool that takes a path, aimed at one.
fn aimed_at(path: &str) -> [(&'static str, Value); 4] {
    [
        ("read_file", json!({"path": path})),
        ("write_file", json!({"path": path, "content": "owned"})),
        (
            "edit_file",
            json!({"path": path, "old_text": "a", "new_text": "owned"}),
        ),
        ("list_directory", json!({"path": path})),
    ]
}

#[test]
fn no_tool_leaves_the_workspace_or_enters_state() {
    for path in OUTSIDE.into_iter().chain(STATE) {
        for (name, arguments) in aimed_at(path) {
            let turn = calls([Call::new("c", name, &arguments)]);
            let mut driver = Driver::new(settings())
                .file(".dewclaw/dewclaw.json", "a secret")
                .replies([turn.plain(), text("sorry").plain()]);
            assert_eq!(driver.run("go").text, "sorry");
            let (_, ok, result) = &driver.results()[0];
            assert!(!ok, "{name} {path:?}");
            assert_eq!(
                result["error"]["kind"], "permission_denied",
                "{name} {path:?}"
            );
            let message = result["error"]["message"].as_str().unwrap();
            assert!(!message.contains("secret"), "{message}");
            assert!(
                driver.operations().is_empty(),
                "{name} {path:?} touched the files"
            );
        }
    }
}

/// The positive control: what looks like it and is none of it goes through.
#[test]
fn names_that_only_look_like_it_are_names() {
    for path in [
        "..a",
        "a..",
        "...",
        "a/...",
        ".dewclaw2",
        ".dewclaws/x",
        "dewclaw",
        "sub/.dewclaw/x",
        "a/../b",
        "x/.dewclaw",
        "C",
        "a:b",
    ] {
        let mut files = MemoryFileSystem::default();
        let written = run_tool(
            &mut files,
            "write_file",
            &json!({"path": path, "content": "mine"}),
        );
        assert!(written.ok, "{path}: {}", written.json);
        let read = run_tool(&mut files, "read_file", &json!({"path": path}));
        assert_eq!(read.value()["content"], "mine", "{path}");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let told = |path: &str| {
        let called = run_tool(
            &mut MemoryFileSystem::default(),
            "read_file",
            &json!({"path": path}),
        );
        called.error().1.to_string()
    };
    assert!(told("/etc/passwd").contains("relative to the workspace"));
    assert!(told("../x").contains("\"../x\" leaves the workspace"));
    assert!(told(".dewclaw/x").contains("state"));
    assert!(told("a\\b").contains("/"));
}

#[test]
fn memory_is_no_way_into_another_file() {
    for arguments in [
        json!({"path": ".dewclaw/x"}),
        json!({"content": "x", "path": "../x"}),
    ] {
        for name in ["memory_read", "memory_write"] {
            let called = run_tool(&mut MemoryFileSystem::default(), name, &arguments);
            assert_eq!(called.error().0, "invalid_arguments");
            assert!(called.operations.is_empty());
        }
    }
}

fn path_of(operation: &FileOperation) -> &str {
    match operation {
        FileOperation::Read { path, .. }
        | FileOperation::Replace { path, .. }
        | FileOperation::Append { path, .. }
        | FileOperation::List { path, .. }
        | FileOperation::Stat { path } => path,
    }
}

/// Where a path leads by POSIX's own rules, link by link with nothing linked: the parts below the root, or `None` outside.
fn leads_to(path: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!path.starts_with('/')).then_some(parts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any path at all: what the files are asked for lies inside and is none of state, and where a path leads outside or
    /// into state they are not asked.
    #[test]
    fn whatever_is_asked_of_the_files_lies_inside(
        path in "(\\.\\.|a|\\.dewclaw|\\.DeWcLaW|nope|/|\\./|/){0,9}|[a./\\\\ \0:-]{0,16}|\\PC{0,12}",
    ) {
        for (name, arguments) in aimed_at(&path) {
            let mut files = MemoryFileSystem::default();
            files.create_folders(".dewclaw").unwrap();
            files.replace(".dewclaw/f", b"secret").unwrap();
            files.create_folders("a").unwrap();
            let called = run_tool(&mut files, name, &arguments);
            for operation in &called.operations {
                let asked = path_of(operation);
                prop_assert_eq!(leads_to(asked).map(|parts| parts.join("/")), Some(asked.to_string()), "{:?} is not normal", asked);
                prop_assert!(!asked.split('/').next().unwrap().eq_ignore_ascii_case(".dewclaw"), "{:?}", asked);
                prop_assert_eq!(leads_to(&path), leads_to(asked), "another file than was named");
            }
            let inside = leads_to(&path).is_some_and(|parts| !parts.first().is_some_and(|first| first.eq_ignore_ascii_case(".dewclaw")));
            if !inside {
                prop_assert_eq!(called.error().0, "permission_denied");
                prop_assert!(called.operations.is_empty());
            }
            prop_assert_eq!(files.read(".dewclaw/f", 0, 9).unwrap().bytes, b"secret".to_vec());
        }
    }
}
