//! How late a caller hears of a deadline, how long the guest goes on, what it does to others, and what ticking costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    Caps, Compiler, Engine, Host, Plugin, PluginOptions, Reuse, TICK, TrustedInputOnly,
};

use crate::bare::{ALL, Again, Bare, Keeping};
use crate::guests::{self, ASK, COUNT, ECHO, FILL, SPIN};
use crate::host::GetEnv;
use crate::report::{Aim, Row, median, processor_time};

/// What neighbours have: more than all measurements take.
const LONG: Duration = Duration::from_secs(300);
/// The deadline of the calls that are measured.
const AFTER: Duration = Duration::from_millis(100);
/// Guests that spin meanwhile.
const NEIGHBOURS: usize = 100;
/// Calls of a batch, of which a p99 is the second worst.
const TIMES: usize = 100;
const BATCHES: usize = 3;

fn load(engine: &Engine, bytes: &[u8], deadline: Duration, host: Arc<dyn Host>) -> Plugin {
    load_compiled(engine, bytes, &TrustedInputOnly, deadline, host)
}

fn load_compiled(
    engine: &Engine,
    bytes: &[u8],
    compiler: &dyn Compiler,
    deadline: Duration,
    host: Arc<dyn Host>,
) -> Plugin {
    let options = PluginOptions {
        reuse: Reuse::Fresh,
        caps: Caps {
            fuel: u64::MAX,
            deadline,
            ..Caps::default()
        },
        host,
        ..PluginOptions::default()
    };
    Plugin::load(engine, bytes, compiler, options).expect("a plugin")
}

fn gives() -> Arc<dyn Host> {
    Arc::new(GetEnv::Gives)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn measure(engine: &Engine, mut show: impl FnMut(Row)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let spin = guests::plain(SPIN);
    let neighbour = load(engine, &spin, LONG, gives());
    let spinning = load(engine, &spin, AFTER, gives());
    let waiting = load(
        engine,
        &guests::with_host(ASK),
        AFTER,
        Arc::new(GetEnv::Waits),
    );
    runtime.block_on(async {
        let tick = Aim::AtMost(TICK.as_secs_f64() * 1e3);
        past(engine, "a spinning guest", &spin, tick, &mut show).await;
        let fill = guests::plain(FILL);
        past(
            engine,
            "a guest that fills 15 MB at once",
            &fill,
            Aim::None,
            &mut show,
        )
        .await;
        // Where wasmtime's own code would not look at the clock.
        let straight = guests::without_a_loop();
        let name = "a guest of 240 KB without a loop in them";
        past(engine, name, &straight, tick, &mut show).await;
        for count in [10, 40_000] {
            let name =
                format!("a guest that does {count} loads after each of 5,000 calls in each other");
            past(
                engine,
                &name,
                &guests::after_its_calls(count),
                tick,
                &mut show,
            )
            .await;
        }
        let neighbours: Vec<_> = (0..NEIGHBOURS)
            .map(|_| {
                let neighbour = neighbour.clone();
                tokio::spawn(async move { while neighbour.call("tool", "").await.is_err() {} })
            })
            .collect();
        // All of them are on the engine's threads when each was polled once.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (name, plugin) in [
            ("the guest computes", &spinning),
            ("the time goes in a host call", &waiting),
        ] {
            late(name, plugin, &mut show).await;
        }
        for neighbour in neighbours {
            neighbour.abort();
            neighbour.await.expect_err("it was spinning");
        }
    });
    lost(engine, &mut show);
    ticks(engine, &mut show);
}

/// How late callers hear, p99 of a batch and the median of the batches, beside what the machine does to any thread that sleeps as long
/// at the same time.
async fn late(name: &str, plugin: &Plugin, show: &mut impl FnMut(Row)) {
    let (mut late, mut sleeping) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let sleeper = std::thread::spawn(|| {
            let each = (0..TIMES).map(|_| {
                let began = Instant::now();
                std::thread::sleep(AFTER);
                began.elapsed().saturating_sub(AFTER)
            });
            percentiles(each.collect())
        });
        let mut batch = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            plugin.call("tool", "x").await.expect_err("its deadline");
            batch.push(began.elapsed().saturating_sub(AFTER));
        }
        late.push(percentiles(batch));
        sleeping.push(sleeper.join().expect("its times"));
    }
    let of = |batches: &[(f64, f64)]| {
        (
            median(batches.iter().map(|(half, _)| *half)),
            median(batches.iter().map(|(_, most)| *most)),
        )
    };
    let ((sleep_half, sleep_most), (half, most)) = (of(&sleeping), of(&late));
    show(Row {
        name: format!(
            "deadline of 100 ms beside {NEIGHBOURS} spinning guests, {name}: late, p99 (p50 {half:.2} ms; a thread that sleeps as \
             long: {sleep_half:.2} ms)"
        ),
        bare: format!("sleep: {sleep_most:.2} ms"),
        sandbox: format!("{most:.2} ms"),
        value: most,
        unit: "ms",
        aim: Aim::AtMost(5.0),
    });
}

/// The middle and the 99th of a hundred, in milliseconds.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let of = |part: usize| times[(times.len() * part).div_ceil(100) - 1].as_secs_f64() * 1e3;
    (of(50), of(99))
}

