//! The component's exports: `wasi:cli/run` and `dewclaw:agent/outcome` of a command, `dewclaw:agent/session` and, of a command,
//! `dewclaw:agent/command-line` of a library.
//!
//! wit-bindgen describes the world to wit-component, by the section that it puts into the module. The functions are written
//! by hand: each is exported under the name that the canonical ABI gives it, `session` and `command_line` have them,
//! `lifting` reads what they are given and `lowering` writes what they answer.

#![allow(
    unsafe_code,
    reason = "the canonical ABI's entry points, and what they are given and give by address"
)]

#[cfg(feature = "wasi")]
use core::sync::atomic::{AtomicU8, Ordering};

#[cfg(feature = "wasi")]
use crate::command;

#[cfg(feature = "wasi")]
mod command_line;
mod lifting;
mod lowering;
mod session;

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated from wit/, where the contract is documented"
)]
#[allow(dead_code, reason = "only its description of the world is wanted")]
mod bindings {
    #[cfg(feature = "http")]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "dewclaw",
        generate_all,
    });
    #[cfg(all(feature = "wasi", not(feature = "http")))]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "offline",
        generate_all,
    });
    #[cfg(not(feature = "wasi"))]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "core",
    });
}

/// The exit code of the last run.
#[cfg(feature = "wasi")]
static EXIT_CODE: AtomicU8 = AtomicU8::new(1);

/// Runs the command: 0 is done.
#[cfg(feature = "wasi")]
#[unsafe(export_name = "wasi:cli/run@0.2.0#run")]
extern "C" fn run() -> u32 {
    let code = command::run();
    EXIT_CODE.store(code, Ordering::Relaxed);
    (code != 0).into()
}

#[cfg(feature = "wasi")]
#[unsafe(export_name = "dewclaw:agent/outcome@0.1.0#exit-code")]
extern "C" fn exit_code() -> u32 {
    EXIT_CODE.load(Ordering::Relaxed).into()
}
