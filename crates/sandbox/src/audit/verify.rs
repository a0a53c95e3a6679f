//! Verifies chains offline: finds what was changed, removed, put elsewhere, put in or cut, and says where.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;

use super::chain::{Chain, chains};
use super::entry::{Entry, Notice};
use super::error::AuditError;
use super::head::{Hash, Head};
use super::line::{is_harmful, read_line};
use super::reading::{Line, Lines, ReadHead, head_of, open_chain};

/// How many findings of a chain are kept; further ones are counted.
const MAX_FINDINGS: usize = 1000;

/// What to verify, and against what.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Only this plugin's chains.
    pub plugin: Option<String>,
    /// Hashes of entries (heads, as printed earlier) that must be in one of the chains.
    pub heads: Vec<Hash>,
    /// Ends of chains whose files were moved elsewhere: a chain may begin right after one of them.
    pub after: Vec<Head>,
}

/// What was found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By plugin; none where there is no log.
    pub chains: Vec<ChainReport>,
    /// Of [`VerifyOptions::heads`], those that are in no chain.
    pub absent_heads: Vec<Hash>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.absent_heads.is_empty() && self.chains.iter().all(ChainReport::is_intact)
    }
}

/// What was found in one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// The plugin's name, with `@2` and so on for chains that were written beside the first.
    pub chain: String,
    /// How many entries were read.
    pub entries: u64,
    /// In how many files.
    pub files: usize,
    /// The end of the chain, for the operator to keep; `None` where there is no entry.
    pub head: Option<Head>,
    /// What is wrong, in the order of the files; the first 1,000.
    pub faults: Vec<Finding>,
    /// How many faults there are beyond those.
    pub more_faults: u64,
    /// What is worth knowing and not wrong.
    pub remarks: Vec<Finding>,
}

impl ChainReport {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.faults.is_empty()
    }
}

/// One thing that was found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file's name.
    pub file: String,
    /// Which line of it, from 1; `None` where it is about the whole.
    pub line: Option<u64>,
    /// The sequence that the line states, if it could be read.
    pub sequence: Option<u64>,
    /// What it is.
    pub fault: Fault,
}

/// What can be wrong, or worth a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The line is not an entry.
    NotAnEntry,
    /// The line is longer than any entry.
    TooLong,
    /// The entry's hash is not of its bytes.
    Changed,
    /// The entry is whole, and does not follow the one before it: that one was exchanged, or this one was written anew.
    Unlinked,
    /// Entries are not there.
    Missing {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// Such an entry has been read already, or one after it: it was put in twice, put in anew, or stands in the wrong place.
    Repeated,
    /// The entry is of another plugin.
    OtherPlugin(String),
    /// The file ends within a line. A remark at the very end: a kill, a full disk, or an entry that is just being written.
    Cut,
    /// The head is of an entry after the last one: the newest entries were lost or removed.
    NewestMissing(Head),
    /// The head is not of the entry that has its sequence, or entries were added after it.
    HeadDiffers(Head),
    /// There is no head: newer entries may have been removed.
    HeadMissing,
    /// The head's file holds something else.
    HeadUnreadable,
    /// What the log itself says. A remark where the log is whole all the same.
    Told(Notice),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(f, ": entry {sequence}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NotAnEntry => f.write_str("this line is not an entry"),
            Fault::TooLong => f.write_str("this line is longer than any entry"),
            Fault::Changed => f.write_str("was changed: its hash is not of its bytes"),
            Fault::Unlinked => f.write_str("does not follow the entry before it: that one was exchanged, or this one was written anew"),
            Fault::Missing { from, to } if from == to => write!(f, "entry {from} is missing before it"),
            Fault::Missing { from, to } => write!(f, "entries {from} to {to} are missing before it"),
            Fault::Repeated => f.write_str("this sequence was passed already: put in twice, put in anew, or in the wrong place"),
            Fault::OtherPlugin(plugin) => {
                let plugin: String = plugin.chars().filter(|&letter| !is_harmful(letter)).take(64).collect();
                write!(f, "is of another plugin, {plugin}")
            }
            Fault::Cut => f.write_str("the file ends within this line"),
            Fault::NewestMissing(head) => write!(f, "the head is of entry {}: the newest entries were lost or removed", head.sequence),
            Fault::HeadDiffers(head) => {
                write!(f, "the head ({head}) is not of the newest entry: entries were exchanged or added, or the head is an older one")
            }
            Fault::HeadMissing => f.write_str("there is no head: newer entries may have been removed"),
            Fault::HeadUnreadable => f.write_str("the head cannot be read: newer entries may have been removed"),
            Fault::Told(notice) => write!(f, "the log says: {notice}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.chains.is_empty() {
            writeln!(f, "there is no audit log")?;
        }
        for chain in &self.chains {
            let verdict = if chain.is_intact() {
                "intact"
            } else {
                "NOT INTACT"
            };
            write!(
                f,
                "{}: {verdict}, {} entries in {} files",
                chain.chain, chain.entries, chain.files
            )?;
            match &chain.head {
                Some(head) => writeln!(f, ", head {head}")?,
                None => writeln!(f)?,
            }
            for finding in &chain.faults {
                writeln!(f, "  {finding}")?;
            }
            if chain.more_faults > 0 {
                writeln!(f, "  and {} more", chain.more_faults)?;
            }
            for remark in &chain.remarks {
                writeln!(f, "  remark: {remark}")?;
            }
        }
        for hash in &self.absent_heads {
            writeln!(
                f,
                "the kept head {hash} is in no chain: entries were changed or removed, or it is of another trail"
            )?;
        }
        Ok(())
    }
}

