//! A plugin's files: the folders that the policy grants, held by handles, and nothing that is not in them.
//!
//! [`Files`] belongs to one plugin, over all its stores. It answers `read-file` and `write-file`, and it is what a plugin's own
//! WASI gets its folders from. What holds for both:
//!
//! * A granted folder is opened once. Everything in it is reached from that handle, name by name, by cap-std: a path that leads up,
//!   or a symlink that leads out (relative or absolute, at the end or on the way), is refused, whoever changes it while it is used.
//!   Symlinks that stay in the folder are followed.
//! * Only regular files are read and written. A file is opened so that opening cannot wait, and it is the opened file that is asked
//!   what it is: FIFOs, devices, sockets and folders are refused, and so is what the kernel makes up in `/proc` and `/sys`, which
//!   would tell the host's own memory and environment.
//! * A file with more than one name (hard links) is refused, for reading and for writing: one of its names may be outside the
//!   granted folder, and a handle cannot tell. A copy of the file can be used instead.
//! * Files open at once and bytes written are counted over all of the plugin's stores
//!   ([`Limit::OpenFiles`](crate::limits::Limit::OpenFiles), [`Limit::Written`](crate::limits::Limit::Written)).
//!
//! A plugin's own WASI (`wasi:filesystem`) goes through the same: [`PluginFiles`]. There, besides:
//!
//! * Hard links are not made, and symlinks only with a path below their own folder in them; an absolute symlink is not read either.
//!   Names with control characters or backslashes are refused.
//! * A file counts as open until its descriptor and the last stream of it are gone; so does a listing of a folder. Two streams may be
//!   open for each file that may be.
//! * Bytes written count by every way of writing. A file that is made longer counts with the hole in it, and a new file, folder or
//!   symlink as 4,096 bytes, about what it takes of a disk.
//! * What is asked of a path is heard by a [`FileObserver`] before the plugin hears of it.
//!
//! What is not promised: where a granted folder is on a file system that hangs, a call still ends at its deadline, but the thread
//! that asks the file system waits on with it; a folder that another program moves elsewhere while it is used goes on being used; and
//! what other programs do in a granted folder is seen by the plugin, as far as it is regular files.

mod counts;
mod error;
mod folder;
mod granted;
mod observer;
pub(crate) mod wasi;
mod whole;

pub use error::{FilesError, Irregular, OpenError};
pub(crate) use folder::without_waiting;
pub use granted::Files;
pub use observer::{FileObserver, ObservedPath, PathCall, PluginFiles};
