//! One granted folder by its handle, and the only way in which anything in it is opened.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};
use wasmtime_wasi::filesystem::Dir as Descriptor;
use wasmtime_wasi::{FsPerms, OpenMode};

use super::error::{Irregular, OpenError};
use crate::policy::{Access, FolderGrant};

/// A granted folder.
pub(crate) struct Folder {
    pub(crate) dir: Dir,
    /// The same for the plugin's own WASI.
    pub(crate) descriptor: Descriptor,
    pub(crate) name: String,
    pub(crate) access: Access,
    pub(crate) rule: Arc<str>,
}

/// Why something in a folder was not opened.
#[derive(Debug)]
pub(crate) enum Refused {
    Leaves,
    Irregular(Irregular),
    HardLink { names: u64 },
    System(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        // What cap-std itself refuses has no number of the system's.
        if error.raw_os_error().is_none() && error.kind() == io::ErrorKind::PermissionDenied {
            Refused::Leaves
        } else {
            Refused::System(error)
        }
    }
}

/// What was opened.
#[derive(Debug)]
pub(crate) enum Opened {
    File(File),
    Folder(File),
}

/// How to open. Neither truncates: what it is, is known only of what is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) create: bool,
    /// Fails where something is there already.
    pub(crate) exclusive: bool,
    /// A symlink at the end of the path is followed, as far as it stays in the folder.
    pub(crate) follow: bool,
}

impl How {
    /// Opens what is there, for reading.
    pub(crate) const READ: How = How {
        read: true,
        write: false,
        create: false,
        exclusive: false,
        follow: true,
    };
}

impl Folder {
    /// Opens a granted folder: as the operator named it, then what the manifest asks of it from there.
    pub(crate) fn open(grant: &FolderGrant) -> Result<Folder, OpenError> {
        let failed = |source| OpenError::Folder {
            folder: grant.folder().to_owned(),
            within: grant.within().to_owned(),
            rule: grant.rule().to_string(),
            source,
        };
        let dir = open_ambient(grant.folder()).map_err(failed)?;
        let dir = if grant.within().as_os_str().is_empty() {
            dir
        } else {
            open_folder(&dir, grant.within()).map_err(failed)?
        };
        if is_of_the_kernel(&dir).map_err(failed)? {
            return Err(OpenError::Kernel {
                folder: grant.folder().to_owned(),
                within: grant.within().to_owned(),
                rule: grant.rule().to_string(),
            });
        }
        Ok(Folder {
            descriptor: descriptor(&dir, grant.access()).map_err(failed)?,
            dir,
            name: grant.name(),
            access: grant.access(),
            rule: grant.rule().clone(),
        })
    }
}

fn descriptor(dir: &Dir, access: Access) -> io::Result<Descriptor> {
    let (perms, mode) = match access {
        Access::ReadOnly => (FsPerms::ReadOnly, OpenMode::READ),
        Access::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
    };
    let dir = dir.try_clone()?.into_std_file();
    Ok(Descriptor::new(dir, perms, mode, false))
}

/// Opens a regular file or a folder in `dir`, without ever waiting.
pub(crate) fn open(dir: &Dir, path: &Path, how: How) -> Result<Opened, Refused> {
    let mut options = OpenOptions::new();
    options
        .read(how.read || !how.write)
        .write(how.write)
        .follow(match how.follow {
            true => FollowSymlinks::Yes,
            false => FollowSymlinks::No,
        });
    match how.create {
        true if how.exclusive => options.create_new(true),
        create => options.create(create),
    };
    without_waiting(&mut options);
    let file = match dir.open_with(path, &options) {
        Ok(file) => file,
        Err(error) => return Err(what_stood_there(dir, path, error)),
    };
    let metadata = file.metadata()?;
    if is_of_the_kernel(&file)? {
        return Err(Refused::Irregular(Irregular::Kernel));
    }
    if metadata.is_dir() {
        return Ok(Opened::Folder(file.into_std()));
    }
    check(&metadata)?;
    Ok(Opened::File(file.into_std()))
}

/// Whether this may be read and written, by what it is.
pub(crate) fn check(metadata: &Metadata) -> Result<(), Refused> {
    if !metadata.is_file() {
        return Err(Refused::Irregular(irregular(metadata)));
    }
    match names(metadata) {
        0 | 1 => Ok(()),
        names => Err(Refused::HardLink { names }),
    }
}

