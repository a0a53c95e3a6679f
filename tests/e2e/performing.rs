//! Sessions whose component performs: model calls, operations on files, the web, or some of them, and the host the rest.

use e2e::guest::Guest;
use e2e::in_process::{Library, wit};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::{Value, json};
use wit::Performer::{Component, Host};

const KEY: &str = "sk-of-the-environment";

/// A session's configuration: who calls the model, who performs on files.
fn config(base_url: &str, model: wit::Performer, files: wit::Performer) -> wit::Config {
    let settings = json!({"model": "scripted", "base_url": base_url, "approve": "writes"});
    wit::Config {
        settings: settings.to_string(),
        tools: None,
        model,
        files,
        web: model,
    }
}

fn temperature() -> wit::HostTool {
    wit::HostTool {
        name: "temperature".into(),
        description: "The temperature of a room, in degrees Celsius.".into(),
        parameters: json!({"type": "object", "properties": {"room": {"type": "string"}}})
            .to_string(),
        writes: false,
        parallel: false,
    }
}

fn workspace() -> Scratch {
    Scratch::with(&[("notes.txt", "alpha\n")])
}

/// The replies of a run with a tool of each kind: one of the component's that reads, one of the host's, one that writes.
fn replies() -> [Reply; 3] {
    [
        Reply::calls([
            Call::new("c1", "read_file", json!({"path": "notes.txt"})),
            Call::new("c2", "temperature", json!({"room": "cellar"})),
        ])
        .saying("Let me look."),
        Reply::call(
            "c3",
            "write_file",
            json!({"path": "b.txt", "content": "cold\n"}),
        ),
        Reply::text("It is cold.").usage(100, 20),
    ]
}

