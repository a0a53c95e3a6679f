//! Kills, full disks and limits: no call that returned lacks its entry, and no entry that was cut stays.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use dewclaw_sandbox::audit::{AuditError, AuditFolder, Fault, Notice};

use super::{call, entries, files, open, options, report, written};

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
        .args([
            "--exact",
            "failures::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(CHILD, held.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| returned(&line));
    let before: Vec<u64> = told.by_ref().take(2000).collect();
    assert_eq!(before.len(), 2000);
    child.kill().unwrap();
    let last = told.last().unwrap_or(before[1999]);
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
            "trap '' XFSZ; ulimit -f 10; exec \"$0\" --exact failures::child --nocapture --test-threads=1",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, held.path())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let last = told.lines().filter_map(returned).next_back().unwrap();
    assert!(
        told.lines().any(|line| line.starts_with("failed ")
            && line.contains("so the call fails: File too large")),
        "{told}"
    );
    let text = fs::read_to_string(held.path().join("weather.jsonl")).unwrap();
    assert!(text.ends_with('\n') && !text.len().is_multiple_of(512));
    let report = report(held.path());
    assert!(
        report.is_intact() && report.chains[0].remarks.is_empty(),
        "{report}"
    );
    assert_eq!(report.chains[0].entries, last);
}
