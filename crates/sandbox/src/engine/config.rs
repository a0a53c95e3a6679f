//! The engine's settings, each with its reason, and what all plugins of a process share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Handle, Runtime};
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::caps;
use super::compiler::CompileError;
use super::imports;
use super::plugin::State;
use super::ticker::Ticker;
use super::watchdog::Watchdog;
use crate::limits::Limit;

/// The epoch's tick: a guest looks at the clock at least this often, wherever it is (`checkpoints.rs`).
///
/// It does not decide how late a caller hears of a deadline, nor how long a guest goes on after it (the watchdog tells both at once),
/// but how long a guest may hold up the thread of its caller and those that wait for one, and what ticking costs: 0.3 % of a
/// computing guest's processor time, and 0.6 % of a processor for the ticker while guests run and for a second after
/// (`scripts/bench sandbox`; 1 ms cost bare wasmtime 2 to 3 %).
///
/// One operation over memory ends first: 10 to 20 ms for 16 MiB that are new. The caller does not wait for that.
pub const TICK: Duration = Duration::from_millis(4);

/// Stack that a guest's functions have, in bytes; the host's functions have the rest of the fiber's 2 MiB.
pub(crate) const STACK_BYTES: usize = 512 << 10;

/// Linear memory that stays resident in a slot that is free, in bytes: zeroing it is cheaper than unmapping it and faulting it in.
const KEPT_MEMORY: usize = 1 << 20;
/// The same of a table.
const KEPT_TABLE: usize = 64 << 10;
/// What one module may have of each, so that it compiles and is then refused by a limit that has a name.
const PER_MODULE: u32 = 100;

/// Where stores get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool of slots that are reserved once: a fresh store costs microseconds.
    Pool,
    /// From the system, for each store: slower, where address space is short.
    OnDemand,
}

/// How an engine is made.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Stores that may live at once, over all plugins. The pool reserves 8 GiB of address space for each (nothing of it is memory).
    pub stores: u32,
    /// [`Allocation::Pool`] falls back to the other where it cannot be had.
    pub allocation: Allocation,
    /// Threads for guests that wait or compute for long.
    pub threads: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            stores: 1000,
            allocation: Allocation::Pool,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// The engine could not be made.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The system gave no thread or runtime.
    #[error("the engine's threads could not be started: {0}")]
    Threads(#[from] io::Error),
    /// Wasmtime does not work here, with or without a pool.
    #[error("no engine on this machine: {reason}")]
    Unsupported {
        /// In wasmtime's words.
        reason: String,
    },
}

