//! Sessions: conversations that are kept in the state folder, line by line, and gone on with.

use e2e::guest::Guest;
use e2e::host::{Host, on_each_host, on_each_host_and_board};
use e2e::in_process;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::small_disk;
use serde_json::{Value, json};

use crate::native;

mod chats;
mod killed;

/// The session that most tests hold.
const FILE: &str = "sessions/s.jsonl";
const LOCK: &str = "sessions/s.lock";

/// `ask` in the session `s`.
fn ask(work: &Scratch, state: &Scratch, model: &ScriptedModel, prompt: &str) -> Guest {
    Guest::ask(work, model, prompt)
        .state(state)
        .args(["--session", "s"])
}

/// The file of a conversation that was held elsewhere: so many turns of a prompt and an answer.
pub(crate) fn file_of(turns: usize) -> String {
    let mut file = String::new();
    for turn in 1..=turns {
        let prompt = format!("Prompt {turn} of many: what stands in the notes there?");
        let answer = format!(
            "Answer {turn}: {}",
            "the notes say one thing or another. ".repeat(8)
        );
        for (role, content) in [("user", prompt), ("assistant", answer)] {
            file += &format!(
                "{{\"v\":1,\"t\":1795176000000,\"openai-chat\":[{{\"role\":\"{role}\",\"content\":\"{content}\"}}]}}\n"
            );
        }
    }
    file
}

#[test]
fn a_conversation_goes_on_where_it_ended() {
    on_each_host_and_board(|host| {
        let (work, state) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
        let model = ScriptedModel::start([
            Reply::call("c1", "read_file", json!({"path": "a.txt"})),
            Reply::text("It says alpha."),
            Reply::text("As I said: alpha."),
        ]);
        host.run(&ask(&work, &state, &model, "what does a.txt say?"))
            .code(0)
            .prints("It says alpha.\n");
        let before = state.read(FILE);
        assert_eq!(state.names(), [FILE], "the lock is gone");
        host.run(&ask(&work, &state, &model, "say it again"))
            .code(0)
            .prints("As I said: alpha.\n");
        let after = state.read(FILE);
        assert!(after.starts_with(&before), "nothing is written over");
        for line in after.lines() {
            serde_json::from_str::<Value>(line).expect("each line is JSON");
        }
        let request = model.last_request();
        let said: Vec<&Value> = request.messages().iter().map(|m| &m["role"]).collect();
        assert_eq!(
            said,
            ["system", "user", "assistant", "tool", "assistant", "user"]
        );
        assert_eq!(request.messages()[4]["content"], "It says alpha.");
    });
}

#[test]
fn what_was_interrupted_is_closed_and_never_run_again() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let calls = Reply::calls([
            Call::new("c1", "memory_write", json!({"content": "one"})),
            Call::new("c2", "memory_write", json!({"content": "two"})),
        ]);
        let model = ScriptedModel::start([
            calls,
            Reply::text("Noted."),
            Reply::text("I looked."),
            Reply::text("On."),
        ]);
        host.run(&ask(&work, &state, &model, "note it")).code(0);
        let whole = state.read(FILE);
        let lines: Vec<&str> = whole.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.contains("\"role\":\"tool\""))
            .expect("a result alone");
        // Killed before the second call's result was written, and half of it is there.
        let torn = lines[..=at].join("\n") + "\n" + &lines[at + 1][..30];
        state.write(FILE, &torn);
        host.run(&ask(&work, &state, &model, "did you?"))
            .code(0)
            .prints("I looked.\n")
            .says(&["interrupted", "not run again"]);
        let results = model.last_request();
        let results: Vec<&Value> = results
            .messages()
            .iter()
            .filter(|m| m["role"] == "tool")
            .collect();
        assert_eq!(results.len(), 2);
        assert!(
            !results[0]["content"].to_string().contains("error"),
            "{}",
            results[0]
        );
        assert!(
            results[1]["content"]
                .to_string()
                .contains("interrupted, effect unknown")
        );
        assert_eq!(work.read("memory/MEMORY.md").matches("two").count(), 1);
        assert!(
            state.read(FILE).starts_with(&torn),
            "what was torn stays, and does not count"
        );

        // A reply that was on its way is asked for again, without a prompt.
        let asked = state.read(FILE);
        let asked = asked.lines().rev().skip(1).collect::<Vec<_>>();
        let asked: String = asked
            .into_iter()
            .rev()
            .map(|line| format!("{line}\n"))
            .collect();
        state.write(FILE, &asked);
        let on = Guest::dewclaw()
            .workspace(&work)
            .state(&state)
            .model(&model)
            .args(["ask", "--session", "s", "-m", "scripted"]);
        host.run(&on).code(0).prints("On.\n");
        assert_eq!(
            model.requests()[2].json["messages"],
            model.requests()[3].json["messages"]
        );
        // Nothing was interrupted now.
        host.run(&on).code(2).says(&["the prompt is empty"]);
    });
}

