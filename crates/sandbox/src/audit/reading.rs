//! Reads the lines of a chain's files, whatever is in them.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::chain::{Chain, ChainFiles};
use super::error::AuditError;
use super::head::Head;
use super::line::MAX_LINE;
use super::resume::read_head;

/// How often a chain's files are looked at again that change under the reader.
const TRIES: usize = 16;

/// A chain's files, opened so that a rotation meanwhile does no harm.
pub(super) struct OpenChain {
    /// Oldest first, with their names.
    pub(super) files: Vec<(String, File)>,
    /// As it was before the files were opened.
    pub(super) head: ReadHead,
}

/// What there is of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadHead {
    Absent,
    Unreadable,
    Is(Head),
}

pub(super) fn open_chain(folder: &Path, chain: &Chain) -> Result<OpenChain, AuditError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let head = head_of(folder, chain)?;
        let listed = list(folder, chain)?;
        let opened = open_files(folder, chain, &listed);
        let is_same = list(folder, chain)? == listed;
        match opened {
            Ok(files) if is_same || tries == TRIES => return Ok(OpenChain { files, head }),
            Err(error) if is_same || tries == TRIES => return Err(error),
            _ => {}
        }
    }
}

/// A chain's head as it is now.
pub(super) fn head_of(folder: &Path, chain: &Chain) -> Result<ReadHead, AuditError> {
    let path = chain.head(folder);
    let failed = |source| AuditError::Read {
        path: path.clone(),
        source,
    };
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ReadHead::Absent),
        opened => opened.map_err(failed)?,
    };
    // While it is being written, half of it may be the older one.
    for _ in 0..TRIES {
        if let Ok(head) = read_head(&chain.name(), &file).map_err(failed)? {
            return Ok(ReadHead::Is(head));
        }
    }
    Ok(ReadHead::Unreadable)
}

fn list(folder: &Path, chain: &Chain) -> Result<ChainFiles, AuditError> {
    chain.files(folder).map_err(|source| AuditError::Read {
        path: folder.to_owned(),
        source,
    })
}

fn open_files(
    folder: &Path,
    chain: &Chain,
    listed: &ChainFiles,
) -> Result<Vec<(String, File)>, AuditError> {
    let rotated = listed
        .rotated
        .iter()
        .map(|&number| chain.rotated(folder, number));
    let paths = rotated.chain(listed.current.then(|| chain.current(folder)));
    paths
        .map(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let file = File::open(&path).map_err(|source| AuditError::Read { path, source })?;
            Ok((name, file))
        })
        .collect()
}

/// What was read where a line was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It is in the buffer, without its line feed.
    Whole,
    /// It is longer than any entry; it was passed over.
    TooLong,
    /// The file ended before a line feed.
    Cut,
}

pub(super) struct Lines<R> {
    reader: BufReader<R>,
    /// The end was told of as a line that was cut.
    is_over: bool,
}

impl<R: io::Read> Lines<R> {
    pub(super) fn new(reader: R) -> Lines<R> {
        Lines {
            reader: BufReader::with_capacity(64 * 1024, reader),
            is_over: false,
        }
    }

    /// The next line, put into `line`; `None` at the end. Holds no more than one longest line, whatever the file is.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Line>> {
        line.clear();
        if self.is_over {
            return Ok(None);
        }
        let mut is_long = false;
        let mut is_empty = true;
        let mut tries = 0;
        loop {
            let piece = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                piece => piece?,
            };
            if piece.is_empty() {
                if is_empty {
                    return Ok(None);
                }
                // The rest of a line that is being written comes at once.
                tries += 1;
                if tries < TRIES {
                    std::thread::yield_now();
                    continue;
                }
                self.is_over = true;
                return Ok(Some(Line::Cut));
            }
            is_empty = false;
            let end = memchr::memchr(b'\n', piece);
            let content = &piece[..end.unwrap_or(piece.len())];
            if line.len() + content.len() > MAX_LINE {
                is_long = true;
                line.clear();
            }
            if !is_long {
                line.extend_from_slice(content);
            }
            let used = end.map_or(piece.len(), |at| at + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(if is_long { Line::TooLong } else { Line::Whole }));
            }
        }
    }
}
