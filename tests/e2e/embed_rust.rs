//! examples/embed-rust: a Rust program with the agent inside, as a person runs it.

use e2e::artifact;
use e2e::host::Ended;
use e2e::loopback::ClosedPort;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::Duration;

const KEY: &str = "sk-rust";

/// The program over a workspace, with a model and no setting of the caller's own.
fn program(work: &Scratch, base_url: &str) -> Command {
    let binary =
        artifact::from_environment("DEWCLAW_EMBED_RUST", "the program of examples/embed-rust");
    let mut command = Command::new(binary);
    command
        .env("DEWCLAW_COMPONENT", artifact::dewclaw())
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_BASE_URL", base_url)
        .env("DEWCLAW_MODEL", "scripted")
        .arg("--dir")
        .arg(work.path());
    command
}

/// Runs it while a person types `typed`.
fn run(command: &mut Command, typed: &str) -> Ended {
    let ended = process::run("embed-rust", command, typed.as_bytes());
    ended.keeps(KEY);
    Ended {
        tells_failures_apart: true,
        ..ended
    }
}

fn write(id: &str, path: &str) -> Reply {
    let arguments = json!({"path": path, "content": "11.5\n"});
    Reply::call(id, "write_file", arguments)
}

#[track_caller]
fn denied(result: &Value) {
    assert_eq!(result["error"]["kind"], "permission_denied", "{result}");
}

#[test]
fn a_tool_of_the_programs_an_approval_and_a_refusal() {
    let work = Scratch::new();
    let replies = [
        Reply::call("c1", "read_temperature", json!({"room": "cellar"})).saying("Let me look."),
        Reply::call("c2", "read_temperature", json!({"room": "attic"})),
        write("c3", "reports/cellar.txt"),
        write("c4", "other.txt"),
        Reply::text("It is 11.5 degrees in the cellar."),
    ];
    let model = ScriptedModel::requiring_key(KEY, replies);
    let mut command = program(&work, &model.base_url());
    run(command.arg("How cold is it?"), "y\nn\n")
        .code(0)
        .prints("Let me look.\nIt is 11.5 degrees in the cellar.\n")
        .says(&[
            "* read_temperature {\"room\":\"cellar\"}",
            "there is no room \\\"attic\\\"",
            "May write_file run? [y]es, [n]o:",
            "# tokens: ",
        ]);
    let requests = model.requests();
    let offered = requests[0].tool_names();
    assert!(offered.contains(&"read_temperature"), "{offered:?}");
    assert!(!offered.contains(&"web_fetch"), "{offered:?}");
    assert_eq!(requests[1].tool_result()["celsius"], 11.5);
    let attic = requests[2].tool_result().to_string();
    assert!(attic.contains("cellar, kitchen, greenhouse"), "{attic}");
    assert!(requests[3].tool_result().get("error").is_none());
    denied(&requests[4].tool_result());
    assert_eq!(work.names(), ["reports/cellar.txt"]);
    assert_eq!(work.read("reports/cellar.txt"), "11.5\n");
}

#[test]
fn with_nobody_to_ask_writes_are_refused() {
    let work = Scratch::new();
    let model = ScriptedModel::start([write("c", "a.txt"), Reply::text("I may not.")]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("write"), "").code(0).prints("I may not.\n");
    denied(&model.last_request().tool_result());
    assert_eq!(work.names(), [""; 0]);
}

#[test]
fn text_is_shown_while_the_model_still_writes() {
    let work = Scratch::new();
    // Half of the answer comes, and then nothing for as long as the server runs.
    let story = Reply::text("Once upon a time there was a model").stall_after(2000);
    let model = ScriptedModel::start([story]);
    let mut command = program(&work, &model.base_url());
    let shown = process::output_until(command.arg("a story"), "Once");
    assert!(shown.starts_with("Once"), "{shown}");
}

