//! From a command line to an ending: what is granted, the run itself, and what cuts it short.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wasmtime::Trap;

use crate::args::audit::AuditArgsError;
use crate::args::plugin::PluginArgsError;
use crate::args::{self, Args, ArgsError, Request};
use crate::audit::{self, AuditCommandError};
use crate::component;
use crate::console::Console;
use crate::egress::{Diary, Egress, Named, WasiHttp};
use crate::environment::{self, EnvironmentError};
use crate::exit::{Ending, say};
use crate::folders::{self, FoldersError, Places};
use crate::help;
use crate::host::{Grants, Host};
use crate::keys::Keys;
use crate::plugins::{self, Loudness, PluginsError};
use crate::session::{self, Ask, Asked, Interruption, Kept, KeptError, printable};
use crate::settings::Settings;
use crate::signals::{Signal, Signals};

/// How long a run that is cut short may take to drop what it holds; a component that computes does not notice
/// before its next call to the host.
const DROP_WITHIN: Duration = Duration::from_millis(500);

/// How long a run that the system wants to end may take to keep its conversation.
const KEEP_WITHIN: Duration = Duration::from_secs(2);

/// The instance, the connections that it waits for.
const THREADS: usize = 2;

const USAGE: u8 = 2;

/// A run that did not come to an ending of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The command line.
    #[error("{0}; dewclaw --help lists the options")]
    Args(#[from] ArgsError),
    /// The command line of `audit`.
    #[error("{0}; dewclaw audit --help tells more")]
    AuditArgs(#[from] AuditArgsError),
    /// The command line of `plugin`.
    #[error("{0}; dewclaw plugin --help tells more")]
    PluginArgs(#[from] PluginArgsError),
    /// The audit trail.
    #[error(transparent)]
    Audit(#[from] AuditCommandError),
    /// A plugin, or its policy. What it says may be the plugin's own words.
    #[error("{}", one_line(&.0.to_string()))]
    Plugins(PluginsError),
    /// The variables.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The folders.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The conversation to go on with.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The component trapped. `kept` is the conversation that the run went on with, which is as it was.
    #[error(
        "the component trapped: {trap}: this is a bug of dewclaw's; files are whole{}, and the command can be tried \
         again",
        conversation_in(kept.as_deref())
    )]
    Trapped { trap: String, kept: Option<PathBuf> },
    /// What is embedded cannot run here.
    #[error(
        "the embedded component cannot run: {0}: build this command again with a dewclaw.wasm of its own version"
    )]
    NotRunnable(String),
    /// Threads, signals or the standard streams.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

impl RunError {
    /// 2 for what the command line asked for, 1 for all else.
    pub(crate) fn code(&self) -> u8 {
        match self {
            RunError::Args(_)
            | RunError::AuditArgs(_)
            | RunError::PluginArgs(_)
            | RunError::Audit(_)
            | RunError::Environment(_)
            | RunError::Folders(_)
            | RunError::Kept(_) => USAGE,
            RunError::Plugins(error) => error.code(),
            RunError::Trapped { .. } | RunError::NotRunnable(_) | RunError::System(_) => 1,
        }
    }
}

/// Does what the arguments after the program's name ask for.
///
/// # Errors
/// The command line is wrong, a folder cannot serve, the component trapped, or the system refused.
pub(crate) fn command(arguments: impl IntoIterator<Item = OsString>) -> Result<Ending, RunError> {
    match args::parse(arguments)? {
        Request::Help => about(
            help::NATIVE,
            "--help",
            Console::stdout(),
            Ending::Finished(0),
        ),
        Request::Version => about(
            &format!("{}\n", component::describe()),
            "--version",
            Console::stdout(),
            Ending::Finished(0),
        ),
        Request::Nothing => about(help::NATIVE, "--help", Console::stderr(), Ending::NoCommand),
        Request::Run(args) => run(args),
        Request::Audit(own) => audit::run(own.state, args::audit::parse(own.arguments)?),
        Request::Plugin(own) => plugins::command(own.state, args::plugin::parse(own.arguments)?),
    }
}