/// Runs the host's part of [`replies`] until something else comes.
fn serve(library: &mut Library, shown: &mut Vec<wit::Event>) -> wit::Effect {
    loop {
        match library.go_on(shown) {
            wit::Effect::RunTool(call) => {
                assert_eq!(call.name, "temperature");
                library
                    .tool_done(&call.id, Ok(r#"{"celsius": 4.5}"#))
                    .expect("it was asked for");
            }
            wit::Effect::Approve(call) => {
                assert_eq!(call.name, "write_file");
                library
                    .approve(&call.id, wit::Verdict::Approved)
                    .expect("it was asked for");
            }
            effect => return effect,
        }
    }
}

#[track_caller]
fn finished(effect: wit::Effect) -> wit::Outcome {
    match effect {
        wit::Effect::Finished(outcome) => outcome,
        other => panic!("the run should be over: {other:?}"),
    }
}

fn text(shown: &[wit::Event]) -> String {
    let text = |event: &wit::Event| match event {
        wit::Event::Text(text) => text.clone(),
        _ => String::new(),
    };
    shown.iter().map(text).collect()
}

#[test]
fn the_component_calls_the_model_and_works_on_files_and_the_host_adds_a_tool() {
    let (work, model) = (workspace(), ScriptedModel::requiring_key(KEY, replies()));
    let guest = Guest::dewclaw().workspace(&work).env("OPENAI_API_KEY", KEY);
    let mut library = Library::start(&guest);
    let config = config(&model.base_url(), Component, Component);
    library.open(&config, &[temperature()]).unwrap();
    library.prompt("How cold is it?").unwrap();
    let mut shown = Vec::new();
    let outcome = finished(serve(&mut library, &mut shown));
    assert_eq!(
        (outcome.reason.as_str(), outcome.text.as_str()),
        ("answered", "It is cold.")
    );
    assert_eq!(text(&shown), "Let me look.It is cold.");
    assert_eq!(work.read("b.txt"), "cold\n");
    let told = model.requests()[1].tool_results();
    assert!(
        told[0].1["content"].to_string().contains("alpha"),
        "{told:?}"
    );
    assert_eq!(told[1].1, json!({"celsius": 4.5}));
    assert!(library.usage().input_tokens >= 100, "that of every reply");
    let saved = library.save();
    assert!(
        !saved
            .windows(KEY.len())
            .any(|bytes| bytes == KEY.as_bytes())
    );
}

#[test]
fn the_component_works_on_files_and_the_host_calls_the_model() {
    for guest in [Guest::dewclaw(), Guest::offline()] {
        let work = workspace();
        let mut library = Library::start(&guest.workspace(&work));
        let config = config("http://model.example/v1", Host, Component);
        library.open(&config, &[temperature()]).unwrap();
        library.prompt("How cold is it?").unwrap();
        let (mut shown, mut bodies) = (Vec::new(), Vec::new());
        let mut replies = replies().into_iter();
        let outcome = loop {
            match serve(&mut library, &mut shown) {
                wit::Effect::CallModel(call) => {
                    assert_eq!(call.url, "http://model.example/v1/chat/completions");
                    let body: Value = serde_json::from_slice(&library.body()).unwrap();
                    let answer = replies.next().unwrap().answer(&body);
                    let kind = answer
                        .headers
                        .iter()
                        .find(|(name, _)| name == "content-type");
                    let (_, kind) = kind.expect("a reply names its kind");
                    library.reply(call.id, answer.status, kind, &answer.cuts.concat());
                    bodies.push(body);
                }
                effect => break finished(effect),
            }
        };
        assert_eq!(outcome.text, "It is cold.");
        assert_eq!(work.read("b.txt"), "cold\n");
        assert!(bodies[1].to_string().contains("alpha"));
        let advanced = library.advance(0);
        assert!(
            matches!(advanced, Err(wit::Error::NothingToAdvance)),
            "{advanced:?}"
        );
    }
}

#[test]
fn text_is_shown_while_the_reply_comes_and_a_cancel_ends_it() {
    let (work, model) = (
        workspace(),
        ScriptedModel::start([Reply::text("Word after word after word.")
            .cut_every(40)
            .stall_after(700)]),
    );
    let mut library = Library::start(&Guest::dewclaw().workspace(&work));
    library
        .open(&config(&model.base_url(), Component, Component), &[])
        .unwrap();
    library.prompt("speak").unwrap();
    let mut shown = Vec::new();
    while text(&shown).is_empty() {
        match library.next_effect() {
            wit::Effect::Show(event) => shown.push(event),
            wit::Effect::Pending => shown.extend(library.advance(1_000).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    // The server says nothing more and holds the line: a turn of no time comes back at once.
    for _ in 0..100 {
        shown.extend(library.advance(0).unwrap());
    }
    library.cancel();
    let outcome = finished(library.go_on(&mut shown));
    assert_eq!(outcome.reason, "cancelled");
    assert!(text(&shown).starts_with("Word"));
    let refused = library.prompt("");
    assert!(
        matches!(refused, Err(wit::Error::EmptyPrompt)),
        "the session is usable: {refused:?}"
    );
}

#[test]
fn a_cancel_takes_back_what_the_host_was_about_to_be_asked() {
    let (work, model) = (
        workspace(),
        ScriptedModel::start([Reply::call("c1", "temperature", json!({}))]),
    );
    let mut library = Library::start(&Guest::dewclaw().workspace(&work));
    let config = config(&model.base_url(), Component, Component);
    library.open(&config, &[temperature()]).unwrap();
    library.prompt("How cold is it?").unwrap();
    assert!(matches!(library.next_effect(), wit::Effect::Pending));
    let mut shown = Vec::new();
    while !shown
        .iter()
        .any(|event| matches!(event, wit::Event::ToolStarted(_)))
    {
        shown.extend(library.advance(1_000).unwrap());
    }
    library.cancel();
    let outcome = finished(library.go_on(&mut shown));
    assert_eq!(outcome.reason, "cancelled");
    let told = library.tool_done("c1", Ok("{}"));
    assert!(
        matches!(told, Err(wit::Error::UnknownCall)),
        "nobody was asked to run it: {told:?}"
    );
}

#[test]
fn an_end_that_nobody_has_taken_yet_keeps_the_session_busy() {
    let (work, model) = (workspace(), ScriptedModel::repeat(Reply::text("Here.")));
    let mut library = Library::start(&Guest::dewclaw().workspace(&work));
    let config = config(&model.base_url(), Component, Component);
    library.open(&config, &[]).unwrap();
    library.prompt("first").unwrap();
    assert!(matches!(library.next_effect(), wit::Effect::Pending));
    let mut shown = Vec::new();
    while text(&shown).is_empty() {
        shown.extend(library.advance(1_000).unwrap());
    }
    while library.save().windows(8).all(|bytes| bytes != b"answered") {
        shown.extend(library.advance(1_000).unwrap());
    }
    let early = library.prompt("second");
    assert!(matches!(early, Err(wit::Error::Busy)), "{early:?}");
    assert_eq!(finished(library.go_on(&mut shown)).text, "Here.");
    library.prompt("second").unwrap();
    assert_eq!(finished(library.go_on(&mut shown)).text, "Here.");
}

#[test]
fn a_failed_call_is_tried_again_without_the_host() {
    let (work, model) = (
        workspace(),
        ScriptedModel::start([
            Reply::error(429, "slow down", "rate_limit", None).header("retry-after", "0"),
            Reply::text("Here I am."),
        ]),
    );
    let mut library = Library::start(&Guest::dewclaw().workspace(&work));
    library
        .open(&config(&model.base_url(), Component, Component), &[])
        .unwrap();
    library.prompt("hello").unwrap();
    let mut shown = Vec::new();
    let outcome = finished(library.go_on(&mut shown));
    assert_eq!(outcome.text, "Here I am.");
    assert!(
        shown
            .iter()
            .any(|event| matches!(event, wit::Event::Retry(_))),
        "{shown:?}"
    );
}

#[test]
fn what_a_component_does_not_reach_is_said_when_it_is_opened() {
    let work = workspace();
    let url = "http://model.example/v1";
    let rows = [
        (
            Guest::offline().workspace(&work),
            config(url, Component, Component),
            "no network",
        ),
        (Guest::dewclaw(), config(url, Host, Component), "--dir"),
        (
            Guest::dewclaw()
                .workspace(&work)
                .env("OPENAI_API_KEY", "two words"),
            config(url, Component, Component),
            "OPENAI_API_KEY",
        ),
    ];
    for (guest, config, told) in rows {
        match Library::start(&guest).open(&config, &[]) {
            Err(wit::Error::Config(words)) => assert!(words.contains(told), "{told}: {words}"),
            other => panic!("{told}: {other:?}"),
        }
    }
}

#[test]
fn the_command_line_opens_the_session_that_ask_would_run() {
    let (work, state) = (workspace(), Scratch::new());
    let model = ScriptedModel::start(replies());
    let guest = Guest::ask(&work, &model, "How cold is it?")
        .state(&state)
        .args([
            "--approve",
            "writes",
            "--output",
            "answer.txt",
            "--record",
            "run.jsonl",
            "--json",
        ]);
    let mut library = Library::start(&guest);
    let asked = library.ask(Component, None).unwrap();
    assert!(asked.json && !asked.quiet && !asked.verbose);
    let mut shown = Vec::new();
    let outcome = loop {
        match library.go_on(&mut shown) {
            wit::Effect::Approve(call) => library.approve(&call.id, wit::Verdict::Refused).unwrap(),
            effect => break finished(effect),
        }
    };
    assert_eq!(outcome.text, "It is cold.");
    assert_eq!(work.read("answer.txt"), "It is cold.\n");
    // The recording is one of a whole run.
    let replayed =
        e2e::in_process::run(&Guest::offline().state(&state).args(["replay", "run.jsonl"]));
    replayed.ended.code(0).prints("Let me look.\nIt is cold.\n");
}

#[test]
fn the_command_line_goes_on_with_a_saved_session() {
    let work = workspace();
    let model = ScriptedModel::start([Reply::text("One."), Reply::text("Two.")]);
    let mut first = Library::start(&Guest::ask(&work, &model, "first"));
    first.ask(Component, None).unwrap();
    finished(first.go_on(&mut Vec::new()));
    let saved = first.save();
    let mut second = Library::start(&Guest::ask(&work, &model, "second"));
    second.ask(Component, Some(&saved)).unwrap();
    assert_eq!(finished(second.go_on(&mut Vec::new())).text, "Two.");
    let said: Vec<_> = model
        .last_request()
        .messages()
        .iter()
        .map(|message| message["content"].clone())
        .collect();
    assert_eq!(said[1..], ["first", "One.", "second"]);
}

#[test]
fn the_command_line_says_what_ask_would_say() {
    let (work, state) = (workspace(), Scratch::new());
    let model = ScriptedModel::never_asked();
    let ask = |prompt: &str| Guest::ask(&work, &model, prompt).state(&state);
    let rows: [(Guest, Option<&[u8]>, u8, &str); 6] = [
        (ask("x").args(["--colour"]), None, 2, "--colour"),
        (ask(""), None, 2, "prompt is empty"),
        (ask("x"), Some(b"{}"), 2, "not of a session"),
        (ask("x").args(["--record", "r"]), Some(b"{}"), 2, "--record"),
        (Guest::dewclaw().args(["doctor"]), None, 2, "ask"),
        (
            Guest::dewclaw()
                .args(["ask", "x"])
                .env("DEWCLAW_MODEL", "m")
                .env("OPENAI_API_KEY", "k"),
            None,
            2,
            "--dir",
        ),
    ];
    for (guest, saved, code, told) in rows {
        match Library::start(&guest).ask(Host, saved) {
            Err(stop) => {
                assert_eq!(stop.code, code, "{told}: {}", stop.message);
                assert!(stop.message.contains(told), "{told}: {}", stop.message);
            }
            Ok(_) => panic!("{told}: it was opened"),
        }
    }
}

#[test]
fn an_answer_that_cannot_be_kept_is_the_end_of_the_run() {
    let (work, state) = (workspace(), Scratch::new());
    let model = ScriptedModel::start([Reply::text("Here."), Reply::text("Again.")]);
    let guest = Guest::ask(&work, &model, "x")
        .state(&state)
        .args(["--output", "out/answer.txt"]);
    let mut library = Library::start(&guest);
    library.ask(Component, None).unwrap();
    work.write("out", "a file where the folder should be");
    let outcome = finished(library.go_on(&mut Vec::new()));
    assert_eq!((outcome.reason.as_str(), outcome.exit_code), ("failed", 1));
    let (class, words) = outcome.failure.expect("it says why");
    assert_eq!(class, "io");
    assert!(words.contains("out/answer.txt"), "{words}");
    library.prompt("again").expect("the session goes on");
    assert_eq!(finished(library.go_on(&mut Vec::new())).text, "Again.");
}
