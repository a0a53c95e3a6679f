//! The component's exports: `wasi:cli/run` and `dewclaw:agent/outcome` of a command, `dewclaw:agent/session` of a library.

#![allow(
    unsafe_code,
    reason = "the canonical ABI's entry points, generated from wit/"
)]

#[cfg(feature = "wasi")]
use core::sync::atomic::{AtomicU8, Ordering};

#[cfg(feature = "wasi")]
use crate::command;

#[cfg(feature = "wasi")]
mod command_line;
mod convert;
mod session;

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated from wit/, where the contract is documented"
)]
pub(crate) mod bindings {
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

/// What exports.
pub(crate) struct Component;

impl bindings::exports::dewclaw::agent::session::Guest for Component {
    type Session = session::Resource;
}

#[cfg(feature = "wasi")]
impl bindings::exports::wasi::cli::run::Guest for Component {
    fn run() -> Result<(), ()> {
        let code = command::run();
        EXIT_CODE.store(code, Ordering::Relaxed);
        if code == 0 { Ok(()) } else { Err(()) }
    }
}

#[cfg(feature = "wasi")]
impl bindings::exports::dewclaw::agent::outcome::Guest for Component {
    fn exit_code() -> u8 {
        EXIT_CODE.load(Ordering::Relaxed)
    }
}

bindings::export!(Component with_types_in bindings);
