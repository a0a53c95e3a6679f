//! The plugins of examples/plugins, built by their script and run by their own manifests and policies.
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

mod built;
mod open_meteo;
mod page;
mod regex;
#[path = "../servers/secured.rs"]
mod tls;
mod weather;
