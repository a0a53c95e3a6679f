//! The HTTP client over WAMR's sockets (`crates/platform/src/wasip1/http.rs`) against servers that answer as servers should
//! not, and against grants that leave something out.
//!
//! The guest is `crates/platform/examples/http_probe.rs`, which says how to ask; it runs in the program `wamr-runner`,
//! where SIGPIPE ends the process as it does iwasm.

#[path = "http/probe.rs"]
mod probe;
#[path = "http/server.rs"]
mod server;

#[path = "http/answers.rs"]
mod answers;
#[path = "http/connections.rs"]
mod connections;
#[path = "http/grants.rs"]
mod grants;
#[path = "http/requests.rs"]
mod requests;
