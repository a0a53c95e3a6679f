//! `--approve`: what is asked before a tool call, on a terminal and where there is none.

use crate::native;
use e2e::guest::Guest;
use e2e::host::{Ended, on_each_host, on_each_host_and_wire};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::{terminal, wamr_run, wasmtime_run};
use serde_json::{Value, json};

fn write(id: &str, path: &str) -> Call {
    Call::new(
        id,
        "write_file",
        json!({"path": path, "content": "written\n"}),
    )
}

fn read(id: &str) -> Call {
    Call::new(id, "read_file", json!({"path": "a.txt"}))
}

fn workspace() -> Scratch {
    Scratch::with(&[("a.txt", "alpha\n")])
}

/// Asserts that the call was refused for want of an approval, and that the model can tell.
#[track_caller]
fn not_approved(result: &Value) {
    assert_eq!(result["error"]["kind"], "permission_denied", "{result}");
    let message = result["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("approv") || message.contains("refused"),
        "{message}"
    );
}

#[test]
fn without_a_terminal_writes_are_refused_and_the_model_is_told() {
    on_each_host_and_wire(|host, ask| {
        let work = workspace();
        let model = ScriptedModel::start([
            Reply::calls([write("c1", "b.txt"), read("c2"), write("c3", "c.txt")]),
            Reply::text("I was not allowed to."),
        ]);
        let guest = ask(&work, &model, "write").args(["--approve", "writes"]);
        host.run(&guest).code(0).prints("I was not allowed to.\n");
        let results = model.last_request().tool_results();
        not_approved(&results[0].1);
        assert!(results[1].1["content"].to_string().contains("alpha"));
        not_approved(&results[2].1);
        assert_eq!(work.names(), ["a.txt"]);
    });
}

#[test]
fn all_asks_before_reading_too_and_never_asks_nothing() {
    on_each_host(|host| {
        for (when, reads, writes) in [("all", false, false), ("never", true, true)] {
            let work = workspace();
            let model = ScriptedModel::start([
                Reply::calls([read("c1"), write("c2", "b.txt")]),
                Reply::text("Done."),
            ]);
            let guest = Guest::ask(&work, &model, "go").args(["--approve", when]);
            host.run(&guest).code(0).prints("Done.\n");
            let results = model.last_request().tool_results();
            for ((_, result), runs) in results.iter().zip([reads, writes]) {
                if runs {
                    assert!(result.get("error").is_none(), "{when}: {result}");
                } else {
                    not_approved(result);
                }
            }
            assert_eq!(work.has("b.txt"), writes);
        }
    });
}

