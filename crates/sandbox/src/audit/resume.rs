//! Opens a chain at its end: takes its lock, sets a cut last line aside, and holds what is there against the head.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::chain::{Chain, MAX_WRITERS};
use super::entry::{Entry, Notice};
use super::error::AuditError;
use super::head::{Hash, Head, parse_head};
use super::line::{MAX_LINE, read_line};

/// Longest head's file that is read, in bytes.
const MAX_HEAD: u64 = 4096;

/// A chain that this process may write, at its end.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) chain: Chain,
    /// Opened for appending.
    pub(super) file: File,
    pub(super) head_file: File,
    pub(super) head: Head,
    /// Bytes of the current file.
    pub(super) length: u64,
    /// Bytes of the rotated ones.
    pub(super) older: u64,
    /// The newest rotated file's number, or 0.
    pub(super) rotated: u64,
    /// What the next entry has to say.
    pub(super) notices: Vec<Notice>,
    /// Whether a head has to be written before the first entry.
    pub(super) is_new: bool,
}

/// Opens the first chain of the plugin that nobody else writes.
pub(super) fn resume(folder: &Path, plugin: &str) -> Result<Resumed, AuditError> {
    for writer in 1..=MAX_WRITERS {
        let chain = Chain::new(plugin, writer)?;
        let path = chain.head(folder);
        let failed = |source| AuditError::Open {
            path: path.clone(),
            source,
        };
        let head_file = private()
            .read(true)
            .write(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        match head_file.try_lock() {
            Ok(()) => return resume_locked(folder, chain, head_file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(AuditError::InUse {
        plugin: plugin.to_owned(),
        writers: MAX_WRITERS,
    })
}

/// Of files that only their owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The head that a file holds, `Err` inside where it holds none.
pub(super) fn read_head(chain: &str, mut file: &File) -> io::Result<Result<Head, usize>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(MAX_HEAD).read_to_end(&mut bytes)?;
    Ok(parse_head(chain, &bytes).ok_or(bytes.len()))
}

fn resume_locked(folder: &Path, chain: Chain, head_file: File) -> Result<Resumed, AuditError> {
    let opened = |path: &Path| {
        let path = path.to_owned();
        |source| AuditError::Open { path, source }
    };
    let files = chain.files(folder).map_err(opened(folder))?;
    let path = chain.current(folder);
    let mut file = private()
        .read(true)
        .append(true)
        .create(true)
        .open(&path)
        .map_err(opened(&path))?;
    let mut notices = Vec::new();
    let mut end = read_end(&mut file).map_err(opened(&path))?;
    if end.torn > 0 {
        notices.push(set_aside(folder, &chain, &mut file, &end).map_err(opened(&path))?);
        end.length -= end.torn;
    }
    let mut older = 0;
    let mut last = end
        .line
        .map(|line| last_entry(&chain, &path, &line))
        .transpose()?;
    for &number in files.rotated.iter().rev() {
        let path = chain.rotated(folder, number);
        older += fs::metadata(&path).map_err(opened(&path))?.len();
        if last.is_none() {
            last = entry_at_end(&chain, &path)?;
        }
    }
    let read = read_head(&chain.name(), &head_file).map_err(opened(&chain.head(folder)))?;
    let is_new = last.is_none() && read == Err(0);
    let head = match &last {
        Some(entry) => Head {
            sequence: entry.sequence,
            hash: entry.hash,
        },
        None => Head {
            sequence: 0,
            hash: chain.beginning(),
        },
    };
    if !is_new {
        notices.extend(compare(read.ok(), &head, last.map(|entry| entry.prev)));
    }
    Ok(Resumed {
        file,
        head_file,
        head,
        length: end.length,
        older,
        rotated: files.rotated.last().copied().unwrap_or(0),
        notices,
        is_new,
        chain,
    })
}

/// What the head's file says of a chain that ends in `head`, whose newest entry follows `prev`.
fn compare(read: Option<Head>, head: &Head, prev: Option<Hash>) -> Option<Notice> {
    let Some(read) = read else {
        return Some(Notice::HeadMissing {});
    };
    // One behind: the process ended between the two writes.
    let behind = Some(read.hash) == prev && read.sequence.checked_add(1) == Some(head.sequence);
    if read == *head || behind {
        return None;
    }
    let Head { sequence, hash } = read;
    Some(if sequence > head.sequence {
        Notice::HeadAhead { sequence, hash }
    } else {
        Notice::HeadOther { sequence, hash }
    })
}

/// The end of a file.
struct End {
    length: u64,
    /// Bytes after the last line feed.
    torn: u64,
    /// The last whole line, without its line feed; the first bytes are missing where it is too long to be one of an entry.
    line: Option<Vec<u8>>,
}

fn read_end(file: &mut File) -> io::Result<End> {
    let length = file.seek(SeekFrom::End(0))?;
    let feed = last_feed(file, length)?;
    let line = match feed {
        None => None,
        Some(end) => {
            let begin = last_feed(file, end)?.map_or(0, |before| before + 1);
            let begin = begin.max(end.saturating_sub(MAX_LINE as u64 + 1));
            let mut line = vec![0; (end - begin) as usize];
            file.seek(SeekFrom::Start(begin))?;
            file.read_exact(&mut line)?;
            Some(line)
        }
    };
    Ok(End {
        length,
        torn: length - feed.map_or(0, |at| at + 1),
        line,
    })
}

/// Where the last line feed before `end` is.
fn last_feed(file: &mut File, mut end: u64) -> io::Result<Option<u64>> {
    let mut piece = vec![0; MAX_LINE];
    while end > 0 {
        let begin = end.saturating_sub(MAX_LINE as u64);
        let piece = &mut piece[..(end - begin) as usize];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(piece)?;
        if let Some(at) = memchr::memrchr(b'\n', piece) {
            return Ok(Some(begin + at as u64));
        }
        end = begin;
    }
    Ok(None)
}

/// Moves the bytes after the last line feed into a file of their own.
fn set_aside(folder: &Path, chain: &Chain, file: &mut File, end: &End) -> io::Result<Notice> {
    let begin = end.length - end.torn;
    let mut number = 1;
    let aside = loop {
        match private()
            .write(true)
            .create_new(true)
            .open(chain.torn(folder, number))
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            opened => break opened?,
        }
    };
    let mut aside = Hashed {
        file: aside,
        hasher: Sha256::new(),
    };
    file.seek(SeekFrom::Start(begin))?;
    io::copy(&mut (&*file).take(end.torn), &mut aside)?;
    aside.file.sync_all()?;
    file.set_len(begin)?;
    Ok(Notice::Torn {
        bytes: end.torn,
        sha256: Hash::from(aside.hasher),
    })
}

/// A file that is written, and the hash of what was.
struct Hashed {
    file: File,
    hasher: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn entry_at_end(chain: &Chain, path: &PathBuf) -> Result<Option<Entry>, AuditError> {
    let failed = |source| AuditError::Open {
        path: path.clone(),
        source,
    };
    let end = read_end(&mut File::open(path).map_err(failed)?).map_err(failed)?;
    if end.torn > 0 {
        return Err(AuditError::Broken {
            path: path.clone(),
            why: "is cut, in a file that was whole when it was rotated",
        });
    }
    end.line
        .map(|line| last_entry(chain, path, &line))
        .transpose()
}

fn last_entry(chain: &Chain, path: &Path, line: &[u8]) -> Result<Entry, AuditError> {
    let broken = |why| AuditError::Broken {
        path: path.to_owned(),
        why,
    };
    match read_line(line) {
        None => Err(broken("is not an entry")),
        Some(read) if !read.is_sound => Err(broken("is an entry whose hash is not of its bytes")),
        Some(read) if read.entry.plugin != chain.plugin => {
            Err(broken("is an entry of another plugin"))
        }
        Some(read) if read.entry.sequence == u64::MAX => {
            Err(broken("has the last sequence that there is"))
        }
        Some(read) => Ok(read.entry),
    }
}
