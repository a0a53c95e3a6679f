//! Files from wasi:filesystem, below one granted folder.
//!
//! The host keeps paths below the folder. What it can't know is which folders inside it are off limits to tools, so
//! paths are walked here part by part, links by hand: a folder that is excluded is recognised by what it is
//! (`is-same-object`), whatever name or link led to it.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasi::random::random::get_random_u64;

use self::walk::{Place, open_folder, stat_of};
use crate::file_system::parts;
use crate::{EntryKind, FileSystem, FsError, FsResult, Listing, ListingEntry, ReadChunk, Stat};

mod walk;

/// Files below one granted folder, or below none: then every call answers [`FsError::NoRoot`].
#[derive(Clone, Default)]
pub struct WasiFileSystem {
    root: Option<Rc<Descriptor>>,
    excluded: Vec<Rc<Descriptor>>,
    excluded_name: Option<&'static str>,
}

impl WasiFileSystem {
    pub(super) fn new(root: Descriptor) -> WasiFileSystem {
        WasiFileSystem {
            root: Some(Rc::new(root)),
            ..WasiFileSystem::default()
        }
    }

    /// Files of the folder `name` directly below this root; a link in its place is refused. With `create` it is made
    /// when it is missing.
    ///
    /// # Errors
    /// [`FsError::NotFound`] without `create`; [`FsError::NotFolder`] for a link or a file; whatever making it meets.
    pub fn folder(&self, name: &str, create: bool) -> FsResult<WasiFileSystem> {
        let root = self.root()?;
        if create {
            match root.create_directory_at(name) {
                Ok(()) | Err(ErrorCode::Exist) => {}
                Err(code) => return Err(self.write_error(code)),
            }
        }
        match open_folder(root, name) {
            Ok(folder) => Ok(WasiFileSystem::new(folder)),
            Err(ErrorCode::Loop) => Err(FsError::NotFolder),
            Err(code) => Err(fs_error(code)),
        }
    }

    /// Puts the root of `other` off limits below this root, by whatever path or link it is reached.
    pub fn exclude(&mut self, other: &WasiFileSystem) {
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
        let name = temporary_name();
        drop(self.create_exclusively(root, &name)?);
        root.unlink_file_at(&name)
            .map_err(|code| self.write_error(code))
    }

    fn root(&self) -> FsResult<&Rc<Descriptor>> {
        self.root.as_ref().ok_or(FsError::NoRoot)
    }

    /// A refused write in a root that was granted read-only says so.
    fn write_error(&self, code: ErrorCode) -> FsError {
        let error = fs_error(code);
        let read_only = || {
            self.root.as_ref().is_some_and(|root| {
                root.get_flags()
                    .is_ok_and(|flags| !flags.contains(DescriptorFlags::MUTATE_DIRECTORY))
            })
        };
        if error == FsError::Denied && read_only() {
            FsError::ReadOnly
        } else {
            error
        }
    }

    /// The regular file at `place`, opened for reading.
    fn open_file(&self, place: &Place) -> FsResult<Descriptor> {
        match stat_of(place)?.kind {
            EntryKind::File => {}
            EntryKind::Folder => return Err(FsError::IsFolder),
            EntryKind::Link | EntryKind::Special => return Err(FsError::Special),
        }
        place
            .folder
            .open_at(
                PathFlags::empty(),
                &place.name,
                OpenFlags::empty(),
                DescriptorFlags::READ,
            )
            .map_err(fs_error)
    }

    fn create_exclusively(&self, folder: &Descriptor, name: &str) -> FsResult<Descriptor> {
        folder
            .open_at(
                PathFlags::empty(),
                name,
                OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
                DescriptorFlags::WRITE,
            )
            .map_err(|code| self.write_error(code))
    }
}

