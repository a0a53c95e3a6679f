//! A session's file: what is read back from it, wherever it ends.

#![cfg(feature = "sessions")]

#[path = "session_log/compacted.rs"]
#[cfg(feature = "context")]
mod compacted;
mod script;

use dewclaw_agent_core::tools::ALL;
use dewclaw_agent_core::{
    Agent, Effect, Limits, SessionLine, SessionLog, Settings, TranscriptError, WireName,
};
use dewclaw_platform::Now;
use proptest::prelude::*;
use script::{Call, Driver, assert_whole, calls, messages, settings, text};
use serde_json::{Value, json};

const NOW: Now = Now {
    monotonic_ms: 9_000,
    wall_ms: 1_795_176_100_000,
};

fn board() -> Settings {
    Settings {
        limits: Limits::Board,
        ..settings()
    }
}

/// Reads a file as a guest does.
fn read(settings: Settings, file: &[u8]) -> Result<Agent, TranscriptError> {
    let mut agent = Agent::new(settings, &ALL, 1).expect("the settings are sound");
    let mut log = SessionLog::new(&mut agent);
    let mut repair = "";
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => log.take(line)?,
            None => {
                repair = match log.take(line) {
                    Ok(()) => "\n",
                    Err(_) => "~\n",
                }
            }
        }
    }
    log.resume(NOW, repair)?;
    Ok(agent)
}

fn agent(settings: Settings, file: &[u8]) -> Agent {
    match read(settings, file) {
        Ok(agent) => agent,
        Err(error) => panic!("{error}:\n{}", String::from_utf8_lossy(file)),
    }
}

/// A driver of a session that has just begun.
fn driver(settings: Settings) -> Driver {
    let mut driver = Driver::new(settings.clone());
    driver.replace_agent(agent(settings, b""));
    driver
}

/// A file of three runs, with calls alone and together, and the requests that it took.
fn held() -> Driver {
    let note = |id: &str, text: &str| Call::new(id, "memory_write", &json!({"content": text}));
    let mut driver = driver(settings()).replies([
        calls([note("c1", "one")]).plain(),
        text("noted\nwith \"quotes\"").plain(),
        calls([note("c2", "two"), note("c3", "three"), note("c4", "four")]).plain(),
        text("noted again").plain(),
        text("last").plain(),
    ]);
    for prompt in ["first", "zweitens: größer", "third"] {
        driver.run(prompt);
    }
    driver
}

fn lines(agent: &Agent) -> Vec<Value> {
    let lines = agent.transcript().lines();
    lines
        .map(|line| serde_json::from_slice(line).expect("a message is JSON"))
        .collect()
}

/// The messages of the lines of a file that are whole.
fn whole(file: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    for line in file.split(|byte| *byte == b'\n') {
        if let Ok(Value::Object(line)) = serde_json::from_slice(line)
            && let Some(Value::Array(messages)) = line.get("openai-chat")
        {
            all.extend(messages.iter().cloned());
        }
    }
    all
}

/// What the model is asked after another prompt.
fn asked(agent: Agent, prompt: &str) -> Vec<Value> {
    let mut driver = Driver::new(settings()).replies([text("ok").plain()]);
    driver.replace_agent(agent);
    driver.run(prompt);
    messages(&driver.requests[0])
}

#[test]
fn a_file_gives_the_conversation_back_byte_for_byte() {
    let held = held();
    assert_eq!(
        agent(settings(), &held.journal).transcript().messages(),
        held.agent.transcript().messages()
    );
    // And the next request is the one that there would have been.
    let mut on = held;
    on.script.push_back(text("ok").plain());
    let file = on.journal.clone();
    on.run("fourth");
    let mut resumed = Driver::new(settings()).replies([text("ok").plain()]);
    resumed.replace_agent(agent(settings(), &file));
    resumed.now = on.now;
    resumed.run("fourth");
    assert_eq!(resumed.requests.last(), on.requests.last());
}

