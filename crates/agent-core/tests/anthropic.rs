//! The Anthropic wire: its requests, its replies whole and streamed, cut anywhere and broken, and the history it is sent.

mod script;

#[path = "anthropic/broken.rs"]
mod broken;
#[path = "anthropic/cuts.rs"]
mod cuts;
#[path = "anthropic/history.rs"]
mod history;
#[path = "anthropic/replies.rs"]
mod replies;
#[path = "anthropic/request.rs"]
mod request;
#[path = "anthropic/rules.rs"]
mod rules;
#[path = "anthropic/said.rs"]
mod said;

use dewclaw_agent_core::{Outcome, Settings, WireName};
use script::{Driver, Reply};
use serde_json::Value;

/// Settings of a plain run against no real server.
fn settings() -> Settings {
    Settings {
        wire: WireName::Anthropic,
        base_url: "http://model.test".into(),
        ..script::settings()
    }
}

/// A run with these replies, to its end.
#[track_caller]
fn run(replies: impl IntoIterator<Item = Reply>) -> (Driver, Outcome) {
    run_with(settings(), replies)
}

#[track_caller]
fn run_with(settings: Settings, replies: impl IntoIterator<Item = Reply>) -> (Driver, Outcome) {
    let mut driver = Driver::new(settings)
        .file("a.txt", "A\n")
        .file("b.txt", "B\n")
        .replies(replies);
    let outcome = driver.run("go");
    (driver, outcome)
}

/// A request's body.
#[track_caller]
fn body(request: &[u8]) -> Value {
    serde_json::from_slice(request).expect("a request is JSON")
}

/// The conversation, without its cache mark.
#[track_caller]
fn transcript(driver: &Driver) -> Vec<Value> {
    let lines = driver.agent.transcript().lines();
    lines.map(body).collect()
}
