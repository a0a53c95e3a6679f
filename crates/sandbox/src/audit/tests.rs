//! What the log does when the system refuses, which needs its insides.

use std::fs::File;
use std::sync::Arc;

use super::*;

fn folder() -> (tempfile::TempDir, AuditFolder) {
    let held = tempfile::tempdir().unwrap();
    let options = AuditOptions {
        sync: SyncPolicy::Never,
        ..AuditOptions::default()
    };
    let folder = AuditFolder::open(held.path(), options).unwrap();
    (held, folder)
}

fn call(log: &AuditLog) -> Result<(), AuditError> {
    let mut call = log.begin("get-env", |summary| {
        summary.text("LANG");
    })?;
    call.permit("policy.toml:3");
    call.succeeded()
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_the_call_and_the_next_entry_counts_it() {
    let (held, folder) = folder();
    let log = folder.log("weather").unwrap();
    call(&log).unwrap();
    let full = File::options().append(true).open("/dev/full").unwrap();
    let file = std::mem::replace(&mut log.lock().unwrap().file, Arc::new(full));
    for _ in 0..2 {
        let error = call(&log).unwrap_err();
        assert!(matches!(error, AuditError::Write { .. }), "{error}");
        assert!(error.to_string().contains("No space left"), "{error}");
    }
    log.lock().unwrap().file = file;
    call(&log).unwrap();
    let entries = query(held.path(), &Filter::default()).unwrap().entries;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].notices, [Notice::Unwritten { entries: 2 }]);
    assert!(
        verify(held.path(), &VerifyOptions::default())
            .unwrap()
            .is_intact()
    );
}

#[test]
fn a_file_that_may_not_be_written_fails_the_call() {
    let (held, folder) = folder();
    let log = folder.log("weather").unwrap();
    call(&log).unwrap();
    let read_only = File::open(held.path().join("weather.jsonl")).unwrap();
    log.lock().unwrap().file = Arc::new(read_only);
    assert!(matches!(call(&log), Err(AuditError::Write { .. })));
}

#[test]
fn an_entry_whose_head_cannot_be_written_is_taken_back_and_the_log_ends() {
    let (held, folder) = folder();
    let log = folder.log("weather").unwrap();
    call(&log).unwrap();
    let read_only = File::open(held.path().join("weather.head")).unwrap();
    let head_file = std::mem::replace(&mut log.lock().unwrap().head_file, Arc::new(read_only));
    assert!(matches!(call(&log), Err(AuditError::Write { .. })));
    assert!(matches!(call(&log), Err(AuditError::Unusable { .. })));
    assert!(matches!(
        log.begin("log", |_| {}),
        Err(AuditError::Unusable { .. })
    ));
    let report = verify(held.path(), &VerifyOptions::default()).unwrap();
    assert!(report.is_intact(), "{report}");
    drop((log, head_file));
    call(&folder.log("weather").unwrap()).unwrap();
    assert_eq!(
        query(held.path(), &Filter::default())
            .unwrap()
            .entries
            .len(),
        2
    );
}
