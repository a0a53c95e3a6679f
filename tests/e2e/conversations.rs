//! The conversations of `tests/conversations`: each ends as its file says, and every embedder and every runtime logs it the same,
//! byte for byte.

use e2e::artifact;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::session::{Conversation, Held, Instance, Native, Runtime, Wamr};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Every conversation as it is held in this process, on wasmtime's own bindings.
fn held() -> &'static [(Conversation, Held)] {
    static HELD: OnceLock<Vec<(Conversation, Held)>> = OnceLock::new();
    HELD.get_or_init(|| {
        let hold = |file: PathBuf| {
            let conversation = Conversation::read(&file);
            let held = conversation.hold();
            (conversation, held)
        };
        Conversation::files().into_iter().map(hold).collect()
    })
}

#[test]
fn each_ends_as_its_file_says() {
    assert!(held().len() >= 24, "there are only {}", held().len());
    for (Conversation { name, ends, .. }, Held { outcome, .. }) in held() {
        let ended = (outcome.reason.as_str(), outcome.exit_code);
        assert_eq!(ended, (ends.reason.as_str(), ends.exit_code), "{name}");
        if let Some(text) = &ends.text {
            assert_eq!(outcome.text, *text, "{name}");
        }
    }
}

#[test]
fn python_is_told_the_same() {
    let python = artifact::from_environment(
        "DEWCLAW_PYTHON",
        "a Python with the packages of examples/embed-python",
    );
    let runner = artifact::repository().join("tests/embedders/python/run.py");
    let mut command = Command::new(python);
    command.arg("-B").arg(runner);
    told_the_same("Python", command);
}

#[test]
fn node_is_told_the_same() {
    let jco = artifact::from_environment("JCO", "the jco of scripts/npm");
    let runner = artifact::repository().join("tests/embedders/node/run.mjs");
    let mut command = Command::new("node");
    command.arg(runner).env("JCO", jco);
    told_the_same("Node.js", command);
}

#[test]
fn chromium_is_told_the_same() {
    let runner = artifact::repository().join("web/test/conversation-in-browser.mjs");
    let mut command = Command::new("node");
    command.arg(runner);
    told_the_same("Chromium", command);
}

#[test]
fn native_is_told_the_same() {
    holds_the_same(|| vec![Box::new(Native)], |_| true);
}

#[test]
fn wamr_is_told_the_same() {
    holds_the_same(|| vec![Box::new(Wamr::start())], |_| true);
}

#[test]
fn saved_on_one_runtime_a_conversation_goes_on_on_another() {
    let saved = Conversation::is_saved;
    let wasmtime = || Box::new(Instance::start());
    let wamr = || Box::new(Wamr::start());
    holds_the_same(|| vec![Box::new(Native), wasmtime(), wamr()], saved);
    holds_the_same(|| vec![wamr(), wasmtime(), Box::new(Native)], saved);
    holds_the_same(|| vec![wasmtime(), wamr()], saved);
}

/// Holds conversations on these runtimes, and compares the logs with those of wasmtime.
#[track_caller]
fn holds_the_same(
    runtimes: impl Fn() -> Vec<Box<dyn Runtime>>,
    which: impl Fn(&Conversation) -> bool,
) {
    let (mut differ, mut same) = (Vec::new(), 0);
    for (conversation, Held { log, .. }) in held() {
        if !which(conversation) {
            continue;
        }
        let runtimes = runtimes();
        let runtimes: Vec<_> = runtimes.iter().map(AsRef::as_ref).collect();
        let names: Vec<_> = runtimes.iter().map(|runtime| runtime.name()).collect();
        let theirs = conversation.hold_on(&runtimes);
        if theirs.log == *log {
            same += 1;
        } else {
            let difference = first_difference(log, &theirs.log);
            differ.push(format!("{}, {names:?}, {difference}", conversation.name));
        }
    }
    assert!(differ.is_empty(), "otherwise:\n{}", differ.join("\n"));
    assert!(same > 6, "only {same} were held");
}

