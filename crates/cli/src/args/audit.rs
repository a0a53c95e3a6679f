//! The command line of `dewclaw audit`.

use std::ffi::OsString;
use std::path::PathBuf;

use dewclaw_sandbox::audit::{Filter, Head, Verdict, VerifyOptions};
use lexopt::{Arg, Parser};

use super::when::{self, TimeError};

/// Entries that are shown where nobody says how many.
const NEWEST: usize = 1_000;

/// What was asked of the audit trail.
#[derive(Debug)]
pub(crate) enum Audit {
    /// `audit --help`.
    Help,
    /// `audit show`.
    Show {
        /// The trail's folder, if one is named.
        folder: Option<PathBuf>,
        /// What to show.
        filter: Filter,
        /// `--json`.
        json: bool,
    },
    /// `audit verify`.
    Verify {
        /// The trail's folder, if one is named.
        folder: Option<PathBuf>,
        /// What to verify, and against what.
        options: VerifyOptions,
    },
}

/// A command line of `audit` that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuditArgsError {
    /// Neither of its two commands.
    #[error("audit {given:?} is not known: audit show, or audit verify")]
    Unknown { given: String },
    /// It stands alone.
    #[error("audit needs a command: audit show, or audit verify")]
    Nothing,
    /// Lexopt's own words.
    #[error("{0}")]
    Option(String),
    /// A verdict that there is not.
    #[error("--verdict {given:?} is none: permitted or denied")]
    Verdict { given: String },
    /// A time that cannot be read.
    #[error("{option} {source}")]
    Time {
        option: &'static str,
        source: TimeError,
    },
    /// A number that is none.
    #[error("--last {given:?} is not a number of entries")]
    Number { given: String },
    /// A head that is none.
    #[error("{option} {reason}")]
    Head {
        option: &'static str,
        reason: String,
    },
}

impl From<lexopt::Error> for AuditArgsError {
    fn from(error: lexopt::Error) -> AuditArgsError {
        AuditArgsError::Option(error.to_string())
    }
}

/// Reads what follows `audit`.
///
/// # Errors
/// It is none of its commands, or an option is used wrongly.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Audit, AuditArgsError> {
    let mut parser = Parser::from_args(arguments);
    match parser.next()? {
        None => Err(AuditArgsError::Nothing),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(Audit::Help),
        Some(Arg::Value(command)) if command == "show" => show(parser),
        Some(Arg::Value(command)) if command == "verify" => verify(parser),
        Some(Arg::Value(command)) => Err(AuditArgsError::Unknown {
            given: command.to_string_lossy().into_owned(),
        }),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn show(mut parser: Parser) -> Result<Audit, AuditArgsError> {
    let now_ms = when::now_ms();
    let mut folder = None;
    let mut json = false;
    let mut filter = Filter {
        newest: Some(NEWEST),
        ..Filter::default()
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Audit::Help),
            Arg::Long("plugin") => filter.plugin = Some(text(&mut parser)?),
            Arg::Long("function") => filter.function = Some(text(&mut parser)?),
            Arg::Long("verdict") => {
                let given = text(&mut parser)?;
                let verdicts = [Verdict::Permitted, Verdict::Denied];
                let known = verdicts.into_iter().find(|known| known.as_str() == given);
                filter.verdict = Some(known.ok_or(AuditArgsError::Verdict { given })?);
            }
            Arg::Long("since") => {
                filter.from_ms = Some(time(&text(&mut parser)?, "--since", now_ms)?);
            }
            Arg::Long("until") => {
                filter.until_ms = Some(time(&text(&mut parser)?, "--until", now_ms)?);
            }
            Arg::Long("last") => {
                let given = text(&mut parser)?;
                let number = given.parse().ok();
                filter.newest = Some(number.ok_or(AuditArgsError::Number { given })?);
            }
            Arg::Long("json") => json = true,
            Arg::Value(given) if folder.is_none() => folder = Some(given.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Audit::Show {
        folder,
        filter,
        json,
    })
}

fn verify(mut parser: Parser) -> Result<Audit, AuditArgsError> {
    let mut folder = None;
    let mut options = VerifyOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Audit::Help),
            Arg::Long("plugin") => options.plugin = Some(text(&mut parser)?),
            Arg::Long("head") => {
                let head = head(&text(&mut parser)?, "--head")?;
                options.heads.push(head.hash);
            }
            Arg::Long("after") => options.after.push(head(&text(&mut parser)?, "--after")?),
            Arg::Value(given) if folder.is_none() => folder = Some(given.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Audit::Verify { folder, options })
}

