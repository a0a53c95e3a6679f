//! The built command, run as a user runs it, with the component that is embedded in it.
//!
//! Where a new test goes: what the command line, the folders and the exit codes promise into `options`; what is
//! reached over the network, and how, into `network`; what happens while a run is under way into `interruption`; what
//! becomes of keys into `keys`; the commands about plugins, and the trail of what they do, into `plugins`; what a run does with
//! plugins into `plugged`; the process that compiles them into `compiler`.
//! The others are what the tests stand on: `authority` makes certificates, `guest` plugins, `model` is a model's server on loopback,
//! `proxy` a proxy in front of it, `scratch` the folders and the command of one test.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod authority;
mod compiler;
mod guest;
mod interruption;
mod keys;
mod model;
mod network;
mod options;
mod plugged;
mod plugins;
mod proxy;
mod scratch;