impl FileSystem for WasiFileSystem {
    fn read(&mut self, path: &str, offset: u64, length: usize) -> FsResult<ReadChunk> {
        let place = self.walk(path, false)?;
        let file = self.open_file(&place)?;
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
                let size = file.stat().map_err(fs_error)?.size;
                return Ok(ReadChunk {
                    bytes,
                    end: at >= size,
                });
            }
            let (part, end) = file.read(wanted as u64, at).map_err(fs_error)?;
            let end = end || part.is_empty();
            if bytes.is_empty() {
                bytes = part;
            } else {
                bytes.extend_from_slice(&part);
            }
            if end {
                return Ok(ReadChunk { bytes, end });
            }
        }
    }

    fn replace(&mut self, path: &str, content: &[u8]) -> FsResult<()> {
        let place = self.walk(path, false)?;
        refuse_folder(&place)?;
        let temporary = temporary_name();
        let file = self.create_exclusively(&place.folder, &temporary)?;
        let written = write_all(&file, content, 0)
            .and_then(|()| file.sync())
            .and_then(|()| {
                place
                    .folder
                    .rename_at(&temporary, &place.folder, &place.name)
            });
        if let Err(code) = written {
            // Best effort: the first error is the one to tell.
            let _ = place.folder.unlink_file_at(&temporary);
            return Err(self.write_error(code));
        }
        // Makes the rename durable where the host can; the file is whole either way.
        let _ = place.folder.sync();
        Ok(())
    }

    fn append(&mut self, path: &str, content: &[u8]) -> FsResult<u64> {
        let place = self.walk(path, false)?;
        refuse_folder(&place)?;
        let file = place
            .folder
            .open_at(
                PathFlags::empty(),
                &place.name,
                OpenFlags::CREATE,
                DescriptorFlags::WRITE | DescriptorFlags::READ,
            )
            .map_err(|code| self.write_error(code))?;
        let before = file.stat().map_err(fs_error)?.size;
        if let Err(code) = write_all(&file, content, before).and_then(|()| file.sync_data()) {
            // No half line stays behind.
            let _ = file.set_size(before);
            return Err(self.write_error(code));
        }
        Ok(before + content.len() as u64)
    }

    fn list(&mut self, path: &str, limit: usize) -> FsResult<Listing> {
        let place = self.walk(path, false)?;
        let opened;
        let folder = if place.name.is_empty() {
            &*place.folder
        } else {
            if stat_of(&place)?.kind != EntryKind::Folder {
                return Err(FsError::NotFolder);
            }
            opened = open_folder(&place.folder, &place.name).map_err(fs_error)?;
            &opened
        };
        let stream = folder.read_directory().map_err(fs_error)?;
        // The first names so far, in order: a folder of any size needs the memory of `limit` names.
        let mut names: Vec<String> = Vec::new();
        let mut total = 0;
        loop {
            match stream.read_directory_entry() {
                Ok(None) => break,
                Ok(Some(entry)) => {
                    let at = names.partition_point(|name| *name < entry.name);
                    if at < limit {
                        names.truncate(limit - 1);
                        names.insert(at, entry.name);
                    }
                }
                // A name that is not UTF-8 can't be told to a model, nor asked for by one: counted, not listed.
                Err(ErrorCode::IllegalByteSequence) => {}
                Err(code) => return Err(fs_error(code)),
            }
            total += 1;
        }
        let entries = names
            .into_iter()
            .map(|name| {
                // An entry that can't be looked at is still listed.
                let (kind, size) = match folder.stat_at(PathFlags::empty(), &name) {
                    Ok(stat) => (entry_kind(stat.type_), stat.size),
                    Err(_) => (EntryKind::Special, 0),
                };
                let size = if kind == EntryKind::File { size } else { 0 };
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
            match place.folder.create_directory_at(&place.name) {
                Ok(()) => {}
                Err(code) => match stat_of(&place) {
                    Ok(stat) if stat.kind == EntryKind::Folder => {}
                    Ok(_) => return Err(FsError::NotFolder),
                    Err(_) => return Err(self.write_error(code)),
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
                place.folder.remove_directory_at(&place.name)
            }
            _ => place.folder.unlink_file_at(&place.name),
        };
        removed.map_err(|code| self.write_error(code))
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
            .rename_at(&from.name, &to.folder, &to.name)
            .map_err(|code| self.write_error(code))
    }
}

/// Writes go to files, new or existing, and to nothing else: opening a pipe could wait for ever.
fn refuse_folder(place: &Place) -> FsResult<()> {
    if place.name.is_empty() {
        return Err(FsError::IsFolder);
    }
    match stat_of(place) {
        Ok(Stat { kind, .. }) => match kind {
            EntryKind::File => Ok(()),
            EntryKind::Folder => Err(FsError::IsFolder),
            EntryKind::Link | EntryKind::Special => Err(FsError::Special),
        },
        Err(FsError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

fn write_all(file: &Descriptor, content: &[u8], offset: u64) -> Result<(), ErrorCode> {
    let mut written = 0;
    while written < content.len() {
        let count = file.write(&content[written..], offset + written as u64)? as usize;
        if count == 0 {
            return Err(ErrorCode::InsufficientSpace);
        }
        written += count;
    }
    Ok(())
}

fn temporary_name() -> String {
    let mut name = String::from(".dewclaw-");
    let random = get_random_u64();
    for shift in (0..16).rev() {
        let digit = (random >> (shift * 4)) as usize & 15;
        name.push(b"0123456789abcdef"[digit] as char);
    }
    name.push_str(".tmp");
    name
}

fn entry_kind(kind: DescriptorType) -> EntryKind {
    match kind {
        DescriptorType::RegularFile => EntryKind::File,
        DescriptorType::Directory => EntryKind::Folder,
        DescriptorType::SymbolicLink => EntryKind::Link,
        _ => EntryKind::Special,
    }
}

fn fs_error(code: ErrorCode) -> FsError {
    match code {
        ErrorCode::NoEntry => FsError::NotFound,
        ErrorCode::Access | ErrorCode::NotPermitted => FsError::Denied,
        ErrorCode::ReadOnly => FsError::ReadOnly,
        ErrorCode::IsDirectory => FsError::IsFolder,
        ErrorCode::NotDirectory => FsError::NotFolder,
        ErrorCode::NotEmpty => FsError::NotEmpty,
        ErrorCode::Exist => FsError::Exists,
        ErrorCode::InsufficientSpace | ErrorCode::Quota => FsError::NoSpace,
        ErrorCode::FileTooLarge => FsError::TooLarge,
        ErrorCode::Invalid
        | ErrorCode::IllegalByteSequence
        | ErrorCode::NameTooLong
        | ErrorCode::Loop => FsError::InvalidPath,
        _ => FsError::Io,
    }
}