/// Processor time of the whole process from when the caller hears of the deadline until the guest's store is gone: the worst of many.
async fn past(engine: &Engine, name: &str, bytes: &[u8], aim: Aim, show: &mut impl FnMut(Row)) {
    // As it is for the sandbox, once for all rounds.
    let keeping = Keeping::default();
    load_compiled(engine, bytes, &keeping, AFTER, gives());
    let compiled = Again(keeping.last());
    let mut past = Vec::new();
    for round in 0..TIMES {
        // Not in step with the ticks.
        let after = Duration::from_micros(40_000 + 137 * round as u64);
        let host = gives();
        let plugin = load_compiled(engine, bytes, &compiled, after, Arc::clone(&host));
        // The plugin's own, and ours: a store holds one more.
        let without_stores = Arc::strong_count(&host);
        plugin.call("tool", "").await.expect_err("its deadline");
        let (heard, began) = (Instant::now(), processor_time());
        while Arc::strong_count(&host) > without_stores {
            std::thread::sleep(Duration::from_micros(50));
        }
        // One thread computes no more than passes; what another processor has done, Linux adds up at its own ticks of 4 ms.
        past.push((processor_time() - began).min(heard.elapsed()));
    }
    let (half, _) = percentiles(past.clone());
    let worst = past.iter().max().map_or(0.0, Duration::as_secs_f64) * 1e3;
    show(Row {
        name: format!(
            "processor time past its deadline of {name}: worst of {TIMES} (p50 {half:.2} ms)"
        ),
        bare: format!("a tick: {:.0} ms", TICK.as_secs_f64() * 1e3),
        sandbox: format!("{worst:.2} ms"),
        value: worst,
        unit: "ms",
        aim,
    });
}

/// Calls of a neighbour while others run into deadlines, computing and waiting: each must end well.
fn lost(engine: &Engine, show: &mut impl FnMut(Row)) {
    let soon = Duration::from_millis(3);
    let others = [
        load(engine, &guests::plain(SPIN), soon, gives()),
        load(
            engine,
            &guests::with_host(ASK),
            soon,
            Arc::new(GetEnv::Waits),
        ),
    ];
    let echo = load(engine, &guests::plain(ECHO), LONG, gives());
    let (over, ended) = (AtomicBool::new(false), AtomicU64::new(0));
    let block_on = |future: &mut dyn FnMut(&tokio::runtime::Runtime)| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        future(&{ runtime }.enable_all().build().expect("a runtime"));
    };
    let (mut calls, mut failed) = (0_u64, 0_u64);
    std::thread::scope(|scope| {
        for other in &others {
            let (over, ended) = (&over, &ended);
            scope.spawn(move || {
                block_on(&mut |runtime| {
                    while !over.load(Ordering::Relaxed) {
                        let end = runtime.block_on(other.call("tool", "x"));
                        ended.fetch_add(u64::from(end.is_err()), Ordering::Relaxed);
                    }
                });
            });
        }
        block_on(&mut |runtime| {
            while ended.load(Ordering::Relaxed) < 1000 {
                calls += 1;
                let well = runtime.block_on(echo.call("tool", "{}"));
                failed += u64::from(well.ok().as_deref() != Some("{}"));
            }
        });
        over.store(true, Ordering::Relaxed);
    });
    show(Row {
        name: "a neighbour's calls that fail while 1,000 others reach their deadlines".into(),
        bare: String::new(),
        sandbox: format!("of {calls}"),
        value: failed as f64,
        unit: "calls",
        aim: Aim::AtMost(0.0),
    });
}

/// What a computing guest costs that meets every tick, against the same on wasmtime alone that meets none; and what the ticker itself
/// uses, when nobody calls. Processor time, which other work on the machine moves less than the clock, and the least of all rounds.
fn ticks(engine: &Engine, show: &mut impl FnMut(Row)) {
    let compiler = Keeping::default();
    let options = PluginOptions {
        caps: Caps {
            fuel: u64::MAX,
            ..Caps::default()
        },
        ..PluginOptions::default()
    };
    let bytes = guests::plain(COUNT);
    let plugin = Plugin::load(engine, &bytes, &compiler, options).expect("a plugin");
    let bare = Bare::new(&compiler.last(), false, ALL);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (mut without, mut with) = (Duration::MAX, Duration::MAX);
    runtime.block_on(async {
        for _ in 0..31 {
            let (mut store, execute) = bare.start().await;
            store.set_epoch_deadline(1 << 40);
            let began = processor_time();
            let call = execute.call_async(&mut store, ("tool".to_owned(), String::new()));
            call.await.expect("it runs").0.expect("it is well");
            without = without.min(processor_time() - began);
            let began = processor_time();
            plugin.call("tool", "").await.expect("it runs");
            with = with.min(processor_time() - began);
        }
    });
    // Before it rests.
    let (began, idle) = (processor_time(), Duration::from_millis(800));
    std::thread::sleep(idle);
    let ticker = (processor_time() - began).as_secs_f64() / idle.as_secs_f64();
    let in_guest = with.as_secs_f64() / without.as_secs_f64() - 1.0;
    show(Row {
        name: format!(
            "ticking: a computing guest that meets every tick over one that meets none, and the ticker ({:.2} %)",
            ticker * 100.0
        ),
        bare: milliseconds(without),
        sandbox: milliseconds(with),
        value: (in_guest + ticker) * 100.0,
        unit: "%",
        aim: Aim::AtMost(1.0),
    });
}