#[test]
fn the_variable_and_the_settings_say_when_too() {
    on_each_host(|host| {
        let state = Scratch::with(&[("dewclaw.json", r#"{"approve": "writes"}"#)]);
        for how in ["variable", "settings"] {
            let work = workspace();
            let model =
                ScriptedModel::start([Reply::calls([write("c", "b.txt")]), Reply::text("No.")]);
            let guest = Guest::ask(&work, &model, "go");
            let guest = match how {
                "variable" => guest.env("DEWCLAW_APPROVE", "writes"),
                _ => guest.state(&state),
            };
            host.run(&guest).code(0);
            not_approved(&model.last_request().tool_result());
            assert_eq!(work.names(), ["a.txt"]);
        }
    });
}

#[test]
fn another_word_is_usage() {
    on_each_host(|host| {
        let (work, model) = (workspace(), ScriptedModel::never_asked());
        for guest in [
            Guest::ask(&work, &model, "go").args(["--approve", "sometimes"]),
            Guest::ask(&work, &model, "go").env("DEWCLAW_APPROVE", "sometimes"),
        ] {
            host.run(&guest)
                .code(2)
                .says(&["approve", "never", "writes", "all"]);
        }
        assert_eq!(model.connections(), 0);
    });
}

/// What runs the agent on a terminal.
#[derive(Clone, Copy, Debug)]
enum Runner {
    Wasmtime,
    Wamr,
    Native,
}

/// One conversation on a terminal: what was shown, what the model was told last, and the workspace.
struct Sitting {
    ended: Ended,
    results: Vec<Vec<Value>>,
    work: Scratch,
}

impl Sitting {
    /// How often the person was asked.
    fn questions(&self) -> usize {
        self.ended.stderr().matches("[y]es").count()
    }
}

/// Asks a model that makes the calls of each turn, while a person types `typed`.
fn sit(runner: Runner, when: &str, turns: &[&[Call]], typed: &str) -> Sitting {
    let (work, state) = (workspace(), Scratch::new());
    let replies = turns.iter().map(|calls| Reply::calls(calls.to_vec()));
    let model = ScriptedModel::start(replies.chain([Reply::text("Done.")]));
    let flags = ["--approve", when];
    let guest = Guest::ask(&work, &model, "go").args(flags);
    let ended = match runner {
        Runner::Wasmtime => terminal::run("wasmtime run", &wasmtime_run::command(&guest), typed),
        Runner::Wamr => terminal::run("WAMR", &wamr_run::command(&guest), typed),
        Runner::Native => {
            let mut command = native::command(&work, &state);
            command
                .env("OPENAI_BASE_URL", model.base_url())
                .args(["ask", "go", "--model", "scripted"])
                .args(flags);
            terminal::run("dewclaw", &command, typed)
        }
    };
    ended.code(0).prints("Done.\n");
    let requests = model.requests();
    let results = requests[1..].iter().map(|request| {
        let results = request.tool_results().into_iter();
        results.map(|(_, result)| result).collect()
    });
    Sitting {
        ended,
        results: results.collect(),
        work,
    }
}

/// Runs `test` by wasmtime, by WAMR and by the native command.
fn on_each_terminal(test: impl Fn(Runner)) {
    test(Runner::Wasmtime);
    test(Runner::Wamr);
    test(Runner::Native);
}

#[test]
fn yes_on_a_terminal_lets_it_run() {
    on_each_terminal(|runner| {
        let sitting = sit(
            runner,
            "writes",
            &[&[write("c1", "b.txt"), read("c2")]],
            "y\n",
        );
        assert!(sitting.results[0][0].get("error").is_none(), "{runner:?}");
        assert_eq!(sitting.work.read("b.txt"), "written\n");
        assert_eq!(sitting.questions(), 1, "{}", sitting.ended);
        sitting
            .ended
            .says(&["write_file", "b.txt", "[y]es", "[n]o", "[a]lways"]);
    });
}

#[test]
fn no_on_a_terminal_refuses_it() {
    on_each_terminal(|runner| {
        for typed in ["n\n", "no\n", "", "\n"] {
            let sitting = sit(runner, "writes", &[&[write("c", "b.txt")]], typed);
            not_approved(&sitting.results[0][0]);
            assert_eq!(sitting.work.names(), ["a.txt"], "{runner:?} {typed:?}");
            assert!(sitting.questions() >= 1, "{}", sitting.ended);
        }
    });
}

#[test]
fn each_call_is_asked_about_by_itself() {
    on_each_terminal(|runner| {
        let calls = [write("c1", "b.txt"), read("c2"), write("c3", "c.txt")];
        let sitting = sit(runner, "all", &[&calls], "y\nn\ny\n");
        assert_eq!(sitting.questions(), 3, "{}", sitting.ended);
        assert!(sitting.results[0][0].get("error").is_none());
        not_approved(&sitting.results[0][1]);
        assert!(sitting.results[0][2].get("error").is_none());
        assert_eq!(sitting.work.names(), ["a.txt", "b.txt", "c.txt"]);
    });
}

#[test]
fn always_is_for_this_tool_and_the_rest_of_the_run() {
    on_each_terminal(|runner| {
        let note = Call::new("c3", "memory_write", json!({"content": "a note"}));
        let turns: [&[Call]; 3] = [
            &[write("c1", "b.txt")],
            &[write("c2", "c.txt"), note],
            &[write("c4", "d.txt")],
        ];
        let sitting = sit(runner, "writes", &turns, "a\nn\n");
        assert_eq!(sitting.questions(), 2, "{}", sitting.ended);
        assert_eq!(sitting.work.names(), ["a.txt", "b.txt", "c.txt", "d.txt"]);
        not_approved(&sitting.results[1][1]);
    });
}

#[test]
fn what_a_model_wrote_cannot_steer_the_terminal() {
    let path = "b.txt\u{1b}[2K\rread_file a.txt\u{7}\u{9b}1A";
    for runner in [Runner::Wasmtime, Runner::Wamr] {
        let sitting = sit(runner, "writes", &[&[write("c", path)]], "n\n");
        let shown = &sitting.ended.stderr;
        for control in [&b"\x1b"[..], b"\x07", "\u{9b}".as_bytes()] {
            assert!(
                !shown.windows(control.len()).any(|window| window == control),
                "{control:?} reached the terminal.\n{}",
                sitting.ended
            );
        }
        not_approved(&sitting.results[0][0]);
    }
}

#[test]
fn an_approved_run_replays_without_a_terminal() {
    for command in [wasmtime_run::command, wamr_run::command] {
        let (work, state) = (workspace(), Scratch::new());
        let calls = [write("c1", "b.txt"), write("c2", "c.txt")];
        let model = ScriptedModel::start([Reply::calls(calls), Reply::text("One of two.")]);
        let guest = Guest::ask(&work, &model, "go").state(&state);
        let guest = guest.args(["--approve", "writes", "--record", "run.rec"]);
        let ended = terminal::run("on a terminal", &command(&guest), "y\nn\n");
        ended.code(0).prints("One of two.\n");
        assert_eq!(work.names(), ["a.txt", "b.txt"]);
        on_each_host(|host| {
            let replay = Guest::offline().state(&state).args(["replay", "run.rec"]);
            let ended = host.run(&replay);
            ended.code(0).prints("One of two.\n");
            assert!(!ended.stderr().contains("[y]es"), "{ended}");
        });
    }
}
