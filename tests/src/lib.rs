//! Support for the end-to-end tests and the benchmarks: servers that stand for the model and the web, and hosts that run the artifacts.
//!
//! Nothing here needs the internet. Servers bind port 0 on loopback; nothing sleeps to wait.

pub mod aimock;
pub mod artifact;
pub mod conversation;
pub mod flat;
pub mod guest;
pub mod hello_guest;
pub mod host;
pub mod imports;
pub mod in_process;
pub mod loopback;
pub mod markdown;
pub mod measure;
pub mod page_costs;
pub mod pages;
pub mod process;
pub mod scratch;
pub mod scripted_model;
pub mod session;
pub mod size_budget;
pub mod small_disk;
pub mod terminal;
pub mod tls_front;
pub mod wamr_run;
pub mod wasmtime_run;
pub mod web;
