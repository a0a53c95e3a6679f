//! The folder that holds the logs of all plugins, and how they are kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::AuditError;
use super::flusher::Flusher;
use super::log::AuditLog;
use super::redaction::Secrets;

/// When the disk is asked to keep what was written. A killed process loses nothing with any of them; a loss of power does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncPolicy {
    /// Before each call returns. A call then takes as long as the disk: milliseconds.
    EveryEntry,
    /// After each so many entries, on a thread of its own: calls go on meanwhile.
    Every(u32),
    /// At most so long after an entry was written, on a thread of its own.
    Within(Duration),
    /// As the system likes.
    Never,
}

/// How logs are kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuditOptions {
    /// When the disk is asked to keep what was written. Within a second, unless told otherwise.
    pub sync: SyncPolicy,
    /// Size at which a file is rotated, in bytes. 16 MiB, unless told otherwise; a file holds at least one entry.
    pub rotate_bytes: u64,
    /// What all files of one plugin's chain may take, in bytes; an entry that would make it more is refused, and its call fails.
    /// 1 GiB, unless told otherwise: about two million entries.
    pub max_total_bytes: u64,
    /// What no entry may hold.
    pub secrets: Secrets,
}

impl Default for AuditOptions {
    fn default() -> AuditOptions {
        AuditOptions {
            sync: SyncPolicy::Within(Duration::from_secs(1)),
            rotate_bytes: 16 << 20,
            max_total_bytes: 1 << 30,
            secrets: Secrets::default(),
        }
    }
}

/// A folder of audit logs. A clone is the same.
#[derive(Debug, Clone)]
pub struct AuditFolder {
    path: PathBuf,
    options: AuditOptions,
    flusher: Option<Arc<Flusher>>,
}

impl AuditFolder {
    /// Makes the folder where there is none (on Unix for its owner only). Starts one thread where the policy needs it, for all logs.
    pub fn open(
        path: impl Into<PathBuf>,
        options: AuditOptions,
    ) -> Result<AuditFolder, AuditError> {
        let path = path.into();
        let failed = |source| AuditError::Open {
            path: path.clone(),
            source,
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(failed)?;
        let flusher = match options.sync {
            SyncPolicy::Every(_) | SyncPolicy::Within(_) => {
                Some(Arc::new(Flusher::start().map_err(failed)?))
            }
            SyncPolicy::EveryEntry | SyncPolicy::Never => None,
        };
        Ok(AuditFolder {
            path,
            options,
            flusher,
        })
    }

    /// Opens the log of a plugin, at its end. It holds two file descriptors. Open it once for each plugin and clone it: a second one
    /// writes a chain of its own.
    pub fn log(&self, plugin: &str) -> Result<AuditLog, AuditError> {
        AuditLog::open(&self.path, plugin, &self.options, self.flusher.clone())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What no entry may hold; more can be registered at any time.
    pub fn secrets(&self) -> &Secrets {
        &self.options.secrets
    }
}
