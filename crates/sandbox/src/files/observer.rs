//! Who hears of what a plugin's own WASI does with paths: the audit.

use std::sync::Arc;

use super::granted::Files;
use crate::engine::HostFault;
use crate::limits::Limit;

/// A plugin's files, and who hears of what its own WASI does with them.
#[derive(Clone)]
pub struct PluginFiles {
    /// The files: the same as `read-file` and `write-file` use, so that limits count for both.
    pub files: Files,
    /// The audit.
    pub observer: Arc<dyn FileObserver>,
}

impl PluginFiles {
    /// Files that nobody hears of.
    #[must_use]
    pub fn unobserved(files: Files) -> PluginFiles {
        PluginFiles {
            files,
            observer: Arc::new(UnobservedFiles),
        }
    }

    /// Ends a call as one that ran into a limit.
    pub(super) fn deny_limit(
        &self,
        observed: Box<dyn ObservedPath>,
        limit: Limit,
    ) -> Result<(), HostFault> {
        let most = limit.show(self.files.limits().get(limit));
        let rule = format!("limit: {}", limit.key());
        observed.denied(&rule, &format!("{} is {most}", limit.key()))
    }
}

impl std::fmt::Debug for PluginFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginFiles").finish_non_exhaustive()
    }
}

/// One thing that a plugin's own WASI asks of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathCall<'a> {
    /// As `wasi:filesystem/types` calls it: `open-at`, `create-directory-at`, `unlink-file-at`, `remove-directory-at`, `rename-at`,
    /// `link-at`, `symlink-at`, `readlink-at`, `stat-at`, `metadata-hash-at`, `set-times-at` and `read-directory`. A denied `write`,
    /// `set-size`, `read-via-stream`, `write-via-stream` or `append-via-stream` too: one that is permitted follows from its `open-at`.
    pub function: &'static str,
    /// The path as the plugin sees it, from the name of its folder on. It may hold any character but is at most some kilobytes long.
    pub path: &'a str,
    /// The other path of `rename-at` and `link-at`, and what `symlink-at` writes into the link.
    pub other: Option<&'a str>,
}

/// Hears of every path that a plugin's own WASI asks for, before the plugin hears what came of it. Called on the engine's threads: it
/// must not block for longer than a line takes to be written.
pub trait FileObserver: Send + Sync + 'static {
    /// A call begins; nothing was done yet.
    ///
    /// # Errors
    ///
    /// Nothing is done, and the plugin's call ends with [`CallError::Host`](crate::engine::CallError::Host).
    fn begin(&self, call: PathCall<'_>) -> Result<Box<dyn ObservedPath>, HostFault>;
}

/// A call that was begun. It is ended by one of the three, or dropped where the plugin's call comes to its deadline meanwhile.
///
/// An error ends the plugin's call with [`CallError::Host`](crate::engine::CallError::Host).
pub trait ObservedPath: Send {
    /// It is permitted by this rule, and begins to be done.
    fn permit(&mut self, rule: &str);

    /// It was done.
    ///
    /// # Errors
    ///
    /// See the trait.
    fn succeeded(self: Box<Self>) -> Result<(), HostFault>;

    /// It was permitted and went wrong: the error code of WASI, such as `no-entry`.
    ///
    /// # Errors
    ///
    /// See the trait.
    fn failed(self: Box<Self>, error: &str) -> Result<(), HostFault>;

    /// It was not permitted, by this rule, or by a limit: `limit: max_open_files`. `error` says more, without the path.
    ///
    /// # Errors
    ///
    /// See the trait.
    fn denied(self: Box<Self>, rule: &str, error: &str) -> Result<(), HostFault>;
}

/// Nobody.
struct UnobservedFiles;

impl FileObserver for UnobservedFiles {
    fn begin(&self, _: PathCall<'_>) -> Result<Box<dyn ObservedPath>, HostFault> {
        Ok(Box::new(UnobservedFiles))
    }
}

impl ObservedPath for UnobservedFiles {
    fn permit(&mut self, _: &str) {}

    fn succeeded(self: Box<Self>) -> Result<(), HostFault> {
        Ok(())
    }

    fn failed(self: Box<Self>, _: &str) -> Result<(), HostFault> {
        Ok(())
    }

    fn denied(self: Box<Self>, _: &str, _: &str) -> Result<(), HostFault> {
        Ok(())
    }
}
