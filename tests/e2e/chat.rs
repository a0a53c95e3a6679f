//! `chat`: prompts line by line in one conversation, piped and on a terminal.

use crate::native;
use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::loopback::ClosedPort;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Received, Reply, ScriptedModel};
use e2e::terminal::{self, Sitting};
use e2e::{wamr_run, wasmtime_run};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// Longer than a request takes to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// What chats.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    In(Host),
    Native,
}

/// Runs `test` in every host and by the native command.
pub(crate) fn on_each_runner(test: impl Fn(Runner)) {
    on_each_host(|host| test(Runner::In(host)));
    test(Runner::Native);
}

impl Runner {
    /// Pipes `lines` into a chat with these flags.
    fn chat(self, work: &Scratch, model: &ScriptedModel, flags: &[&str], lines: &[u8]) -> Ended {
        match self {
            Runner::In(host) => {
                let guest = Guest::chat(work, model, "").stdin(lines);
                host.run(&guest.args(flags.iter().copied()))
            }
            Runner::Native => {
                let state = Scratch::new();
                let mut command = native_chat(work, &state, model);
                Ended {
                    tells_failures_apart: true,
                    ..process::run("dewclaw", command.args(flags), lines)
                }
            }
        }
    }
}

fn native_chat(work: &Scratch, state: &Scratch, model: &ScriptedModel) -> Command {
    let mut command = native::command(work, state);
    command
        .env("OPENAI_BASE_URL", model.base_url())
        .args(["chat", "--model", "scripted"]);
    command
}

/// What the person said in the conversation of a request, oldest first.
fn prompts(request: &Received) -> Vec<&str> {
    let messages = request.messages().iter();
    let said = messages.filter(|message| message["role"] == "user");
    said.filter_map(|message| message["content"].as_str())
        .collect()
}

#[test]
fn the_turns_of_a_chat_are_one_conversation() {
    on_each_runner(|runner| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([
                Reply::text("Hello Ada.").usage(10, 3),
                Reply::text("You are Ada.\n").usage(20, 4),
            ]),
        );
        let lines = "I am Ada\n\n  \nwho am I?";
        let ended = runner.chat(&work, &model, &[], lines.as_bytes());
        ended.code(0).prints("Hello Ada.\nYou are Ada.\n");
        assert_eq!(
            ended.stderr(),
            "# tokens: 10 in (0 cached), 3 out\n# tokens: 20 in (0 cached), 4 out\n",
            "{runner:?}"
        );
        let requests = model.requests();
        assert_eq!(prompts(&requests[0]), ["I am Ada"]);
        assert_eq!(prompts(&requests[1]), ["I am Ada", "who am I?"]);
        let answer = json!({"role": "assistant", "content": "Hello Ada."});
        assert!(requests[1].messages().contains(&answer), "{runner:?}");
    });
}

#[test]
fn commands_are_answered_on_standard_error_and_never_sent() {
    on_each_runner(|runner| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("One.").usage(10, 3)]),
        );
        let lines = "/help\n/tools \n/session\n/usage\nfirst\n/session\n/usage\n/quit\nnever\n";
        let flags = ["--tools", "read_file,list_directory"];
        let ended = runner.chat(&work, &model, &flags, lines.as_bytes());
        ended.code(0).prints("One.\n");
        let said = ended.stderr();
        for told in [
            "/tools: ",
            "/session: ",
            "/usage: ",
            "/compact: ",
            "/quit\n",
            "//",
            "read_file: Reads a text file",
            "list_directory: Lists a folder",
            "scripted after 0 messages",
            "scripted after 2 messages",
            "--session NAME",
            "tokens: 0 in (0 cached), 0 out\n# tokens: 10",
        ] {
            assert!(said.contains(told), "{runner:?} {told}: {said}");
        }
        assert!(
            said.ends_with("tokens: 10 in (0 cached), 3 out\n"),
            "{said}"
        );
        assert!(!said.contains("write_file"), "{said}");
        assert_eq!(prompts(&model.only_request()), ["first"]);
    });
}

