//! What keeps a run in bounds, and how the model is told: none of it ends the run.

mod script;

use dewclaw_agent_core::{Event, Reason, Settings, tools};
use script::{Call, Driver, Turn, assert_whole, calls, messages, settings, text};
use serde_json::{Value, json};

fn steps(max_steps: u32) -> Settings {
    Settings {
        max_steps,
        ..settings()
    }
}

/// A reply that lists the folder of this number.
fn look(number: usize) -> Turn {
    calls([Call::new(
        &format!("c{number}"),
        "list_directory",
        &json!({"path": format!("d{number}")}),
    )])
}

fn choice(body: &[u8]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).expect("a request is JSON");
    body.get("tool_choice").cloned()
}

/// The errors that the model was told: kinds and messages.
fn errors(driver: &Driver) -> Vec<(String, String)> {
    let errors = driver
        .results()
        .into_iter()
        .filter(|(_, ok, _)| !ok)
        .map(|(_, _, result)| {
            let error = |name: &str| {
                result["error"][name]
                    .as_str()
                    .expect("it is text")
                    .to_string()
            };
            (error("kind"), error("message"))
        });
    errors.collect()
}

#[test]
fn at_the_step_limit_the_model_wraps_up() {
    let mut driver = Driver::new(steps(2)).replies([
        look(1).plain(),
        look(2).plain(),
        text("So far this.").plain(),
    ]);
    let outcome = driver.run("go");
    assert_eq!(outcome.reason, Reason::StepLimit);
    assert_eq!(outcome.reason.exit_code(), 4);
    assert_eq!(outcome.text, "So far this.");
    assert_eq!(driver.requests.len(), 3);
    assert_eq!(choice(&driver.requests[0]), None);
    assert_eq!(choice(&driver.requests[1]), None);
    assert_eq!(choice(&driver.requests[2]), Some(json!("none")));
    // The model is told, and so is the person. The tools stay, for the sake of the server's cache.
    let last = messages(&driver.requests[2]);
    assert_whole(&last);
    assert_eq!(last.last().unwrap()["role"], "user");
    assert!(
        last.last().unwrap()["content"]
            .as_str()
            .unwrap()
            .contains("limit of this run")
    );
    let shared = driver.requests[1].strip_suffix(b"]}").unwrap();
    assert!(driver.requests[2].starts_with(shared));
    let notice =
        |event: &&Event| matches!(event, Event::Notice(text) if text.contains("step limit of 2"));
    assert_eq!(driver.events().into_iter().filter(notice).count(), 1);
}

#[test]
fn a_run_within_its_steps_does_not_wrap_up() {
    let mut driver =
        Driver::new(steps(3)).replies([look(1).plain(), look(2).plain(), text("done").plain()]);
    assert_eq!(driver.run("go").reason, Reason::Answered);
    assert_eq!(choice(&driver.requests[2]), None);
}

#[test]
fn the_usual_limit_is_25_steps() {
    let mut driver = Driver::new(settings()).replies((1..=25).map(|number| look(number).plain()));
    driver.script.push_back(text("enough").plain());
    assert_eq!(driver.run("go").reason, Reason::StepLimit);
    assert_eq!(driver.requests.len(), 26);
}

#[test]
fn calls_made_in_the_wrap_up_are_not_run() {
    for stream in [false, true] {
        let stubborn = Turn {
            text: "Just one more.".into(),
            ..look(2)
        };
        let mut driver = Driver::new(steps(1)).replies([look(1).plain(), stubborn.reply(stream)]);
        let outcome = driver.run("go");
        assert_eq!(outcome.reason, Reason::StepLimit);
        assert_eq!(outcome.text, "Just one more.");
        assert_eq!(driver.operations().len(), 1);
        assert_whole(&driver.transcript());
        // The next run has its own steps, and tools again.
        driver
            .script
            .extend([look(3).plain(), text("ready").plain()]);
        assert_eq!(driver.run("go on").text, "ready");
        assert_eq!(choice(&driver.requests[2]), None);
        assert_eq!(driver.operations().len(), 2);
        assert_whole(&messages(driver.requests.last().unwrap()));
    }
}