/// What all plugins of a process share: compiler settings, memory, the ticker, the watchdog and the guests' threads.
///
/// Cheap to clone. Make one for a process; its threads end with the last clone and the last plugin.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    wasmtime: wasmtime::Engine,
    allocation: Allocation,
    most_stores: u32,
    stores: AtomicU32,
    threads: usize,
    plain: Linker<State>,
    with_wasi: Linker<State>,
    ticker: Ticker,
    watchdog: Watchdog,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("allocation", &self.0.allocation)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine, with its threads started.
    ///
    /// # Errors
    /// The system gives no threads, or wasmtime has no backend for this machine.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let unsupported = |error: wasmtime::Error| EngineError::Unsupported {
            reason: format!("{error:#}"),
        };
        let (wasmtime, allocation) = match options.allocation {
            Allocation::Pool => match wasmtime::Engine::new(&config(Some(pool(options.stores)))) {
                Ok(engine) => (engine, Allocation::Pool),
                Err(_) => (
                    wasmtime::Engine::new(&config(None)).map_err(unsupported)?,
                    Allocation::OnDemand,
                ),
            },
            Allocation::OnDemand => (
                wasmtime::Engine::new(&config(None)).map_err(unsupported)?,
                Allocation::OnDemand,
            ),
        };
        let threads = options.threads.max(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("dewclaw-guest")
            .enable_time()
            .enable_io()
            // Guests that compute hold a thread for a tick at a time: look for what has arrived, and for who is new, between any two.
            .event_interval(1)
            .global_queue_interval(1)
            .build()?;
        Ok(Engine(Arc::new(Shared {
            plain: imports::linker(&wasmtime, false).map_err(unsupported)?,
            with_wasi: imports::linker(&wasmtime, true).map_err(unsupported)?,
            ticker: Ticker::start(&wasmtime, TICK)?,
            wasmtime,
            allocation,
            most_stores: options.stores,
            stores: AtomicU32::new(0),
            threads,
            watchdog: Watchdog::start()?,
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })))
    }

    /// Where its stores get their memory: what was asked for, or what could be had.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        self.0.allocation
    }

    /// The engine beneath, for a [`Compiler`](super::Compiler).
    #[must_use]
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    /// Machine code for an engine with the same settings in this version, on this kind of machine: a compiler's work in a process of
    /// its own.
    ///
    /// # Errors
    /// The bytes are no component that runs here.
    pub fn precompile(&self, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
        self.0
            .wasmtime
            .precompile_component(bytes)
            .map_err(|error| CompileError::Invalid {
                reason: format!("{error:#}"),
            })
    }

    /// Stores that may live at once.
    pub(crate) fn stores(&self) -> u32 {
        self.0.most_stores
    }

    /// A place for one more store, in the pool or without one; `None` when all are taken.
    pub(crate) fn place(&self) -> Option<Place> {
        if self.0.stores.fetch_add(1, Ordering::Relaxed) < self.0.most_stores {
            return Some(Place(self.clone()));
        }
        self.0.stores.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// Threads for guests that wait or compute for long.
    pub(crate) fn threads(&self) -> usize {
        self.0.threads
    }

    /// One more guest on those threads, until what is returned is dropped.
    pub(crate) fn count_guest(&self) -> Counted {
        self.0.ticker.guest_comes();
        Counted(self.clone())
    }

    pub(crate) fn linker(&self, wasi: bool) -> &Linker<State> {
        if wasi {
            &self.0.with_wasi
        } else {
            &self.0.plain
        }
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.0.ticker
    }

    pub(crate) fn watchdog(&self) -> &Watchdog {
        &self.0.watchdog
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.handle
    }
}

/// One guest among those that are counted.
pub(crate) struct Counted(Engine);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.ticker.guest_goes();
    }
}

/// One store's place, given back when it is dropped.
pub(crate) struct Place(pub(crate) Engine);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.stores.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed where this may be dropped: in async code, or on one of them.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn config(pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        // Both, at 1.41 times no protection on real kernels (`scripts/bench sandbox computing`; fuel alone 1.32, epochs alone 1.26:
        // what costs is that a loop's header may call the host, so that values live in memory across it). Fuel alone with a yield at
        // every million units would be 1.35, but it bounds instructions and not time: a million were 0.15 ms of additions, and 220 ms of
        // loads that miss the caches, or as many calls of the host. So it would not hold guests to their deadlines.
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        // Names in a stranger's file are no part of an error.
        .wasm_backtrace_max_frames(None);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

fn pool(stores: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(stores)
        .total_core_instances(stores.saturating_mul(10))
        .total_memories(stores.saturating_mul(2).max(PER_MODULE))
        .total_tables(stores.saturating_mul(4).max(PER_MODULE))
        .total_stacks(stores)
        .max_memories_per_module(PER_MODULE)
        .max_tables_per_module(PER_MODULE)
        .max_memory_size(caps::size(Limit::Memory.maximum()))
        .table_elements(caps::size(Limit::TableElements.maximum()))
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .decommit_batch_size(1)
        // A slot that is warm for its plugin is found again only if it is not taken back for being unused.
        .max_unused_warm_slots(stores.saturating_mul(2));
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        // The largest single gain: only pages that were written are reset.
        pool.pagemap_scan(Enabled::Yes);
    }
    pool
}