#[test]
fn torn_at_every_byte_nothing_is_lost_but_the_last_line() {
    let file = held().journal;
    for length in 0..=file.len() {
        let torn = &file[..length];
        let known = whole(torn);
        let mut resumed = agent(settings(), torn);
        let there = lines(&resumed);
        assert_eq!(there[..known.len()], known, "cut after {length} bytes");
        assert!(
            there.len() <= known.len() + 3,
            "only results of calls that were open are added"
        );
        // What is added puts the file right, and is read back with all the rest.
        let mut repaired = torn.to_vec();
        resumed.prompt(NOW, "on").expect("it is idle");
        assert!(matches!(
            resumed.next(),
            Effect::Event(_) | Effect::CallModel(_)
        ));
        repaired.append(&mut resumed.take_journal());
        assert!(repaired.starts_with(torn), "nothing is written over");
        let again = agent(settings(), &repaired);
        assert_eq!(
            again.transcript().messages(),
            resumed.transcript().messages(),
            "cut after {length} bytes"
        );
        assert_whole(&asked(again, "more"));
        // Nor does a repair that was cut off itself lose anything.
        for cut in (torn.len()..torn.len() + 4).chain([repaired.len() - 1]) {
            let there = lines(&agent(settings(), &repaired[..cut]));
            assert_eq!(there[..known.len()], known);
        }
    }
}

#[test]
fn killed_before_any_effect_no_result_is_lost_and_nothing_is_run_again() {
    let steps = {
        let mut driver = killed_after(usize::MAX);
        driver.journal.clear();
        driver.steps
    };
    for at in 0..steps {
        let driver = killed_after(at);
        let done = driver.results();
        let mut agent = agent(settings(), &driver.journal);
        let there = lines(&agent);
        for (number, (_, ok, result)) in done.iter().enumerate() {
            assert!(ok, "{result}");
            let results: Vec<&Value> = there.iter().filter(|m| m["role"] == "tool").collect();
            let kept = results[number]["content"].as_str().expect("a text");
            let kept: Value = serde_json::from_str(kept).expect("JSON");
            assert_eq!(&kept, result, "after {at} steps");
        }
        for message in there
            .iter()
            .filter(|m| m["role"] == "tool")
            .skip(done.len())
        {
            let said = message["content"].as_str().expect("a text");
            assert!(said.contains("interrupted, effect unknown"), "{said}");
        }
        // Without a prompt the run goes on where it was: with the model.
        let goes_on = there.last().is_some_and(|last| last["role"] != "assistant");
        assert_eq!(agent.prompt(NOW, "").is_ok(), goes_on, "after {at} steps");
        if goes_on {
            let mut driver = Driver::new(settings()).replies([text("ok").plain()]);
            driver.replace_agent(agent);
            while driver.step().is_none() {}
            assert!(driver.operations().is_empty());
            assert_whole(&messages(&driver.requests[0]));
        }
    }
}

/// A run with three calls that write, left after so many steps.
fn killed_after(steps: usize) -> Driver {
    let write = |id: &str| {
        let arguments = json!({"path": format!("{id}.txt"), "content": id});
        Call::new(id, "write_file", &arguments)
    };
    let mut driver = driver(settings()).replies([
        calls([write("c1"), write("c2"), write("c3")]).plain(),
        text("done").plain(),
    ]);
    driver
        .agent
        .prompt(driver.now, "write")
        .expect("it is idle");
    for _ in 0..steps {
        if driver.step().is_some() {
            break;
        }
    }
    driver
}

#[test]
fn what_a_board_leaves_out_is_left_out_again() {
    let mut driver = driver(board());
    for turn in 0..100 {
        driver
            .script
            .push_back(text(&"answer ".repeat(400)).plain());
        driver.run(&format!("prompt {turn} {}", "x".repeat(turn * 10)));
        let agent = agent(board(), &driver.journal);
        assert_eq!(
            agent.transcript().messages(),
            driver.agent.transcript().messages(),
            "after turn {turn}"
        );
    }
    assert!(driver.journal.len() > 2 * driver.agent.transcript().messages().len());
    // It was left out for everybody.
    let unlimited = agent(settings(), &driver.journal);
    assert_eq!(
        unlimited.transcript().messages(),
        driver.agent.transcript().messages()
    );
}

