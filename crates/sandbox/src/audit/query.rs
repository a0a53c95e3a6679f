//! Finds entries by plugin, function, verdict and time.

use std::path::Path;

use super::chain::chains;
use super::entry::{Entry, Verdict};
use super::error::AuditError;
use super::line::read_line;
use super::reading::{Line, Lines, open_chain};

/// Which entries to find: those that fit everything that is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this plugin.
    pub plugin: Option<String>,
    /// Of this host function.
    pub function: Option<String>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
    /// Begun at this time or later, in milliseconds since 1970 UTC.
    pub from_ms: Option<u64>,
    /// Begun before this time.
    pub until_ms: Option<u64>,
    /// Only so many, the newest. All are held in memory, so a command should set it.
    pub newest: Option<usize>,
}

impl Filter {
    fn fits(&self, entry: &Entry) -> bool {
        self.plugin
            .as_ref()
            .is_none_or(|plugin| *plugin == entry.plugin)
            && self
                .function
                .as_ref()
                .is_none_or(|function| *function == entry.function)
            && self.verdict.is_none_or(|verdict| verdict == entry.verdict)
            && self.from_ms.is_none_or(|from| entry.time_ms >= from)
            && self.until_ms.is_none_or(|until| entry.time_ms < until)
    }
}

/// What a query found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// By time, those of one plugin at one time by sequence.
    pub entries: Vec<Entry>,
    /// How many fitting ones are not in it, because only the newest were asked for.
    pub left_out: u64,
    /// Lines that are no entry, or whose hash is not of their bytes. They are never in `entries`: [`verify`](super::verify) tells
    /// where they are.
    pub unsound: u64,
}

/// Finds entries in a folder. It holds every line against its own hash, and does not follow the chain; it takes no lock.
pub fn query(folder: &Path, filter: &Filter) -> Result<Listing, AuditError> {
    let found = chains(folder).map_err(|source| AuditError::Read {
        path: folder.to_owned(),
        source,
    })?;
    let newest = filter.newest.unwrap_or(usize::MAX);
    let mut listing = Listing::default();
    let mut line = Vec::new();
    for chain in found {
        if filter
            .plugin
            .as_ref()
            .is_some_and(|plugin| *plugin != chain.plugin)
        {
            continue;
        }
        for (name, file) in open_chain(folder, &chain)?.files {
            let mut lines = Lines::new(file);
            loop {
                let read = lines.next(&mut line).map_err(|source| AuditError::Read {
                    path: folder.join(&name),
                    source,
                })?;
                match (read, read_line(&line)) {
                    (None, _) => break,
                    (Some(Line::Whole), Some(read)) if read.is_sound => {
                        if filter.fits(&read.entry) {
                            listing.entries.push(read.entry);
                        }
                    }
                    _ => listing.unsound += 1,
                }
                if listing.entries.len() / 2 > newest {
                    listing.keep(newest);
                }
            }
        }
    }
    listing.keep(newest);
    Ok(listing)
}

impl Listing {
    fn keep(&mut self, newest: usize) {
        self.entries.sort_by(|one, other| {
            (one.time_ms, &one.plugin, one.sequence).cmp(&(
                other.time_ms,
                &other.plugin,
                other.sequence,
            ))
        });
        let excess = self.entries.len().saturating_sub(newest);
        self.entries.drain(..excess);
        self.left_out += excess as u64;
    }
}
