//! The guests: what turns the agent core into WebAssembly files: a command, or a library.
//!
//! `component` is the wasm32-wasip2 component: `dewclaw.wasm`, without the feature `http` `dewclaw-offline.wasm`, and
//! without the feature `wasi` too `dewclaw-core.wasm`. Off wasm32 this crate is empty, so that `cargo check` and `cargo test` work on the workspace.

#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
extern crate alloc;

#[cfg(all(target_arch = "wasm32", target_env = "p2", not(feature = "wasi")))]
mod bare;
#[cfg(all(target_arch = "wasm32", target_env = "p2", feature = "wasi"))]
mod command;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod component;
#[cfg(all(target_arch = "wasm32", target_env = "p2", feature = "wasi"))]
mod console;
#[cfg(all(target_arch = "wasm32", target_env = "p2", feature = "wasi"))]
mod driver;
#[cfg(all(target_arch = "wasm32", target_env = "p2", feature = "wasi"))]
mod folders;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod performs;
#[cfg(all(target_arch = "wasm32", target_env = "p2", feature = "wasi"))]
mod recording;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod runtime;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod session;
