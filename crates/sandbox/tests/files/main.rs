//! A plugin's files under attack: every way out of a granted folder, every kind of file that is none, every limit.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

mod containment;
mod contents;
mod place;
