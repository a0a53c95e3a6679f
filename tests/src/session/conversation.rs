//! The conversations of `tests/conversations`, as the README there defines them, and their logs.

mod log;
mod run;

use super::{Instance, Runtime, wit};
use crate::artifact;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

/// A conversation, as its file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// The file's name, without `.json`.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// The settings of the session.
    pub settings: Value,
    /// The built-in tools that are offered; nothing for those that the settings leave.
    pub tools: Option<Vec<String>>,
    #[serde(default)]
    host_tools: Vec<HostTool>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    prompts: VecDeque<String>,
    replies: VecDeque<Exchange<Reply>>,
    #[serde(default)]
    tool_results: VecDeque<ToolResult>,
    #[serde(default)]
    verdicts: VecDeque<Verdict>,
    #[serde(default)]
    fetches: VecDeque<Exchange<Page>>,
    cancel_at: Option<u32>,
    #[serde(default)]
    save_at: Vec<u32>,
    /// How it must end.
    pub ends: End,
}

/// What the last outcome must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Its reason.
    pub reason: String,
    /// Its exit code.
    pub exit_code: u8,
    /// Its text, where that is told.
    pub text: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostTool {
    name: String,
    description: String,
    parameters: Value,
    writes: bool,
    parallel: bool,
}

/// An answer, or the class of failure that came in its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value", bound = "A: DeserializeOwned")]
enum Exchange<A> {
    Answered(A),
    Failed(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<Piece>,
    end: String,
}

/// Bytes of a reply.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
struct Piece(Vec<u8>);

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ToolResult {
    Ok(String),
    Err(String),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Approved,
    Refused,
    Unanswered,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    whole: bool,
}

/// A conversation that was held.
pub struct Held {
    /// What the host was told to do, line by line.
    pub log: String,
    /// What the last run came to.
    pub outcome: wit::Outcome,
}

impl Conversation {
    /// The folder that has them.
    pub fn folder() -> PathBuf {
        artifact::repository().join("tests/conversations")
    }

    /// The paths of all, by name.
    pub fn files() -> Vec<PathBuf> {
        let folder = std::fs::read_dir(Self::folder()).expect("there is tests/conversations");
        let mut files: Vec<_> = folder
            .map(|entry| entry.expect("an entry can be read").path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect();
        files.sort();
        files
    }

    /// Reads one. Panics with what is wrong in it.
    pub fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut conversation: Self = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().expect("a file has a name");
        conversation.name = name.to_string_lossy().into_owned();
        conversation
    }

    /// Holds it with `dewclaw-core.wasm`, in this process. Panics where the session asks for what the file does not have.
    pub fn hold(&self) -> Held {
        self.hold_on(&[&Instance::start()])
    }

    /// The same on other runtimes: it begins on the first, and goes on with the next wherever it is saved.
    pub fn hold_on(&self, runtimes: &[&dyn Runtime]) -> Held {
        run::run(self.clone(), runtimes)
    }

    /// Whether the session is saved in the middle of it.
    pub fn is_saved(&self) -> bool {
        !self.save_at.is_empty()
    }
}

impl<A: DeserializeOwned> TryFrom<Value> for Exchange<A> {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value["failed"].as_str() {
            Some(class) => Ok(Self::Failed(class.to_owned())),
            None => serde_json::from_value(value).map(Self::Answered),
        }
    }
}

impl TryFrom<Value> for Piece {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let hex_byte = |at| u8::from_str_radix(value["hex"].as_str()?.get(at..at + 2)?, 16).ok();
        let bytes = match (&value, value["hex"].as_str(), value["repeat"].as_str()) {
            (Value::String(text), _, _) => Some(text.clone().into_bytes()),
            (_, Some(hex), _) => (0..hex.len()).step_by(2).map(hex_byte).collect(),
            (_, _, Some(text)) => value["times"]
                .as_u64()
                .and_then(|times| Some(text.repeat(usize::try_from(times).ok()?).into_bytes())),
            _ => None,
        };
        bytes
            .map(Self)
            .ok_or("a piece is a text, {\"hex\": DIGITS} or {\"repeat\": TEXT, \"times\": NUMBER}")
    }
}

impl HostTool {
    fn wit(&self) -> wit::HostTool {
        wit::HostTool {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.parameters.to_string(),
            writes: self.writes,
            parallel: self.parallel,
        }
    }
}

impl From<Verdict> for wit::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Refused => Self::Refused,
            Verdict::Unanswered => Self::Unanswered,
        }
    }
}

/// The class of an exchange that failed.
fn class(name: &str) -> wit::HttpError {
    use wit::HttpError;
    match name {
        "unsupported" => HttpError::Unsupported,
        "invalid-request" => HttpError::InvalidRequest,
        "denied" => HttpError::Denied,
        "dns" => HttpError::Dns,
        "connect" => HttpError::Connect,
        "tls" => HttpError::Tls,
        "connect-timeout" => HttpError::ConnectTimeout,
        "first-byte-timeout" => HttpError::FirstByteTimeout,
        "between-bytes-timeout" => HttpError::BetweenBytesTimeout,
        "total-timeout" => HttpError::TotalTimeout,
        "closed" => HttpError::Closed,
        "protocol" => HttpError::Protocol,
        "too-large" => HttpError::TooLarge,
        "internal" => HttpError::Internal,
        _ => panic!("{name} is no class of failure: wit/session.wit has them"),
    }
}
