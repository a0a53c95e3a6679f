//! `ask`: one prompt, worked on until it is answered.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::recording::Header;
use dewclaw_agent_core::tools::HostTool;
use dewclaw_agent_core::{Agent, Effect, Input, Limits};
use dewclaw_platform::wasi::{WasiClock, WasiEnvironment};
use dewclaw_platform::{Clock, Environment, Now};

use super::approval::Approval;
use super::arguments::{Arguments, Flags};
use super::output::Output;
use super::{Stop, answer, configuration, offer};
use crate::console::read_input;
#[cfg(feature = "sessions")]
use crate::driver::session_file::SessionFile;
use crate::driver::{Driver, Session};
use crate::folders::Folders;
use crate::host::HOST;
use crate::performs::Performs;
use crate::recording::Recording;

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
    #[cfg(feature = "limits")]
    ("--limits", "", true),
    ("--output", "-o", true),
    ("--record", "", true),
    #[cfg(feature = "sessions")]
    ("--session", "", true),
    #[cfg(feature = "sessions")]
    ("--take-over", "", false),
    ("--json", "", false),
    ("--quiet", "-q", false),
    ("--verbose", "-v", false),
];

/// Who asks, and with what.
pub(crate) struct Caller {
    /// What the component does itself.
    pub(crate) performs: Performs,
    pub(crate) now: Now,
    pub(crate) seed: u64,
    /// The tools of the host's own.
    pub(crate) host_tools: Vec<HostTool>,
    /// The session to go on with.
    pub(crate) saved: Option<Vec<u8>>,
}

/// A run that was asked for, about to begin.
pub(crate) struct Asked {
    pub(crate) driver: Driver,
    pub(crate) output: Output,
}

/// Runs the command.
pub(super) fn run(environment: &WasiEnvironment, arguments: Vec<String>) -> Result<u8, Stop> {
    let caller = Caller {
        performs: Performs {
            model: true,
            files: true,
            web: true,
        },
        now: WasiClock.now(),
        seed: environment.seed(),
        host_tools: Vec::new(),
        saved: None,
    };
    let Asked {
        mut driver,
        mut output,
    } = open(environment, arguments, caller)?;
    let mut approval = Approval::default();
    loop {
        let effect = driver.next().inspect_err(|_| output.end_line())?;
        match effect {
            Effect::Event(event) => output.event(&event),
            Effect::Approve {
                call,
                name,
                arguments,
            } => {
                let verdict = approval.ask(&name, &arguments);
                // It was just asked for.
                let _ = driver.feed(Input::Verdict { call, verdict });
            }
            Effect::Wait { until_ms } => {
                let left = until_ms.saturating_sub(driver.now().monotonic_ms);
                if !driver.wait(left) {
                    // A tick fits at any moment.
                    let _ = driver.feed(Input::Tick);
                }
            }
            Effect::Finished(outcome) => {
                output.finished(&outcome);
                return Ok(outcome.reason.exit_code());
            }
            _ if driver.is_idle() => {
                return Err(Stop::failed(
                    "the agent waits for nothing: this is a bug",
                    &[],
                ));
            }
            _ => {
                driver.wait(u64::MAX);
            }
        }
    }
}