#[test]
fn another_run_is_seen_by_its_lock_and_by_what_it_wrote() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([Reply::text("one"), Reply::text("two")]);
        host.run(&ask(&work, &state, &model, "hi")).code(0);
        let hour = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_millis()
            - 3_600_000;
        state.write(LOCK, hour.to_string());
        let before = state.snapshot();
        let next = ask(&work, &state, &model, "hi");
        host.run(&next)
            .code(1)
            .says(&["session \"s\"", "60 minutes ago", "--take-over"]);
        assert_eq!(state.snapshot(), before);
        host.run(&next.args(["--take-over"]))
            .code(0)
            .prints("two\n");
        assert!(!state.has(LOCK));
        // A clock that was ahead, or a lock that is garbage.
        for lock in [(hour * 2).to_string(), "soon".into(), String::new()] {
            state.write(LOCK, lock);
            host.run(&ask(&work, &state, &model, "hi"))
                .code(1)
                .says(&[" ago", "--take-over"]);
        }
    });
}

#[test]
fn a_clock_that_jumps_back_loses_nothing() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        // What was written when the clock was in another century.
        let file = file_of(2).replace("1795176000000", "17951760000000");
        state.write(FILE, &file);
        let model = ScriptedModel::start([Reply::text("As ever.")]);
        host.run(&ask(&work, &state, &model, "and?"))
            .code(0)
            .prints("As ever.\n");
        assert_eq!(model.only_request().messages().len(), 6);
        assert!(state.read(FILE).starts_with(&file));
        state.write("sessions/ahead.jsonl", &file);
        let sessions = |arguments: &[&str]| {
            let all = ["sessions"].iter().chain(arguments).copied();
            host.run(&Guest::dewclaw().workspace(&work).state(&state).args(all))
        };
        let listed = sessions(&[]);
        assert!(
            listed
                .code(0)
                .stdout()
                .lines()
                .all(|line| line.ends_with(", 0 days old")),
            "{listed}"
        );
        sessions(&["prune", "--older-than", "1"]).code(0).prints("");
        assert_eq!(state.names(), ["sessions/ahead.jsonl", FILE]);
    });
}

#[test]
fn two_writers_are_told_apart_by_the_length() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let path = state.join(FILE);
        // The model is slow, and while it is, somebody else adds to the file.
        let server = e2e::loopback::Loopback::serve({
            let path = path.clone();
            move |_, exchange| {
                use std::io::Write;
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .open(&path)
                    .expect("the prompt is there before the model is asked");
                file.write_all(b"{\"v\":1,\"t\":1,\"openai-chat\":[{\"role\":\"user\",\"content\":\"mine\"}]}\n")
                    .expect("it can be written");
                let body =
                    json!({"choices": [{"message": {"content": "late"}, "finish_reason": "stop"}]});
                exchange.reply(
                    200,
                    &[("content-type", "application/json")],
                    body.to_string().as_bytes(),
                );
            }
        });
        let guest = Guest::dewclaw()
            .workspace(&work)
            .state(&state)
            .base_url(&format!("{}/v1", server.url()))
            .args(["ask", "hi", "-m", "m", "--session", "s"]);
        host.run(&guest)
            .code(1)
            .says(&["session \"s\"", "was changed by another run"]);
        let file = state.read(FILE);
        assert!(file.ends_with("mine\"}]}\n"), "nothing is added behind it");
        assert!(!file.contains("late"));
    });
}

