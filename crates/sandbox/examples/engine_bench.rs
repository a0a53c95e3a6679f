//! What the engine costs over bare wasmtime with the same settings and protections, measured in turns in one run.
//!
//!     cargo run --release -p dewclaw-sandbox --example engine_bench
//!
//! Each figure is the median of rounds in which one side is measured right after the other; the ratio is the median of the rounds'
//! ratios.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    Caps, Engine, EngineOptions, ModuleSize, Plugin, PluginOptions, Reuse, TrustedInputOnly,
};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, TypedFunc};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};

const ROUNDS: usize = 15;

fn main() {
    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    println!(
        "memory: {:?}, tick: {:?}\n",
        engine.allocation(),
        dewclaw_sandbox::engine::TICK
    );
    println!("{:<34}{:>12}{:>12}{:>9}", "", "bare", "sandbox", "ratio");
    let echo = component(ECHO);
    warm(&engine, &echo, 16, "warm call, 16 bytes", 50_000);
    warm(&engine, &echo, 1_000_000, "warm call, 1 MB in and out", 300);
    fresh(&engine, &echo, "fresh store, call, drop");
    two_threads(&engine, &echo);
    ticks(&engine);
    deadlines(&engine);
}

/// A plugin without imports; `execute` is the body of `execute-tool`.
fn component(execute: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
  (core module $code
    (memory (export "memory") 40)
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (if (result i32) (i32.lt_u (local.get $size) (i32.const 64)) (then (i32.const 1024)) (else (i32.const 65536))))
    (func (export "init") (result i32) (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32))
    (func (export "describe") (result i32) (i32.const 16))
    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $json i32) (param $json_len i32) (result i32)
      (local $i i32)
      {execute}
      (i32.store (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $json))
      (i32.store (i32.const 24) (local.get $json_len))
      (i32.const 16))
    (func (export "post") (param i32)))
  (core instance $c (instantiate $code))
  (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $c "memory")))
  (func $describe (result string) (canon lift (core func $c "describe") (memory $c "memory")))
  (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
    (canon lift (core func $c "execute") (memory $c "memory") (realloc (func $c "realloc")) (post-return (func $c "post"))))
  (instance $tools
    (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
  (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))"#
    );
    wat::parse_str(text).expect("the guest's text")
}

const ECHO: &str = "";
const SPIN: &str = "(loop $again (br $again))";
/// Some 1 s: the kernel counts processor time in steps of a few milliseconds.
const COUNT: &str = "(local.set $i (i32.const 1000000000))
    (loop $again (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";

/// The same component on wasmtime alone, with its fuel, epochs and limiter in force.
struct Bare {
    engine: wasmtime::Engine,
    linked: InstancePre<StoreLimits>,
    init: ComponentExportIndex,
    execute: ComponentExportIndex,
}

type Init = TypedFunc<(), (Result<(), String>,)>;
type Execute = TypedFunc<(String, String), (Result<String, String>,)>;

impl Bare {
    fn new(engine: &Engine, bytes: &[u8]) -> Self {
        let engine = engine.wasmtime().clone();
        let component = Component::from_binary(&engine, bytes).expect("a component");
        let tools = component
            .get_export_index(None, "dewclaw:plugin/tools@0.1.0")
            .expect("tools");
        Bare {
            init: component
                .get_export_index(Some(&tools), "init")
                .expect("init"),
            execute: component
                .get_export_index(Some(&tools), "execute-tool")
                .expect("execute-tool"),
            linked: Linker::new(&engine)
                .instantiate_pre(&component)
                .expect("no imports"),
            engine,
        }
    }

    async fn start(&self) -> (Store<StoreLimits>, Execute) {
        let limits = StoreLimitsBuilder::new()
            .memory_size(16 << 20)
            .table_elements(10_000)
            .instances(10)
            .tables(10)
            .memories(2);
        let mut store = Store::new(&self.engine, limits.build());
        store.limiter(|limits| limits);
        store.epoch_deadline_async_yield_and_update(1);
        protect(&mut store);
        let instance = self
            .linked
            .instantiate_async(&mut store)
            .await
            .expect("an instance");
        let init: Init = instance
            .get_typed_func(&mut store, self.init)
            .expect("init");
        init.call_async(&mut store, ())
            .await
            .expect("init runs")
            .0
            .expect("init is well");
        let execute = instance
            .get_typed_func(&mut store, self.execute)
            .expect("execute-tool");
        (store, execute)
    }
}

fn protect(store: &mut Store<StoreLimits>) {
    store.set_fuel(10_000_000_000).expect("fuel is on");
    store.set_epoch_deadline(1);
}

async fn bare_call(store: &mut Store<StoreLimits>, execute: &Execute, text: String) -> String {
    protect(store);
    let (result,) = execute
        .call_async(store, ("tool".to_owned(), text))
        .await
        .expect("it runs");
    result.expect("it is well")
}

fn sandboxed(engine: &Engine, bytes: &[u8], reuse: Reuse, deadline: Duration) -> Plugin {
    let options = PluginOptions {
        reuse,
        caps: Caps {
            fuel: u64::MAX,
            deadline,
            ..Caps::default()
        },
        module_size: ModuleSize::default(),
        ..PluginOptions::default()
    };
    Plugin::load(engine, bytes, &TrustedInputOnly, options).expect("a plugin")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

const LONG: Duration = Duration::from_secs(30);

fn warm(engine: &Engine, bytes: &[u8], size: usize, name: &str, calls: u32) {
    let bare = Bare::new(engine, bytes);
    let plugin = sandboxed(engine, bytes, Reuse::Warm { idle: 1 }, LONG);
    let text = "x".repeat(size);
    block_on(async {
        let (mut store, execute) = bare.start().await;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            // What goes in is what came out: no copy but those at the boundary.
            let mut passed = text.clone();
            let began = Instant::now();
            for _ in 0..calls {
                passed = bare_call(&mut store, &execute, passed).await;
            }
            let bare = began.elapsed() / calls;
            let began = Instant::now();
            for _ in 0..calls {
                passed = plugin.call("tool", passed).await.expect("it runs");
            }
            rounds.push((bare, began.elapsed() / calls));
            assert_eq!(passed.len(), size);
        }
        report(name, &rounds);
    });
}

fn fresh(engine: &Engine, bytes: &[u8], name: &str) {
    const CALLS: u32 = 5_000;
    let bare = Bare::new(engine, bytes);
    let plugin = sandboxed(engine, bytes, Reuse::Fresh, LONG);
    block_on(async {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            for _ in 0..CALLS {
                let (mut store, execute) = bare.start().await;
                black_box(bare_call(&mut store, &execute, String::from("{}")).await);
            }
            let bare = began.elapsed() / CALLS;
            let began = Instant::now();
            for _ in 0..CALLS {
                black_box(plugin.call("tool", "{}").await.expect("it runs"));
            }
            rounds.push((bare, began.elapsed() / CALLS));
        }
        report(name, &rounds);
    });
}

fn two_threads(engine: &Engine, bytes: &[u8]) {
    const CALLS: u32 = 5_000;
    let bare = Arc::new(Bare::new(engine, bytes));
    let plugin = sandboxed(engine, bytes, Reuse::Fresh, LONG);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let on_two = |work: &(dyn Fn() + Sync)| {
            let began = Instant::now();
            std::thread::scope(|scope| {
                scope.spawn(work);
                scope.spawn(work);
            });
            began.elapsed() / (2 * CALLS)
        };
        let bare = on_two(&|| {
            block_on(async {
                for _ in 0..CALLS {
                    let (mut store, execute) = bare.start().await;
                    black_box(bare_call(&mut store, &execute, String::from("{}")).await);
                }
            });
        });
        let sandbox = on_two(&|| {
            block_on(async {
                for _ in 0..CALLS {
                    black_box(plugin.call("tool", "{}").await.expect("it runs"));
                }
            });
        });
        rounds.push((bare, sandbox));
    }
    report("the same on two threads, a call", &rounds);
}

