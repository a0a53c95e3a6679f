//! The component's commands.

use alloc::string::String;
use core::mem::ManuallyDrop;

use dewclaw_agent_core::template::fill;
use dewclaw_platform::Environment;
use dewclaw_platform::wasi::WasiEnvironment;

use crate::console::{complain, print};

pub(crate) mod answer;
mod approval;
mod arguments;
pub(crate) mod ask;
#[cfg(feature = "chat")]
pub(crate) mod chat;
pub(crate) mod configuration;
mod doctor;
mod help;
mod offer;
pub(crate) mod output;
mod replay;
#[cfg(feature = "sessions")]
mod sessions;
mod tool;

/// What ends a command early: its exit code, and a message for the person. The message is a template, filled as by
/// [`fill`].
pub(crate) struct Stop {
    pub(crate) code: u8,
    pub(crate) message: String,
}

/// Exit codes, as `wit/world.wit` defines them.
pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const DENIED: u8 = 5;

impl Stop {
    /// The command line or a setting is wrong.
    pub(crate) fn usage(template: &str, parts: &[&str]) -> Stop {
        Stop {
            code: USAGE,
            message: fill(template, parts),
        }
    }

    /// Something else failed.
    pub(crate) fn failed(template: &str, parts: &[&str]) -> Stop {
        Stop {
            code: FAILED,
            message: fill(template, parts),
        }
    }
}

/// What a command holds to its end: the instance ends with it, so the memory need not be given back, which would be code.
fn kept<T>(value: T) -> ManuallyDrop<T> {
    ManuallyDrop::new(value)
}

/// Runs the command that the arguments name and answers its exit code.
pub(crate) fn run() -> u8 {
    let environment = kept(WasiEnvironment::new());
    let arguments = kept(environment.arguments());
    match dispatch(&environment, &arguments) {
        Ok(code) => code,
        Err(stop) => report(&stop, arguments.iter().any(|argument| argument == "--json")),
    }
}

/// Says what ended a command, or a turn of a chat. Answers its exit code.
fn report(stop: &Stop, json: bool) -> u8 {
    complain("dewclaw: %", &[&stop.message]);
    if json {
        let kind = if stop.code == FAILED { "io" } else { "usage" };
        let mut line = dewclaw_agent_core::event_json::failure(stop.code, kind, &stop.message);
        line.push(b'\n');
        print(&line);
    }
    stop.code
}

fn dispatch(environment: &WasiEnvironment, arguments: &[String]) -> Result<u8, Stop> {
    let wants_help = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| matches!(argument.as_str(), "--help" | "-h"));
    let Some((command, arguments)) = arguments.split_first() else {
        complain("%", &[help::TEXT]);
        return Ok(USAGE);
    };
    if wants_help || command == "help" {
        print(help::TEXT.as_bytes());
        return Ok(0);
    }
    match command.as_str() {
        "ask" => ask::run(environment, arguments, false),
        #[cfg(feature = "chat")]
        "chat" => ask::run(environment, arguments, true),
        "tool" => tool::run(environment, arguments),
        "tools" => tool::list(arguments),
        "replay" => replay::run(arguments),
        "doctor" => doctor::run(environment, arguments),
        #[cfg(feature = "sessions")]
        "sessions" => sessions::run(arguments),
        "--version" | "-V" => {
            print(help::VERSION.as_bytes());
            Ok(0)
        }
        _ => Err(Stop::usage(
            if cfg!(feature = "sessions") {
                "unknown command \"%\": there are ask, chat, sessions, tool, tools, replay and doctor; --help tells more"
            } else if cfg!(feature = "chat") {
                "unknown command \"%\": there are ask, chat, tool, tools, replay and doctor; --help tells more"
            } else {
                "unknown command \"%\": there are ask, tool, tools, replay and doctor; --help tells more"
            },
            &[command],
        )),
    }
}
