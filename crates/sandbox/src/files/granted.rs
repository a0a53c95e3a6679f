//! The files of one plugin: its folders, opened, and what it uses of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::counts::{Lease, OpenFiles, Written};
use super::error::{FilesError, OpenError, shown};
use super::folder::{Folder, Refused};
use super::whole;
use crate::limits::{Limit, Limits};
use crate::policy::{Access, Effective};

/// The files of one plugin. Make one when the plugin is loaded; a clone is the same one.
///
/// [`read`](Files::read) and [`write`](Files::write) are for an async host: the work is done on tokio's threads for blocking work, and
/// a write whose future was dropped (a deadline) does not put its file in place any more. [`read_blocking`](Files::read_blocking) and
/// [`write_blocking`](Files::write_blocking) do the same on the caller's thread.
///
/// ```no_run
/// # use dewclaw_sandbox::{files::Files, policy::Effective};
/// # async fn example(effective: &Effective) -> Result<(), Box<dyn std::error::Error>> {
/// let files = Files::open(effective)?;
/// match files.read("maps/town.txt").await {
///     Ok(text) => println!("{text}"),
///     // For the audit: the error's text, its rule or limit, and the line that would grant it. For the plugin: less.
///     Err(error) => println!("{error}\n{:?} {:?} {:?}\n{}", error.rule(), error.limit(), error.grant(), error.for_plugin()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Files(Arc<Inner>);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files")
            .field("folders", &self.0.effective.folders())
            .finish_non_exhaustive()
    }
}

struct Inner {
    effective: Effective,
    /// In the order of the policy's grants.
    folders: Vec<Arc<Folder>>,
    open: OpenFiles,
    streams: OpenFiles,
    written: Written,
}

/// Streams that a plugin's own WASI may have of each open file at once: one that reads and one that writes.
const STREAMS: u64 = 2;

/// Whether the call for which a file is written has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended(Arc<AtomicBool>);

