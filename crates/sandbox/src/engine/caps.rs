//! How much one store may use, and how large a module may be: the numbers that the engine enforces.

use std::time::Duration;

use crate::limits::{Limit, Limits};

/// What one store of a plugin may use. The defaults and hard maxima are those of [`Limit`]'s table; the policy decides and clamps.
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
    /// Bytes of a file that `read-file` gives.
    pub read_file_bytes: usize,
    /// Bytes of a file that `write-file` takes.
    pub write_file_bytes: usize,
    /// Bytes of a request's body.
    pub http_request_bytes: usize,
    /// Bytes of a response's body, after decoding.
    pub http_response_bytes: usize,
    /// Bytes of `log`'s message that are kept; the rest is cut at a character's boundary.
    pub log_message_bytes: usize,
    /// Messages of `log` that are kept in a minute.
    pub log_messages_a_minute: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Caps {
            fuel: Limit::Fuel.default_value(),
            memory_bytes: size(Limit::Memory.default_value()),
            table_elements: size(Limit::TableElements.default_value()),
            instances: size(Limit::Instances.default_value()),
            tables: size(Limit::Tables.default_value()),
            memories: size(Limit::Memories.default_value()),
            deadline: Duration::from_secs(Limit::ExecutionTime.default_value()),
            exchange_bytes: MAX_EXCHANGE_BYTES,
            read_file_bytes: size(Limit::ReadFile.default_value()),
            write_file_bytes: size(Limit::WriteFile.default_value()),
            http_request_bytes: size(Limit::HttpRequest.default_value()),
            http_response_bytes: size(Limit::HttpResponse.default_value()),
            log_message_bytes: size(Limit::LogMessage.default_value()),
            log_messages_a_minute: rate(Limit::LogRate.default_value()),
        }
    }
}

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
/// The most that crosses at once: above the largest answer of a host function, a response's body.
const MAX_EXCHANGE_BYTES: usize = 10 << 20;

impl From<&Limits> for Caps {
    fn from(limits: &Limits) -> Self {
        Caps {
            fuel: limits.fuel(),
            memory_bytes: size(limits.memory_bytes()),
            table_elements: size(limits.table_elements()),
            instances: size(limits.instances()),
            tables: size(limits.tables()),
            memories: size(limits.memories()),
            deadline: limits.execution_time(),
            exchange_bytes: MAX_EXCHANGE_BYTES,
            read_file_bytes: size(limits.read_file_bytes()),
            write_file_bytes: size(limits.write_file_bytes()),
            http_request_bytes: size(limits.http_request_bytes()),
            http_response_bytes: size(limits.http_response_bytes()),
            log_message_bytes: size(limits.log_message_bytes()),
            log_messages_a_minute: rate(limits.log_messages_per_minute()),
        }
        .clamped()
    }
}

impl From<&Limits> for ModuleSize {
    fn from(limits: &Limits) -> Self {
        ModuleSize {
            raw_bytes: size(limits.module_bytes()),
            gzip_bytes: size(limits.module_gzip_bytes()),
        }
    }
}

impl Caps {
    /// The same, nowhere over the hard maxima. Loading a plugin does this: no caller goes around it.
    #[must_use]
    pub fn clamped(self) -> Self {
        let within = |value: usize, limit: Limit| value.min(size(limit.maximum()));
        Caps {
            fuel: Limit::Fuel.clamp(self.fuel),
            memory_bytes: within(self.memory_bytes, Limit::Memory),
            table_elements: within(self.table_elements, Limit::TableElements),
            instances: within(self.instances, Limit::Instances),
            tables: within(self.tables, Limit::Tables),
            memories: within(self.memories, Limit::Memories),
            deadline: self
                .deadline
                .min(Duration::from_secs(Limit::ExecutionTime.maximum())),
            exchange_bytes: self.exchange_bytes.min(MAX_EXCHANGE_BYTES),
            read_file_bytes: within(self.read_file_bytes, Limit::ReadFile),
            write_file_bytes: within(self.write_file_bytes, Limit::WriteFile),
            http_request_bytes: within(self.http_request_bytes, Limit::HttpRequest),
            http_response_bytes: within(self.http_response_bytes, Limit::HttpResponse),
            log_message_bytes: within(self.log_message_bytes, Limit::LogMessage),
            log_messages_a_minute: self
                .log_messages_a_minute
                .min(rate(Limit::LogRate.maximum())),
        }
    }
}

/// A limit's bytes or things, of which this machine can count so many.
pub(crate) fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn rate(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
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
            raw_bytes: size(Limit::Module.default_value()),
            gzip_bytes: size(Limit::ModuleGzip.default_value()),
        }
    }
}