#[test]
fn files_that_no_run_can_go_on_with() {
    let good = file_of(2);
    let lines: Vec<&str> = good.lines().collect();
    let cases = [
        (good.replace("\"v\":1", "\"v\":2"), "is of version 2"),
        ("{\"model\":\"x\"}\n{}\n".to_string(), "line 1"),
        (good.replace("openai-chat", "telex"), "the wire \"telex\""),
        (
            [lines[0], lines[1], "torn", lines[2]].join("\n") + "\n",
            "line 3",
        ),
        (
            good.clone()
                + "{\"v\":1,\"t\":1,\"openai-chat\":[{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"{}\"}]}\n",
            "line 5",
        ),
        (good.clone() + "\u{0}\u{0}\n" + lines[2] + "\n", "line 5"),
    ];
    on_each_host(|host| {
        for (file, said) in &cases {
            let (work, state) = (Scratch::new(), Scratch::new());
            state.write(FILE, file);
            let before = state.snapshot();
            let model = ScriptedModel::never_asked();
            host.run(&ask(&work, &state, &model, "hi"))
                .code(1)
                .says(&["session \"s\"", said]);
            assert_eq!(state.snapshot(), before, "nothing is touched");
        }
        for name in [
            "",
            ".",
            "..",
            ".s",
            "a/b",
            "a b",
            "ä",
            "../s",
            &"x".repeat(65),
        ] {
            let (work, state) = (Scratch::new(), Scratch::new());
            let model = ScriptedModel::never_asked();
            let guest = Guest::ask(&work, &model, "hi").state(&state);
            host.run(&guest.args([format!("--session={name}")]))
                .code(2)
                .says(&["is no name of a session"]);
            assert!(state.names().is_empty());
        }
    });
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused() {
    on_each_host_and_board(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        state.write(FILE, file_of(1));
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(state.join(FILE))
            .expect("it is there");
        file.set_len(100 * 1024 * 1024)
            .expect("a hole takes no room");
        let model = ScriptedModel::never_asked();
        let ended = host.run(&ask(&work, &state, &model, "hi"));
        ended.code(1).says(&["session \"s\""]);
        ended.says(&["is larger than this run takes"]);
    });
}

#[test]
fn disks_that_take_nothing() {
    let (work, state) = (Scratch::new(), Scratch::new());
    state.write(FILE, file_of(1));
    let model = ScriptedModel::never_asked();
    let guest = Guest::ask(&work, &model, "hi")
        .read_only_folder(state.path(), "/state")
        .args(["--session", "s"]);
    Host::InProcess
        .run(&guest)
        .code(1)
        .says(&["session \"s\"", "read-only"]);

    for host in small_disk::HOSTS {
        let (work, state) = (Scratch::new(), Scratch::new());
        let said = "so long a text ".repeat(8_000);
        let model = ScriptedModel::start([Reply::text("short"), Reply::text(&said)]);
        host.run(&ask(&work, &state, &model, "hi")).code(0);
        let (ended, _, after) = small_disk::run(host, &ask(&work, &state, &model, "talk"), &state);
        ended.code(1).says(&["session \"s\""]);
        let (before, after) = (state.read(FILE), after.read(FILE));
        assert!(after.starts_with(&before), "what was kept is there");
        assert!(after.ends_with('\n'), "and no half of a line");
    }
}

#[test]
fn a_thousand_turns_on_a_board() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let file = file_of(1_000);
    state.write(FILE, &file);
    let model = ScriptedModel::start([
        Reply::call("c1", "memory_write", json!({"content": "one thing"})),
        Reply::text("Noted."),
    ]);
    Host::Board
        .run(&ask(&work, &state, &model, "note it"))
        .code(0)
        .prints("Noted.\n")
        .says(&["160 KiB"]);
    let request = model.last_request();
    let sent = request.json["messages"].to_string().len();
    assert!(
        sent > 100_000 && sent < 170_000,
        "{sent} bytes of {}",
        file.len()
    );
    assert!(state.read(FILE).starts_with(&file));
    // Elsewhere all of it is there still.
    let model = ScriptedModel::start([Reply::text("All of it.")]);
    Host::Wamr.run(&ask(&work, &state, &model, "and?")).code(0);
    assert_eq!(model.last_request().messages().len(), 1 + 2_000 + 4 + 1);
}

#[test]
fn the_wire_can_change_on_the_way() {
    on_each_host(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        state.write(FILE, file_of(3));
        let model = ScriptedModel::start([Reply::text("hier"), Reply::text("there")]);
        let messages = Guest::ask_by_messages(&work, &model, "wo?")
            .state(&state)
            .args(["--session", "s"]);
        host.run(&messages).code(0).prints("hier\n");
        host.run(&ask(&work, &state, &model, "where?"))
            .code(0)
            .prints("there\n");
        let request = model.last_request();
        assert_eq!(request.messages().len(), 1 + 6 + 2 + 1);
        assert_eq!(request.messages()[7]["content"], "wo?");
    });
}

