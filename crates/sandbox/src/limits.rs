//! The limits of a plugin: one table with each limit's default and hard maximum, and the values that one plugin runs under.

use std::time::Duration;

/// Something that a plugin can use up or be too large in. Its default, its hard maximum and its key are rows of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Fuel of a store, in wasmtime's units: an instruction is about one.
    Fuel,
    /// Bytes of linear memory, summed over all memories of a store.
    Memory,
    /// Elements of tables, summed over all tables of a store.
    TableElements,
    /// Core instances in a store.
    Instances,
    /// Tables in a store.
    Tables,
    /// Linear memories in a store.
    Memories,
    /// Seconds by the wall clock, from instantiation to the last host call.
    ExecutionTime,
    /// Bytes of a module or component as it is read.
    Module,
    /// Bytes of a module or component after gzip.
    ModuleGzip,
    /// Bytes of all files in a plugin's folder.
    PluginFolder,
    /// Bytes that one `read-file` may read.
    ReadFile,
    /// Bytes that one `write-file` may write.
    WriteFile,
    /// Bytes of one log message; a longer one is cut at a character's boundary.
    LogMessage,
    /// Log messages a minute.
    LogRate,
    /// HTTP requests a minute.
    HttpRate,
    /// Bytes of an HTTP request's body.
    HttpRequest,
    /// Bytes of an HTTP response's body, after decoding.
    HttpResponse,
    /// Seconds for one HTTP request, over everything: name, connection, redirects, body.
    HttpTime,
    /// Connections open at once.
    Connections,
    /// Files open at once.
    OpenFiles,
    /// Bytes written to files since the plugin was loaded, over all its calls. The specification has no number for it: 100 MB is
    /// ours, twenty-five of the largest files that `write-file` writes.
    Written,
}

/// Who may bring a limit above its default. Everybody may bring it below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaisedBy {
    /// The manifest asks for more and the policy allows it, up to the hard maximum.
    Manifest,
    /// The operator's policy alone, and there is no maximum.
    Operator,
    /// Nobody: the default is the maximum.
    Nobody,
}

/// In what a key of a manifest or of a policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Count,
    PerMinute,
    Seconds,
    Bytes,
    /// 1,000 bytes.
    Kilobytes,
    /// 1,000,000 bytes.
    Megabytes,
    /// 1,048,576 bytes, which is what memory is counted in.
    Mebibytes,
}

impl Unit {
    /// What one of it is in a limit's own unit: bytes, seconds, or things.
    const fn scale(self) -> u64 {
        match self {
            Unit::Count | Unit::PerMinute | Unit::Seconds | Unit::Bytes => 1,
            Unit::Kilobytes => 1_000,
            Unit::Megabytes => 1_000_000,
            Unit::Mebibytes => 1 << 20,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Unit::Count => "",
            Unit::PerMinute => " a minute",
            Unit::Seconds => " s",
            Unit::Bytes => " bytes",
            Unit::Kilobytes => " KB",
            Unit::Megabytes => " MB",
            Unit::Mebibytes => " MiB",
        }
    }
}

/// A limit with its key, and default and maximum as the key counts. Without a maximum the default is the maximum.
struct Row {
    limit: Limit,
    key: &'static str,
    unit: Unit,
    default: u64,
    raised: Raised,
}

enum Raised {
    Never,
    ByManifest { maximum: u64 },
    ByOperator,
}

const fn row(limit: Limit, key: &'static str, unit: Unit, default: u64, raised: Raised) -> Row {
    Row {
        limit,
        key,
        unit,
        default,
        raised,
    }
}

use Raised::{ByManifest, ByOperator, Never};

