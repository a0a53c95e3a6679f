//! What is remembered, as one text: the file of memory, and where the settings say so the newest notes of single days,
//! `memory/YYYY-MM-DD.md`. Each paragraph of a note begins with its day.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{FsError, split};

use super::memory::MEMORY_PATH;
use super::whole_file::{Progress, WholeFile};
use crate::effect::{Operation, OperationAnswer};
use crate::operation::{FileAnswer, FileOperation};
use crate::settings::limits::{MEMORY, NOTES};
use crate::settings::{Limits, Settings};

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
    /// The names of the notes that are still to be read, the next one last.
    notes: Vec<String>,
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
            notes: Vec::new(),
            text: String::new(),
        }
    }

    /// Goes on: first with no answer, then with each operation's. A note that can't be read, or for which there is no room,
    /// is left out.
    pub(crate) fn step(&mut self, answer: Option<OperationAnswer>) -> Progress {
        if self.stage == Stage::Folder {
            if let Some(OperationAnswer::File(FileAnswer::Listing(listing))) = answer {
                for entry in listing.entries {
                    if is_note(&entry.name) {
                        self.notes.push(entry.name);
                    }
                }
                let older = self.notes.len().saturating_sub(MAX_NOTES);
                self.notes.drain(..older);
            }
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
        match self.notes.pop() {
            Some(name) => {
                self.stage = Stage::Note;
                let path = [FOLDER, "/", &name].concat();
                self.file = WholeFile::new(path, self.room());
                self.file.step(None)
            }
            None => Progress::Text(core::mem::take(&mut self.text)),
        }
    }

    /// Adds a note, as far as there is room.
    fn add(&mut self, note: &str) {
        let day = self
            .file
            .path
            .get(FOLDER.len() + 1..)
            .and_then(|name| name.get(..DAY));
        let day = day.unwrap_or_default().to_string();
        self.text.push_str("\n\n");
        let mut is_open = false;
        for line in split(note, b'\n') {
            if self.room() < DAY + 3 + line.len() {
                break;
            }
            let is_blank = line.trim().is_empty();
            if !is_blank && !is_open {
                self.text.push_str(&day);
                self.text.push_str(": ");
            }
            self.text.push_str(line);
            self.text.push('\n');
            is_open = !is_blank;
        }
    }

    fn room(&self) -> usize {
        let most = self.limits.of(MEMORY, MAX_BYTES);
        most.saturating_sub(self.text.len())
    }
}

/// Whether a file of this name is the note of a day.
fn is_note(name: &str) -> bool {
    let shape = b"0000-00-00.md";
    name.len() == shape.len()
        && name.bytes().zip(shape).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *wanted,
        })
}
