//! What the exports are given, as the canonical ABI hands it over, as the core's types.
//!
//! Texts and lists lie in memory that the host took from `cabi_realloc` for this call, and are the component's from then on.
//! A record in a list lies there as C would lay it out.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::tools::HostTool;
use dewclaw_agent_core::{FileAnswer, HttpAnswer};
use dewclaw_agent_core::{OperationAnswer, Verdict};
use dewclaw_platform::{
    EntryKind, FsError, HttpError, Listing, ListingEntry, Now, ReadChunk, Stat,
};

use crate::performs::Performs;

/// A list, or a text: its address and its length.
#[repr(C)]
pub(super) struct List<T> {
    first: *mut T,
    length: usize,
}

impl<T> List<T> {
    /// Of these parameters.
    pub(super) fn new(first: *mut T, length: usize) -> List<T> {
        List { first, length }
    }

    /// The elements.
    pub(super) fn take(self) -> Vec<T> {
        // SAFETY: the host took the memory from `cabi_realloc`, of this size and alignment, and gave it away with the call.
        // A list without elements has the alignment for its address.
        unsafe { Vec::from_raw_parts(self.first, self.length, self.length) }
    }
}

impl List<u8> {
    /// The text.
    pub(super) fn text(self) -> String {
        // SAFETY: the canonical ABI hands over no text that is not UTF-8.
        unsafe { String::from_utf8_unchecked(self.take()) }
    }
}

/// A `tuple<string, string>`.
pub(super) type Pair = [List<u8>; 2];

/// A `host-tool`.
#[repr(C)]
pub(super) struct ToolRecord {
    name: List<u8>,
    description: List<u8>,
    parameters: List<u8>,
    writes: bool,
    parallel: bool,
}

/// An `entry`.
#[repr(C)]
struct EntryRecord {
    name: List<u8>,
    kind: u8,
    size: u64,
}

/// Headers.
pub(super) fn pairs(pairs: List<Pair>) -> Vec<(String, String)> {
    let pair = |[name, value]: Pair| (name.text(), value.text());
    pairs.take().into_iter().map(pair).collect()
}

/// The host's tools.
pub(super) fn tools(tools: List<ToolRecord>) -> Vec<HostTool> {
    let tool = |tool: ToolRecord| HostTool {
        name: tool.name.text(),
        description: tool.description.text(),
        parameters: tool.parameters.text(),
        writes: tool.writes,
        parallel: tool.parallel,
    };
    tools.take().into_iter().map(tool).collect()
}

/// A `moment`.
pub(super) fn now(monotonic_ms: u64, wall_ms: u64) -> Now {
    Now {
        monotonic_ms,
        wall_ms,
    }
}

/// Of each `performer`, whether it is the component.
pub(super) fn performs(model: u32, files: u32, web: u32) -> Performs {
    Performs {
        model: model != 0,
        files: files != 0,
        web: web != 0,
    }
}

/// The `answer` of this case, with its payloads' joined parameters.
#[rustfmt::skip]
pub(super) fn answer(case: u32, one: usize, two: u64, three: u64, body: List<u8>, whole: u32) -> OperationAnswer {
    // What is no number of 64 bits in any payload came as one of 32.
    #[allow(clippy::cast_possible_truncation, reason = "an address, a length or a number of 32 bits, widened")]
    let (second, third) = (two as usize, three as usize);
    OperationAnswer::File(match case {
        0 => FileAnswer::Bytes(ReadChunk {
            bytes: List::new(one as *mut u8, second).take(),
            end: third != 0,
        }),
        1 => FileAnswer::Listing(Listing {
            entries: entries(List::new(one as *mut EntryRecord, second)),
            total: three,
        }),
        2 => FileAnswer::Stat(Stat { kind: entry_kind(one as u8), size: two }),
        3 => FileAnswer::Done,
        4 => FileAnswer::Failed(file_error(one)),
        5 => return OperationAnswer::Http(HttpAnswer::Reply {
            status: one as u16,
            headers: pairs(List::new(second as *mut Pair, third)),
            body: body.take(),
            whole: whole != 0,
        }),
        _ => return OperationAnswer::Http(HttpAnswer::Failed(http_error(one))),
    })
}

fn entries(entries: List<EntryRecord>) -> Vec<ListingEntry> {
    let entry = |entry: EntryRecord| ListingEntry {
        name: entry.name.text(),
        kind: entry_kind(entry.kind),
        size: entry.size,
    };
    entries.take().into_iter().map(entry).collect()
}

fn entry_kind(case: u8) -> EntryKind {
    match case {
        0 => EntryKind::File,
        1 => EntryKind::Folder,
        2 => EntryKind::Link,
        _ => EntryKind::Special,
    }
}

fn file_error(case: usize) -> FsError {
    match case {
        0 => FsError::NotFound,
        1 => FsError::Denied,
        2 => FsError::ReadOnly,
        3 => FsError::IsFolder,
        4 => FsError::NotFolder,
        5 => FsError::NotEmpty,
        6 => FsError::Exists,
        7 => FsError::NoSpace,
        8 => FsError::TooLarge,
        9 => FsError::InvalidPath,
        10 => FsError::Special,
        11 => FsError::Unsupported,
        12 => FsError::NoRoot,
        _ => FsError::Io,
    }
}

/// The class of a failed exchange.
pub(super) fn http_error(case: usize) -> HttpError {
    match case {
        0 => HttpError::Unsupported,
        1 => HttpError::InvalidRequest,
        2 => HttpError::Denied,
        3 => HttpError::Dns,
        4 => HttpError::Connect,
        5 => HttpError::Tls,
        6 => HttpError::ConnectTimeout,
        7 => HttpError::FirstByteTimeout,
        8 => HttpError::BetweenBytesTimeout,
        9 => HttpError::TotalTimeout,
        10 => HttpError::Closed,
        11 => HttpError::Protocol,
        12 => HttpError::TooLarge,
        _ => HttpError::Internal,
    }
}

/// What was decided.
pub(super) fn verdict(case: u32) -> Verdict {
    match case {
        0 => Verdict::Approved,
        1 => Verdict::Refused,
        _ => Verdict::Unanswered,
    }
}
