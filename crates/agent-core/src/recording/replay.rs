//! Following a recording.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{Now, lossy};

use super::line::{RecordingError, get_at, get_input};
use super::operation::{get_answer, put_operation};
use super::{KIND, VERSION, request_digest};
use crate::agent::Agent;
use crate::effect::{Input, Operation, OperationAnswer, Outcome};
use crate::json::{Value, decimal, parse};
use crate::settings::Settings;
use crate::template::fill;
use crate::tools::{self, Tool};

/// Bytes shown around a difference.
const EXCERPT_BYTES: usize = 60;

/// What a recording begins with.
pub struct Header {
    /// The run's settings.
    pub settings: Settings,
    /// The tools that were offered.
    pub tools: Vec<&'static Tool>,
    /// The agent's seed.
    pub seed: u64,
    /// When the prompt was given.
    pub now: Now,
    /// The prompt.
    pub prompt: String,
}

/// A recording that is being followed, line by line. The driver hands each method the next line.
pub struct Replay {
    line: u64,
    /// Messages that the recording has shown so far.
    messages: usize,
}

impl Replay {
    /// Begins with the first line.
    ///
    /// # Errors
    /// A line that does not begin a recording of this version, or names a tool or setting that is not known here.
    pub fn new(first_line: &[u8]) -> Result<(Replay, Header), RecordingError> {
        let mut replay = Replay {
            line: 0,
            messages: 0,
        };
        let value = replay.parse(first_line)?;
        if value.text("kind") != Some(KIND) {
            return Err(replay.malformed("it does not begin a recording"));
        }
        if value.count("version") != Some(VERSION) {
            return Err(RecordingError::Version);
        }
        let mut settings = Settings::default();
        for (name, setting) in value.members("settings") {
            if settings.set(name, setting).is_err() {
                return Err(replay.malformed("it has a setting that can't be taken"));
            }
        }
        let mut tools = Vec::new();
        for name in value.elements("tools") {
            let known = tools::ALL
                .iter()
                .find(|tool| name.as_str() == Some(tool.name));
            tools.push(*known.ok_or(replay.malformed("it has a tool that is not known here"))?);
        }
        let header = (|| {
            Some(Header {
                settings,
                tools,
                seed: value.count("seed")?,
                now: get_at(&value)?,
                prompt: value.text("prompt")?.to_string(),
            })
        })();
        match header {
            Some(header) => Ok((replay, header)),
            None => Err(replay.malformed("it lacks seed, prompt or moment")),
        }
    }

    /// Checks the request that the agent has asked for against the recorded one.
    ///
    /// # Errors
    /// [`RecordingError::Differs`] shows the first difference.
    pub fn request(&mut self, line: &[u8], agent: &Agent) -> Result<(), RecordingError> {
        let value = self.parse(line)?;
        let Some(digest) = value.text("digest") else {
            return Err(
                self.differs("this run calls the model, the recording does not".to_string())
            );
        };
        let recorded = value.elements("messages");
        if request_digest(agent) != digest {
            let now: Vec<&[u8]> = agent.transcript().lines().collect();
            return Err(self.differs(self.first_difference(recorded, &now)));
        }
        self.messages += recorded.len();
        Ok(())
    }

    /// The answer to an operation, and when it came; `None` for an HTTP operation, whose answer is an input of its own.
    ///
    /// # Errors
    /// [`RecordingError::Differs`] when another operation was recorded.
    pub fn operation(
        &mut self,
        line: &[u8],
        operation: &Operation,
    ) -> Result<Option<(Now, OperationAnswer)>, RecordingError> {
        let value = self.parse(line)?;
        let now = put_operation(operation);
        let recorded = value.get("do");
        let fits = match (recorded, parse(&now)) {
            (Some(recorded), Ok(now)) => recorded.means(&now),
            _ => false,
        };
        if !fits {
            let now = lossy(&now);
            let what = if recorded.is_some() {
                "another operation"
            } else {
                "no operation"
            };
            return Err(self.differs(fill(
                "the recording has % here; this run wants %",
                &[what, &excerpt(now.as_bytes(), 0)],
            )));
        }
        if matches!(operation, Operation::Http(_)) {
            return Ok(None);
        }
        match (get_at(&value), value.get("answer").and_then(get_answer)) {
            (Some(now), Some(answer)) => Ok(Some((now, answer))),
            _ => Err(self.malformed("its answer can't be read")),
        }
    }

