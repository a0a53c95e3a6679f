//! The process in which plugins are compiled: its bounds, and that it ends with whoever started it.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use crate::guest;
use crate::scratch::{Scratch, run};

const SUBCOMMAND: &str = "__compile-plugin";

/// As many bytes of memory as no test needs.
const PLENTY: u64 = 8 << 30;

const SIGABRT: i32 = 6;

/// The compiling process, with a module that it has been given.
fn compiling(module: &[u8], memory: u64) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dewclaw"))
        .args([SUBCOMMAND, &memory.to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let input = child.stdin.as_mut().unwrap();
    input
        .write_all(&(module.len() as u64).to_le_bytes())
        .unwrap();
    input.write_all(module).unwrap();
    child
}

#[test]
fn a_module_that_needs_more_memory_ends_it() {
    let mut child = compiling(&guest::fat(), 256 << 20);
    // `wait` would close it.
    let _input = child.stdin.take();
    assert_eq!(child.wait().unwrap().signal(), Some(SIGABRT));
}

#[test]
fn it_ends_with_whoever_started_it() {
    let mut child = compiling(&guest::slow(), PLENTY);
    // As when that process is killed: the pipe has no writer any more.
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn it_answers_with_code_and_with_reasons() {
    let answer = |module: &[u8]| {
        let mut child = compiling(module, PLENTY);
        let mut answer = Vec::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut answer)
            .unwrap();
        assert!(child.wait().unwrap().success());
        answer
    };
    let code = answer(&guest::probe());
    assert!(code.starts_with(b"dewclaw1\0"), "{:?}", &code[..9]);
    assert!(code[49..].starts_with(b"\x7fELF"), "{:?}", &code[49..53]);
    for garbage in [
        &b"garbage"[..],
        b"\0asm\x01\0\0\0",
        b"\0asm\x0d\0\x01\0\xff",
        b"(component)",
    ] {
        let invalid = answer(garbage);
        assert!(invalid.starts_with(b"dewclaw1\x01"), "{garbage:?}");
    }
}

#[test]
fn it_does_nothing_for_anybody_else() {
    for arguments in [
        &[SUBCOMMAND][..],
        &[SUBCOMMAND, "many"],
        &[SUBCOMMAND, "1000000000", "x"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dewclaw"));
        command.args(arguments).stdin(Stdio::null());
        assert_eq!(run(&mut command), (1, String::new(), String::new()));
    }
    // A length, and no module.
    let mut child = compiling(b"", PLENTY);
    drop(child.stdin.take());
    let mut cut = compiling(b"abc", PLENTY);
    cut.stdin.as_mut().unwrap().write_all(b"d").unwrap();
    drop(cut.stdin.take());
    for mut child in [child, cut] {
        assert!(child.wait().unwrap().code().is_some());
    }
}

/// Attack: module that takes long to compile
/// Answer: `CompileError::Limit`: "compiling took more time than the limit of 10.8 s", "compiling took more memory than the
/// limit of 260 MiB"
/// Bound: a process of its own: 10 s and 20 s for each 1,000,000 bytes, 256 MiB and 64 bytes for each byte of the module
#[test]
fn a_plugin_that_compiles_for_ever_or_for_gigabytes_is_refused_by_the_limits_name() {
    let scratch = Scratch::new();
    for (module, waits, says) in [
        (
            guest::slow(),
            Some("plugin: hard: compiling 41 KB, for some 11 s at most\n"),
            "dewclaw: plugin hard: compiling took more time than the limit of 10.8 s\n",
        ),
        (
            guest::fat(),
            // It has its gigabytes before anybody wonders, or a little later.
            None,
            "dewclaw: plugin hard: compiling took more memory than the limit of 260 MiB\n",
        ),
    ] {
        fs::write(scratch.path("hard.wasm"), module).unwrap();
        let (code, out, err) = run(scratch.command().args(["plugin", "describe", "hard.wasm"]));
        assert_eq!((code, out.as_str()), (4, ""));
        match waits {
            Some(waits) => assert_eq!(err, format!("{waits}{says}")),
            None => assert!(err.ends_with(says), "{err}"),
        }
    }
}

/// The first process that this one has started, once there is one.
fn child_of(parent: u32) -> u32 {
    loop {
        let path = format!("/proc/{parent}/task/{parent}/children");
        let children = fs::read_to_string(path).unwrap();
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().unwrap();
        }
        std::thread::yield_now();
    }
}

/// Whether a process is still there, and not only its exit code.
fn lives(process: u32) -> bool {
    match fs::read_to_string(format!("/proc/{process}/stat")) {
        Ok(stat) => !stat.rsplit(')').next().unwrap().starts_with(" Z"),
        Err(_) => false,
    }
}

#[test]
fn it_knows_no_variable_and_is_gone_when_its_parent_is_killed() {
    let scratch = Scratch::new();
    fs::write(scratch.path("hard.wasm"), guest::slow()).unwrap();
    let mut command = scratch.command();
    let mut parent = command
        .args(["plugin", "describe", "hard.wasm"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let child = child_of(parent.id());
    // Between the fork and the start of the program it has its parent's.
    let variables = loop {
        let arguments = fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap();
        if arguments.contains(SUBCOMMAND) {
            break fs::read_to_string(format!("/proc/{child}/environ")).unwrap();
        }
        std::thread::yield_now();
    };
    assert_eq!(variables, "RAYON_NUM_THREADS=4\0");
    parent.kill().unwrap();
    parent.wait().unwrap();
    while lives(child) {
        std::thread::yield_now();
    }
}
