//! Fuel and the deadline: wherever a guest spends its time, it ends, and nobody else is harmed.

use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    Caps, Engine, EngineOptions, Limit, Plugin, PluginOptions, Reuse, TrustedInputOnly,
};

use crate::guest::{Guest, LATE, SPIN, caps, run, short};

#[track_caller]
fn stopped_by_deadline(guest: Guest) {
    let plugin = guest.load(short());
    let began = Instant::now();
    let error = run(plugin.call("t", "{}")).unwrap_err();
    let took = began.elapsed();
    assert_eq!(
        error.limit(),
        Some(Limit::Deadline {
            after: Duration::from_millis(100)
        }),
        "{error}"
    );
    assert!(
        took >= Duration::from_millis(100) && took < Duration::from_millis(100) + LATE,
        "{took:?}"
    );
    // And with fuel for less than that, by fuel.
    let fuel = 1_000_000;
    let plugin = guest.load(caps(Caps {
        fuel,
        ..Caps::default()
    }));
    let error = run(plugin.call("t", "{}")).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Fuel { units: fuel }), "{error}");
    assert_eq!(
        error.to_string(),
        "the plugin was stopped by a limit: fuel: all 1000000 units are used"
    );
}

#[test]
fn an_infinite_loop_in_a_call_is_stopped() {
    stopped_by_deadline(Guest {
        execute: SPIN,
        ..Guest::default()
    });
}

#[test]
fn an_infinite_loop_in_start_is_stopped() {
    stopped_by_deadline(Guest {
        module: "(func $start (loop $again (br $again))) (start $start)",
        ..Guest::default()
    });
}

#[test]
fn an_infinite_loop_in_init_is_stopped() {
    stopped_by_deadline(Guest {
        init: SPIN,
        ..Guest::default()
    });
}

#[test]
fn an_infinite_loop_in_cabi_realloc_is_stopped() {
    stopped_by_deadline(Guest {
        realloc: SPIN,
        ..Guest::default()
    });
}

#[test]
fn an_infinite_loop_in_post_return_is_stopped() {
    stopped_by_deadline(Guest {
        post_return: SPIN,
        ..Guest::default()
    });
}

#[test]
fn a_warm_store_that_was_stopped_is_not_used_again() {
    let guest = Guest {
        // Spins where there are parameters.
        execute: "(if (local.get $json_len) (then (loop $again (br $again))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    };
    let plugin = guest.load(PluginOptions {
        reuse: Reuse::Warm { idle: 4 },
        ..short()
    });
    run(async {
        assert_eq!(plugin.call("t", "").await.unwrap(), "");
        assert_eq!(plugin.idle_stores(), 1);
        assert!(matches!(
            plugin.call("t", "{}").await.unwrap_err().limit(),
            Some(Limit::Deadline { .. })
        ));
        assert_eq!(plugin.idle_stores(), 0);
        assert_eq!(plugin.call("t", "").await.unwrap(), "");
    });
}

#[test]
fn a_neighbour_is_unharmed_while_another_times_out() {
    let spinning = Guest {
        execute: SPIN,
        ..Guest::default()
    }
    .load(short());
    let neighbour = Guest::default().load(PluginOptions::default());
    // Some two hundred million instructions: several ticks, so that it meets the other's end.
    let computing = Guest {
        execute: "(local $i i32) (local.set $i (i32.const 60000000))
            (loop $again (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    }
    .load(PluginOptions::default());
    run(async {
        let stopped = async {
            let all = (0..8).map(|_| {
                tokio::spawn({
                    let spinning = spinning.clone();
                    async move { spinning.call("t", "").await }
                })
            });
            for one in all.collect::<Vec<_>>() {
                assert!(matches!(
                    one.await.unwrap().unwrap_err().limit(),
                    Some(Limit::Deadline { .. })
                ));
            }
        };
        let short_calls = async {
            for _ in 0..1000 {
                assert_eq!(neighbour.call("t", "{}").await.unwrap(), "{}");
                tokio::task::yield_now().await;
            }
        };
        let long_call = async { assert_eq!(computing.call("t", "").await.unwrap(), "") };
        tokio::join!(stopped, short_calls, long_call);
    });
}

#[test]
fn a_caller_who_gives_up_ends_the_guest() {
    let engine = Engine::new(EngineOptions {
        stores: 1,
        threads: 1,
        ..EngineOptions::default()
    })
    .unwrap();
    let load = |guest: Guest, options| {
        Plugin::load(
            &engine,
            &wat::parse_str(guest.text()).unwrap(),
            &TrustedInputOnly,
            options,
        )
        .unwrap()
    };
    let spin = Guest {
        execute: SPIN,
        ..Guest::default()
    };
    // Seconds of fuel.
    let spinning = load(
        spin,
        caps(Caps {
            fuel: u64::MAX,
            ..Caps::default()
        }),
    );
    let echo = load(Guest::default(), PluginOptions::default());
    run(async {
        for _ in 0..3 {
            let mut call = Box::pin(spinning.call("t", ""));
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context)))
                    .await;
            assert!(polled.is_pending(), "it spins");
            drop(call);
            let gave_up = Instant::now();
            // The only place is free again when the guest is gone.
            while let Err(error) = echo.call("t", "").await {
                assert_eq!(
                    error.limit(),
                    Some(Limit::Concurrency { stores: 1 }),
                    "{error}"
                );
                assert!(gave_up.elapsed() < LATE, "the guest goes on");
                tokio::task::yield_now().await;
            }
        }
    });
}