    /// The next input, and when it came.
    ///
    /// # Errors
    /// [`RecordingError::Malformed`] when the line holds none.
    pub fn input(&mut self, line: &[u8]) -> Result<(Now, Input), RecordingError> {
        let value = self.parse(line)?;
        match (get_at(&value), get_input(&value)) {
            (Some(now), Some(input)) => Ok((now, input)),
            _ => Err(self.malformed("an input was expected here")),
        }
    }

    /// Checks the end of the run against the recorded one.
    ///
    /// # Errors
    /// [`RecordingError::Differs`] when it ended otherwise.
    pub fn finished(&mut self, line: &[u8], outcome: &Outcome) -> Result<(), RecordingError> {
        let value = self.parse(line)?;
        let text = |name: &str| value.text(name).unwrap_or_default();
        if text("finished") != outcome.reason.name() || text("text") != outcome.text {
            return Err(self.differs(fill(
                "this run ends here (%), the recording goes on or ends otherwise",
                &[outcome.reason.name()],
            )));
        }
        Ok(())
    }

    /// What is wrong when there is no next line.
    pub fn ended(&self) -> RecordingError {
        RecordingError::Ended { line: self.line }
    }

    /// An input that the agent could not take.
    pub fn misfit(&self) -> RecordingError {
        self.malformed("its input does not fit here")
    }

    fn parse(&mut self, line: &[u8]) -> Result<Value, RecordingError> {
        self.line += 1;
        match parse(line) {
            Ok(Value::Object(members)) => Ok(Value::Object(members)),
            _ => Err(self.malformed("it is no JSON object")),
        }
    }

    fn malformed(&self, why: &'static str) -> RecordingError {
        RecordingError::Malformed {
            line: self.line,
            why,
        }
    }

    fn differs(&self, difference: String) -> RecordingError {
        RecordingError::Differs {
            line: self.line,
            difference,
        }
    }

    /// The first message that is not as recorded; without one, the request's head is to blame.
    fn first_difference(&self, recorded: &[Value], now: &[&[u8]]) -> String {
        let count = self.messages + recorded.len();
        if now.len() != count {
            return fill(
                "the recorded request has % messages, this run's has %",
                &[&decimal(count as u64), &decimal(now.len() as u64)],
            );
        }
        for (index, old) in recorded.iter().enumerate() {
            let Some(Ok(new)) = now.get(self.messages + index).map(|line| parse(line)) else {
                continue;
            };
            if !old.means(&new) {
                let (old, new) = (flat(old), flat(&new));
                let (old, new) = (old.as_bytes(), new.as_bytes());
                let mut at = 0;
                while at < old.len() && old.get(at) == new.get(at) {
                    at += 1;
                }
                let number = decimal((self.messages + index + 1) as u64);
                return fill(
                    "message % of the request is not as recorded\n  recorded: %\n  this run: %",
                    &[&number, &excerpt(old, at), &excerpt(new, at)],
                );
            }
        }
        "the messages are the same, so the model, the tools or another setting must have changed"
            .to_string()
    }
}

/// The texts of a message, one after the other: what a person compares.
fn flat(value: &Value) -> String {
    let mut text = String::new();
    push_flat(&mut text, value);
    text
}

fn push_flat(text: &mut String, value: &Value) {
    match value {
        Value::String(value) => text.push_str(value),
        Value::Array(values) => {
            for value in values {
                push_flat(text, value);
                text.push(' ');
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                text.push_str(name);
                text.push('=');
                push_flat(text, value);
                text.push(' ');
            }
        }
        _ => {}
    }
}

/// The surroundings of byte `at`, on one line.
fn excerpt(bytes: &[u8], at: usize) -> String {
    let start = at.saturating_sub(EXCERPT_BYTES / 2);
    let end = (start + EXCERPT_BYTES).min(bytes.len());
    let mut text = String::new();
    if start > 0 {
        text.push_str("...");
    }
    for letter in lossy(bytes.get(start..end).unwrap_or_default()).chars() {
        text.push(if letter.is_control() { ' ' } else { letter });
    }
    if end < bytes.len() {
        text.push_str("...");
    }
    text
}
