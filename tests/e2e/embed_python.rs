//! examples/embed-python: a Python program with the agent inside, as a person runs it.

use e2e::artifact;
use e2e::host::Ended;
use e2e::loopback::ClosedPort;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

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

/// The program over a workspace, with a model and no setting of the caller's own.
fn program(work: &Scratch, base_url: &str) -> Command {
    let mut command = python();
    command
        .env_remove("OPENAI_API_KEY")
        .env("OPENAI_BASE_URL", base_url)
        .env("DEWCLAW_MODEL", "scripted")
        .arg(artifact::repository().join("examples/embed-python/main.py"))
        .arg("--component")
        .arg(artifact::dewclaw_offline())
        .arg("--dir")
        .arg(work.path());
    command
}

/// Runs it while a person types `typed`.
fn run(command: &mut Command, typed: &str) -> Ended {
    Ended {
        tells_failures_apart: true,
        ..process::run("python", command, typed.as_bytes())
    }
}

fn write(id: &str, path: &str) -> Reply {
    let arguments = json!({"path": path, "content": "11.0\n"});
    Reply::call(id, "write_file", arguments)
}

#[track_caller]
fn denied(result: &Value) {
    assert_eq!(result["error"]["kind"], "permission_denied", "{result}");
}

#[test]
fn a_tool_of_the_programs_an_approval_and_a_refusal() {
    let work = Scratch::new();
    let model = ScriptedModel::requiring_key(
        "sk-python",
        [
            Reply::call("c1", "read_temperature", json!({"room": "cellar"})).saying("Let me look."),
            Reply::call("c2", "read_temperature", json!({"room": "attic"})),
            write("c3", "reports/cellar.txt"),
            write("c4", "other.txt"),
            Reply::text("It is 11 degrees in the cellar.").usage(30, 7),
        ],
    );
    let mut command = program(&work, &model.base_url());
    command
        .env("OPENAI_API_KEY", "sk-python")
        .arg("How cold is it?");
    let ended = run(&mut command, "y\nn\n");
    ended
        .code(0)
        .prints("Let me look.\nIt is 11 degrees in the cellar.\n")
        .says(&[
            "* read_temperature {\"room\":\"cellar\"}",
            "May write_file run with {\"content\":\"11.0\\n\",\"path\":\"reports/cellar.txt\"}? [y]es, [n]o:",
            "# tokens: ",
        ])
        .keeps("sk-python");
    let requests = model.requests();
    assert!(requests[0].tool_names().contains(&"read_temperature"));
    assert!(!requests[0].tool_names().contains(&"web_fetch"));
    assert_eq!(requests[1].tool_result()["celsius"], 11.0);
    let result = requests[2].tool_result().to_string();
    assert!(result.contains("there is no room 'attic'"), "{result}");
    assert!(requests[3].tool_result().get("error").is_none());
    denied(&requests[4].tool_result());
    assert_eq!(work.names(), ["reports/cellar.txt"]);
    assert_eq!(work.read("reports/cellar.txt"), "11.0\n");
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
fn the_component_sees_no_other_folder() {
    let outside = Scratch::with(&[("key.txt", "hidden words"), ("work/a.txt", "alpha")]);
    let work = Scratch::copy_of(&outside.join("work"));
    std::os::unix::fs::symlink(outside.join("key.txt"), work.join("link.txt"))
        .expect("a link can be made");
    let model = ScriptedModel::start([
        Reply::call("c1", "read_file", json!({"path": "link.txt"})),
        Reply::text("I could not."),
    ]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("read"), "").code(0);
    denied(&model.last_request().tool_result());
}

#[test]
fn text_is_shown_while_the_model_still_writes() {
    let work = Scratch::new();
    // Half of the answer comes, and then nothing for as long as the server runs.
    let model =
        ScriptedModel::start([Reply::text("Once upon a time there was a model").stall_after(2000)]);
    let mut command = program(&work, &model.base_url());
    let shown = process::output_until(command.arg("a story"), "Once");
    assert!(shown.starts_with("Once"), "{shown}");
}

#[test]
fn what_a_model_wrote_cannot_steer_the_terminal() {
    let work = Scratch::new();
    let path = "b.txt\u{1b}[2K\r\u{9b}1A";
    let model = ScriptedModel::start([
        write("c", path).saying("Look: \u{1b}[2J"),
        Reply::text("No."),
    ]);
    let mut command = program(&work, &model.base_url());
    let ended = run(command.arg("write"), "n\n");
    for shown in [ended.stdout().to_owned(), ended.stderr()] {
        let steers = |letter: char| letter.is_control() && letter != '\n';
        assert!(!shown.contains(steers), "{ended}");
    }
}

#[test]
fn a_session_goes_on_in_another_process() {
    let (work, kept) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let file = kept.join("session");
    let model = ScriptedModel::requiring_key(
        "sk-python",
        [
            Reply::call("c", "read_file", json!({"path": "a.txt"})),
            Reply::text("It says alpha."),
            Reply::text("You asked before."),
        ],
    );
    let ask = |prompt: &str| {
        let mut command = program(&work, &model.base_url());
        command.env("OPENAI_API_KEY", "sk-python");
        run(command.arg("--session").arg(&file).arg(prompt), "")
    };
    ask("What does it say?").code(0).prints("It says alpha.\n");
    ask("And again?").code(0).prints("You asked before.\n");
    let requests = model.requests();
    let (before, after) = (requests[1].messages(), requests[2].messages());
    assert_eq!(after[..before.len()], *before, "the history is as it was");
    assert_eq!(after.len(), before.len() + 2, "an answer and a prompt");
    let saved = std::fs::read(&file).expect("the session is kept");
    assert!(!String::from_utf8_lossy(&saved).contains("sk-python"));
    assert_eq!(kept.names(), ["session"]);
}

#[test]
fn ctrl_c_cancels_the_run_and_keeps_the_session() {
    let (work, kept) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([
        Reply::text("A long story").stall_after(500),
        Reply::text("Here I am."),
    ]);
    let file = kept.join("session");
    let ask = |prompt: &str| {
        let mut command = program(&work, &model.base_url());
        command.arg("--session").arg(&file).arg(prompt);
        command
    };
    let story = ask("a story");
    // A shell that says which process it is before it becomes the program.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "echo $$ >\"$0\"; exec \"$@\""])
        .arg(kept.join("pid"));
    shell.arg(story.get_program()).args(story.get_args());
    for (name, value) in story.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&mut shell, ""));
        model.wait_for(1, Duration::from_secs(60));
        let pid = kept.read("pid");
        let mut interrupt = Command::new("kill");
        process::run("kill", interrupt.args(["-INT", pid.trim()]), b"").code(0);
        let ended = running.join().expect("it ends");
        ended.code(1).says(&["the run ended: cancelled"]);
    });
    run(&mut ask("Are you there?"), "")
        .code(0)
        .prints("Here I am.\n");
    let messages = model.last_request().messages().to_vec();
    assert!(json!(messages).to_string().contains("a story"));
}

