//! The agent as a core module without sockets: the same file in three runtimes of WASI preview 1: Node's own, wasmtime and WAMR.

use e2e::artifact;
use e2e::host::Ended;
use e2e::process;
use e2e::scratch::Scratch;
use std::process::Command;

/// A folder of the host, and the name by which the guest sees it.
type Folder<'a> = (&'a Scratch, &'a str);

/// Makes the command that runs a module with these folders.
type Runtime = fn(&[Folder]) -> Command;

const RUNTIMES: [(&str, Runtime); 3] = [("Node", node), ("wasmtime", wasmtime), ("WAMR", wamr)];

fn node(folders: &[Folder]) -> Command {
    let folders: serde_json::Map<_, _> = folders
        .iter()
        .map(|(host, guest)| {
            (
                (*guest).to_owned(),
                host.path().display().to_string().into(),
            )
        })
        .collect();
    let script = artifact::repository().join("tests/embedders/node/preview1.mjs");
    let mut command = Command::new("node");
    command
        .arg("--no-warnings")
        .arg(script)
        .arg(serde_json::Value::Object(folders).to_string());
    command
}

fn wasmtime(folders: &[Folder]) -> Command {
    let mut command = Command::new(artifact::wasmtime());
    command.arg("run").args(
        folders
            .iter()
            .map(|(host, guest)| format!("--dir={}::{guest}", host.path().display())),
    );
    command
}

fn wamr(folders: &[Folder]) -> Command {
    let mut command = Command::new(artifact::wamr_runner());
    command.args(
        folders
            .iter()
            .map(|(host, guest)| format!("--map-dir={guest}::{}", host.path().display())),
    );
    command
}

/// Runs the module in each runtime. All tell the same, and this is it.
fn everywhere(folders: &[Folder], arguments: &[&str]) -> Ended {
    let module = artifact::without_sockets();
    let mut told: Option<Ended> = None;
    for (name, runtime) in RUNTIMES {
        let mut command = runtime(folders);
        command.arg(&module).args(arguments);
        let ended = Ended {
            tells_failures_apart: true,
            ..process::run(name, &mut command, b"")
        };
        if let Some(before) = &told {
            assert_eq!(
                (ended.code, ended.stdout(), ended.stderr()),
                (before.code, before.stdout(), before.stderr()),
                "{name} tells something else than {}",
                before.runner
            );
        }
        told = Some(ended);
    }
    told.expect("there are runtimes")
}

#[test]
fn it_tells_its_version() {
    let ended = everywhere(&[], &["--version"]);
    ended.code(0);
    assert!(ended.stdout().contains("offline core module"), "{ended}");
}

#[test]
fn it_reads_a_file_and_misses_another() {
    let work = Scratch::with(&[("a.txt", "alpha\n")]);
    let folders = [(&work, "/")];
    let ended = everywhere(&folders, &["tool", "read_file", r#"{"path":"a.txt"}"#]);
    ended.code(0);
    assert_eq!(ended.json()["content"], "alpha\n");
    let ended = everywhere(&folders, &["tool", "read_file", r#"{"path":"b.txt"}"#]);
    ended.code(1);
    assert_eq!(ended.json()["error"]["kind"], "not_found");
}

#[test]
fn it_replays_the_demo() {
    let recording = artifact::repository().join("examples/recordings/demo.jsonl");
    let state = Scratch::new();
    state.write(
        "demo.jsonl",
        std::fs::read(recording).expect("the demo is recorded"),
    );
    let work = Scratch::copy_of(&artifact::repository().join("examples/workspace"));
    let before = work.snapshot();
    let folders = [(&work, "/"), (&state, "/state")];
    let ended = everywhere(&folders, &["replay", "demo.jsonl"]);
    ended.code(0);
    assert!(ended.stdout().contains("Sensor c"), "{ended}");
    assert_eq!(work.snapshot(), before, "recorded results touch no file");

    // With the tools at work, over files of its own each time.
    let mut left = Vec::new();
    for (name, runtime) in RUNTIMES {
        let work = Scratch::copy_of(&artifact::repository().join("examples/workspace"));
        let mut command = runtime(&[(&work, "/"), (&state, "/state")]);
        command
            .arg(artifact::without_sockets())
            .args(["replay", "demo.jsonl", "--tools", "real"]);
        let again = process::run(name, &mut command, b"");
        assert_eq!(again.code, Some(0), "{again}");
        assert_eq!(again.stdout(), ended.stdout());
        assert_ne!(work.snapshot(), before, "files really changed");
        left.push(work.snapshot());
    }
    assert!(left.iter().all(|files| *files == left[0]));
}
