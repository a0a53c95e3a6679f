//! Calls of every kind, as a long-lived host sees them, and what of the process they leave behind.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use dewclaw_sandbox::engine::{CallError, Caps, Limit, Plugin, PluginOptions, TrustedInputOnly};
use dewclaw_sandbox::sandbox::SandboxedPlugin;

use crate::granted::{Granted, Stores};
use crate::guests::{self, ASK, ECHO, LOOK, SPIN, TRAP};
use crate::host::GetEnv;

/// Plugins that end well and plugins that fail in each way.
pub(crate) struct MixedCalls {
    warm: SandboxedPlugin,
    fresh: SandboxedPlugin,
    wasi: SandboxedPlugin,
    asking: SandboxedPlugin,
    trapping: SandboxedPlugin,
    /// Spins, with little fuel.
    out_of_fuel: Plugin,
    host_fails: Plugin,
    /// Spins, with all fuel and little time.
    spinning: Plugin,
    /// Waits for the host, with little time.
    waiting: Plugin,
    /// The same two, with all time.
    spinning_long: Plugin,
    waiting_long: Plugin,
}

impl MixedCalls {
    /// What no policy can say (a deadline of milliseconds, a host that fails) is told to the engine.
    pub(crate) fn new(granted: &Granted) -> Self {
        let by_policy = |name: &str, bytes: &[u8], stores: Stores| {
            granted.load(name, bytes, stores, &TrustedInputOnly)
        };
        let load = |bytes: &[u8], options: PluginOptions| {
            Plugin::load(granted.sandbox.engine(), bytes, &TrustedInputOnly, options)
                .expect("a plugin")
        };
        let of = |get_env: GetEnv| PluginOptions {
            host: Arc::new(get_env),
            ..PluginOptions::default()
        };
        let within = |milliseconds| Caps {
            fuel: u64::MAX,
            deadline: Duration::from_millis(milliseconds),
            ..Caps::default()
        };
        let spins = |milliseconds| {
            let caps = within(milliseconds);
            let options = PluginOptions {
                caps,
                ..PluginOptions::default()
            };
            load(&guests::plain(SPIN), options)
        };
        let waits = |milliseconds| {
            let caps = within(milliseconds);
            let options = of(GetEnv::Waits);
            load(&guests::with_host(ASK), PluginOptions { caps, ..options })
        };
        MixedCalls {
            warm: by_policy("warm", &guests::plain(ECHO), Stores::Warm),
            fresh: by_policy("fresh", &guests::plain(ECHO), Stores::Fresh),
            wasi: by_policy("wasi", &guests::with_wasi(LOOK), Stores::Fresh),
            asking: by_policy("asking", &guests::with_host(ASK), Stores::Fresh),
            trapping: by_policy("trapping", &guests::plain(TRAP), Stores::Fresh),
            out_of_fuel: load(
                &guests::plain(SPIN),
                PluginOptions {
                    caps: Caps {
                        fuel: 10_000,
                        ..Caps::default()
                    },
                    ..PluginOptions::default()
                },
            ),
            host_fails: load(&guests::with_host(ASK), of(GetEnv::Fails)),
            spinning: spins(2),
            waiting: waits(2),
            spinning_long: spins(30_000),
            waiting_long: waits(30_000),
        }
    }

    /// The calls of these numbers. Of a thousand, some 700 end well (warm, fresh, with WASI, with calls of the host), 100 trap, 100 use
    /// up their fuel, 100 are ended by a failing host, 11 are given up by their caller and 2 reach their deadline. Each must end so.
    pub(crate) async fn make(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            match number % 1000 {
                0 => self.passes_its_deadline(&self.spinning).await,
                1 => give_up(&self.spinning_long).await,
                2 => self.passes_its_deadline(&self.waiting).await,
                3..13 => give_up(&self.waiting_long).await,
                13..113 => {
                    let error = self.trapping.call("tool", "{}").await.expect_err("a trap");
                    assert!(matches!(error, CallError::Trap { .. }), "{error}");
                }
                113..213 => {
                    let error = self.out_of_fuel.call("tool", "{}").await;
                    let error = error.expect_err("its fuel is used up");
                    assert!(matches!(error.limit(), Some(Limit::Fuel { .. })), "{error}");
                }
                213..313 => {
                    let error = self.host_fails.call("tool", "{}").await;
                    let error = error.expect_err("its host failed");
                    assert!(matches!(error, CallError::Host(_)), "{error}");
                }
                313..463 => ends_well(&self.asking).await,
                463..613 => ends_well(&self.wasi).await,
                613..763 => ends_well(&self.fresh).await,
                _ => ends_well(&self.warm).await,
            }
        }
    }

    async fn passes_its_deadline(&self, plugin: &Plugin) {
        let error = plugin.call("tool", "{}").await.expect_err("its deadline");
        assert!(
            matches!(error.limit(), Some(Limit::Deadline { .. })),
            "{error}"
        );
    }
}

async fn ends_well(plugin: &SandboxedPlugin) {
    let answer = plugin.call("tool", "{}").await.expect("it ends well");
    assert_eq!(answer, "{}");
}

/// The caller's future is dropped after it was looked at once.
async fn give_up(plugin: &Plugin) {
    let mut call = Box::pin(plugin.call("tool", "{}"));
    let ended = std::future::poll_fn(|context| {
        Poll::Ready(matches!(call.as_mut().poll(context), Poll::Ready(_)))
    })
    .await;
    assert!(!ended, "it goes on");
}

/// What a process holds, by its own entries in /proc.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holdings {
    pub(crate) resident_bytes: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) mappings: usize,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        let resident_pages = read("/proc/self/statm")
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse::<u64>().ok())
            .expect("pages");
        let entries = |folder: &str| std::fs::read_dir(folder).expect("Linux").count();
        Holdings {
            resident_bytes: resident_pages * 4096,
            descriptors: entries("/proc/self/fd"),
            threads: entries("/proc/self/task"),
            mappings: read("/proc/self/maps").lines().count(),
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("Linux")
}
