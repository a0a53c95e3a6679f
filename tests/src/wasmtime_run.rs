//! Running a guest with the real `wasmtime run`.

use crate::artifact;
use crate::guest::Guest;
use crate::host::Ended;
use crate::process;
use std::path::Path;
use std::process::Command;

/// Runs the guest to its end. A component whose file is called `.cwasm` is machine code that [`compile`] made.
pub fn run(guest: &Guest) -> Ended {
    process::run("wasmtime run", &mut command(guest), &guest.stdin)
}

/// The command line that runs the guest.
pub fn command(guest: &Guest) -> Command {
    let mut command = Command::new(artifact::wasmtime());
    command.args(arguments(guest));
    command
}

/// The same, compiled at each start. By default wasmtime keeps the machine code in its cache.
pub fn command_without_cache(guest: &Guest) -> Command {
    let mut arguments = arguments(guest);
    arguments.splice(1..1, ["-C".to_owned(), "cache=n".to_owned()]);
    let mut command = Command::new(artifact::wasmtime());
    command.args(arguments);
    command
}

/// The arguments after `wasmtime`. Panics when a grant has no flag there.
pub fn arguments(guest: &Guest) -> Vec<String> {
    let mut arguments = vec!["run".to_owned()];
    if guest
        .component
        .extension()
        .is_some_and(|extension| extension == "cwasm")
    {
        arguments.push("--allow-precompiled".to_owned());
    }
    if guest.network {
        arguments.extend(["-S".to_owned(), "http".to_owned()]);
    }
    for folder in &guest.folders {
        assert!(
            !folder.read_only,
            "wasmtime run has no flag for a read-only folder"
        );
        arguments.push("--dir".to_owned());
        arguments.push(format!("{}::{}", folder.host.display(), folder.guest));
    }
    for (name, value) in &guest.environment {
        arguments.push("--env".to_owned());
        arguments.push(format!("{name}={value}"));
    }
    arguments.push(guest.component.display().to_string());
    arguments.extend(guest.arguments.iter().cloned());
    arguments
}

/// Compiles a component to machine code with `wasmtime compile`.
pub fn compile(component: &Path, into: &Path) {
    let mut command = Command::new(artifact::wasmtime());
    command.arg("compile").arg(component).arg("-o").arg(into);
    process::run("wasmtime compile", &mut command, b"").code(0);
}