impl Ended {
    pub(super) fn has(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Tells that the call has ended, when it is dropped.
struct EndsWith(Ended);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

impl Files {
    /// Opens every folder that the plugin is granted.
    ///
    /// # Errors
    ///
    /// A folder is not there, is none, may not be read by this process, or is one of the kernel's own.
    pub fn open(effective: &Effective) -> Result<Files, OpenError> {
        let folders = effective.folders().iter().map(Folder::open);
        let limits = effective.limits();
        Ok(Files(Arc::new(Inner {
            folders: folders
                .map(|folder| folder.map(Arc::new))
                .collect::<Result<_, _>>()?,
            open: OpenFiles::new(limits.open_files()),
            streams: OpenFiles::new(limits.open_files().saturating_mul(STREAMS)),
            written: Written::new(limits.written_bytes()),
            effective: effective.clone(),
        })))
    }

    /// The rule that lets the plugin do this, for the audit to note before it is done.
    ///
    /// # Errors
    ///
    /// [`FilesError::Denied`].
    pub fn permits(&self, path: &str, access: Access) -> Result<Arc<str>, FilesError> {
        self.grant(path, access)
            .map(|(folder, _)| folder.rule.clone())
    }

    /// The text of a file: `read-file`. At most [`Limit::ReadFile`](crate::limits::Limit::ReadFile) bytes are ever read, however the
    /// file grows.
    ///
    /// # Errors
    ///
    /// See [`FilesError`].
    pub async fn read(&self, path: impl Into<String>) -> Result<String, FilesError> {
        let (files, path) = (self.clone(), path.into());
        let lease = self.lease(&path)?;
        let given = path.clone();
        let read = tokio::task::spawn_blocking(move || files.read_leased(&path, lease));
        read.await.unwrap_or_else(|_| Err(interrupted(&given)))
    }

    /// Puts a file in place: `write-file`. The content goes to a new file beside it (`.dewclaw-….new`), which then takes the name:
    /// there is the old content or the new, whole, whatever happens. A process that is killed in between leaves the new file
    /// behind. A symlink of that name is replaced, not followed; the permissions of a file that was there are kept.
    ///
    /// Dropping the future before that leaves what was there.
    ///
    /// # Errors
    ///
    /// See [`FilesError`]. Nothing is changed then.
    pub async fn write(
        &self,
        path: impl Into<String>,
        content: impl Into<String>,
    ) -> Result<(), FilesError> {
        let (files, path, content) = (self.clone(), path.into(), content.into());
        let lease = self.lease(&path)?;
        let given = path.clone();
        let ends = EndsWith(Ended::default());
        let ended = ends.0.clone();
        let written =
            tokio::task::spawn_blocking(move || files.write_leased(&path, &content, &ended, lease));
        let written = written.await.unwrap_or_else(|_| Err(interrupted(&given)));
        drop(ends);
        written
    }

    /// As [`read`](Files::read), on the caller's thread.
    ///
    /// # Errors
    ///
    /// See [`FilesError`].
    pub fn read_blocking(&self, path: &str) -> Result<String, FilesError> {
        self.read_leased(path, self.lease(path)?)
    }

    /// As [`write`](Files::write), on the caller's thread.
    ///
    /// # Errors
    ///
    /// See [`FilesError`]. Nothing is changed then.
    pub fn write_blocking(&self, path: &str, content: &str) -> Result<(), FilesError> {
        self.write_leased(path, content, &Ended::default(), self.lease(path)?)
    }

    fn read_leased(&self, path: &str, lease: Lease) -> Result<String, FilesError> {
        let (folder, within) = self.grant(path, Access::ReadOnly)?;
        let most = self.0.effective.limits().read_file_bytes();
        let read = whole::read(&folder.dir, &within, most);
        drop(lease);
        read.map_err(|failure| self.error(path, failure))
    }

    fn write_leased(
        &self,
        path: &str,
        content: &str,
        ended: &Ended,
        lease: Lease,
    ) -> Result<(), FilesError> {
        let (folder, within) = self.grant(path, Access::ReadWrite)?;
        let most = self.0.effective.limits().write_file_bytes();
        let written = if content.len() as u64 > most {
            Err(whole::Failure::Over(Limit::WriteFile))
        } else {
            whole::write(&folder.dir, &within, content, &self.0.written, ended)
        };
        drop(lease);
        written.map_err(|failure| self.error(path, failure))
    }

    pub(super) fn folders(&self) -> &[Arc<Folder>] {
        &self.0.folders
    }

    pub(super) fn open_files(&self) -> &OpenFiles {
        &self.0.open
    }

    pub(super) fn streams(&self) -> &OpenFiles {
        &self.0.streams
    }

    pub(super) fn written(&self) -> &Written {
        &self.0.written
    }

    pub(super) fn limits(&self) -> &Limits {
        self.0.effective.limits()
    }

    /// The error that names a limit.
    fn over(&self, path: &str, limit: Limit) -> FilesError {
        let path = shown(path);
        let most = self.0.effective.limits().get(limit);
        match limit {
            Limit::OpenFiles => FilesError::OpenFiles { path, most },
            Limit::Written => FilesError::Written { path, most },
            limit => FilesError::TooLong { path, limit, most },
        }
    }

    fn lease(&self, path: &str) -> Result<Lease, FilesError> {
        let lease = self.0.open.lease();
        lease.ok_or_else(|| self.over(path, Limit::OpenFiles))
    }

    fn grant(
        &self,
        path: &str,
        access: Access,
    ) -> Result<(&Folder, std::path::PathBuf), FilesError> {
        let effective = &self.0.effective;
        let denied = |decision| FilesError::Denied {
            path: shown(path),
            decision,
        };
        let opened = effective.path(path, access).map_err(denied)?;
        let at = effective
            .folders()
            .iter()
            .position(|grant| std::ptr::eq(grant, opened.grant));
        let folder = at.and_then(|at| self.0.folders.get(at));
        // Every grant has its folder: they were opened from the same list.
        folder
            .map(|folder| (&**folder, opened.path))
            .ok_or_else(|| interrupted(path))
    }

    fn error(&self, path: &str, failure: whole::Failure) -> FilesError {
        let path = shown(path);
        match failure {
            whole::Failure::Refused(Refused::Leaves) => FilesError::Leaves { path },
            whole::Failure::Refused(Refused::Irregular(kind)) => {
                FilesError::Irregular { path, kind }
            }
            whole::Failure::Refused(Refused::HardLink { names }) => {
                FilesError::HardLink { path, names }
            }
            whole::Failure::Refused(Refused::System(error)) => FilesError::System {
                path,
                cause: error.kind(),
            },
            whole::Failure::Over(limit) => self.over(&path, limit),
            whole::Failure::NotText => FilesError::NotText { path },
            whole::Failure::CallEnded => FilesError::CallEnded { path },
        }
    }
}

fn interrupted(path: &str) -> FilesError {
    FilesError::System {
        path: shown(path),
        cause: std::io::ErrorKind::Interrupted,
    }
}