#[test]
fn no_command_is_said_and_two_slashes_send_one() {
    on_each_runner(|runner| {
        let (work, model) = (Scratch::new(), ScriptedModel::repeat(Reply::text("Yes.")));
        let lines = "/etc\n/help me\n//etc/passwd is what?\n /etc too\n//\n/QUIT\n";
        let ended = runner.chat(&work, &model, &["--quiet"], lines.as_bytes());
        ended.code(2).prints("Yes.\nYes.\nYes.\n");
        let wrong = |name: &str| {
            format!("dewclaw: no command: {name} (/help shows those there are; // sends a /)\n")
        };
        let wanted = [wrong("/etc"), wrong("/help me"), wrong("/QUIT")].concat();
        assert_eq!(ended.stderr(), wanted, "{runner:?}");
        let requests = model.requests();
        let said = prompts(requests.last().unwrap());
        assert_eq!(said, ["/etc/passwd is what?", " /etc too", "/"]);
    });
}

#[test]
fn a_line_goes_on_in_the_next_one() {
    on_each_runner(|runner| {
        let (work, model) = (Scratch::new(), ScriptedModel::repeat(Reply::text("Yes.")));
        let lines = "one\\\n/two\\\r\n\\\nthree\r\nfour\\";
        let ended = runner.chat(&work, &model, &["-q"], lines.as_bytes());
        ended.code(0).prints("Yes.\nYes.\n");
        let requests = model.requests();
        let said = prompts(requests.last().unwrap());
        assert_eq!(said, ["one\n/two\n\nthree", "four\\"], "{runner:?}");
    });
}

#[test]
fn a_turn_that_fails_is_told_and_the_chat_goes_on() {
    on_each_runner(|runner| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([
                Reply::text("One."),
                Reply::error(400, "no such thing", "invalid_request_error", None),
                Reply::text("Three."),
            ]),
        );
        let ended = runner.chat(&work, &model, &[], b"first\nsecond\nthird\n");
        ended.code(3).prints("One.\nThree.\n");
        ended.says(&["dewclaw: ", "no such thing"]);
        assert_eq!(prompts(&model.last_request()).last(), Some(&"third"));
    });
}

#[test]
fn a_model_that_is_not_there_fails_each_turn() {
    on_each_host(|host| {
        let (work, nobody) = (Scratch::new(), ClosedPort::new());
        let guest = Guest::dewclaw()
            .workspace(&work)
            .base_url(&format!("{}/v1", nobody.url()))
            .args(["chat", "--model", "m"])
            .stdin("first\n/session\n");
        let ended = host.run(&guest);
        ended.code(3).prints("").says(&["m after 1 messages"]);
    });
}

#[test]
fn lines_that_are_no_text_or_too_long_are_told_and_the_chat_goes_on() {
    on_each_runner(|runner| {
        let (work, model) = (Scratch::new(), ScriptedModel::repeat(Reply::text("Yes.")));
        let long = "x".repeat(1024 * 1024);
        let mut lines = b"\xff\xfe\na\0b\n".to_vec();
        lines.extend(format!("{long}y\\\nz\n{long}\nlast\n").into_bytes());
        let ended = runner.chat(&work, &model, &["-q"], &lines);
        ended.code(2).prints("Yes.\nYes.\n");
        let said = ended.stderr();
        let unusable = "dewclaw: a line must be UTF-8 text without NUL, of at most 1 MiB";
        assert!(
            said.lines().all(|line| line.starts_with(unusable)),
            "{runner:?} {said}"
        );
        assert_eq!(said.lines().count(), 3, "{runner:?} {said}");
        assert_eq!(prompts(&model.last_request()), [long.as_str(), "last"]);
    });
}

#[test]
fn programs_get_the_events_of_each_turn() {
    on_each_runner(|runner| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([
                Reply::call("c", "list_directory", json!({"path": "."})),
                Reply::text("Empty."),
                Reply::text("Still."),
            ]),
        );
        let lines = b"look\n/usage\n/nothing\nand now?\n";
        let ended = runner.chat(&work, &model, &["--json"], lines);
        ended.code(2);
        let ends: Vec<(Value, Value, Value)> = ended
            .events_of("finished")
            .into_iter()
            .map(|end| {
                (
                    end["reason"].clone(),
                    end["exit_code"].clone(),
                    end["text"].clone(),
                )
            })
            .collect();
        let end = |reason: &str, code: u8, text: &str| (json!(reason), json!(code), json!(text));
        let wanted = [
            end("answered", 0, "Empty."),
            end("failed", 2, ""),
            end("answered", 0, "Still."),
        ];
        assert_eq!(ends, wanted, "{runner:?}");
        let failed = &ended.events_of("finished")[1]["error"];
        assert_eq!(failed["kind"], "usage");
        assert!(failed["message"].as_str().unwrap().contains("/nothing"));
        assert_eq!(ended.events_of("tool-started").len(), 1);
    });
}

