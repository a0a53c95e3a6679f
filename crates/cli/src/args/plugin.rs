//! The command line of `dewclaw plugin`, and the options by which `ask` and `chat` get plugins.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser};

/// Which policy decides, and where the audit trail lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// `--policy FILE`.
    pub(crate) policy: Option<PathBuf>,
    /// `--preset PRESET`.
    pub(crate) preset: Option<String>,
    /// `--audit DIR`.
    pub(crate) audit: Option<PathBuf>,
}

/// The plugins of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plugged {
    /// Each `--plugin FILE`, in order.
    pub(crate) files: Vec<PathBuf>,
    /// What they may do.
    pub(crate) terms: Terms,
}

/// What was asked of a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plugin {
    /// `plugin --help`.
    Help,
    /// One of its commands.
    Of {
        /// The component, or its manifest.
        file: PathBuf,
        /// What it may do.
        terms: Terms,
        /// Which command.
        action: Action,
    },
}

/// A command of `plugin`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// `plugin check`.
    Check,
    /// `plugin describe`.
    Describe {
        /// `--json`.
        json: bool,
    },
    /// `plugin call`.
    Call {
        /// The tool.
        tool: String,
        /// Its parameters, JSON; `-` is standard input.
        parameters: String,
    },
}

/// A command line about plugins that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PluginArgsError {
    /// None of its commands.
    #[error("plugin {given:?} is not known: plugin check, plugin describe, or plugin call")]
    Unknown { given: String },
    /// It stands alone.
    #[error("plugin needs a command: plugin check, plugin describe, or plugin call")]
    Nothing,
    /// Something that the command needs is not there.
    #[error("plugin {command} needs {what}: dewclaw plugin {command} {shape}")]
    Missing {
        command: &'static str,
        what: &'static str,
        shape: &'static str,
    },
    /// Lexopt's own words.
    #[error("{0}")]
    Option(String),
    /// An option stands without its value.
    #[error("{option} needs a value: {option} {shape}")]
    MissingValue {
        option: &'static str,
        shape: &'static str,
    },
    /// An option that is given once is given twice.
    #[error("{option} is given twice: give it once")]
    Repeated { option: &'static str },
    /// Two say what a plugin may do.
    #[error("--policy and --preset both say what plugins may do: give one of them")]
    TwoPolicies,
    /// An option about plugins, and no plugin.
    #[error("{option} is about plugins: give one with --plugin FILE")]
    NoPlugin { option: &'static str },
    /// A text that is none.
    #[error("{option} {given:?} is not UTF-8")]
    NotUnicode {
        option: &'static str,
        given: OsString,
    },
}

impl From<lexopt::Error> for PluginArgsError {
    fn from(error: lexopt::Error) -> PluginArgsError {
        PluginArgsError::Option(error.to_string())
    }
}

/// An option about plugins, with the shape of its value.
#[derive(Clone, Copy)]
enum Term {
    Plugin,
    Policy,
    Preset,
    Audit,
}

impl Term {
    fn of(name: &str) -> Option<Term> {
        let terms = [Term::Plugin, Term::Policy, Term::Preset, Term::Audit];
        terms.into_iter().find(|term| term.option() == name)
    }

    fn option(self) -> &'static str {
        match self {
            Term::Plugin => "--plugin",
            Term::Policy => "--policy",
            Term::Preset => "--preset",
            Term::Audit => "--audit",
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Term::Plugin | Term::Policy => "FILE",
            Term::Preset => "none|loopback|'read-only DIR'|'read-write DIR'",
            Term::Audit => "DIR",
        }
    }
}

impl Plugged {
    fn take(&mut self, term: Term, value: OsString) -> Result<(), PluginArgsError> {
        match term {
            Term::Plugin => {
                self.files.push(value.into());
                Ok(())
            }
            term => self.terms.take(term, value),
        }
    }