/// What a computing guest costs that meets every tick, and the same that meets none: processor time, which other work on the machine
/// moves less than the clock, and the least of all rounds.
fn ticks(engine: &Engine) {
    let bytes = component(COUNT);
    let bare = Bare::new(engine, &bytes);
    let plugin = sandboxed(engine, &bytes, Reuse::Fresh, LONG);
    block_on(async {
        let (mut without, mut with) = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
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
        report("computing: no tick, each tick", &[(without, with)]);
    });
}

/// Processor time of all threads of this process.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let of_task = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ')
            .next()
            .and_then(|nanos| nanos.parse().ok())
            .unwrap_or(0)
    };
    Duration::from_nanos(tasks.flatten().map(of_task).sum())
}

/// How late a caller hears of a deadline while a hundred others spin.
fn deadlines(engine: &Engine) {
    let spin = component(SPIN);
    let neighbour = sandboxed(engine, &spin, Reuse::Fresh, LONG);
    let after = Duration::from_millis(100);
    let measured = sandboxed(engine, &spin, Reuse::Fresh, after);
    block_on(async {
        let neighbours: Vec<_> = (0..100)
            .map(|_| {
                let neighbour = neighbour.clone();
                tokio::spawn(async move { while neighbour.call("tool", "").await.is_err() {} })
            })
            .collect();
        // All of them are on the engine's threads when each was polled once.
        tokio::time::sleep(Duration::from_secs(2)).await;
        // What the machine does to any thread that sleeps as long, at the same time.
        let control = std::thread::spawn(move || {
            let late = (0..150).map(|_| {
                let began = Instant::now();
                std::thread::sleep(after);
                began.elapsed().saturating_sub(after)
            });
            late.collect::<Vec<_>>()
        });
        let mut late = Vec::new();
        for _ in 0..150 {
            let began = Instant::now();
            measured.call("tool", "").await.expect_err("its deadline");
            late.push(began.elapsed().saturating_sub(after));
        }
        println!("\na deadline of {after:?} beside 100 spinning guests, late by:");
        for (name, mut late) in [
            ("the call", late),
            (
                "a thread that sleeps as long",
                control.join().expect("its times"),
            ),
        ] {
            late.sort();
            let (half, most) = (late[late.len() / 2], late[late.len() * 99 / 100]);
            println!(
                "{name:<34}p50 {half:>12.2?}, p99 {most:>12.2?}, worst {:>12.2?}",
                late[late.len() - 1]
            );
        }
        for neighbour in neighbours {
            neighbour.abort();
        }
    });
}

fn report(name: &str, rounds: &[(Duration, Duration)]) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let micros = |value: f64| format!("{:.2} µs", value * 1e6);
    println!(
        "{name:<34}{:>12}{:>12}{:>9.2}",
        micros(median(
            rounds.iter().map(|(bare, _)| bare.as_secs_f64()).collect()
        )),
        micros(median(
            rounds
                .iter()
                .map(|(_, sandbox)| sandbox.as_secs_f64())
                .collect()
        )),
        median(
            rounds
                .iter()
                .map(|(bare, sandbox)| sandbox.as_secs_f64() / bare.as_secs_f64())
                .collect()
        ),
    );
}
