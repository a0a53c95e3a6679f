//! The backends of WASI preview 1, for runtimes that load core modules: WAMR on boards, and every other.

#![allow(
    unsafe_code,
    reason = "every call of the host is unsafe: it takes pointers"
)]

mod clock;
mod environment;
mod file_system;
#[cfg(feature = "wamr-sockets")]
mod http;
mod preopens;
#[cfg(feature = "wamr-sockets")]
mod sockets;
pub mod streams;

pub use clock::WasiClock;
pub use environment::WasiEnvironment;
pub use file_system::WasiFileSystem;
#[cfg(feature = "wamr-sockets")]
pub use http::WasiHttpClient;
pub use preopens::{Preopen, preopens};

/// Ends the program with this exit code.
pub fn exit(code: u8) -> ! {
    // SAFETY: it takes no pointer.
    unsafe { wasip1::proc_exit(code.into()) }
    core::arch::wasm32::unreachable()
}
