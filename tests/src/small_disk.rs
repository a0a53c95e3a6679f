//! Running a command line, wasmtime's or WAMR's, where the workspace has room for 64 KiB and no more.

use crate::artifact;
use crate::guest::Guest;
use crate::host::{Ended, Host};
use crate::process;
use crate::scratch::Scratch;
use crate::{wamr_run, wasmtime_run};
use std::process::{Command, Stdio};

/// The room there is, in bytes.
pub const ROOM: usize = 64 << 10;

/// How the room was made small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A tmpfs of that size, in a mount namespace of its own: writing fails for want of space.
    ByMount,
    /// A limit on the size of files (`ulimit -f`), where mounting is not allowed: writing fails because a file grows too large.
    ByLimit,
}

/// The hosts that are programs, whose disk can be made small.
pub const HOSTS: [Host; 2] = [Host::CommandLine, Host::Wamr];

/// Runs `guest` over a copy of `workspace` on a small disk, in one of [`HOSTS`]. Returns also how the disk was made small and what
/// it held at the end.
///
/// The workspace must be one of the folders that were granted.
pub fn run(host: Host, guest: &Guest, workspace: &Scratch) -> (Ended, Made, Scratch) {
    let (program, arguments) = match host {
        Host::CommandLine => (artifact::wasmtime(), wasmtime_run::arguments(guest)),
        Host::Wamr | Host::Board => (artifact::wamr_runner(), wamr_run::arguments(guest)),
        Host::InProcess => panic!("the disk of this process cannot be made small"),
    };
    let made = how();
    let after = Scratch::new();
    let mut command = match made {
        Made::ByMount => {
            let mut command = Command::new("unshare");
            command
                .args(NAMESPACE)
                .args(["sh", "-c", OVER_A_MOUNT, "small-disk"]);
            command
        }
        Made::ByLimit => {
            let mut command = Command::new("sh");
            command.args(["-c", UNDER_A_LIMIT, "small-disk"]);
            command
        }
    };
    command
        .arg(workspace.path())
        .arg(after.path())
        .arg(program)
        .args(arguments);
    let ended = process::run("a program on a small disk", &mut command, &guest.stdin);
    let ended = Ended {
        tells_failures_apart: host == Host::Wamr,
        ..ended
    };
    (ended, made, after)
}

/// A mount namespace, with a user namespace around it so that no privilege is needed.
const NAMESPACE: [&str; 2] = ["--map-root-user", "--mount"];

/// `$1` is the workspace, `$2` the folder for what it held at the end, the rest the command.
const OVER_A_MOUNT: &str = r#"
set -e
workspace=$1 after=$2
shift 2
cp -a "$workspace/." "$after/"
mount -t tmpfs -o size=64k none "$workspace"
cp -a "$after/." "$workspace/"
code=0
"$@" || code=$?
find "$after" -mindepth 1 -delete
cp -a "$workspace/." "$after/"
exit $code
"#;

/// The same with a limit of 128 blocks of 512 bytes, and without the signal that a file past it raises.
const UNDER_A_LIMIT: &str = r#"
set -e
workspace=$1 after=$2
shift 2
trap '' XFSZ
code=0
(ulimit -f 128 && exec "$@") || code=$?
cp -a "$workspace/." "$after/"
exit $code
"#;

/// How a disk is made small on this machine.
pub fn how() -> Made {
    let folder = Scratch::new();
    let mut command = Command::new("unshare");
    command
        .args(NAMESPACE)
        .args(["mount", "-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        Made::ByMount
    } else {
        Made::ByLimit
    }
}
