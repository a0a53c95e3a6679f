//! What the agent needs of the world, as traits, and the backends that provide it.
//!
//! A driver performs the agent's effects through four traits: [`Environment`], [`Clock`], [`FileSystem`]
//! and [`HttpClient`]. Each lives beside its stub and in-memory backends; the backends of WASI 0.2 are in
//! `wasip2`, which exists on that target alone. One contract suite (`tests/`) runs against every
//! real backend, the WASI one inside wasm.

#![no_std]

extern crate alloc;

mod clock;
mod environment;
mod file_system;
mod http;
mod split;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
pub mod wasip2;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
pub use wasip2 as wasi;

pub use clock::{Clock, Now};
pub use environment::{Environment, memory::MemoryEnvironment};
pub use file_system::{
    EntryKind, FileSystem, FsError, FsResult, Listing, ListingEntry, ReadChunk, Stat,
    memory::MemoryFileSystem, stub::StubFileSystem,
};
pub use http::{
    HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method, Timeouts, stub::StubHttpClient,
};
pub use split::{Split, cut, has, split};
