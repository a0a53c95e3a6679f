//! The contract of the platform's traits, held by every real backend.
//!
//! The tests are functions over the traits, in `contract/`: one file for each trait. `memory.rs` runs them against the
//! in-memory backends; `wasi.rs` runs the same functions, and those for what only WASI has (links, HTTP), inside
//! wasm: `cargo test -p dewclaw-platform --target wasm32-wasip2`, or `wasm32-wasip1`, by the runners that
//! `.cargo/config.toml` names; HTTP on wasm32-wasip1 with `--features wamr-sockets`.
//! A new call of a trait gets its function in the trait's file, and there in the list at its end: then every backend
//! has the test. A stub's only contract is in `stub.rs`.

#[path = "contract/environment.rs"]
#[macro_use]
mod environment;
#[path = "contract/file_system.rs"]
#[macro_use]
mod file_system;
#[path = "contract/stub.rs"]
mod stub;

#[cfg(not(target_arch = "wasm32"))]
#[path = "contract/memory.rs"]
mod memory;

#[cfg(any(
    all(target_arch = "wasm32", target_env = "p2"),
    all(target_arch = "wasm32", target_env = "p1", feature = "wamr-sockets")
))]
#[path = "contract/http.rs"]
#[macro_use]
mod http;
#[cfg(target_os = "wasi")]
#[path = "contract/links.rs"]
mod links;
#[cfg(target_os = "wasi")]
#[path = "contract/wasi.rs"]
mod wasi;
