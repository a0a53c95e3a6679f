//! The names of a chain's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::head::Hash;

/// How many may write the log of one plugin at once, each a chain of its own.
pub(super) const MAX_WRITERS: u32 = 64;

/// Longest name of a plugin, in letters.
const MAX_NAME: usize = 64;

/// One chain of entries in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chain {
    pub(super) plugin: String,
    /// From 1.
    pub(super) writer: u32,
}

/// A chain's files that hold entries, oldest first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ChainFiles {
    /// The numbers of rotated files, rising.
    pub(super) rotated: Vec<u64>,
    pub(super) current: bool,
}

impl Chain {
    pub(super) fn new(plugin: &str, writer: u32) -> Result<Chain, AuditError> {
        if !is_name(plugin) {
            return Err(AuditError::Name(plugin.chars().take(MAX_NAME).collect()));
        }
        Ok(Chain {
            plugin: plugin.to_owned(),
            writer,
        })
    }

    /// `weather`, `weather@2`.
    pub(super) fn name(&self) -> String {
        match self.writer {
            1 => self.plugin.clone(),
            writer => format!("{}@{writer}", self.plugin),
        }
    }

    /// What the first entry's `prev` is.
    pub(super) fn beginning(&self) -> Hash {
        Hash::of(format!("dewclaw-audit 1\n{}\n", self.name()).as_bytes())
    }

    pub(super) fn current(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.jsonl", self.name()))
    }

    pub(super) fn rotated(&self, folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{}.{number}.jsonl", self.name()))
    }

    pub(super) fn head(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.head", self.name()))
    }

    pub(super) fn torn(&self, folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{}.torn-{number}", self.name()))
    }

    /// The files that there are.
    pub(super) fn files(&self, folder: &Path) -> io::Result<ChainFiles> {
        let mut found = ChainFiles {
            rotated: Vec::new(),
            current: false,
        };
        for name in names(folder)? {
            match read_name(&name) {
                Some((chain, Kind::Current)) if chain == *self => found.current = true,
                Some((chain, Kind::Rotated(number))) if chain == *self => {
                    found.rotated.push(number)
                }
                _ => {}
            }
        }
        found.rotated.sort_unstable();
        Ok(found)
    }
}

/// All chains of a folder, by plugin and writer.
pub(super) fn chains(folder: &Path) -> io::Result<Vec<Chain>> {
    let mut found: Vec<Chain> = names(folder)?
        .iter()
        .filter_map(|name| read_name(name))
        .map(|(chain, _)| chain)
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

enum Kind {
    Current,
    Rotated(u64),
    Head,
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for item in fs::read_dir(folder)? {
        if let Ok(name) = item?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

fn read_name(name: &str) -> Option<(Chain, Kind)> {
    let (stem, kind) = if let Some(stem) = name.strip_suffix(".head") {
        (stem, Kind::Head)
    } else {
        let stem = name.strip_suffix(".jsonl")?;
        match stem.split_once('.') {
            None => (stem, Kind::Current),
            Some((stem, number)) => (stem, Kind::Rotated(plain_number(number)?)),
        }
    };
    let (plugin, writer) = match stem.split_once('@') {
        None => (stem, 1),
        Some((plugin, writer)) => {
            let writer = u32::try_from(plain_number(writer)?).ok()?;
            (
                plugin,
                (2..=MAX_WRITERS).contains(&writer).then_some(writer)?,
            )
        }
    };
    Some((Chain::new(plugin, writer).ok()?, kind))
}

/// A number from 1 as it is printed, so that no two names mean the same file.
fn plain_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

fn is_name(plugin: &str) -> bool {
    (1..=MAX_NAME).contains(&plugin.len())
        && plugin
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_printed_is_read_and_others_are_not() {
        let folder = Path::new("");
        for writer in [1, 2, MAX_WRITERS] {
            let chain = Chain::new("a-b_C9", writer).unwrap();
            for path in [
                chain.current(folder),
                chain.rotated(folder, 12),
                chain.head(folder),
            ] {
                assert_eq!(read_name(path.to_str().unwrap()).unwrap().0, chain);
            }
        }
        for name in [
            "a.jsonl.gz",
            "a.0.jsonl",
            "a.01.jsonl",
            "a.+1.jsonl",
            "a@1.jsonl",
            "a@65.jsonl",
            "a@02.jsonl",
            ".jsonl",
            "a.torn-1",
            "a.1.2.jsonl",
            "ä.jsonl",
            "a b.jsonl",
        ] {
            assert!(read_name(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_plugin_cannot_name_a_file_elsewhere() {
        for name in [
            "",
            "..",
            "a/b",
            "a.b",
            "a@2",
            "a\\b",
            "a\0",
            "é",
            &"a".repeat(65),
        ] {
            assert!(
                matches!(Chain::new(name, 1), Err(AuditError::Name(_))),
                "{name:?}"
            );
        }
    }
}
