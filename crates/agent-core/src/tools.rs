//! The tools: what the model may call, each a small state machine that asks for operations.
//!
//! A tool never does anything itself. To add one: a file in this folder with its [`Tool`] and its [`Task`], a line
//! in [`ALL`], and a row in the tests of `tests/tools.rs`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{trim, utf_8};

use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value, decimal, is_object, parse, parse_within, string_cost};
use crate::settings::limits::RESULT;
use crate::settings::{Approve, Limits, Settings};

mod edit_file;
mod error;
mod host_tool;
mod list_directory;
mod memory;
mod memory_read;
mod memory_write;
mod passage;
mod path;
mod read_file;
mod recollection;
mod web;
mod web_fetch;
mod web_search;
mod whole_file;
mod write_file;

pub(crate) use error::{ErrorKind, ToolError};
pub use host_tool::HostTool;
pub(crate) use host_tool::{MAX_NAME_LETTERS, Offer, is_sound_name};
pub use memory::MEMORY_PATH;
pub(crate) use memory::{RECALLED_TAG, search};
pub use path::STATE_FOLDER;
pub(crate) use recollection::Recollection;
pub use web_search::SEARCH_VARIABLES;
pub(crate) use whole_file::{NOT_TEXT, Progress, WRONG_ANSWER};

/// Bytes of a tool result that the model is handed.
pub const MAX_RESULT_BYTES: usize = 64 * 1024;

/// A tool, as the model is told of it.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What it does and when to use it, for the model.
    pub description: &'static str,
    /// The JSON Schema of its arguments: an object without additional properties.
    pub parameters: &'static str,
    /// Whether calls can change anything.
    pub writes: Writes,
    /// Its operations are HTTP ones, so that its calls run beside all others of their turn. The calls of other tools run
    /// one after the other.
    pub networked: bool,
    start: Start,
}

/// Begins a call with arguments that fit the schema.
type Start = fn(&Value, &Settings) -> Result<Box<dyn Task>, ToolError>;

/// Whether calls of a tool can change anything.
#[derive(Clone, Copy)]
pub enum Writes {
    /// No call can.
    Never,
    /// Every call can.
    Always,
    /// A call with such arguments can.
    With(fn(&Value) -> bool),
}

impl Tool {
    /// Whether the settings leave it anything to do.
    pub fn is_configured(&self, settings: &Settings) -> bool {
        match self.name {
            "web_fetch" => !settings.allow_fetch.is_empty(),
            "web_search" => settings.search.is_some(),
            _ => true,
        }
    }

    /// The tool's name, description and parameters as a JSON object; the last under the name that a wire has for them.
    pub fn to_json(&self, parameters: &str) -> Vec<u8> {
        schema(self.name, self.description, parameters, self.parameters)
    }
}

fn schema(name: &str, description: &str, key: &str, parameters: &str) -> Vec<u8> {
    Object::new()
        .text("name", name)
        .text("description", description)
        .raw(key, parameters.as_bytes())
        .finish()
}

impl core::fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Every tool there is. Whether one is offered is the driver's choice: only where its backend is real.
pub const ALL: [&Tool; 8] = [
    &read_file::TOOL,
    &write_file::TOOL,
    &edit_file::TOOL,
    &list_directory::TOOL,
    &memory_read::TOOL,
    &memory_write::TOOL,
    &web_fetch::TOOL,
    &web_search::TOOL,
];

/// One call of a tool, under way.
pub(crate) trait Task {
    /// Goes on: first with no answer, then with the answer to each operation that it asked for.
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step;
}

/// What a task wants next.
pub(crate) enum Step {
    /// An operation.
    Operate(Operation),
    /// Nothing: this is the result, a JSON object.
    Done(Result<Vec<u8>, ToolError>),
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// Whether it is none of an error.
    pub ok: bool,
    /// A JSON object of any size; [`ToolResult::for_model`] is what the model gets.
    pub json: Vec<u8>,
}

impl ToolResult {
    /// The result of a call that the driver ran: a JSON object as it is, anything else as the text of one.
    pub(crate) fn of_host(result: Result<String, String>, limits: Limits) -> ToolResult {
        let most = limits.of(RESULT, MAX_RESULT_BYTES);
        let cut = |text: String| match cut_middle(text.as_bytes(), most) {
            None => text,
            Some(cut) => utf_8(cut),
        };
        match result.map(cut).map_err(cut) {
            Ok(text) => ToolResult {
                ok: true,
                json: if is_object(text.as_bytes()) {
                    text.into_bytes()
                } else {
                    Object::new().text("result", &text).finish()
                },
            },
            Err(why) => ToolResult::from_error(&ToolError::new(ErrorKind::Internal, "%", &[&why])),
        }
    }

