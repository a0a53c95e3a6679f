//! What is written, and found again.

use std::fs;

use dewclaw_sandbox::audit::{Filter, SyncPolicy, Verdict, query, write_json_lines, write_table};

use super::{call, entries, open, options, report, written};

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
