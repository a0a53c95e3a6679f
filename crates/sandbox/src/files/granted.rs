//! The files of one plugin: its folders, opened, and what it uses of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::counts::{Lease, OpenFiles, Written};
use super::error::{FilesError, OpenError, shown};
use super::folder::{Folder, Refused};
use super::whole;
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
#[derive(Clone, Debug)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    effective: Effective,
    /// In the order of the policy's grants.
    folders: Vec<Arc<Folder>>,
    open: OpenFiles,
    written: Written,
}

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
            Err(whole::Failure::WriteTooLong { most })
        } else {
            whole::write(&folder.dir, &within, content, &self.0.written, ended)
        };
        drop(lease);
        written.map_err(|failure| self.error(path, failure))
    }

    fn lease(&self, path: &str) -> Result<Lease, FilesError> {
        self.0.open.lease().ok_or_else(|| FilesError::OpenFiles {
            path: shown(path),
            most: self.0.open.most(),
        })
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
            whole::Failure::ReadTooLong { most } => FilesError::TooLong {
                path,
                limit: crate::limits::Limit::ReadFile,
                most,
            },
            whole::Failure::WriteTooLong { most } => FilesError::TooLong {
                path,
                limit: crate::limits::Limit::WriteFile,
                most,
            },
            whole::Failure::Written => FilesError::Written {
                path,
                most: self.0.written.most(),
            },
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