#[test]
fn sessions_are_listed_shown_exported_and_pruned() {
    on_each_host_and_board(|host| {
        let (work, state) = (Scratch::new(), Scratch::new());
        let sessions = |arguments: &[&str]| {
            let all = ["sessions"].iter().chain(arguments).copied();
            host.run(&Guest::dewclaw().workspace(&work).state(&state).args(all))
        };
        sessions(&[]).code(0).prints("");
        let model = ScriptedModel::start([
            Reply::call("c1", "memory_write", json!({"content": "x".repeat(300)})),
            Reply::text("Noted.\u{1b}[2J\nReally."),
        ]);
        host.run(&ask(&work, &state, &model, "note it")).code(0);
        state.write("sessions/old.jsonl", file_of(20));
        state.write("sessions/notes.txt", "no session");
        let listed = sessions(&[]);
        let listed = listed
            .code(0)
            .stdout()
            .lines()
            .map(String::from)
            .collect::<Vec<_>>();
        assert_eq!(listed.len(), 2, "{listed:?}");
        let bytes = file_of(20).len();
        assert!(
            listed[0].starts_with(&format!("old: 40 lines, {bytes} bytes, ")),
            "{listed:?}"
        );
        assert!(listed[1].starts_with("s: 4 lines, "), "{listed:?}");
        assert!(listed[1].ends_with(" bytes, 0 days old"), "{listed:?}");

        let shown = sessions(&["show", "s"]);
        let shown = shown.code(0).stdout().to_string();
        assert!(
            shown.starts_with("## You\n\nnote it\n\n    memory_write {"),
            "{shown}"
        );
        assert!(
            shown.ends_with("## Dewclaw\n\nNoted. [2J\nReally.\n\n"),
            "{shown}"
        );
        assert!(shown.contains(&"x".repeat(300)), "{shown}");
        sessions(&["show", "none"])
            .code(1)
            .says(&["session \"none\"", "no such file"]);
        sessions(&["show", "../x"]).code(1).says(&["access denied"]);
        sessions(&["burn"]).code(2).says(&["sessions show NAME"]);

        sessions(&["prune"]).code(2).says(&["--older-than"]);
        sessions(&["prune", "--older-than", "soon"])
            .code(2)
            .says(&["--older-than"]);
        state.write("sessions/old.lock", "1");
        let kept = sessions(&["prune", "--larger-than", "5000"]);
        assert!(
            kept.code(0)
                .stdout()
                .starts_with("in use, so it stays: old: ")
        );
        assert!(state.has("sessions/old.jsonl"));
        std::fs::remove_file(state.join("sessions/old.lock")).expect("it is there");
        let removed = sessions(&["prune", "--larger-than", "5000"]);
        assert!(removed.code(0).stdout().starts_with("removed old: "));
        assert_eq!(state.names(), ["sessions/notes.txt", FILE]);
        // Nothing is a thousand days old, and everything is none.
        sessions(&["prune", "--older-than", "1000"])
            .code(0)
            .prints("");
        sessions(&["prune", "--older-than", "0"]).code(0);
        assert_eq!(state.names(), ["sessions/notes.txt"]);
        // So many that not all are looked at.
        for number in 0..1_001 {
            state.write(&format!("sessions/{number}.lock"), "1");
        }
        let more = sessions(&[]);
        more.code(0)
            .prints("and more, which come once some of these are pruned\n");
    });
}

#[test]
fn a_session_excludes_a_recording() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::never_asked();
    let guest = ask(&work, &state, &model, "hi").args(["--record", "a.rec"]);
    Host::InProcess
        .run(&guest)
        .code(2)
        .says(&["--session", "--record"]);
    assert!(state.names().is_empty());
}

#[test]
fn without_a_state_folder_it_is_in_the_workspace_and_out_of_reach() {
    on_each_host(|host| {
        let work = Scratch::new();
        let model = ScriptedModel::start([
            Reply::call("c1", "list_directory", json!({"path": "."})),
            Reply::text("Nothing."),
        ]);
        host.run(&Guest::ask(&work, &model, "look").args(["--session", "s"]))
            .code(0);
        assert_eq!(work.names(), [".dewclaw/sessions/s.jsonl"]);
        assert!(
            !model
                .last_request()
                .tool_result()
                .to_string()
                .contains("dewclaw")
        );
    });
}

#[test]
fn the_native_command_keeps_sessions_too() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([Reply::text("one"), Reply::text("two")]);
    for (prompt, answer) in [("hi", "one\n"), ("again", "two\n")] {
        let mut command = native::command(&work, &state);
        command.env("OPENAI_BASE_URL", model.base_url()).args([
            "ask",
            "-m",
            "scripted",
            "--session",
            "s",
            prompt,
        ]);
        process::run("dewclaw", &mut command, b"")
            .code(0)
            .prints(answer);
        assert!(!state.has(LOCK));
    }
    assert_eq!(model.last_request().messages().len(), 4);
    let mut command = native::command(&work, &state);
    let listed = process::run("dewclaw", command.arg("sessions"), b"");
    assert!(
        listed.code(0).stdout().starts_with("s: 4 lines, "),
        "{listed}"
    );
    // What a component said, the in-process host goes on with.
    let model = ScriptedModel::start([Reply::text("three")]);
    let on = in_process::run(&ask(&work, &state, &model, "and?"));
    on.ended.code(0).prints("three\n");
    assert_eq!(model.last_request().messages().len(), 6);
}
