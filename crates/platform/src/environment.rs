//! The environment: variables and arguments.

use alloc::string::String;
use alloc::vec::Vec;

pub(crate) mod memory;
#[cfg(target_os = "wasi")]
pub(crate) mod variables;

/// Variables and arguments of this run.
pub trait Environment {
    /// The value of a variable; `None` when it is not set.
    fn var(&self, name: &str) -> Option<&str>;

    /// Sets a variable for the rest of this instance. Nothing outside sees it, and it does not outlive the instance.
    fn set_var(&mut self, name: &str, value: &str);

    /// The arguments, the program's own name excluded.
    fn arguments(&self) -> Vec<String>;

    /// 64 unpredictable bits, to seed the agent's jitter. Not for cryptography.
    fn seed(&self) -> u64;
}
