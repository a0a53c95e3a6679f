//! `ask`: one prompt, worked on until it is answered.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::Agent;
use dewclaw_agent_core::recording::Header;
use dewclaw_platform::wasip2::{WasiClock, WasiEnvironment};
use dewclaw_platform::{Clock, Environment};

use super::approval::Approval;
use super::arguments::{Arguments, Flags};
use super::output::Output;
use super::{Stop, answer, configuration, offer};
use crate::console::read_input;
use crate::driver::Driver;
use crate::folders::Folders;
use crate::recording::Recording;

/// What to do without a workspace.
pub(super) const NO_WORKSPACE: &str =
    "no workspace: run with --dir DIR::/ (wasmtime), and DIR is what the agent works on";

const FLAGS: &Flags = &[
    ("--model", "-m", true),
    ("--wire", "", true),
    ("--base-url", "", true),
    ("--system", "", true),
    ("--max-steps", "", true),
    ("--max-tokens", "", true),
    ("--no-stream", "", false),
    ("--tools", "", true),
    ("--read-only", "", false),
    ("--allow-fetch", "", true),
    ("--approve", "", true),
    ("--output", "-o", true),
    ("--record", "", true),
    ("--json", "", false),
    ("--quiet", "-q", false),
    ("--verbose", "-v", false),
];

/// Runs the command.
pub(super) fn run(environment: &WasiEnvironment, arguments: Vec<String>) -> Result<u8, Stop> {
    let arguments = Arguments::parse(arguments, FLAGS)?;
    let mut output = Output::new(&arguments);
    let mut folders = Folders::find();
    let mut configuration = configuration::read(environment, &arguments, &mut folders)?;
    configuration.settle()?;
    let tools = offer::tools(environment, &arguments, &configuration.settings)?;
    let owned = |name: &str| arguments.value(name).map(ToString::to_string);
    let (record, answer_file) = (owned("--record"), owned("--output"));
    let [mut prompt] = arguments.operands(["PROMPT"])?;
    if prompt == "-" {
        prompt = read_input().map_err(|why| Stop::usage(&[why]))?;
    }
    configuration.check()?;
    if !folders.workspace.is_granted() {
        return Err(Stop::usage(&[NO_WORKSPACE]));
    }
    if let Some(path) = &answer_file {
        answer::check(&mut folders.workspace, path)?;
    }
    let clock = WasiClock;
    let header = Header {
        settings: configuration.settings,
        tools,
        seed: environment.seed(),
        now: clock.now(),
        prompt,
    };
    let (mut agent, recording) = begin(header, record.as_deref(), &mut folders)?;
    let (key, search_key) = (configuration.key, configuration.search_key);
    let mut approval = Approval::default();
    let outcome = Driver {
        clock: &clock,
        files: &mut folders.workspace,
        http: &mut http_client(),
        credential: &|slot| match slot {
            "brave" => search_key.clone(),
            _ => key.clone(),
        },
        recording,
        approve: &mut |name, arguments| approval.ask(name, arguments),
    }
    .run(&mut agent, &mut |event| output.event(event))?;
    if let Some(path) = &answer_file {
        // Before the end is told: where the answer can't be kept, that is the end.
        output.end_line();
        answer::write(&mut folders.workspace, path, &outcome)?;
    }
    output.finished(&outcome);
    Ok(outcome.reason.exit_code())
}

/// The agent at the start of a run, and the run's recording in the file `record`.
pub(super) fn begin(
    header: Header,
    record: Option<&str>,
    folders: &mut Folders,
) -> Result<(Agent, Option<Recording>), Stop> {
    let recording = match record {
        Some(path) => Some(Recording::create(folders, path, &header)?),
        None => None,
    };
    let mut agent = Agent::new(header.settings, &header.tools, header.seed)
        .map_err(|error| Stop::usage(&[&error.to_string()]))?;
    agent
        .prompt(header.now, &header.prompt)
        .map_err(|misuse| Stop::usage(&[&misuse.to_string()]))?;
    Ok((agent, recording))
}

#[cfg(feature = "http")]
pub(super) fn http_client() -> dewclaw_platform::wasip2::WasiHttpClient {
    dewclaw_platform::wasip2::WasiHttpClient::new()
}

#[cfg(not(feature = "http"))]
pub(super) fn http_client() -> dewclaw_platform::StubHttpClient {
    dewclaw_platform::StubHttpClient
}