/// The run that the arguments ask for, with its prompt given.
///
/// # Errors
/// What is wrong with the arguments, the settings or what was granted.
pub(crate) fn open(
    environment: &WasiEnvironment,
    arguments: Vec<String>,
    caller: Caller,
) -> Result<Asked, Stop> {
    let arguments = Arguments::parse(arguments, FLAGS)?;
    let output = Output::new(&arguments);
    let mut folders = Folders::find();
    let mut configuration = configuration::read(environment, &arguments, &mut folders)?;
    configuration.settle()?;
    let tools = offer::tools(environment, &arguments, &configuration.settings)?;
    let owned = |name: &str| arguments.value(name).map(ToString::to_string);
    let (record, answer_file) = (owned("--record"), owned("--output"));
    let limits = configuration.settings.limits;
    if record.is_some() && limits != Limits::None {
        return Err(Stop::usage(
            "--record takes more memory than --limits leaves: use one of them",
            &[],
        ));
    }
    #[cfg(feature = "sessions")]
    let session = (owned("--session"), arguments.has("--take-over"));
    // A session goes on by itself where its last run was interrupted.
    let goes_on = arguments.has("--session") && arguments.operands.is_empty();
    let [mut prompt] = match goes_on {
        true => [String::new()],
        false => arguments.operands(["PROMPT"])?,
    };
    if prompt == "-" {
        prompt = read_input(limits.prompt_bytes()).map_err(|why| Stop::usage("%", &[why]))?;
    }
    configuration.check()?;
    if !folders.workspace.is_granted() {
        return Err(Stop::usage("%", &[HOST.no_workspace]));
    }
    if let Some(path) = &answer_file {
        answer::check(&mut folders.workspace, path)?;
    }
    let header = Header {
        settings: configuration.settings,
        tools,
        seed: caller.seed,
        now: caller.now,
        prompt,
    };
    #[cfg(feature = "sessions")]
    let session = match session {
        (Some(_), _) if record.is_some() || caller.saved.is_some() => {
            return Err(Stop::usage(
                "--session does not go with --record or --continue",
                &[],
            ));
        }
        (Some(name), takes_over) => {
            let now = header.now;
            Some(SessionFile::open(&mut folders, &name, takes_over, now)?)
        }
        _ => None,
    };
    #[cfg(not(feature = "sessions"))]
    let session = Session::default();
    let start = Start {
        header,
        host_tools: caller.host_tools,
        saved: caller.saved,
        session,
    };
    let (agent, recording, session) = start.begin(record.as_deref(), &mut folders)?;
    let mut driver = Driver::new(
        agent,
        caller.performs,
        folders.workspace,
        configuration.keys,
    );
    driver.set_time(caller.now);
    driver.recording = recording;
    driver.answer_file = answer_file;
    driver.session = session;
    Ok(Asked { driver, output })
}

/// What an agent is made of.
pub(super) struct Start {
    pub(super) header: Header,
    pub(super) host_tools: Vec<HostTool>,
    pub(super) saved: Option<Vec<u8>>,
    /// The file to go on with, of which nothing was read.
    pub(super) session: Session,
}

impl Start {
    /// The agent with its prompt given, and the run's recording in the file `record`.
    pub(super) fn begin(
        self,
        record: Option<&str>,
        folders: &mut Folders,
    ) -> Result<(Agent, Option<Recording>, Session), Stop> {
        let Start {
            header,
            host_tools,
            saved,
            session,
        } = self;
        let recording = match record {
            Some(_) if saved.is_some() => {
                return Err(Stop::usage(
                    "--record is for a conversation from its start: it can't be used where one goes on",
                    &[],
                ));
            }
            Some(path) => Some(Recording::create(folders, path, &header)?),
            None => None,
        };
        let wrong = |error: &dyn ToString| Stop::usage("%", &[&error.to_string()]);
        let mut agent = match saved {
            Some(saved) => Agent::restore(header.settings, &header.tools, host_tools, &saved)
                .map_err(|error| wrong(&error))?,
            None => Agent::new(header.settings, &header.tools, header.seed)
                .and_then(|agent| agent.with_host_tools(host_tools))
                .map_err(|error| wrong(&error))?,
        };
        #[cfg(feature = "sessions")]
        let mut session = session;
        #[cfg(feature = "sessions")]
        if let Some(session) = &mut session {
            agent = session.read(agent, header.now)?;
        }
        agent
            .prompt(header.now, &header.prompt)
            .map_err(|misuse| wrong(&misuse))?;
        Ok((agent, recording, session))
    }
}
