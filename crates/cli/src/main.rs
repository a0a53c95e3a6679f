//! The native command: runs the embedded component on an ordinary machine, with the folders, variables and network
//! that the component's user means it to have.

mod args;
mod component;
mod console;
mod egress;
mod environment;
mod exit;
mod folders;
mod help;
mod host;
mod key_files;
mod keys;
mod run;
mod session;
mod settings;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    exit::report(run::command(std::env::args_os().skip(1)))
}
