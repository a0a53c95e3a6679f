//! examples/embed-rust: a Rust program with the agent inside, as a person runs it.

use crate::embedded::{NO_SESSION, Program, every_scenario};
use e2e::artifact;
use e2e::scratch::Scratch;
use e2e::scripted_model::ScriptedModel;
use std::process::Command;

const RUST: Program = Program {
    name: "embed-rust",
    command: || {
        let meaning = "the program of examples/embed-rust";
        let mut program = Command::new(artifact::from_environment("DEWCLAW_EMBED_RUST", meaning));
        program.env("DEWCLAW_COMPONENT", artifact::dewclaw());
        program
    },
    cellar: 11.5,
    attic: r#"there is no room \"attic\". The rooms: cellar, kitchen, greenhouse."#,
    question: "May write_file run? [y]es, [n]o:",
    cancelled: "embed-rust: cancelled",
    no_such_key: &["embed-rust: ", "401", "No such key."],
    wrong: &[
        (&[], "one prompt is needed"),
        (&["one", "two"], "one prompt is needed"),
        (&["--dri", "x", "hi"], "no option --dri"),
        (&["hi", "--dir"], "no folder to work on"),
        (&["--dir", "nowhere", "hi"], "--dir nowhere"),
        (&["--dir", NO_SESSION, "hi"], "is no folder"),
        (&["--session", NO_SESSION, "hi"], "saved bytes"),
        (&["--session", "/", "hi"], "--session"),
        (&[" "], "prompt is empty"),
    ],
};

every_scenario!(RUST);

#[test]
fn a_file_that_is_no_component_is_told_apart() {
    let work = Scratch::with(&[("nonsense", "no component")]);
    let model = ScriptedModel::never_asked();
    let mut command = RUST.over(&work, &model.base_url());
    command
        .env("DEWCLAW_COMPONENT", work.join("nonsense"))
        .arg("hi");
    RUST.run(&mut command, "")
        .code(2)
        .says(&["scripts/build-wasm"]);
}

#[test]
fn its_files_stay_short() {
    let folder = artifact::repository().join("examples/embed-rust/src");
    for entry in std::fs::read_dir(folder).expect("there is the example") {
        let path = entry.expect("an entry can be read").path();
        let text = std::fs::read_to_string(&path).expect("the file is text");
        let lines = text.lines().count();
        assert!(lines < 150, "{} has {lines} lines", path.display());
    }
}
