//! Conversations under `--limits board`: what is left out of any of them, what is saved and gone on with, and each limit at its last
//! byte and one past it. (That all of them together keep below the figure, `limits` counts.)

mod script;

#[path = "anthropic/rules.rs"]
mod rules;
#[path = "anthropic/said.rs"]
#[allow(dead_code, reason = "it serves the tests of the wire too")]
mod said;

use dewclaw_agent_core::{
    Agent, Effect, Event, Limits, Outcome, Reason, RestoreError, Settings, WireName, tools,
};
use proptest::prelude::*;
use script::{Call, Driver, Reply, calls, sse, text};
use serde_json::{Value, json};

const WIRES: [WireName; 2] = [WireName::OpenAi, WireName::Anthropic];

/// What the history may have.
const HISTORY: usize = Limits::BOARD_BYTES / 4;

fn settings(wire: WireName) -> Settings {
    Settings {
        wire,
        limits: Limits::Board,
        ..script::settings()
    }
}

fn driver(settings: Settings) -> Driver {
    Driver::new(settings).file("big.txt", "\"quotes\" and a line\n".repeat(3_000))
}

fn says(wire: WireName, words: &str) -> Reply {
    match wire {
        WireName::OpenAi => text(words).plain(),
        WireName::Anthropic => said::answer(words).plain(),
    }
}

fn asks(wire: WireName, made: &[Call]) -> Reply {
    match wire {
        WireName::OpenAi => calls(made.to_vec()).plain(),
        WireName::Anthropic => said::said(made.iter().map(|call| {
            let input = serde_json::from_str(&call.arguments).expect("arguments are JSON");
            said::call(&call.id, &call.name, &input)
        }))
        .plain(),
    }
}

/// Asserts what the wire wants of a request.
#[track_caller]
fn assert_sound(wire: WireName, request: &[u8]) {
    match wire {
        WireName::OpenAi => script::assert_whole(&script::messages(request)),
        WireName::Anthropic => {
            let request: Value = serde_json::from_slice(request).expect("a request is JSON");
            rules::assert_whole(&request);
            rules::assert_marked(&request);
        }
    }
}

/// One turn of the model's in which it calls tools.
#[derive(Clone, Debug)]
enum Turn {
    /// So many pages of a large file.
    Reads(usize),
    /// A file of so many bytes.
    Writes(usize),
}

/// One run: letters of the prompt, turns, and letters of the answer.
#[derive(Clone, Debug)]
struct Run {
    prompt: usize,
    turns: Vec<Turn>,
    answer: usize,
}

fn any_run() -> impl Strategy<Value = Run> {
    let turn = prop_oneof![
        3 => (1..6_usize).prop_map(Turn::Reads),
        1 => (0..19_000_usize).prop_map(Turn::Writes),
    ];
    let length = || prop_oneof![3 => 1..300_usize, 2 => 1..20_000_usize, 1 => 20_000..22_000_usize];
    let turns = prop::collection::vec(turn, 0..14);
    (length(), turns, length()).prop_map(|(prompt, turns, answer)| Run {
        prompt,
        turns,
        answer,
    })
}

fn replies(wire: WireName, number: usize, run: &Run) -> Vec<Reply> {
    let turn = |(at, turn): (usize, &Turn)| {
        let made: Vec<Call> = match turn {
            Turn::Reads(count) => (0..*count)
                .map(|call| {
                    let read = json!({"path": "big.txt", "offset": 1 + at * 40 + call * 3});
                    Call::new(&format!("c{number}_{at}_{call}"), "read_file", &read)
                })
                .collect(),
            Turn::Writes(bytes) => {
                let write = json!({"path": "b.txt", "content": "x".repeat(*bytes)});
                vec![Call::new(&format!("c{number}_{at}"), "write_file", &write)]
            }
        };
        asks(wire, &made)
    };
    let turns = run.turns.iter().enumerate().map(turn);
    turns.chain([says(wire, &"y".repeat(run.answer))]).collect()
}

