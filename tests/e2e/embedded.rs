//! What the programs of `examples/embed-*` have in common: how one is run, and what holds for each of them.

use e2e::host::Ended;
use e2e::loopback::ClosedPort;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::{Value, json};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// The model's key, which no program may show and no session may keep.
const KEY: &str = "sk-embedded";

/// Longer than any of the programs takes, on a slow machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// In [`Program::wrong`], the path of a file, which is thus no folder; it holds no session either.
pub(crate) const NO_SESSION: &str = "{no session}";

/// A program with the agent inside: how it is started, and its own words for what every program says.
pub(crate) struct Program {
    /// What a failed test calls it.
    pub(crate) name: &'static str,
    /// Its command line and environment, up to what every program takes.
    pub(crate) command: fn() -> Command,
    /// The degrees that its tool reads in the cellar.
    pub(crate) cellar: f64,
    /// What its tool answers about the attic, where no thermometer is, as JSON writes it.
    pub(crate) attic: &'static str,
    /// What it asks before `write_file` writes `11.5` and a line feed to reports/cellar.txt.
    pub(crate) question: &'static str,
    /// What it says where Ctrl-C ended a run.
    pub(crate) cancelled: &'static str,
    /// What it says where the model's server answered 401 and `No such key.`
    pub(crate) no_such_key: &'static [&'static str],
    /// Arguments after a good `--dir` that make a wrong command line, and what it says of each.
    pub(crate) wrong: &'static [(&'static [&'static str], &'static str)],
}

impl Program {
    /// The program over a workspace, with a model, its key and no setting of the caller's own.
    pub(crate) fn over(&self, work: &Scratch, base_url: &str) -> Command {
        let mut command = (self.command)();
        command
            .env_remove("DEWCLAW_ALLOW_FETCH")
            .env("OPENAI_API_KEY", KEY)
            .env("OPENAI_BASE_URL", base_url)
            .env("DEWCLAW_MODEL", "scripted")
            .arg("--dir")
            .arg(work.path());
        command
    }

    /// Runs it while a person types `typed`. It never shows the key.
    #[track_caller]
    pub(crate) fn run(&self, command: &mut Command, typed: &str) -> Ended {
        let ended = process::run(self.name, command, typed.as_bytes());
        ended.keeps(KEY);
        Ended {
            tells_failures_apart: true,
            ..ended
        }
    }

    /// Runs it with a person who types nothing, and presses Ctrl-C once one of its outputs holds `shown`.
    #[track_caller]
    fn interrupt(&self, command: &mut Command, shown: &str) -> Ended {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        // Held open: an end of the input is no Ctrl-C.
        let input = child.stdin.take();
        let (sender, pieces) = channel();
        forward(0, child.stdout.take(), sender.clone());
        forward(1, child.stderr.take(), sender);
        let mut outputs = [Vec::new(), Vec::new()];
        let mut pressed = false;
        let until = Instant::now() + DEADLINE;
        loop {
            match pieces.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((output, piece)) => outputs[output].extend(piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let texts = outputs.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                    panic!("{command:?} was not done after {DEADLINE:?}: {texts:?}");
                }
            }
            let shows = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains(shown);
            if !pressed && outputs.iter().any(shows) {
                // Nobody has waited for the child yet, so the number is still its own.
                let mut kill = Command::new("kill");
                kill.args(["-INT", &child.id().to_string()]);
                process::run("kill", &mut kill, b"").code(0);
                pressed = true;
            }
        }
        let status = child.wait().expect("a child can be waited for");
        drop(input);
        let [stdout, stderr] = outputs;
        let ended = Ended {
            runner: self.name,
            code: status.code(),
            tells_failures_apart: true,
            stdout,
            stderr,
        };
        assert!(pressed, "{shown:?} was never shown.\n{ended}");
        ended.keeps(KEY);
        ended
    }
}

/// Sends on what comes out of a pipe, until it ends.
fn forward(
    output: usize,
    pipe: Option<impl Read + Send + 'static>,
    pieces: Sender<(usize, Vec<u8>)>,
) {
    let mut pipe = pipe.expect("the output is piped");
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut piece) {
            if pieces.send((output, piece[..length].to_vec())).is_err() {
                break;
            }
        }
    });
}

