//! What an artifact imports and exports, and what it lacks. The imports are the permission manifest.

use e2e::artifact;
use e2e::imports;
use std::collections::BTreeSet;

/// What an agent without network needs of its host.
const OFFLINE: [&str; 11] = [
    "wasi:cli/environment@0.2.0",
    "wasi:cli/stderr@0.2.0",
    "wasi:cli/stdin@0.2.0",
    "wasi:cli/stdout@0.2.0",
    "wasi:clocks/monotonic-clock@0.2.0",
    "wasi:clocks/wall-clock@0.2.0",
    "wasi:filesystem/preopens@0.2.0",
    "wasi:filesystem/types@0.2.0",
    "wasi:io/error@0.2.0",
    "wasi:io/streams@0.2.0",
    "wasi:random/random@0.2.0",
];

/// What it needs besides to reach a model and the web, to wait for them, and to know whether there is a person to ask.
const HTTP: [&str; 5] = [
    "wasi:cli/terminal-input@0.2.0",
    "wasi:cli/terminal-stdin@0.2.0",
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:http/types@0.2.0",
    "wasi:io/poll@0.2.0",
];

fn names(lists: &[&[&str]]) -> BTreeSet<String> {
    lists
        .iter()
        .flat_map(|list| list.iter())
        .map(|name| (*name).to_owned())
        .collect()
}

#[test]
fn dewclaw_imports_exactly_its_whitelist() {
    assert_eq!(imports::of(&artifact::dewclaw()), names(&[&OFFLINE, &HTTP]));
}

#[test]
fn dewclaw_offline_imports_exactly_its_whitelist() {
    assert_eq!(
        imports::of(&artifact::dewclaw_offline()),
        names(&[&OFFLINE])
    );
}

#[test]
fn both_export_a_command_with_its_outcome_and_a_library() {
    for component in [artifact::dewclaw(), artifact::dewclaw_offline()] {
        assert_eq!(
            imports::exports_of(&component),
            names(&[&[
                "dewclaw:agent/command-line@0.1.0",
                "dewclaw:agent/outcome@0.1.0",
                "dewclaw:agent/session@0.1.0",
                "wasi:cli/run@0.2.0",
            ]])
        );
    }
}

#[test]
fn only_the_networked_artifact_knows_the_word_http() {
    let has = |component: &std::path::Path, word: &str| {
        let bytes = std::fs::read(component).expect("an artifact can be read");
        bytes
            .windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    assert!(has(&artifact::dewclaw(), "wasi:http"), "the control");
    assert!(!has(&artifact::dewclaw_offline(), "wasi:http"));
    for component in [artifact::dewclaw(), artifact::dewclaw_offline()] {
        assert!(!has(&component, "wasi:sockets"), "{}", component.display());
    }
}

#[test]
fn no_tool_that_starts_a_process_or_sends_a_message_is_inside() {
    for component in [artifact::dewclaw(), artifact::dewclaw_offline()] {
        let bytes = std::fs::read(&component).expect("an artifact can be read");
        let has = |word: &str| {
            bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes())
        };
        for present in ["read_file", "write_file", "memory_write"] {
            assert!(
                has(present),
                "the control: {present} is in {}",
                component.display()
            );
        }
        assert!(!has("exec_shell"), "it is in {}", component.display());
    }
}
