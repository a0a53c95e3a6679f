//! Plugins in a conversation: their tools beside the agent's own, on every wire, in chats and in sessions that are kept.

use std::process::Command;

use super::command;
use e2e::host::Ended;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::{process, terminal};
use serde_json::json;

/// A plugin that asks its host for what its parameters say.
fn probe() -> Vec<u8> {
    const DESCRIPTION: &str = r#"{"name":"probe","tools":[{"name":"read","description":"Reads a file of the plugin's own.",
"parameters":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"],"additionalProperties":false}},
{"name":"write","description":"Writes one."}]}"#;
    let escaped: String = DESCRIPTION
        .bytes()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    let text = include_str!("../../../crates/cli/tests/native/guest.wat")
        .replace("DESCRIPTION", &escaped)
        .replace("LENGTH", &DESCRIPTION.len().to_string());
    wat::parse_str(text).expect("the guest is a component")
}

/// The state of a person who has the plugin `probe` and lets it use the folder `data` there.
fn state(access: &str) -> Scratch {
    let state = Scratch::with(&[("data/note.txt", "from the plugin's folder\n")]);
    state.write("probe.wasm", probe());
    state.write(
        "policy.toml",
        format!("version = 1\n[plugins.probe.permissions]\nfilesystem = [\"{access} data\"]\n"),
    );
    state
}

fn with_plugin(work: &Scratch, state: &Scratch, arguments: &[&str]) -> Command {
    let mut command = command(work, state);
    command
        .args(arguments)
        .arg("--plugin")
        .arg(state.join("probe.wasm"))
        .env("DEWCLAW_MODEL", "scripted");
    command
}

fn run(command: &mut Command) -> Ended {
    Ended {
        tells_failures_apart: true,
        ..process::run("dewclaw", command, b"")
    }
}

#[test]
fn a_plugins_tools_are_called_on_every_wire_streamed_and_not() {
    for mode in [&[][..], &["--no-stream"]] {
        for wire in ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"] {
            let (work, state) = (Scratch::with(&[("a.txt", "alpha\n")]), state("read-only"));
            let model = ScriptedModel::start([
                Reply::call("c1", "probe__read", json!({"path": "data/note.txt"})),
                Reply::call("c2", "probe__read", json!({"path": "../a.txt"})),
                Reply::call("c3", "probe__read", json!({"file": "x"})),
                Reply::text("Read."),
            ]);
            let url = match wire {
                "OPENAI_BASE_URL" => model.base_url(),
                _ => model.root_url(),
            };
            let mut ask = with_plugin(&work, &state, &["ask", "read the note"]);
            let ended = run(ask.args(mode).env(wire, url));
            ended.code(0).prints("Read.\n");
            let requests = model.requests();
            assert!(requests[0].tool_names().contains(&"probe__read"));
            assert!(requests[0].tool_names().contains(&"read_file"));
            let result = |request: usize| requests[request].tool_result();
            assert_eq!(result(1), json!({"result": "from the plugin's folder\n"}));
            let denied = result(2)["error"]["message"].to_string();
            assert!(denied.contains("file denied"), "{denied}");
            // Arguments that do not fit the tool's schema never reach the plugin.
            assert_eq!(result(3)["error"]["kind"], "invalid_arguments");
            ended.says(&["* probe.read {\"path\":\"data/note.txt\"}"]);
            assert!(state.read("audit/probe.jsonl").lines().count() == 2);
        }
    }
}

#[test]
fn a_session_that_called_a_plugin_is_gone_on_with() {
    let (work, state) = (Scratch::new(), state("read-only"));
    let model = ScriptedModel::start([
        Reply::call("c1", "probe__read", json!({"path": "data/note.txt"})),
        Reply::text("Read."),
        Reply::text("It said where it is from."),
    ]);
    let ask = |prompt| {
        let mut ask = with_plugin(&work, &state, &["ask", "--session", "s", prompt]);
        ask.env("OPENAI_BASE_URL", model.base_url());
        ask
    };
    run(&mut ask("read")).code(0).prints("Read.\n");
    run(&mut ask("and?"))
        .code(0)
        .prints("It said where it is from.\n");
    let last = model.last_request().json.to_string();
    assert!(
        last.contains("probe__read") && last.contains("from the plugin's folder"),
        "{last}"
    );
}

#[test]
fn a_chat_has_plugins_and_asks_about_what_they_write_by_their_names() {
    let (work, state) = (Scratch::new(), state("read-write"));
    let model = ScriptedModel::start([
        Reply::call("c1", "probe__write", json!({"path": "data/made.txt"})),
        Reply::text("Written."),
        Reply::call("c2", "probe__write", json!({"path": "data/other.txt"})),
        Reply::text("Not written."),
    ]);
    let mut chat = with_plugin(&work, &state, &["chat", "--approve", "writes"]);
    chat.env("OPENAI_BASE_URL", model.base_url());
    let typed = "write\ny\nwrite another\nn\n/quit\n";
    let ended = terminal::run("dewclaw on a terminal", &chat, typed);
    ended.code(0).prints("Written.\nNot written.\n");
    ended.says(&[
        "? probe.write {\"path\":\"data/made.txt\"}",
        "always probe.write",
    ]);
    assert_eq!(state.read("data/made.txt"), "data/made.txt");
    assert!(!state.has("data/other.txt"));
}
