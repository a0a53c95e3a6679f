//! The audit trail as its readers meet it: what was tampered with is found, what was cut is set aside, what cannot be written fails.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dewclaw_sandbox::audit::{
    AuditError, AuditFolder, AuditLog, AuditOptions, Entry, Fault, Filter, Notice, Report,
    SyncPolicy, Verdict, VerifyOptions, query, verify, write_json_lines, write_table,
};
use proptest::prelude::*;

fn options() -> AuditOptions {
    let mut options = AuditOptions::default();
    options.sync = SyncPolicy::Never;
    options
}

fn open(folder: &Path, options: AuditOptions) -> AuditFolder {
    AuditFolder::open(folder, options).unwrap()
}

fn call(log: &AuditLog, name: &str) -> Result<(), AuditError> {
    let mut call = log.begin("get-env", |summary| {
        summary.text(name);
    })?;
    call.permit("policy.toml:3 env = [\"LANG\"]");
    call.succeeded()
}

/// Writes `count` entries of plugin `weather`, three to a file or so, and closes the log.
fn written(folder: &Path, count: usize) {
    let mut options = options();
    options.rotate_bytes = 1200;
    let log = open(folder, options).log("weather").unwrap();
    for number in 0..count {
        call(&log, &format!("VARIABLE_{number}")).unwrap();
    }
}

fn report(folder: &Path) -> Report {
    verify(folder, &VerifyOptions::default()).unwrap()
}

fn entries(folder: &Path) -> Vec<Entry> {
    query(folder, &Filter::default()).unwrap().entries
}

/// The files of `weather` that hold entries, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = (1..)
        .map(|number| folder.join(format!("weather.{number}.jsonl")))
        .take_while(|file| file.exists())
        .collect();
    files.push(folder.join("weather.jsonl"));
    files
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap()
        .split_inclusive('\n')
        .map(str::to_owned)
        .collect()
}

/// All lines of all files, each with its file.
fn all_lines(folder: &Path) -> Vec<(PathBuf, String)> {
    files(folder)
        .into_iter()
        .flat_map(|file| {
            lines(&file)
                .into_iter()
                .map(move |line| (file.clone(), line))
        })
        .collect()
}

fn put_lines(folder: &Path, all: &[(PathBuf, String)]) {
    for file in files(folder) {
        let text: String = all
            .iter()
            .filter(|(of, _)| *of == file)
            .map(|(_, line)| line.as_str())
            .collect();
        fs::write(file, text).unwrap();
    }
}

#[test]
fn an_entry_tells_what_was_called_what_decided_and_what_came_of_it() {
    let held = tempfile::tempdir().unwrap();
    let folder = open(held.path(), options());
    let log = folder.log("weather").unwrap();
    let mut fetch = log
        .begin("http-request", |summary| {
            summary.http_request("GET", "https://example.com/", [("accept", "*/*")], Some(7));
        })
        .unwrap();
    fetch.permit("policy.toml:4 network = [\"example.com\"]");
    fetch.failed("the connection was refused").unwrap();
    log.begin("read-file", |summary| {
        summary.text("../\u{1b}[2Jsecrets").bytes("content", 3);
    })
    .unwrap()
    .denied("files: outside of every granted folder", "denied")
    .unwrap();

    let found = entries(held.path());
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].sequence, found[1].sequence), (1, 2));
    assert_eq!(found[1].prev, found[0].hash);
    assert_eq!(log.head().unwrap().hash, found[1].hash);
    assert_eq!(found[0].plugin, "weather");
    assert_eq!(found[0].function, "http-request");
    assert_eq!(
        found[0].summary,
        "GET https://example.com/ body 7 bytes accept: */*"
    );
    assert_eq!(found[0].verdict, Verdict::Permitted);
    assert_eq!(found[0].rule, "policy.toml:4 network = [\"example.com\"]");
    assert_eq!(
        found[0].error.as_deref(),
        Some("the connection was refused")
    );
    assert!(found[0].duration_ns > 0 && found[0].time_ms > 1_700_000_000_000);
    assert_eq!(found[1].verdict, Verdict::Denied);
    assert_eq!(found[1].summary, "../\u{1b}[2Jsecrets content 3 bytes");
    assert!(report(held.path()).is_intact());
    // What a terminal would take for a command is not even in the file.
    assert!(
        !fs::read(held.path().join("weather.jsonl"))
            .unwrap()
            .contains(&0x1b)
    );
}

