//! The log of one plugin: appends entries, rotates files, keeps the head.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::call::AuditedCall;
use super::chain::Chain;
use super::entry::{Notice, Verdict};
use super::error::AuditError;
use super::flusher::{Flusher, SyncState};
use super::folder::{AuditOptions, SyncPolicy};
use super::head::{Head, HeadText};
use super::line::{Fields, write_line};
use super::redaction::Secrets;
use super::resume::{private, resume};
use super::summary::Summary;

/// The audit log of one plugin. A clone is the same log; threads may use it at once, and entries then stand in the order in which
/// their calls ended.
#[derive(Debug, Clone)]
pub struct AuditLog {
    open: Arc<OpenLog>,
}

#[derive(Debug)]
struct OpenLog {
    plugin: String,
    secrets: Secrets,
    /// Of the current file.
    path: PathBuf,
    state: Mutex<State>,
}

pub(super) struct State {
    folder: PathBuf,
    chain: Chain,
    path: PathBuf,
    options: AuditOptions,
    flusher: Option<Arc<Flusher>>,
    sync: Arc<SyncState>,
    pub(super) file: Arc<File>,
    pub(super) head_file: Arc<File>,
    head_text: HeadText,
    head: Head,
    length: u64,
    older: u64,
    rotated: u64,
    /// The next line; kept for its memory.
    line: Vec<u8>,
    /// Entries since the disk was last asked.
    unsynced: u32,
    /// Entries that could not be written since the last that was.
    unwritten: u64,
    notices: Vec<Notice>,
    unusable: Option<String>,
}

/// One entry's content but what the log adds itself. All texts are bounded and without secrets already.
pub(super) struct Record<'a> {
    pub(super) time_ms: u64,
    pub(super) function: &'a str,
    pub(super) summary: &'a str,
    pub(super) verdict: Verdict,
    pub(super) rule: &'a str,
    pub(super) error: Option<&'a str>,
    pub(super) duration_ns: u64,
}

impl AuditLog {
    pub(super) fn open(
        folder: &Path,
        plugin: &str,
        options: &AuditOptions,
        flusher: Option<Arc<Flusher>>,
    ) -> Result<AuditLog, AuditError> {
        let resumed = resume(folder, plugin)?;
        let path = resumed.chain.current(folder);
        let must_tell = !resumed.notices.is_empty();
        let mut state = State {
            folder: folder.to_owned(),
            path: path.clone(),
            options: options.clone(),
            flusher,
            sync: Arc::default(),
            file: Arc::new(resumed.file),
            head_file: Arc::new(resumed.head_file),
            head_text: HeadText::new(&resumed.chain.name()),
            chain: resumed.chain,
            head: resumed.head,
            length: resumed.length,
            older: resumed.older,
            rotated: resumed.rotated,
            line: Vec::new(),
            unsynced: 0,
            unwritten: 0,
            notices: resumed.notices,
            unusable: None,
        };
        if resumed.is_new {
            let head = state.head;
            state.write_head(&head).map_err(|source| AuditError::Open {
                path: state.chain.head(folder),
                source,
            })?;
            state.sync_folder(None);
        }
        let log = AuditLog {
            open: Arc::new(OpenLog {
                plugin: plugin.to_owned(),
                secrets: options.secrets.clone(),
                path,
                state: Mutex::new(state),
            }),
        };
        if must_tell {
            // At once: the log may be closed again before any call.
            log.record(&Record {
                time_ms: super::call::wall_ms(),
                function: "audit",
                summary: "the log was opened again",
                verdict: Verdict::Permitted,
                rule: "",
                error: None,
                duration_ns: 0,
            })?;
        }
        Ok(log)
    }

    /// Begins a host call: its time counts from here, and `describe` tells its parameters. Fails, so that nothing is done, where the
    /// log is known not to take entries any more. A call that is dropped before it is ended, as with a guest at its deadline, is
    /// written as such.
    pub fn begin(
        &self,
        function: &'static str,
        describe: impl FnOnce(&mut Summary<'_>),
    ) -> Result<AuditedCall, AuditError> {
        self.lock()?.usable()?;
        let mut summary = Summary::new(&self.open.secrets);
        describe(&mut summary);
        Ok(AuditedCall::new(self.clone(), function, summary.finish()))
    }

    /// The end of the chain, for the operator to keep elsewhere.
    pub fn head(&self) -> Result<Head, AuditError> {
        Ok(self.lock()?.head)
    }

    /// Whose log it is.
    pub fn plugin(&self) -> &str {
        &self.open.plugin
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.open.secrets
    }

    pub(super) fn record(&self, record: &Record<'_>) -> Result<(), AuditError> {
        self.lock()?.record(&self.open.plugin, record)
    }

    pub(super) fn lock(&self) -> Result<MutexGuard<'_, State>, AuditError> {
        self.open.state.lock().map_err(|_| AuditError::Unusable {
            path: self.open.path.clone(),
            why: "a thread panicked while it wrote an entry".to_owned(),
        })
    }
}

impl State {
    fn usable(&mut self) -> Result<(), AuditError> {
        if self.unusable.is_none() && self.sync.has_failed() {
            self.unusable =
                Some("the disk did not keep what was written (fsync failed)".to_owned());
        }
        match &self.unusable {
            None => Ok(()),
            Some(why) => Err(AuditError::Unusable {
                path: self.path.clone(),
                why: why.clone(),
            }),
        }
    }

    fn record(&mut self, plugin: &str, record: &Record<'_>) -> Result<(), AuditError> {
        let mut line = std::mem::take(&mut self.line);
        let written = self
            .usable()
            .and_then(|()| self.write(plugin, record, &mut line));
        self.line = line;
        if written.is_err() {
            self.unwritten += 1;
        }
        written
    }

