//! The core module as a command: `_start`, which runtimes of WASI preview 1 call.

#![allow(unsafe_code, reason = "a function is exported by a name of its own")]

/// Runs the command that the arguments name. Its exit code is the process's.
#[unsafe(no_mangle)]
extern "C" fn _start() {
    let code = crate::command::run();
    if code != 0 {
        dewclaw_platform::wasip1::exit(code);
    }
}