    pub(crate) fn from_error(error: &ToolError) -> ToolResult {
        ToolResult {
            ok: false,
            json: error.to_json(),
        }
    }

    /// The result, cut in the middle at character boundaries where it is larger than [`MAX_RESULT_BYTES`], with a
    /// line that says how much was cut.
    pub fn for_model(&self) -> Vec<u8> {
        self.cut_to(MAX_RESULT_BYTES)
    }

    /// The same where it may have so many bytes, at least 100.
    pub(crate) fn cut_to(&self, most: usize) -> Vec<u8> {
        cut_middle(&self.json, most).unwrap_or_else(|| self.json.clone())
    }
}

/// A text cut in the middle at character boundaries, with a line that says how much was cut; `None` where it is no
/// larger than it may be.
pub(crate) fn cut_middle(text: &[u8], most: usize) -> Option<Vec<u8>> {
    if text.len() <= most {
        return None;
    }
    // Room for the line in between.
    let half = (most - 64) / 2;
    let mut head = half;
    while is_continuation(text[head]) {
        head -= 1;
    }
    let mut tail = text.len() - half;
    while is_continuation(text[tail]) {
        tail += 1;
    }
    let mut cut = text[..head].to_vec();
    cut.extend_from_slice(b"\n[... ");
    cut.extend_from_slice(decimal((tail - head) as u64).as_bytes());
    cut.extend_from_slice(b" bytes cut ...]\n");
    cut.extend_from_slice(&text[tail..]);
    Some(cut)
}

/// Whether a byte goes on with a UTF-8 character that began before it.
fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// One call of a tool, from arguments to result.
pub struct ToolCallRun {
    state: State,
    writes: bool,
    /// It runs beside all others of its turn.
    beside: bool,
}

enum State {
    /// A tool of the agent's own.
    Task(Box<dyn Task>),
    /// The driver runs it.
    Host,
    /// It is over.
    Over(ToolResult),
}

/// What a running call wants next.
pub enum CallStep {
    /// An operation performed, and its answer given to [`ToolCallRun::step`].
    Operate(Operation),
    /// Nothing: the call is over.
    Done(ToolResult),
}

impl ToolCallRun {
    /// Begins a call. Arguments that are not JSON or miss the schema make a call that is over at once, with an error; so
    /// does a call that can change something where the settings say read-only.
    pub fn new(tool: &Tool, arguments: &str, settings: &Settings) -> ToolCallRun {
        let mut writes = false;
        let task = parse_arguments(tool.parameters, arguments, settings.limits).and_then(|arguments| {
            writes = match tool.writes {
                Writes::Never => false,
                Writes::Always => true,
                Writes::With(can_change) => can_change(&arguments),
            };
            if writes && settings.read_only {
                return Err(ToolError::new(
                    ErrorKind::PermissionDenied,
                    "this run is read-only, so nothing may be changed: say what you would have done", &[],
                ));
            }
            (tool.start)(&arguments, settings)
        });
        match task {
            Ok(task) => ToolCallRun {
                state: State::Task(task),
                writes,
                beside: tool.networked,
            },
            Err(error) => ToolCallRun::failed(error),
        }
    }

    /// Begins a call of a tool of the driver's own. Its arguments are checked here; the driver runs it.
    pub(crate) fn of_host(tool: &HostTool, arguments: &str, limits: Limits) -> ToolCallRun {
        match parse_arguments(&tool.parameters, arguments, limits) {
            Ok(_) => ToolCallRun {
                state: State::Host,
                writes: tool.writes,
                beside: tool.parallel,
            },
            Err(error) => ToolCallRun::failed(error),
        }
    }

    /// A call of no tool.
    pub(crate) fn of_task(task: Box<dyn Task>) -> ToolCallRun {
        ToolCallRun {
            state: State::Task(task),
            writes: false,
            beside: false,
        }
    }

    /// A call of a tool whose backend is not real here: it is over at once, and says why.
    pub fn unsupported(why: &str) -> ToolCallRun {
        ToolCallRun::failed(ToolError::new(ErrorKind::Unsupported, "%", &[why]))
    }

    /// A call that is over at once, with this error.
    pub(crate) fn failed(error: ToolError) -> ToolCallRun {
        ToolCallRun::over(ToolResult::from_error(&error))
    }

