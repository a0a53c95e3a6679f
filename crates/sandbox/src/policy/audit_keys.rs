//! The `[audit]` table of a policy: when the disk is asked to keep entries, and what they may take of it.

use std::time::Duration;

use super::error::{Problem, ReadError};
use super::read::Section;
use crate::audit::{AuditOptions, SyncPolicy};

/// Bytes in a megabyte, as everywhere in a policy.
const MEGABYTE: u64 = 1_000_000;

/// What the table says; without a key, what holds without a policy.
pub(super) fn read(section: &Section<'_>) -> Result<AuditOptions, ReadError> {
    section.only(&["sync", "max_file_mb", "max_total_mb"])?;
    let mut options = AuditOptions::default();
    if let Some(sync) = section.text("sync")? {
        options.sync = read_sync(sync.value).ok_or_else(|| {
            let at = section
                .table
                .get("sync")
                .map_or(0, |value| value.span().start);
            section.source.refuse(
                at,
                Problem::Entry {
                    key: "sync",
                    entry: sync.value.chars().take(100).collect(),
                    reason: "does not say when: write \"every entry\", \"100 entries\", \"5 s\" or \"never\"".to_owned(),
                },
            )
        })?;
    }
    if let Some(size) = section.number("max_file_mb")? {
        options.rotate_bytes = size.value.saturating_mul(MEGABYTE);
    }
    if let Some(size) = section.number("max_total_mb")? {
        options.max_total_bytes = size.value.saturating_mul(MEGABYTE);
    }
    Ok(options)
}

fn read_sync(text: &str) -> Option<SyncPolicy> {
    match text {
        "every entry" => return Some(SyncPolicy::EveryEntry),
        "never" => return Some(SyncPolicy::Never),
        _ => {}
    }
    let (number, unit) = text.split_once(' ')?;
    if !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match unit {
        "entries" => number
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .map(SyncPolicy::Every),
        "s" => {
            let seconds: u32 = number.parse().ok()?;
            Some(SyncPolicy::Within(Duration::from_secs(seconds.into())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Policy;
    use super::*;

    fn read(text: &str) -> Result<Policy, String> {
        let text = format!("version = 1\n{text}");
        Policy::read("p.toml", text.as_bytes(), Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_operator_says_when_the_disk_is_asked_and_how_much_it_holds() {
        let none = read("").unwrap().audit();
        assert_eq!(none.sync, SyncPolicy::Within(Duration::from_secs(1)));
        let own =
            read("[audit]\nsync = \"every entry\"\nmax_file_mb = 2\nmax_total_mb = 50").unwrap();
        let own = own.audit();
        assert_eq!(
            (own.sync, own.rotate_bytes, own.max_total_bytes),
            (SyncPolicy::EveryEntry, 2_000_000, 50_000_000)
        );
        for (text, sync) in [
            ("never", SyncPolicy::Never),
            ("100 entries", SyncPolicy::Every(100)),
            ("5 s", SyncPolicy::Within(Duration::from_secs(5))),
        ] {
            let policy = read(&format!("[audit]\nsync = \"{text}\"")).unwrap();
            assert_eq!(policy.audit().sync, sync);
        }
    }

    #[test]
    fn what_says_nothing_is_refused_with_its_line() {
        for sync in [
            "",
            "often",
            "0 entries",
            "+5 s",
            "-1 s",
            "5 m",
            "99999999999 s",
        ] {
            let refused = read(&format!("[audit]\nsync = \"{sync}\"")).unwrap_err();
            assert!(
                refused.starts_with(&format!("p.toml:3: sync: {sync:?} does not say when")),
                "{refused}"
            );
        }
        assert!(
            read("[audit]\nfsync = true")
                .unwrap_err()
                .contains("unknown key \"fsync\"")
        );
    }
}
