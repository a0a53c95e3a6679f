//! The guests: what turns the agent core into a WebAssembly file that is a command.
//!
//! `component` is the wasm32-wasip2 component: `dewclaw.wasm`, and without the feature `http`
//! `dewclaw-offline.wasm`. Off wasm32 this crate is empty, so that `cargo check` and `cargo test` work on the workspace.

#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
extern crate alloc;

#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod command;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod component;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod console;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod driver;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod folders;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod recording;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
mod runtime;