/// A socket, or a FIFO that nobody reads, cannot be opened at all: the error says what it is rather than what the system says.
fn what_stood_there(dir: &Dir, path: &Path, error: io::Error) -> Refused {
    let refused = Refused::from(error);
    if matches!(refused, Refused::System(_))
        && let Ok(metadata) = dir.metadata(path)
        && !metadata.is_file()
        && !metadata.is_dir()
    {
        return Refused::Irregular(irregular(&metadata));
    }
    refused
}

/// A folder in `dir`, by a handle that can be read.
pub(crate) fn open_folder(dir: &Dir, path: &Path) -> io::Result<Dir> {
    let mut options = OpenOptions::new();
    options.read(true);
    must_be_folder(&mut options);
    Ok(Dir::from_std_file(
        dir.open_with(path, &options)?.into_std(),
    ))
}

#[cfg(unix)]
fn open_ambient(folder: &Path) -> io::Result<Dir> {
    use std::os::unix::fs::OpenOptionsExt;

    let _ = ambient_authority();
    let folder = File::options()
        .read(true)
        .custom_flags(flags(rustix::fs::OFlags::DIRECTORY))
        .open(folder)?;
    Ok(Dir::from_std_file(folder))
}

#[cfg(not(unix))]
fn open_ambient(folder: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(folder, ambient_authority())
}

#[cfg(unix)]
fn must_be_folder(options: &mut OpenOptions) {
    use cap_std::fs::OpenOptionsExt;

    options.custom_flags(flags(rustix::fs::OFlags::DIRECTORY));
}

#[cfg(not(unix))]
fn must_be_folder(options: &mut OpenOptions) {
    use cap_fs_ext::OpenOptionsMaybeDirExt;

    options.maybe_dir(true);
}

#[cfg(unix)]
pub(crate) fn without_waiting(options: &mut OpenOptions) {
    use cap_std::fs::OpenOptionsExt;
    use rustix::fs::OFlags;

    // A FIFO does not wait for its other end, and a terminal does not become the host's own.
    options.custom_flags(flags(OFlags::NONBLOCK | OFlags::NOCTTY));
}

#[cfg(not(unix))]
pub(crate) fn without_waiting(options: &mut OpenOptions) {
    use cap_fs_ext::OpenOptionsMaybeDirExt;

    options.maybe_dir(true);
}

#[cfg(unix)]
fn flags(flags: rustix::fs::OFlags) -> i32 {
    // The bits are those of the system's `int`.
    flags.bits().cast_signed()
}

#[cfg(unix)]
fn irregular(metadata: &Metadata) -> Irregular {
    use cap_std::fs::FileTypeExt;

    let kind = metadata.file_type();
    if kind.is_dir() {
        Irregular::Folder
    } else if kind.is_fifo() {
        Irregular::Fifo
    } else if kind.is_socket() {
        Irregular::Socket
    } else if kind.is_block_device() || kind.is_char_device() {
        Irregular::Device
    } else {
        Irregular::Other
    }
}

#[cfg(not(unix))]
fn irregular(metadata: &Metadata) -> Irregular {
    match metadata.is_dir() {
        true => Irregular::Folder,
        false => Irregular::Other,
    }
}

fn names(metadata: &Metadata) -> u64 {
    use cap_fs_ext::MetadataExt;

    metadata.nlink()
}

/// Whether the kernel makes up what is there: such files tell memory, environment and secrets of the host, or steer it.
#[cfg(target_os = "linux")]
pub(crate) fn is_of_the_kernel(handle: &impl rustix::fd::AsFd) -> io::Result<bool> {
    // The numbers of the kernel's magic.h, and of configfs from its own source.
    const MADE_UP: [u64; 12] = [
        0x0000_9fa0, // PROC_SUPER_MAGIC
        0x6265_6572, // SYSFS_MAGIC
        0x6462_6720, // DEBUGFS_MAGIC
        0x7472_6163, // TRACEFS_MAGIC
        0x7363_6673, // SECURITYFS_MAGIC
        0xf97c_ff8c, // SELINUX_MAGIC
        0xcafe_4a11, // BPF_FS_MAGIC
        0x0027_e0eb, // CGROUP_SUPER_MAGIC
        0x6367_7270, // CGROUP2_SUPER_MAGIC
        0xde5e_81e4, // EFIVARFS_MAGIC
        0x6e73_6673, // NSFS_MAGIC
        0x6265_6570, // CONFIGFS_MAGIC
    ];

    // The field's type and sign differ between machines; the numbers have 32 bits.
    let kind = rustix::fs::fstatfs(handle)?.f_type as u64 & 0xffff_ffff;
    Ok(MADE_UP.contains(&kind))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_of_the_kernel<T>(_handle: &T) -> io::Result<bool> {
    Ok(false)
}
