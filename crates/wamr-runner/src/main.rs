//! The program: iwasm's flags and behaviour over the library.

// Rust's own start would ignore SIGPIPE and could not tell what it was before: a write to a closed socket ends iwasm,
// unless whoever started it ignores that signal.
#![cfg_attr(not(test), no_main)]
#![allow(unsafe_code, reason = "the name of a C program's main")]

mod flags;

use std::ffi::{OsString, c_char, c_int};

use flags::{Instead, Options};
use wamr_runner::{CallError, Instance, Module, process};

/// What iwasm's process ends with when it could not begin: -1.
const NOT_BEGUN: u8 = 255;

// SAFETY: no other function of this program has the name.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    let code = match flags::parse(std::env::args_os().skip(1)) {
        Ok(options) => run(&options),
        Err(Instead::Help(code)) => {
            print!("{}", flags::HELP);
            code
        }
        Err(Instead::Version) => {
            let (major, minor, patch) = wamr_runner::version();
            println!(
                "wamr-runner {} (WAMR {major}.{minor}.{patch})",
                env!("CARGO_PKG_VERSION")
            );
            0
        }
        Err(Instead::Refused(text)) => {
            println!("{text}");
            1
        }
    };
    c_int::from(code)
}

/// Runs the file and gives the process's exit code. Messages go where iwasm's go: to standard output.
fn run(options: &Options) -> u8 {
    if let Some(level) = options.log_level {
        wamr_runner::set_log_level(level);
    }
    let Ok(bytes) = std::fs::read(&options.file) else {
        let file = options.file.display();
        return not_begun(&format!(
            "Read file to buffer failed: open file {file} failed."
        ));
    };
    let module = match Module::load(bytes) {
        Ok(module) => module,
        Err(error) => return not_begun(&error.to_string()),
    };
    let mut instance = match Instance::new(&module, &options.grants) {
        Ok(instance) => instance,
        Err(error) => return not_begun(&error.to_string()),
    };
    let arguments: &[OsString] = &options.grants.arguments;
    let outcome = match &options.function {
        Some(name) => instance.run_function(name, arguments.get(1..).unwrap_or_default()),
        None => instance.run(),
    };
    process::flush();
    let code = match outcome {
        // What a process can say of an exit code.
        Ok(code) | Err(CallError::Exit(code)) => code as u8,
        Err(error) => {
            println!("{error}");
            1
        }
    };
    if options.stats {
        let peak = process::peak_rss_kib().map_or("null".to_owned(), |kib| kib.to_string());
        eprintln!(
            "{{\"memory_pages\":{},\"peak_rss_kib\":{peak}}}",
            instance.pages()
        );
    }
    code
}

fn not_begun(text: &str) -> u8 {
    process::flush();
    println!("{text}");
    NOT_BEGUN
}