#[test]
fn nobody_is_asked_in_a_chat_that_is_piped() {
    on_each_runner(|runner| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([
                Reply::calls([write("c", "b.txt")]),
                Reply::text("I may not."),
                Reply::text("Yes."),
            ]),
        );
        let flags = ["--approve", "writes", "-q"];
        let ended = runner.chat(&work, &model, &flags, b"write\ny\n");
        ended.code(0).prints("I may not.\nYes.\n");
        assert!(work.names().is_empty(), "{runner:?}");
        // It was a prompt.
        assert_eq!(prompts(&model.last_request()), ["write", "y"]);
    });
}

#[test]
fn what_a_chat_does_not_take_is_usage() {
    on_each_runner(|runner| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        for (flags, told) in [
            (&["hello"][..], "chat takes no PROMPT"),
            (&["--record", "run.rec"], "--record"),
            (&["--output", "answer.txt"], "--output"),
            (&["--colour"], "--colour"),
        ] {
            let ended = runner.chat(&work, &model, flags, b"hello\n");
            ended.code(2).prints("").says(&[told]);
        }
    });
}

#[test]
fn no_input_is_the_end() {
    on_each_runner(|runner| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let ended = runner.chat(&work, &model, &[], b"");
        ended.code(0).prints("");
        assert_eq!(ended.stderr(), "", "{runner:?}");
    });
}

fn write(id: &str, path: &str) -> Call {
    Call::new(
        id,
        "write_file",
        json!({"path": path, "content": "written\n"}),
    )
}

/// The chat as a person starts it on a terminal: in wasmtime, in WAMR, and natively.
fn terminals(
    work: &Scratch,
    state: &Scratch,
    model: &ScriptedModel,
    flags: &[&str],
) -> [Command; 3] {
    let guest = Guest::chat(work, model, "").args(flags.iter().copied());
    let mut native = native_chat(work, state, model);
    native.args(flags);
    [
        wasmtime_run::command(&guest),
        wamr_run::command(&guest),
        native,
    ]
}

#[test]
fn a_terminal_has_a_greeting_a_sign_and_questions() {
    for which in 0..3 {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([
            Reply::calls([write("c1", "b.txt")]),
            Reply::text("Written."),
            Reply::calls([write("c2", "c.txt")]),
            Reply::text("That too."),
            Reply::error(400, "no such thing", "invalid_request_error", None),
        ]);
        let [wasmtime, wamr, native] = terminals(&work, &state, &model, &["--approve", "writes"]);
        let mut sitting = Sitting::start(&[wasmtime, wamr, native][which]);
        sitting.sees("scripted after 0 messages");
        sitting.sees("/help");
        sitting.sees("> ");
        sitting.types("write\\\n");
        sitting.sees("> ");
        sitting.types("it\n");
        sitting.sees("[y]es, [n]o, [a]lways write_file: ");
        sitting.types("a\n");
        sitting.sees("> ");
        // What was said of a tool holds for the whole chat.
        sitting.types("more\n");
        sitting.sees("* write_file");
        sitting.sees("> ");
        sitting.types("fail\n");
        sitting.sees("no such thing");
        sitting.sees("> ");
        sitting.types(CTRL_D);
        let ended = sitting.ends();
        ended.code(0).prints("Written.\nThat too.\n");
        assert_eq!(work.names(), ["b.txt", "c.txt"]);
        assert_eq!(
            prompts(&model.last_request()),
            ["write\nit", "more", "fail"]
        );
    }
}

#[test]
fn lines_typed_ahead_wait_for_their_turn() {
    for which in 0..3 {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([
            Reply::calls([write("c1", "b.txt")]),
            Reply::text("Written."),
            Reply::text("Second."),
        ]);
        let [wasmtime, wamr, native] = terminals(&work, &state, &model, &["--approve", "writes"]);
        let command = &[wasmtime, wamr, native][which];
        let ended = terminal::run("on a terminal", command, "first\ny\nsecond\n/quit\n");
        ended.code(0).prints("Written.\nSecond.\n");
        assert_eq!(prompts(&model.last_request()), ["first", "second"]);
    }
}

