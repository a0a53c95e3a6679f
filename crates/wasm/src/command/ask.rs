//! `ask`: one prompt, worked on until it is answered.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::recording::Header;
use dewclaw_agent_core::tools::HostTool;
use dewclaw_agent_core::{Agent, Effect, Input, Limits};
use dewclaw_platform::wasi::{WasiClock, WasiEnvironment};
use dewclaw_platform::{Clock, Environment, Now};

use super::approval::Approval;
use super::arguments::{Arguments, Flags};
use super::output::Output;
use super::{Stop, USAGE, answer, configuration, kept, offer};
#[cfg(feature = "budgets")]
use crate::budget_file;
#[cfg(feature = "chat")]
use crate::console::MAX_INPUT_BYTES;
use crate::console::read_input;
use crate::driver::Driver;
#[cfg(feature = "sessions")]
use crate::driver::session_file::SessionFile;
use crate::folders::Folders;
use crate::host::HOST;
use crate::performs::Performs;
use crate::recording::Recording;
use crate::session::{self, Error, Session};

/// The flags; the first ones are not those of `chat`.
const FLAGS: &Flags = &[
    ("--output", "-o", true),
    ("--record", "", true),
    ("--model", "-m", true),
    ("--wire", "", true),
    ("--base-url", "", true),
    ("--system", "", true),
    ("--max-steps", "", true),
    ("--max-tokens", "", true),
    ("--no-stream", "", false),
    ("--tools", "", true),
    ("--read-only", "", false),
    #[cfg(feature = "instructions")]
    ("--no-instructions", "", false),
    #[cfg(feature = "recall")]
    ("--no-recall", "", false),
    ("--allow-fetch", "", true),
    ("--approve", "", true),
    #[cfg(feature = "budgets")]
    ("--budget", "", true),
    #[cfg(feature = "budgets")]
    ("--budget-per-day", "", true),
    #[cfg(feature = "limits")]
    ("--limits", "", true),
    #[cfg(feature = "context")]
    ("--context-window", "", true),
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
    /// The prompts are read one after the other: none is an argument.
    pub(crate) chats: bool,
}

/// What was asked for, about to begin.
pub(crate) struct Asked {
    pub(crate) session: Session,
    pub(crate) output: Output,
    /// Bytes that a prompt may have.
    #[cfg(feature = "chat")]
    pub(super) most_bytes: usize,
    approval: Approval,
}

/// Runs the command, or `chat`.
pub(super) fn run(
    environment: &WasiEnvironment,
    arguments: &[String],
    chats: bool,
) -> Result<u8, Stop> {
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
        chats,
    };
    let mut asked = kept(open(environment, arguments, caller)?);
    let ended = match chats {
        #[cfg(feature = "chat")]
        true => super::chat::run(&mut asked),
        _ => turn(&mut asked),
    };
    // Others may be in it from now on.
    #[cfg(feature = "sessions")]
    drop(asked.session.driver.session.take());
    ended
}

/// Drives a run to its end, and shows it. Answers its exit code.
///
/// # Errors
/// What is kept of it can't be.
pub(super) fn turn(asked: &mut Asked) -> Result<u8, Stop> {
    let Asked {
        session,
        output,
        approval,
        ..
    } = asked;
    loop {
        let effect = session.next_effect();
        let driver = &mut session.driver;
        match effect {
            Ok(Effect::Event(event)) => output.event(&event),
            Ok(Effect::Approve {
                call,
                name,
                arguments,
            }) => {
                let verdict = approval.ask(&name, &arguments);
                // It was just asked for.
                let _ = driver.feed(Input::Verdict { call, verdict });
            }
            Ok(Effect::Wait { until_ms }) => {
                let left = until_ms.saturating_sub(driver.now().monotonic_ms);
                if !driver.wait(left) {
                    // A tick fits at any moment.
                    let _ = driver.feed(Input::Tick);
                }
            }
            Ok(Effect::Finished(outcome)) => {
                output.finished(&outcome);
                return Ok(outcome.reason.exit_code());
            }
            Err(stop) => {
                output.end_line();
                return Err(stop);
            }
            Ok(_) if driver.is_idle() => {
                return Err(Stop::failed(
                    "the agent waits for nothing: this is a bug",
                    &[],
                ));
            }
            Ok(_) => {
                driver.wait(u64::MAX);
            }
        }
    }
}

