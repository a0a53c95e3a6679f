//! The engine under attack: each guest is a real component, and each test says which limit stops it, and that nobody else is harmed.
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

mod exchange;
mod guest;
#[path = "../guests/parts.rs"]
mod parts;
mod plugins;
mod space;
mod time;
