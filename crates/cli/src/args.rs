//! The command line as it was typed: the native options, then the component's own command, untouched.

pub(crate) mod audit;
pub(crate) mod plugin;
mod when;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use self::plugin::{Plugged, PluginArgsError};

/// The component's command that has a conversation.
pub(crate) const ASK: &str = "ask";

/// The one that has a conversation of many prompts.
pub(crate) const CHAT: &str = "chat";

/// This command's own, about plugins.
const PLUGIN: &str = "plugin";

/// This command's own, about what plugins did.
const AUDIT: &str = "audit";

/// What the user asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// No command at all: help, as an error.
    Nothing,
    /// A command of the component.
    Run(Args),
    /// `plugin`, for [`plugin::parse`].
    Plugin(Own),
    /// `audit`, for [`audit::parse`].
    Audit(Own),
}

/// A command that the component has no part in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// `--state DIR`.
    pub(crate) state: Option<PathBuf>,
    /// What follows its name.
    pub(crate) arguments: Vec<OsString>,
}

/// The native options, and the component's command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    /// `--workspace DIR`.
    pub(crate) workspace: Option<PathBuf>,
    /// `--state DIR`.
    pub(crate) state: Option<PathBuf>,
    /// Each `--env NAME[=VALUE]`, in order.
    pub(crate) env: Vec<Variable>,
    /// `--continue`: go on with the conversation that was interrupted.
    pub(crate) go_on: bool,
    /// The plugins of a conversation.
    pub(crate) plugged: Plugged,
    /// The component's arguments after the program name; never empty.
    pub(crate) command: Vec<String>,
}

/// One `--env`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its value; without one, this process's own.
    pub(crate) value: Option<String>,
}

/// A command line that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgsError {
    /// A native option stands without its value.
    #[error("{option} needs a value: {option} {shape}")]
    MissingValue {
        option: &'static str,
        shape: &'static str,
    },
    /// The same folder is given twice.
    #[error("{option} is given twice: give it once")]
    Repeated { option: &'static str },
    /// `--env` with an empty name.
    #[error("--env {given:?} has no name: --env NAME or --env NAME=VALUE")]
    NoName { given: String },
    /// `--continue` before a command that has no conversation.
    #[error(
        "--continue goes on with a conversation, so it stands before `ask` or `chat`, not before `{command}`"
    )]
    NoConversation { command: String },
    /// An option about plugins before a command that has none.
    #[error("{option} is an option of `ask` and `chat`, not of `{command}`")]
    NoPlugins {
        option: &'static str,
        command: String,
    },
    /// An option about plugins.
    #[error(transparent)]
    Plugin(#[from] PluginArgsError),
    /// A component takes its arguments as Unicode.
    #[error("the argument {given:?} is not UTF-8: the component cannot take it")]
    NotUnicode { given: OsString },
}

/// Reads the arguments that follow the program's name.
///
/// Native options stand before the command; the first argument that is none of them starts the command, and what
/// follows it belongs to the component, even where it looks like a native option.
///
/// # Errors
/// A native option is used wrongly, or an argument is not UTF-8.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, ArgsError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut args = Args::default();
    let mut first_plugged = None;
    while let Some(option) = next_native(&mut parser) {
        // The peeked argument is a long option that we know, so these cannot fail.
        if let Native::Plugged = option {
            let plugged = args.plugged.take_next(&mut parser)?;
            first_plugged = first_plugged.or(Some(plugged));
            continue;
        }
        let _ = parser.next();
        match option {
            Native::Plugged => {}
            Native::Help => return Ok(Request::Help),
            Native::Version => return Ok(Request::Version),
            Native::Workspace => folder(&mut parser, "--workspace", &mut args.workspace)?,
            Native::State => folder(&mut parser, "--state", &mut args.state)?,
            Native::Continue => args.go_on = true,
            Native::Env => {
                let given = text(value(&mut parser, "--env", "NAME[=VALUE]")?)?;
                args.env.push(variable(given)?);
            }
        }
    }
    let mut rest = parser.raw_args().into_iter().flatten().peekable();
    let _ = rest.next_if(|argument| argument == "--");
    let mut rest: Vec<OsString> = rest.collect();
    let Some(command) = rest
        .first()
        .map(|first| first.to_string_lossy().into_owned())
    else {
        return Ok(Request::Nothing);
    };
    if command == ASK || command == CHAT {
        rest = args.plugged.take_from(rest)?;
        args.plugged.check()?;
    } else if args.go_on {
        return Err(ArgsError::NoConversation { command });
    } else if let Some(option) = first_plugged {
        return Err(ArgsError::NoPlugins { option, command });
    }
    let own = |arguments: Vec<OsString>| Own {
        state: args.state.clone(),
        arguments,
    };
    if command == PLUGIN {
        return Ok(Request::Plugin(own(rest.split_off(1))));
    }
    if command == AUDIT {
        return Ok(Request::Audit(own(rest.split_off(1))));
    }
    args.command = rest.into_iter().map(text).collect::<Result<_, _>>()?;
    Ok(Request::Run(args))
}

