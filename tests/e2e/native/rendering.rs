//! What the native command prints is what the component prints under `wasmtime run`, byte for byte.

use super::command;
use e2e::guest::Guest;
use e2e::host::{Ended, Host};
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::json;

/// How much is shown.
const MODES: [&[&str]; 6] = [
    &[],
    &["--json"],
    &["--verbose"],
    &["--quiet"],
    &["--no-stream", "--verbose"],
    &["--no-stream", "--json"],
];

/// What a terminal, a JSON string or a line could stumble over.
const ODD: &str = "a\u{1b}[31m\"\\/\u{8}\u{c}\u{7f}\t\r\nb \u{202e}c\u{2028} ü 𝄞";

/// Runs the same prompt with the same replies both ways, in every mode.
#[track_caller]
fn same_on_both(replies: impl Fn() -> Vec<Reply>, code: i32, flags: &[&str]) {
    for mode in MODES {
        let flags = [flags, mode].concat();
        let (component, native) = (
            by_wasmtime(replies(), &flags),
            by_dewclaw(replies(), &flags),
        );
        native.code(code);
        component.code(code);
        for (what, [native, component]) in [
            ("standard output", [&native.stdout, &component.stdout]),
            ("standard error", [&native.stderr, &component.stderr]),
        ] {
            let [native, component] = [native, component].map(|bytes| without_jitter(bytes));
            assert_eq!(native, component, "{what} of {flags:?}");
        }
    }
}

fn workspace() -> Scratch {
    Scratch::with(&[("a.txt", "alpha\n")])
}

fn by_wasmtime(replies: Vec<Reply>, flags: &[&str]) -> Ended {
    let (work, model) = (workspace(), ScriptedModel::start(replies));
    let guest = Guest::ask(&work, &model, "go").args(flags.iter().copied());
    without_address(Host::CommandLine.run(&guest), &model)
}

fn by_dewclaw(replies: Vec<Reply>, flags: &[&str]) -> Ended {
    let (work, state) = (workspace(), Scratch::new());
    let model = ScriptedModel::start(replies);
    let mut ask = command(&work, &state);
    ask.env("OPENAI_BASE_URL", model.base_url())
        .env("DEWCLAW_MODEL", "scripted")
        .args(["ask", "go"])
        .args(flags);
    let ended = Ended {
        tells_failures_apart: true,
        ..process::run("dewclaw", &mut ask, b"")
    };
    without_address(ended, &model)
}

/// The model is at another port each time.
fn without_address(ended: Ended, model: &ScriptedModel) -> Ended {
    let without = |bytes: &[u8]| {
        let text = str::from_utf8(bytes).expect("output is UTF-8");
        text.replace(&model.authority(), "MODEL").into_bytes()
    };
    Ended {
        stdout: without(&ended.stdout),
        stderr: without(&ended.stderr),
        ..ended
    }
}

/// Text with every wait before another try as nothing: it is drawn anew in each run.
fn without_jitter(bytes: &[u8]) -> String {
    let mut text = String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
    for before in ["\"wait_ms\":", "trying again in "] {
        let mut from = 0;
        while let Some(at) = text[from..].find(before) {
            from += at + before.len();
            let digits =
                text[from..].find(|letter: char| !letter.is_ascii_digit() && letter != '.');
            text.replace_range(from..from + digits.unwrap_or_default(), "");
        }
    }
    text
}

#[test]
fn tools_reasoning_and_odd_texts() {
    let replies = || {
        vec![
            Reply::calls([
                Call::new("c1", "read_file", json!({"path": "a.txt"})),
                Call::new("c2", "read_file", json!({"path": ODD})),
                Call::raw("c3", "write_file", "{\"path\": \u{1b}[2J"),
                Call::new("c4", "no_such_tool", json!({"text": "x".repeat(500)})),
            ])
            .saying("I look")
            .reasoning(ODD)
            .usage(11, 7),
            Reply::text(ODD).usage(30, 5),
        ]
    };
    same_on_both(replies, 0, &[]);
}

#[test]
fn replies_that_break_off_and_are_asked_for_again() {
    let replies = || {
        vec![
            Reply::error(503, ODD, "server_error", None).header("retry-after", "0"),
            Reply::text(&"never seen to its end ".repeat(50)).close_after(700),
            Reply::text("All of it.\n"),
        ]
    };
    same_on_both(replies, 0, &[]);
}

#[test]
fn ends_of_every_kind() {
    same_on_both(|| vec![Reply::text("cut").finish_reason("length")], 4, &[]);
    same_on_both(
        || vec![Reply::text("no").finish_reason("content_filter")],
        3,
        &[],
    );
    same_on_both(
        || vec![Reply::error(401, ODD, "invalid_request_error", None)],
        3,
        &[],
    );
    let list = || Reply::call("c", "list_directory", json!({"path": "."}));
    same_on_both(
        || vec![list(), Reply::text("That is all.")],
        4,
        &["--max-steps", "1"],
    );
}

#[test]
fn calls_that_nobody_is_there_to_approve() {
    let write = || Reply::call("c", "write_file", json!({"path": "b", "content": "b"}));
    let replies = || vec![write(), Reply::text("Not allowed.")];
    same_on_both(replies, 0, &["--approve", "writes"]);
}

#[test]
fn what_is_wrong_before_the_model_is_called() {
    for flags in [
        &["--no-such-flag"][..],
        &["--output", ""],
        &["--max-steps", "many"],
        &["--tools", "web_fetch"],
    ] {
        for json in [&[][..], &["--json"]] {
            let flags = [flags, json].concat();
            let (component, native) = (by_wasmtime(vec![], &flags), by_dewclaw(vec![], &flags));
            native.code(2);
            component.code(2);
            assert_eq!(native.stdout(), component.stdout(), "{flags:?}");
            assert_eq!(native.stderr(), component.stderr(), "{flags:?}");
        }
    }
}

#[test]
fn an_answer_that_cannot_be_written() {
    // A folder comes to be where the answer should go while the model works.
    let folder = json!({"path": "out.txt/in", "content": "x"});
    let replies = || {
        vec![
            Reply::call("c", "write_file", folder.clone()),
            Reply::text("Nowhere to go."),
        ]
    };
    let flags = ["--output", "out.txt"];
    let (component, native) = (
        by_wasmtime(replies(), &flags),
        by_dewclaw(replies(), &flags),
    );
    native.code(1).says(&["the answer can't be written"]);
    component.code(1);
    assert_eq!(native.stdout(), component.stdout());
    assert_eq!(native.stderr(), component.stderr());
}
