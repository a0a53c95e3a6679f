//! Guests that take time: computing, waiting, or having the host wait.

use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::Limit;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::guest::{BEGUN, Guest, SPIN};
use crate::loopback::serving;
use crate::scene::{BEGAN, LATE, ONE_SECOND, Scene};

/// With the limits that nobody raised.
async fn is_stopped_by_fuel(guest: Guest) -> Scene {
    let scene = Scene::new("");
    let units = 1_000_000_000;
    let attempt = scene.attack_by(guest).await;
    attempt.is_stopped_by(Limit::Fuel { units }, Duration::from_secs(30));
    scene
}

/// With fuel for longer than that.
async fn is_stopped_by_the_clock(guest: Guest) -> Scene {
    let scene = Scene::new(ONE_SECOND);
    scene.attack_by(guest).await.is_stopped_by_the_clock();
    scene
}

/// Attack: infinite loop in a call
/// Answer: `CallError::Limit`: "fuel: all 1000000000 units are used", or "wall clock: longer than 1s" where the policy gives
/// more fuel
/// Bound: no instruction past the fuel; one tick (4 ms) of computing past the deadline
#[tokio::test]
async fn an_infinite_loop_in_a_call() {
    let guest = Guest::calling(SPIN);
    is_stopped_by_fuel(guest).await.assert_trail(&[BEGAN]);
    is_stopped_by_the_clock(guest).await.assert_trail(&[BEGAN]);
}

/// Attack: infinite loop in `start`
/// Answer: as in a call: instantiation is under the same fuel and deadline
/// Bound: as in a call
#[tokio::test]
async fn an_infinite_loop_in_start() {
    let guest = Guest {
        module: "(func $start (loop $again (br $again))) (start $start)",
        ..Guest::default()
    };
    is_stopped_by_fuel(guest).await.assert_trail(&[]);
    is_stopped_by_the_clock(guest).await.assert_trail(&[]);
}

/// Attack: infinite loop in `init`
/// Answer: as in a call
/// Bound: as in a call
#[tokio::test]
async fn an_infinite_loop_in_init() {
    let init: &'static str = String::leak(format!("{BEGUN} {SPIN}"));
    let guest = Guest {
        init,
        ..Guest::default()
    };
    is_stopped_by_fuel(guest).await.assert_trail(&[BEGAN]);
    is_stopped_by_the_clock(guest).await.assert_trail(&[BEGAN]);
}

/// Attack: infinite loop in `cabi_realloc`
/// Answer: as in a call
/// Bound: as in a call
#[tokio::test]
async fn an_infinite_loop_in_cabi_realloc() {
    let guest = Guest {
        realloc: SPIN,
        ..Guest::default()
    };
    is_stopped_by_fuel(guest).await.assert_trail(&[]);
    is_stopped_by_the_clock(guest).await.assert_trail(&[]);
}

/// Attack: infinite loop in post-return
/// Answer: as in a call: the result is not given
/// Bound: as in a call
#[tokio::test]
async fn an_infinite_loop_in_post_return() {
    let guest = Guest {
        post_return: SPIN,
        ..Guest::calling(crate::guest::ECHO)
    };
    is_stopped_by_fuel(guest).await.assert_trail(&[BEGAN]);
    is_stopped_by_the_clock(guest).await.assert_trail(&[BEGAN]);
}

/// Attack: infinite loop in `describe`
/// Answer: as in a call: `DescribeError::Call` holds the same error
/// Bound: as in a call
#[tokio::test]
async fn an_infinite_loop_in_describe() {
    let scene = Scene::new("");
    let guest = Guest {
        describe: SPIN,
        ..Guest::default()
    };
    let attacker = scene.load(&guest.bytes()).unwrap();
    let error = attacker.describe().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plugin was stopped by a limit: fuel: all 1000000000 units are used"
    );
    scene.attack(&attacker, "t", "{}").await.outcome.unwrap();
}

