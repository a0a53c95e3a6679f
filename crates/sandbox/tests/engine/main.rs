//! The engine under attack: each guest is a real component, and each test says which limit stops it, and that nobody else is harmed.
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

mod contract;
mod exchange;
mod guest;
mod space;
mod time;
