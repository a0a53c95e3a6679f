//! What happens while a run is under way: text as it comes, signals, a reader that leaves.

#![cfg(unix)]

use std::io::{Read, Write};
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

#[test]
fn signals_end_a_run_that_waits_for_the_model() {
    for (name, expected) in [("INT", 130), ("TERM", 143)] {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("work/file.txt"), "whole").unwrap();
        let model = Model::plain(|_: &Seen, _: &mut dyn Write| true);
        let child = spawn(&mut scratch.ask(&model.url()));
        model.next();
        signal(&child, name);
        let (code, out, err) = parts(child.wait_with_output().unwrap());
        assert_eq!((code, out.as_str()), (expected, ""), "{err}");
        assert!(err.ends_with("dewclaw: interrupted\n"), "{err}");
        assert_eq!(
            std::fs::read_to_string(scratch.path("work/file.txt")).unwrap(),
            "whole"
        );
    }
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
