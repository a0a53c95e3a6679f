//! Running the wasmtime command line where the workspace has room for 64 KiB and no more.

use crate::artifact;
use crate::guest::Guest;
use crate::host::Ended;
use crate::process;
use crate::scratch::Scratch;
use crate::wasmtime_run;
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

/// Runs `guest` over a copy of `workspace` on a small disk. Returns also how the disk was made small and what it held at the end.
///
/// The workspace must have been granted as the folder `/`.
pub fn run(guest: &Guest, workspace: &Scratch) -> (Ended, Made, Scratch) {
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
        .arg(artifact::wasmtime());
    command.args(wasmtime_run::arguments(guest));
    (
        process::run("wasmtime run on a small disk", &mut command, &guest.stdin),
        made,
        after,
    )
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
