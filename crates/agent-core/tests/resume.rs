//! Going on from an earlier transcript, on the wire that wrote it and on the other one.

mod script;

#[path = "resume/across.rs"]
mod across;
#[path = "resume/broken.rs"]
mod broken;
#[path = "resume/conversation.rs"]
mod conversation;
#[path = "resume/ids.rs"]
mod ids;
#[path = "resume/lines.rs"]
mod lines;
#[path = "resume/round_trip.rs"]
mod round_trip;
#[path = "anthropic/rules.rs"]
mod rules;
#[path = "anthropic/said.rs"]
#[allow(dead_code, reason = "it serves the tests of the wire too")]
mod said;

use dewclaw_agent_core::{Agent, Event, ResumeError, Settings, Transcript, WireName, tools};
use script::{Driver, Reply, text};
use serde_json::Value;

const OPENAI: WireName = WireName::OpenAi;
const ANTHROPIC: WireName = WireName::Anthropic;

/// Each wire with the other one.
const BOTH: [(WireName, WireName); 2] = [(OPENAI, ANTHROPIC), (ANTHROPIC, OPENAI)];

/// Settings of a plain run on this wire, with few steps.
fn settings(wire: WireName) -> Settings {
    Settings {
        wire,
        max_steps: 2,
        ..script::settings()
    }
}

/// The wire's name in transcripts.
fn tag(wire: WireName) -> &'static str {
    match wire {
        OPENAI => "openai-chat",
        ANTHROPIC => "anthropic",
    }
}

/// An answer in words, on this wire.
fn answer(wire: WireName, words: &str) -> Reply {
    match wire {
        OPENAI => text(words).plain(),
        ANTHROPIC => said::answer(words).plain(),
    }
}

/// A transcript of these lines.
#[track_caller]
fn transcript(wire: WireName, lines: &[Vec<u8>]) -> Transcript {
    Transcript::from_lines(Transcript::VERSION, tag(wire), lines.to_vec()).expect("the wire is one")
}

fn resume(wire: WireName, transcript: Transcript) -> Result<Agent, ResumeError> {
    Agent::resume(settings(wire), &tools::ALL, 1, transcript)
}

/// A driver of an agent that goes on with this transcript.
#[track_caller]
fn going_on(wire: WireName, transcript: Transcript) -> Driver {
    let mut driver = driver(wire);
    driver.agent = resume(wire, transcript).expect("the transcript is fine");
    driver
}

fn driver(wire: WireName) -> Driver {
    Driver::new(settings(wire)).file("a.txt", "A\n")
}

/// The bytes of each line.
fn lines_of(agent: &Agent) -> Vec<Vec<u8>> {
    let lines = agent.transcript().lines();
    lines.map(<[u8]>::to_vec).collect()
}

/// What the lines say, as JSON.
fn parsed(agent: &Agent) -> Vec<Value> {
    let lines = lines_of(agent).into_iter();
    lines
        .map(|line| serde_json::from_slice(&line).expect("a line is JSON"))
        .collect()
}

/// The notices so far.
fn notices(driver: &Driver) -> Vec<&str> {
    let notices = driver.events().into_iter().filter_map(|event| match event {
        Event::Notice(text) => Some(text.as_str()),
        _ => None,
    });
    notices.collect()
}

/// Asserts what the wire wants of a request.
#[track_caller]
fn assert_sound(wire: WireName, request: &[u8]) {
    match wire {
        OPENAI => script::assert_whole(&script::messages(request)),
        ANTHROPIC => {
            let request = serde_json::from_slice(request).expect("a request is JSON");
            rules::assert_whole(&request);
            rules::assert_marked(&request);
        }
    }
}