/// Verifies the chains of a folder. It takes no lock: logs may be written meanwhile.
pub fn verify(folder: &Path, options: &VerifyOptions) -> Result<Report, AuditError> {
    let found = chains(folder).map_err(|source| AuditError::Read {
        path: folder.to_owned(),
        source,
    })?;
    let mut absent: BTreeSet<[u8; 64]> = options.heads.iter().map(Hash::hex).collect();
    let mut reports = Vec::new();
    for chain in found {
        if options
            .plugin
            .as_ref()
            .is_none_or(|plugin| *plugin == chain.plugin)
        {
            reports.push(verify_chain(folder, &chain, options, &mut absent)?);
        }
    }
    Ok(Report {
        chains: reports,
        absent_heads: absent
            .iter()
            .filter_map(|hex| Hash::from_hex(hex))
            .collect(),
    })
}

fn verify_chain(
    folder: &Path,
    chain: &Chain,
    options: &VerifyOptions,
    absent: &mut BTreeSet<[u8; 64]>,
) -> Result<ChainReport, AuditError> {
    let opened = open_chain(folder, chain)?;
    let mut walk = Walk::new(chain, options, opened.head);
    let count = opened.files.len();
    for (at, (name, file)) in opened.files.into_iter().enumerate() {
        let path = folder.join(&name);
        walk.file(name, file, at + 1 == count, absent)
            .map_err(|source| AuditError::Read { path, source })?;
    }
    let head_name = chain
        .head(folder)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    walk.heads(head_name, head_of(folder, chain)?);
    let mut report = walk.report;
    report.files = count;
    Ok(report)
}

/// Goes from line to line with what the next one must be.
struct Walk<'a> {
    plugin: &'a str,
    after: &'a [Head],
    report: ChainReport,
    beginning: Head,
    /// The last entry that moved the chain forward.
    last: Option<Entry>,
    /// The head before the files were read.
    head: ReadHead,
    /// The hash of the entry that has the sequence of that head.
    at_head: Option<Hash>,
}