fn write(id: &str, path: &str) -> Reply {
    let arguments = json!({"path": path, "content": "11.5\n"});
    Reply::call(id, "write_file", arguments)
}

/// Half of an answer, and then nothing for as long as the server runs.
fn half_a_story() -> Reply {
    Reply::text("Once upon a time there was a model").stall_after(2000)
}

/// Asserts that a tool's result is a refusal.
#[track_caller]
pub(crate) fn denied(result: &Value) {
    assert_eq!(result["error"]["kind"], "permission_denied", "{result}");
}

/// Makes each scenario below a test of the module that names its program here, so that a failure names both.
macro_rules! every_scenario {
    ($program:expr) => {
        $crate::embedded::every_scenario! { $program =>
            a_tool_of_the_programs_an_approval_and_a_refusal
            with_nobody_to_ask_writes_are_refused
            a_model_that_takes_no_key_is_sent_none
            text_is_shown_while_the_model_still_writes
            what_a_model_wrote_cannot_steer_the_terminal
            a_session_goes_on_in_another_process
            ctrl_c_cancels_the_run_and_keeps_the_session
            a_model_that_refuses_or_is_not_there_is_told_apart
            what_is_wrong_on_the_command_line_is_said
        }
    };
    ($program:expr => $($scenario:ident)*) => {
        $(
            #[test]
            fn $scenario() {
                $crate::embedded::$scenario(&$program);
            }
        )*
    };
}
pub(crate) use every_scenario;

pub(crate) fn a_tool_of_the_programs_an_approval_and_a_refusal(program: &Program) {
    let work = Scratch::new();
    let replies = [
        Reply::call("c1", "read_temperature", json!({"room": "cellar"})).saying("Let me look."),
        Reply::call("c2", "read_temperature", json!({"room": "attic"})),
        write("c3", "reports/cellar.txt"),
        write("c4", "other.txt"),
        Reply::text("It is cold in the cellar.").usage(30, 7),
    ];
    let model = ScriptedModel::requiring_key(KEY, replies);
    let mut command = program.over(&work, &model.base_url());
    program
        .run(command.arg("How cold is it?"), "y\nn\n")
        .code(0)
        .prints("Let me look.\nIt is cold in the cellar.\n")
        .says(&[
            "* read_temperature {\"room\":\"cellar\"}",
            program.attic,
            program.question,
            "reports/cellar.txt",
            "# tokens: 66 in (0 cached), 19 out",
        ]);
    let requests = model.requests();
    let offered = requests[0].tool_names();
    assert!(offered.contains(&"read_temperature"), "{offered:?}");
    assert!(!offered.contains(&"web_fetch"), "{offered:?}");
    assert_eq!(requests[1].tool_result()["celsius"], program.cellar);
    let attic = requests[2].tool_result().to_string();
    assert!(attic.contains(program.attic), "{attic}");
    assert!(requests[3].tool_result().get("error").is_none());
    denied(&requests[4].tool_result());
    assert_eq!(work.names(), ["reports/cellar.txt"]);
    assert_eq!(work.read("reports/cellar.txt"), "11.5\n");
}

pub(crate) fn with_nobody_to_ask_writes_are_refused(program: &Program) {
    let work = Scratch::new();
    let model = ScriptedModel::start([write("c", "a.txt"), Reply::text("I may not.")]);
    let mut command = program.over(&work, &model.base_url());
    program
        .run(command.arg("write"), "")
        .code(0)
        .prints("I may not.\n");
    denied(&model.last_request().tool_result());
    assert_eq!(work.names(), [""; 0]);
}

pub(crate) fn a_model_that_takes_no_key_is_sent_none(program: &Program) {
    let work = Scratch::new();
    let model = ScriptedModel::start([Reply::text("Hello.")]);
    let mut command = program.over(&work, &model.base_url());
    command.env_remove("OPENAI_API_KEY").arg("hi");
    program.run(&mut command, "").code(0).prints("Hello.\n");
    assert_eq!(model.only_request().http.header("authorization"), None);
}

