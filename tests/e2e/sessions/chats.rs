//! Chats in a session: what is kept of them, and what happens to one that can't be kept any more.

use super::{FILE, LOCK, native};
use crate::chat::{Runner, on_each_runner};
use e2e::guest::Guest;
use e2e::host::{Ended, on_each_host};
use e2e::loopback::Loopback;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Received, Reply, ScriptedModel};
use e2e::terminal::Sitting;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

impl Runner {
    /// Pipes `lines` into a chat in the session `s`, with the model at this address.
    fn chat_in_session(
        self,
        work: &Scratch,
        state: &Scratch,
        base_url: &str,
        lines: &str,
    ) -> Ended {
        const ARGUMENTS: [&str; 5] = ["chat", "-m", "scripted", "--session", "s"];
        match self {
            Runner::In(host) => {
                let guest = Guest::dewclaw().workspace(work).state(state);
                host.run(&guest.base_url(base_url).args(ARGUMENTS).stdin(lines))
            }
            Runner::Native => {
                let mut command = native::command(work, state);
                command.env("OPENAI_BASE_URL", base_url).args(ARGUMENTS);
                Ended {
                    tells_failures_apart: true,
                    ..process::run("dewclaw", &mut command, lines.as_bytes())
                }
            }
        }
    }
}

/// The roles of the messages of a request, and what they say where that is text.
fn said(request: &Received) -> Vec<(&str, &str)> {
    let messages = request.messages().iter().skip(1);
    let text = |message: &'_ Value| message["content"].is_string();
    messages
        .filter(|message| text(message))
        .filter_map(|message| Some((message["role"].as_str()?, message["content"].as_str()?)))
        .collect()
}

#[test]
fn the_turns_of_a_chat_are_kept_and_gone_on_with() {
    on_each_runner(|runner| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([
            Reply::text("Hello Ada."),
            Reply::text("You have a cat."),
            Reply::text("You are Ada, with a cat."),
        ]);
        let url = model.base_url();
        let lines = "/session\nI am Ada\nI have a cat\n/session\n";
        let ended = runner.chat_in_session(&work, &state, &url, lines);
        ended.code(0).prints("Hello Ada.\nYou have a cat.\n");
        let told = |messages| {
            format!(
                "scripted after {messages} messages, kept in sessions/s.jsonl of the state folder as session s;"
            )
        };
        ended.says(&[&told(0), &told(4)]);
        assert!(!state.has(LOCK), "{runner:?}");
        assert_eq!(state.read(FILE).lines().count(), 4);
        // Another chat goes on with it, and so does `ask`.
        let ended = runner.chat_in_session(&work, &state, &url, "/session\nwho am I?\n");
        ended.code(0).prints("You are Ada, with a cat.\n");
        ended.says(&[&told(4)]);
        assert_eq!(
            said(&model.last_request()),
            [
                ("user", "I am Ada"),
                ("assistant", "Hello Ada."),
                ("user", "I have a cat"),
                ("assistant", "You have a cat."),
                ("user", "who am I?"),
            ],
            "{runner:?}"
        );
    });
}

#[test]
fn what_was_compacted_is_so_in_the_next_chat() {
    on_each_runner(|runner| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([
            Reply::text(&"So much. ".repeat(100)),
            Reply::text("Ada has a cat."),
            Reply::text("A cat."),
            Reply::text("Still a cat."),
        ]);
        let url = model.base_url();
        let lines = "I am Ada and have a cat\n/compact\nwhat do I have?\n";
        let ended = runner.chat_in_session(&work, &state, &url, lines);
        ended.code(0).says(&["summed up"]);
        let ended = runner.chat_in_session(&work, &state, &url, "and now?\n");
        ended.code(0).prints("Still a cat.\n");
        let summary = "[Summary of the conversation before this:]\nAda has a cat.";
        assert_eq!(
            said(&model.last_request()),
            [
                ("user", summary),
                ("user", "what do I have?"),
                ("assistant", "A cat."),
                ("user", "and now?"),
            ],
            "{runner:?}"
        );
        // What was summed up is still in the file, for people.
        assert!(state.read(FILE).contains("So much."));
    });
}

