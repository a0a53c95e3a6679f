//! A model that follows a script: a loopback server that speaks the public wires, chat completions and messages, as the
//! path of each request asks, and judges every request as a strict server would.

mod messages;
mod messages_blocks;
mod messages_rules;
mod reply;
mod rules;
mod script;
mod wire;

pub use reply::{Call, Reply};
pub use script::{Answer, Ending, Received, Script, judge};

use crate::loopback::{Exchange, Loopback};
use std::sync::Arc;
use std::time::Duration;

/// A running model. Dropping it fails the test when a request broke a rule of the wire, or when replies of the script were not asked for.
pub struct ScriptedModel {
    server: Loopback,
    script: Arc<Script>,
}

impl ScriptedModel {
    /// A model that gives these replies, one for each request.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::follow(Script::new(replies))
    }

    /// A model that gives this reply to every request.
    pub fn repeat(reply: Reply) -> Self {
        Self::follow(Script::repeating(reply))
    }

    /// A model that must not be asked: any connection fails the test.
    pub fn never_asked() -> Self {
        Self::follow(Script::new([]))
    }

    /// A model that gives these replies to requests which carry this key, and 401 to others.
    pub fn requiring_key(key: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::follow(Script::new(replies).requiring_key(key))
    }

    fn follow(script: Script) -> Self {
        let script = Arc::new(script);
        let server = Loopback::serve({
            let script = script.clone();
            move |request, exchange| send(&script.answer(request), exchange)
        });
        Self { server, script }
    }

    /// What `OPENAI_BASE_URL` should be to reach it.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    /// What `ANTHROPIC_BASE_URL` should be to reach it.
    pub fn root_url(&self) -> String {
        self.server.url()
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        self.server.authority()
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// The requests so far, in their order.
    pub fn requests(&self) -> Vec<Received> {
        self.script.requests()
    }

    /// Waits until so many requests have arrived. Panics when that takes longer than `patience`.
    pub fn wait_for(&self, requests: usize, patience: Duration) {
        self.script.wait_for(requests, patience);
    }

    /// The only request that was made.
    pub fn only_request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "exactly one request was expected");
        requests.remove(0)
    }

    /// The last request that was made.
    pub fn last_request(&self) -> Received {
        self.requests()
            .pop()
            .expect("at least one request was made")
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut faults = self.server.malformed();
        faults.extend(self.script.faults());
        assert!(
            faults.is_empty(),
            "the model was not asked as it should be:\n  {}",
            faults.join("\n  ")
        );
    }
}

/// Puts an answer on the wire, each of its cuts as a segment of its own.
fn send(answer: &Answer, exchange: &mut Exchange) {
    match answer.ending {
        Ending::Silence => return exchange.stall(),
        Ending::HangUp => return exchange.close(),
        Ending::Complete | Ending::Close | Ending::Stall => {}
    }
    let headers: Vec<(&str, &str)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if let Some(length) = answer.length {
        exchange.sized(answer.status, &headers, length);
        for cut in &answer.cuts {
            exchange.raw(cut);
        }
    } else {
        exchange.chunked(answer.status, &headers);
        for cut in &answer.cuts {
            exchange.chunk(cut);
        }
    }
    match answer.ending {
        Ending::Complete if answer.length.is_none() => exchange.last_chunk(),
        Ending::Complete => {}
        Ending::Close | Ending::HangUp => exchange.close(),
        Ending::Stall | Ending::Silence => exchange.stall(),
    }
}