/// Every limit, in the order of [`Limit`].
#[rustfmt::skip]
const TABLE: [Row; 21] = [
    row(Limit::Fuel, "max_fuel", Unit::Count, 1_000_000_000, ByManifest { maximum: 10_000_000_000 }),
    row(Limit::Memory, "max_memory_mb", Unit::Mebibytes, 16, ByManifest { maximum: 256 }),
    row(Limit::TableElements, "max_table_elements", Unit::Count, 10_000, ByManifest { maximum: 100_000 }),
    row(Limit::Instances, "max_instances", Unit::Count, 10, Never),
    row(Limit::Tables, "max_tables", Unit::Count, 10, Never),
    row(Limit::Memories, "max_memories", Unit::Count, 2, Never),
    row(Limit::ExecutionTime, "max_execution_seconds", Unit::Seconds, 30, ByManifest { maximum: 300 }),
    row(Limit::Module, "max_module_kb", Unit::Kilobytes, 300, ByOperator),
    row(Limit::ModuleGzip, "max_module_gzip_kb", Unit::Kilobytes, 120, ByOperator),
    row(Limit::PluginFolder, "max_plugin_folder_mb", Unit::Megabytes, 10, ByOperator),
    row(Limit::ReadFile, "max_read_file_kb", Unit::Kilobytes, 8_000, Never),
    row(Limit::WriteFile, "max_write_file_kb", Unit::Kilobytes, 4_000, Never),
    row(Limit::LogMessage, "max_log_message_bytes", Unit::Bytes, 4_000, Never),
    row(Limit::LogRate, "max_log_messages_per_minute", Unit::PerMinute, 100, Never),
    row(Limit::HttpRate, "max_http_requests_per_minute", Unit::PerMinute, 10, Never),
    row(Limit::HttpRequest, "max_http_request_kb", Unit::Kilobytes, 1_000, Never),
    row(Limit::HttpResponse, "max_http_response_kb", Unit::Kilobytes, 10_000, Never),
    row(Limit::HttpTime, "max_http_seconds", Unit::Seconds, 30, Never),
    row(Limit::Connections, "max_connections", Unit::Count, 5, ByManifest { maximum: 50 }),
    row(Limit::OpenFiles, "max_open_files", Unit::Count, 10, ByManifest { maximum: 100 }),
    row(Limit::Written, "max_written_mb", Unit::Megabytes, 100, ByOperator),
];

impl Limit {
    /// All limits, in the table's order.
    pub fn all() -> impl Iterator<Item = Limit> {
        TABLE.iter().map(|row| row.limit)
    }

    fn row(self) -> &'static Row {
        // The table is in the order of the variants; a test holds it to that.
        &TABLE[self as usize]
    }

    /// Its key in `[….resources]` of a policy, and of a manifest where that may ask.
    pub fn key(self) -> &'static str {
        self.row().key
    }

    /// The limit that a key names.
    pub fn of_key(key: &str) -> Option<Limit> {
        TABLE.iter().find(|row| row.key == key).map(|row| row.limit)
    }

    /// What holds where nobody says anything else, in bytes, seconds, or things.
    pub fn default_value(self) -> u64 {
        self.row().default * self.row().unit.scale()
    }

    /// What nobody goes above, in bytes, seconds, or things. `u64::MAX` where the operator may say any number.
    pub fn maximum(self) -> u64 {
        match self.row().raised {
            Never => self.default_value(),
            ByManifest { maximum } => maximum * self.row().unit.scale(),
            ByOperator => u64::MAX,
        }
    }

    /// Who may bring it above its default.
    pub fn raised_by(self) -> RaisedBy {
        match self.row().raised {
            Never => RaisedBy::Nobody,
            ByManifest { .. } => RaisedBy::Manifest,
            ByOperator => RaisedBy::Operator,
        }
    }

    /// The value, or the maximum where that is less.
    pub fn clamp(self, value: u64) -> u64 {
        value.min(self.maximum())
    }

    /// What a key's number means, in bytes, seconds, or things. What does not fit is as much as fits.
    pub(crate) fn of_number(self, number: u64) -> u64 {
        number.saturating_mul(self.row().unit.scale())
    }

    /// The least number for the key that allows `value`.
    pub fn to_number(self, value: u64) -> u64 {
        value.div_ceil(self.row().unit.scale())
    }

    /// A value for people: `16 MiB`, `1,000,000,000`, `100 a minute`.
    pub fn show(self, value: u64) -> String {
        let unit = self.row().unit;
        let (number, suffix) = if value.is_multiple_of(unit.scale()) {
            (value / unit.scale(), unit.suffix())
        } else {
            (value, Unit::Bytes.suffix())
        };
        format!("{}{suffix}", grouped(number))
    }
}

