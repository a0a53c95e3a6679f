//! Rules of files: which folders, by which names, for reading or for writing too.
//!
//! Nothing here looks at a disk, and names are not how files are held in their folder: handles are (see
//! [`FolderGrant::within`]).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What may be done in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Files are listed and read.
    ReadOnly,
    /// Files are made, changed and removed too.
    ReadWrite,
}

impl Access {
    /// Its name in a rule.
    pub fn name(self) -> &'static str {
        match self {
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "read-write",
        }
    }

    /// The access that a text begins with, and what follows.
    fn split(text: &str) -> Option<(Access, &str)> {
        [Access::ReadOnly, Access::ReadWrite]
            .into_iter()
            .find_map(|access| {
                let rest = text.strip_prefix(access.name())?.strip_prefix(' ')?;
                Some((access, rest))
            })
    }
}

/// A path as a plugin knows it, from the root of what it sees: names, none of which leads up. Empty is the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GuestPath(Vec<String>);

impl GuestPath {
    /// A path, with or without a slash before it.
    pub(super) fn read(text: &str) -> Result<GuestPath, String> {
        if text.contains(|letter: char| letter == '\\' || letter.is_control()) {
            return Err(
                "has a control character or a backslash in it: write names with / between them"
                    .to_owned(),
            );
        }
        let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        if names.clone().any(|name| name == "..") {
            return Err("leads up with `..`: write where it leads".to_owned());
        }
        Ok(GuestPath(names.map(str::to_owned).collect()))
    }

    /// What stands behind `parent`, if this is in it or is it.
    fn behind(&self, parent: &GuestPath) -> Option<PathBuf> {
        self.0
            .strip_prefix(parent.0.as_slice())
            .map(|names| names.iter().collect())
    }
}

impl GuestPath {
    /// The folder around it; the root is around itself.
    pub(super) fn parent(&self) -> GuestPath {
        let names = self.0.split_last().map_or(&[][..], |(_, names)| names);
        GuestPath(names.to_vec())
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_in(&self, parent: &GuestPath) -> bool {
        self.0.starts_with(&parent.0)
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("."),
            names => f.write_str(&names.join("/")),
        }
    }
}

/// What a manifest asks: `NAME`, `read-only NAME` or `read-write NAME`, where NAME is the plugin's own name for the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderAsk {
    pub(super) access: Access,
    pub(super) path: GuestPath,
}

impl FolderAsk {
    pub(super) fn read(text: &str) -> Result<FolderAsk, String> {
        let (access, path) = Access::split(text).unwrap_or((Access::ReadOnly, text));
        let path = path.trim();
        if path.is_empty() {
            return Err("names no folder: write for example \"read-only data\"".to_owned());
        }
        Ok(FolderAsk {
            access,
            path: GuestPath::read(path)?,
        })
    }
}

impl fmt::Display for FolderAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.access.name(), self.path)
    }
}

/// What a policy grants: `read-only DIR`, `read-write DIR`, or either with ` as NAME` behind it. DIR is a folder of this
/// machine, from the policy's own folder when it is relative. The plugin knows it as NAME, or as DIR where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderRule {
    pub(super) access: Access,
    pub(super) path: GuestPath,
    pub(super) folder: PathBuf,
}

impl FolderRule {
    pub(super) fn read(text: &str, base: &Path) -> Result<FolderRule, String> {
        let Some((access, rest)) = Access::split(text) else {
            return Err(
                "does not say how: write \"read-only DIR\" or \"read-write DIR\"".to_owned(),
            );
        };
        let (folder, name) = rest.rsplit_once(" as ").unwrap_or((rest, rest));
        let (folder, name) = (folder.trim(), name.trim());
        if folder.is_empty() || name.is_empty() {
            return Err("names no folder: write for example \"read-only docs\"".to_owned());
        }
        if folder.contains(char::is_control) {
            return Err("has a control character in it".to_owned());
        }
        let path = GuestPath::read(name)
            .map_err(|reason| format!("{reason}, or give it another name: DIR as NAME"))?;
        Ok(FolderRule {
            access,
            path,
            // `join` would keep a trailing dot, and two spellings of one folder are compared below.
            folder: base.join(folder).components().collect(),
        })
    }

    /// Where a plugin would know two folders by one name: the name and the folders. A folder inside another one may be
    /// elsewhere, as a mounted one is, unless less may be done in it: then reading and writing would go to different places.
    pub(super) fn conflict(&self, other: &FolderRule) -> Option<(String, PathBuf, PathBuf)> {
        let (inner, outer) = match self.path.is_in(&other.path) {
            true => (self, other),
            false => (other, self),
        };
        let by_outer = join(&outer.folder, &inner.path.behind(&outer.path)?);
        let shadows = inner.path != outer.path && inner.access >= outer.access;
        (by_outer != inner.folder && !shadows)
            .then(|| (inner.path.to_string(), inner.folder.clone(), by_outer))
    }

