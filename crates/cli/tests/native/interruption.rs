//! What happens while a run is under way: text as it comes, signals, a reader that leaves.

#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use crate::model::{self, Model, Seen};
use crate::scratch::{Scratch, parts, run};

fn signal(child: &Child, name: &str) {
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -s {name} {}", child.id())])
        .status()
        .unwrap();
    assert!(sent.success());
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What is said of a conversation that is kept.
const KEPT: &str = "dewclaw: interrupted; the conversation is kept: dewclaw --state state --continue ask PROMPT goes on with it\n";

/// Where it is kept.
const FILE: &str = "state/interrupted.session";

/// A model that calls a tool, then answers nothing until it has been asked once more, and then everything.
fn stalling_once() -> Model {
    let mut turn = 0;
    Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        turn += 1;
        match turn {
            1 => model::respond(stream, "200 OK", &model::tool_call()),
            2 => true,
            _ => model::respond(stream, "200 OK", &model::message("gone on with")),
        }
    })
}

#[test]
fn signals_cancel_a_run_that_waits_for_the_model_and_keep_its_conversation() {
    for (name, expected) in [("INT", 130), ("TERM", 143)] {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("work/file.txt"), "whole").unwrap();
        let model = Model::plain(|_: &Seen, _: &mut dyn Write| true);
        let child = spawn(&mut scratch.ask(&model.url()));
        model.next();
        signal(&child, name);
        let (code, out, err) = parts(child.wait_with_output().unwrap());
        assert_eq!((code, out.as_str()), (expected, ""), "{err}");
        assert_eq!(err, format!("dewclaw: cancelled\n{KEPT}"));
        assert_eq!(
            std::fs::read_to_string(scratch.path("work/file.txt")).unwrap(),
            "whole"
        );
        let mode = std::fs::metadata(scratch.path(FILE)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[test]
fn a_conversation_is_gone_on_with_where_it_was_interrupted() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("work/only-file.txt"), "").unwrap();
    let model = stalling_once();
    let child = spawn(&mut scratch.ask(&model.url()));
    let _ = (model.next(), model.next());
    signal(&child, "INT");
    let (code, out, err) = parts(child.wait_with_output().unwrap());
    assert_eq!((code, out.as_str()), (130, ""), "{err}");
    assert!(err.ends_with(KEPT), "{err}");

    for prompt in ["where were we?", "and then?"] {
        let mut more = scratch.command();
        more.env("OPENAI_BASE_URL", model.url())
            .args(["--continue", "ask", "--no-stream", prompt]);
        let (code, out, err) = run(&mut more);
        assert_eq!((code, out.as_str()), (0, "gone on with\n"), "{err}");
    }
    let seen = [model.next(), model.next()];
    for told in ["say hello", "only-file.txt", "where were we?"] {
        assert!(seen[0].body.contains(told), "{told}: {}", seen[0].body);
    }
    // A conversation that was gone on with is kept however it ends.
    for told in ["say hello", "where were we?", "gone on with", "and then?"] {
        assert!(seen[1].body.contains(told), "{told}: {}", seen[1].body);
    }
}