impl<'a> Walk<'a> {
    fn new(chain: &'a Chain, options: &'a VerifyOptions, head: ReadHead) -> Walk<'a> {
        Walk {
            plugin: &chain.plugin,
            after: &options.after,
            report: ChainReport {
                chain: chain.name(),
                entries: 0,
                files: 0,
                head: None,
                faults: Vec::new(),
                more_faults: 0,
                remarks: Vec::new(),
            },
            beginning: Head {
                sequence: 0,
                hash: chain.beginning(),
            },
            last: None,
            head,
            at_head: None,
        }
    }

    fn file(
        &mut self,
        name: String,
        file: impl io::Read,
        is_last: bool,
        absent: &mut BTreeSet<[u8; 64]>,
    ) -> io::Result<()> {
        let mut lines = Lines::new(file);
        let mut line = Vec::new();
        let mut number = 0;
        while let Some(read) = lines.next(&mut line)? {
            number += 1;
            let mut found = Found {
                finding: Finding {
                    file: name.clone(),
                    line: Some(number),
                    sequence: None,
                    fault: Fault::NotAnEntry,
                },
                report: &mut self.report,
            };
            match read {
                Line::TooLong => found.fault(Fault::TooLong),
                Line::Cut if is_last => found.remark(Fault::Cut),
                Line::Cut => found.fault(Fault::Cut),
                Line::Whole => {
                    let Some(read) = read_line(&line) else {
                        found.fault(Fault::NotAnEntry);
                        continue;
                    };
                    found.finding.sequence = Some(read.entry.sequence);
                    if !read.is_sound {
                        found.fault(Fault::Changed);
                    }
                    found.report.entries += 1;
                    if read.is_sound {
                        absent.remove(&read.entry.hash.hex());
                    }
                    self.entry(&name, number, read.entry);
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, number: u64, entry: Entry) {
        let mut found = Found {
            finding: Finding {
                file: name.to_owned(),
                line: Some(number),
                sequence: Some(entry.sequence),
                fault: Fault::NotAnEntry,
            },
            report: &mut self.report,
        };
        if entry.plugin != self.plugin {
            found.fault(Fault::OtherPlugin(entry.plugin.clone()));
        }
        for notice in &entry.notices {
            match notice {
                Notice::Torn { .. } | Notice::Unwritten { .. } => {
                    found.remark(Fault::Told(notice.clone()))
                }
                _ => found.fault(Fault::Told(notice.clone())),
            }
        }
        let before = match &self.last {
            Some(last) => Head {
                sequence: last.sequence,
                hash: last.hash,
            },
            None => *self
                .after
                .iter()
                .find(|after| {
                    after.hash == entry.prev
                        && after.sequence.checked_add(1) == Some(entry.sequence)
                })
                .unwrap_or(&self.beginning),
        };
        if entry.sequence <= before.sequence {
            found.fault(Fault::Repeated);
            return;
        }
        // Not more than before, so there is one after it.
        let next = before.sequence + 1;
        if entry.sequence > next {
            found.fault(Fault::Missing {
                from: next,
                to: entry.sequence - 1,
            });
        } else if entry.prev != before.hash {
            found.fault(Fault::Unlinked);
        }
        if let ReadHead::Is(head) = self.head
            && head.sequence == entry.sequence
        {
            self.at_head = Some(entry.hash);
        }
        self.last = Some(entry);
    }

    /// Holds the end against the head as it was before and after the files were read: a log that is written meanwhile lies between.
    fn heads(&mut self, name: String, now: ReadHead) {
        let end = self.last.as_ref().map(|entry| Head {
            sequence: entry.sequence,
            hash: entry.hash,
        });
        self.report.head = end;
        let prev = self.last.as_ref().map(|entry| entry.prev);
        let end = end.unwrap_or(self.beginning);
        let fault = match (self.head, now) {
            (ReadHead::Is(before), ReadHead::Is(now)) => {
                let moved_away =
                    !self.after.is_empty() && self.last.is_none() && self.after.contains(&before);
                let was_there =
                    before.sequence == 0 || self.at_head == Some(before.hash) || moved_away;
                // One behind: a kill between the two writes, or the moment between them.
                let is_behind =
                    now.sequence.checked_add(1) == Some(end.sequence) && Some(now.hash) == prev;
                let is_at_end = now == end || now.sequence > end.sequence || is_behind;
                if before.sequence > end.sequence && !moved_away {
                    Some(Fault::NewestMissing(before))
                } else if !was_there {
                    Some(Fault::HeadDiffers(before))
                } else {
                    (!is_at_end).then_some(Fault::HeadDiffers(now))
                }
            }
            (ReadHead::Absent, _) | (_, ReadHead::Absent) => Some(Fault::HeadMissing),
            _ => Some(Fault::HeadUnreadable),
        };
        if let Some(fault) = fault {
            let finding = Finding {
                file: name,
                line: None,
                sequence: None,
                fault: Fault::NotAnEntry,
            };
            Found {
                finding,
                report: &mut self.report,
            }
            .fault(fault);
        }
    }
}

/// Where something was found, and the report that it goes to.
struct Found<'a> {
    finding: Finding,
    report: &'a mut ChainReport,
}

impl Found<'_> {
    fn fault(&mut self, fault: Fault) {
        if self.report.faults.len() < MAX_FINDINGS {
            let place = self.finding.clone();
            self.report.faults.push(Finding { fault, ..place });
        } else {
            self.report.more_faults += 1;
        }
    }

    fn remark(&mut self, fault: Fault) {
        if self.report.remarks.len() < MAX_FINDINGS {
            let place = self.finding.clone();
            self.report.remarks.push(Finding { fault, ..place });
        }
    }
}
