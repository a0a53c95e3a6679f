//! The core module as a command: `_start`, which runtimes of WASI preview 1 call.

#![allow(
    unsafe_code,
    reason = "what the linker gives, and a function exported by a name of its own"
)]

unsafe extern "C" {
    /// The linker's: runs the constructors of C, of which this module has none. Called here, it is left out of every other
    /// export, which the linker would wrap else: 300 bytes.
    fn __wasm_call_ctors();
}

/// Runs the command that the arguments name. Its exit code is the process's.
#[unsafe(no_mangle)]
extern "C" fn _start() {
    // SAFETY: it is called once, before anything else.
    unsafe { __wasm_call_ctors() }
    let code = crate::command::run();
    if code != 0 {
        dewclaw_platform::wasip1::exit(code);
    }
}