#[test]
fn a_call_that_is_dropped_is_written_all_the_same() {
    let held = tempfile::tempdir().unwrap();
    let log = open(held.path(), options()).log("weather").unwrap();
    let mut begun = log.begin("http-request", |_| {}).unwrap();
    begun.permit("policy.toml:4");
    drop(begun);
    drop(log.begin("http-request", |_| {}).unwrap());
    let found = entries(held.path());
    assert_eq!(found[0].verdict, Verdict::Permitted);
    assert!(found[0].error.as_ref().unwrap().contains("dropped"));
    assert_eq!(
        (found[1].verdict, found[1].rule.as_str()),
        (Verdict::Denied, "undecided")
    );
}

#[test]
fn the_chain_goes_on_over_files_and_openings() {
    let held = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        written(held.path(), 4);
    }
    let report = report(held.path());
    assert!(
        report.is_intact() && report.chains[0].remarks.is_empty(),
        "{report}"
    );
    assert_eq!(report.chains[0].entries, 12);
    assert!(report.chains[0].files > 2, "{report}");
    let sequences: Vec<u64> = entries(held.path())
        .iter()
        .map(|entry| entry.sequence)
        .collect();
    assert!(sequences.is_sorted());
}

#[test]
fn the_trail_of_a_plugin_is_bounded_and_its_calls_fail_at_the_limit() {
    let held = tempfile::tempdir().unwrap();
    let mut options = options();
    options.max_total_bytes = 2000;
    options.rotate_bytes = 600;
    let folder = open(held.path(), options);
    let log = folder.log("weather").unwrap();
    let error = (0..100).find_map(|_| call(&log, "LANG").err()).unwrap();
    assert!(
        matches!(error, AuditError::Full { limit: 2000, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("max_total_bytes"), "{error}");
    call(&folder.log("neighbour").unwrap(), "LANG").unwrap();
    let size: u64 = files(held.path())
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    assert!(size <= 2000);
    // Opened again, it counts what is there.
    drop(log);
    assert!(matches!(
        call(&folder.log("weather").unwrap(), "LANG"),
        Err(AuditError::Full { .. })
    ));
}

#[test]
fn no_secret_is_in_any_file() {
    let held = tempfile::tempdir().unwrap();
    let folder = open(held.path(), options());
    let log = folder.log("weather").unwrap();
    folder.secrets().register("hunter22+").unwrap();
    let headers = [
        ("Authorization", "Bearer hunter33"),
        ("Cookie", "id=hunter33"),
        ("X-Api-Key", "hunter33"),
        ("Accept", "hunter22+"),
    ];
    let mut fetch = log
        .begin("http-request", |summary| {
            summary.http_request(
                "GET",
                "https://me:hunter33@example.com/hunter22%2B?api_key=hunter33#token=hunter33",
                headers,
                None,
            );
        })
        .unwrap();
    fetch.permit("rule hunter22+");
    fetch.failed("hunter22+ was refused").unwrap();
    let denied = log.begin("read-file", |summary| {
        summary.text("/etc/hunter22+");
    });
    denied.unwrap().denied("hunter22+", "hunter22+").unwrap();
    let text = fs::read_to_string(held.path().join("weather.jsonl")).unwrap();
    assert!(!text.contains("hunter"), "{text}");
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("[redacted] was refused"));
}

#[test]
fn a_cut_last_line_is_set_aside_and_the_next_entry_says_so() {
    let held = tempfile::tempdir().unwrap();
    written(held.path(), 4);
    let file = held.path().join("weather.jsonl");
    fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap()
        .write_all(b"{\"v\":1,\"seq\":5,\"ti")
        .unwrap();
    let cut = report(held.path());
    assert!(cut.is_intact(), "{cut}");
    assert_eq!(cut.chains[0].remarks[0].fault, Fault::Cut);
    // Opened and closed without a call.
    written(held.path(), 0);
    assert_eq!(
        fs::read(held.path().join("weather.torn-1")).unwrap(),
        b"{\"v\":1,\"seq\":5,\"ti"
    );
    written(held.path(), 2);
    let found = entries(held.path());
    assert_eq!(found.len(), 7);
    assert!(
        matches!(found[4].notices[..], [Notice::Torn { bytes: 18, .. }]),
        "{:?}",
        found[4]
    );
    assert_eq!(found[4].function, "audit");
    let whole = report(held.path());
    assert!(whole.is_intact(), "{whole}");
    assert!(matches!(
        whole.chains[0].remarks[0].fault,
        Fault::Told(Notice::Torn { .. })
    ));
}

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
fn two_writers_of_one_plugin_have_a_chain_each_and_threads_share_one() {
    let held = tempfile::tempdir().unwrap();
    let mut options = options();
    options.rotate_bytes = 10_000;
    options.sync = SyncPolicy::Every(50);
    let folder = open(held.path(), options);
    let logs = ["weather", "weather", "other"].map(|plugin| folder.log(plugin).unwrap());
    std::thread::scope(|scope| {
        for log in &logs {
            for _ in 0..2 {
                scope.spawn(move || (0..500).for_each(|_| call(log, "LANG").unwrap()));
            }
        }
        // A log that is being written is intact at every moment.
        for _ in 0..20 {
            let report = report(held.path());
            assert!(report.is_intact(), "{report}");
        }
    });
    drop(logs);
    let report = report(held.path());
    assert!(report.is_intact(), "{report}");
    let found: Vec<_> = report
        .chains
        .iter()
        .map(|chain| (chain.chain.as_str(), chain.entries))
        .collect();
    assert_eq!(
        found,
        [("other", 1000), ("weather", 1000), ("weather@2", 1000)]
    );
    drop(folder.log("weather").unwrap());
    assert!(
        held.path().join("weather@2.head").exists() && !held.path().join("weather@3.head").exists()
    );
}

#[test]
fn a_query_filters_and_its_table_does_nothing_to_a_terminal() {
    let held = tempfile::tempdir().unwrap();
    let folder = open(held.path(), options());
    let (weather, other) = (folder.log("weather").unwrap(), folder.log("other").unwrap());
    for number in 0..5 {
        call(&weather, &format!("V{number}")).unwrap();
    }
    let evil = "a\u{1b}[2J\u{9b}31m\r\n\u{202e}\"\\\u{7f}é";
    other
        .begin("read-file", |summary| {
            summary.text(evil);
        })
        .unwrap()
        .denied(evil, evil)
        .unwrap();
    let of = |filter: Filter| query(held.path(), &filter).unwrap();
    assert_eq!(of(Filter::default()).entries.len(), 6);
    let denied = of(Filter {
        verdict: Some(Verdict::Denied),
        ..Filter::default()
    });
    assert_eq!(denied.entries.len(), 1);
    assert_eq!(denied.entries[0].summary, evil);
    let newest = of(Filter {
        plugin: Some("weather".to_owned()),
        function: Some("get-env".to_owned()),
        newest: Some(2),
        ..Filter::default()
    });
    assert_eq!(
        newest
            .entries
            .iter()
            .map(|entry| entry.summary.as_str())
            .collect::<Vec<_>>(),
        ["V3", "V4"]
    );
    assert_eq!(newest.left_out, 3);
    let time = denied.entries[0].time_ms;
    let timed = |from_ms, until_ms| {
        of(Filter {
            plugin: Some("other".to_owned()),
            from_ms,
            until_ms,
            ..Filter::default()
        })
        .entries
        .len()
    };
    assert_eq!(
        (
            timed(Some(time), Some(time + 1)),
            timed(Some(time + 1), None),
            timed(None, Some(time))
        ),
        (1, 0, 0)
    );

    let mut table = Vec::new();
    write_table(&mut table, &of(Filter::default()).entries).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert_eq!(table.lines().count(), 7);
    assert!(
        table
            .chars()
            .all(|letter| letter == '\n' || !letter.is_control())
            && !table.contains('\u{202e}'),
        "{table:?}"
    );
    assert!(
        table.contains("\\u{1b}[2J") && table.contains('é'),
        "{table}"
    );
    let mut json = Vec::new();
    write_json_lines(&mut json, &denied.entries).unwrap();
    assert_eq!(
        String::from_utf8(json).unwrap(),
        fs::read_to_string(held.path().join("other.jsonl")).unwrap()
    );
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

#[test]
fn a_folder_that_cannot_be_made_is_said_at_once() {
    let held = tempfile::tempdir().unwrap();
    let file = held.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        AuditFolder::open(file.join("audit"), options()),
        Err(AuditError::Open { .. })
    ));
    let folder = open(held.path(), options());
    assert!(matches!(folder.log("../weather"), Err(AuditError::Name(_))));
    fs::create_dir(held.path().join("weather.jsonl")).unwrap();
    assert!(matches!(
        folder.log("weather"),
        Err(AuditError::Open { .. })
    ));
}