/// A number with a comma between each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The limits that one plugin runs under. No value in it is above its maximum: there is no way to put one in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits([u64; TABLE.len()]);

impl Default for Limits {
    /// Every limit at its default.
    fn default() -> Limits {
        Limits(TABLE.map(|row| row.limit.default_value()))
    }
}

impl Limits {
    /// A limit's value, in bytes, seconds, or things.
    pub fn get(&self, limit: Limit) -> u64 {
        self.0[limit as usize]
    }

    /// The same limits with another value for one, clamped to its maximum.
    #[must_use]
    pub fn with(mut self, limit: Limit, value: u64) -> Limits {
        self.0[limit as usize] = limit.clamp(value);
        self
    }

    /// Fuel of a store, in wasmtime's units.
    pub fn fuel(&self) -> u64 {
        self.get(Limit::Fuel)
    }

    /// Bytes of linear memory, summed over all memories of a store.
    pub fn memory_bytes(&self) -> u64 {
        self.get(Limit::Memory)
    }

    /// Elements of tables, summed over all tables of a store.
    pub fn table_elements(&self) -> u64 {
        self.get(Limit::TableElements)
    }

    /// Core instances in a store.
    pub fn instances(&self) -> u64 {
        self.get(Limit::Instances)
    }

    /// Tables in a store.
    pub fn tables(&self) -> u64 {
        self.get(Limit::Tables)
    }

    /// Linear memories in a store.
    pub fn memories(&self) -> u64 {
        self.get(Limit::Memories)
    }

    /// The wall clock, from instantiation to the last host call.
    pub fn execution_time(&self) -> Duration {
        Duration::from_secs(self.get(Limit::ExecutionTime))
    }

    /// Bytes of a module as it is read.
    pub fn module_bytes(&self) -> u64 {
        self.get(Limit::Module)
    }

    /// Bytes of a module after gzip.
    pub fn module_gzip_bytes(&self) -> u64 {
        self.get(Limit::ModuleGzip)
    }

    /// Bytes of all files in the plugin's folder.
    pub fn plugin_folder_bytes(&self) -> u64 {
        self.get(Limit::PluginFolder)
    }

    /// Bytes that one `read-file` may read.
    pub fn read_file_bytes(&self) -> u64 {
        self.get(Limit::ReadFile)
    }

    /// Bytes that one `write-file` may write.
    pub fn write_file_bytes(&self) -> u64 {
        self.get(Limit::WriteFile)
    }

    /// Bytes of one log message.
    pub fn log_message_bytes(&self) -> u64 {
        self.get(Limit::LogMessage)
    }

    /// Log messages a minute.
    pub fn log_messages_per_minute(&self) -> u64 {
        self.get(Limit::LogRate)
    }

    /// HTTP requests a minute.
    pub fn http_requests_per_minute(&self) -> u64 {
        self.get(Limit::HttpRate)
    }

    /// Bytes of an HTTP request's body.
    pub fn http_request_bytes(&self) -> u64 {
        self.get(Limit::HttpRequest)
    }

    /// Bytes of an HTTP response's body, after decoding.
    pub fn http_response_bytes(&self) -> u64 {
        self.get(Limit::HttpResponse)
    }

    /// The time of one HTTP request, over everything.
    pub fn http_time(&self) -> Duration {
        Duration::from_secs(self.get(Limit::HttpTime))
    }

