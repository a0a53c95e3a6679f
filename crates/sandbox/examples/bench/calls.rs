//! What a call costs: warm, in a fresh store, on two threads, over a thousand plugins, with a large text. On one thread in processor
//! time, which other work on the machine moves less than the clock; on two by the clock, which shows who waits for whom.

use std::hint::black_box;
use std::time::{Duration, Instant};

use dewclaw_sandbox::sandbox::SandboxedPlugin;
use tokio::runtime::Runtime;

use crate::bare::{ALL, Bare, Keeping};
use crate::granted::{Granted, Stores};
use crate::guests::{self, ECHO, LOOK};
use crate::report::{Aim, Row, processor_time};

/// Both sides of one component.
struct Sides {
    bare: Bare,
    plugin: SandboxedPlugin,
}

impl Sides {
    fn new(granted: &Granted, name: &str, bytes: &[u8], stores: Stores, wasi: bool) -> Self {
        let compiler = Keeping::default();
        let plugin = granted.load(name, bytes, stores, &compiler);
        Sides {
            bare: Bare::new(&compiler.last(), wasi, ALL),
            plugin,
        }
    }
}

/// A runtime as a caller has: its own, of one thread.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// One side right after the other, and the other way round in every second round, so that what disturbs the machine meets both.
fn rounds(
    count: usize,
    mut bare: impl FnMut() -> Duration,
    mut sandbox: impl FnMut() -> Duration,
) -> Vec<(Duration, Duration)> {
    (0..count)
        .map(|round| {
            if round % 2 == 0 {
                let bare = bare();
                (bare, sandbox())
            } else {
                let sandbox = sandbox();
                (bare(), sandbox)
            }
        })
        .collect()
}

fn warm(granted: &Granted, count: usize, size: usize, calls: u32) -> Vec<(Duration, Duration)> {
    let Sides { bare, plugin } =
        Sides::new(granted, "echo", &guests::plain(ECHO), Stores::Warm, false);
    let runtime = runtime();
    let text = "x".repeat(size);
    let (mut store, execute) = runtime.block_on(bare.start());
    rounds(
        count,
        || {
            // What goes in is what came out: no copy but those at the boundary.
            let mut passed = text.clone();
            runtime.block_on(async {
                let began = processor_time();
                for _ in 0..calls {
                    passed = bare.call(&mut store, &execute, "tool", passed).await;
                }
                (processor_time() - began) / calls
            })
        },
        || {
            let mut passed = text.clone();
            runtime.block_on(async {
                let began = processor_time();
                for _ in 0..calls {
                    passed = plugin.call("tool", passed).await.expect("it runs");
                }
                (processor_time() - began) / calls
            })
        },
    )
}

fn fresh(sides: &Sides, count: usize) -> Vec<(Duration, Duration)> {
    const CALLS: u32 = 5_000;
    let runtime = runtime();
    let Sides { bare, plugin } = sides;
    rounds(
        count,
        || {
            runtime.block_on(async {
                let began = processor_time();
                for _ in 0..CALLS {
                    black_box(bare.call_fresh("tool", "{}").await);
                }
                (processor_time() - began) / CALLS
            })
        },
        || {
            runtime.block_on(async {
                let began = processor_time();
                for _ in 0..CALLS {
                    black_box(plugin.call("tool", "{}").await.expect("it runs"));
                }
                (processor_time() - began) / CALLS
            })
        },
    )
}

/// Calls on two threads, each of a plugin that `pick` chooses by a number of chance; the time of one call over both.
fn on_two_threads(sides: &[Sides], count: usize, calls: u32) -> Vec<(Duration, Duration)> {
    let two = |work: &(dyn Fn(u32) + Sync)| {
        let began = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| work(1));
            scope.spawn(|| work(2));
        });
        began.elapsed() / (2 * calls)
    };
    let chosen = |chance: &mut u32| {
        *chance ^= *chance << 13;
        *chance ^= *chance >> 17;
        *chance ^= *chance << 5;
        &sides[*chance as usize % sides.len()]
    };
    rounds(
        count,
        || {
            two(&|mut chance| {
                runtime().block_on(async {
                    for _ in 0..calls {
                        black_box(chosen(&mut chance).bare.call_fresh("tool", "{}").await);
                    }
                });
            })
        },
        || {
            two(&|mut chance| {
                runtime().block_on(async {
                    for _ in 0..calls {
                        let call = chosen(&mut chance).plugin.call("tool", "{}");
                        black_box(call.await.expect("it runs"));
                    }
                });
            })
        },
    )
}

pub(crate) fn measure(granted: &Granted, count: usize, mut show: impl FnMut(Row)) {
    show(Row::of_rounds(
        "warm call, 16 bytes",
        &warm(granted, 4 * count, 16, 50_000),
        Aim::AtMost(1.3),
    ));
    let plain = Sides::new(granted, "plain", &guests::plain(ECHO), Stores::Fresh, false);
    show(Row::of_rounds(
        "fresh store, instantiate, call, drop; no imports",
        &fresh(&plain, 4 * count),
        Aim::AtMost(1.3),
    ));
    let wasi = Sides::new(
        granted,
        "wasi",
        &guests::with_wasi(LOOK),
        Stores::Fresh,
        true,
    );
    show(Row::of_rounds(
        "fresh store, instantiate, call, drop; WASI linked",
        &fresh(&wasi, 4 * count),
        Aim::AtMost(1.3),
    ));
    show(Row::of_rounds(
        "the same with WASI on two threads: calls a second over bare",
        &on_two_threads(&[wasi], count, 5_000),
        Aim::AtLeast(0.75),
    ));
    let thousand: Vec<Sides> = (0..1000)
        .map(|number| {
            // Each with code of its own.
            let execute = format!("(local.set $i (i32.const {number}))");
            Sides::new(
                granted,
                &format!("plugin-{number}"),
                &guests::plain(&execute),
                Stores::Fresh,
                false,
            )
        })
        .collect();
    show(Row::of_rounds(
        "1,000 plugins at random on two threads: calls a second over bare",
        &on_two_threads(&thousand, count, 10_000),
        Aim::AtLeast(0.75),
    ));
    drop(thousand);
    let mut row = Row::of_rounds(
        "1 MB of text in and out: bytes a second over bare",
        &warm(granted, 2 * count, 1_000_000, 300),
        Aim::AtLeast(0.5),
    );
    row.name += " (a call's time)";
    show(row);
}
