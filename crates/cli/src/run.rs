//! From a command line to an ending: what is granted, the run itself, and what cuts it short.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use tokio::task::JoinHandle;
use wasmtime::Trap;

use crate::args::{self, Args, ArgsError, Request};
use crate::component;
use crate::console::Console;
use crate::egress::{Diary, Egress};
use crate::environment::{self, EnvironmentError};
use crate::exit::{Ending, say};
use crate::folders::{self, FoldersError, Places};
use crate::help;
use crate::host::{Grants, Host};
use crate::signals::Signals;

/// How long a run that is cut short may take to drop what it holds; a component that computes does not notice
/// before its next call to the host.
const DROP_WITHIN: Duration = Duration::from_millis(500);

/// The instance, the connections that it waits for.
const THREADS: usize = 2;

const USAGE: u8 = 2;

/// A run that did not come to an ending of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The command line.
    #[error("{0}; dewclaw --help lists the options")]
    Args(#[from] ArgsError),
    /// The variables.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The folders.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The component trapped.
    #[error(
        "the component trapped: {0}: this is a bug of dewclaw's; files are whole, and the command can be tried again"
    )]
    Trapped(String),
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
            RunError::Args(_) | RunError::Environment(_) | RunError::Folders(_) => USAGE,
            RunError::Trapped(_) | RunError::NotRunnable(_) | RunError::System(_) => 1,
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
    let ended = drive(Grants {
        arguments: vec!["dewclaw".to_owned(), flag.to_owned()],
        variables: Vec::new(),
        folders: None,
        console,
        egress: Egress::from_env(),
    })?;
    Ok(match ended {
        Ending::Finished(_) => ending,
        cut_short => cut_short,
    })
}

fn run(args: Args) -> Result<Ending, RunError> {
    let variables = environment::for_component(std::env::vars_os(), &args.env)?;
    let folders = folders::find(
        args.workspace.as_deref(),
        args.state.as_deref(),
        &Places::of_this_process(),
    )?;
    let egress = Egress::from_env();
    let diary = egress.diary();
    let mut arguments = vec!["dewclaw".to_owned()];
    arguments.extend(args.command.iter().cloned());
    let ending = drive(Grants {
        arguments,
        variables,
        folders: Some(folders),
        console: Console::stdout(),
        egress,
    })?;
    explain(ending, &args.command, &diary);
    Ok(ending)
}

/// Adds what the component cannot know to what it said.
fn explain(ending: Ending, command: &[String], diary: &Diary) {
    let Ending::Finished(code @ 1..) = ending else {
        return;
    };
    if let Some(failure) = diary.last_failure() {
        say(&format!("the last connection failed: {failure}"));
    }
    if code == USAGE
        && let Some(option) = args::misplaced(command)
    {
        say(&format!(
            "{option} is an option of the native command: it stands before `{}`",
            command[0]
        ));
    }
}

/// Runs the component on threads of its own until it ends, a signal comes, or nobody reads its output.
fn drive(grants: Grants) -> Result<Ending, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    let ending = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let console = grants.console.clone();
        let host = Host::new(grants).map_err(|error| io::Error::other(format!("{error:#}")))?;
        let mut guest = tokio::spawn(component::run(host));
        tokio::select! {
            biased;
            signal = signals.next() => {
                drop_run(guest).await;
                Ok(Ending::Interrupted(signal))
            }
            () = console.reader_gone() => {
                drop_run(guest).await;
                Ok(Ending::ReaderGone)
            }
            ended = &mut guest => match ended {
                Ok(result) => result.map(Ending::Finished).map_err(failed),
                Err(panic) => Err(RunError::System(io::Error::other(panic))),
            },
        }
    });
    // A thread that waits for a name or for standard input must not hold the end up.
    runtime.shutdown_background();
    ending
}

async fn drop_run<T>(guest: JoinHandle<T>) {
    guest.abort();
    let _ = tokio::time::timeout(DROP_WITHIN, guest).await;
}

fn failed(error: wasmtime::Error) -> RunError {
    match error.downcast_ref::<Trap>() {
        Some(trap) => RunError::Trapped(trap.to_string()),
        None => RunError::NotRunnable(format!("{error:#}")),
    }
}
