//! The audit trail: every host call of a plugin is an entry in a hash-chained log of JSON lines, written before the call returns to
//! the guest.
//!
//! # On disk
//!
//! One folder; for a plugin `NAME`:
//!
//! | file | what it holds |
//! |---|---|
//! | `NAME.jsonl` | the newest entries |
//! | `NAME.1.jsonl`, `NAME.2.jsonl`, … | older ones, 1 the oldest; a file is renamed when the next entry would make it too large |
//! | `NAME.head` | sequence and hash of the newest entry, 0 and the chain's beginning before the first; locked by the process that writes |
//! | `NAME.torn-1`, … | the bytes of a last line that a kill or a full disk cut, set aside when the log was opened again |
//!
//! A second process (or a second [`AuditLog`] in the same one) that opens the log of a plugin while the first has it writes a chain
//! of its own, `NAME@2.jsonl` with `NAME@2.head`, up to `NAME@64`. Verification and queries read them all.
//!
//! # An entry
//!
//! One line, members always in this order, without spaces, ended by one line feed:
//!
//! ```json
//! {"v":1,"seq":7,"time_ms":1763735034123,"plugin":"weather","function":"http-request","summary":"GET https://example.com/",
//!  "verdict":"permitted","rule":"policy.toml:4","error":null,"duration_ns":81250,"prev":"<64 hex>","hash":"<64 hex>"}
//! ```
//!
//! (`notices`, an array, stands before `prev` where there is something to say: see [`Notice`].) `time_ms` is wall time at the call's
//! beginning in milliseconds since 1970 UTC; an entry is written at the call's end, so times need not rise. **`hash` is SHA-256 over
//! the bytes of the line from its first `{` up to, and without, the `,"hash":"` that ends it**: exactly what stands in the file, so no
//! canonical form of JSON is needed. `prev` is the `hash` of the entry before; for the first entry it is SHA-256 over
//! `dewclaw-audit 1`, a line feed, the chain's name (`weather`, `weather@2`) and a line feed. The chain goes on over rotated files.
//!
//! # What it proves, and what it does not
//!
//! [`verify`] finds any line that was changed, removed, put elsewhere, put in twice, put in anew or cut, and entries of another plugin,
//! unless whoever did it also wrote every later line and the head anew. The chain has no key: **whoever can write to the folder can
//! remove the newest entries or change any entry and then compute all hashes from there on, and the head; or remove a chain whole.**
//! Against that there is only a head kept elsewhere: [`AuditLog::head`] and [`ChainReport::head`] are for the operator to keep, and
//! [`VerifyOptions::heads`] asks for them: an entry before a kept head cannot be changed without the verification saying so.
//!
//! # What is lost when
//!
//! An entry is one `write(2)` to the log, then one to the head, before the call returns: a killed process loses no entry of a call
//! that has returned. A loss of power may lose what [`SyncPolicy`] had not yet put on the disk; the head may then be ahead of the log,
//! which the verification tells as missing entries (it cannot tell a loss of power from somebody's removal) and the log says itself
//! in its next entry. A call whose effect was begun and that is killed before its entry is written leaves none.
//!
//! An entry that cannot be written makes the host call fail with [`AuditError`]: nothing is ever skipped silently. The bytes that a
//! plugin's trail may take are bounded ([`AuditOptions::max_total_bytes`]), because a guest that calls in a loop would fill the disk.
//!
//! # What it costs
//!
//! On two busy cores of a virtual machine, ext4, over the same call unaudited, median (example `audit_cost`): 2.5 to 2.7 µs for a
//! short entry (430 bytes), 3.4 µs for an HTTP request with a URL and four headers (600 bytes). The two writes are two thirds of it:
//! about 1.1 µs for the entry, 0.8 µs for the head; SHA-256 is 0.3 µs. A thread that gathers entries and writes them later would save
//! the first and lose what it holds when the process is killed, so there is none. A head at every 64th entry only would make it 1.8
//! and 2.5 µs, and the removal of up to 63 entries unseen after a kill. `fsync` takes 0.2 to 8 ms there, so it is never on a call's
//! path, unless [`SyncPolicy::EveryEntry`] asks for it.

mod call;
mod chain;
mod civil_time;
mod entry;
mod error;
mod flusher;
mod folder;
mod head;
mod line;
mod log;
mod print;
mod query;
mod reading;
mod redaction;
mod resume;
mod summary;
mod verify;

pub use call::AuditedCall;
pub use entry::{Entry, Notice, Verdict};
pub use error::AuditError;
pub use folder::{AuditFolder, AuditOptions, SyncPolicy};
pub use head::{Hash, Head};
pub use log::AuditLog;
pub use print::{write_json_lines, write_table};
pub use query::{Filter, Listing, query};
pub use redaction::{SecretTooShort, Secrets};
pub use summary::Summary;
pub use verify::{ChainReport, Fault, Finding, Report, VerifyOptions, verify};

#[cfg(test)]
mod tests;