/// What the arguments ask for: a run, with its prompt given, or a chat before its first one.
///
/// # Errors
/// What is wrong with the arguments, the settings or what was granted.
pub(crate) fn open(
    environment: &WasiEnvironment,
    arguments: &[String],
    caller: Caller,
) -> Result<Asked, Stop> {
    let chats = cfg!(feature = "chat") && caller.chats;
    let flags = if chats { &FLAGS[2..] } else { FLAGS };
    let arguments = Arguments::parse(arguments, flags)?;
    let output = Output::new(&arguments);
    let mut folders = Folders::find();
    let mut configuration = configuration::read(environment, &arguments, &mut folders)?;
    configuration.settle()?;
    let tools = offer::tools(environment, &arguments, &configuration.settings)?;
    let (record, answer_file) = (arguments.value("--record"), arguments.value("--output"));
    // Without the feature there are no such flags.
    let session_name = arguments.value("--session");
    if session_name.is_some() && (record.is_some() || caller.saved.is_some()) {
        return Err(Stop::usage(
            "--session does not go with --record or --continue",
            &[],
        ));
    }
    let limits = configuration.settings.limits;
    if record.is_some() && limits != Limits::None {
        return Err(Stop::usage(
            "--record takes more memory than --limits leaves: use one of them",
            &[],
        ));
    }
    let mut prompt = String::new();
    if chats {
        if !arguments.operands.is_empty() {
            return Err(Stop::usage("chat takes no PROMPT: it reads lines", &[]));
        }
    } else if !(session_name.is_some() && arguments.operands.is_empty()) {
        let [words] = arguments.operands(["PROMPT"])?;
        prompt.push_str(words);
    }
    if prompt == "-" {
        prompt = read_input(limits.prompt_bytes()).map_err(|why| Stop::usage("%", &[why]))?;
    }
    configuration.check()?;
    if !folders.workspace.is_granted() {
        return Err(Stop::usage("%", &[HOST.no_workspace]));
    }
    if let Some(path) = answer_file {
        answer::check(&mut folders.workspace, path)?;
    }
    #[cfg(feature = "budgets")]
    budget_file::open(&mut folders, &mut configuration.settings, caller.now)?;
    let header = Header {
        settings: configuration.settings,
        tools,
        seed: caller.seed,
        now: caller.now,
        prompt,
    };
    let start = Start {
        header,
        host_tools: caller.host_tools,
        saved: caller.saved,
    };
    let (agent, recording, prompt) = start.begin(record, &mut folders)?;
    #[cfg(feature = "sessions")]
    let mut agent = agent;
    #[cfg(feature = "sessions")]
    let session = match session_name {
        Some(name) => {
            let takes_over = arguments.has("--take-over");
            let mut session = SessionFile::begin(&mut folders, name, takes_over, caller.now)?;
            session.read(&mut agent, caller.now)?;
            Some(session)
        }
        None => None,
    };
    let mut driver = Driver::new(
        agent,
        caller.performs,
        folders.workspace,
        configuration.keys,
    );
    driver.set_time(caller.now);
    driver.recording = recording;
    driver.answer_file = answer_file.map(String::from);
    #[cfg(feature = "sessions")]
    {
        driver.session = session;
    }
    #[cfg(feature = "budgets")]
    {
        driver.state = folders.state;
    }
    if !chats {
        begin(&mut driver.agent, caller.now, &prompt)?;
    }
    Ok(Asked {
        session: Session::new(driver),
        output,
        #[cfg(feature = "chat")]
        most_bytes: limits.prompt_bytes().min(MAX_INPUT_BYTES),
        approval: Approval::default(),
    })
}

/// What an agent is made of.
pub(super) struct Start {
    pub(super) header: Header,
    pub(super) host_tools: Vec<HostTool>,
    pub(super) saved: Option<Vec<u8>>,
}

impl Start {
    /// The agent before its prompt, the run's recording in the file `record`, and the prompt.
    pub(super) fn begin(
        self,
        record: Option<&str>,
        folders: &mut Folders,
    ) -> Result<(Agent, Option<Recording>, String), Stop> {
        let Start {
            mut header,
            host_tools,
            saved,
        } = self;
        let recording = match record {
            Some(_) if saved.is_some() => {
                return Err(Stop::usage(
                    "--record is for a conversation from its start: it can't be used where one goes on",
                    &[],
                ));
            }
            Some(path) => Some(Recording::create(folders, path, &mut header)?),
            None => None,
        };
        let made = session::agent(
            header.settings,
            &header.tools,
            host_tools,
            header.seed,
            saved.as_deref(),
        );
        let agent = made.map_err(|(Error::Config(why) | Error::Saved(why))| Stop {
            code: USAGE,
            message: why,
        })?;
        Ok((agent, recording, header.prompt))
    }
}

/// Begins a run.
///
/// # Errors
/// A prompt that is none.
pub(super) fn begin(agent: &mut Agent, now: Now, prompt: &str) -> Result<(), Stop> {
    let begun = agent.prompt(now, prompt);
    begun.map_err(|misuse| Stop::usage("%", &[misuse.text()]))
}