/// Holds a conversation and checks every request; what is saved after the call with number `saved_at` is gone on with.
fn hold(settings: &Settings, runs: &[Run], saved_at: Option<usize>) -> (Vec<Vec<u8>>, usize) {
    let wire = settings.wire;
    let mut driver = driver(settings.clone());
    let mut over = 0;
    for (number, run) in runs.iter().enumerate() {
        let before = driver.requests.len();
        driver.script = replies(wire, number, run).into();
        let prompt = format!("prompt {number}.{}", "p".repeat(run.prompt));
        driver
            .agent
            .prompt(driver.now, &prompt)
            .expect("nothing else is going on");
        let outcome = loop {
            if let Some(outcome) = driver.step() {
                break outcome;
            }
            if let Some(Effect::Event(Event::ToolFinished { .. })) = driver.effects.last() {
                over += 1;
                if saved_at == Some(over) {
                    let saved = driver.agent.save();
                    let agent = Agent::restore(settings.clone(), &tools::ALL, Vec::new(), &saved);
                    driver.replace_agent(agent.expect("it was saved"));
                    driver.effects.clear();
                }
            }
        };
        assert!(
            matches!(
                outcome.reason,
                Reason::Answered | Reason::StepLimit | Reason::Failed(_)
            ),
            "{outcome:?}"
        );
        assert!(driver.agent.transcript().messages().len() <= HISTORY);
        let mark = format!("prompt {number}.");
        for request in &driver.requests[before..] {
            assert_sound(wire, request);
            let has = request
                .windows(mark.len())
                .any(|part| part == mark.as_bytes());
            assert!(has, "the prompt of the run is there");
        }
    }
    (driver.requests, over)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_conversation_stays_whole_below_its_limit_and_the_same_saved_or_not(
        runs in prop::collection::vec(any_run(), 1..8),
        max_steps in 1..12_u32,
        is_blocks in any::<bool>(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 2),
    ) {
        let settings = Settings { max_steps, ..settings(WIRES[usize::from(is_blocks)]) };
        let (requests, over) = hold(&settings, &runs, None);
        prop_assert!(requests == hold(&settings, &runs, None).0, "it is the same each time");
        for place in places {
            if over > 0 {
                let at = 1 + place.index(over);
                let (saved, _) = hold(&settings, &runs, Some(at));
                prop_assert!(requests == saved, "saved after call {}", at);
            }
        }
    }
}

/// A conversation of megabytes whose last message has calls that wait.
fn saved_without_limits(wire: WireName, turns: usize, content: usize) -> Vec<u8> {
    let unlimited = Settings {
        limits: Limits::None,
        ..settings(wire)
    };
    let mut driver = driver(unlimited);
    for turn in 0..turns {
        driver.script = [says(wire, &"z".repeat(10_000))].into();
        driver.run(&format!("prompt {turn}"));
    }
    let write = json!({"path": "b.txt", "content": "w".repeat(content)});
    let read = json!({"path": "big.txt"});
    driver.script = [asks(
        wire,
        &[
            Call::new("w", "write_file", &write),
            Call::new("r", "read_file", &read),
        ],
    )]
    .into();
    driver
        .agent
        .prompt(driver.now, "the last prompt")
        .expect("nothing else is going on");
    while !matches!(
        driver.effects.last(),
        Some(Effect::Event(Event::ToolFinished { .. }))
    ) {
        driver.step();
    }
    driver.agent.save()
}

fn restored(wire: WireName, saved: &[u8]) -> Result<Agent, RestoreError> {
    Agent::restore(settings(wire), &tools::ALL, Vec::new(), saved)
}

#[test]
fn a_conversation_past_the_limit_with_open_calls_goes_on_on_either_wire() {
    for from in WIRES {
        let saved = saved_without_limits(from, 200, 10_000);
        assert!(saved.len() > 2_000_000);
        for to in WIRES {
            let mut driver = driver(settings(to));
            driver.replace_agent(restored(to, &saved).expect("it fits"));
            assert!(driver.agent.transcript().messages().len() <= HISTORY);
            driver.script = [says(to, "Done.")].into();
            let outcome = loop {
                if let Some(outcome) = driver.step() {
                    break outcome;
                }
            };
            assert_eq!(
                (outcome.reason, &*outcome.text),
                (Reason::Answered, "Done.")
            );
            let request = String::from_utf8_lossy(&driver.requests[0]).into_owned();
            assert_sound(to, request.as_bytes());
            assert!(request.contains("the last prompt"), "{from:?} to {to:?}");
            // A call that waited is run, but not on another wire, where it was made by another model.
            let of_the_call = if from == to {
                "and a line"
            } else {
                "interrupted"
            };
            assert!(request.contains(of_the_call), "{from:?} to {to:?}");
            assert!(driver.agent.transcript().messages().len() <= HISTORY);
            let said = |event: &&Event| matches!(event, Event::Notice(text) if text.contains("160 KiB of --limits board"));
            assert_eq!(driver.events().into_iter().filter(said).count(), 1);
        }
    }
}

#[test]
fn what_goes_on_and_is_larger_than_the_limit_is_refused() {
    for wire in WIRES {
        let saved = saved_without_limits(wire, 0, 200_000);
        let refused = restored(wire, &saved).err().expect("it does not fit");
        assert!(refused.to_string().contains("limits"), "{refused}");
    }
}

/// The outcome of a prompt to a model that replies so.
fn outcome_of(reply: Reply) -> Outcome {
    let mut driver = driver(settings(WireName::OpenAi)).replies([reply]);
    driver.run("go")
}