#[test]
fn within_a_run_what_is_left_out_is_left_out_again_too() {
    let mut driver = driver(Settings {
        max_steps: 200,
        ..board()
    })
    .file("a.txt", "line of the file\n".repeat(200));
    for number in 0..100 {
        let read = Call::new(
            &format!("c{number}"),
            "read_file",
            &json!({"path": "a.txt", "offset": number + 1}),
        );
        driver.script.push_back(calls([read]).plain());
    }
    driver.script.push_back(text("read").plain());
    driver.run("read it all");
    let agent = agent(board(), &driver.journal);
    assert_eq!(
        agent.transcript().messages(),
        driver.agent.transcript().messages()
    );
    assert_eq!(lines(&agent)[0]["content"], "read it all");
}

#[test]
fn a_session_of_more_than_a_board_holds_is_gone_on_with_there() {
    let mut driver = driver(settings());
    for turn in 0..1_000 {
        driver.script.push_back(text(&"answer ".repeat(50)).plain());
        driver.run(&format!("prompt {turn}"));
    }
    assert!(driver.journal.len() > 400_000);
    let mut small = agent(board(), &driver.journal);
    assert!(small.transcript().messages().len() <= 160 * 1024);
    let last = lines(&small).len();
    assert_eq!(lines(&small)[last - 2]["content"], "prompt 999");
    assert!(last < 2_000 && last > 400, "{last}");
    // And elsewhere all of it is still there.
    small.prompt(NOW, "here").expect("it is idle");
    while !matches!(small.next(), Effect::CallModel(_)) {}
    let mut file = driver.journal.clone();
    file.append(&mut small.take_journal());
    let large = agent(settings(), &file);
    assert_eq!(lines(&large).len(), 2_001);
    assert_eq!(agent(board(), &file).transcript(), small.transcript());
}

#[test]
fn on_another_wire_it_goes_on_and_comes_back() {
    let file = held().journal;
    let anthropic = || Settings {
        wire: WireName::Anthropic,
        ..settings()
    };
    let mut moved = agent(anthropic(), &file);
    assert_eq!(moved.transcript().wire, "anthropic");
    moved.prompt(NOW, "hier").expect("it is idle");
    let mut file = file;
    while !matches!(moved.next(), Effect::CallModel(_)) {}
    let added = moved.take_journal();
    // Cut off anywhere in what says so, it is what it was before.
    for cut in 0..added.len() - 1 {
        let cut = [&file[..], &added[..cut]].concat();
        assert_eq!(lines(&agent(settings(), &cut)), whole(&file));
    }
    file.extend_from_slice(&added);
    assert_eq!(
        agent(anthropic(), &file).transcript().messages(),
        moved.transcript().messages()
    );
    let back = agent(settings(), &file);
    let said: Vec<Value> = lines(&back);
    // What was said on this wire is as it was.
    let before = agent(settings(), &file[..file.len() - added.len()]);
    assert!(
        back.transcript()
            .messages()
            .starts_with(before.transcript().messages())
    );
    assert_eq!(
        said.last().map(|last| &last["content"]),
        Some(&json!("hier"))
    );
    assert_whole(&asked(back, "zurück"));
}

