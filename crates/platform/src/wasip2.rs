//! The backends of WASI 0.2.0: wasi:cli, wasi:clocks, wasi:filesystem, wasi:http, wasi:random.

mod clock;
mod environment;
mod file_stat;
mod file_system;
mod http;
mod http_errors;
mod preopens;
pub mod streams;

pub use clock::WasiClock;
pub use environment::WasiEnvironment;
pub use file_system::WasiFileSystem;
pub use http::WasiHttpClient;
pub use preopens::{Preopen, preopens};
