//! What else becomes of a conversation is in its file too: that it was compacted, and that a budget had it wrapped up.

use super::*;
use dewclaw_agent_core::{Compaction, Event, Outcome, Reason};

/// What a message begins with that holds a summary.
const SUMMARY: &str = "[Summary of the conversation before this:]\n";

/// A small window, for every tool and some turns.
fn small(compaction: Compaction) -> Settings {
    Settings {
        context_window: 12_000,
        compaction,
        ..settings()
    }
}

fn finish(driver: &mut Driver) -> Outcome {
    loop {
        if let Some(outcome) = driver.step() {
            return outcome;
        }
    }
}

/// Whether the file gives back what the driver's agent has.
#[track_caller]
fn assert_kept(driver: &Driver, settings: Settings) -> Agent {
    let agent = agent(settings, &driver.journal);
    assert_eq!(
        agent.transcript().messages(),
        driver.agent.transcript().messages()
    );
    agent
}

#[test]
fn turns_that_made_room_are_left_out_again_or_summed_up() {
    for compaction in [Compaction::Summary, Compaction::Drop] {
        let mut driver = driver(small(compaction));
        let mut compacted = 0;
        for turn in 0..16 {
            let answer = || text(&"answer ".repeat(300)).plain();
            driver.script = [answer(), answer()].into();
            let lines_before = lines(&driver.agent).len();
            driver.run(&format!("prompt {turn} {}", "word ".repeat(100)));
            compacted += usize::from(lines(&driver.agent).len() < lines_before + 2);
            assert_kept(&driver, small(compaction));
            // Wherever it was killed in the turn, it can be gone on with.
            let end = driver.journal.len();
            for cut in (end - 2_000..end).step_by(211) {
                let resumed = agent(settings(), &driver.journal[..cut]);
                assert_whole(&asked(resumed, "on"));
            }
        }
        assert!(compacted > 1, "{compaction:?}: {compacted} times");
        let first = lines(&driver.agent)[0]["content"].to_string();
        let has_summary = first.contains("[Summary of");
        assert_eq!(has_summary, compaction == Compaction::Summary, "{first}");
    }
}

#[test]
fn a_conversation_that_was_compacted_waits_for_a_prompt() {
    let mut driver = driver(settings());
    for prompt in ["one", "two"] {
        driver.script = [text(&"answer ".repeat(50)).plain()].into();
        driver.run(prompt);
    }
    driver.script = [text("They counted.").plain()].into();
    driver.agent.compact(driver.now).expect("it is idle");
    assert_eq!(finish(&mut driver).reason, Reason::Answered);
    let mut resumed = assert_kept(&driver, settings());
    assert_eq!(
        lines(&resumed)[0]["content"],
        [SUMMARY, "They counted."].concat()
    );
    assert!(
        resumed.prompt(NOW, "").is_err(),
        "no run of it was interrupted"
    );
    resumed.prompt(NOW, "three").expect("it is idle");
    assert!(
        !matches!(resumed.next(), Effect::Event(Event::Notice(_))),
        "and nobody is told that one was"
    );
}

#[test]
fn a_prompt_that_could_not_be_sent_is_gone_from_the_file_too() {
    let mut driver = driver(small(Compaction::Summary)).replies([text("yes").plain()]);
    driver.run("one");
    let outcome = driver.run(&"word ".repeat(20_000));
    assert!(matches!(outcome.reason, Reason::Failed(_)), "{outcome:?}");
    let mut resumed = assert_kept(&driver, small(Compaction::Summary));
    assert_eq!(lines(&resumed).len(), 2);
    assert!(resumed.prompt(NOW, "").is_err());
}

#[test]
#[cfg(feature = "budgets")]
fn what_a_budget_had_wrapped_up_is_there() {
    use dewclaw_agent_core::json::Value as Json;
    let mut bounded = settings();
    let one_step = Json::String("steps=1".into());
    bounded.set("budget", &one_step).expect("a setting");
    let look = Call::new("c1", "list_directory", &json!({"path": "."}));
    let mut driver = driver(bounded).replies([calls([look]).plain(), text("So far.").plain()]);
    assert_eq!(driver.run("look").reason, Reason::Budget);
    let resumed = assert_kept(&driver, settings());
    let there = lines(&resumed);
    let roles: Vec<&str> = there
        .iter()
        .filter_map(|line| line["role"].as_str())
        .collect();
    assert_eq!(roles, ["user", "assistant", "tool", "user", "assistant"]);
    assert!(there[3].to_string().contains("limit of this run"));
    assert_eq!(there[4]["content"], "So far.");
    assert_whole(&asked(resumed, "on"));
}

#[test]
fn a_summary_that_was_cut_off_takes_the_place_of_nothing() {
    for wire in [WireName::OpenAi, WireName::Anthropic] {
        let settings = || Settings { wire, ..settings() };
        let answer = |words: &str| {
            match wire {
            WireName::OpenAi => text(words).plain(),
            WireName::Anthropic => script::Reply::json(
                json!({
                    "type": "message", "role": "assistant", "content": [{"type": "text", "text": words}],
                    "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
                })
                .to_string(),
            ),
        }
        };
        let mut driver = driver(settings());
        for prompt in ["one", "two"] {
            driver.script = [answer(&"answer ".repeat(50))].into();
            driver.run(prompt);
        }
        let (file, before) = (driver.journal.len(), driver.agent.transcript().clone());
        driver.script = [answer("They counted [1]}.")].into();
        driver.agent.compact(driver.now).expect("it is idle");
        assert_eq!(finish(&mut driver).reason, Reason::Answered);
        let after = driver.agent.transcript();
        let whole = driver.journal.len() - "\n".len();
        for cut in file..=driver.journal.len() {
            let resumed = agent(settings(), &driver.journal[..cut]);
            let wanted = if cut < whole { &before } else { after };
            assert!(
                resumed.transcript() == wanted,
                "{wire:?} cut after {cut} bytes"
            );
        }
    }
}