#[test]
fn a_model_that_refuses_or_is_not_there_is_told_apart() {
    let work = Scratch::new();
    let no_key = Reply::error(401, "No such key.", "invalid_request_error", None);
    let model = ScriptedModel::start([no_key]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("hi"), "")
        .code(3)
        .says(&["401", "No such key."]);
    let closed = ClosedPort::new();
    let mut command = program(&work, &format!("{}/v1", closed.url()));
    run(command.arg("hi"), "")
        .code(3)
        .says(&["trying again", "could not connect to the server"]);
}

#[test]
fn what_is_wrong_on_the_command_line_is_said() {
    let work = Scratch::with(&[("nonsense", "no session")]);
    let model = ScriptedModel::never_asked();
    let nonsense = work.join("nonsense");
    let nonsense = nonsense.to_str().expect("UTF-8");
    for (arguments, said) in [
        (&[][..], "required: prompt"),
        (&["one", "two"], "unrecognized arguments: two"),
        (&["--dir", "nowhere", "hi"], "nowhere is not a folder"),
        (&["--dir", nonsense, "hi"], "is not a folder"),
        (&["--component", "nowhere", "hi"], "scripts/build-wasm"),
        (&["--session", nonsense, "hi"], "nonsense: the saved bytes"),
        (&["--session", "no/where", "hi"], "no is not a folder"),
        (&[" "], "empty prompt"),
    ] {
        let mut command = program(&work, &model.base_url());
        run(command.args(arguments), "").code(2).says(&[said]);
    }
    let mut command = program(&work, &model.base_url());
    command.env_remove("DEWCLAW_MODEL").arg("hi");
    run(&mut command, "").code(2).says(&["DEWCLAW_MODEL"]);
    let mut command = program(&work, "nonsense");
    run(command.arg("hi"), "").code(2).says(&["base URL"]);
    assert_eq!(model.connections(), 0);
    assert_eq!(work.names(), ["nonsense"]);
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
