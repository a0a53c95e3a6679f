//! Files below the folders that the host granted.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasip1::{
    Ciovec, DIRCOOKIE_START, Errno, FDFLAGS_APPEND, FILETYPE_DIRECTORY, FILETYPE_REGULAR_FILE,
    FILETYPE_SYMBOLIC_LINK, Fd, Fdflags, Iovec, OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_EXCL,
    Oflags, Rights, fd_close, fd_datasync, fd_fdstat_get, fd_filestat_get, fd_filestat_set_size,
    fd_pread, fd_pwrite, fd_readdir, fd_sync, fd_write, path_create_directory, path_filestat_get,
    path_open, path_readlink, path_remove_directory, path_rename, path_unlink_file,
};

use super::environment::random;
use crate::granted::{GrantedFiles, descriptor};
use crate::{EntryKind, FsError, FsResult, Stat};

/// Files below one folder that the host granted.
///
/// What hosts answer otherwise than WASI 0.2 does, and no guest can mend:
///
/// - An excluded folder is recognised by its device and inode. On a file system that numbers no inodes every folder
///   below the root counts as the excluded one, and is refused.
/// - wasmtime grants for reading alone without saying so: a write there is [`FsError::Denied`], not
///   [`FsError::ReadOnly`].
/// - wasmtime lists no folder that has a name which is not UTF-8 ([`FsError::InvalidPath`]). WAMR does.
pub type WasiFileSystem = GrantedFiles<Descriptor>;

/// A file or folder that the host has open.
pub struct Descriptor {
    number: Fd,
    /// What may be done with whatever is opened in this folder.
    inheriting: Rights,
    /// It was open when the program began, and stays so.
    granted: bool,
}

/// What is done with folders.
const FOLDER: Rights = wasip1::RIGHTS_FD_READ
    | wasip1::RIGHTS_FD_SYNC
    | wasip1::RIGHTS_FD_READDIR
    | wasip1::RIGHTS_FD_FILESTAT_GET
    | wasip1::RIGHTS_PATH_OPEN
    | wasip1::RIGHTS_PATH_CREATE_DIRECTORY
    | wasip1::RIGHTS_PATH_CREATE_FILE
    | wasip1::RIGHTS_PATH_FILESTAT_GET
    | wasip1::RIGHTS_PATH_READLINK
    | wasip1::RIGHTS_PATH_REMOVE_DIRECTORY
    | wasip1::RIGHTS_PATH_RENAME_SOURCE
    | wasip1::RIGHTS_PATH_RENAME_TARGET
    | wasip1::RIGHTS_PATH_UNLINK_FILE;

/// What is done with files that are read. Some hosts want the right to move about in a file for reading at an offset.
const READ: Rights = wasip1::RIGHTS_FD_READ
    | wasip1::RIGHTS_FD_SEEK
    | wasip1::RIGHTS_FD_TELL
    | wasip1::RIGHTS_FD_FILESTAT_GET;

/// What is done with files that are written, besides.
const WRITE: Rights = wasip1::RIGHTS_FD_WRITE
    | wasip1::RIGHTS_FD_SYNC
    | wasip1::RIGHTS_FD_DATASYNC
    | wasip1::RIGHTS_FD_FILESTAT_SET_SIZE;

/// Bytes of a folder's entries that are asked for at once. A name has 255 at most almost everywhere.
const ENTRIES: usize = 4096;

/// Bytes of an entry before its name: the next one's cookie (8), the inode (8), the name's length (4), its type (4).
const ENTRY_HEAD: usize = 24;

/// Bytes that the target of a link may have: Linux's PATH_MAX.
const MAX_TARGET: usize = 4096;

impl Descriptor {
    /// A folder that was granted.
    pub(super) fn granted(number: Fd) -> Descriptor {
        // SAFETY: the only pointer that it passes is to its own result.
        let described = unsafe { fd_fdstat_get(number) };
        Descriptor {
            number,
            inheriting: described.map_or(FOLDER | READ | WRITE, |stat| stat.fs_rights_inheriting),
            granted: true,
        }
    }

    fn open_at(
        &self,
        name: &str,
        how: Oflags,
        rights: Rights,
        flags: Fdflags,
    ) -> FsResult<Descriptor> {
        // No flag for the lookup: no link is followed.
        // SAFETY: the host reads the name, which lives to the end of the call, and writes to the call's own result.
        let opened =
            unsafe { path_open(self.number, 0, name, how, rights, self.inheriting, flags) };
        Ok(Descriptor {
            number: opened.map_err(fs_error)?,
            inheriting: self.inheriting,
            granted: false,
        })
    }

