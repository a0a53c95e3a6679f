//! The native command: runs the embedded component on an ordinary machine, with the folders, variables and network
//! that the component's user means it to have.

mod args;
mod audit;
mod compiler;
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
mod plugins;
mod run;
mod session;
mod settings;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments
        .next_if(|first| first == compiler::SUBCOMMAND)
        .is_some()
    {
        return compiler::child::compile(arguments);
    }
    exit::report(run::command(arguments))
}
