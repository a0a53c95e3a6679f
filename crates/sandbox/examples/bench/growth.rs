//! Whether calls leave something behind: memory, handles, threads.

use std::time::{Duration, Instant};

use crate::granted::Granted;
use crate::mixed_calls::{Holdings, MixedCalls};
use crate::report::{Aim, Row};

/// Memory may rise so much between the first tenth and the end: what allocators keep. A leak of 8 bytes a call is 7 MB in a million.
const MEGABYTES: f64 = 2.0;

/// What the process holds when its handles have not changed for a second: files of the audit wait for the disk in the background.
fn settled() -> Holdings {
    let began = Instant::now();
    let mut held = Holdings::now();
    let mut since = began;
    while since.elapsed() < Duration::from_secs(1) && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
        let now = Holdings::now();
        if now.descriptors != held.descriptors {
            since = Instant::now();
        }
        held = now;
    }
    held
}

pub(crate) fn measure(granted: &Granted, calls: u64, mut show: impl FnMut(Row)) {
    let mixed = MixedCalls::new(granted);
    let on_two_threads = |from: u64, to: u64| {
        let middle = from.midpoint(to);
        std::thread::scope(|scope| {
            for numbers in [from..middle, middle..to] {
                scope.spawn(|| {
                    tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .expect("a runtime")
                        .block_on(mixed.make(numbers));
                });
            }
        });
        settled()
    };
    let warm = calls / 10;
    let before = on_two_threads(0, warm);
    let middle = on_two_threads(warm, calls / 2);
    let after = on_two_threads(calls / 2, calls);
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    show(Row {
        name: format!(
            "resident memory from call {warm} to {calls}, of every kind (in the middle: {:.1} MB)",
            megabytes(middle.resident_bytes)
        ),
        bare: format!("before: {:.1} MB", megabytes(before.resident_bytes)),
        sandbox: format!("after: {:.1} MB", megabytes(after.resident_bytes)),
        value: megabytes(after.resident_bytes) - megabytes(before.resident_bytes),
        unit: "MB more",
        aim: Aim::AtMost(MEGABYTES),
    });
    for (name, count, most) in [
        (
            "open handles",
            (|held| held.descriptors) as fn(&Holdings) -> usize,
            Some(0.0),
        ),
        ("threads", |held| held.threads, Some(0.0)),
        ("mappings of memory", |held| held.mappings, None),
    ] {
        show(Row {
            name: format!("{name} over the same calls"),
            bare: format!("before: {}", count(&before)),
            sandbox: format!("after: {}", count(&after)),
            value: count(&after) as f64 - count(&before) as f64,
            unit: "more",
            aim: most.map_or(Aim::None, Aim::AtMost),
        });
    }
}