/// Prints `text`, which is all there is to do.
///
/// # Errors
/// The stream's own.
pub(crate) fn show(text: &str, ending: Ending) -> Result<Ending, RunError> {
    match Console::stdout().print(text.as_bytes()) {
        Ok(()) => Ok(ending),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::ReaderGone),
        Err(error) => Err(error.into()),
    }
}

/// Prints `text`, then what the component says to `flag`; it is granted nothing else.
fn about(text: &str, flag: &str, console: Console, ending: Ending) -> Result<Ending, RunError> {
    if let Err(error) = console.print(text.as_bytes()) {
        return match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(Ending::ReaderGone),
            _ => Err(error.into()),
        };
    }
    let ended = drive(
        Work::Command,
        Grants {
            arguments: vec!["dewclaw".to_owned(), flag.to_owned()],
            variables: Vec::new(),
            folders: None,
            console,
            egress: WasiHttp::Refused,
            keys: Keys::default(),
        },
    )?;
    Ok(match ended {
        Ending::Finished(_) => ending,
        cut_short => cut_short,
    })
}

fn run(args: Args) -> Result<Ending, RunError> {
    let mut variables = environment::for_component(std::env::vars_os(), &args.env)?;
    let folders = folders::find(
        args.workspace.as_deref(),
        args.state.as_deref(),
        &Places::of_this_process(),
    )?;
    let settings = Settings::read(&folders.state);
    let named = Named::read(&args.command, &variables, &settings);
    let keys = Keys::take(&mut variables, &folders.state, &settings)?;
    let egress = Egress::from_env(named);
    let diary = egress.diary();
    let console = Console::stdout();
    let kept = Kept::in_state(&folders.state);
    let mut arguments = vec!["dewclaw".to_owned()];
    arguments.extend(args.command.iter().cloned());
    let (work, wasi_http) = if args::opens_a_session(&args.command) {
        let ask = Ask {
            egress,
            keys: keys.clone(),
            tools: plugins::tools(&args.plugged, &folders.state, loudness(&args.command))?,
            saved: args.go_on.then(|| kept.read()).transpose()?,
            kept: kept.clone(),
            is_named: args::names_a_session(&args.command),
            console: console.clone(),
            json: arguments.iter().any(|argument| argument == "--json"),
            interruption: Arc::default(),
        };
        (Work::Ask(ask), WasiHttp::Refused)
    } else {
        let keys = keys.clone();
        (Work::Command, WasiHttp::Granted { egress, keys })
    };
    let ended = drive(
        work,
        Grants {
            arguments,
            variables,
            folders: Some(folders),
            console,
            egress: wasi_http,
            keys,
        },
    );
    let ending = ended.map_err(|error| match error {
        RunError::Trapped { trap, .. } => RunError::Trapped {
            trap,
            kept: args.go_on.then(|| kept.path()),
        },
        error => error,
    })?;
    explain(ending, &args, &diary);
    Ok(ending)
}

/// How much of what plugins say is told, by the options of the conversation, which the component reads later.
fn loudness(command: &[String]) -> Loudness {
    let flags = command.iter().take_while(|argument| *argument != "--");
    flags.fold(Loudness::Usual, |loudness, flag| match flag.as_str() {
        "--quiet" | "-q" => Loudness::Silent,
        "--verbose" | "-v" if loudness == Loudness::Usual => Loudness::Everything,
        _ => loudness,
    })
}

/// Adds what the component cannot know to what it said.
fn explain(ending: Ending, args: &Args, diary: &Diary) {
    let code = match ending {
        Ending::Kept(_) => return say(&go_on_with(args)),
        Ending::Finished(code @ 1..) => code,
        _ => return,
    };
    if let Some(failure) = diary.last_failure() {
        say(&format!("the last connection failed: {failure}"));
    }
    if code == USAGE
        && let Some(option) = args::misplaced(&args.command)
    {
        say(&format!(
            "{option} is an option of the native command: it stands before `{}`",
            args.command[0]
        ));
    }
}

fn conversation_in(kept: Option<&Path>) -> String {
    kept.map(|path| format!(", the conversation is in `{}`", path.display()))
        .unwrap_or_default()
}