/// Has a runner hold every conversation, and compares the logs with those of this process.
#[track_caller]
fn told_the_same(embedder: &'static str, mut command: Command) {
    let logs = Scratch::new();
    command.arg("--out").arg(logs.path());
    command.arg(artifact::dewclaw_core());
    let ended = process::run(embedder, command.args(Conversation::files()), b"");
    let mut differ = Vec::new();
    for (Conversation { name, .. }, Held { log, .. }) in held() {
        let theirs = std::fs::read(logs.join(&format!("{name}.log"))).unwrap_or_default();
        if theirs != log.as_bytes() {
            let theirs = String::from_utf8_lossy(&theirs);
            differ.push(format!("{name}, {}", first_difference(log, &theirs)));
        }
    }
    assert!(
        differ.is_empty(),
        "{embedder} is told otherwise than Rust:\n{}\n{ended}",
        differ.join("\n")
    );
    ended.code(0);
}

/// The first line that differs, from shortly before the difference on.
fn first_difference(ours: &str, theirs: &str) -> String {
    let mut others = theirs.lines();
    for (index, line) in ours.lines().enumerate() {
        let other = others.next().unwrap_or("(the log's end)");
        if line != other {
            let same = line.chars().zip(other.chars());
            let same = same.take_while(|(one, other)| one == other).count();
            let part = |line: &str| -> String {
                let from = same.saturating_sub(40);
                line.chars().skip(from).take(160).collect()
            };
            return format!(
                "line {} from letter {}:\n  Rust  {}\n  it    {}",
                index + 1,
                same.saturating_sub(40) + 1,
                part(line),
                part(other)
            );
        }
    }
    format!(
        "after the last line:\n  it    {}",
        others.next().unwrap_or("(nothing but its line ends)")
    )
}

#[test]
fn nothing_that_a_session_can_say_is_left_out() {
    let logs: String = held().iter().map(|(_, held)| held.log.as_str()).collect();
    let begins = |words: &str| {
        logs.lines().any(|line| {
            line.strip_prefix(words)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    for effect in cases("variant effect") {
        assert!(begins(&effect), "no effect {effect}");
    }
    for event in cases("variant event") {
        assert!(begins(&format!("show {event}")), "no event {event}");
    }
    for reason in [
        "answered",
        "step-limit",
        "length",
        "refused",
        "failed",
        "cancelled",
    ] {
        assert!(begins(&format!("finished {reason}")), "no run is {reason}");
    }
    assert!(begins("restored"));
    let holds = |line: &str, words: &str| {
        logs.lines()
            .any(|found| found.starts_with(line) && found.contains(words))
    };
    for operation in cases("variant file-operation")
        .into_iter()
        .chain(["http".to_owned()])
    {
        assert!(
            holds("operate", &format!(" {operation} ")),
            "no {operation}"
        );
    }
    for class in [
        "connection",
        "timeout",
        "rate_limited",
        "server",
        "unauthorized",
        "rejected",
        "malformed",
        "denied",
        "unsupported",
    ] {
        let failure = format!(" failure {class} ");
        assert!(
            holds("finished failed", &failure),
            "no run fails by {class}"
        );
    }
    for auth in [" openai bearer ", " anthropic header:x-api-key "] {
        for streamed in [true, false] {
            let both = held().iter().any(|(conversation, held)| {
                let stream = conversation.settings.get("stream");
                stream.is_none_or(|stream| *stream == true) == streamed && held.log.contains(auth)
            });
            assert!(both, "none with{auth}where streamed is {streamed}");
        }
    }
}

#[test]
fn nothing_that_a_host_can_answer_is_left_out() {
    let read = |file: PathBuf| std::fs::read_to_string(file).expect("it was read before");
    let files: String = Conversation::files().into_iter().map(read).collect();
    for answer in cases("enum http-error")
        .into_iter()
        .chain(cases("enum verdict"))
    {
        assert!(files.contains(&format!("\"{answer}\"")), "no {answer}");
    }
}

/// The names of a type's cases, as `wit/session.wit` has them.
fn cases(name: &str) -> BTreeSet<String> {
    let file = artifact::repository().join("wit/session.wit");
    let wit = std::fs::read_to_string(file).expect("the contract is there");
    let (_, rest) = wit
        .split_once(&format!("  {name} {{\n"))
        .unwrap_or_else(|| panic!("wit/session.wit has no {name}"));
    let lines = rest.lines().map(str::trim).take_while(|line| *line != "}");
    let case = |line: &str| line.split(['(', ',']).next().unwrap_or_default().to_owned();
    lines
        .filter(|line| !line.starts_with("///"))
        .map(case)
        .collect()
}