#[test]
fn a_session_goes_on_in_another_process() {
    let (work, kept) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let file = kept.join("session");
    let replies = [
        Reply::call("c", "read_file", json!({"path": "a.txt"})),
        Reply::text("It says alpha."),
        Reply::text("You asked before."),
    ];
    let model = ScriptedModel::requiring_key(KEY, replies);
    let ask = |prompt: &str| {
        let mut command = program(&work, &model.base_url());
        run(command.arg("--session").arg(&file).arg(prompt), "")
    };
    ask("What does it say?").code(0).prints("It says alpha.\n");
    ask("And again?").code(0).prints("You asked before.\n");
    let requests = model.requests();
    let (before, after) = (requests[1].messages(), requests[2].messages());
    assert_eq!(after[..before.len()], *before, "the history is as it was");
    assert_eq!(after.len(), before.len() + 2, "an answer and a prompt");
    let saved = std::fs::read(&file).expect("the session is kept");
    assert!(!String::from_utf8_lossy(&saved).contains(KEY));
    assert_eq!(kept.names(), ["session"]);
}

#[test]
fn ctrl_c_cancels_the_run_and_keeps_the_session() {
    let (work, kept) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([
        Reply::text("A long story").stall_after(500),
        write("c", "a.txt"),
        Reply::text("Here I am."),
    ]);
    let ask = |prompt: &str| {
        let mut command = program(&work, &model.base_url());
        command
            .arg("--session")
            .arg(kept.join("session"))
            .arg(prompt);
        command
    };
    // First while the model writes, then while the person is asked.
    for (asked, prompt) in [(1, "a story"), (2, "write")] {
        let mut command = ask(prompt);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("the program starts");
        model.wait_for(asked, Duration::from_secs(60));
        let mut interrupt = Command::new("kill");
        interrupt.args(["-INT", &child.id().to_string()]);
        process::run("kill", &mut interrupt, b"").code(0);
        let ended = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("embed-rust: cancelled"), "{said}");
    }
    run(&mut ask("Are you there?"), "")
        .code(0)
        .prints("Here I am.\n");
    let messages = json!(model.last_request().messages()).to_string();
    assert!(messages.contains("a story"), "{messages}");
    assert_eq!(work.names(), [""; 0]);
}

#[test]
fn a_model_that_refuses_or_is_not_there_is_told_apart() {
    let work = Scratch::new();
    let no_key = Reply::error(401, "No such key.", "invalid_request_error", None);
    let model = ScriptedModel::start([no_key]);
    let mut command = program(&work, &model.base_url());
    let refused = ["embed-rust: ", "401", "No such key."];
    run(command.arg("hi"), "").code(3).says(&refused);
    let closed = ClosedPort::new();
    let mut command = program(&work, &format!("{}/v1", closed.url()));
    let unreachable = ["trying again", "could not connect to the server"];
    run(command.arg("hi"), "").code(3).says(&unreachable);
}

#[test]
fn what_is_wrong_on_the_command_line_is_said() {
    let work = Scratch::with(&[("nonsense", "no session")]);
    let nonsense = work.join("nonsense");
    let nonsense = nonsense.to_str().expect("UTF-8");
    let model = ScriptedModel::never_asked();
    for (arguments, said) in [
        (&[][..], "one prompt is needed"),
        (&["one", "two"], "one prompt is needed"),
        (&["--dri", "x", "hi"], "no option --dri"),
        (&["hi", "--dir"], "no folder to work on"),
        (&["--dir", "nowhere", "hi"], "--dir nowhere"),
        (&["--dir", nonsense, "hi"], "is no folder"),
        (&["--session", nonsense, "hi"], "saved bytes"),
        (&["--session", "/", "hi"], "--session"),
        (&[" "], "prompt is empty"),
    ] {
        let mut command = program(&work, &model.base_url());
        run(command.args(arguments), "").code(2).says(&[said]);
    }
    let mut command = program(&work, &model.base_url());
    command.env_remove("DEWCLAW_MODEL").arg("hi");
    run(&mut command, "").code(2).says(&["DEWCLAW_MODEL"]);
    let mut command = program(&work, "nonsense");
    run(command.arg("hi"), "").code(2).says(&["base URL"]);
    let mut command = program(&work, &model.base_url());
    command.env("DEWCLAW_COMPONENT", nonsense).arg("hi");
    run(&mut command, "").code(2).says(&["scripts/build-wasm"]);
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