    /// A call that is over, with this result.
    pub(crate) fn over(result: ToolResult) -> ToolCallRun {
        ToolCallRun {
            state: State::Over(result),
            writes: false,
            beside: false,
        }
    }

    /// Its result, where it is over.
    pub(crate) fn result(&self) -> Option<&ToolResult> {
        match &self.state {
            State::Over(result) => Some(result),
            _ => None,
        }
    }

    /// Whether the driver runs it.
    pub(crate) fn is_hosts(&self) -> bool {
        matches!(self.state, State::Host)
    }

    /// Whether it runs beside all others of its turn.
    pub(crate) fn is_beside(&self) -> bool {
        self.beside
    }

    /// Whether a person is asked first. Nobody is asked about what can't run.
    pub(crate) fn needs_approval(&self, approve: Approve) -> bool {
        let asks = match approve {
            Approve::Never => false,
            Approve::Writes => self.writes,
            Approve::All => true,
        };
        asks && !matches!(self.state, State::Over(_))
    }

    /// Goes on: first with no answer, then with the answer to each operation.
    pub fn step(&mut self, answer: Option<OperationAnswer>) -> CallStep {
        let step = match &mut self.state {
            State::Task(task) => task.step(answer),
            State::Over(result) => return CallStep::Done(result.clone()),
            // It is the driver's, and has no steps.
            State::Host => Step::Done(Ok(b"{}".to_vec())),
        };
        match step {
            Step::Operate(operation) => CallStep::Operate(operation),
            Step::Done(Ok(json)) => CallStep::Done(ToolResult { ok: true, json }),
            Step::Done(Err(error)) => CallStep::Done(ToolResult::from_error(&error)),
        }
    }
}

/// The arguments as JSON; none at all is an empty object, which some models send for tools without parameters.
fn parse_arguments(parameters: &str, arguments: &str, limits: Limits) -> Result<Value, ToolError> {
    let text = match trim(arguments) {
        "" => "{}",
        text => text,
    };
    let value = parse_within(text.as_bytes(), limits.values()).map_err(|error| {
        if cfg!(feature = "limits") && error.is_too_large {
            return ToolError::invalid("the arguments have more than 1,024 values: send fewer", &[]);
        }
        let what = if error.is_cut_off {
            "the arguments are cut off: send complete JSON, and long content in several smaller calls. They ended in: "
        } else {
            "the arguments are not valid JSON: check quotes and escapes. They begin with: "
        };
        let quote = if error.is_cut_off {
            excerpt_end(text)
        } else {
            excerpt_start(text)
        };
        ToolError::invalid("%%", &[what, quote])
    })?;
    let schema = parse(parameters.as_bytes())
        .map_err(|_| ToolError::new(ErrorKind::Internal, "the tool's schema is broken", &[]))?;
    crate::schema::check(&schema, &value)
        .map_err(|problems| ToolError::invalid("%", &[&problems]))?;
    Ok(value)
}

/// Bytes of the model's own text quoted back to it.
const EXCERPT_BYTES: usize = 80;

fn excerpt_start(text: &str) -> &str {
    let mut end = text.len().min(EXCERPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn excerpt_end(text: &str) -> &str {
    let mut start = text.len().saturating_sub(EXCERPT_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

/// A string argument that the schema requires.
fn text_argument<'v>(arguments: &'v Value, name: &str) -> &'v str {
    arguments.text(name).unwrap_or_default()
}

/// A whole-number argument, or `default`.
fn count_argument(arguments: &Value, name: &str, default: u64) -> u64 {
    arguments
        .get(name)
        .and_then(crate::schema::as_integer)
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(default)
}

/// The first part of a text that takes at most so many bytes as JSON, cut between characters.
pub(crate) fn fitting(text: &str, most: usize) -> &str {
    if most == usize::MAX {
        return text;
    }
    let (mut end, mut cost) = (0, 0);
    for byte in text.bytes() {
        cost += string_cost(byte);
        if cost > most {
            break;
        }
        end += 1;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn a_large_result_is_cut_at_characters_and_says_so(text in "\\PC{30000,40000}") {
            let json = Object::new().text("content", &text).finish();
            let result = ToolResult { ok: true, json };
            let cut = String::from_utf8(result.for_model()).unwrap();
            if result.json.len() > MAX_RESULT_BYTES {
                prop_assert!(cut.len() <= MAX_RESULT_BYTES);
                prop_assert!(cut.contains(" bytes cut ...]"));
            } else {
                prop_assert_eq!(cut.as_bytes(), &result.json[..]);
            }
        }
    }
}
