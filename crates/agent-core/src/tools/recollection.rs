//! What is remembered, as one text: the file of memory, and where the settings say so the newest notes of single days,
//! `memory/YYYY-MM-DD.md`. Each paragraph of a note begins with its day.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{FsError, ListingEntry, concat};

use super::memory::{MEMORY_PATH, paragraphs};
use super::whole_file::{Progress, WholeFile};
use crate::effect::{Operation, OperationAnswer};
use crate::operation::{FileAnswer, FileOperation};
use crate::settings::limits::{MEMORY, NOTES};
use crate::settings::{Limits, Settings};
use crate::template::fill;

/// Bytes of it all.
const MAX_BYTES: usize = 1024 * 1024;

/// Notes that are read, the newest.
const MAX_NOTES: usize = 31;

/// Names of their folder that are looked at, the first: eleven years of notes.
const MAX_NAMES: usize = 4_096;

/// The folder of memory.
const FOLDER: &str = "memory";

/// Letters of a note's day.
const DAY: usize = 10;

/// What is remembered, on its way into memory.
pub(crate) struct Recollection {
    file: WholeFile,
    limits: Limits,
    stage: Stage,
    /// What stands in the folder and was not looked at yet, the newest last.
    entries: Vec<ListingEntry>,
    /// Notes read so far.
    notes: usize,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The file is read, and that is all.
    FileAlone,
    /// The file is read.
    File,
    /// The folder is listed.
    Folder,
    /// A note is read.
    Note,
}

impl Recollection {
    pub(crate) fn new(settings: &Settings) -> Recollection {
        let limits = settings.limits;
        Recollection {
            file: WholeFile::new(MEMORY_PATH.to_string(), limits.of(MEMORY, MAX_BYTES)),
            limits,
            stage: if settings.recalls() {
                Stage::File
            } else {
                Stage::FileAlone
            },
            entries: Vec::new(),
            notes: 0,
            text: String::new(),
        }
    }

    /// Goes on: first with no answer, then with each operation's. A note that can't be read, or for which there is no room,
    /// is left out.
    pub(crate) fn step(&mut self, answer: Option<OperationAnswer>) -> Progress {
        if self.stage == Stage::Folder {
            if let Some(OperationAnswer::File(FileAnswer::Listing(listing))) = answer {
                self.entries = listing.entries;
            }
            self.stage = Stage::Note;
        } else {
            match self.file.step(answer) {
                Progress::Text(text) if self.stage == Stage::Note => self.add(&text),
                Progress::Text(text) => self.text = text,
                // Nothing was remembered yet.
                Progress::Failed(_, Some(FsError::NotFound)) => {}
                Progress::Failed(..) if self.stage == Stage::Note => {}
                other => return other,
            }
            if self.stage == Stage::File {
                self.stage = Stage::Folder;
                return Progress::Operate(Operation::File(FileOperation::List {
                    path: FOLDER.to_string(),
                    limit: self.limits.of(NOTES, MAX_NAMES),
                }));
            }
        }
        while let Some(entry) = self.entries.pop() {
            if is_note(&entry.name) && self.notes < MAX_NOTES {
                self.notes += 1;
                let path = concat(&[FOLDER, "/", &entry.name]);
                self.file = WholeFile::new(path, self.room());
                return self.file.step(None);
            }
        }
        Progress::Text(core::mem::take(&mut self.text))
    }

    fn add(&mut self, note: &str) {
        let day = self
            .file
            .path
            .get(FOLDER.len() + 1..)
            .and_then(|name| name.get(..DAY));
        for paragraph in paragraphs(note) {
            let part = fill("\n\n%: %", &[day.unwrap_or_default(), paragraph.text]);
            self.text.push_str(&part);
        }
    }

    /// Bytes that the next note may have: the days take some too.
    fn room(&self) -> usize {
        let most = self.limits.of(MEMORY, MAX_BYTES);
        most.saturating_sub(self.text.len()) / 4
    }
}

/// Whether a file of this name is the note of a day.
fn is_note(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        [
            b'0'..=b'9',
            _,
            _,
            _,
            b'-',
            _,
            _,
            b'-',
            _,
            _,
            b'.',
            b'm',
            b'd'
        ]
    )
}