pub(crate) fn text_is_shown_while_the_model_still_writes(program: &Program) {
    let work = Scratch::new();
    let model = ScriptedModel::start([half_a_story()]);
    let mut command = program.over(&work, &model.base_url());
    let shown = process::output_until(command.arg("a story"), "Once");
    assert!(shown.starts_with("Once"), "{shown}");
}

pub(crate) fn what_a_model_wrote_cannot_steer_the_terminal(program: &Program) {
    let work = Scratch::new();
    let path = "b.txt\u{1b}[2K\r\u{9b}1A";
    let model = ScriptedModel::start([
        write("c", path).saying("Look: \u{1b}[2J"),
        Reply::text("No."),
    ]);
    let mut command = program.over(&work, &model.base_url());
    let ended = program.run(command.arg("write"), "n\n");
    ended.code(0).says(&["b.txt"]);
    for shown in [ended.stdout().to_owned(), ended.stderr()] {
        let steers = |letter: char| letter.is_control() && letter != '\n';
        assert!(!shown.contains(steers), "{ended}");
    }
}

pub(crate) fn a_session_goes_on_in_another_process(program: &Program) {
    let (work, kept) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let file = kept.join("session");
    let replies = [
        Reply::call("c", "read_file", json!({"path": "a.txt"})),
        Reply::text("It says alpha."),
        Reply::text("You asked before."),
    ];
    let model = ScriptedModel::requiring_key(KEY, replies);
    let ask = |prompt: &str| {
        let mut command = program.over(&work, &model.base_url());
        program.run(command.arg("--session").arg(&file).arg(prompt), "")
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

pub(crate) fn ctrl_c_cancels_the_run_and_keeps_the_session(program: &Program) {
    let (work, kept) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([
        half_a_story(),
        write("c", "a.txt"),
        Reply::text("Here I am."),
    ]);
    let ask = |prompt: &str| {
        let mut command = program.over(&work, &model.base_url());
        command
            .arg("--session")
            .arg(kept.join("session"))
            .arg(prompt);
        command
    };
    // First while the model writes, then while the person is asked.
    for (prompt, shown) in [("a story", "Once"), ("write", "May write_file run")] {
        program
            .interrupt(&mut ask(prompt), shown)
            .code(1)
            .says(&[program.cancelled]);
    }
    program
        .run(&mut ask("Are you there?"), "")
        .code(0)
        .prints("Here I am.\n");
    let messages = json!(model.last_request().messages()).to_string();
    assert!(messages.contains("a story"), "{messages}");
    assert_eq!(work.names(), [""; 0]);
}

pub(crate) fn a_model_that_refuses_or_is_not_there_is_told_apart(program: &Program) {
    let work = Scratch::new();
    let no_key = Reply::error(401, "No such key.", "invalid_request_error", None);
    let model = ScriptedModel::start([no_key]);
    let mut command = program.over(&work, &model.base_url());
    program
        .run(command.arg("hi"), "")
        .code(3)
        .says(program.no_such_key);
    let closed = ClosedPort::new();
    let mut command = program.over(&work, &format!("{}/v1", closed.url()));
    program
        .run(command.arg("hi"), "")
        .code(3)
        .says(&["trying again", "could not connect to the server"]);
}

pub(crate) fn what_is_wrong_on_the_command_line_is_said(program: &Program) {
    let work = Scratch::with(&[("nonsense", "no session")]);
    let model = ScriptedModel::never_asked();
    let over = || program.over(&work, &model.base_url());
    let refuses = |command: &mut Command, said: &str| {
        program.run(command, "").code(2).says(&[said]);
    };
    for (arguments, said) in program.wrong {
        let mut command = over();
        for argument in *arguments {
            match *argument {
                NO_SESSION => command.arg(work.join("nonsense")),
                argument => command.arg(argument),
            };
        }
        refuses(&mut command, said);
    }
    refuses(
        over().env_remove("DEWCLAW_MODEL").arg("hi"),
        "DEWCLAW_MODEL",
    );
    refuses(
        over().env("OPENAI_BASE_URL", "nonsense").arg("hi"),
        "base URL",
    );
    assert_eq!(model.connections(), 0);
    assert_eq!(work.snapshot().len(), 1);
    assert_eq!(work.read("nonsense"), "no session");
}
