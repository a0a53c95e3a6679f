//! The engine: loads plugins, and runs their functions under limits that no path goes around.
//!
//! One [`Engine`] serves a process. Each [`Plugin`] is compiled and linked once; each call has a store of its own (or, by
//! [`Reuse::Warm`], one that is used again), fuel, a meter over all its memories and tables, and one deadline over
//! instantiation, `init`, the call, the host's work for it and the release of its result.

mod caps;
mod checkpoints;
mod checks;
mod compiler;
mod config;
mod core_instances;
mod error;
mod guard;
mod host;
mod http_hooks;
mod imports;
mod log_rate;
mod meter;
mod plugin;
mod ticker;
mod wasi_bounds;
mod wasi_environment;
mod wasi_imports;
mod watchdog;

pub use caps::{Caps, ModuleSize};
pub use compiler::{CompileError, Compiler, TrustedInputOnly};
pub use config::{Allocation, Engine, EngineError, EngineOptions, TICK};
pub(crate) use error::Stopped;
pub use error::{CallError, Limit, LoadError};
pub use host::{CallContext, DenyAll, Host, HostAnswer, HostFault, HttpRequest, LogLevel};
pub use plugin::{Plugin, PluginOptions, Reuse};