    /// Takes the option that comes next, which is about plugins, and names it.
    ///
    /// # Errors
    /// It is used wrongly.
    pub(super) fn take_next(
        &mut self,
        parser: &mut Parser,
    ) -> Result<&'static str, PluginArgsError> {
        let term = match parser.next()? {
            Some(Arg::Long(name)) => Term::of(&format!("--{name}")),
            _ => None,
        };
        let Some(term) = term else {
            return Err(PluginArgsError::Nothing);
        };
        let value = parser.value().ok().filter(|value| !value.is_empty());
        self.take(term, value.ok_or(missing_value(term))?)?;
        Ok(term.option())
    }

    /// Takes the options about plugins out of a conversation's own, up to `--`: the component knows none of them.
    ///
    /// # Errors
    /// One of them is used wrongly.
    pub(crate) fn take_from(
        &mut self,
        command: Vec<OsString>,
    ) -> Result<Vec<OsString>, PluginArgsError> {
        let mut rest = Vec::with_capacity(command.len());
        let mut arguments = command.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                rest.push(argument);
                rest.extend(arguments);
                break;
            }
            let text = argument.as_encoded_bytes();
            let end = text.iter().position(|byte| *byte == b'=');
            let name = str::from_utf8(&text[..end.unwrap_or(text.len())]).ok();
            let Some(term) = name.and_then(Term::of) else {
                rest.push(argument);
                continue;
            };
            let value = match end {
                // The part behind an ASCII letter, as lexopt gives it.
                Some(_) => {
                    let mut parser = Parser::from_args([argument]);
                    let _ = parser.next()?;
                    Some(parser.value()?)
                }
                None => arguments.next(),
            };
            let value = value.filter(|value| !value.is_empty());
            self.take(term, value.ok_or(missing_value(term))?)?;
        }
        Ok(rest)
    }

    /// Whether the options fit each other.
    ///
    /// # Errors
    /// They do not.
    pub(crate) fn check(&self) -> Result<(), PluginArgsError> {
        self.terms.check()?;
        let Terms {
            policy,
            preset,
            audit,
        } = &self.terms;
        let given = [
            (policy.is_some(), "--policy"),
            (preset.is_some(), "--preset"),
            (audit.is_some(), "--audit"),
        ];
        match given.into_iter().find(|(given, _)| *given) {
            Some((_, option)) if self.files.is_empty() => Err(PluginArgsError::NoPlugin { option }),
            _ => Ok(()),
        }
    }
}

fn missing_value(term: Term) -> PluginArgsError {
    PluginArgsError::MissingValue {
        option: term.option(),
        shape: term.shape(),
    }
}

impl Terms {
    fn take(&mut self, term: Term, value: OsString) -> Result<(), PluginArgsError> {
        let option = term.option();
        let repeated = match term {
            Term::Policy => self.policy.replace(value.into()).is_some(),
            Term::Audit => self.audit.replace(value.into()).is_some(),
            Term::Preset => self.preset.replace(text(option, value)?).is_some(),
            Term::Plugin => false,
        };
        match repeated {
            true => Err(PluginArgsError::Repeated { option }),
            false => Ok(()),
        }
    }

    fn check(&self) -> Result<(), PluginArgsError> {
        match self.policy.is_some() && self.preset.is_some() {
            true => Err(PluginArgsError::TwoPolicies),
            false => Ok(()),
        }
    }
}

/// Reads what follows `plugin`.
///
/// # Errors
/// It is none of its commands, or an option is used wrongly.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Plugin, PluginArgsError> {
    let mut parser = Parser::from_args(arguments);
    let (command, shape) = match parser.next()? {
        None => return Err(PluginArgsError::Nothing),
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Plugin::Help),
        Some(Arg::Value(command)) if command == "check" => ("check", "FILE"),
        Some(Arg::Value(command)) if command == "describe" => ("describe", "FILE"),
        Some(Arg::Value(command)) if command == "call" => ("call", "FILE TOOL JSON"),
        Some(Arg::Value(command)) => {
            return Err(PluginArgsError::Unknown {
                given: command.to_string_lossy().into_owned(),
            });
        }
        Some(other) => return Err(other.unexpected().into()),
    };
    let mut terms = Terms::default();
    let mut json = false;
    let mut values = Vec::new();
    let most = shape.split(' ').count();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Plugin::Help),
            Arg::Long("json") if command == "describe" => json = true,
            Arg::Long(name) => match Term::of(&format!("--{name}")) {
                Some(term @ (Term::Policy | Term::Preset | Term::Audit)) => {
                    let value = parser.value().ok().filter(|value| !value.is_empty());
                    terms.take(term, value.ok_or(missing_value(term))?)?;
                }
                _ => return Err(argument.unexpected().into()),
            },
            Arg::Value(value) if values.len() < most => values.push(value),
            other => return Err(other.unexpected().into()),
        }
    }
    terms.check()?;
    let mut values = values.into_iter();
    let mut value = |what| {
        values.next().ok_or(PluginArgsError::Missing {
            command,
            what,
            shape,
        })
    };
    let file = value("the plugin's component or its manifest")?.into();
    let action = match command {
        "check" => Action::Check,
        "describe" => Action::Describe { json },
        _ => Action::Call {
            tool: text("the tool", value("the name of a tool")?)?,
            parameters: text(
                "the parameters",
                value("the tool's parameters, - for standard input")?,
            )?,
        },
    };
    Ok(Plugin::Of {
        file,
        terms,
        action,
    })
}