#[test]
fn every_way_to_sync_keeps_all_entries() {
    let policies = [
        SyncPolicy::EveryEntry,
        SyncPolicy::Every(3),
        SyncPolicy::Within(std::time::Duration::from_secs(3600)),
        SyncPolicy::Never,
    ];
    for sync in policies {
        let held = tempfile::tempdir().unwrap();
        let mut options = options();
        options.sync = sync;
        options.rotate_bytes = 1200;
        let folder = open(held.path(), options);
        let log = folder.log("weather").unwrap();
        (0..10).for_each(|_| call(&log, "LANG").unwrap());
        // An hour's wait for the disk does not keep anybody waiting at the end.
        drop((log, folder));
        assert_eq!(report(held.path()).chains[0].entries, 10, "{sync:?}");
    }
}

/// Set for the process that a test starts: where it writes.
const CHILD: &str = "DEWCLAW_AUDIT_TEST_CHILD";

/// What that process does: it writes entries and tells of each call that has returned, or why one failed.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let mut options = options();
    options.rotate_bytes = 1 << 30;
    let log = open(Path::new(&folder), options).log("weather").unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        match call(&log, "LANG") {
            Ok(()) => writeln!(out, "returned {}", log.head().unwrap().sequence).unwrap(),
            Err(error) => {
                writeln!(out, "failed {error}").unwrap();
                return;
            }
        }
    }
}

