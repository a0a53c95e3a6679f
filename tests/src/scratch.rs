//! A temporary folder that a test fills, hands to a guest, and looks at afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder that is gone when this is dropped.
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dewclaw-e2e-")
            .tempdir()
            .expect("a temporary folder can be made");
        Self { folder }
    }

    /// A folder with these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let scratch = Self::new();
        for (path, content) in files {
            scratch.write(path, content);
        }
        scratch
    }

    /// A fresh copy of the folder `from`, with everything below it.
    pub fn copy_of(from: &Path) -> Self {
        let scratch = Self::new();
        copy(from, scratch.path());
        scratch
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of `name` in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("folders can be made");
        }
        std::fs::write(&path, content).expect("a file can be written");
        path
    }

    /// The text of a file, which must be there.
    pub fn read(&self, name: &str) -> String {
        match std::fs::read_to_string(self.join(name)) {
            Ok(text) => text,
            Err(error) => panic!("{name}: {error}; the folder holds {:?}", self.names()),
        }
    }

    /// Whether anything has this name; a symlink counts as itself.
    pub fn has(&self, name: &str) -> bool {
        self.join(name).symlink_metadata().is_ok()
    }

    /// Every file below the folder with its bytes; a symlink shows as its target. Two equal snapshots mean that nothing changed,
    /// and that no half-written file was left behind.
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.path(), self.path(), &mut files);
        files
    }

    /// The names of every file below the folder.
    pub fn names(&self) -> Vec<String> {
        self.snapshot().into_keys().collect()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        let kind = path
            .symlink_metadata()
            .expect("an entry has metadata")
            .file_type();
        let name = path
            .strip_prefix(root)
            .expect("an entry lies below the root")
            .to_string_lossy()
            .into_owned();
        if kind.is_symlink() {
            let target = std::fs::read_link(&path).expect("a link can be read");
            files.insert(name, format!("-> {}", target.display()).into_bytes());
        } else if kind.is_dir() {
            collect(root, &path, files);
        } else {
            files.insert(name, std::fs::read(&path).expect("a file can be read"));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let entries =
        std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries {
        let source = entry.expect("an entry can be read").path();
        let target = to.join(source.file_name().expect("an entry has a name"));
        if source.is_dir() {
            std::fs::create_dir_all(&target).expect("a folder can be made");
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).expect("a file can be copied");
        }
    }
}