#[test]
fn a_chat_that_cannot_be_kept_ends_with_the_error() {
    on_each_runner(|runner| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let path = state.join(FILE);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        // While the model answers the second prompt, somebody else writes to the file.
        let server = Loopback::serve(move |_, exchange| {
            use std::io::Write;
            if count.fetch_add(1, Ordering::SeqCst) == 1 {
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .open(&path)
                    .expect("the first turn is there");
                file.write_all(b"{\"v\":1,\"t\":1,\"openai-chat\":[{\"role\":\"user\",\"content\":\"mine\"}]}\n")
                    .expect("it can be written");
            }
            let body =
                json!({"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]});
            exchange.reply(
                200,
                &[("content-type", "application/json")],
                body.to_string().as_bytes(),
            );
        });
        let url = format!("{}/v1", server.url());
        let ended = runner.chat_in_session(&work, &state, &url, "first\nsecond\nthird\nfourth\n");
        ended
            .code(1)
            .says(&["session \"s\": it was changed by another run"]);
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{runner:?}: no third turn");
        assert!(state.read(FILE).ends_with("mine\"}]}\n"), "{runner:?}");
        assert!(!state.has(LOCK), "{runner:?}");
    });
}

#[test]
fn an_interrupted_turn_goes_on_by_an_empty_line() {
    on_each_runner(|runner| {
        let (work, state) = (Scratch::new(), Scratch::new());
        state.write(
            FILE,
            "{\"v\":1,\"t\":1,\"openai-chat\":[{\"role\":\"user\",\"content\":\"count\"}]}\n",
        );
        let model = ScriptedModel::start([Reply::text("One, two.")]);
        // The second empty line is one as in any chat.
        let ended = runner.chat_in_session(&work, &state, &model.base_url(), "\n\n/quit\n");
        ended
            .code(0)
            .prints("One, two.\n")
            .says(&["the last run was interrupted"]);
        assert_eq!(said(&model.only_request()), [("user", "count")]);
    });
}

#[test]
fn ctrl_c_in_a_session_is_told_and_leaves_no_other_conversation() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([Reply::silence(), Reply::text("Here again.")]);
    let command = || -> Command {
        let mut command = native::command(&work, &state);
        command.env("OPENAI_BASE_URL", model.base_url());
        command
    };
    let mut ask = command();
    ask.args(["ask", "-m", "scripted", "--session", "s", "speak"]);
    let mut sitting = Sitting::start(&ask);
    model.wait_for(1, std::time::Duration::from_secs(60));
    sitting.types("\u{3}");
    sitting.sees("the session is kept, and --session goes on with it");
    sitting.ends().code(130);
    assert_eq!(state.names(), [FILE]);
    let mut on = command();
    on.args(["ask", "-m", "scripted", "--session", "s"]);
    process::run("dewclaw", &mut on, b"")
        .code(0)
        .prints("Here again.\n");
    assert_eq!(said(&model.last_request()), [("user", "speak")]);
    let mut both = command();
    state.write("interrupted.session", "x");
    both.args([
        "--continue",
        "ask",
        "-m",
        "scripted",
        "--session",
        "s",
        "on",
    ]);
    let ended = process::run("dewclaw", &mut both, b"");
    assert_eq!(ended.code, Some(2), "{ended}");
    ended.says(&["--session does not go with"]);
}

#[test]
fn a_wrap_up_is_kept_with_the_rest() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let look = Call::new("c1", "list_directory", json!({"path": "."}));
        let model = ScriptedModel::start([
            Reply::calls([look]),
            Reply::text("So far."),
            Reply::text("On."),
        ]);
        let ask = |prompt: &str| super::ask(&work, &state, &model, prompt);
        host.run(&ask("look").args(["--budget", "steps=1"])).code(4);
        host.run(&ask("and on")).code(0);
        let request = model.last_request();
        let roles: Vec<&Value> = request.messages().iter().map(|m| &m["role"]).collect();
        assert_eq!(
            roles,
            [
                "system",
                "user",
                "assistant",
                "tool",
                "user",
                "assistant",
                "user"
            ]
        );
        assert_eq!(request.messages()[5]["content"], "So far.");
    });
}