    /// Connections open at once.
    pub fn connections(&self) -> u64 {
        self.get(Limit::Connections)
    }

    /// Files open at once.
    pub fn open_files(&self) -> u64 {
        self.get(Limit::OpenFiles)
    }

    /// Bytes written to files since the plugin was loaded.
    pub fn written_bytes(&self) -> u64 {
        self.get(Limit::Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_limits() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.limit as usize, at, "{}", row.key);
            assert_eq!(Limit::of_key(row.key), Some(row.limit));
            assert!(
                row.limit.default_value() <= row.limit.maximum(),
                "{}",
                row.key
            );
        }
    }

    #[test]
    fn defaults_are_those_of_the_specification() {
        let limits = Limits::default();
        assert_eq!(limits.fuel(), 1_000_000_000);
        assert_eq!(limits.memory_bytes(), 16 * 1024 * 1024);
        assert_eq!(limits.table_elements(), 10_000);
        assert_eq!(
            (limits.instances(), limits.tables(), limits.memories()),
            (10, 10, 2)
        );
        assert_eq!(limits.execution_time(), Duration::from_secs(30));
        assert_eq!(
            (limits.module_bytes(), limits.module_gzip_bytes()),
            (300_000, 120_000)
        );
        assert_eq!(limits.plugin_folder_bytes(), 10_000_000);
        assert_eq!(
            (limits.read_file_bytes(), limits.write_file_bytes()),
            (8_000_000, 4_000_000)
        );
        assert_eq!(
            (limits.log_message_bytes(), limits.log_messages_per_minute()),
            (4_000, 100)
        );
        assert_eq!(limits.http_requests_per_minute(), 10);
        assert_eq!(
            (limits.http_request_bytes(), limits.http_response_bytes()),
            (1_000_000, 10_000_000)
        );
        assert_eq!(limits.http_time(), Duration::from_secs(30));
        assert_eq!((limits.connections(), limits.open_files()), (5, 10));
        assert_eq!(limits.written_bytes(), 100_000_000);
    }

    #[test]
    fn maxima_are_those_of_the_specification() {
        let highest = Limit::all().fold(Limits::default(), |limits, limit| {
            limits.with(limit, u64::MAX)
        });
        assert_eq!(highest.fuel(), 10_000_000_000);
        assert_eq!(highest.memory_bytes(), 256 * 1024 * 1024);
        assert_eq!(highest.table_elements(), 100_000);
        assert_eq!(
            (highest.instances(), highest.tables(), highest.memories()),
            (10, 10, 2)
        );
        assert_eq!(highest.execution_time(), Duration::from_secs(300));
        assert_eq!(highest.module_bytes(), u64::MAX);
        assert_eq!(
            (highest.read_file_bytes(), highest.write_file_bytes()),
            (8_000_000, 4_000_000)
        );
        assert_eq!(
            (
                highest.log_message_bytes(),
                highest.log_messages_per_minute()
            ),
            (4_000, 100)
        );
        assert_eq!(
            (
                highest.http_requests_per_minute(),
                highest.http_response_bytes()
            ),
            (10, 10_000_000)
        );
        assert_eq!((highest.connections(), highest.open_files()), (50, 100));
    }

    #[test]
    fn values_are_shown_in_the_unit_of_their_key() {
        assert_eq!(Limit::Memory.show(16 << 20), "16 MiB");
        assert_eq!(Limit::Memory.show((16 << 20) + 1), "16,777,217 bytes");
        assert_eq!(Limit::Fuel.show(1_000_000_000), "1,000,000,000");
        assert_eq!(Limit::ExecutionTime.show(30), "30 s");
        assert_eq!(Limit::HttpRate.show(10), "10 a minute");
        assert_eq!(Limit::Memory.of_number(u64::MAX), u64::MAX);
        assert_eq!(Limit::Memory.to_number((1 << 20) + 1), 2);
    }
}
