//! A granted folder, with a folder beside it that is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use dewclaw_sandbox::files::{Files, FilesError};
use dewclaw_sandbox::policy::{Effective, PluginManifest, Policy};

/// What no plugin may ever read.
pub(crate) const SECRET: &str = "the operator's own";

/// A granted folder, with a folder beside it that is not.
pub(crate) struct Place {
    pub(crate) root: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("data/sub")).unwrap();
        fs::create_dir(root.path().join("outside")).unwrap();
        fs::write(root.path().join("outside/secret"), SECRET).unwrap();
        fs::write(root.path().join("data/file"), "inside").unwrap();
        fs::write(root.path().join("data/sub/file"), "inside sub").unwrap();
        Place { root }
    }

    pub(crate) fn data(&self, path: &str) -> PathBuf {
        self.root.path().join("data").join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.root.path().join("outside").join(path)
    }

    pub(crate) fn effective(&self, permissions: &str, resources: &str) -> Effective {
        let text = format!(
            "version = 1\n[plugins.p.permissions]\nfilesystem = [{permissions}]\n[plugins.p.resources]\n{resources}\n"
        );
        let policy = Policy::read("policy.toml", text.as_bytes(), self.root.path()).unwrap();
        Effective::decide(&policy, &PluginManifest::absent("p").unwrap())
    }

    pub(crate) fn files(&self, permissions: &str) -> Files {
        Files::open(&self.effective(permissions, "")).unwrap()
    }

    pub(crate) fn writable(&self) -> Files {
        self.files("\"read-write data\"")
    }

    pub(crate) fn limited(&self, resources: &str) -> Files {
        Files::open(&self.effective("\"read-write data\"", resources)).unwrap()
    }

    /// The error of reading, which tells nobody where the folder is on this machine.
    #[track_caller]
    pub(crate) fn refused(&self, files: &Files, path: &str) -> FilesError {
        self.checked(files.read_blocking(path).unwrap_err())
    }

    #[track_caller]
    pub(crate) fn refused_write(&self, files: &Files, path: &str) -> FilesError {
        self.checked(files.write_blocking(path, "written").unwrap_err())
    }

    #[track_caller]
    pub(crate) fn checked(&self, error: FilesError) -> FilesError {
        let root = self.root.path().to_str().unwrap();
        for text in [error.to_string(), error.for_plugin()] {
            assert!(!text.contains(root), "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        assert!(
            !error.for_plugin().contains("policy.toml"),
            "{}",
            error.for_plugin()
        );
        error
    }

    /// Nothing outside was touched.
    #[track_caller]
    pub(crate) fn outside_is_unharmed(&self) {
        assert_eq!(fs::read_to_string(self.outside("secret")).unwrap(), SECRET);
        let names: Vec<_> = fs::read_dir(self.outside("")).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    /// No half-written file is left.
    #[track_caller]
    pub(crate) fn nothing_is_left(&self) {
        for folder in [self.data(""), self.data("sub")] {
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name();
                assert!(!name.to_str().unwrap().starts_with(".dewclaw-"), "{name:?}");
            }
        }
    }
}

/// Ends the other thread's loop, also where an assertion fails.
pub(crate) struct Stops<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
