//! A driver with a script: the model's replies are written down, files are in memory, the clock is set by hand, and every
//! effect is kept for the test to look at.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of it"
)]

mod driver;
mod history;
mod replayed;
mod reply;
mod tool;

pub(crate) use driver::{Driver, settings, streaming};
pub(crate) use history::{assert_whole, messages};
pub(crate) use replayed::{lines_of, replay};
pub(crate) use reply::{Call, Ending, Reply, Turn, calls, sse, text};
pub(crate) use tool::{Called, run_tool};
