//! The context window: when a conversation is compacted, what becomes of it, and what a server that refuses it brings about.

mod script;

#[path = "anthropic/rules.rs"]
mod rules;
#[path = "anthropic/said.rs"]
#[allow(dead_code, reason = "it serves the tests of the wire too")]
mod said;

use dewclaw_agent_core::{
    Agent, Compaction, Effect, Event, FailureKind, Input, Misuse, Outcome, Reason, Settings,
    WireName, tools,
};
use proptest::prelude::*;
use script::{Call, Driver, Reply, assert_whole, calls, messages, text};
use serde_json::{Value, json};

/// What a message begins with that holds a summary.
const SUMMARY: &str = "[Summary of the conversation before this:]\n";

/// A window of so many tokens, of which 55 % are for what is sent, at 3.5 bytes each.
fn settings(window: u32) -> Settings {
    Settings {
        context_window: window,
        ..script::settings()
    }
}

/// Without tools, so that the head is small.
fn driver(settings: Settings) -> Driver {
    Driver::with_tools(settings, &[])
}

/// With every tool, and a file of 40,000 bytes.
fn reader(settings: Settings) -> Driver {
    Driver::new(settings).file("big.txt", "a line of the large file\n".repeat(1_600))
}

/// Runs that take about so many bytes each.
fn talk(driver: &mut Driver, turns: usize, bytes: usize) {
    for turn in 0..turns {
        driver
            .script
            .push_back(text(&"y".repeat(bytes / 2)).plain());
        let outcome = driver.run(&format!("prompt {turn} {}", "p".repeat(bytes / 2)));
        assert_eq!(outcome.reason, Reason::Answered);
    }
}

fn notices(driver: &Driver) -> Vec<&str> {
    let notices = driver.events().into_iter().filter_map(|event| match event {
        Event::Notice(notice) => Some(notice.as_str()),
        _ => None,
    });
    notices.collect()
}

