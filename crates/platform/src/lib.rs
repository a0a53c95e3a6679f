//! What the agent needs of the world, as traits, and the backends that provide it.
//!
//! A driver performs the agent's effects through four traits: [`Environment`], [`Clock`], [`FileSystem`]
//! and [`HttpClient`]. Each lives beside its stub and in-memory backends; the backends of WASI 0.2 are in
//! `wasip2`, those of WASI preview 1 in `wasip1`. Each exists on its target alone, and is called `wasi` there, with the same
//! names. One contract suite (`tests/`) runs against every real backend, those of WASI inside wasm.

#![no_std]

extern crate alloc;

mod clock;
mod environment;
mod file_system;
#[cfg(target_os = "wasi")]
pub mod granted;
mod http;
pub mod http1;
mod split;
#[cfg(target_os = "wasi")]
mod streams;
mod text;
#[cfg(all(target_arch = "wasm32", target_env = "p1"))]
pub mod wasip1;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
pub mod wasip2;

#[cfg(all(target_arch = "wasm32", target_env = "p1"))]
pub use wasip1 as wasi;
#[cfg(all(target_arch = "wasm32", target_env = "p2"))]
pub use wasip2 as wasi;

pub use clock::{Clock, Now, times};
pub use environment::{Environment, memory::MemoryEnvironment};
pub use file_system::{
    EntryKind, FileSystem, FsError, FsResult, Listing, ListingEntry, ReadChunk, Stat,
    memory::MemoryFileSystem, stub::StubFileSystem,
};
pub use http::{
    HttpClient, HttpError, HttpEvent, HttpId, HttpRequest, Method, Timeouts, stub::StubHttpClient,
};
pub use split::{Split, cut, has, part, split};
pub use text::{concat, count, decimal, is_blank, join, lossy, trim, utf_8};
