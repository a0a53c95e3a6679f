//! Files below one granted folder, over what a WASI host offers of it.
//!
//! The host keeps paths below the folder. What it can't know is which folders inside it are off limits to tools, so
//! paths are walked here part by part, links by hand: a folder that is excluded is recognised by what it is
//! ([`Descriptor::is_same`]), whatever name or link led to it.
//!
//! One program has one host, so of the generic code there is one instance: it is written for every version of WASI, and
//! costs what it would cost if it were written for one.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use self::descriptor::Descriptor;
use self::walk::{Place, open_folder, stat_of};
use crate::file_system::parts;
use crate::{EntryKind, FileSystem, FsError, FsResult, Listing, ListingEntry, ReadChunk, Stat};

pub mod descriptor;
mod walk;

/// Files below one granted folder, or below none: then every call answers [`FsError::NoRoot`].
pub struct GrantedFiles<D> {
    root: Option<Rc<D>>,
    excluded: Vec<Rc<D>>,
    excluded_name: Option<&'static str>,
}

impl<D> Default for GrantedFiles<D> {
    fn default() -> GrantedFiles<D> {
        GrantedFiles {
            root: None,
            excluded: Vec::new(),
            excluded_name: None,
        }
    }
}

impl<D> Clone for GrantedFiles<D> {
    fn clone(&self) -> GrantedFiles<D> {
        GrantedFiles {
            root: self.root.clone(),
            excluded: self.excluded.clone(),
            excluded_name: self.excluded_name,
        }
    }
}

impl<D: Descriptor> GrantedFiles<D> {
    pub(crate) fn new(root: D) -> GrantedFiles<D> {
        GrantedFiles {
            root: Some(Rc::new(root)),
            ..GrantedFiles::default()
        }
    }

    /// As [`FileSystem::remove`], of what is no folder: a program that needs no more does not import what removes folders.
    ///
    /// # Errors
    /// As there; for a folder whatever its system says.
    pub fn remove_file(&mut self, path: &str) -> FsResult<()> {
        let place = self.walk(path, true)?;
        let removed = place.folder.remove_file(&place.name);
        removed.map_err(|error| self.write_error(error))
    }

    /// Files of the folder `name` directly below this root; a link in its place is refused. With `create` it is made
    /// when it is missing.
    ///
    /// # Errors
    /// [`FsError::NotFound`] without `create`; [`FsError::NotFolder`] for a link or a file; whatever making it meets.
    pub fn folder(&self, name: &str, create: bool) -> FsResult<GrantedFiles<D>> {
        let root = self.root()?;
        if create {
            match root.create_folder(name) {
                Ok(()) | Err(FsError::Exists) => {}
                Err(error) => return Err(self.write_error(error)),
            }
        }
        Ok(GrantedFiles::new(open_folder(root, name)?))
    }

    /// Puts the root of `other` off limits below this root, by whatever path or link it is reached.
    pub fn exclude(&mut self, other: &GrantedFiles<D>) {
        self.excluded.extend(other.root.clone());
    }

    /// Puts `name` (ASCII case does not matter) directly below this root off limits, whether or not it exists yet.
    pub fn exclude_name(&mut self, name: &'static str) {
        self.excluded_name = Some(name);
    }

    /// Whether a folder was granted at all.
    pub fn is_granted(&self) -> bool {
        self.root.is_some()
    }

    /// Finds out by making and removing a file whether the root takes writes.
    ///
    /// # Errors
    /// Why it does not.
    pub fn probe_write(&self) -> FsResult<()> {
        let root = self.root()?;
        let name = temporary_name::<D>();
        drop(self.create(root, &name)?);
        root.remove_file(&name)
            .map_err(|error| self.write_error(error))
    }

    fn root(&self) -> FsResult<&Rc<D>> {
        self.root.as_ref().ok_or(FsError::NoRoot)
    }

    /// A refused write in a root that was granted read-only says so.
    fn write_error(&self, error: FsError) -> FsError {
        if error == FsError::Denied && self.root.as_ref().is_some_and(|root| root.is_read_only()) {
            FsError::ReadOnly
        } else {
            error
        }
    }

    /// The regular file at `place`, opened for reading.
    fn open(&self, place: &Place<D>) -> FsResult<D> {
        check_file(place)?;
        place.folder.open(&place.name)
    }

    fn create(&self, folder: &D, name: &str) -> FsResult<D> {
        folder.create(name).map_err(|error| self.write_error(error))
    }
}

impl<D: Descriptor> FileSystem for GrantedFiles<D> {
    fn read(&mut self, path: &str, offset: u64, length: usize) -> FsResult<ReadChunk> {
        let place = self.walk(path, false)?;
        let file = self.open(&place)?;
        let mut bytes: Vec<u8> = Vec::new();
        // Past every file's end, and past what hosts take as an offset.
        if offset > i64::MAX as u64 - length as u64 {
            return Ok(ReadChunk { bytes, end: true });
        }
        loop {
            let at = offset.saturating_add(bytes.len() as u64);
            let wanted = length - bytes.len();
            // A host calls every read of no bytes the end, so the size decides.
            if wanted == 0 {
                let size = file.size()?;
                return Ok(ReadChunk {
                    bytes,
                    end: at >= size,
                });
            }
            if file.read(&mut bytes, wanted, at)? {
                return Ok(ReadChunk { bytes, end: true });
            }
        }
    }