#[track_caller]
fn fits(what: &str, reply: Reply, fits: bool) {
    match outcome_of(reply).reason {
        Reason::Failed(failure) => {
            assert!(!fits, "{what}: {}", failure.message);
            assert!(
                failure.message.contains("20 KiB of --limits board"),
                "{}",
                failure.message
            );
        }
        _ => assert!(fits, "{what}"),
    }
}

/// The last number that fits, and the next one.
fn at_and_past(last: usize) -> [(usize, bool); 2] {
    [(last, true), (last + 1, false)]
}

#[test]
fn a_reply_fits_to_the_byte() {
    const MOST: usize = 20 * 1024;
    let delta = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}}]});
    let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    for (bytes, does) in at_and_past(MOST) {
        // Text, in pieces; then a control character, which takes six bytes as JSON.
        for (last, cost) in [("x", 1), ("\"", 2), ("\u{1}", 6)] {
            let mut events: Vec<Value> = vec![delta(&"x".repeat(1_000)); (bytes - cost) / 1_000];
            events.push(delta(&"x".repeat((bytes - cost) % 1_000)));
            events.push(delta(last));
            events.push(stop.clone());
            fits("a text", Reply::stream(sse(events)), does);
        }
        // A body that is no stream.
        let body = text("x").plain().body();
        let padded = [&body[..], &b" ".repeat(bytes - body.len())].concat();
        fits("a body", Reply::json(padded), does);
        // The line of an event, with its name and its end.
        let data = delta("x").to_string();
        let event = format!(
            "data: {data}{}\n\n",
            " ".repeat(bytes - "data: \n".len() - data.len())
        );
        fits(
            "an event",
            Reply::stream([event, sse([stop.clone()])].concat()),
            does,
        );
    }
}

/// The result of the one call of a reply.
fn result_of(files: &[(String, String)], name: &str, arguments: &Value) -> (bool, Value) {
    let call = calls([Call::new("a", name, arguments)]).plain();
    let mut driver = driver(settings(WireName::OpenAi)).replies([call, text("done").plain()]);
    for (path, content) in files {
        driver = driver.file(path, content);
    }
    driver.run("go");
    let (_, ok, result) = driver.results().remove(0);
    (ok, result)
}

#[test]
fn what_tools_take_fits_to_the_byte() {
    let kind = |result: &Value| result["error"]["kind"].as_str().map(str::to_owned);
    for (bytes, fits) in at_and_past(40 * 1024) {
        let file = ("a.txt".to_owned(), format!("a{}", "b".repeat(bytes - 1)));
        let edit = json!({"path": "a.txt", "old_text": "a", "new_text": "c"});
        let (ok, result) = result_of(&[file], "edit_file", &edit);
        assert_eq!(
            (ok, kind(&result).as_deref() == Some("too_large")),
            (fits, !fits)
        );
    }
    for (bytes, fits) in at_and_past(16 * 1024) {
        let file = ("memory/MEMORY.md".to_owned(), "m".repeat(bytes));
        let (ok, result) = result_of(&[file], "memory_read", &json!({}));
        assert_eq!(
            (ok, kind(&result).as_deref() == Some("too_large")),
            (fits, !fits)
        );
    }
    for (count, fits) in at_and_past(102) {
        let files: Vec<_> = (0..count)
            .map(|at| (format!("folder/{at}"), String::new()))
            .collect();
        let (_, result) = result_of(&files, "list_directory", &json!({"path": "folder"}));
        assert_eq!(result["truncated"] != true, fits, "{count}");
        assert_eq!(result["entries"].as_array().map(Vec::len), Some(102));
    }
    // Values of the arguments: the path and the array with what is in it.
    for (count, fits) in at_and_past(1_024 - 2) {
        let read = json!({"path": "big.txt", "x": vec![0; count]});
        let (_, result) = result_of(&[], "read_file", &read);
        let message = result["error"]["message"].to_string();
        assert_eq!(message.contains("\\\"x\\\""), fits, "{count}: {message}");
    }
}

#[test]
fn the_results_of_a_reply_share_what_there_is() {
    // A control character in a file takes six bytes, so a page of them is cut to as many as fit.
    for (count, most) in [(1, 10_240), (2, 10_240), (3, 6_826), (16, 1_280)] {
        let read = |at: usize| {
            Call::new(
                &format!("c{at}"),
                "read_file",
                &json!({"path": "big.txt", "offset": at + 1}),
            )
        };
        let made = calls((0..count).map(read)).plain();
        let mut driver = driver(settings(WireName::OpenAi)).replies([made, text("done").plain()]);
        driver.run("go");
        let messages = script::messages(&driver.requests[1]);
        let results = messages.iter().filter(|message| message["role"] == "tool");
        let lengths: Vec<_> = results
            .map(|result| result["content"].as_str().map_or(0, str::len))
            .collect();
        assert_eq!(lengths.len(), count);
        for length in lengths {
            assert!(
                length <= most && length * 10 > most * 8,
                "{count}: {length}"
            );
        }
    }
}
