//! What agent-core does not have: a source scan, with a positive control for each thing looked for.
//!
//! The core does no I/O and keeps no time: it must not even be able to. And no tool of it starts a process or sends a message.

mod script;

use std::fs;
use std::path::{Path, PathBuf};

use dewclaw_agent_core::tools;
use script::{Driver, settings, text};
use serde_json::Value;

/// Each thing that must not be there, and a line that has it.
const ABSENT: [(&str, &str); 11] = [
    ("std::", "use std::collections::HashMap;"),
    ("extern crate std", "extern crate std;"),
    ("unsafe ", "let x = unsafe { read() };"),
    ("Instant", "let began = Instant::now();"),
    ("SystemTime", "SystemTime::now()"),
    ("rand::", "use rand::Rng;"),
    ("async fn", "pub async fn run() {}"),
    (".await", "run().await"),
    ("static mut", "static mut COUNT: u32 = 0;"),
    ("thread_local", "thread_local! {}"),
    ("println!", "println!(\"hi\");"),
];

/// What of a source file is shipped: neither comments nor the tests at its end.
fn shipped(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What of it is found in a source text.
fn found(source: &str) -> Vec<&'static str> {
    let code = shipped(source);
    let absent = ABSENT.iter().map(|(absent, _)| *absent);
    // `core::` ends in no `std::`, and `unsafe_code` is no `unsafe `: words are looked for at their start.
    let at_start = |absent: &str| {
        code.match_indices(absent).any(|(at, _)| {
            !code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        })
    };
    absent.filter(|absent| at_start(absent)).collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn the_sources_have_none_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "only {} files were found", files.len());
    for file in files {
        let source = fs::read_to_string(&file).expect("a source file is text");
        assert_eq!(found(&source), [""; 0], "{}", file.display());
    }
    let head = fs::read_to_string(root.join("lib.rs")).expect("lib.rs is there");
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        assert!(head.lines().any(|line| line == attribute), "{attribute}");
    }
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    for (absent, line) in ABSENT {
        let source = format!("//! A file.\n\nfn f() {{\n    {line}\n}}\n");
        assert!(found(&source).contains(&absent), "{absent}");
        assert_eq!(
            found(&format!("// {line}\n")),
            [""; 0],
            "a comment is no code"
        );
        assert_eq!(
            found(&format!("#[cfg(test)]\nmod tests {{ {line} }}\n")),
            [""; 0]
        );
    }
    assert_eq!(
        found("#![forbid(unsafe_code)]\nuse core::mem;\nlet non_std::x;"),
        [""; 0]
    );
}

#[test]
fn no_tool_starts_a_process_or_sends_a_message() {
    let mut driver = Driver::new(settings()).replies([text("hi").plain()]);
    driver.run("hello");
    let body: Value = serde_json::from_slice(&driver.requests[0]).expect("a request is JSON");
    let offered = body["tools"].as_array().expect("tools are offered");
    let mut names: Vec<&str> = offered
        .iter()
        .filter_map(|tool| tool["function"]["name"].as_str())
        .collect();
    names.extend(tools::ALL.iter().map(|tool| tool.name));
    for absent in ["exec_shell", "spawn", "message"] {
        assert!(!names.contains(&absent), "{absent}");
        let text = String::from_utf8_lossy(&driver.requests[0]).into_owned();
        assert!(!text.contains("exec_shell"), "not even in words");
    }
    // The positive control.
    for tool in ["read_file", "memory_write"] {
        assert_eq!(names.iter().filter(|name| **name == tool).count(), 2);
    }
}