    fn replace(&mut self, path: &str, content: &[u8]) -> FsResult<()> {
        let place = self.walk(path, false)?;
        check_file_or_nothing(&place)?;
        let temporary = temporary_name::<D>();
        let file = self.create(&place.folder, &temporary)?;
        let written = write_all(&file, content, Some(0))
            .and_then(|()| file.sync())
            .and_then(|()| place.folder.rename(&temporary, &place.folder, &place.name));
        if let Err(error) = written {
            // Best effort: the first error is the one to tell.
            let _ = place.folder.remove_file(&temporary);
            return Err(self.write_error(error));
        }
        // Makes the rename durable where the host can; the file is whole either way.
        let _ = place.folder.sync();
        Ok(())
    }

    fn append(&mut self, path: &str, content: &[u8]) -> FsResult<u64> {
        let place = self.walk(path, false)?;
        check_file_or_nothing(&place)?;
        let file = place
            .folder
            .open_to_append(&place.name)
            .map_err(|error| self.write_error(error))?;
        let before = file.size()?;
        if let Err(error) = write_all(&file, content, None).and_then(|()| file.sync_data()) {
            // No half line stays behind.
            let _ = file.set_size(before);
            return Err(self.write_error(error));
        }
        file.size()
    }

    fn list(&mut self, path: &str, limit: usize) -> FsResult<Listing> {
        let place = self.walk(path, false)?;
        let opened;
        let folder = if place.name.is_empty() {
            &*place.folder
        } else {
            opened = open_folder(&place.folder, &place.name)?;
            &opened
        };
        // The first names so far, in order: a folder of any size needs the memory of `limit` names.
        let mut names: Vec<String> = Vec::new();
        let mut total = 0;
        folder.names(|name| {
            total += 1;
            // A name that is not UTF-8 can't be told to a model, nor asked for by one: counted, not listed.
            let Some(name) = name else { return };
            let at = names.partition_point(|other| *other < name);
            if at < limit {
                names.truncate(limit - 1);
                names.insert(at, name);
            }
        })?;
        let entries = names
            .into_iter()
            .map(|name| {
                // An entry that can't be looked at is still listed.
                let Stat { kind, size } = folder.stat_at(&name).unwrap_or(Stat {
                    kind: EntryKind::Special,
                    size: 0,
                });
                ListingEntry { name, kind, size }
            })
            .collect();
        Ok(Listing { entries, total })
    }

    fn stat(&mut self, path: &str) -> FsResult<Stat> {
        stat_of(&self.walk(path, false)?)
    }

    fn create_folders(&mut self, path: &str) -> FsResult<()> {
        self.root()?;
        let mut end = 0;
        for part in parts(path)? {
            end += part.len();
            let place = self.walk(path.get(..end).unwrap_or(path), false)?;
            end += 1;
            if place.name.is_empty() {
                continue;
            }
            match place.folder.create_folder(&place.name) {
                Ok(()) => {}
                Err(error) => match stat_of(&place) {
                    Ok(stat) if stat.kind == EntryKind::Folder => {}
                    Ok(_) => return Err(FsError::NotFolder),
                    Err(_) => return Err(self.write_error(error)),
                },
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &str) -> FsResult<()> {
        let place = self.walk(path, true)?;
        if place.name.is_empty() {
            return Err(FsError::IsFolder);
        }
        let removed = match stat_of(&place)?.kind {
            EntryKind::Folder => {
                self.check_not_excluded(&place)?;
                place.folder.remove_folder(&place.name)
            }
            _ => place.folder.remove_file(&place.name),
        };
        removed.map_err(|error| self.write_error(error))
    }

    fn rename(&mut self, from: &str, to: &str) -> FsResult<()> {
        let from = self.walk(from, true)?;
        let to = self.walk(to, true)?;
        if from.name.is_empty() || to.name.is_empty() {
            return Err(FsError::InvalidPath);
        }
        // A missing source is an error, a missing target is not.
        stat_of(&from)?;
        self.check_not_excluded(&from)?;
        self.check_not_excluded(&to)?;
        from.folder
            .rename(&from.name, &to.folder, &to.name)
            .map_err(|error| self.write_error(error))
    }
}

/// Only files are opened, to be read or written: opening a pipe could wait for ever.
fn check_file<D: Descriptor>(place: &Place<D>) -> FsResult<()> {
    match stat_of(place)?.kind {
        EntryKind::File => Ok(()),
        EntryKind::Folder => Err(FsError::IsFolder),
        EntryKind::Link | EntryKind::Special => Err(FsError::Special),
    }
}

/// As [`check_file`], for a file that may yet have to be made.
fn check_file_or_nothing<D: Descriptor>(place: &Place<D>) -> FsResult<()> {
    match check_file(place) {
        Err(FsError::NotFound) => Ok(()),
        answer => answer,
    }
}

fn write_all<D: Descriptor>(file: &D, content: &[u8], offset: Option<u64>) -> FsResult<()> {
    let mut written = 0;
    while written < content.len() {
        let offset = offset.map(|offset| offset + written as u64);
        let count = file.write(&content[written..], offset)?;
        if count == 0 {
            return Err(FsError::NoSpace);
        }
        written += count;
    }
    Ok(())
}

fn temporary_name<D: Descriptor>() -> String {
    let mut name = String::from(".dewclaw-");
    let random = D::random();
    for shift in (0..16).rev() {
        let digit = (random >> (shift * 4)) as usize & 15;
        name.push(b"0123456789abcdef"[digit] as char);
    }
    name.push_str(".tmp");
    name
}