#[test]
fn what_no_run_can_go_on_with_is_named_by_its_line() {
    let file = String::from_utf8(held().journal).expect("it is text");
    let all: Vec<&str> = file.lines().collect();
    let wrong = |lines: &[&str]| {
        let file = lines.join("\n") + "\n";
        match read(settings(), file.as_bytes()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("taken:\n{file}"),
        }
    };
    let newer = all[0].replace("\"v\":1", "\"v\":2");
    assert!(wrong(&[&newer]).contains("is of version 2, and this program reads version 1"));
    let strange = all[1].replace("openai-chat", "telex");
    assert!(wrong(&[all[0], &strange]).contains("of the wire \"telex\""));
    for (what, with) in [
        (
            "{\"v\":1,\"t\":1,\"openai-chat\":[{\"role\":\"user\",\"cont",
            "line 4 of the transcript is cut off",
        ),
        ("garbage", "line 4 of the transcript is cut off"),
        ("", "line 4 of the transcript is cut off"),
        ("{}", "line 4 of the transcript is cut off"),
        ("[1]", "line 4 of the transcript is cut off"),
        (
            "{\"v\":1,\"t\":1,\"openai-chat\":{}}",
            "line 4 of the transcript is cut off",
        ),
        (
            "{\"v\":1,\"t\":1,\"openai-chat\":[7]}",
            "line 4 of the transcript is no message of its wire",
        ),
        (
            "{\"v\":1,\"t\":1,\"openai-chat\":[{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"{}\"}]}",
            "line 4 of the transcript has a tool result without its call",
        ),
    ] {
        let said = wrong(&[all[0], all[1], all[2], what, all[3]]);
        assert!(said.contains(with), "{what}: {said}");
    }
    // The line of a reply with a call, and then none with its result.
    let call = all
        .iter()
        .position(|line| line.contains("\"c1\""))
        .expect("a call");
    let mut without = all.clone();
    without.remove(call + 1);
    let said = wrong(&without);
    let number = format!(
        "line {} of the transcript has a tool call without",
        call + 1
    );
    assert!(said.contains(&number), "{said}");
    // A file of something else.
    assert!(wrong(&["{\"model\":\"x\"}", "{}"]).contains("line 1"));
}

#[test]
fn a_line_that_a_board_has_no_room_for_is_named() {
    let mut driver = driver(settings()).replies([text(&"a".repeat(70_000)).plain()]);
    driver.run("much");
    let error = read(board(), &driver.journal).err().expect("an error");
    assert!(
        error
            .to_string()
            .contains("line 2 of the transcript is larger"),
        "{error}"
    );
    // So is one of more values than it has room for.
    let many = format!(
        "{{\"v\":1,\"t\":1,\"openai-chat\":[{}1]}}\n",
        "1,".repeat(20_000)
    );
    let file = [&driver.journal[..], many.as_bytes()].concat();
    assert!(read(board(), &file).is_err());
}

#[test]
fn it_is_told_to_a_person_line_by_line() {
    let journal = held().journal;
    let told: Vec<String> = journal
        .split(|byte| *byte == b'\n')
        .filter_map(|line| Some(SessionLine::read(line)?.markdown()))
        .collect();
    assert_eq!(told[0], "## You\n\nfirst\n\n");
    assert!(told[1].starts_with("    memory_write {"), "{}", told[1]);
    assert!(told[2].starts_with("    = {"), "{}", told[2]);
    assert_eq!(told[3], "## Dewclaw\n\nnoted\nwith \"quotes\"\n\n");
    assert_eq!(
        told.last().map(String::as_str),
        Some("## Dewclaw\n\nlast\n\n")
    );
    let result = br#"{"v":1,"t":1,"openai-chat":[{"role":"tool","tool_call_id":"c","content":"one\n# two"}]}"#;
    let told = SessionLine::read(result).map(|line| line.markdown());
    assert_eq!(told.as_deref(), Some("    = one\n    # two\n\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(settings(), &bytes);
        let _ = read(board(), &bytes);
    }

    #[test]
    fn a_file_with_other_bytes_in_it_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = FILE.with(Clone::clone);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        for settings in [settings(), board()] {
            if let Ok(agent) = read(settings, &file) {
                // What a person has changed within a message is what the model gets.
                prop_assert!(!asked(agent, "on").is_empty());
            }
        }
    }

    #[test]
    fn lines_in_any_order_are_survived(order in prop::collection::vec(0usize..20, 0..30)) {
        let file = FILE.with(Clone::clone);
        let all: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let head = &all[..2];
        let mixed: Vec<&[u8]> = order.iter().filter_map(|at| all.get(*at).copied()).collect();
        let mixed = [head.concat(), mixed.concat()].concat();
        if let Ok(agent) = read(settings(), &mixed) {
            assert_whole(&asked(agent, "on"));
        }
    }
}

thread_local! {
    static FILE: Vec<u8> = held().journal;
}
