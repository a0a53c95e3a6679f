//! The guests: what turns the agent core into WebAssembly files: a command, or a library.
//!
//! `component` is the wasm32-wasip2 component: `dewclaw.wasm`, without the feature `http` `dewclaw-offline.wasm`, and
//! without the feature `wasi` too `dewclaw-core.wasm`. `module` is the wasm32-wasip1 core module, `dewclaw-wamr.wasm`: a command,
//! and `flat` as a library. Off wasm32 this crate is empty, so that `cargo check` and `cargo test` work on the workspace.

#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(target_os = "wasi")]
extern crate alloc;

#[cfg(all(target_os = "wasi", not(feature = "wasi")))]
mod bare;
#[cfg(all(target_os = "wasi", feature = "wasi", feature = "budgets"))]
mod budget_file;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod command;
#[cfg(all(target_os = "wasi", target_env = "p2"))]
mod component;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod console;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod driver;
#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod flat;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod folders;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod host;
#[cfg(all(target_os = "wasi", target_env = "p1", feature = "wasi"))]
mod module;
#[cfg(target_os = "wasi")]
mod performs;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod recording;
#[cfg(target_os = "wasi")]
mod runtime;
#[cfg(target_os = "wasi")]
mod session;
#[cfg(all(target_os = "wasi", feature = "wasi"))]
mod state_lines;
