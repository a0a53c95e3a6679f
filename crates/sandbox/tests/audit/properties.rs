//! What holds for any text, any bytes and any single change.

use std::fs;

use dewclaw_sandbox::audit::{AuditError, write_json_lines, write_table};
use proptest::prelude::*;

use super::{all_lines, call, entries, open, options, put_lines, report, written};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Attack: trail that was changed
    /// Answer: a fault with the file and the line, for any line that is removed, changed, exchanged or put in
    /// Bound: every entry holds the hash of the one before, and the head that of the last
    #[test]
    fn any_line_removed_changed_exchanged_or_put_in_is_found(
        count in 2usize..14, what in 0usize..6, at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(), flip in 1u8..128,
    ) {
        let held = tempfile::tempdir().unwrap();
        written(held.path(), count);
        prop_assert!(report(held.path()).is_intact());
        let mut all = all_lines(held.path());
        let (at, other) = (at.index(all.len()), other.index(all.len()));
        let before = all.clone();
        match what {
            0 => {
                all.remove(at);
            }
            1 => {
                let (one, two) = (all[at].1.clone(), all[other].1.clone());
                all[at].1 = two;
                all[other].1 = one;
            }
            2 => {
                let line = all[at].clone();
                all.insert(other, line);
            }
            3 => {
                // Any byte; a line feed more or less changes the lines.
                let mut bytes = all[at].1.clone().into_bytes();
                let place = byte.index(bytes.len());
                bytes[place] ^= flip;
                prop_assume!(bytes.is_ascii());
                all[at].1 = String::from_utf8(bytes).unwrap();
            }
            4 => {
                // An entry of the same chain's other life: whole in itself.
                let forged = tempfile::tempdir().unwrap();
                written(forged.path(), count);
                all[at].1 = all_lines(forged.path())[other].1.clone();
            }
            _ => all.truncate(at),
        }
        prop_assume!(all != before);
        put_lines(held.path(), &all);
        let report = report(held.path());
        // The very last line feed: the line is whole, and its end is cut.
        prop_assert!(!report.is_intact(), "{what} {at} {other}: {report}");
    }

    #[test]
    fn the_reader_survives_any_bytes(
        log in prop::collection::vec(any::<u8>(), 0..2000), head in prop::collection::vec(any::<u8>(), 0..200),
        after_entries in any::<bool>(), with_feed in any::<bool>(),
    ) {
        let held = tempfile::tempdir().unwrap();
        let file = held.path().join("weather.jsonl");
        if after_entries {
            written(held.path(), 2);
        }
        let mut bytes = fs::read(&file).unwrap_or_default();
        bytes.extend(log);
        if with_feed {
            bytes.push(b'\n');
        }
        fs::write(&file, &bytes).unwrap();
        if !after_entries {
            fs::write(held.path().join("weather.head"), head).unwrap();
        }
        let _ = report(held.path()).to_string();
        let mut table = Vec::new();
        write_table(&mut table, &entries(held.path())).unwrap();
        match open(held.path(), options()).log("weather") {
            Ok(log) => call(&log, "LANG").unwrap(),
            Err(error) => prop_assert!(matches!(error, AuditError::Broken { .. }), "{error}"),
        }
    }

    #[test]
    fn any_text_is_read_back_and_bounded(text in ".{0,300}", rule in any::<String>(), error in any::<String>()) {
        let held = tempfile::tempdir().unwrap();
        let log = open(held.path(), options()).log("weather").unwrap();
        log.begin("read-file", |summary| { summary.text(&text); }).unwrap().denied(&rule, &error).unwrap();
        let found = entries(held.path());
        prop_assert!(report(held.path()).is_intact());
        let starts = |kept: &str, whole: &str| kept == whole || whole.starts_with(kept.trim_end_matches('…'));
        prop_assert!(starts(&found[0].summary, &text) && found[0].summary.len() <= 512);
        prop_assert!(starts(&found[0].rule, &rule) && found[0].rule.len() <= 256);
        prop_assert!(starts(found[0].error.as_ref().unwrap(), &error));
        let raw = fs::read(held.path().join("weather.jsonl")).unwrap();
        let mut json = Vec::new();
        write_json_lines(&mut json, &found).unwrap();
        prop_assert_eq!(raw, json);
    }
}
