//! `sessions`: lists the sessions of the state folder, shows one, and removes those that are old or large.

use alloc::string::String;

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::{Limits, SessionLine};
use dewclaw_platform::wasi::{WasiClock, WasiFileSystem};
use dewclaw_platform::{Clock, FileSystem, FsError, count};

use super::Stop;
use super::arguments::{Arguments, Flags};
use super::output::printable;
use crate::console::print;
use crate::driver::session_file::{FILE, LOCK, SESSIONS, failed, path, text};
use crate::folders::Folders;
use crate::state_lines::StateLines;

const OLDER: &str = "--older-than";
const LARGER: &str = "--larger-than";
const FLAGS: &Flags = &[(OLDER, "", true), (LARGER, "", true)];

/// Files that are looked at.
const MAX_LISTED: usize = 1_000;

const DAY_MS: u64 = 86_400_000;

/// Runs the command.
pub(super) fn run(arguments: &[String]) -> Result<u8, Stop> {
    let arguments = Arguments::parse(arguments, FLAGS)?;
    let mut folders = Folders::find();
    let state = folders.state();
    let mut operands = arguments.operands.iter().copied();
    match (operands.next(), operands.next(), operands.next()) {
        (None, ..) => each(state, None)?,
        (Some("prune"), None, _) if arguments.has(OLDER) || arguments.has(LARGER) => {
            let most = |flag| match arguments.value(flag) {
                None => Ok(u64::MAX),
                Some(value) => {
                    count(value).ok_or_else(|| Stop::usage("% must be a whole number", &[flag]))
                }
            };
            each(state, Some((most(OLDER)?, most(LARGER)?)))?;
        }
        (Some("show"), Some(name), None) => {
            each_line(state, name, &mut |line| {
                print(printable(&line.markdown(), usize::MAX).as_bytes());
            })
            .map_err(|error| failed(name, text(error)))?;
        }
        _ => {
            return Err(Stop::usage(
                "expected sessions, sessions show NAME, or sessions prune with --older-than or --larger-than",
                &[],
            ));
        }
    }
    Ok(0)
}

/// Goes through the sessions: lists them, or removes those that are so many days old or have more than so many bytes.
fn each(state: &mut WasiFileSystem, prune: Option<(u64, u64)>) -> Result<(), Stop> {
    let listing = match state.list(SESSIONS, MAX_LISTED) {
        Err(FsError::NotFound | FsError::NoRoot) => Default::default(),
        listing => listing.map_err(|error| failed("", text(error)))?,
    };
    let now = WasiClock.now().wall_ms;
    for entry in listing.entries {
        let Some(name) = entry.name.strip_suffix(".jsonl") else {
            continue;
        };
        let (mut lines, mut last) = (0, now);
        // What can't be read is listed all the same.
        let _ = each_line(state, name, &mut |line| {
            last = line.time_ms;
            lines += 1;
        });
        let days = now.saturating_sub(last) / DAY_MS;
        let mut how = "";
        if let Some((old, large)) = prune {
            if days < old && entry.size <= large {
                continue;
            }
            how = "in use, so it stays: ";
            if state.stat(&path(name, LOCK)).is_err() {
                let removed = state.remove_file(&path(name, FILE));
                removed.map_err(|error| failed(name, text(error)))?;
                how = "removed ";
            }
        }
        let numbers = [lines, entry.size, days].map(decimal);
        let said = fill(
            "%%: % lines, % bytes, % days old\n",
            &[how, name, &numbers[0], &numbers[1], &numbers[2]],
        );
        print(said.as_bytes());
    }
    if listing.total > MAX_LISTED as u64 {
        print(b"and more, which come once some of these are pruned\n");
    }
    Ok(())
}

/// Reads a session's file by its lines.
fn each_line(
    state: &mut WasiFileSystem,
    name: &str,
    take: &mut dyn FnMut(SessionLine<'_>),
) -> Result<(), FsError> {
    let mut lines = StateLines::new(&path(name, FILE), Limits::default().line_bytes());
    while let Some(line) = lines.next(state)? {
        if let Some(line) = SessionLine::read(&line) {
            take(line);
        }
    }
    Ok(())
}
