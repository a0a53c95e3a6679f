//! What WASI would let a guest ask of the host without a bound: random bytes, and things to wait for.

use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::random::{insecure, random};
use wasmtime_wasi::random::WasiRandomCtx;
use wasmtime_wasi_io::bindings::wasi::io::poll;

use super::error::{Limit, Stopped};

/// Resources of WASI that a store may hold at once: streams, pollables, descriptors.
pub(crate) const RESOURCES: usize = 1000;
/// Bytes of one `get-random-bytes`. The host makes them one by one without looking at the clock: these take it some 0.4 ms. The same as
/// a browser's `getRandomValues` gives at once.
const RANDOM_BYTES: u64 = 65_536;

/// Random numbers, in bounds.
pub(crate) struct Random<'a>(pub(crate) &'a mut WasiRandomCtx);

/// Says to a linker that [`Random`] answers.
pub(crate) struct HasRandom;

impl HasData for HasRandom {
    type Data<'a> = Random<'a>;
}

fn bounded(length: u64) -> Result<()> {
    if length > RANDOM_BYTES {
        return Err(over("bytes of get-random-bytes", RANDOM_BYTES));
    }
    Ok(())
}

fn over(what: &'static str, most: u64) -> wasmtime::Error {
    Stopped::Limit(Limit::Wasi { what, most }).into()
}

impl random::Host for Random<'_> {
    fn get_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        bounded(length)?;
        self.0.get_random_bytes(length)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        self.0.get_random_u64()
    }
}

impl insecure::Host for Random<'_> {
    fn get_insecure_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        bounded(length)?;
        self.0.get_insecure_random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        self.0.get_insecure_random_u64()
    }
}

/// Waiting, in bounds.
pub(crate) struct Waits<'a>(pub(crate) &'a mut ResourceTable);

/// Says to a linker that [`Waits`] answers.
pub(crate) struct HasWaits;

impl HasData for HasWaits {
    type Data<'a> = Waits<'a>;
}

impl poll::Host for Waits<'_> {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        // One pollable may stand in the list any number of times.
        if pollables.len() > RESOURCES {
            return Err(over("pollables of one poll", RESOURCES as u64));
        }
        poll::Host::poll(self.0, pollables).await
    }
}

impl poll::HostPollable for Waits<'_> {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> Result<bool> {
        poll::HostPollable::ready(self.0, pollable).await
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        poll::HostPollable::block(self.0, pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        poll::HostPollable::drop(self.0, pollable)
    }
}