#[test]
fn a_wrap_up_without_words_ends_the_run_too() {
    let mut driver = Driver::new(steps(1)).replies([look(1).plain(), look(2).plain()]);
    let outcome = driver.run("go");
    assert_eq!(
        (outcome.reason, outcome.text.as_str()),
        (Reason::StepLimit, "")
    );
}

fn read(path: &str) -> Turn {
    calls([Call::new("c", "read_file", &json!({"path": path}))])
}

#[test]
fn the_same_call_three_times_in_a_row_is_not_run_again() {
    let mut driver = Driver::new(settings()).file("a.txt", "A\n");
    driver.script.extend((0..4).map(|_| read("a.txt").plain()));
    driver.script.push_back(text("I see.").plain());
    let outcome = driver.run("go");
    assert_eq!(
        (outcome.reason, outcome.text.as_str()),
        (Reason::Answered, "I see.")
    );
    assert_eq!(driver.operations().len(), 2, "it ran twice");
    let errors = errors(&driver);
    assert_eq!(errors.len(), 2);
    for ((kind, message), times) in errors.iter().zip(["3 times", "4 times"]) {
        assert_eq!(kind, "invalid_arguments");
        assert!(message.contains(times), "{message}");
    }
}

#[test]
fn another_spelling_is_the_same_call() {
    let spellings = [
        r#"{"path":"a.txt","offset":1,"limit":5}"#,
        "{ \"limit\" : 5,\n\"offset\": 1, \"path\": \"a.txt\" }",
        r#"{"offset":1,"path":"\u0061.txt","limit":5}"#,
    ];
    let turns = spellings.map(|spelling| calls([Call::raw("c", "read_file", spelling)]).plain());
    let mut driver = Driver::new(settings()).file("a.txt", "A\n").replies(turns);
    driver.script.push_back(text("done").plain());
    driver.run("go");
    assert_eq!(driver.operations().len(), 2);
    assert_eq!(errors(&driver).len(), 1);
}

#[test]
fn the_same_call_in_one_reply_counts_too() {
    let same = |id: &str| Call::new(id, "read_file", &json!({"path": "a.txt"}));
    let turn = calls([same("x"), same("y"), same("z")]);
    let mut driver = Driver::new(settings())
        .file("a.txt", "A\n")
        .replies([turn.plain(), text("done").plain()]);
    driver.run("go");
    let ok: Vec<bool> = driver.results().into_iter().map(|(_, ok, _)| ok).collect();
    assert_eq!(ok, [true, true, false]);
}

#[test]
fn another_call_in_between_begins_anew() {
    let order = ["a.txt", "a.txt", "b.txt", "a.txt", "a.txt", "b.txt"];
    let mut driver = Driver::new(settings())
        .file("a.txt", "A\n")
        .file("b.txt", "B\n");
    driver.script.extend(order.map(|path| read(path).plain()));
    driver.script.push_back(text("done").plain());
    driver.run("go");
    assert_eq!(driver.operations().len(), order.len());
    assert_eq!(errors(&driver), []);
}

#[test]
fn another_run_begins_anew() {
    let mut driver = Driver::new(settings()).file("a.txt", "A\n");
    for _ in 0..2 {
        driver.script.extend([
            read("a.txt").plain(),
            read("a.txt").plain(),
            text("done").plain(),
        ]);
        driver.run("go");
    }
    assert_eq!(driver.operations().len(), 4);
}

#[test]
fn an_unknown_tool_is_answered_with_those_there_are() {
    for name in [
        "exec_shell",
        "spawn",
        "message",
        "Read_File",
        "read_file ",
        "fetch",
        "",
    ] {
        let turn = calls([Call::new("c", name, &json!({"command": "rm -rf /"}))]);
        let mut driver = Driver::new(settings()).replies([turn.plain(), text("sorry").plain()]);
        let outcome = driver.run("go");
        assert_eq!(
            (outcome.reason, outcome.text.as_str()),
            (Reason::Answered, "sorry")
        );
        assert_eq!(driver.operations().len(), 0);
        let errors = errors(&driver);
        assert_eq!(errors[0].0, "invalid_arguments");
        assert!(
            errors[0].1.contains(&format!("unknown tool \"{name}\"")),
            "{errors:?}"
        );
        for tool in tools::ALL {
            assert!(errors[0].1.contains(tool.name), "{errors:?}");
        }
    }
}

