//! What was done to a trail afterwards is found, and what a chain without a key cannot prove is known.

use std::fs;

use dewclaw_sandbox::audit::{AuditError, Fault, Filter, Notice, VerifyOptions, query, verify};

use super::{all_lines, open, options, put_lines, report, written};

#[test]
fn removal_of_the_newest_entries_is_found_and_stays_found() {
    let held = tempfile::tempdir().unwrap();
    written(held.path(), 8);
    let mut all = all_lines(held.path());
    all.truncate(6);
    put_lines(held.path(), &all);
    let cut = report(held.path());
    assert!(
        matches!(cut.chains[0].faults[..], [ref one] if matches!(one.fault, Fault::NewestMissing(head) if head.sequence == 8)),
        "{cut}"
    );
    written(held.path(), 3);
    let later = report(held.path());
    assert!(
        matches!(
            later.chains[0].faults[0].fault,
            Fault::Told(Notice::HeadAhead { sequence: 8, .. })
        ),
        "{later}"
    );
    assert_eq!(later.chains[0].faults[0].sequence, Some(7));
}

#[test]
fn removal_of_whole_files_or_of_the_head_is_found() {
    for name in [
        "weather.1.jsonl",
        "weather.2.jsonl",
        "weather.jsonl",
        "weather.head",
    ] {
        let held = tempfile::tempdir().unwrap();
        written(held.path(), 10);
        fs::remove_file(held.path().join(name)).unwrap();
        assert!(!report(held.path()).is_intact(), "{name}");
        // Nor does going on hide it.
        written(held.path(), 2);
        let later = report(held.path());
        assert!(!later.is_intact(), "{name}: {later}");
    }
}

/// Attack: trail that was changed
/// Answer: who can write the folder can write all of it anew: a hash that was kept elsewhere finds that
/// Bound: the chain has no key
#[test]
fn whoever_writes_everything_anew_is_found_by_a_kept_head_only() {
    let (true_one, forged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(true_one.path(), 5);
    let kept = report(true_one.path()).chains[0].head.unwrap();
    written(true_one.path(), 2);
    written(forged.path(), 7);
    let mut options = VerifyOptions::default();
    assert!(
        verify(forged.path(), &options).unwrap().is_intact(),
        "this is what a chain without a key cannot prove"
    );
    options.heads = vec![kept.hash];
    assert!(verify(true_one.path(), &options).unwrap().is_intact());
    let report = verify(forged.path(), &options).unwrap();
    assert!(!report.is_intact());
    assert!(
        report.to_string().contains(&kept.hash.to_string()),
        "{report}"
    );
    assert_eq!(kept.to_string().parse(), Ok(kept));
}

#[test]
fn older_files_may_be_moved_elsewhere_when_their_end_is_kept() {
    let held = tempfile::tempdir().unwrap();
    let archive = tempfile::tempdir().unwrap();
    written(held.path(), 10);
    fs::rename(
        held.path().join("weather.1.jsonl"),
        archive.path().join("weather.1.jsonl"),
    )
    .unwrap();
    let moved = report(held.path());
    assert!(
        matches!(moved.chains[0].faults[..], [ref one] if matches!(one.fault, Fault::Missing { from: 1, .. })),
        "{moved}"
    );
    let end = report(archive.path()).chains[0].head.unwrap();
    let options = VerifyOptions {
        after: vec![end],
        ..VerifyOptions::default()
    };
    let report = verify(held.path(), &options).unwrap();
    assert!(report.is_intact(), "{report}");
    written(held.path(), 3);
    assert!(verify(held.path(), &options).unwrap().is_intact());
}

#[test]
fn a_log_of_another_plugin_is_not_taken_for_this_ones() {
    let held = tempfile::tempdir().unwrap();
    written(held.path(), 2);
    let text = fs::read_to_string(held.path().join("weather.jsonl")).unwrap();
    fs::write(held.path().join("other.jsonl"), &text).unwrap();
    fs::write(held.path().join("weather@2.jsonl"), &text).unwrap();
    let report = report(held.path());
    assert_eq!(report.chains.len(), 3);
    assert!(
        report.chains[0]
            .faults
            .iter()
            .any(|one| one.fault == Fault::OtherPlugin("weather".to_owned())),
        "{report}"
    );
    assert!(report.chains[1].is_intact());
    assert!(
        report.chains[2]
            .faults
            .iter()
            .any(|one| one.fault == Fault::Unlinked && one.sequence == Some(1)),
        "{report}"
    );
    let refused = open(held.path(), options()).log("other").unwrap_err();
    assert!(matches!(refused, AuditError::Broken { .. }), "{refused}");
}

#[test]
fn a_changed_line_is_not_shown_as_an_entry() {
    let held = tempfile::tempdir().unwrap();
    written(held.path(), 2);
    let file = held.path().join("weather.jsonl");
    fs::write(
        &file,
        fs::read_to_string(&file)
            .unwrap()
            .replacen("VARIABLE_0", "VARIABLE_9", 1),
    )
    .unwrap();
    let listing = query(held.path(), &Filter::default()).unwrap();
    assert_eq!((listing.entries.len(), listing.unsound), (1, 1));
    let report = report(held.path());
    assert!(
        report
            .to_string()
            .contains("weather.jsonl:1: entry 1: was changed"),
        "{report}"
    );
}
