//! Calls leave nothing behind: memory, handles, threads that wake. `scripts/bench sandbox growth` makes a million of the same calls.
//!
//! A process of its own, because it looks at what its process holds.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

#[path = "../../examples/bench/granted.rs"]
mod granted;
#[path = "../../examples/bench/guests.rs"]
#[allow(dead_code, reason = "the bench has more guests")]
mod guests;
#[path = "../../examples/bench/host.rs"]
#[allow(dead_code, reason = "the bench has more kinds of hosts")]
mod host;
#[path = "../../examples/bench/mixed_calls.rs"]
#[allow(dead_code, reason = "the bench shows more of what a process holds")]
mod mixed_calls;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{Caps, Limit, Plugin, PluginOptions, TrustedInputOnly};
use dewclaw_sandbox::sandbox::{Environment, SandboxedPlugin};
use granted::{Granted, Stores};
use mixed_calls::{Holdings, MixedCalls};

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

const WARM: u64 = 5_000;
const CALLS: u64 = 20_000;
/// What allocators keep back: a leak of 100 bytes a call is 1.5 MB.
const NOISE: u64 = 1_000_000;

/// What a process holds more after the calls than after the first of them.
struct Growth {
    resident_bytes: u64,
    descriptors: usize,
    threads: usize,
}

/// Every thousand calls in a runtime of their own, as callers come and go: a call that keeps its caller keeps handles.
fn growth(environment: Environment) -> Growth {
    let granted = Granted::new(environment);
    let mixed = MixedCalls::new(&granted);
    let make = |from: u64, to: u64| {
        for from in (from..to).step_by(1000) {
            run(mixed.make(from..from + 1000));
        }
        Holdings::now()
    };
    let before = make(0, WARM);
    let mut after = make(WARM, CALLS);
    // A guest that was given up may still be on its way out.
    let began = Instant::now();
    while after.descriptors > before.descriptors && began.elapsed() < Duration::from_secs(2) {
        std::thread::yield_now();
        after = Holdings::now();
    }
    Growth {
        resident_bytes: after.resident_bytes.saturating_sub(before.resident_bytes),
        descriptors: after.descriptors.saturating_sub(before.descriptors),
        threads: after.threads.saturating_sub(before.threads),
    }
}

#[test]
fn twenty_thousand_calls_of_every_kind_leave_nothing_behind() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Growth {
        resident_bytes,
        descriptors,
        threads,
    } = growth(Arc::new(|_| Some("C".into())));
    assert_eq!((descriptors, threads), (0, 0));
    assert!(
        resident_bytes < NOISE,
        "{resident_bytes} bytes of memory more"
    );
    // That it would be seen: 4 KiB in each of 2,250 calls that ask the host twice.
    let kept = Mutex::new(Vec::new());
    let leaking = growth(Arc::new(move |_| {
        kept.lock().unwrap().push(vec![1_u8; 4096]);
        None
    }));
    assert!(
        leaking.resident_bytes > 10 * NOISE,
        "a leak of 18 MB is seen as {} bytes",
        leaking.resident_bytes
    );
}

#[test]
fn a_thousand_plugins_are_loaded_at_once_without_a_handle_each() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let granted = Granted::new(Arc::new(|_| None));
    let load = |number: u32| {
        // Each with code of its own.
        let execute = format!("(i32.store (i32.const 8) (i32.const {number}))");
        let bytes = guests::plain(&execute);
        granted.load(
            &format!("plugin-{number}"),
            &bytes,
            Stores::Fresh,
            &TrustedInputOnly,
        )
    };
    // The compiler's threads begin with the first.
    let mut plugins: Vec<SandboxedPlugin> = vec![load(0)];
    let before = Holdings::now();
    plugins.extend((1..1000).map(load));
    run(async {
        for plugin in &plugins {
            assert_eq!(plugin.call("tool", "{}").await.unwrap(), "{}");
        }
    });
    let after = Holdings::now();
    assert!(
        after.descriptors <= before.descriptors,
        "{before:?} {after:?}"
    );
    assert_eq!(after.threads, before.threads);
}

/// How often the threads of engines and audits have been switched to.
fn switches() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let of_thread = |folder: std::path::PathBuf| {
        let name = std::fs::read_to_string(folder.join("comm")).ok()?;
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let lines = status.lines().filter_map(|line| line.split_once(':'));
        let counts = lines.filter(|(key, _)| key.ends_with("ctxt_switches"));
        let counts = counts.map(|(_, count)| count.trim().parse::<u64>().unwrap());
        name.starts_with("dewclaw").then(|| counts.sum::<u64>())
    };
    threads
        .filter_map(|thread| of_thread(thread.unwrap().path()))
        .sum()
}

#[test]
fn a_sandbox_without_calls_wakes_nobody_and_holds_its_deadlines_after() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let granted = Granted::new(Arc::new(|_| Some("C".into())));
    let asking = granted.load(
        "asking",
        &guests::with_host(guests::ASK),
        Stores::Fresh,
        &TrustedInputOnly,
    );
    assert!(run(asking.call("tool", "xx")).is_ok());
    assert!(switches() > 0);
    // Seventy-five ticks.
    let quiet = Duration::from_millis(300);
    let began = Instant::now();
    loop {
        let before = switches();
        std::thread::sleep(quiet);
        if switches() == before {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "threads go on waking"
        );
    }
    let options = PluginOptions {
        caps: Caps {
            fuel: u64::MAX,
            deadline: Duration::from_millis(100),
            ..Caps::default()
        },
        ..PluginOptions::default()
    };
    let spinning = Plugin::load(
        granted.sandbox.engine(),
        &guests::plain(guests::SPIN),
        &TrustedInputOnly,
        options,
    )
    .unwrap();
    // On one thread: the other call can only end first if a tick takes the first off it.
    let first = run(async {
        let spins = async { spinning.call("tool", "{}").await.unwrap_err().limit() };
        let asks = async { asking.call("tool", "xx").await.map(|_| None).unwrap() };
        tokio::select! { biased; limit = spins => limit, none = asks => none }
    });
    assert_eq!(first, None::<Limit>);
    let error = run(spinning.call("tool", "{}")).unwrap_err();
    assert!(matches!(error.limit(), Some(Limit::Deadline { .. })));
}
