//! What may go wrong in loading and in calling a plugin, by type: each limit is named, with its number.

use std::time::Duration;

use thiserror::Error;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::FieldMapError;

use super::compiler::CompileError;
use super::host::HostFault;
use super::http_hooks::FIELDS;
use super::wasi_bounds::RESOURCES;

/// A limit that a call reached, with the number that applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Limit {
    /// The call used all its fuel.
    #[error("fuel: all {units} units are used")]
    Fuel {
        /// Units that the call had.
        units: u64,
    },
    /// The store's memories would hold more.
    #[error("memory: more than {bytes} bytes over all memories of the plugin")]
    Memory {
        /// Bytes that it may hold.
        bytes: usize,
    },
    /// The store's tables would hold more.
    #[error("table elements: more than {elements} over all tables of the plugin")]
    TableElements {
        /// Elements that they may hold.
        elements: usize,
    },
    /// The call, with what the host did for it, took longer.
    #[error("wall clock: longer than {after:?}")]
    Deadline {
        /// What the call was given.
        after: Duration,
    },
    /// The guest's functions called each other too deep.
    #[error("recursion: the stack of {bytes} bytes is used up")]
    Recursion {
        /// Bytes of stack that a guest has.
        bytes: usize,
    },
    /// The component has more core instances than a store may have.
    #[error("core instances: {count} where {most} are allowed")]
    Instances {
        /// Core instances that the component makes.
        count: usize,
        /// Core instances that it may make.
        most: usize,
    },
    /// The component has more memories than a store may have.
    #[error("memories: {count} where {most} are allowed")]
    Memories {
        /// Memories of the component.
        count: usize,
        /// Memories that it may have.
        most: usize,
    },
    /// The component has more tables than a store may have.
    #[error("tables: {count} where {most} are allowed")]
    Tables {
        /// Tables of the component.
        count: usize,
        /// Tables that it may have.
        most: usize,
    },
    /// The process runs as many instances as it has room for.
    #[error("instances at once: {stores} live in this process, and it has room for no more")]
    Concurrency {
        /// Stores that may live at once, over all plugins.
        stores: u32,
    },
    /// A function of WASI was asked for more than it does at once, or the store holds as many of WASI's resources as it may.
    #[error("{what}: at most {most} at once")]
    Wasi {
        /// Of what.
        what: &'static str,
        /// How many.
        most: u64,
    },
}

/// Why a plugin could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is larger than the policy allows.
    #[error(
        "the module has {bytes} bytes where {most} are allowed; the operator's policy may raise the size"
    )]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes that it may have.
        most: usize,
    },
    /// The file is larger after gzip than the policy allows.
    #[error(
        "the module has over {most} bytes after gzip, which is the most allowed; the operator's policy may raise the size"
    )]
    TooLargeGzipped {
        /// Bytes that it may have.
        most: usize,
    },
    /// It was not compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It needs more than a store may hold, before anything runs.
    #[error("the plugin cannot be loaded: {0}")]
    Limit(Limit),
    /// It imports what no plugin gets, or what the policy does not grant.
    #[error("the plugin imports {name:?}, which is not granted")]
    ImportRefused {
        /// The import's name.
        name: String,
    },
    /// It exports neither `dewclaw:plugin/tools@0.1.0` nor the older `plugin`, or not all of its functions.
    #[error("not a plugin: no export {name:?}")]
    ExportMissing {
        /// The missing export.
        name: String,
    },
    /// Its imports or exports have other types than the contract.
    #[error("the plugin does not fit the contract: {reason}")]
    Contract {
        /// In the engine's words.
        reason: String,
    },
}