/// Attack: instruction over all memory
/// Answer: `CallError::Limit`: "wall clock: longer than 1s", or fuel: a byte is a unit of it
/// Bound: no tick comes in the midst of an instruction: 10 to 20 ms for 16 MiB that are new, half a second for 256 MiB, which
/// is why a plugin that may have more than 16 MiB never runs on its caller's thread
#[tokio::test]
async fn an_instruction_over_all_memory() {
    let scene = Scene::new(&format!("{ONE_SECOND}max_memory_mb = 128\n"));
    let guest = Guest {
        memory: "2000",
        ..Guest::calling(
            "(loop $again (memory.fill (i32.const 4096) (i32.const 1) (i32.const 130000000)) (br $again)) (unreachable)",
        )
    };
    // A byte is a unit of fuel, and how fast bytes are filled is the machine's to say: one or the other comes first.
    let attempt = scene.attack_by(guest).await;
    let limit = attempt.outcome.as_ref().unwrap_err().limit();
    assert!(
        matches!(limit, Some(Limit::Deadline { .. } | Limit::Fuel { .. })),
        "{limit:?}"
    );
    attempt.is_stopped_by(limit.unwrap(), Duration::from_secs(1));
    scene.assert_off_the_callers_thread();
    scene.assert_trail(&[BEGAN]);
}

/// Follows pointers over 8 MiB, behind the first 4 MiB, which lie in no order that a cache could know.
const POINTERS: &str = "(loop $line
        (i32.store (i32.add (i32.const 4194304) (i32.shl (local.get $n) (i32.const 6)))
          (i32.add (i32.const 4194304) (i32.shl (i32.and (i32.const 131071)
            (i32.add (i32.mul (local.get $n) (i32.const 1664525)) (i32.const 1013904223))) (i32.const 6))))
        (br_if $line (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 131072))))";

/// Attack: code of 120 KB without a loop · activations that all go on after their call
/// Answer: `CallError::Limit`: "wall clock: longer than 1s"; wasmtime's code looks at the clock in loops and at the beginning of
/// functions, so an empty loop is put where a path is long without one, before the code is compiled
/// Bound: as in a call; without those loops it computes for seconds past its deadline, on a processor that others wait for
#[tokio::test]
async fn code_that_does_not_look_at_the_clock() {
    let straight = "i32.load ".repeat(40_000);
    let loops = format!(
        "{POINTERS} (local.set $n (i32.const 4194304))
         (loop $again local.get $n {straight} local.set $n br $again) (unreachable)"
    );
    let deep = format!(
        "(func $deep (param $n i32) (result i32)
           (if (result i32) (local.get $n)
             (then (call $deep (i32.sub (local.get $n) (i32.const 1))))
             (else (i32.const 4194304)))
           {straight})"
    );
    let calls = format!(
        "{POINTERS} (loop $again (drop (call $deep (i32.const 3000))) (br $again)) (unreachable)"
    );
    for (module, body) in [(String::new(), loops), (deep, calls)] {
        let guest = Guest {
            memory: "200",
            module: String::leak(module),
            ..Guest::calling(String::leak(body))
        };
        let scene = is_stopped_by_the_clock(guest).await;
        scene.assert_trail(&[BEGAN]);
    }
}