#[test]
fn a_tool_that_is_not_offered_is_unknown() {
    let only_read: Vec<_> = tools::ALL
        .into_iter()
        .filter(|tool| tool.name == "read_file")
        .collect();
    let turn = calls([Call::new(
        "c",
        "write_file",
        &json!({"path": "x", "content": "x"}),
    )]);
    let mut driver =
        Driver::with_tools(settings(), &only_read).replies([turn.plain(), text("sorry").plain()]);
    driver.run("go");
    assert_eq!(driver.operations().len(), 0);
    let (kind, message) = &errors(&driver)[0];
    assert_eq!(
        (kind.as_str(), message.as_str()),
        (
            "invalid_arguments",
            "unknown tool \"write_file\"; there are: read_file"
        )
    );
}

#[test]
fn broken_arguments_are_answered_with_what_is_wrong() {
    for (arguments, told) in [
        (r#"{"path": "a.txt""#, "cut off"),
        (r#"{"path": "a"#, "cut off"),
        (r#"{"path": 'a.txt'}"#, "not valid JSON"),
        (r#"{"path": "a.txt"} trailing"#, "not valid JSON"),
        ("path=a.txt", "not valid JSON"),
        (r#"["a.txt"]"#, "must be of type object, not array"),
        (r#""a.txt""#, "must be of type object, not string"),
        ("null", "must be of type object, not null"),
        (r#"{"file": "a.txt"}"#, "\"path\" is required"),
        (
            r#"{"file": "a.txt"}"#,
            "\"file\" is no parameter; there are: path, offset, limit",
        ),
        (
            r#"{"path": 7}"#,
            "\"path\" must be of type string, not number",
        ),
        (
            r#"{"path": null}"#,
            "\"path\" must be of type string, not null",
        ),
        (
            r#"{"path": "a.txt", "limit": 0}"#,
            "\"limit\" must be at least 1",
        ),
        (
            r#"{"path": "a.txt", "limit": -1}"#,
            "\"limit\" must be at least 1",
        ),
        (
            r#"{"path": "a.txt", "limit": "5"}"#,
            "\"limit\" must be of type integer, not string",
        ),
        (
            r#"{"path": "a.txt", "offset": 1.5}"#,
            "\"offset\" must be of type integer",
        ),
    ] {
        let turn = calls([Call::raw("c", "read_file", arguments)]);
        let mut driver = Driver::new(settings())
            .file("a.txt", "A\n")
            .replies([turn.plain(), text("sorry").plain()]);
        let outcome = driver.run("go");
        assert_eq!(
            (outcome.reason, outcome.text.as_str()),
            (Reason::Answered, "sorry")
        );
        assert_eq!(driver.operations().len(), 0, "{arguments}");
        let errors = errors(&driver);
        assert_eq!(errors[0].0, "invalid_arguments");
        assert!(errors[0].1.contains(told), "{arguments}: {errors:?}");
        // What can't be parsed is not sent back as if it could.
        assert_whole(&messages(&driver.requests[1]));
    }
}

#[test]
fn a_long_broken_argument_is_quoted_where_it_matters() {
    let cut = format!(
        r#"{{"path": "a.txt", "content": "{}the very end"#,
        "\u{e9}".repeat(5_000)
    );
    let turn = calls([Call::raw("c", "write_file", &cut)]);
    let mut driver = Driver::new(settings()).replies([turn.plain(), text("sorry").plain()]);
    driver.run("go");
    let message = &errors(&driver)[0].1;
    assert!(message.ends_with("the very end"), "{message}");
    assert!(message.len() < 400, "{} bytes", message.len());
}

#[test]
fn whole_numbers_may_be_spelled_with_a_point() {
    let turn = calls([Call::raw(
        "c",
        "read_file",
        r#"{"path": "a.txt", "offset": 2.0, "limit": 1e0}"#,
    )]);
    let mut driver = Driver::new(settings())
        .file("a.txt", "A\nB\nC\n")
        .replies([turn.plain(), text("done").plain()]);
    driver.run("go");
    assert_eq!(driver.results()[0].2["content"], "B\n");
}
