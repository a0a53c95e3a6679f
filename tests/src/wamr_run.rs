//! Running a guest in a real WAMR, with the flags that iwasm takes.

use crate::artifact;
use crate::guest::Guest;
use crate::host::Ended;
use crate::process;
use std::process::Command;

/// What a guest with the network may connect to. The tests' servers are on 127.0.0.1; that an address is refused is to be the
/// guest's doing, so all of loopback is granted.
const POOL: &str = "--addr-pool=127.0.0.0/8,::1/128";

/// A name that it may look up.
const NAME: &str = "--allow-resolve=localhost";

/// The variables that iwasm takes.
const MOST_VARIABLES: usize = 8;

/// Runs the guest to its end.
pub fn run(guest: &Guest) -> Ended {
    run_with(&[], guest)
}

/// Linear memory of a board, 1 MiB in all.
pub const MEMORY_OF_A_BOARD: &str = "--max-memory-pages=16";

/// Runs the guest to its end in the memory of a board, with the setting `limits` as `board`.
pub fn run_on_a_board(guest: &Guest) -> Ended {
    let guest = guest.clone().env("DEWCLAW_LIMITS", "board");
    run_with(&[MEMORY_OF_A_BOARD], &guest)
}

/// Runs the guest to its end, with more flags, such as `--max-memory-pages=16`.
pub fn run_with(flags: &[&str], guest: &Guest) -> Ended {
    let mut command = Command::new(artifact::wamr_runner());
    command.args(flags).args(arguments(guest));
    Ended {
        tells_failures_apart: true,
        ..process::run("WAMR", &mut command, &guest.stdin)
    }
}

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Pages of 64 KiB that linear memory had at the end; it never shrinks, so it is the peak too.
    pub pages: usize,
    /// The most memory that the process had, WAMR and its host included, in KiB.
    pub peak_kib: u64,
}

/// Runs the guest to its end and counts what it took. The line that tells it is taken off standard error.
pub fn run_counted(guest: &Guest) -> (Ended, Stats) {
    let mut ended = run_with(&["--stats"], guest);
    let errors = ended.stderr();
    let at = errors.trim_end().rfind('\n').map_or(0, |end| end + 1);
    let (rest, line) = errors.split_at(at);
    let stats: serde_json::Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}\n{ended}"));
    let number = |name: &str| {
        let number = stats[name].as_u64();
        number.unwrap_or_else(|| panic!("no {name} in {line}"))
    };
    let stats = Stats {
        pages: usize::try_from(number("memory_pages")).expect("a count fits into memory"),
        peak_kib: number("peak_rss_kib"),
    };
    ended.stderr = rest.as_bytes().to_vec();
    (ended, stats)
}

/// The command line that runs the guest.
pub fn command(guest: &Guest) -> Command {
    let mut command = Command::new(artifact::wamr_runner());
    command.args(arguments(guest));
    command
}

/// The arguments after `iwasm`. Panics when a grant has no flag there.
pub fn arguments(guest: &Guest) -> Vec<String> {
    let mut arguments = Vec::new();
    if guest.network {
        arguments.extend([POOL.to_owned(), NAME.to_owned()]);
        arguments.extend(
            guest
                .names
                .iter()
                .map(|name| format!("--allow-resolve={name}")),
        );
    }
    for folder in &guest.folders {
        assert!(
            !folder.read_only,
            "iwasm has no flag for a read-only folder"
        );
        arguments.push(format!(
            "--map-dir={}::{}",
            folder.guest,
            folder.host.display()
        ));
    }
    assert!(
        guest.environment.len() <= MOST_VARIABLES,
        "iwasm takes no more variables than {MOST_VARIABLES}"
    );
    for (name, value) in &guest.environment {
        arguments.push(format!("--env={name}={value}"));
    }
    let module = guest
        .on_a_board
        .map_or_else(|| guest.component.clone(), |module| module());
    arguments.push(module.display().to_string());
    arguments.extend(guest.arguments.iter().cloned());
    arguments
}
