//! examples/embed-c: a C program on WAMR with the agent inside, as a person runs it.

use crate::embedded::{NO_SESSION, Program, every_scenario};
use e2e::artifact;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::ScriptedModel;
use std::process::Command;

const C: Program = Program {
    name: "embed-c",
    command: || {
        let meaning = "the program of examples/embed-c";
        let mut program = Command::new(artifact::from_environment("DEWCLAW_EMBED_C", meaning));
        program.env("DEWCLAW_COMPONENT", artifact::dewclaw_wamr());
        program
    },
    cellar: 11.5,
    attic: "there is no thermometer in attic",
    question: "May write_file run? [y]es, [n]o:",
    cancelled: "embed-c: cancelled",
    no_such_key: &["embed-c: ", "401", "No such key."],
    wrong: &[
        (&[], "one prompt is needed"),
        (&["one", "two"], "one prompt is needed"),
        (&["--dri", "x", "hi"], "--dri"),
        (&["hi", "--dir"], "no folder to work on"),
        (&["--dir", "nowhere", "hi"], "--dir nowhere"),
        (&["--dir", NO_SESSION, "hi"], "--dir"),
        (&["--session", NO_SESSION, "hi"], "saved bytes"),
        (&["--session", "/", "hi"], "--session"),
        (&[" "], "prompt is empty"),
    ],
};

every_scenario!(C);

#[test]
fn a_file_that_is_no_module_is_told_apart() {
    let work = Scratch::with(&[("nonsense", "no module")]);
    let model = ScriptedModel::never_asked();
    let mut command = C.over(&work, &model.base_url());
    command
        .env("DEWCLAW_COMPONENT", work.join("nonsense"))
        .arg("hi");
    C.run(&mut command, "")
        .code(2)
        .says(&["scripts/build-wasm", "WASM module load failed"]);
}

/// `tests/embedders/c/misuse.c`, which is built beside the program.
#[test]
fn a_c_host_that_gets_everything_wrong_is_answered_and_unharmed() {
    let work = Scratch::new();
    let program = artifact::from_environment("DEWCLAW_EMBED_C", "the program of examples/embed-c");
    let mut command = Command::new(program.with_file_name("misuse"));
    command.arg(artifact::dewclaw_wamr()).arg(work.path());
    let ended = process::run("misuse", &mut command, b"");
    ended.prints("0 answers were wrong\n");
    // It traps on purpose, which it says on standard error.
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[test]
fn its_files_are_as_long_as_its_readme_says() {
    let folder = artifact::repository().join("examples/embed-c");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the file is there");
    let readme = read("README.md");
    for name in [
        "agent.c",
        "board.c",
        "embed.h",
        "main.c",
        "model.c",
        "terminal.c",
    ] {
        let lines = read(name).lines().count();
        assert!(lines < 170, "{name} has {lines} lines");
        let row = format!("| `{name}` | {lines} |");
        assert!(readme.contains(&row), "README.md lacks {row:?}");
    }
}
