//! How much of its files a plugin may write, and how many it may hold open.

use std::fs;
use std::time::Duration;

use dewclaw_sandbox::engine::{Caps, Limit, Reuse};

use crate::place::{Place, Setting, code, run};

#[test]
fn written_bytes_count_by_every_way_of_writing_and_together_with_write_file() {
    // A megabyte is 244 blocks of 4,096 bytes: the file's name is one.
    for op in ["w", "A", "W"] {
        let place = Place::with(Setting {
            resources: "max_written_mb = 1",
            ..Setting::default()
        });
        assert_eq!(place.counted(op, "new"), (243, code::QUOTA_COUNTED), "{op}");
        assert_eq!(fs::metadata(place.data("new")).unwrap().len(), 243 * 4096);
        let heard = place.heard();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(
            heard[1].ends_with("data/new → denied: limit: max_written_mb"),
            "{heard:?}"
        );
        let error = place
            .files
            .write_blocking("data/file", "x".repeat(4096).as_str())
            .unwrap_err();
        assert_eq!(error.limit(), Some(dewclaw_sandbox::limits::Limit::Written));
        // And nothing new is made any more.
        assert_eq!(place.call("c", "other"), code::QUOTA);
        assert_eq!(place.call("m", "other"), code::QUOTA);
        assert_eq!(place.call("s", "other"), code::QUOTA);
    }
    let place = Place::with(Setting {
        resources: "max_written_mb = 1",
        ..Setting::default()
    });
    place
        .files
        .write_blocking("data/file", &"x".repeat(991_808))
        .unwrap();
    assert_eq!(place.counted("W", "file"), (2, code::QUOTA_COUNTED));
    assert_eq!(fs::metadata(place.data("file")).unwrap().len(), 991_808);
}

#[test]
fn a_stream_takes_no_more_at_once_than_it_said() {
    let place = Place::new();
    let error = place.try_call("K", "file").unwrap_err();
    assert_eq!(
        error.limit(),
        Some(Limit::Wasi {
            what: "bytes of one write to a stream",
            most: 65_536
        }),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
}

#[test]
fn holes_count_as_written() {
    let place = Place::new();
    assert_eq!(place.call("S", "file"), code::QUOTA);
    assert_eq!(place.call("g", "file"), code::QUOTA);
    assert_eq!(place.counted("G", "file"), (0, code::QUOTA_COUNTED));
    assert_eq!(fs::metadata(place.data("file")).unwrap().len(), 6);
}

#[test]
fn spliced_bytes_count() {
    let place = Place::with(Setting {
        resources: "max_written_mb = 1",
        ..Setting::default()
    });
    fs::write(place.data("file"), "x".repeat(10_000)).unwrap();
    assert_eq!(
        place.counted("j", "file"),
        ((1_000_000 - 4096) / 10_000, code::QUOTA_COUNTED)
    );
}

#[test]
fn open_files_are_counted_over_all_stores_and_given_back() {
    for reuse in [Reuse::Fresh, Reuse::Warm { idle: 1 }] {
        let place = Place::with(Setting {
            reuse,
            ..Setting::default()
        });
        let fresh = reuse == Reuse::Fresh;
        // With the store they go.
        assert_eq!(place.counted("z", "file"), (10, code::TOO_MANY_COUNTED));
        let (count, error) = place.counted("z", "file");
        assert_eq!(
            (count, error),
            (if fresh { 10 } else { 0 }, code::TOO_MANY_COUNTED)
        );
        if fresh {
            assert_eq!(place.counted("Z", "file"), (10, code::TOO_MANY_COUNTED));
            assert_eq!(place.counted("Y", ""), (10, code::TOO_MANY_COUNTED));
            assert_eq!(place.counted("X", "file"), (20, code::TOO_MANY_COUNTED));
            assert_eq!(place.call("D", "file"), "5000");
            assert_eq!(place.files.read_blocking("data/file").unwrap(), "inside");
        } else {
            // A store that waits for its next call holds its files.
            let error = place.files.read_blocking("data/file").unwrap_err();
            assert_eq!(
                error.limit(),
                Some(dewclaw_sandbox::limits::Limit::OpenFiles)
            );
            assert!(
                place
                    .heard()
                    .last()
                    .unwrap()
                    .ends_with("denied: limit: max_open_files")
            );
        }
    }
}

#[test]
fn one_call_that_holds_files_and_waits_leaves_none_for_another_until_it_ends() {
    let deadline = Duration::from_millis(300);
    let place = Place::with(Setting {
        caps: Caps {
            deadline,
            ..Caps::default()
        },
        ..Setting::default()
    });
    run(async {
        let holding = tokio::spawn({
            let plugin = place.plugin.clone();
            async move { plugin.call("O", "file").await }
        });
        while place.heard.lines.lock().unwrap().len() < 11 {
            tokio::task::yield_now().await;
        }
        let answer = place.plugin.call("z", "file").await.unwrap();
        assert_eq!(answer, code::TOO_MANY_COUNTED.to_string());
        let error = place.files.read("data/file").await.unwrap_err();
        assert_eq!(
            error.limit(),
            Some(dewclaw_sandbox::limits::Limit::OpenFiles)
        );
        let error = holding.await.unwrap().unwrap_err();
        assert_eq!(error.limit(), Some(Limit::Deadline { after: deadline }));
        // The caller is told first; the store is dropped at once, though perhaps not before.
        while place.files.read("data/file").await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(place.counted("z", "file"), (10, code::TOO_MANY_COUNTED));
}

#[test]
fn a_folder_of_many_files_is_listed() {
    let place = Place::new();
    for at in 0..1000 {
        fs::write(place.data(&format!("sub/{at}")), "").unwrap();
    }
    assert_eq!(place.call("L", "sub"), "1000");
}