fn text(option: &'static str, given: OsString) -> Result<String, PluginArgsError> {
    given
        .into_string()
        .map_err(|given| PluginArgsError::NotUnicode { option, given })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Plugin, PluginArgsError> {
        parse(arguments.iter().map(OsString::from))
    }

    fn taken(arguments: &[&str]) -> Result<(Plugged, Vec<OsString>), PluginArgsError> {
        let mut plugged = Plugged::default();
        let command = arguments.iter().map(OsString::from).collect();
        let rest = plugged.take_from(command)?;
        plugged.check()?;
        Ok((plugged, rest))
    }

    #[test]
    fn commands_of_a_plugin_are_read() {
        let of = |action, terms| {
            Ok(Plugin::Of {
                file: "a.wasm".into(),
                terms,
                action,
            })
        };
        assert_eq!(
            read(&["check", "a.wasm"]),
            of(Action::Check, Terms::default())
        );
        assert_eq!(
            read(&["describe", "--json", "a.wasm", "--policy", "p"]),
            of(
                Action::Describe { json: true },
                Terms {
                    policy: Some("p".into()),
                    ..Terms::default()
                }
            )
        );
        assert_eq!(
            read(&[
                "call",
                "a.wasm",
                "t",
                "-",
                "--preset=read-only a b",
                "--audit",
                "d"
            ]),
            of(
                Action::Call {
                    tool: "t".into(),
                    parameters: "-".into()
                },
                Terms {
                    preset: Some("read-only a b".into()),
                    audit: Some("d".into()),
                    policy: None,
                }
            )
        );
        assert_eq!(read(&["call", "-h"]), Ok(Plugin::Help));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |arguments: &[&str]| read(arguments).unwrap_err().to_string();
        for (arguments, says) in [
            (
                &[][..],
                "plugin needs a command: plugin check, plugin describe, or plugin call",
            ),
            (
                &["run"],
                "plugin \"run\" is not known: plugin check, plugin describe, or plugin call",
            ),
            (
                &["check"],
                "plugin check needs the plugin's component or its manifest: dewclaw plugin check FILE",
            ),
            (
                &["call", "a", "t"],
                "plugin call needs the tool's parameters, - for standard input: dewclaw plugin call FILE TOOL JSON",
            ),
            (&["check", "a", "b"], "unexpected argument \"b\""),
            (&["check", "a", "--json"], "invalid option '--json'"),
            (
                &["check", "a", "--plugin", "b"],
                "invalid option '--plugin'",
            ),
            (
                &["check", "a", "--policy", "p", "--preset", "none"],
                "--policy and --preset both say what plugins may do: give one of them",
            ),
            (
                &["check", "a", "--policy"],
                "--policy needs a value: --policy FILE",
            ),
            (
                &["check", "a", "--audit=x", "--audit=y"],
                "--audit is given twice: give it once",
            ),
        ] {
            assert_eq!(message(arguments), says);
        }
    }

    #[test]
    fn a_conversations_plugins_are_taken_out_of_its_options() {
        let (plugged, rest) = taken(&[
            "ask",
            "--plugin",
            "a.wasm",
            "--json",
            "--plugin=b=c.toml",
            "prompt",
            "--policy=p",
            "--",
            "--plugin",
            "d",
        ])
        .unwrap();
        assert_eq!(plugged.files, [PathBuf::from("a.wasm"), "b=c.toml".into()]);
        assert_eq!(plugged.terms.policy, Some("p".into()));
        assert_eq!(rest, ["ask", "--json", "prompt", "--", "--plugin", "d"]);

        let untouched = ["ask", "--plugins", "--model=--plugin", "prompt"];
        assert_eq!(taken(&untouched).unwrap().1, untouched);
        for (arguments, says) in [
            (
                &["ask", "--plugin"][..],
                "--plugin needs a value: --plugin FILE",
            ),
            (
                &["ask", "--plugin="],
                "--plugin needs a value: --plugin FILE",
            ),
            (
                &["ask", "--audit", "d"],
                "--audit is about plugins: give one with --plugin FILE",
            ),
        ] {
            assert_eq!(taken(arguments).unwrap_err().to_string(), says);
        }
    }
}
