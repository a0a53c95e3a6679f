//! The other side of a session: files in memory, a scripted model without sockets, tools and verdicts by closures, and a
//! clock that is set by hand.

use super::files::{Files, perform};
use super::{Session, wit};
use crate::loopback::Request;
use crate::scripted_model::{Answer, Ending, Script};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

/// The key that the host adds to its model calls. The session must never hold it.
pub const KEY: &str = "sk-of-the-host";

/// What runs the calls of the host's own tools.
pub type HostTools = dyn FnMut(&wit::ToolCall) -> Result<String, String>;

/// Does what a session says, and keeps what it said.
pub struct Embedder {
    /// The workspace: its files by their paths.
    pub files: Files,
    /// Answers a request to the model.
    pub model: Box<dyn FnMut(&Request) -> Answer>,
    /// Runs a tool of the host's own.
    pub tool: Box<HostTools>,
    /// Performs an exchange with the web.
    pub web: Box<dyn FnMut(&wit::HttpOperation) -> wit::Answer>,
    /// Decides on a call.
    pub verdict: Box<dyn FnMut(&wit::ToolCall) -> wit::Verdict>,
    /// The time, which only `wait` moves.
    pub now: wit::Moment,
    /// Every effect so far.
    pub effects: Vec<wit::Effect>,
    /// The body of every request to the model.
    pub requests: Vec<Vec<u8>>,
    /// What of the reply in flight was not told yet.
    untold: VecDeque<(u32, Told)>,
}

enum Told {
    Chunk(Vec<u8>),
    End,
}

impl Embedder {
    /// With a model that follows a script, and nothing else: closures that are not replaced must not be called.
    pub fn new(script: &Rc<Script>) -> Self {
        let script = script.clone();
        Self::asking(move |request| script.answer(request))
    }

    /// With a model that answers each request so.
    pub fn asking(model: impl FnMut(&Request) -> Answer + 'static) -> Self {
        Self {
            files: Files::new(),
            model: Box::new(model),
            tool: Box::new(|call| panic!("no tool of the host's was expected: {call:?}")),
            web: Box::new(|operation| panic!("no exchange was expected: {operation:?}")),
            verdict: Box::new(|call| panic!("no question was expected: {call:?}")),
            now: wit::Moment {
                monotonic_ms: 1_000,
                wall_ms: 1_795_000_000_000,
            },
            effects: Vec::new(),
            requests: Vec::new(),
            untold: VecDeque::new(),
        }
    }

    /// A file of the workspace.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    /// Prompts, and does what the session says until the run is over.
    pub fn run(&mut self, session: &Session, prompt: &str) -> wit::Outcome {
        session.prompt(self.now, prompt).expect("no run goes on");
        self.finish(session)
    }

    /// Does what the session says until the run is over.
    pub fn finish(&mut self, session: &Session) -> wit::Outcome {
        for _ in 0..10_000 {
            if let Some(outcome) = self.step(session) {
                return outcome;
            }
        }
        panic!("the run does not end");
    }

    /// Does the next thing that the session says. What the run came to, when it is over.
    pub fn step(&mut self, session: &Session) -> Option<wit::Outcome> {
        let effect = session.next(self.now);
        self.answer(session, effect)
    }

    /// Does this.
    pub fn answer(&mut self, session: &Session, effect: wit::Effect) -> Option<wit::Outcome> {
        self.effects.push(effect.clone());
        let now = self.now;
        let told = match effect {
            wit::Effect::Show(_) | wit::Effect::DropOperation(_) => Ok(()),
            wit::Effect::CallModel(call) => self.call_model(session, &call),
            wit::Effect::DropReply(id) => {
                self.untold.retain(|(other, _)| *other != id);
                Ok(())
            }
            wit::Effect::Operate((id, operation)) => {
                let answer = match operation {
                    wit::Operation::File(operation) => perform(&mut self.files, operation),
                    wit::Operation::Http(operation) => (self.web)(&operation),
                };
                session.operation_done(now, id, &answer)
            }
            wit::Effect::RunTool(call) => {
                let result = (self.tool)(&call);
                let result = result.as_ref().map(String::as_str).map_err(String::as_str);
                session.tool_done(now, &call.id, result)
            }
            wit::Effect::Approve(call) => {
                let verdict = (self.verdict)(&call);
                session.approve(now, &call.id, verdict)
            }
            wit::Effect::Wait(until) => {
                let passed = until - now.monotonic_ms;
                self.now.monotonic_ms += passed;
                self.now.wall_ms += passed;
                Ok(())
            }
            wit::Effect::Pending => match self.untold.pop_front() {
                Some((id, Told::Chunk(bytes))) => session.reply_chunk(now, id, &bytes),
                Some((id, Told::End)) => session.reply_end(now, id),
                None => panic!("it waits for something that was never asked for"),
            },
            wit::Effect::Finished(outcome) => return Some(outcome),
        };
        told.expect("what was asked for may be told");
        None
    }

    /// The pieces of text that were shown.
    pub fn texts(&self) -> Vec<&str> {
        let text = |effect| match effect {
            &wit::Effect::Show(wit::Event::Text(ref text)) => Some(text.as_str()),
            _ => None,
        };
        self.effects.iter().filter_map(text).collect()
    }

    /// The tool calls that were over: the call, whether it went well, and its result.
    pub fn results(&self) -> Vec<(&str, bool, serde_json::Value)> {
        let result = |effect| match effect {
            &wit::Effect::Show(wit::Event::ToolFinished(ref over)) => Some((
                over.call.as_str(),
                over.ok,
                serde_json::from_str(&over.result).expect("a result is JSON"),
            )),
            _ => None,
        };
        self.effects.iter().filter_map(result).collect()
    }

    fn call_model(&mut self, session: &Session, call: &wit::ModelCall) -> Result<(), wit::Error> {
        let request = request(call, session.body());
        self.requests.push(request.body.clone());
        let answer = (self.model)(&request);
        match answer.ending {
            Ending::Complete => {}
            Ending::Close => panic!("a direct answer breaks off by `reply-failed`"),
            _ => {
                let class = wit::HttpError::Closed;
                return session.reply_failed(self.now, call.id, class);
            }
        }
        let chunks = answer.cuts.into_iter().map(Told::Chunk);
        let untold = chunks.chain([Told::End]).map(|told| (call.id, told));
        self.untold.extend(untold);
        session.reply_start(self.now, call.id, answer.status, &answer.headers)
    }
}

/// The request as it would be on the wire: with what the host adds to a model call.
fn request(call: &wit::ModelCall, body: Vec<u8>) -> Request {
    assert_eq!(
        body.len() as u64,
        call.content_length,
        "the promised length"
    );
    let (host, path) = call
        .url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap_or_else(|| panic!("{} is not HTTPS", call.url));
    let (name, value) = match &call.auth.scheme {
        wit::AuthScheme::Bearer => ("authorization", format!("Bearer {KEY}")),
        wit::AuthScheme::Header(name) => (name.as_str(), KEY.to_owned()),
    };
    let mut headers = call.headers.clone();
    headers.push(("host".to_owned(), host.to_owned()));
    headers.push((name.to_owned(), value));
    headers.push(("content-length".to_owned(), body.len().to_string()));
    Request {
        method: "POST".to_owned(),
        path: format!("/{path}"),
        headers,
        body,
        arrived: Instant::now(),
    }
}