    /// Reads once, into `room` bytes from `at` on.
    ///
    /// # Safety
    /// They may be written to.
    unsafe fn read_into(&self, at: *mut u8, room: usize, offset: u64) -> FsResult<usize> {
        let place = Iovec {
            buf: at,
            buf_len: room,
        };
        // SAFETY: the host writes to the place, as the caller allows, and to the call's own result.
        let count = unsafe { fd_pread(self.number, &[place], offset) }.map_err(fs_error)?;
        Ok(count.min(room))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if !self.granted {
            // SAFETY: it passes no pointer, and nothing else has this number. There is nothing to do about a failure.
            let _ = unsafe { fd_close(self.number) };
        }
    }
}

impl descriptor::Descriptor for Descriptor {
    fn open_folder(&self, name: &str) -> FsResult<Descriptor> {
        // A host refuses to give more than the folder above has to give.
        self.open_at(name, OFLAGS_DIRECTORY, FOLDER & self.inheriting, 0)
    }

    fn open(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(name, 0, READ, 0)
    }

    fn open_to_append(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(name, OFLAGS_CREAT, READ | WRITE, FDFLAGS_APPEND)
    }

    fn create(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(name, OFLAGS_CREAT | OFLAGS_EXCL, READ | WRITE, 0)
    }

    fn stat_at(&self, name: &str) -> FsResult<Stat> {
        // SAFETY: the host reads the name, which lives to the end of the call, and writes to the call's own result.
        let stat = unsafe { path_filestat_get(self.number, 0, name) }.map_err(fs_error)?;
        let (kind, size) = match stat.filetype {
            FILETYPE_REGULAR_FILE => (EntryKind::File, stat.size),
            FILETYPE_DIRECTORY => (EntryKind::Folder, 0),
            FILETYPE_SYMBOLIC_LINK => (EntryKind::Link, 0),
            _ => (EntryKind::Special, 0),
        };
        Ok(Stat { kind, size })
    }

    fn read_link(&self, name: &str) -> FsResult<String> {
        let mut target = vec![0; MAX_TARGET];
        // SAFETY: the host reads the name and writes as many bytes as the target has; both live to the end of the call.
        let length = unsafe { path_readlink(self.number, name, target.as_mut_ptr(), target.len()) };
        let length = length.map_err(fs_error)?;
        // All of the room may be a first part of the target.
        if length >= MAX_TARGET {
            return Err(FsError::InvalidPath);
        }
        target.truncate(length);
        String::from_utf8(target).map_err(|_| FsError::InvalidPath)
    }

    fn create_folder(&self, name: &str) -> FsResult<()> {
        // SAFETY: the host reads the name, which lives to the end of the call.
        unsafe { path_create_directory(self.number, name) }.map_err(fs_error)
    }

    fn remove_folder(&self, name: &str) -> FsResult<()> {
        // SAFETY: the host reads the name, which lives to the end of the call.
        unsafe { path_remove_directory(self.number, name) }.map_err(fs_error)
    }

    fn remove_file(&self, name: &str) -> FsResult<()> {
        // SAFETY: the host reads the name, which lives to the end of the call.
        unsafe { path_unlink_file(self.number, name) }.map_err(fs_error)
    }

    fn rename(&self, name: &str, to: &Descriptor, to_name: &str) -> FsResult<()> {
        // SAFETY: the host reads both names, which live to the end of the call.
        unsafe { path_rename(self.number, name, to.number, to_name) }.map_err(fs_error)
    }

    fn names(&self, mut each: impl FnMut(Option<String>)) -> FsResult<()> {
        let mut buffer = vec![0; ENTRIES];
        let mut cookie = DIRCOOKIE_START;
        loop {
            // SAFETY: the host writes as many bytes as the buffer has, which lives to the end of the call.
            let used = unsafe { fd_readdir(self.number, buffer.as_mut_ptr(), ENTRIES, cookie) };
            let used = used.map_err(fs_error)?;
            let mut rest = buffer.get(..used).unwrap_or_default();
            let mut went_on = false;
            // The last entry is cut off where the buffer ends, and comes again.
            while let Some((head, after)) = rest.split_at_checked(ENTRY_HEAD) {
                let number = |at: usize| {
                    let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
                    u32::from_le_bytes(bytes.unwrap_or_default())
                };
                let Some((name, after)) = after.split_at_checked(number(16) as usize) else {
                    break;
                };
                cookie = u64::from(number(4)) << 32 | u64::from(number(0));
                rest = after;
                went_on = true;
                if !matches!(name, b"." | b"..") {
                    each(String::from_utf8(name.to_vec()).ok());
                }
            }
            if used < ENTRIES {
                return Ok(());
            }
            // A name that has no room in the buffer.
            if !went_on {
                return Err(FsError::Io);
            }
        }
    }