/// How to go on with a conversation that was interrupted.
fn go_on_with(args: &Args) -> String {
    if args::names_a_session(&args.command) {
        return "interrupted; the session is kept, and --session goes on with it".to_owned();
    }
    let state = match &args.state {
        Some(state) => format!("--state {} ", state.display()),
        None => String::new(),
    };
    let command = match args.command.first().map(String::as_str) {
        Some(args::CHAT) => args::CHAT,
        _ => "ask PROMPT",
    };
    format!(
        "interrupted; the conversation is kept: dewclaw {state}--continue {command} goes on with it"
    )
}

/// A text as one line that no terminal acts on.
fn one_line(text: &str) -> String {
    const LETTERS: usize = 5_000;
    let words: Vec<&str> = text.split_whitespace().collect();
    printable(&words.join(" "), LETTERS)
}

/// What the component is there for.
enum Work {
    /// It runs a command to its end.
    Command,
    /// It is driven through a session.
    Ask(Ask),
}

/// Puts the component to work on threads of its own until it ends, a signal comes, or nobody reads its output.
fn drive(work: Work, grants: Grants) -> Result<Ending, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    let ending = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let console = grants.console.clone();
        let host = Host::new(grants).map_err(|error| io::Error::other(format!("{error:#}")))?;
        let interruption = match &work {
            Work::Ask(ask) => Some(ask.interruption.clone()),
            Work::Command => None,
        };
        let mut asked_to_end = None;
        let mut guest = tokio::spawn(async {
            match work {
                Work::Command => component::run(host).await.map(Asked::Ended),
                Work::Ask(ask) => session::ask(host, ask).await,
            }
        });
        tokio::select! {
            biased;
            signal = cut_short(&mut signals, interruption.as_deref(), &mut asked_to_end) => {
                drop_run(guest).await;
                Ok(Ending::Interrupted(signal))
            }
            () = console.reader_gone() => {
                drop_run(guest).await;
                Ok(Ending::ReaderGone)
            }
            ended = &mut guest => match ended {
                Ok(result) => {
                    let signal = asked_to_end.unwrap_or(Signal::Interrupt);
                    result.map(|asked| ending_of(asked, signal)).map_err(failed)
                }
                Err(panic) => Err(RunError::System(io::Error::other(panic))),
            },
        }
    });
    // A thread that waits for a name or for standard input must not hold the end up.
    runtime.shutdown_background();
    ending
}

/// Completes when the run is to be dropped, with the signal that says so. The first one asks a session to end by itself,
/// and is noted in `asked_to_end`; a session that goes on is asked by each, while something comes of it.
async fn cut_short(
    signals: &mut Signals,
    interruption: Option<&Interruption>,
    asked_to_end: &mut Option<Signal>,
) -> Signal {
    loop {
        let signal = signals.next().await;
        let Some(interruption) = interruption.filter(|run| run.has_session()) else {
            return signal;
        };
        *asked_to_end = Some(signal);
        let in_vain = interruption.request(signal);
        return match signal {
            Signal::Interrupt if interruption.goes_on() && !in_vain => continue,
            Signal::Interrupt if interruption.goes_on() => signal,
            Signal::Interrupt => signals.next().await,
            Signal::Terminate => tokio::time::timeout(KEEP_WITHIN, signals.next())
                .await
                .unwrap_or(signal),
        };
    }
}

fn ending_of(asked: Asked, signal: Signal) -> Ending {
    match asked {
        Asked::Ended(code) => Ending::Finished(code),
        Asked::Cancelled(Ok(())) => Ending::Kept(signal),
        Asked::Cancelled(Err(unwritten)) => {
            say(&unwritten.to_string());
            Ending::Interrupted(signal)
        }
    }
}

async fn drop_run<T>(guest: JoinHandle<T>) {
    guest.abort();
    let _ = tokio::time::timeout(DROP_WITHIN, guest).await;
}

fn failed(error: wasmtime::Error) -> RunError {
    match error.downcast_ref::<Trap>() {
        Some(trap) => RunError::Trapped {
            trap: trap.to_string(),
            kept: None,
        },
        None => RunError::NotRunnable(format!("{error:#}")),
    }
}