#[test]
fn an_interrupted_run_says_so_to_programs_and_its_recording_is_whole() {
    let scratch = Scratch::new();
    let model = stalling_once();
    let mut ask = scratch.ask(&model.url());
    ask.args(["--json", "--record", "run.jsonl"]);
    let child = spawn(&mut ask);
    let _ = (model.next(), model.next());
    signal(&child, "INT");
    let (code, out, err) = parts(child.wait_with_output().unwrap());
    assert_eq!(
        (code, err.as_str()),
        (130, &*format!("dewclaw: cancelled\n{KEPT}"))
    );
    let last = out.lines().last().unwrap();
    assert!(
        last.starts_with(r#"{"type":"finished","reason":"cancelled","exit_code":1,"#),
        "{last}"
    );
    let (code, again, err) = run(scratch.command().args(["replay", "run.jsonl", "--json"]));
    assert_eq!((code, again), (1, out), "{err}");
}

#[test]
fn there_must_be_a_conversation_to_go_on_with() {
    let scratch = Scratch::new();
    let go_on = || {
        let mut command = scratch.command();
        command.env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
        run(command.args(["--continue", "ask", "more"]))
    };
    let (code, out, err) = go_on();
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(
        err.starts_with("dewclaw: --continue: there is no conversation to go on with"),
        "{err}"
    );
    for damaged in ["", "{", "not a session\n"] {
        std::fs::write(scratch.path(FILE), damaged).unwrap();
        let (code, out, err) = go_on();
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert_eq!(
            std::fs::read_to_string(scratch.path(FILE)).unwrap(),
            damaged
        );
    }
    let (code, _, err) = run(scratch.command().args(["--continue", "tools"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("stands before `ask`"), "{err}");
}

#[test]
fn a_conversation_that_cannot_be_kept_is_said() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path(FILE).join("in-the-way")).unwrap();
    let model = stalling_once();
    let child = spawn(&mut scratch.ask(&model.url()));
    let _ = (model.next(), model.next());
    signal(&child, "INT");
    let (code, out, err) = parts(child.wait_with_output().unwrap());
    assert_eq!((code, out.as_str()), (130, ""), "{err}");
    assert!(
        err.contains("dewclaw: the conversation cannot be kept in `"),
        "{err}"
    );
    assert!(err.ends_with("dewclaw: interrupted\n"), "{err}");
}

#[test]
fn a_run_that_has_not_begun_is_dropped_at_once() {
    let scratch = Scratch::new();
    let mut command = scratch.command();
    command
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
        .args(["ask", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It waits for the rest of its prompt once it has taken what is there.
    let mut prompt = child.stdin.take().unwrap();
    prompt.write_all(&vec![b'a'; 256 * 1024]).unwrap();
    signal(&child, "INT");
    let (code, out, err) = parts(child.wait_with_output().unwrap());
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (130, "", "dewclaw: interrupted\n")
    );
    assert!(!scratch.path(FILE).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_interrupt_ends_a_run_that_cannot_end_by_itself() {
    let scratch = Scratch::new();
    let text = format!(r#"{{"content":"{}"}}"#, "a".repeat(512 * 1024));
    let model =
        Model::plain(move |_: &Seen, stream: &mut dyn Write| model::stream_start(stream, &[&text]));
    let mut command = scratch.command();
    command
        .env("OPENAI_BASE_URL", model.url())
        .args(["ask", "say hello"]);
    let mut child = spawn(&mut command);
    // Nobody reads its output, so the run soon waits for somebody to.
    wait_until_it_writes_to(&mut child, 1);
    signal(&child, "INT");
    signal(&child, "INT");
    while child.try_wait().unwrap().is_none() {
        signal(&child, "INT");
    }
    let (code, _, err) = parts(child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (130, "dewclaw: interrupted\n"));
}

/// Waits until a thread of the child is in a write to this file descriptor, which does not come to its end.
#[cfg(target_os = "linux")]
fn wait_until_it_writes_to(child: &mut Child, descriptor: u32) {
    let tasks = format!("/proc/{}/task", child.id());
    let call = if cfg!(target_arch = "x86_64") { 1 } else { 64 };
    let wanted = format!("{call} {descriptor:#x} ");
    while child.try_wait().unwrap().is_none() {
        for task in std::fs::read_dir(&tasks).unwrap() {
            let call = std::fs::read_to_string(task.unwrap().path().join("syscall"));
            if call.is_ok_and(|call| call.starts_with(&wanted)) {
                return;
            }
        }
        std::thread::yield_now();
    }
    panic!("it has ended");
}

#[test]
fn signals_end_a_run_that_waits_for_a_page() {
    for (name, expected) in [("INT", 130), ("TERM", 143)] {
        let scratch = Scratch::new();
        let page = Model::plain(|_: &Seen, _: &mut dyn Write| true);
        let url = format!("http://{}/page", page.address);
        let mut fetch = scratch.command();
        fetch
            .env("DEWCLAW_ALLOW_FETCH", page.address.to_string())
            .args(["tool", "web_fetch", &format!(r#"{{"url":"{url}"}}"#)]);
        let child = spawn(&mut fetch);
        page.next();
        signal(&child, name);
        let (code, out, err) = parts(child.wait_with_output().unwrap());
        assert_eq!((code, out.as_str()), (expected, ""), "{err}");
        assert!(err.ends_with("dewclaw: interrupted\n"), "{err}");
    }
}

#[test]
fn text_appears_as_it_comes() {
    let scratch = Scratch::new();
    let (go_on, may_go_on) = channel();
    let model = Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        model::stream_start(stream, &[r#"{"content":"first"}"#]);
        // The rest follows once the first part was seen on the other side.
        may_go_on.recv().unwrap();
        model::stream_on(stream, &[r#"{"content":" second"}"#]);
        model::stream_end(stream, "stop")
    });
    let mut command = scratch.command();
    command
        .env("OPENAI_BASE_URL", model.url())
        .args(["ask", "say hello"]);
    let mut child = spawn(&mut command);
    let mut first = [0; 5];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    assert_eq!(&first, b"first");
    go_on.send(()).unwrap();
    let (code, out, err) = parts(child.wait_with_output().unwrap());
    assert_eq!((code, out.as_str()), (0, " second\n"), "{err}");
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    for arguments in [&["tools"][..], &["--help"], &["--version"]] {
        let scratch = Scratch::new();
        let mut command = if arguments == ["tools"] {
            scratch.command()
        } else {
            scratch.bare()
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, _, err) = parts(command.args(arguments).stdout(writer).output().unwrap());
        assert_eq!((code, err.as_str()), (141, ""), "{arguments:?}");
    }
}

#[test]
fn standard_input_reaches_the_component() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("work/a.txt"), "content").unwrap();
    std::fs::write(scratch.path("arguments.json"), r#"{"path":"a.txt"}"#).unwrap();
    let mut command = scratch.command();
    command
        .args(["tool", "read_file", "-"])
        .stdin(std::fs::File::open(scratch.path("arguments.json")).unwrap());
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("content"), "{out}");
}
