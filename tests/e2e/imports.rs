//! What an artifact imports and exports, and what it lacks. The imports are the permission manifest.

use e2e::artifact;
use e2e::guest::Guest;
use e2e::host::Host;
use e2e::imports;
use e2e::wamr_run;
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

/// What the core module needs of a runtime of WASI preview 1.
const PREVIEW_1: [&str; 27] = [
    "args_get",
    "args_sizes_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_sync",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_open",
    "path_readlink",
    "path_rename",
    "path_unlink_file",
    "proc_exit",
    "random_get",
    "sched_yield",
];

/// What it needs besides to reach a model and the web, and to wait for them: WAMR's sockets, and two functions more.
const SOCKETS: [&str; 8] = [
    "fd_fdstat_set_flags",
    "poll_oneoff",
    "sock_addr_resolve",
    "sock_connect",
    "sock_open",
    "sock_recv",
    "sock_send",
    "sock_set_tcp_no_delay",
];

fn of_preview_1(lists: &[&[&str]]) -> BTreeSet<String> {
    let module = |name| format!("wasi_snapshot_preview1 {name}");
    names(lists).into_iter().map(module).collect()
}

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

#[test]
fn dewclaw_wamr_imports_exactly_its_whitelist() {
    assert_eq!(
        imports::of_module(&artifact::dewclaw_wamr()),
        of_preview_1(&[&PREVIEW_1, &SOCKETS])
    );
}

#[test]
fn without_sockets_it_imports_what_every_runtime_of_preview_1_has() {
    let imports = imports::of_module(&artifact::without_sockets());
    let known = of_preview_1(&[&PREVIEW_1, &["poll_oneoff"]]);
    let more: Vec<_> = imports.difference(&known).collect();
    assert!(more.is_empty(), "{more:?}");
    assert!(
        imports.contains("wasi_snapshot_preview1 path_open"),
        "the control"
    );
}

#[test]
fn wamr_loads_the_core_module_and_refuses_the_component() {
    for (file, code, says) in [
        (artifact::dewclaw_wamr(), 0, "dewclaw "),
        (artifact::dewclaw(), 255, "unknown binary version"),
        (artifact::dewclaw_offline(), 255, "unknown binary version"),
    ] {
        let guest = Guest::of(&file).args(["--version"]);
        let ended = Host::Wamr.run(&guest);
        assert_eq!(ended.code, Some(code), "{ended}");
        assert!(ended.stdout().contains(says), "{ended}");
    }
}

/// A module that calls through its table by this index, which is 0 whatever it looks like.
fn calls_through_its_table(index: &[u8]) -> Vec<u8> {
    let length = |rest: usize| u8::try_from(rest + index.len()).expect("it is small");
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // A type without parameters and results, a function of it, and a table of one.
    module.extend_from_slice(b"\x01\x04\x01\x60\0\0\x03\x02\x01\0\x04\x04\x01\x70\0\x01");
    // The code: i32.const 0, call_indirect of the type, end.
    module.extend_from_slice(&[10, length(8), 1, length(6), 0, 0x41, 0, 0x11, 0]);
    module.extend_from_slice(index);
    module.push(0x0b);
    module
}

#[test]
fn dewclaw_wamr_needs_no_reference_types() {
    use wasmparser::{Validator, WasmFeatures};
    // Of what WAMR's default build has, all but what REF_TYPES=0 takes away, and what is not used.
    let features = WasmFeatures::MVP
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT;
    let check = |module: &[u8]| {
        let mut validator = Validator::new_with_features(features);
        validator.validate_all(module).map(|_| ())
    };
    let module = std::fs::read(artifact::dewclaw_wamr()).expect("an artifact can be read");
    if let Err(error) = check(&module) {
        panic!("{error}");
    }
    // The controls: an index of the table in five bytes, as rust-lld writes it by default, is what such a board refuses.
    check(&calls_through_its_table(&[0])).expect("one byte is fine");
    let error = check(&calls_through_its_table(&[0x80, 0x80, 0x80, 0x80, 0]));
    let error = error.expect_err("five bytes are not").to_string();
    assert!(error.contains("zero byte expected"), "{error}");
}

#[test]
fn an_instance_in_wamr_starts_with_two_pages() {
    assert_eq!(imports::start_pages(&artifact::dewclaw_wamr()), 2);
    // And takes no more than one for the heap, for as little as this.
    let (ended, stats) = wamr_run::run_counted(&Guest::dewclaw().args(["--version"]));
    ended.code(0);
    assert!((2..=3).contains(&stats.pages), "{stats:?}");
}