/// Whether a command has a conversation; one that asks for help has none, as the component sees it.
pub(crate) fn opens_a_session(command: &[String]) -> bool {
    let mut flags = command.iter().take_while(|argument| *argument != "--");
    command
        .first()
        .is_some_and(|command| command == ASK || command == CHAT)
        && !flags.any(|flag| flag == "--help" || flag == "-h")
}

/// Whether a conversation is in the file of a session that has a name: the component keeps it.
pub(crate) fn names_a_session(command: &[String]) -> bool {
    let mut flags = command.iter().take_while(|argument| *argument != "--");
    flags.any(|flag| flag.split('=').next() == Some("--session"))
}

/// The native options that a user put behind the command, where they reach the component instead.
pub(crate) fn misplaced(command: &[String]) -> Option<&str> {
    command
        .iter()
        .map(|argument| argument.split('=').next().unwrap_or_default())
        .find(|name| ["--workspace", "--state", "--env", "--continue"].contains(name))
}

enum Native {
    Help,
    Version,
    Workspace,
    State,
    Continue,
    Env,
    /// One that says which plugins there are, or what they may do.
    Plugged,
}

/// The native option that comes next, if one does; it is not consumed.
fn next_native(parser: &mut lexopt::Parser) -> Option<Native> {
    let raw = parser.try_raw_args()?;
    let next = raw.peek()?.as_encoded_bytes();
    let name = next.split(|byte| *byte == b'=').next()?;
    Some(match name {
        b"--help" | b"-h" if name == next => Native::Help,
        b"--version" | b"-V" if name == next => Native::Version,
        b"--workspace" => Native::Workspace,
        b"--state" => Native::State,
        b"--continue" if name == next => Native::Continue,
        b"--env" => Native::Env,
        b"--plugin" | b"--policy" | b"--preset" | b"--audit" => Native::Plugged,
        _ => return None,
    })
}

fn folder(
    parser: &mut lexopt::Parser,
    option: &'static str,
    slot: &mut Option<PathBuf>,
) -> Result<(), ArgsError> {
    let given = value(parser, option, "DIR")?;
    if slot.replace(PathBuf::from(given)).is_some() {
        return Err(ArgsError::Repeated { option });
    }
    Ok(())
}

fn value(
    parser: &mut lexopt::Parser,
    option: &'static str,
    shape: &'static str,
) -> Result<OsString, ArgsError> {
    parser
        .value()
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or(ArgsError::MissingValue { option, shape })
}

fn variable(given: String) -> Result<Variable, ArgsError> {
    let (name, value) = match given.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (given.clone(), None),
    };
    if name.is_empty() {
        return Err(ArgsError::NoName { given });
    }
    Ok(Variable { name, value })
}

