//! HTTP/1.1 without I/O: what is written, and what is read of any bytes in any cut.

#![cfg(not(target_arch = "wasm32"))]

#[path = "http1/answers.rs"]
mod answers;
#[path = "http1/cuts.rs"]
mod cuts;
#[path = "http1/httparse.rs"]
mod httparse;
#[path = "http1/reading.rs"]
mod reading;
#[path = "http1/requests.rs"]
mod requests;
#[path = "http1/targets.rs"]
mod targets;
