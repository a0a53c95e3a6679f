//! Whole files as texts: read up to a limit, and replaced so that there is always the old content or the new.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, Permissions};

use super::counts::{NAME_BYTES, Written};
use super::error::Irregular;
use super::folder::{self, How, Opened, Refused};
use super::granted::Ended;
use crate::limits::Limit;

/// Why a file was not read or written, without its name.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Refused),
    Over(Limit),
    NotText,
    CallEnded,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        Failure::Refused(refused)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Refused(error.into())
    }
}

/// The text of a file of at most `most` bytes.
pub(super) fn read(dir: &Dir, path: &Path, most: u64) -> Result<String, Failure> {
    if path.as_os_str().is_empty() {
        return Err(Refused::Irregular(Irregular::Folder).into());
    }
    let file = match folder::open(dir, path, How::READ)? {
        Opened::File(file) => file,
        Opened::Folder(_) => return Err(Refused::Irregular(Irregular::Folder).into()),
    };
    read_bounded(&file, most)
}

fn read_bounded(file: &File, most: u64) -> Result<String, Failure> {
    // What the system says of its length is where to begin, not what is believed: it may grow.
    let length = file.metadata()?.len().min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Failure::Over(Limit::ReadFile));
    }
    String::from_utf8(bytes).map_err(|_| Failure::NotText)
}

/// Puts a file with this content in place of what is there.
pub(super) fn write(
    dir: &Dir,
    path: &Path,
    content: &str,
    written: &Written,
    ended: &Ended,
) -> Result<(), Failure> {
    let Some(name) = path.file_name() else {
        return Err(Refused::Irregular(Irregular::Folder).into());
    };
    let name = Path::new(name);
    let parent;
    let dir = match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        None => dir,
        Some(path) => {
            parent = folder::open_folder(dir, path)?;
            &parent
        }
    };
    if folder::is_of_the_kernel(dir)? {
        return Err(Refused::Irregular(Irregular::Kernel).into());
    }
    let before = match dir.symlink_metadata(name) {
        // Replaced itself, wherever it leads.
        Ok(metadata) if metadata.is_symlink() => None,
        Ok(metadata) => {
            folder::check(&metadata)?;
            Some(metadata.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let charged = content.len() as u64 + if before.is_none() { NAME_BYTES } else { 0 };
    if !written.charge(charged) {
        return Err(Failure::Over(Limit::Written));
    }
    let (new, file) = match create_beside(dir) {
        Ok(created) => created,
        Err(error) => {
            written.refund(charged);
            return Err(error.into());
        }
    };
    let placed = fill(&file, content, before).map_err(Failure::from);
    let placed = placed.and_then(|()| match ended.has() {
        true => Err(Failure::CallEnded),
        false => dir.rename(&new, dir, name).map_err(Failure::from),
    });
    if placed.is_err() {
        // What cannot be removed has a name that says whose it was.
        let _ = dir.remove_file(&new);
    }
    placed
}

fn create_beside(dir: &Dir) -> io::Result<(String, cap_std::fs::File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut tries = 0;
    loop {
        let name = format!(
            ".dewclaw-{:016x}.new",
            RandomState::new().build_hasher().finish()
        );
        match dir.open_with(&name, &options) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 8 => tries += 1,
            opened => return opened.map(|file| (name, file)),
        }
    }
}

fn fill(
    mut file: &cap_std::fs::File,
    content: &str,
    permissions: Option<Permissions>,
) -> io::Result<()> {
    if let Some(permissions) = permissions {
        // Before there is anything in it that others could read.
        file.set_permissions(plain(permissions))?;
    }
    file.write_all(content.as_bytes())?;
    // On the disk before it takes the name: the name must not outlive the content.
    file.sync_all()
}

/// The permissions without those that run a program as somebody else.
#[cfg(unix)]
fn plain(mut permissions: Permissions) -> Permissions {
    use cap_std::fs::PermissionsExt;

    permissions.set_mode(permissions.mode() & 0o777);
    permissions
}

#[cfg(not(unix))]
fn plain(permissions: Permissions) -> Permissions {
    permissions
}