fn text(parser: &mut Parser) -> Result<String, AuditArgsError> {
    let given = parser.value()?;
    given
        .into_string()
        .map_err(|given| AuditArgsError::Option(format!("{given:?} is not UTF-8")))
}

fn time(given: &str, option: &'static str, now_ms: u64) -> Result<u64, AuditArgsError> {
    when::read(given, now_ms).map_err(|source| AuditArgsError::Time { option, source })
}

/// `[PLUGIN:]SEQUENCE:HASH`. The name is for who keeps it: the hash is of an entry with the plugin's name and the sequence.
fn head(given: &str, option: &'static str) -> Result<Head, AuditArgsError> {
    let bare = match given.split_once(':') {
        Some((_, rest)) if rest.contains(':') => rest,
        _ => given,
    };
    bare.parse()
        .and_then(|head: Head| match head.sequence {
            0 => Err("0: an empty chain has no entry to look for".to_owned()),
            _ => Ok(head),
        })
        .map_err(|reason| AuditArgsError::Head { option, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn read(arguments: &[&str]) -> Result<Audit, AuditArgsError> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn every_filter_is_read() {
        let read = read(&[
            "show",
            "there",
            "--plugin=weather",
            "--function",
            "http-request",
            "--verdict",
            "denied",
            "--since",
            "1970-01-02",
            "--until=1970-01-02T00:00:01.5Z",
            "--last=7",
            "--json",
        ]);
        let Ok(Audit::Show {
            folder,
            filter,
            json,
        }) = read
        else {
            panic!("{read:?}")
        };
        assert_eq!((folder, json), (Some("there".into()), true));
        assert_eq!(filter.plugin.as_deref(), Some("weather"));
        assert_eq!(filter.function.as_deref(), Some("http-request"));
        assert_eq!(filter.verdict, Some(Verdict::Denied));
        assert_eq!(filter.from_ms, Some(86_400_000));
        assert_eq!(filter.until_ms, Some(86_401_500));
        assert_eq!(filter.newest, Some(7));
    }

    #[test]
    fn heads_are_read_with_their_plugins_name_and_without() {
        for given in [format!("7:{HASH}"), format!("weather:7:{HASH}")] {
            let read = read(&["verify", "--head", &given, "--after", &given]);
            let Ok(Audit::Verify { options, .. }) = read else {
                panic!("{read:?}")
            };
            assert_eq!(options.heads[0].to_string(), HASH);
            assert_eq!(options.after[0].sequence, 7);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |arguments: &[&str]| read(arguments).unwrap_err().to_string();
        for (arguments, says) in [
            (
                &[][..],
                "audit needs a command: audit show, or audit verify",
            ),
            (
                &["list"],
                "audit \"list\" is not known: audit show, or audit verify",
            ),
            (&["show", "a", "b"], "unexpected argument \"b\""),
            (&["show", "--head", "x"], "invalid option '--head'"),
            (
                &["show", "--plugin"],
                "missing argument for option '--plugin'",
            ),
            (
                &["show", "--verdict", "no"],
                "--verdict \"no\" is none: permitted or denied",
            ),
            (
                &["show", "--last", "-1"],
                "--last \"-1\" is not a number of entries",
            ),
            (
                &["show", "--since", "yesterday"],
                "--since \"yesterday\" is no time: 2026-11-21, 2026-11-21T14:23:54Z, or how long ago: 90s, 30m, 12h, 7d",
            ),
            (
                &["verify", "--head", "7"],
                "--head \"7\" is not a head: SEQUENCE:HASH is needed",
            ),
        ] {
            assert_eq!(message(arguments), says);
        }
        assert!(
            message(&["verify", "--head", &format!("0:{HASH}")]).contains("no entry to look for")
        );
        assert!(matches!(read(&["show", "-h"]), Ok(Audit::Help)));
        assert!(matches!(read(&["--help"]), Ok(Audit::Help)));
    }
}