fn shown(driver: &Driver) -> String {
    let texts = driver.events().into_iter().filter_map(|event| match event {
        Event::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[track_caller]
fn failure(outcome: &Outcome) -> (FailureKind, &str) {
    match &outcome.reason {
        Reason::Failed(failure) => (failure.kind, &failure.message),
        other => panic!("it did not fail: {other:?}"),
    }
}

fn too_long() -> Reply {
    Reply::error(
        400,
        "This model's maximum context length is 2000 tokens. However, your messages resulted in 2345 tokens.",
    )
}

/// The content of a message in either wire.
fn words(message: &Value) -> &str {
    let content = &message["content"];
    let block = &content[content.as_array().map_or(0, |all| all.len().max(1) - 1)]["text"];
    content.as_str().or(block.as_str()).unwrap_or_default()
}

#[test]
fn near_the_window_the_oldest_turns_are_summed_up() {
    for wire in [WireName::OpenAi, WireName::Anthropic] {
        let says = |words: &str| match wire {
            WireName::OpenAi => text(words).usage(0, 0, 0).plain(),
            WireName::Anthropic => said::answer(words).plain(),
        };
        let settings = Settings {
            wire,
            max_tokens: 1_000,
            ..settings(4_000)
        };
        let mut driver = Driver::with_tools(settings, &[]);
        for turn in 0..3 {
            driver.script = [says(&"y".repeat(1_000))].into();
            driver.run(&format!("prompt {turn} {}", "p".repeat(1_000)));
        }
        assert_eq!(notices(&driver), [""; 0], "there is room for three turns");
        driver.script = [says("They said p."), says("Well.")].into();
        let outcome = driver.run(&format!("prompt 3 {}", "p".repeat(2_000)));
        assert_eq!(
            (outcome.reason, &*outcome.text),
            (Reason::Answered, "Well.")
        );
        assert_eq!(driver.requests.len(), 5);
        let asked = messages(&driver.requests[3]);
        let ask = words(asked.last().expect("there are messages"));
        assert!(ask.contains("Sum up the"), "{ask}");
        let last = words(&asked[asked.len() - 2]);
        assert_eq!(last.as_bytes()[0], b'y', "whole turns: {last}");
        let head = driver.requests[2]
            .windows(8)
            .position(|part| part == b"prompt 0");
        let head = head.expect("it has the first prompt");
        assert_eq!(driver.requests[2][..head], driver.requests[3][..head]);
        let sent = messages(&driver.requests[4]);
        let prompts: Vec<&str> = sent
            .iter()
            .map(words)
            .filter(|text| !text.is_empty())
            .collect();
        let from = prompts
            .iter()
            .position(|text| text.starts_with(SUMMARY))
            .expect("there is a summary");
        assert_eq!(prompts[from], [SUMMARY, "They said p."].concat());
        assert!(
            prompts
                .last()
                .is_some_and(|text| text.starts_with("prompt 3"))
        );
        assert!(
            !driver.requests[4]
                .windows(8)
                .any(|part| part == b"prompt 0")
        );
        assert!(
            !shown(&driver).contains("They said"),
            "it is no part of the answer"
        );
        let [notice] = notices(&driver)[..] else {
            panic!("one notice: {:?}", notices(&driver));
        };
        assert!(notice.contains("summed up: "), "{notice}");
        if wire == WireName::Anthropic {
            rules::assert_marked(&serde_json::from_slice(&driver.requests[3]).expect("JSON"));
        }
    }
}

#[test]
fn a_summary_is_summed_up_with_what_followed_it() {
    let mut driver = driver(settings(4_000));
    for turn in 0..30 {
        driver.script = [text(&format!("s{turn}")).plain(), text("a").plain()].into();
        driver.run(&format!("prompt {turn} {}", "p".repeat(1_500)));
        let sent = messages(driver.requests.last().expect("it was asked"));
        let summaries = sent
            .iter()
            .filter(|message| words(message).starts_with(SUMMARY));
        assert!(summaries.count() <= 1, "turn {turn}");
        assert_whole(&sent);
    }
    let made = notices(&driver).len();
    assert!((5..20).contains(&made), "{made} summaries of 30 turns");
}

#[test]
fn with_tools_the_summary_is_asked_for_without_any() {
    let mut driver = reader(settings(20_000));
    talk(&mut driver, 3, 10_000);
    driver.script = [
        text("S.").usage(300, 20, 0).plain(),
        text("A.").usage(70, 8, 0).plain(),
    ]
    .into();
    let outcome = driver.run(&"p".repeat(15_000));
    assert_eq!(outcome.text, "A.");
    assert_eq!(
        (outcome.usage.input_tokens, outcome.usage.output_tokens),
        (370, 28)
    );
    let [.., asked, sent] = &driver.requests[..] else {
        panic!("two requests and more");
    };
    let body = |request: &[u8]| serde_json::from_slice::<Value>(request).expect("JSON");
    assert_eq!(body(asked)["tool_choice"], "none");
    assert!(body(sent).get("tool_choice").is_none());
}

#[test]
fn calls_in_the_reply_to_it_are_passed_over() {
    let mut driver = reader(settings(20_000));
    talk(&mut driver, 3, 10_000);
    let mut reply = calls([Call::new(
        "c",
        "write_file",
        &json!({"path": "x", "content": "x"}),
    )]);
    reply.text = "S.".into();
    driver.script = [reply.streamed(), text("A.").plain()].into();
    assert_eq!(driver.run(&"p".repeat(15_000)).text, "A.");
    assert!(driver.operations().is_empty(), "nothing was run");
    assert_whole(&driver.transcript());
}

#[test]
fn by_the_setting_they_are_left_out() {
    let mut driver = driver(Settings {
        compaction: Compaction::Drop,
        ..settings(4_000)
    });
    talk(&mut driver, 5, 2_000);
    let sent = messages(driver.requests.last().expect("it was asked"));
    assert_eq!(driver.requests.len(), 5, "nothing else was asked for");
    assert!(
        words(&sent[1]).starts_with("prompt 3"),
        "{}",
        words(&sent[1])
    );
    assert_eq!(
        notices(&driver),
        ["to make room in the context window, oldest turns left out: 3"]
    );
}

#[test]
fn where_no_summary_can_be_had_they_are_left_out() {
    let failures: [&[Reply]; 4] = [
        &[Reply::error(401, "no")],
        &[Reply::error(503, "later"), Reply::error(503, "later")],
        &[text(" ").plain()],
        &[text(&"long ".repeat(2_000)).plain()],
    ];
    for replies in failures {
        let mut driver = driver(Settings {
            retry_attempts: 2,
            ..settings(4_000)
        });
        talk(&mut driver, 3, 2_000);
        driver.script = replies.to_vec().into();
        driver.script.push_back(text("A.").plain());
        let outcome = driver.run(&format!("prompt 3 {}", "p".repeat(2_000)));
        assert_eq!((outcome.reason, &*outcome.text), (Reason::Answered, "A."));
        let told = notices(&driver);
        assert!(
            told[0].starts_with("no summary could be made: "),
            "{told:?}"
        );
        assert!(told[1].ends_with("oldest turns left out: 3"), "{told:?}");
        let sent = messages(driver.requests.last().expect("it was asked"));
        assert_eq!(sent.len(), 2);
    }
}

#[test]
fn a_summary_that_would_not_fit_itself_is_made_of_what_does() {
    let mut driver = driver(settings(0));
    talk(&mut driver, 20, 2_000);
    let saved = driver.agent.save();
    let small = settings(4_000);
    let agent = Agent::restore(small, &[], Vec::new(), &saved).expect("it was saved");
    driver.replace_agent(agent);
    driver.script = [text("S.").plain(), text("A.").plain()].into();
    assert_eq!(driver.run("go on").text, "A.");
    let told = notices(&driver);
    assert!(
        told[0].contains("left out: ") && told[1].contains("summed up: "),
        "{told:?}"
    );
    let asked = &driver.requests[driver.requests.len() - 2];
    assert!(
        asked.len() < 10_500,
        "{} bytes in a window of 14,000",
        asked.len()
    );
}

#[test]
fn the_steps_of_a_run_that_is_too_large_are_left_out() {
    for wire in [WireName::OpenAi, WireName::Anthropic] {
        let mut driver = reader(Settings {
            wire,
            ..settings(12_000)
        });
        let read = |at: usize| {
            let read = json!({"path": "big.txt", "offset": at * 200 + 1, "limit": 200});
            let call = Call::new(&format!("c{at}"), "read_file", &read);
            match wire {
                WireName::OpenAi => calls([call]).plain(),
                WireName::Anthropic => {
                    said::said([said::call(&call.id, &call.name, &read)]).plain()
                }
            }
        };
        let answer = match wire {
            WireName::OpenAi => text("A.").plain(),
            WireName::Anthropic => said::answer("A.").plain(),
        };
        driver.script = (0..8).map(read).chain([answer]).collect();
        assert_eq!(driver.run("read it all").text, "A.");
        for request in &driver.requests {
            assert!(request.len() < 42_000, "{} bytes in 42,000", request.len());
            match wire {
                WireName::OpenAi => assert_whole(&messages(request)),
                WireName::Anthropic => {
                    let request: Value = serde_json::from_slice(request).expect("JSON");
                    rules::assert_whole(&request);
                    rules::assert_marked(&request);
                }
            }
            let has = |text: &str| {
                request
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            };
            assert!(has("read it all"), "the prompt is there");
        }
        let last = String::from_utf8_lossy(driver.requests.last().expect("it was asked"));
        assert!(
            last.contains("\"c7\"") && !last.contains("\"c0\""),
            "the last step is there"
        );
        assert!(last.contains("Earlier steps of this run were left out"));
        assert!(
            notices(&driver)
                .iter()
                .all(|notice| notice.contains("steps of this run"))
        );
    }
}

#[test]
fn a_prompt_larger_than_the_window_is_not_sent() {
    let mut driver = driver(settings(4_000));
    talk(&mut driver, 2, 2_000);
    let before = driver.agent.transcript().clone();
    let outcome = driver.run(&"p".repeat(20_000));
    let (kind, message) = failure(&outcome);
    assert_eq!(kind, FailureKind::Context);
    assert!(
        message.contains("about 57") && message.contains(" 4000"),
        "{message}"
    );
    assert_eq!(driver.requests.len(), 2, "it was not sent");
    assert_eq!(
        *driver.agent.transcript(),
        before,
        "the conversation is as it was"
    );
    driver.script = [text("A.").plain()].into();
    assert_eq!(driver.run("shorter").text, "A.");
    assert_eq!(messages(&driver.requests[2]).len(), 6);
}

/// The table may be wrong, and the estimate too: what is not far past the window is left to the server.
#[test]
fn the_tables_window_is_not_certain() {
    let by_name = || {
        driver(Settings {
            model: "gpt-4".into(),
            ..settings(0)
        })
    };
    let mut sent = by_name().replies([text("A.").plain()]);
    assert_eq!(sent.run(&"p".repeat(50_000)).text, "A.");
    let mut driver = by_name();
    assert_eq!(
        failure(&driver.run(&"p".repeat(60_000))).0,
        FailureKind::Context
    );
    assert!(driver.requests.is_empty());
}

#[test]
fn without_a_window_nothing_is_compacted_before_a_server_says_so() {
    let mut driver = driver(settings(0));
    talk(&mut driver, 50, 20_000);
    assert_eq!(notices(&driver), [""; 0]);
    assert_eq!(driver.requests.len(), 50);
    driver.script = [
        Reply::error(400, "prompt is too long: 281000 tokens > 200000 maximum"),
        text("S.").plain(),
        text("A.").plain(),
    ]
    .into();
    assert_eq!(driver.run("go on").text, "A.");
    let [.., refused, asked, sent] = &driver.requests[..] else {
        panic!("three requests and more");
    };
    assert!(asked.len() < refused.len() && sent.len() < refused.len());
    // From now on the window is known.
    for turn in 0..60 {
        driver.script = [text("S.").plain(), text("A.").plain()].into();
        driver.run(&format!("{turn} {}", "p".repeat(20_000)));
    }
    assert!(notices(&driver).len() > 1, "{:?}", notices(&driver));
    let most = driver.requests[53..].iter().map(Vec::len).max();
    assert!(most < Some(200_000 * 35 / 10 * 80 / 100), "{most:?}");
}

#[test]
fn an_overflow_leads_to_one_compaction_and_one_retry_and_no_third() {
    for compaction in [Compaction::Summary, Compaction::Drop] {
        let mut driver = driver(Settings {
            compaction,
            ..settings(0)
        });
        talk(&mut driver, 4, 2_000);
        driver.script = [too_long()].into();
        if compaction == Compaction::Summary {
            driver.script.push_back(text("S.").plain());
        }
        driver.script.push_back(too_long());
        let before = driver.requests.len();
        let (made, waits) = (driver.script.len(), driver.waits().len());
        let outcome = driver.run("go on");
        let (kind, message) = failure(&outcome);
        assert_eq!(kind, FailureKind::Context);
        for part in [
            "maximum context length is 2000",
            "context window",
            "put less",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(driver.requests.len() - before, made);
        assert_eq!(driver.waits().len(), waits, "there is nothing to wait for");
        assert_eq!(outcome.reason.exit_code(), 3);
    }
}

#[test]
fn each_model_call_has_its_own_retry() {
    let mut driver = reader(Settings {
        compaction: Compaction::Drop,
        ..settings(0)
    });
    talk(&mut driver, 12, 20_000);
    let refused = || Reply::error(413, "Payload Too Large");
    let read = calls([Call::new("c", "read_file", &json!({"path": "big.txt"}))]);
    driver.script = [refused(), read.plain(), refused(), text("A.").plain()].into();
    assert_eq!(driver.run("go on").text, "A.");
    assert_eq!(notices(&driver).len(), 2);
}

#[test]
fn a_400_far_from_the_window_is_none() {
    let mut driver = driver(settings(4_000));
    talk(&mut driver, 2, 1_000);
    driver.script = [Reply::error(400, "bad request")].into();
    assert_eq!(failure(&driver.run("go on")).0, FailureKind::Rejected);
    assert_eq!(notices(&driver), [""; 0]);
}

#[test]
fn a_400_past_80_percent_is_one() {
    let mut driver = driver(Settings {
        compaction: Compaction::Drop,
        ..settings(4_000)
    });
    talk(&mut driver, 1, 2_000);
    // A prompt that can't be made smaller, between 80 and 100 %: it is sent, without the turn before it.
    driver.script = [Reply::error(400, "bad request")].into();
    let outcome = driver.run(&"p".repeat(12_500));
    assert_eq!(failure(&outcome).0, FailureKind::Context);
    assert_eq!(notices(&driver).len(), 1);
    assert_eq!(messages(driver.requests.last().expect("sent")).len(), 2);
}

#[test]
fn the_servers_count_calibrates() {
    // A server that counts a token for each byte: a quarter of the bytes that the guess leaves fill the window.
    let mut driver = driver(Settings {
        compaction: Compaction::Drop,
        ..settings(40_000)
    });
    for turn in 0..30_u64 {
        let bytes = driver.agent.transcript().messages().len() as u64 + 1_500;
        driver.script = [text("yes").usage(bytes, 1, 0).plain()].into();
        driver.run(&format!("prompt {turn} {}", "p".repeat(2_000)));
    }
    let most = driver.requests.iter().map(Vec::len).max();
    assert!(most < Some(32_000) && most > Some(20_000), "{most:?}");
    assert!(!notices(&driver).is_empty());
}

#[test]
fn a_server_that_cuts_requests_off_is_named_once() {
    let mut driver = driver(settings(0));
    driver.script = [text("A.").usage(1_000, 1, 0).plain()].into();
    driver.run(&"p ".repeat(2_000));
    assert_eq!(notices(&driver), [""; 0]);
    for _ in 0..2 {
        driver.effects.clear();
        driver.script = [text("A.").usage(1_024, 1, 0).plain()].into();
        driver.run(&"p ".repeat(10_000));
        let [notice] = notices(&driver)[..] else {
            panic!("one notice: {:?}", notices(&driver));
        };
        for part in ["1024 tokens", "cut off", "num_ctx", "context_window"] {
            assert!(notice.contains(part), "{part}: {notice}");
        }
    }
}

#[test]
fn other_counts_are_not_taken_for_it() {
    // Nothing counted; what was cached left out of the count, told or not; a text of long tokens; a small request.
    let counts: [&[(usize, [u64; 3])]; 5] = [
        &[(50_000, [0, 1, 0])],
        &[(50_000, [100, 1, 12_000])],
        &[(50_000, [12_000, 1, 0]), (20_000, [5_000, 1, 0])],
        &[(50_000, [4_000, 1, 0]), (20_000, [5_500, 1, 0])],
        &[(5_000, [10, 1, 0])],
    ];
    for run in counts {
        let mut driver = driver(settings(0));
        for (bytes, [input, output, cached]) in run {
            driver.script = [text("A.").usage(*input, *output, *cached).plain()].into();
            driver.run(&"p".repeat(*bytes));
        }
        assert_eq!(notices(&driver), [""; 0], "{run:?}");
    }
}

/// Drives a run that was begun to its end.
#[track_caller]
fn finish(driver: &mut Driver) -> Outcome {
    for _ in 0..10_000 {
        if let Some(outcome) = driver.step() {
            return outcome;
        }
    }
    panic!("the run goes on for ever");
}

#[test]
fn compacting_is_a_run_of_its_own() {
    let mut driver = driver(settings(0));
    assert_eq!(driver.agent.compact(driver.now), Ok(()));
    assert_eq!(finish(&mut driver).reason, Reason::Answered);
    assert_eq!(notices(&driver), ["there is nothing to sum up"]);

    talk(&mut driver, 3, 500);
    driver.script = [text("S.").usage(9, 5, 0).streamed()].into();
    assert_eq!(driver.agent.compact(driver.now), Ok(()));
    assert_eq!(driver.agent.compact(driver.now), Err(Misuse::Busy));
    assert_eq!(driver.agent.prompt(driver.now, "hi"), Err(Misuse::Busy));
    let outcome = finish(&mut driver);
    assert_eq!((outcome.reason, &*outcome.text), (Reason::Answered, "S."));
    assert_eq!(outcome.usage.output_tokens, 5);
    assert_eq!(
        *notices(&driver).last().expect("a notice"),
        "to make room in the context window, oldest turns summed up: 3"
    );

    driver.script = [text("A.").plain()].into();
    driver.run("and now?");
    let sent = messages(driver.requests.last().expect("it was asked"));
    let sent: Vec<&str> = sent.iter().skip(1).map(words).collect();
    assert_eq!(sent, [&*[SUMMARY, "S."].concat(), "and now?"]);
}

#[test]
fn compacting_that_fails_changes_nothing() {
    let mut driver = driver(settings(0));
    talk(&mut driver, 2, 500);
    let before = driver.agent.transcript().clone();
    let long = "longer than all that it sums up ".repeat(100);
    for (reply, kind) in [
        (Reply::error(401, "no"), FailureKind::Unauthorized),
        (too_long(), FailureKind::Context),
        (text("").plain(), FailureKind::Malformed),
        (text(&long).plain(), FailureKind::Malformed),
    ] {
        driver.script = [reply].into();
        assert_eq!(driver.agent.compact(driver.now), Ok(()));
        assert_eq!(failure(&finish(&mut driver)).0, kind);
        assert_eq!(*driver.agent.transcript(), before);
    }
    driver.script = [text("S.").plain()].into();
    driver.agent.compact(driver.now).expect("idle");
    driver.agent.next();
    driver
        .agent
        .feed(driver.now, Input::Cancel)
        .expect("it fits");
    while !matches!(driver.agent.next(), Effect::Finished(_)) {}
    assert_eq!(*driver.agent.transcript(), before);
}

/// What is done to a run after so many of its effects.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disturbed {
    Cancelled,
    Saved,
}

/// A run that needs a summary first, disturbed after so many effects.
fn disturbed(how: Disturbed, at: usize, alone: bool) -> (Driver, Outcome) {
    let settings = settings(4_000);
    let mut driver = driver(settings.clone());
    talk(&mut driver, 3, 2_000);
    driver.script = [text("S.").streamed(), text("A.").streamed()].into();
    match alone {
        true => driver.agent.compact(driver.now),
        false => driver.agent.prompt(driver.now, &"p".repeat(2_000)),
    }
    .expect("idle");
    for step in 0.. {
        if step == at && how == Disturbed::Cancelled {
            driver
                .agent
                .feed(driver.now, Input::Cancel)
                .expect("it fits");
        }
        if step == at && how == Disturbed::Saved {
            let saved = driver.agent.save();
            let agent = Agent::restore(settings.clone(), &[], Vec::new(), &saved);
            driver.replace_agent(agent.expect("it was saved"));
            // Whatever is asked again is answered again.
            let has_summary = String::from_utf8_lossy(&saved).contains("Summary of the");
            driver.script = [text("A.").streamed()].into();
            if !has_summary {
                driver.script.push_front(text("S.").streamed());
            }
        }
        if let Some(outcome) = driver.step() {
            return (driver, outcome);
        }
        assert!(step < 1_000, "it goes on for ever");
    }
    unreachable!("the steps don't end");
}

#[test]
fn saved_or_cancelled_at_any_moment_the_conversation_stays_whole() {
    for alone in [false, true] {
        let wanted = if alone { "S." } else { "A." };
        for at in 0..30 {
            let (mut driver, outcome) = disturbed(Disturbed::Saved, at, alone);
            assert_eq!(
                (&outcome.reason, &*outcome.text),
                (&Reason::Answered, wanted),
                "saved at {at}"
            );
            let lines: Vec<Value> = driver
                .agent
                .transcript()
                .lines()
                .map(|line| serde_json::from_slice(line).expect("a line is JSON"))
                .collect();
            let summaries = lines.iter().filter(|line| words(line).starts_with(SUMMARY));
            assert_eq!(summaries.count(), 1, "saved at {at}");
            driver.script = [text("B.").plain()].into();
            assert_eq!(driver.run("more").text, "B.");

            let (mut driver, outcome) = disturbed(Disturbed::Cancelled, at, alone);
            assert!(
                matches!(outcome.reason, Reason::Cancelled | Reason::Answered),
                "{outcome:?}"
            );
            assert_whole(&driver.transcript());
            driver.script = [text("S.").plain(), text("B.").plain()].into();
            driver.run("more");
            assert_whole(&driver.transcript());
        }
    }
}

/// One turn of a model that reads, or answers.
fn any_turns() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..4_usize, 1..4_000_usize), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every request is whole, has the prompt of its run, and fits the window where that can be.
    #[test]
    fn any_conversation_stays_whole_and_in_its_window(
        turns in any_turns(),
        window in 6_000..30_000_u32,
        drops in any::<bool>(),
        refused in prop::option::of(0..30_usize),
    ) {
        let settings = Settings {
            compaction: if drops { Compaction::Drop } else { Compaction::Summary },
            ..settings(window)
        };
        let mut driver = reader(settings);
        for (number, (reads, bytes)) in turns.iter().enumerate() {
            let prompt = format!("prompt {number}. {}", "p".repeat(*bytes));
            driver.agent.prompt(driver.now, &prompt).expect("idle");
            let mut read = 0;
            let before = driver.requests.len();
            let outcome = loop {
                let asks = driver.agent.body_piece(0).is_some();
                if driver.script.is_empty() {
                    driver.script = [text("nothing").plain()].into();
                }
                if asks {
                    let is_summary = (0..).map_while(|at| driver.agent.body_piece(at))
                        .any(|piece| String::from_utf8_lossy(piece).contains("Sum up the"));
                    let reply = if Some(driver.requests.len()) == refused {
                        too_long()
                    } else if is_summary {
                        text("What was said.").plain()
                    } else if read < *reads {
                        let arguments = json!({"path": "big.txt", "offset": read * 40 + 1, "limit": 40});
                        calls([Call::new(&format!("c{number}_{read}"), "read_file", &arguments)]).plain()
                    } else {
                        text("done").plain()
                    };
                    driver.script = [reply].into();
                }
                let asked = driver.requests.len();
                if let Some(outcome) = driver.step() {
                    break outcome;
                }
                if driver.requests.len() > asked
                    && !String::from_utf8_lossy(&driver.requests[asked]).contains("Sum up the")
                {
                    read += 1;
                }
            };
            let _ = outcome;
            for request in &driver.requests[before..] {
                let sent = messages(request);
                assert_whole(&sent);
                prop_assert!(request.len() as u64 * 2 / 7 <= u64::from(window), "{} in {}", request.len(), window);
                let text = String::from_utf8_lossy(request);
                let is_summary = text.contains("Sum up the");
                let has_prompt = text.contains(&format!("prompt {number}. "));
                prop_assert!(is_summary != has_prompt);
            }
        }
    }
}

#[test]
fn every_tool_is_offered_all_the_same() {
    let mut driver = Driver::with_tools(settings(20_000), &tools::ALL);
    talk(&mut driver, 3, 10_000);
    driver.script = [text("S.").plain(), text("A.").plain()].into();
    driver.run(&"p".repeat(15_000));
    let offered = |request: &[u8]| {
        let request: Value = serde_json::from_slice(request).expect("JSON");
        request["tools"].as_array().map(Vec::len)
    };
    let [first, .., asked, sent] = &driver.requests[..] else {
        panic!("three requests and more");
    };
    assert_eq!(offered(first), offered(asked));
    assert_eq!(offered(first), offered(sent));
}

#[test]
fn what_is_known_of_the_window_goes_along() {
    let mut driver = driver(settings(0));
    talk(&mut driver, 4, 2_000);
    driver.script = [
        too_long(),
        text("S.").plain(),
        text("A.").usage(900, 1, 0).plain(),
    ]
    .into();
    driver.run("go on");
    let saved = driver.agent.save();
    let hold = |mut driver: Driver| {
        driver.requests.clear();
        for turn in 0..8 {
            driver.script = [text("S.").plain(), text("A.").plain()].into();
            driver.run(&format!("prompt {turn} {}", "p".repeat(1_000)));
        }
        driver.requests
    };
    let mut other = Driver::with_tools(settings(0), &[]);
    other.now = driver.now;
    let agent = Agent::restore(settings(0), &[], Vec::new(), &saved).expect("it was saved");
    other.replace_agent(agent);
    assert!(hold(driver) == hold(other), "the same requests");
}
