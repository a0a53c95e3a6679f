//! A workspace in memory: a map from paths to bytes, where folders are what paths lead through.

use super::wit::{
    Answer, Entry, EntryKind, FileContent, FileError, FileOperation, FileRead, FolderList,
};
use std::collections::BTreeMap;

/// Files by their paths.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Performs an operation of a session's.
pub(super) fn perform(files: &mut Files, operation: FileOperation) -> Answer {
    let path = match &operation {
        FileOperation::Read(FileRead { path, .. })
        | FileOperation::Replace(FileContent { path, .. })
        | FileOperation::Append(FileContent { path, .. })
        | FileOperation::ListFolder(FolderList { path, .. })
        | FileOperation::Stat(path) => path.as_str(),
    };
    let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
    if above.any(|folder| files.contains_key(folder)) {
        return Answer::FileFailed(FileError::NotFolder);
    }
    match operation {
        FileOperation::Read(FileRead {
            path,
            offset,
            length,
        }) => match files.get(&path) {
            Some(content) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = content.get(offset..).unwrap_or_default();
                let bytes = &rest[..rest.len().min(length as usize)];
                Answer::Bytes((bytes.to_vec(), bytes.len() == rest.len()))
            }
            None => Answer::FileFailed(no_file(files, &path)),
        },
        FileOperation::Replace(FileContent { path, content }) => {
            if is_folder(files, &path) {
                return Answer::FileFailed(FileError::IsFolder);
            }
            files.insert(path, content);
            Answer::Done
        }
        FileOperation::Append(FileContent { path, content }) => {
            if is_folder(files, &path) {
                return Answer::FileFailed(FileError::IsFolder);
            }
            files.entry(path).or_default().extend(content);
            Answer::Done
        }
        FileOperation::ListFolder(FolderList { path, limit }) => {
            if files.contains_key(&path) {
                return Answer::FileFailed(FileError::NotFolder);
            }
            if !is_folder(files, &path) {
                return Answer::FileFailed(FileError::NotFound);
            }
            let entries = entries(files, &path);
            let total = entries.len() as u64;
            Answer::Listing((entries.into_iter().take(limit as usize).collect(), total))
        }
        FileOperation::Stat(path) => match files.get(&path) {
            Some(content) => Answer::Stat((EntryKind::File, content.len() as u64)),
            None if is_folder(files, &path) => Answer::Stat((EntryKind::Folder, 0)),
            None => Answer::FileFailed(FileError::NotFound),
        },
    }
}

/// Why there is no file at a path.
fn no_file(files: &Files, path: &str) -> FileError {
    if is_folder(files, path) {
        FileError::IsFolder
    } else {
        FileError::NotFound
    }
}

fn is_folder(files: &Files, path: &str) -> bool {
    path.is_empty() || !entries(files, path).is_empty()
}

fn entries(files: &Files, folder: &str) -> Vec<Entry> {
    let mut entries: BTreeMap<&str, (EntryKind, u64)> = BTreeMap::new();
    for (path, content) in files {
        let below = if folder.is_empty() {
            Some(path.as_str())
        } else {
            path.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
        };
        match below.map(|below| below.split_once('/').ok_or(below)) {
            Some(Ok((name, _))) => entries.insert(name, (EntryKind::Folder, 0)),
            Some(Err(name)) => entries.insert(name, (EntryKind::File, content.len() as u64)),
            None => None,
        };
    }
    let entry = |(name, (kind, size)): (&str, _)| Entry {
        name: name.to_owned(),
        kind,
        size,
    };
    entries.into_iter().map(entry).collect()
}
