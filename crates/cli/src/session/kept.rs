//! The conversation that an interruption leaves behind: a file of the state folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The file's name.
const NAME: &str = "interrupted.session";

/// Where a conversation is kept to go on with.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    folder: PathBuf,
}

/// A conversation that can't be had or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    /// There is none.
    #[error(
        "--continue: there is no conversation to go on with: an `ask` or a `chat` that is interrupted leaves one in `{}`",
        path.display()
    )]
    None { path: PathBuf },
    /// The file can't be read.
    #[error("--continue: cannot read `{}`: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    /// The file can't be written.
    #[error("the conversation cannot be kept in `{}`: {cause}", path.display())]
    Unwritable { path: PathBuf, cause: io::Error },
}

impl Kept {
    /// The one of the state folder.
    pub(crate) fn in_state(folder: &Path) -> Kept {
        Kept {
            folder: folder.to_owned(),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Reads the conversation.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    pub(crate) fn read(&self) -> Result<Vec<u8>, KeptError> {
        let path = self.path();
        fs::read(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => KeptError::None { path },
            _ => KeptError::Unreadable { path, cause },
        })
    }

    /// Replaces it whole, readable by its owner only.
    ///
    /// # Errors
    /// It can't be written; the file is as it was then.
    pub(crate) fn write(&self, conversation: &[u8]) -> Result<(), KeptError> {
        self.replace(conversation)
            .map_err(|cause| KeptError::Unwritable {
                path: self.path(),
                cause,
            })
    }

    fn replace(&self, conversation: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(conversation)?;
        file.as_file().sync_all()?;
        file.persist(self.path())?;
        // The new name is on the disk when the folder is. Where folders can't be synced, it is written at some time.
        let _ = File::open(&self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_replaced_whole_and_for_its_owner_only() {
        let state = tempfile::tempdir().unwrap();
        let kept = Kept::in_state(state.path());
        assert!(matches!(kept.read(), Err(KeptError::None { .. })));
        for conversation in [&b"a long one"[..], b"short"] {
            kept.write(conversation).unwrap();
            assert_eq!(kept.read().unwrap(), conversation);
        }
        let names: Vec<_> = fs::read_dir(state.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(kept.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let state = tempfile::tempdir().unwrap();
        let kept = Kept::in_state(state.path());
        fs::create_dir(kept.path()).unwrap();
        let message = kept.read().unwrap_err().to_string();
        assert!(
            message.starts_with("--continue: cannot read `"),
            "{message}"
        );
        assert!(kept.write(b"x").is_err());
    }
}