fn text(argument: impl AsRef<OsStr>) -> Result<String, ArgsError> {
    let argument = argument.as_ref();
    argument
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| ArgsError::NotUnicode {
            given: argument.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Request, ArgsError> {
        parse(arguments.iter().map(OsString::from))
    }

    fn run(arguments: &[&str]) -> Args {
        match read(arguments).unwrap() {
            Request::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn native_options_stand_before_the_command() {
        let args = run(&[
            "--workspace",
            "w",
            "--state=s",
            "--env",
            "A=b=c",
            "--env=D",
            "ask",
            "hello",
            "--json",
        ]);
        assert_eq!(args.workspace, Some("w".into()));
        assert_eq!(args.state, Some("s".into()));
        assert_eq!(
            args.env,
            [
                Variable {
                    name: "A".into(),
                    value: Some("b=c".into())
                },
                Variable {
                    name: "D".into(),
                    value: None
                },
            ]
        );
        assert_eq!(args.command, ["ask", "hello", "--json"]);
    }

    #[test]
    fn the_command_is_passed_through_unchanged() {
        for command in [
            &["ask", "--help"][..],
            &["ask", "--workspace", "x", "--", "-q", "--", "--version"],
            &["--json", "ask"],
            &["-q"],
            &["-"],
            &["ask", ""],
            &["--workspaces"],
            &["--help=x"],
            &["tool", "read_file", "{\"path\":\"a b\"}"],
        ] {
            assert_eq!(run(command).command, command);
        }
    }

    #[test]
    fn two_dashes_end_the_native_options() {
        assert_eq!(
            run(&["--", "--workspace", "--"]).command,
            ["--workspace", "--"]
        );
        assert_eq!(read(&["--"]), Ok(Request::Nothing));
    }

    #[test]
    fn help_and_version_win_only_before_the_command() {
        assert_eq!(read(&["--help", "ask"]), Ok(Request::Help));
        assert_eq!(read(&["--state", "s", "-h"]), Ok(Request::Help));
        assert_eq!(read(&["--version"]), Ok(Request::Version));
        assert_eq!(read(&["-V"]), Ok(Request::Version));
        assert_eq!(run(&["help"]).command, ["help"]);
    }

    #[test]
    fn a_conversation_is_gone_on_with_by_ask_alone() {
        assert!(run(&["--continue", "ask", "more"]).go_on);
        assert!(!run(&["ask", "more"]).go_on);
        assert_eq!(run(&["--continue=x"]).command, ["--continue=x"]);
        assert_eq!(
            read(&["--continue", "tools"]).unwrap_err().to_string(),
            "--continue goes on with a conversation, so it stands before `ask` or `chat`, not before `tools`"
        );
    }

    #[test]
    fn no_command_is_not_a_run() {
        assert_eq!(read(&[]), Ok(Request::Nothing));
        assert_eq!(read(&["--workspace", "w"]), Ok(Request::Nothing));
    }

    #[test]
    fn options_say_what_they_lack() {
        let message = |arguments: &[&str]| read(arguments).unwrap_err().to_string();
        assert_eq!(
            message(&["--workspace"]),
            "--workspace needs a value: --workspace DIR"
        );
        assert_eq!(message(&["--state="]), "--state needs a value: --state DIR");
        assert_eq!(
            message(&["--env"]),
            "--env needs a value: --env NAME[=VALUE]"
        );
        assert_eq!(
            message(&["--state", "a", "--state", "b", "ask"]),
            "--state is given twice: give it once"
        );
        assert_eq!(
            message(&["--env", "=x", "ask"]),
            "--env \"=x\" has no name: --env NAME or --env NAME=VALUE"
        );
    }

    #[cfg(unix)]
    #[test]
    fn folders_may_be_any_bytes_but_the_command_may_not() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(b"a\xff=b".to_vec());
        let mut typed = OsString::from("--workspace=");
        typed.push(&odd);
        let Ok(Request::Run(args)) = parse([typed, "doctor".into()]) else {
            panic!("the folder was refused")
        };
        assert_eq!(args.workspace, Some(PathBuf::from(&odd)));
        assert_eq!(
            parse(["ask".into(), odd.clone()]),
            Err(ArgsError::NotUnicode { given: odd })
        );
    }

    #[test]
    fn help_opens_no_session() {
        for (arguments, opens) in [
            (&["ask", "p"][..], true),
            (&["ask", "--", "-h"], true),
            (&["chat", "--json"], true),
            (&["chat", "--help"], false),
            (&["ask", "p", "-h"], false),
            (&["ask", "--help"], false),
            (&["tools"], false),
        ] {
            assert_eq!(
                opens_a_session(&run(arguments).command),
                opens,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn sessions_with_a_name_are_known() {
        for (arguments, names) in [
            (&["ask", "--session", "s", "p"][..], true),
            (&["chat", "--session=s"], true),
            (&["ask", "--", "--session"], false),
            (&["sessions"], false),
        ] {
            let names_one = names_a_session(&run(arguments).command);
            assert_eq!(names_one, names, "{arguments:?}");
        }
    }

    #[test]
    fn plugins_are_given_before_the_conversation_or_in_it() {
        let plugged = |arguments: &[&str]| run(arguments).plugged.files;
        for arguments in [
            &["--plugin", "a.wasm", "ask", "--plugin=b.wasm", "p"][..],
            &["--plugin=a.wasm", "chat", "--plugin", "b.wasm"],
        ] {
            assert_eq!(
                plugged(arguments),
                [PathBuf::from("a.wasm"), "b.wasm".into()]
            );
        }
        assert_eq!(run(&["ask", "--plugin", "a", "p"]).command, ["ask", "p"]);
        let message = |arguments: &[&str]| read(arguments).unwrap_err().to_string();
        assert_eq!(
            message(&["--plugin", "a", "tools"]),
            "--plugin is an option of `ask` and `chat`, not of `tools`"
        );
        assert_eq!(
            message(&["--policy"]),
            "--policy needs a value: --policy FILE"
        );
    }

    #[test]
    fn the_commands_about_plugins_are_this_ones_own() {
        let own = |arguments: &[&str]| Own {
            state: Some("s".into()),
            arguments: arguments.iter().map(OsString::from).collect(),
        };
        assert_eq!(
            read(&["--state", "s", "plugin", "check", "--state"]),
            Ok(Request::Plugin(own(&["check", "--state"])))
        );
        assert_eq!(read(&["--state=s", "audit"]), Ok(Request::Audit(own(&[]))));
    }

    #[test]
    fn misplaced_options_are_found() {
        let command = |arguments: &[&str]| -> Vec<String> {
            arguments.iter().map(ToString::to_string).collect()
        };
        assert_eq!(misplaced(&command(&["ask", "--state=x"])), Some("--state"));
        assert_eq!(misplaced(&command(&["ask", "--stately"])), None);
    }
}
