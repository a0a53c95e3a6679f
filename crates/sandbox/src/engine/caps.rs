//! How much one store may use, and how large a module may be: the numbers that the engine enforces.

use std::time::Duration;

use crate::limits::Limits;

/// What one store of a plugin may use. The defaults are those of the specification; the policy decides and clamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Fuel of one call, with `init` where the call needs it: about one unit an instruction and one a byte of bulk operations.
    pub fuel: u64,
    /// Bytes of linear memory, summed over all memories of the store.
    pub memory_bytes: usize,
    /// Elements of tables, summed over all tables of the store.
    pub table_elements: usize,
    /// Core instances in the store.
    pub instances: usize,
    /// Tables in the store.
    pub tables: usize,
    /// Linear memories in the store.
    pub memories: usize,
    /// Wall clock from instantiation to the release of the result, with what the host does for the guest.
    pub deadline: Duration,
    /// Bytes that may cross from the guest to the host at once: a result, or the arguments of one host call.
    pub exchange_bytes: usize,
    /// Messages of `log` that are kept in a minute.
    pub log_messages_a_minute: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Caps {
            fuel: 1_000_000_000,
            memory_bytes: 16 << 20,
            table_elements: 10_000,
            instances: 10,
            tables: 10,
            memories: 2,
            deadline: Duration::from_secs(30),
            exchange_bytes: 10 << 20,
            log_messages_a_minute: 100,
        }
    }
}

/// The most that any policy can grant: what the pool has room for, and the specification's hard maxima.
pub(crate) const MAX_MEMORY_BYTES: usize = 256 << 20;
/// As [`MAX_MEMORY_BYTES`].
pub(crate) const MAX_TABLE_ELEMENTS: usize = 100_000;
/// As [`MAX_MEMORY_BYTES`].
pub(crate) const MAX_FUEL: u64 = 10_000_000_000;
/// As [`MAX_MEMORY_BYTES`].
pub(crate) const MAX_DEADLINE: Duration = Duration::from_secs(300);

/// Bytes of `log`'s message that are kept; the rest is cut at a character's boundary.
pub(crate) const LOG_MESSAGE_BYTES: usize = 4 << 10;
/// Bytes of a path that a guest may give.
pub(crate) const PATH_BYTES: usize = 4 << 10;
/// Bytes of an environment variable's name.
pub(crate) const ENV_NAME_BYTES: usize = 256;
/// Bytes of a URL, and of a method with it.
pub(crate) const URL_BYTES: usize = 8 << 10;
/// Headers of a request.
pub(crate) const HEADERS: usize = 100;
/// Bytes of a request's headers together.
pub(crate) const HEADER_BYTES: usize = 64 << 10;
/// Bytes of a request's body.
pub(crate) const REQUEST_BODY_BYTES: usize = 1_000_000;
/// Bytes of a file that is written.
pub(crate) const WRITE_BYTES: usize = 4_000_000;
/// Bytes of any answer of a host function: the largest is a response's body.
pub(crate) const ANSWER_BYTES: usize = 10_000_000;

impl From<&Limits> for Caps {
    fn from(limits: &Limits) -> Self {
        Caps {
            fuel: limits.fuel(),
            memory_bytes: count(limits.memory_bytes()),
            table_elements: count(limits.table_elements()),
            instances: count(limits.instances()),
            tables: count(limits.tables()),
            memories: count(limits.memories()),
            deadline: limits.execution_time(),
            log_messages_a_minute: u32::try_from(limits.log_messages_per_minute())
                .unwrap_or(u32::MAX),
            ..Caps::default()
        }
        .clamped()
    }
}

impl From<&Limits> for ModuleSize {
    fn from(limits: &Limits) -> Self {
        ModuleSize {
            raw_bytes: count(limits.module_bytes()),
            gzip_bytes: count(limits.module_gzip_bytes()),
        }
    }
}

/// A limit's value as this machine counts; what does not fit is as much as fits.
fn count(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl Caps {
    /// The same, nowhere over the hard maxima. Loading a plugin does this: no caller goes around it.
    #[must_use]
    pub fn clamped(self) -> Self {
        let most = Caps::default();
        Caps {
            fuel: self.fuel.min(MAX_FUEL),
            memory_bytes: self.memory_bytes.min(MAX_MEMORY_BYTES),
            table_elements: self.table_elements.min(MAX_TABLE_ELEMENTS),
            instances: self.instances.min(most.instances),
            tables: self.tables.min(most.tables),
            memories: self.memories.min(most.memories),
            deadline: self.deadline.min(MAX_DEADLINE),
            exchange_bytes: self.exchange_bytes.min(most.exchange_bytes),
            log_messages_a_minute: self.log_messages_a_minute.min(most.log_messages_a_minute),
        }
    }
}

/// How large a module may be when it is loaded. Only the operator's policy raises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleSize {
    /// Bytes of the file.
    pub raw_bytes: usize,
    /// Bytes of the file after `gzip -9`.
    pub gzip_bytes: usize,
}

impl Default for ModuleSize {
    fn default() -> Self {
        ModuleSize {
            raw_bytes: 300_000,
            gzip_bytes: 120_000,
        }
    }
}
