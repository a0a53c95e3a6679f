//! Attacks on the whole sandbox: each is a real guest or a real server on loopback, goes through policy, engine, network, files
//! and audit together, and happens while a neighbour works. Each test says over itself which attack it is, what the answer must
//! be and what bounds it; `table` makes the table of docs/security.md of that.
//!
//! A new attack is a test in the file of what it attacks, and a name in the list of `table`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compile;
#[cfg(unix)]
mod files;
mod guest;
#[path = "../servers/loopback.rs"]
mod loopback;
mod memory;
mod names;
mod network;
mod output;
#[path = "../guests/parts.rs"]
mod parts;
mod scene;
mod table;
mod time;
mod wasi;
#[cfg(unix)]
mod wasi_files;
mod wasi_http;
