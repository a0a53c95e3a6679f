//! Finding the place that a path leads to, links followed by hand.

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::GrantedFiles;
use super::descriptor::Descriptor;
use crate::file_system::parts;
use crate::{EntryKind, FsError, FsResult, Stat, split};

/// Links followed on one path before it is called a loop, as Linux counts them (path_resolution(7)).
const MAX_LINKS: u32 = 40;

/// Where a path leads once its links are followed: a name in a folder that exists, or (`name` empty) the root.
pub(super) struct Place<D> {
    pub(super) folder: Rc<D>,
    pub(super) name: String,
}

impl<D: Descriptor> GrantedFiles<D> {
    fn check_excluded(&self, folder: &D) -> FsResult<()> {
        if self.excluded.iter().any(|other| other.is_same(folder)) {
            return Err(FsError::Denied);
        }
        Ok(())
    }

    /// Whether `place` itself, its links not followed, is an excluded folder.
    pub(super) fn check_not_excluded(&self, place: &Place<D>) -> FsResult<()> {
        match open_folder(&place.folder, &place.name) {
            Ok(folder) => self.check_excluded(&folder),
            Err(_) => Ok(()),
        }
    }

    /// Follows `path` to its place. A link at the end is followed too, unless `keep_last` is set.
    pub(super) fn walk(&self, path: &str, keep_last: bool) -> FsResult<Place<D>> {
        let root = self.root()?;
        let mut above: Vec<Rc<D>> = Vec::new();
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
            // What it is decides, before anything is opened: opening a pipe could wait for ever.
            match here.stat_at(&part).map(|stat| stat.kind) {
                Ok(EntryKind::Folder) => {
                    let opened = here.open_folder(&part);
                    if let Ok(folder) = &opened {
                        self.check_excluded(folder)?;
                    }
                    if !last {
                        // One that did not open has nothing in it for the guest, whatever the reason.
                        above.push(Rc::new(opened.map_err(|_| FsError::Denied)?));
                        continue;
                    }
                }
                Ok(EntryKind::Link) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(FsError::InvalidPath);
                    }
                    let target = here.read_link(&part)?;
                    if target.starts_with('/') {
                        return Err(FsError::Denied);
                    }
                    let rest = ahead.len();
                    for part in split(&target, b'/') {
                        if !matches!(part, "" | ".") {
                            ahead.insert(rest, part.to_string());
                        }
                    }
                    continue;
                }
                Ok(_) if !last => return Err(FsError::NotFolder),
                Err(FsError::NotFound) if last => {}
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            return Ok(Place {
                folder: here,
                name: part,
            });
        }
        // The root itself, or a link whose target is a folder passed on the way.
        Ok(Place {
            folder: above.last().unwrap_or(root).clone(),
            name: String::new(),
        })
    }
}

/// Opens `name` as a folder, if it is one.
pub(super) fn open_folder<D: Descriptor>(parent: &Rc<D>, name: &str) -> FsResult<D> {
    match parent.stat_at(name)?.kind {
        EntryKind::Folder => parent.open_folder(name),
        _ => Err(FsError::NotFolder),
    }
}

/// What stands at a place, its links not followed.
pub(super) fn stat_of<D: Descriptor>(place: &Place<D>) -> FsResult<Stat> {
    if place.name.is_empty() {
        return Ok(Stat {
            kind: EntryKind::Folder,
            size: 0,
        });
    }
    place.folder.stat_at(&place.name)
}