    /// What both the plugin asks and this rule gives.
    pub(super) fn meet(&self, ask: &FolderAsk, rule: &Arc<str>) -> Option<FolderGrant> {
        let (path, within) = match ask.path.behind(&self.path) {
            Some(within) => (ask.path.clone(), within),
            None if self.path.behind(&ask.path).is_some() => (self.path.clone(), PathBuf::new()),
            None => return None,
        };
        Some(FolderGrant {
            access: self.access.min(ask.access),
            path,
            folder: self.folder.clone(),
            within,
            rule: rule.clone(),
        })
    }

    /// The whole of it.
    pub(super) fn whole(&self, rule: &Arc<str>) -> FolderGrant {
        FolderGrant {
            access: self.access,
            path: self.path.clone(),
            folder: self.folder.clone(),
            within: PathBuf::new(),
            rule: rule.clone(),
        }
    }
}

fn join(folder: &Path, behind: &Path) -> PathBuf {
    if behind.as_os_str().is_empty() {
        folder.to_path_buf()
    } else {
        folder.join(behind)
    }
}

/// A folder that a plugin gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderGrant {
    pub(super) access: Access,
    pub(super) path: GuestPath,
    pub(super) folder: PathBuf,
    pub(super) within: PathBuf,
    pub(super) rule: Arc<str>,
}

impl FolderGrant {
    /// What may be done in it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The name by which the plugin knows it, such as `data/maps`; `.` is the root of what it sees.
    pub fn name(&self) -> String {
        self.path.to_string()
    }

    /// The folder of this machine that the policy names. It is opened as it is named: links in the operator's own path are
    /// followed.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The part of [`folder`](FolderGrant::folder) that the plugin gets, empty for the whole. It comes from the manifest: open
    /// it from the handle of the folder, never by joining the two.
    pub fn within(&self) -> &Path {
        &self.within
    }

    /// The rule that grants it, with the policy's file and line.
    pub fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// The path from this folder, if it is in here or is this folder.
    pub(super) fn behind(&self, path: &GuestPath) -> Option<PathBuf> {
        path.behind(&self.path)
    }

    /// How many names its own has: of two folders that a path is in, the one with more is nearer.
    pub(super) fn depth(&self) -> usize {
        self.path.0.len()
    }

    /// Of two grants of one name the greater one counts: by what may be done, then by the nearer rule.
    pub(super) fn rank(&self) -> (Access, usize) {
        (
            self.access,
            self.depth() - self.within.components().count().min(self.depth()),
        )
    }

    /// Whether it is all that was asked.
    pub(super) fn is_all_of(&self, ask: &FolderAsk) -> bool {
        self.path == ask.path && self.access == ask.access
    }
}

impl fmt::Display for FolderGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.access.name(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(ask: &str, rule: &str) -> Option<(String, String, String)> {
        let rule = FolderRule::read(rule, Path::new("/etc/dewclaw")).unwrap();
        let grant = rule.meet(&FolderAsk::read(ask).unwrap(), &"rule".into())?;
        let shown = |path: &Path| path.to_str().unwrap().to_owned();
        Some((
            grant.to_string(),
            shown(grant.folder()),
            shown(grant.within()),
        ))
    }

    fn owned(grant: &str, folder: &str, within: &str) -> Option<(String, String, String)> {
        Some((grant.to_owned(), folder.to_owned(), within.to_owned()))
    }

    #[test]
    fn a_relative_folder_is_beside_the_policy() {
        assert_eq!(
            meet("data", "read-only data"),
            owned("read-only data", "/etc/dewclaw/data", "")
        );
        assert_eq!(
            meet("/data/", "read-write ./data"),
            owned("read-only data", "/etc/dewclaw/data", "")
        );
        assert_eq!(
            meet("maps", "read-only /srv/m as maps"),
            owned("read-only maps", "/srv/m", "")
        );
        assert_eq!(
            meet("srv/m", "read-only /srv/m"),
            owned("read-only srv/m", "/srv/m", "")
        );
        assert_eq!(
            meet("maps", "read-only ../m as maps"),
            owned("read-only maps", "/etc/dewclaw/../m", "")
        );
    }

    #[test]
    fn the_less_of_what_is_asked_and_granted_is_given() {
        assert_eq!(
            meet("read-write data", "read-only data"),
            owned("read-only data", "/etc/dewclaw/data", "")
        );
        assert_eq!(
            meet("data/a", "read-only data"),
            owned("read-only data/a", "/etc/dewclaw/data", "a")
        );
        assert_eq!(
            meet("/", "read-only data"),
            owned("read-only data", "/etc/dewclaw/data", "")
        );
        assert_eq!(meet("dat", "read-only data"), None);
        assert_eq!(meet("database", "read-only data"), None);
        assert_eq!(
            meet("data", "read-only /srv as ."),
            owned("read-only data", "/srv", "data")
        );
    }

    #[test]
    fn what_leads_out_is_refused() {
        for text in [
            "..",
            "data/../..",
            "a\\..\\b",
            "a\0b",
            "read-write ../x",
            "read-only ",
            "",
        ] {
            assert!(FolderAsk::read(text).is_err(), "{text:?}");
        }
        for text in [
            "data",
            "read-only",
            "read-only ",
            "read-only ../x",
            "read-only x as ..",
            "read-only  as x",
        ] {
            assert!(FolderRule::read(text, Path::new("/p")).is_err(), "{text:?}");
        }
    }
}