/// Attack: one plugin's timeout while a neighbour runs on
/// Answer: `CallError::Limit`: "wall clock: longer than 1s" to each call of the one; a neighbour that computes across that
/// moment and one that is called over and over have all their answers
/// Bound: neighbours lose nothing
#[tokio::test]
async fn a_timeout_while_a_neighbour_runs_on() {
    let scene = Scene::with_room(ONE_SECOND, TempDir::new().unwrap(), 6);
    let spinning = scene.load(&Guest::calling(SPIN).bytes()).unwrap();
    // Tens of millions of instructions: many ticks.
    let computing = Guest {
        execute: "(local.set $n (i32.const 20000000))
            (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    };
    let computing = scene.load_as("computing", &computing.bytes()).unwrap();
    let others = (0..3).map(|_| {
        let spinning = spinning.clone();
        tokio::spawn(async move { spinning.call("t", "{}").await })
    });
    let others: Vec<_> = others.collect();
    let all_the_while = tokio::spawn(async move {
        let mut calls = 0;
        while others.iter().any(|other| !other.is_finished()) {
            assert_eq!(computing.call("t", "{}").await.unwrap(), "");
            calls += 1;
        }
        for other in others {
            let limit = other.await.unwrap().unwrap_err().limit();
            assert!(matches!(limit, Some(Limit::Deadline { .. })), "{limit:?}");
        }
        calls
    });
    let attempt = scene.attack(&spinning, "t", "{}").await;
    attempt.is_stopped_by_the_clock();
    assert!(all_the_while.await.unwrap() > 0);
    // And again: neither places nor threads are lost.
    let attempt = scene.attack(&spinning, "t", "{}").await;
    attempt.is_stopped_by_the_clock();
    scene.assert_trail(&[BEGAN; 5]);
}

/// Attack: host call that outlasts the deadline
/// Answer: `CallError::Limit`: "wall clock: longer than 1s"; the request is in the trail, as permitted and
/// dropped or as ended by "limit: wall clock"
/// Bound: the host's work for a guest is under the guest's deadline
#[tokio::test]
async fn a_host_call_that_outlasts_the_deadline() {
    let silent = serving(|stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let policy = format!(
        "{ONE_SECOND}[plugins.attacker.permissions]\nnetwork = [\"http://a.example.com\"]\n"
    );
    let scene = Scene::new(&policy);
    scene.internet.at_a(silent);
    let asker = scene.load(crate::guest::asker()).unwrap();
    let attempt = scene.attack(&asker, "get", "http://a.example.com/").await;
    attempt.is_stopped_by_the_clock();
    let trail = scene.attackers_trail();
    assert_eq!(trail.len(), 1);
    // The request knows the deadline too: whoever is first at that moment, the watchdog or the request itself, writes.
    let wrote = (trail[0].verdict.as_str(), trail[0].rule.as_str());
    let error = trail[0].error.as_deref();
    match error {
        Some("dropped before it ended, as at a deadline") => assert_eq!(wrote.0, "permitted"),
        _ => assert_eq!(wrote, ("denied", "limit: wall clock"), "{error:?}"),
    }
}

/// Attack: host call whose caller gives up
/// Answer: there is nobody to tell; the request is in the trail as permitted and dropped
/// Bound: the guest and its request are gone with the caller
#[tokio::test]
async fn a_host_call_whose_caller_gives_up() {
    let (told, mut arrived) = mpsc::unbounded_channel();
    let silent = serving(move |stream| {
        told.send(()).unwrap();
        async move {
            let _open = stream;
            std::future::pending().await
        }
    })
    .await;
    let scene =
        Scene::new("[plugins.attacker.permissions]\nnetwork = [\"http://a.example.com\"]\n");
    scene.internet.at_a(silent);
    let asker = scene.load(crate::guest::asker()).unwrap();
    tokio::select! {
        ended = asker.call("get", "http://a.example.com/") => panic!("{ended:?}"),
        arrived = arrived.recv() => arrived.unwrap(),
    }
    let gave_up = Instant::now();
    while scene.attackers_trail().is_empty() {
        assert!(gave_up.elapsed() < LATE, "the request goes on");
        tokio::task::yield_now().await;
    }
    assert_eq!(
        scene.attackers_trail()[0].error.as_deref(),
        Some("dropped before it ended, as at a deadline")
    );
    // And the place is free: this needs it.
    let attempt = scene.attack(&asker, "log", "again").await;
    assert_eq!(attempt.answer().unwrap(), "");
}
