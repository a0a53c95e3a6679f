//! `ask`: one prompt, worked on until it is answered.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::recording::Recorder;
use dewclaw_agent_core::{Agent, tools};
#[cfg(not(feature = "http"))]
use dewclaw_platform::StubHttpClient as Http;
#[cfg(feature = "http")]
use dewclaw_platform::wasip2::WasiHttpClient as Http;
use dewclaw_platform::wasip2::{WasiClock, WasiEnvironment, WasiFileSystem};
use dewclaw_platform::{Clock, Environment, FileSystem};

use super::arguments::{Arguments, Flags};
use super::output::Output;
use super::{Stop, configuration};
use crate::console::read_input;
use crate::driver::{Driver, Recording};
use crate::folders::{Folders, state_path};

/// What to do without a workspace.
pub(super) const NO_WORKSPACE: &str =
    "no workspace: run with --dir DIR::/ (wasmtime), and DIR is what the agent works on";

const FLAGS: &Flags = &[
    ("--model", "-m", true),
    ("--base-url", "", true),
    ("--system", "", true),
    ("--max-steps", "", true),
    ("--max-tokens", "", true),
    ("--no-stream", "", false),
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
    let configuration = configuration::read(environment, &arguments, &mut folders)?;
    let record = arguments.value("--record").map(ToString::to_string);
    let [mut prompt] = arguments.operands(["PROMPT"])?;
    if prompt == "-" {
        prompt = read_input().map_err(|why| Stop::usage(&[why]))?;
    }
    configuration.check()?;
    if !folders.workspace.is_granted() {
        return Err(Stop::usage(&[NO_WORKSPACE]));
    }
    let clock = WasiClock;
    let (now, seed) = (clock.now(), environment.seed());
    let recording = match record {
        Some(path) => Some(Recording {
            recorder: Recorder::new(&configuration.settings, &tools::ALL, seed, now, &prompt),
            append: recording_file(&mut folders, &path)?,
        }),
        None => None,
    };
    let mut agent = Agent::new(configuration.settings, &tools::ALL, seed)
        .map_err(|error| Stop::usage(&[&error.to_string()]))?;
    agent
        .prompt(now, &prompt)
        .map_err(|misuse| Stop::usage(&[&misuse.to_string()]))?;
    let key = configuration.key;
    let outcome = Driver {
        clock: &clock,
        files: &mut folders.workspace,
        http: &mut Http::default(),
        credential: &|_| key.clone(),
        recording,
    }
    .run(&mut agent, &mut |event| output.event(event))
    .map_err(|why| Stop::failed(&[&why]))?;
    output.finished(&outcome);
    Ok(outcome.reason.exit_code())
}

/// Makes the recording's file anew, empty, and gives what adds to it.
pub(super) fn recording_file<'a>(
    folders: &mut Folders,
    path: &str,
) -> Result<Box<dyn FnMut(&[u8]) -> Result<(), String> + 'a>, Stop> {
    let path = state_path(path).to_string();
    let message = {
        let path = path.clone();
        move |error: dewclaw_platform::FsError| {
            [
                "the recording \"",
                &path,
                "\" can't be written to the state folder: ",
                &error.to_string(),
            ]
            .concat()
        }
    };
    let mut files: WasiFileSystem = folders
        .state_for_writing()
        .and_then(|files| {
            if let Some((folder, _)) = path.rsplit_once('/') {
                files.create_folders(folder)?;
            }
            files.replace(&path, b"")?;
            Ok(files.clone())
        })
        .map_err(|error| Stop::failed(&[&message(error)]))?;
    Ok(Box::new(move |bytes: &[u8]| {
        files.append(&path, bytes).map(|_| ()).map_err(&message)
    }))
}
