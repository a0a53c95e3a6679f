//! The same attacks on files by a guest that has wasi:filesystem: its folders are the same, and the answers are WASI's nearest.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use dewclaw_sandbox::audit::Verdict;

use crate::files::Place;

const GRANTED: &str = "[plugins.attacker.permissions]\nwasi = [\"filesystem\", \"clocks\", \"random\", \"cli\"]\nfilesystem = [\"read-write data\"]\n";

/// As the guest answers codes of `wasi:filesystem/types`.
const QUOTA: &str = "-7";
const ILLEGAL_BYTE_SEQUENCE: &str = "-10";
const NO_ENTRY: &str = "-21";
const NOT_PERMITTED: &str = "-32";

/// The plugin that does with files what the first letter of its tool says: see its file.
fn guest() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| wat::parse_str(include_str!("../wasi/guest.wat")).unwrap())
}

async fn answer(place: &Place, tool: &str, path: &str) -> String {
    let attempt = place.scene.attack(&place.attacker, tool, path).await;
    assert!(attempt.took < Duration::from_secs(1), "{tool} {path}");
    attempt.answer().unwrap()
}

/// Attack: ways out by wasi:filesystem
/// Answer: `not-permitted`, `no-entry`, or `illegal-byte-sequence` for what is no path, by `open-at`, `unlink-file-at`, `rename-at`,
/// `set-times-at`, `link-at` and `symlink-at`; the trail has each with its rule
/// Bound: as for `read-file` and `write-file`: `..`, absolute paths, NUL, symlinks, hard links, FIFOs, `/proc/self`
#[tokio::test]
async fn ways_out_by_wasi_filesystem() {
    let place = Place::of(GRANTED, guest());
    symlink("../outside", place.data("folder")).unwrap();
    symlink(place.outside(""), place.data("absolute")).unwrap();
    symlink("/proc/self", place.data("self")).unwrap();
    fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
    let fifo = place.data("fifo");
    assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    let absolute = place.outside("secret");
    let mut calls = 0;
    for path in [
        "../outside/secret",
        "nope/../../outside/secret",
        "sub/../../outside/secret",
        absolute.to_str().unwrap(),
        "/etc/passwd",
        "folder/secret",
        "absolute/secret",
        "self/environ",
        "file\0/../../outside/secret",
    ] {
        // Read, write, cut, remove, rename, set times.
        for tool in ["R", "c", "t", "u", "r", "T"] {
            let said = answer(&place, tool, path).await;
            let expected = if path.contains('\0') {
                &[ILLEGAL_BYTE_SEQUENCE][..]
            } else {
                &[NOT_PERMITTED, NO_ENTRY][..]
            };
            assert!(expected.contains(&said.as_str()), "{tool} {path:?}: {said}");
            calls += 1;
        }
    }
    for (tool, path) in [
        // Read, write, cut what has a second name outside; open what makes one wait; make links that lead out.
        ("R", "hard"),
        ("c", "hard"),
        ("t", "hard"),
        ("R", "fifo"),
        ("c", "fifo"),
        ("s", "../outside/secret"),
        ("s", absolute.to_str().unwrap()),
        ("h", "hard"),
    ] {
        assert_eq!(
            answer(&place, tool, path).await,
            NOT_PERMITTED,
            "{tool} {path}"
        );
        calls += 1;
    }
    place.outside_is_unharmed();
    let trail = place.scene.attackers_trail();
    assert_eq!(trail.len(), calls);
    for entry in trail {
        assert_eq!(entry.function, "wasi:filesystem");
        assert!(entry.error.is_some(), "{entry:?}");
    }
}

/// Attack: files that fill the disk, by wasi:filesystem
/// Answer: `quota`; the trail: "max_written_mb"
/// Bound: the same 100 MB, over streams, `write`, `set-size` and new names, holes too
#[tokio::test]
async fn files_that_fill_the_disk_by_wasi_filesystem() {
    let policy = format!("{GRANTED}[plugins.attacker.resources]\nmax_written_mb = 1\n");
    // By a stream, by appending, by `write`.
    for tool in ["w", "A", "W"] {
        let place = Place::of(&policy, guest());
        assert_eq!(answer(&place, tool, "new").await, "243006", "{tool}");
        assert_eq!(fs::metadata(place.data("new")).unwrap().len(), 243 * 4096);
        // And nothing new is made any more: a file, a folder.
        for tool in ["c", "m"] {
            assert_eq!(answer(&place, tool, "other").await, QUOTA);
        }
        let denied = place.scene.attackers_trail();
        let denied = denied
            .iter()
            .filter(|entry| entry.verdict == Verdict::Denied);
        assert!(denied.clone().count() >= 2);
        for entry in denied {
            assert!(entry.rule.contains("max_written_mb"), "{}", entry.rule);
        }
    }
    let place = Place::of(&policy, guest());
    // A file of a terabyte, of holes; writing behind its first terabyte.
    for tool in ["S", "g"] {
        assert_eq!(answer(&place, tool, "file").await, QUOTA, "{tool}");
    }
    assert_eq!(fs::metadata(place.data("file")).unwrap().len(), 6);
}

/// Attack: more open files than there may be
/// Answer: by wasi:filesystem: `insufficient-memory`; by `read-file`: "limit reached: …: max_open_files is …"
/// Bound: 10 over all stores of the plugin; they are given back with the store
#[tokio::test]
async fn more_open_files_than_there_may_be() {
    let place = Place::of(GRANTED, guest());
    for _ in 0..3 {
        let said = answer(&place, "z", "file").await;
        assert!(said.starts_with("10"), "{said}");
    }
    let denied = place.scene.attackers_trail();
    let denied: Vec<_> = denied
        .iter()
        .filter(|entry| entry.verdict == Verdict::Denied)
        .collect();
    assert_eq!(denied.len(), 3);
    assert!(
        denied[0].rule.contains("max_open_files"),
        "{}",
        denied[0].rule
    );
}