    fn is_same(&self, other: &Descriptor) -> bool {
        let of = |folder: &Descriptor| {
            // SAFETY: the only pointer that it passes is to its own result.
            unsafe { fd_filestat_get(folder.number) }
        };
        match (of(self), of(other)) {
            (Ok(one), Ok(two)) => one.dev == two.dev && one.ino == two.ino,
            _ => true,
        }
    }

    fn is_read_only(&self) -> bool {
        self.inheriting & wasip1::RIGHTS_FD_WRITE == 0
    }

    fn size(&self) -> FsResult<u64> {
        // SAFETY: the only pointer that it passes is to its own result.
        let stat = unsafe { fd_filestat_get(self.number) };
        Ok(stat.map_err(fs_error)?.size)
    }

    fn read(&self, bytes: &mut Vec<u8>, length: usize, offset: u64) -> FsResult<bool> {
        let left = self.size()?.saturating_sub(offset);
        if left == 0 {
            // It ends here, or its size says nothing, as in Linux's /proc. Finding that out takes no memory.
            let mut some = [0; 256];
            // SAFETY: they are bytes of this array, and no more than it has.
            let count =
                unsafe { self.read_into(some.as_mut_ptr(), some.len().min(length), offset)? };
            bytes.extend_from_slice(some.get(..count).unwrap_or_default());
            return Ok(count == 0);
        }
        // No more memory than there are bytes: callers ask for as much as they would take at most.
        let room = length.min(usize::try_from(left).unwrap_or(length));
        bytes.reserve_exact(room);
        let filled = bytes.len();
        // SAFETY: behind what is filled there is room for as many more.
        let count = unsafe { self.read_into(bytes.as_mut_ptr().add(filled), room, offset)? };
        // SAFETY: the host has initialised them, and they are no more than there was room for.
        unsafe { bytes.set_len(filled + count) };
        Ok(count == 0)
    }

    fn write(&self, bytes: &[u8], offset: Option<u64>) -> FsResult<usize> {
        let piece = Ciovec {
            buf: bytes.as_ptr(),
            buf_len: bytes.len(),
        };
        // SAFETY: the host reads the piece, which lives to the end of the call, and writes to the call's own result.
        let written = unsafe {
            match offset {
                Some(offset) => fd_pwrite(self.number, &[piece], offset),
                None => fd_write(self.number, &[piece]),
            }
        };
        written.map_err(fs_error)
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        // SAFETY: it passes no pointer.
        unsafe { fd_filestat_set_size(self.number, size) }.map_err(fs_error)
    }

    fn sync(&self) -> FsResult<()> {
        // SAFETY: it passes no pointer.
        unsafe { fd_sync(self.number) }.map_err(fs_error)
    }

    fn sync_data(&self) -> FsResult<()> {
        // SAFETY: it passes no pointer.
        unsafe { fd_datasync(self.number) }.map_err(fs_error)
    }

    fn random() -> u64 {
        random()
    }
}

fn fs_error(error: Errno) -> FsError {
    match error {
        wasip1::ERRNO_NOENT => FsError::NotFound,
        wasip1::ERRNO_ACCES | wasip1::ERRNO_PERM | wasip1::ERRNO_NOTCAPABLE => FsError::Denied,
        wasip1::ERRNO_ROFS => FsError::ReadOnly,
        wasip1::ERRNO_ISDIR => FsError::IsFolder,
        wasip1::ERRNO_NOTDIR => FsError::NotFolder,
        wasip1::ERRNO_NOTEMPTY => FsError::NotEmpty,
        wasip1::ERRNO_EXIST => FsError::Exists,
        wasip1::ERRNO_NOSPC | wasip1::ERRNO_DQUOT => FsError::NoSpace,
        wasip1::ERRNO_FBIG => FsError::TooLarge,
        wasip1::ERRNO_INVAL
        | wasip1::ERRNO_ILSEQ
        | wasip1::ERRNO_NAMETOOLONG
        | wasip1::ERRNO_LOOP => FsError::InvalidPath,
        _ => FsError::Io,
    }
}
