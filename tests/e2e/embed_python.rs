//! examples/embed-python: a Python program with the agent inside, as a person runs it.

use crate::embedded::{NO_SESSION, Program, denied, every_scenario};
use e2e::artifact;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::json;
use std::process::Command;

const PYTHON: Program = Program {
    name: "python",
    command: || {
        let mut python = python();
        python
            .arg(artifact::repository().join("examples/embed-python/main.py"))
            .arg("--component")
            .arg(artifact::dewclaw_offline());
        python
    },
    cellar: 11.0,
    attic: "there is no room 'attic'",
    question: r#"May write_file run with {"content":"11.5\n","path":"reports/cellar.txt"}? [y]es, [n]o:"#,
    cancelled: "the run ended: cancelled",
    no_such_key: &["401", "No such key."],
    wrong: &[
        (&[], "required: prompt"),
        (&["one", "two"], "unrecognized arguments: two"),
        (&["--dir", "nowhere", "hi"], "nowhere is not a folder"),
        (&["--dir", NO_SESSION, "hi"], "is not a folder"),
        (&["--component", "nowhere", "hi"], "scripts/build-wasm"),
        (
            &["--session", NO_SESSION, "hi"],
            "nonsense: the saved bytes",
        ),
        (&["--session", "no/where", "hi"], "no is not a folder"),
        (&[" "], "empty prompt"),
    ],
};

every_scenario!(PYTHON);

/// The interpreter. It leaves no compiled files in the tree.
fn python() -> Command {
    let python = artifact::from_environment(
        "DEWCLAW_PYTHON",
        "a Python with the packages of examples/embed-python",
    );
    let mut command = Command::new(python);
    command.arg("-B");
    command
}

#[test]
fn the_component_sees_no_other_folder() {
    let outside = Scratch::with(&[("key.txt", "hidden words"), ("work/a.txt", "alpha")]);
    let work = Scratch::copy_of(&outside.join("work"));
    std::os::unix::fs::symlink(outside.join("key.txt"), work.join("link.txt"))
        .expect("a link can be made");
    let model = ScriptedModel::start([
        Reply::call("c1", "read_file", json!({"path": "link.txt"})),
        Reply::text("I could not."),
    ]);
    let mut command = PYTHON.over(&work, &model.base_url());
    PYTHON.run(command.arg("read"), "").code(0);
    denied(&model.last_request().tool_result());
}

/// The tests of tests/embedders/python, which are Python's own.
#[test]
fn the_modules_of_the_example_hold_their_tests() {
    let core = artifact::dewclaw_core();
    let mut command = python();
    command
        .env("DEWCLAW_DIST", core.parent().expect("it lies in a folder"))
        .args(["-m", "unittest", "discover", "-s"])
        .arg(artifact::repository().join("tests/embedders/python"));
    process::run("python", &mut command, b"")
        .code(0)
        .says(&["OK"]);
}