fn returned(line: &str) -> Option<u64> {
    line.strip_prefix("returned ")?.parse().ok()
}

#[cfg(unix)]
#[test]
fn a_killed_process_loses_no_entry_of_a_call_that_returned() {
    let held = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CHILD, held.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| returned(&line));
    assert_eq!(told.by_ref().take(2000).count(), 2000);
    child.kill().unwrap();
    let last = told.last().unwrap();
    child.wait().unwrap();
    let report = report(held.path());
    assert!(report.is_intact(), "{report}");
    assert!(
        (last..=last + 1).contains(&report.chains[0].entries),
        "{last}: {report}"
    );
    call(
        &open(held.path(), options()).log("weather").unwrap(),
        "LANG",
    )
    .unwrap();
}

/// A file that may not grow past a limit takes a part of a line, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_line_that_the_system_takes_in_part_is_taken_back() {
    let held = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 10; exec \"$0\" --exact child --nocapture --test-threads=1",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, held.path())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let last = told.lines().filter_map(returned).last().unwrap();
    assert!(
        told.lines().any(|line| line.starts_with("failed ")
            && line.contains("so the call fails: File too large")),
        "{told}"
    );
    let text = fs::read_to_string(held.path().join("weather.jsonl")).unwrap();
    assert!(text.ends_with('\n') && text.len() % 512 != 0);
    let report = report(held.path());
    assert!(
        report.is_intact() && report.chains[0].remarks.is_empty(),
        "{report}"
    );
    assert_eq!(report.chains[0].entries, last);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

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