/// Why a call gave no result.
#[derive(Debug, Error)]
pub enum CallError {
    /// The tool ran, and answered that it failed. The text is the plugin's.
    #[error("{message}")]
    Tool {
        /// The plugin's own words, meant for the model.
        message: String,
    },
    /// The plugin's `init` answered that it failed. The text is the plugin's.
    #[error("the plugin did not start: {message}")]
    Init {
        /// The plugin's own words.
        message: String,
    },
    /// A limit was reached; the instance is gone.
    #[error("the plugin was stopped by a limit: {0}")]
    Limit(Limit),
    /// The guest's code trapped; the instance is gone.
    #[error("the plugin's code trapped: {trap}")]
    Trap {
        /// Which trap.
        trap: Trap,
    },
    /// What the plugin gave could not be taken: over the limit of what may cross at once, not UTF-8, or outside its memory.
    #[error(
        "what the plugin gave was refused (at most {most_bytes} bytes of UTF-8 cross at once): {reason}"
    )]
    Exchange {
        /// Bytes that may cross at once.
        most_bytes: usize,
        /// In the engine's words.
        reason: String,
    },
    /// The instance could not be made: the machine has no room, or what the compiler puts between components that are linked together
    /// makes more core instances than a store may have.
    #[error("the plugin could not be instantiated: {reason}")]
    Instantiate {
        /// In the engine's words.
        reason: String,
    },
    /// The plugin ended itself by `wasi:cli/exit`; the instance is gone.
    #[error("the plugin exited, with status {status}")]
    Exited {
        /// As it gave it.
        status: i32,
    },
    /// The host failed in its own work for the guest, which ends the call.
    #[error("the host failed for the plugin: {0}")]
    Host(HostFault),
    /// The call's argument is larger than the plugin's memory may be.
    #[error("the argument has {bytes} bytes, more than the plugin's memory of {most}")]
    Argument {
        /// Bytes of the argument.
        bytes: usize,
        /// Bytes of memory.
        most: usize,
    },
}

impl CallError {
    /// The limit that was reached, if it is one.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        match self {
            CallError::Limit(limit) => Some(*limit),
            _ => None,
        }
    }
}

/// Why the host itself stopped a guest: what limiter, epoch callback and host functions give to wasmtime, and get back from it.
#[derive(Clone, Debug, Error)]
pub(crate) enum Stopped {
    #[error("{0}")]
    Limit(Limit),
    #[error("{0}")]
    Host(HostFault),
}

/// What was being done when wasmtime gave an error.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    Instantiate,
    Call,
}

/// The numbers that an error names.
pub(crate) struct Numbers {
    pub(crate) fuel: u64,
    pub(crate) stack_bytes: usize,
    pub(crate) exchange_bytes: usize,
    pub(crate) stores: u32,
    pub(crate) refused: Option<Limit>,
}

/// Sorts wasmtime's error by its types, never by its text.
pub(crate) fn classify(error: &wasmtime::Error, phase: Phase, numbers: &Numbers) -> CallError {
    if let Some(stopped) = error.downcast_ref::<Stopped>() {
        return match stopped {
            Stopped::Limit(limit) => CallError::Limit(*limit),
            Stopped::Host(fault) => CallError::Host(fault.clone()),
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match (trap, numbers.refused) {
            (Trap::OutOfFuel, _) => CallError::Limit(Limit::Fuel {
                units: numbers.fuel,
            }),
            (Trap::StackOverflow, _) => CallError::Limit(Limit::Recursion {
                bytes: numbers.stack_bytes,
            }),
            // An allocator that is refused memory gives up with a trap of its own: the cause is the limit.
            (_, Some(limit)) => CallError::Limit(limit),
            (trap, None) => CallError::Trap { trap: *trap },
        };
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return CallError::Exited { status: *status };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return CallError::Limit(Limit::Wasi {
            what: "resources of WASI",
            most: RESOURCES as u64,
        });
    }
    if let Some(FieldMapError::TotalSizeTooBig) = error.downcast_ref() {
        return CallError::Limit(Limit::Wasi {
            what: "bytes of one wasi:http fields",
            most: FIELDS as u64,
        });
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Limit(Limit::Concurrency {
            stores: numbers.stores,
        });
    }
    if let Some(limit) = numbers.refused {
        return CallError::Limit(limit);
    }
    match phase {
        Phase::Instantiate => CallError::Instantiate {
            reason: format!("{error:#}"),
        },
        Phase::Call => CallError::Exchange {
            most_bytes: numbers.exchange_bytes,
            reason: format!("{error:#}"),
        },
    }
}