    fn write(
        &mut self,
        plugin: &str,
        record: &Record<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), AuditError> {
        let mut notices = Cow::Borrowed(self.notices.as_slice());
        if self.unwritten > 0 {
            notices.to_mut().push(Notice::Unwritten {
                entries: self.unwritten,
            });
        }
        let sequence = self.head.sequence + 1;
        let hash = write_line(
            line,
            &Fields {
                sequence,
                time_ms: record.time_ms,
                plugin,
                function: record.function,
                summary: record.summary,
                verdict: record.verdict,
                rule: record.rule,
                error: record.error,
                duration_ns: record.duration_ns,
                notices: &notices,
                prev: self.head.hash,
            },
        );
        let size = line.len() as u64;
        if self.older + self.length + size > self.options.max_total_bytes {
            return Err(AuditError::Full {
                plugin: plugin.to_owned(),
                limit: self.options.max_total_bytes,
            });
        }
        if self.length > 0 && self.length + size > self.options.rotate_bytes {
            self.rotate()?;
        }
        self.append(line)?;
        let head = Head { sequence, hash };
        if let Err(source) = self.write_head(&head) {
            self.unusable = Some(format!("the head could not be written: {source}"));
            // The call fails, so its entry goes too; where that fails as well, the log is one entry ahead of its head.
            let _ = self.file.set_len(self.length);
            return Err(AuditError::Write {
                path: self.chain.head(&self.folder),
                source,
            });
        }
        self.length += size;
        self.head = head;
        self.unwritten = 0;
        self.notices.clear();
        self.unsynced = self.unsynced.saturating_add(1);
        self.sync()
    }

    /// One write. Where the system takes only a part, that part is taken back.
    fn append(&mut self, line: &[u8]) -> Result<(), AuditError> {
        let mut done = 0;
        let source = loop {
            match (&*self.file).write(&line[done..]) {
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(count) if done + count == line.len() => return Ok(()),
                // Asked again for the rest, the system says why.
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
        };
        if done > 0
            && let Err(error) = self.file.set_len(self.length)
        {
            self.unusable = Some(format!(
                "an entry was cut ({source}) and could not be taken back ({error})"
            ));
        }
        Err(AuditError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn write_head(&mut self, head: &Head) -> io::Result<()> {
        let text = self.head_text.of(head);
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_all_at(&*self.head_file, text, 0);
        #[cfg(not(unix))]
        {
            io::Seek::seek(&mut &*self.head_file, io::SeekFrom::Start(0))?;
            (&*self.head_file).write_all(text)
        }
    }

    fn rotate(&mut self) -> Result<(), AuditError> {
        let number = self.rotated + 1;
        let rotated = self.chain.rotated(&self.folder, number);
        let failed = |source| AuditError::Write {
            path: rotated.clone(),
            source,
        };
        if rotated.try_exists().map_err(failed)? {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&self.path, &rotated).map_err(failed)?;
        let created = private()
            .read(true)
            .append(true)
            .create_new(true)
            .open(&self.path);
        match created {
            Ok(file) => {
                let old = std::mem::replace(&mut self.file, Arc::new(file));
                self.rotated = number;
                self.older += self.length;
                self.length = 0;
                self.sync.file_changed();
                self.sync_folder(Some(&old));
                self.usable()
            }
            Err(source) => {
                if let Err(error) = fs::rename(&rotated, &self.path) {
                    self.unusable = Some(format!(
                        "a new file could not be made ({source}), nor the old one renamed back ({error})"
                    ));
                }
                Err(AuditError::Write {
                    path: self.path.clone(),
                    source,
                })
            }
        }
    }

    /// Asks the disk to keep the names of files, and `old`.
    fn sync_folder(&mut self, old: Option<&Arc<File>>) {
        if self.options.sync == SyncPolicy::Never {
            return;
        }
        // Elsewhere a folder cannot be opened as a file.
        let folder = if cfg!(unix) {
            File::open(&self.folder).ok().map(Arc::new)
        } else {
            None
        };
        let files: Vec<&Arc<File>> = old.into_iter().chain(&folder).collect();
        match &self.flusher {
            Some(flusher) => flusher.ask_last(&self.sync, &files),
            None => {
                if let Some(error) = files.iter().find_map(|file| file.sync_data().err()) {
                    self.unusable = Some(format!("the disk did not keep a new file: {error}"));
                }
            }
        }
    }

    fn sync(&mut self) -> Result<(), AuditError> {
        match (self.options.sync, &self.flusher) {
            (SyncPolicy::EveryEntry, _) => {
                self.unsynced = 0;
                if let Err(source) = self
                    .file
                    .sync_data()
                    .and_then(|()| self.head_file.sync_data())
                {
                    self.unusable =
                        Some(format!("the disk did not keep what was written: {source}"));
                    return Err(AuditError::Write {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
            (SyncPolicy::Every(count), Some(flusher)) if self.unsynced >= count => {
                self.unsynced = 0;
                flusher.ask(&self.sync, Instant::now(), &[&self.file, &self.head_file]);
            }
            (SyncPolicy::Within(time), Some(flusher)) if !self.sync.is_asked() => {
                self.unsynced = 0;
                flusher.ask(
                    &self.sync,
                    Instant::now() + time,
                    &[&self.file, &self.head_file],
                );
            }
            _ => {}
        }
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if self.unsynced > 0
            && let Some(flusher) = &self.flusher
        {
            flusher.ask_last(&self.sync, &[&self.file, &self.head_file]);
        }
        // The thread may still hold the file for its last sync; the log can be opened again at once all the same.
        let _ = self.head_file.unlock();
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("path", &self.path)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
