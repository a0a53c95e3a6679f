//! `sessions`: lists the sessions of the state folder, shows one, and removes those that are old or large.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::{Lines, Said, SessionLine, Telling, digits};
use dewclaw_platform::wasi::WasiClock;
use dewclaw_platform::{Clock, FileSystem, FsError};

use super::Stop;
use super::arguments::{Arguments, Flags};
use super::output::{LINE_CHARACTERS, printable};
use crate::console::{complain, print};
use crate::driver::session_file::{SESSIONS, age, each_piece, failed, path_of};
use crate::folders::Folders;

const FLAGS: &Flags = &[
    ("--older-than", "", true),
    ("--larger-than", "", true),
    ("--dry-run", "", false),
];

/// Sessions that are listed.
const MAX_LISTED: usize = 1_000;

/// Bytes of a line that is looked at.
const MAX_LINE_BYTES: usize = if cfg!(feature = "limits") {
    64 * 1024
} else {
    16 * 1024 * 1024
};

const DAY_MS: u64 = 86_400_000;

/// Runs the command.
pub(super) fn run(arguments: Vec<String>) -> Result<u8, Stop> {
    let arguments = Arguments::parse(arguments, FLAGS)?;
    let folders = &mut Folders::find();
    let operands: Vec<&str> = arguments.operands.iter().map(String::as_str).collect();
    match operands[..] {
        [] => each(folders, &mut |_, session| {
            print(session.describe().as_bytes());
            Ok(())
        }),
        ["prune"] => prune(folders, &arguments),
        ["show", name] => tell(folders, name, true),
        ["export", name] => tell(folders, name, false),
        _ => Err(Stop::usage(
            "expected sessions, sessions show NAME, sessions export NAME, or sessions prune",
            &[],
        )),
    }?;
    Ok(0)
}

/// A session, as it is listed.
struct Session {
    name: String,
    bytes: u64,
    messages: u64,
    /// Since its last line.
    idle_ms: u64,
}

impl Session {
    fn describe(&self) -> String {
        let (messages, bytes) = (decimal(self.messages), decimal(self.bytes));
        fill(
            "%: % messages, % bytes, % ago\n",
            &[&self.name, &messages, &bytes, &age(self.idle_ms)],
        )
    }
}

/// What is done with a session.
type Act<'a> = &'a mut dyn FnMut(&mut Folders, &Session) -> Result<(), Stop>;

/// Goes through the sessions, by name.
fn each(folders: &mut Folders, act: Act<'_>) -> Result<(), Stop> {
    let listing = match folders.state().list(SESSIONS, MAX_LISTED) {
        Err(FsError::NotFound | FsError::NoRoot) => Default::default(),
        listing => listing.map_err(|error| failed(SESSIONS, error.text()))?,
    };
    let now = WasiClock.now().wall_ms;
    for entry in listing.entries {
        let Some(name) = entry.name.strip_suffix(".jsonl") else {
            continue;
        };
        let Ok(path) = path_of(name, ".jsonl") else {
            continue;
        };
        let (mut messages, mut last) = (0, now);
        each_line(folders, name, &path, &mut |line| {
            if let Some(line) = SessionLine::read(line) {
                last = line.time_ms;
                messages += u64::from(line.name == "m");
            }
        })?;
        let session = Session {
            name: name.to_string(),
            bytes: entry.size,
            messages,
            idle_ms: now.saturating_sub(last),
        };
        act(folders, &session)?;
    }
    Ok(())
}

/// Reads a session's file by its lines.
fn each_line(
    folders: &mut Folders,
    name: &str,
    path: &str,
    take: &mut dyn FnMut(&[u8]),
) -> Result<u64, Stop> {
    let mut lines = Lines::of(MAX_LINE_BYTES);
    each_piece(folders.state(), name, path, &mut |piece, _| {
        lines.split(piece, &mut |line| {
            take(line);
            true
        });
        Ok(())
    })
}

fn prune(folders: &mut Folders, arguments: &Arguments) -> Result<(), Stop> {
    let most = |flag| match arguments.value(flag) {
        None => Ok(u64::MAX),
        Some(value) => match digits(value.as_bytes()) {
            (number, []) if !value.is_empty() => Ok(number),
            _ => Err(Stop::usage("% must be a whole number", &[flag])),
        },
    };
    let (days, bytes) = (most("--older-than")?, most("--larger-than")?);
    if days == u64::MAX && bytes == u64::MAX {
        return Err(Stop::usage(
            "say which sessions: --older-than DAYS or --larger-than BYTES",
            &[],
        ));
    }
    let dry = arguments.has("--dry-run");
    each(folders, &mut |folders, session| {
        if session.idle_ms / DAY_MS < days && session.bytes <= bytes {
            return Ok(());
        }
        let name = &session.name;
        if folders.state().stat(&path_of(name, ".lock")?).is_ok() {
            complain("dewclaw: session \"%\" is in use, so it stays", &[name]);
            return Ok(());
        }
        if !dry {
            let removed = folders.state().remove(&path_of(name, ".jsonl")?);
            removed.map_err(|error| failed(name, error.text()))?;
        }
        let how = if dry { "would remove " } else { "removed " };
        print([how, &session.describe()].concat().as_bytes());
        Ok(())
    })
}

/// Prints what was said, as Markdown: calls and results whole, or a line of each.
fn tell(folders: &mut Folders, name: &str, is_short: bool) -> Result<(), Stop> {
    let path = path_of(name, ".jsonl")?;
    let mut telling = Telling::default();
    let bytes = each_line(folders, name, &path, &mut |line| {
        telling.line(line, &mut |said, text| {
            let (template, is_long) = match said {
                Said::Person => ("## You\n\n%\n\n", true),
                Said::Model => ("## Dewclaw\n\n%\n\n", true),
                Said::Call => ("    %\n", !is_short),
                Said::Result => ("    = %\n\n", !is_short),
            };
            let most = if is_long { usize::MAX } else { LINE_CHARACTERS };
            print(fill(template, &[&printable(text, most)]).as_bytes());
        });
    })?;
    match bytes {
        0 => Err(failed(name, "there is none of this name")),
        _ => Ok(()),
    }
}
