//! The in-memory file system: a full one, for cores without imports, browsers and tests.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{
    EntryKind, FileSystem, FsError, FsResult, Listing, ListingEntry, ReadChunk, Stat, parts,
};

#[derive(Clone, Debug)]
enum Node {
    File(Vec<u8>),
    Folder(BTreeMap<String, Node>),
}

/// A tree of folders and files in memory. It has no links and no special files.
#[derive(Clone, Debug)]
pub struct MemoryFileSystem {
    root: Node,
    capacity: usize,
}

impl Default for MemoryFileSystem {
    fn default() -> Self {
        MemoryFileSystem::with_capacity(usize::MAX)
    }
}

impl MemoryFileSystem {
    /// An empty file system that says [`FsError::NoSpace`] when its files would hold more than `bytes`.
    pub fn with_capacity(bytes: usize) -> MemoryFileSystem {
        MemoryFileSystem {
            root: Node::Folder(BTreeMap::new()),
            capacity: bytes,
        }
    }

    fn node(&self, path: &str) -> FsResult<&Node> {
        let mut node = &self.root;
        for part in parts(path)? {
            node = match node {
                Node::Folder(entries) => entries.get(part).ok_or(FsError::NotFound)?,
                Node::File(_) => return Err(FsError::NotFolder),
            };
        }
        Ok(node)
    }

    /// The entries of the folder that holds `path`, and the last part's name.
    fn parent<'p>(&mut self, path: &'p str) -> FsResult<(&mut BTreeMap<String, Node>, &'p str)> {
        let mut parts = parts(path)?;
        let name = parts.pop().ok_or(FsError::IsFolder)?;
        let mut node = &mut self.root;
        for part in parts {
            node = match node {
                Node::Folder(entries) => entries.get_mut(part).ok_or(FsError::NotFound)?,
                Node::File(_) => return Err(FsError::NotFolder),
            };
        }
        match node {
            Node::Folder(entries) => Ok((entries, name)),
            Node::File(_) => Err(FsError::NotFolder),
        }
    }

    /// The file at `path`, made empty if it is missing, once `growth` more bytes fit in all.
    fn file_for_write(&mut self, path: &str, growth: usize) -> FsResult<&mut Vec<u8>> {
        let used = bytes_of(&self.root);
        let fits = growth <= self.capacity.saturating_sub(used);
        let (entries, name) = self.parent(path)?;
        if matches!(entries.get(name), Some(Node::Folder(_))) {
            return Err(FsError::IsFolder);
        }
        if !fits {
            return Err(FsError::NoSpace);
        }
        let node = entries
            .entry(name.to_string())
            .or_insert_with(|| Node::File(Vec::new()));
        match node {
            Node::File(bytes) => Ok(bytes),
            Node::Folder(_) => Err(FsError::IsFolder),
        }
    }
}

fn bytes_of(node: &Node) -> usize {
    match node {
        Node::File(bytes) => bytes.len(),
        Node::Folder(entries) => entries.values().map(bytes_of).sum(),
    }
}

fn stat_of(node: &Node) -> Stat {
    match node {
        Node::File(bytes) => Stat {
            kind: EntryKind::File,
            size: bytes.len() as u64,
        },
        Node::Folder(_) => Stat {
            kind: EntryKind::Folder,
            size: 0,
        },
    }
}

impl FileSystem for MemoryFileSystem {
    fn read(&mut self, path: &str, offset: u64, length: usize) -> FsResult<ReadChunk> {
        let Node::File(bytes) = self.node(path)? else {
            return Err(FsError::IsFolder);
        };
        let start = usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
        let end = start.saturating_add(length).min(bytes.len());
        Ok(ReadChunk {
            bytes: bytes[start..end].to_vec(),
            end: end == bytes.len(),
        })
    }

    fn replace(&mut self, path: &str, content: &[u8]) -> FsResult<()> {
        let old = match self.node(path) {
            Ok(Node::File(bytes)) => bytes.len(),
            _ => 0,
        };
        let file = self.file_for_write(path, content.len().saturating_sub(old))?;
        *file = content.to_vec();
        Ok(())
    }

    fn append(&mut self, path: &str, content: &[u8]) -> FsResult<u64> {
        let file = self.file_for_write(path, content.len())?;
        file.extend_from_slice(content);
        Ok(file.len() as u64)
    }

    fn list(&mut self, path: &str, limit: usize) -> FsResult<Listing> {
        let Node::Folder(entries) = self.node(path)? else {
            return Err(FsError::NotFolder);
        };
        Ok(Listing {
            entries: entries
                .iter()
                .take(limit)
                .map(|(name, node)| {
                    let Stat { kind, size } = stat_of(node);
                    ListingEntry {
                        name: name.clone(),
                        kind,
                        size,
                    }
                })
                .collect(),
            total: entries.len() as u64,
        })
    }

    fn stat(&mut self, path: &str) -> FsResult<Stat> {
        self.node(path).map(stat_of)
    }

    fn create_folders(&mut self, path: &str) -> FsResult<()> {
        let mut node = &mut self.root;
        for part in parts(path)? {
            node = match node {
                Node::Folder(entries) => entries
                    .entry(part.to_string())
                    .or_insert_with(|| Node::Folder(BTreeMap::new())),
                Node::File(_) => return Err(FsError::NotFolder),
            };
        }
        match node {
            Node::Folder(_) => Ok(()),
            Node::File(_) => Err(FsError::NotFolder),
        }
    }

    fn remove(&mut self, path: &str) -> FsResult<()> {
        let (entries, name) = self.parent(path)?;
        match entries.get(name) {
            None => Err(FsError::NotFound),
            Some(Node::Folder(inner)) if !inner.is_empty() => Err(FsError::NotEmpty),
            Some(_) => {
                entries.remove(name);
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> FsResult<()> {
        let moving_folder = matches!(self.node(from)?, Node::Folder(_));
        let below = to
            .strip_prefix(from)
            .is_some_and(|rest| rest.starts_with('/'));
        if from.is_empty() || (below && moving_folder) {
            return Err(FsError::InvalidPath);
        }
        if from == to {
            return Ok(());
        }
        let (target_entries, target_name) = self.parent(to)?;
        match target_entries.get(target_name) {
            Some(Node::Folder(_)) if !moving_folder => return Err(FsError::IsFolder),
            Some(Node::Folder(inner)) if !inner.is_empty() => return Err(FsError::NotEmpty),
            Some(Node::File(_)) if moving_folder => return Err(FsError::NotFolder),
            _ => {}
        }
        let (entries, name) = self.parent(from)?;
        let node = entries.remove(name).ok_or(FsError::NotFound)?;
        let (entries, name) = self.parent(to)?;
        entries.insert(name.to_string(), node);
        Ok(())
    }
}
