//! A plugin's own WASI under attack: no way around the limits of files, time and memory leads through it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

mod bounds;
mod paths;
mod place;
mod quotas;
