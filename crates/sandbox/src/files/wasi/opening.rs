//! `open-at`: what it opens, makes and cuts, and what that counts.

use cap_std::fs::Dir as CapDir;
use wasmtime_wasi::OpenMode;

use crate::files::counts::{NAME_BYTES, Written};
use crate::files::folder::{self, How, Opened, Refused};

/// An `open-at` that goes on.
pub(super) struct Opening {
    /// Neither creating nor exclusive: that is asked for below.
    pub(super) how: How,
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    pub(super) folder_only: bool,
    pub(super) written: Written,
}

pub(super) enum Unopened {
    Refused(Refused),
    NotFolder,
    Over,
}

impl From<Refused> for Unopened {
    fn from(refused: Refused) -> Unopened {
        Unopened::Refused(refused)
    }
}

impl From<std::io::Error> for Unopened {
    fn from(error: std::io::Error) -> Unopened {
        Unopened::Refused(error.into())
    }
}

impl Opening {
    pub(super) fn mode(&self) -> OpenMode {
        let mut mode = OpenMode::empty();
        mode.set(OpenMode::READ, self.how.read);
        mode.set(OpenMode::WRITE, self.how.write);
        mode
    }

    pub(super) fn open(&self, folder: &std::fs::File, path: &str) -> Result<Opened, Unopened> {
        let dir = CapDir::from_std_file(folder.try_clone()?);
        let opened = self.open_or_create(&dir, path)?;
        match opened {
            Opened::File(_) if self.folder_only => Err(Unopened::NotFolder),
            Opened::File(file) => {
                if self.truncate {
                    // Only now is it known that it is a file of this folder alone.
                    file.set_len(0)?;
                }
                Ok(Opened::File(file))
            }
            Opened::Folder(folder) => Ok(Opened::Folder(folder)),
        }
    }

    /// What is there; or, where nothing is and something may be made, a new file, for which a name is charged.
    fn open_or_create(&self, dir: &CapDir, path: &str) -> Result<Opened, Unopened> {
        let mut tries = 0;
        loop {
            if !(self.create && self.exclusive) {
                match folder::open(dir, path.as_ref(), self.how) {
                    Err(Refused::System(error))
                        if self.create && error.kind() == std::io::ErrorKind::NotFound => {}
                    opened => return Ok(opened?),
                }
            }
            if !self.written.charge(NAME_BYTES) {
                return Err(Unopened::Over);
            }
            let new = How {
                create: true,
                exclusive: true,
                ..self.how
            };
            match folder::open(dir, path.as_ref(), new) {
                Ok(opened) => return Ok(opened),
                Err(refused) => {
                    self.written.refund(NAME_BYTES);
                    // Somebody else made it in between: look again, though not for ever.
                    let is_there = matches!(&refused, Refused::System(error) if error.kind() == std::io::ErrorKind::AlreadyExists);
                    tries += 1;
                    if self.exclusive || !is_there || tries > 4 {
                        return Err(refused.into());
                    }
                }
            }
        }
    }
}
