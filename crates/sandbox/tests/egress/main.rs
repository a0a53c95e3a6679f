//! The door to the network, with real servers on loopback behind it. A new attack is a test in the file of what it attacks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod destinations;
mod limits;
#[path = "../servers/loopback.rs"]
mod loopback;
mod secured;
#[path = "../servers/secured.rs"]
mod tls;
mod wasi_http;
mod world;