#[test]
fn ctrl_c_ends_the_turn_and_not_the_chat() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([
        Reply::silence(),
        Reply::text("Here again."),
        Reply::text("Half of it").stall_after(60),
        Reply::calls([write("c", "b.txt")]),
        Reply::text("Not written, then."),
    ]);
    let mut command = native_chat(&work, &state, &model);
    command.args(["--approve", "writes"]);
    let mut sitting = Sitting::start(&command);
    let mut asked = 0;
    let mut asks = |sitting: &mut Sitting, prompt: &str| {
        sitting.sees("> ");
        sitting.types(&format!("{prompt}\n"));
        asked += 1;
        model.wait_for(asked, PATIENCE);
    };
    // While the model says nothing.
    asks(&mut sitting, "first");
    sitting.types(CTRL_C);
    sitting.sees("dewclaw: cancelled");
    asks(&mut sitting, "second");
    // While it answers.
    asks(&mut sitting, "third");
    sitting.types(CTRL_C);
    sitting.sees("dewclaw: cancelled");
    // While a question waits: the line that is typed next is a prompt.
    asks(&mut sitting, "fourth");
    sitting.sees("[a]lways write_file: ");
    sitting.types(CTRL_C);
    sitting.sees("dewclaw: cancelled");
    asks(&mut sitting, "y");
    sitting.sees("> ");
    sitting.types("/quit\n");
    let ended = sitting.ends();
    ended.code(0);
    let shown = ended.stdout();
    assert!(shown.starts_with("Here again.\n"), "{ended}");
    assert!(shown.ends_with("Not written, then.\n"), "{ended}");
    assert!(work.names().is_empty(), "{ended}");
    let requests = model.requests();
    assert_eq!(prompts(&requests[1]), ["first", "second"]);
    assert_eq!(prompts(&requests[4]).last(), Some(&"y"));
}

#[test]
fn ctrl_c_twice_at_the_prompt_ends_a_chat_and_keeps_it() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([Reply::text("Hello Ada."), Reply::text("You are Ada.")]);
    let mut sitting = Sitting::start(&native_chat(&work, &state, &model));
    sitting.sees("> ");
    sitting.types("I am Ada\n");
    sitting.sees("> ");
    sitting.types(CTRL_C);
    sitting.sees("Ctrl-C once more ends the chat");
    sitting.sees("> ");
    // A line between the two takes the first one back.
    sitting.types("/usage\n");
    sitting.sees("tokens: ");
    sitting.sees("> ");
    sitting.types(CTRL_C);
    sitting.sees("Ctrl-C once more ends the chat");
    sitting.sees("> ");
    sitting.types(CTRL_C);
    sitting.sees("--continue chat goes on with it");
    let ended = sitting.ends();
    ended.code(130).prints("Hello Ada.\n");

    let mut again = native::command(&work, &state);
    again.env("OPENAI_BASE_URL", model.base_url()).args([
        "--continue",
        "chat",
        "--model",
        "scripted",
    ]);
    let ended = process::run("dewclaw", &mut again, b"who am I?\n");
    ended.code(0).prints("You are Ada.\n");
    assert_eq!(prompts(&model.last_request()), ["I am Ada", "who am I?"]);
}

#[test]
fn a_kill_ends_a_chat_and_keeps_it() {
    for at_the_prompt in [true, false] {
        let (work, state) = (Scratch::new(), Scratch::new());
        let more = (!at_the_prompt).then(Reply::silence);
        let model = ScriptedModel::start([Reply::text("Hello Ada.")].into_iter().chain(more));
        let mut child = native_chat(&work, &state, &model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"I am Ada\n").unwrap();
        let mut answer = [0; 11];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut answer)
            .unwrap();
        assert_eq!(&answer, b"Hello Ada.\n");
        if !at_the_prompt {
            input.write_all(b"more\n").unwrap();
            model.wait_for(2, PATIENCE);
        }
        let kill = format!("kill -s TERM {}", child.id());
        Command::new("/bin/sh")
            .args(["-c", &kill])
            .status()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(143), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("--continue chat goes on with it"), "{said}");
        drop(input);
        let kept = state.read("interrupted.session");
        assert!(kept.contains("I am Ada"), "{kept}");
    }
}
