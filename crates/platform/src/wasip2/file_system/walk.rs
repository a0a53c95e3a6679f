//! Finding the place that a path leads to, links followed by hand.

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

use super::{WasiFileSystem, entry_kind, fs_error};
use crate::file_system::parts;
use crate::{EntryKind, FsError, FsResult, Stat, split};

/// Links followed on one path before it is called a loop, as Linux counts them (path_resolution(7)).
const MAX_LINKS: u32 = 40;

/// Where a path leads once its links are followed: a name in a folder that exists, or (`name` empty) the root.
pub(super) struct Place {
    pub(super) folder: Rc<Descriptor>,
    pub(super) name: String,
}

impl WasiFileSystem {
    fn check_excluded(&self, folder: &Descriptor) -> FsResult<()> {
        if self
            .excluded
            .iter()
            .any(|other| other.is_same_object(folder))
        {
            return Err(FsError::Denied);
        }
        Ok(())
    }

    /// Whether `place` itself, its links not followed, is an excluded folder.
    pub(super) fn check_not_excluded(&self, place: &Place) -> FsResult<()> {
        match open_folder(&place.folder, &place.name) {
            Ok(folder) => self.check_excluded(&folder),
            Err(_) => Ok(()),
        }
    }

    /// Follows `path` to its place. A link at the end is followed too, unless `keep_last` is set.
    pub(super) fn walk(&self, path: &str, keep_last: bool) -> FsResult<Place> {
        let root = self.root()?;
        let mut above: Vec<Rc<Descriptor>> = Vec::new();
        // The parts still to go, the next one last.
        let mut ahead: Vec<String> = Vec::new();
        for part in parts(path)? {
            ahead.insert(0, part.to_string());
        }
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                above.pop().ok_or(FsError::Denied)?;
                continue;
            }
            if above.is_empty()
                && self
                    .excluded_name
                    .is_some_and(|name| part.eq_ignore_ascii_case(name))
            {
                return Err(FsError::Denied);
            }
            let here = above.last().unwrap_or(root).clone();
            let last = ahead.is_empty();
            if last && keep_last {
                return Ok(Place {
                    folder: here,
                    name: part,
                });
            }
            match open_folder(&here, &part) {
                Ok(folder) => {
                    self.check_excluded(&folder)?;
                    if last {
                        return Ok(Place {
                            folder: here,
                            name: part,
                        });
                    }
                    above.push(Rc::new(folder));
                    continue;
                }
                Err(ErrorCode::NoEntry) if last => {
                    return Ok(Place {
                        folder: here,
                        name: part,
                    });
                }
                Err(ErrorCode::NoEntry) => return Err(FsError::NotFound),
                Err(_) => {}
            }
            let stat = here.stat_at(PathFlags::empty(), &part).map_err(fs_error)?;
            if stat.type_ == DescriptorType::SymbolicLink {
                links += 1;
                if links > MAX_LINKS {
                    return Err(FsError::InvalidPath);
                }
                let target = here.readlink_at(&part).map_err(fs_error)?;
                if target.starts_with('/') {
                    return Err(FsError::Denied);
                }
                let rest = ahead.len();
                for part in split(&target, b'/') {
                    if !matches!(part, "" | ".") {
                        ahead.insert(rest, part.to_string());
                    }
                }
            } else if last {
                return Ok(Place {
                    folder: here,
                    name: part,
                });
            } else if stat.type_ == DescriptorType::Directory {
                // It is a folder, and it did not open.
                return Err(FsError::Denied);
            } else {
                return Err(FsError::NotFolder);
            }
        }
        // The root itself, or a link whose target is a folder passed on the way.
        Ok(Place {
            folder: above.last().unwrap_or(root).clone(),
            name: String::new(),
        })
    }
}

/// Opens `name` as a folder, unless it is a link.
pub(super) fn open_folder(parent: &Descriptor, name: &str) -> Result<Descriptor, ErrorCode> {
    parent
        .open_at(
            PathFlags::empty(),
            name,
            OpenFlags::DIRECTORY,
            // Asking to change entries is needed for writes below; a read-only grant gives the folder all the same.
            DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
        )
        .or_else(|code| match code {
            ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => parent.open_at(
                PathFlags::empty(),
                name,
                OpenFlags::DIRECTORY,
                DescriptorFlags::READ,
            ),
            code => Err(code),
        })
}

/// What stands at a place, its links not followed.
pub(super) fn stat_of(place: &Place) -> FsResult<Stat> {
    let stat = if place.name.is_empty() {
        place.folder.stat()
    } else {
        place.folder.stat_at(PathFlags::empty(), &place.name)
    }
    .map_err(fs_error)?;
    let kind = entry_kind(stat.type_);
    let size = if kind == EntryKind::File {
        stat.size
    } else {
        0
    };
    Ok(Stat { kind, size })
}
