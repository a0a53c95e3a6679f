//! Memory, tables, stack, instances and file sizes: what a plugin may hold, and how large it may be.

use dewclaw_sandbox::engine::{
    Allocation, CallError, CompileError, Engine, EngineOptions, Limit, LoadError, ModuleSize,
    Plugin, PluginOptions, TrustedInputOnly,
};

use crate::guest::{Guest, SPIN, engine, run, short};

#[test]
fn a_memory_bomb_is_stopped_by_the_sum_over_all_memories() {
    let bytes = 16 << 20;
    // Grows until it is refused, then traps: as allocators do.
    let gives_up = Guest {
        execute: "(loop $again (br_if $again (i32.ne (i32.const -1) (memory.grow (i32.const 1))))) (unreachable)",
        ..Guest::default()
    };
    // Never takes no for an answer.
    let insists = Guest {
        execute: "(loop $again (drop (memory.grow (i32.const 1))) (br $again)) (unreachable)",
        ..Guest::default()
    };
    // Two memories, each within the limit, the sum over it.
    let two = Guest {
        module: "(memory $two 129)",
        execute: "(if (i32.eq (i32.const -1) (memory.grow 1 (i32.const 1))) (then (unreachable)))
            (if (i32.eq (i32.const -1) (memory.grow 0 (i32.const 126))) (then (unreachable))) (unreachable)",
        ..Guest::default()
    };
    for guest in [gives_up, insists, two] {
        let error = run(guest.load(PluginOptions::default()).call("t", "")).unwrap_err();
        assert_eq!(error.limit(), Some(Limit::Memory { bytes }), "{error}");
    }
    // One page less is granted: then the trap is the guest's own.
    let within = Guest {
        execute: "(if (i32.eq (i32.const -1) (memory.grow 1 (i32.const 1))) (then (unreachable)))
            (if (i32.eq (i32.const -1) (memory.grow 0 (i32.const 125))) (then (unreachable))) (unreachable)",
        ..two
    };
    let error = run(within.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert!(matches!(error, CallError::Trap { .. }), "{error}");
}

#[test]
fn memories_that_are_too_large_from_the_start_are_refused_in_instantiation() {
    let guest = Guest {
        memory: "257",
        ..Guest::default()
    };
    let error = run(guest.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert_eq!(
        error.limit(),
        Some(Limit::Memory { bytes: 16 << 20 }),
        "{error}"
    );
}

#[test]
fn too_many_memories_or_tables_are_refused_at_load() {
    let memories = Guest {
        module: "(memory 1) (memory 1)",
        ..Guest::default()
    };
    let error = memories.try_load(PluginOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plugin cannot be loaded: memories: 3 where 2 are allowed"
    );
    let tables = Guest {
        module: "(table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)
            (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)",
        ..Guest::default()
    };
    let error = tables.try_load(PluginOptions::default()).unwrap_err();
    assert!(
        matches!(
            error,
            LoadError::Limit(Limit::Tables {
                count: 11,
                most: 10
            })
        ),
        "{error}"
    );
}

#[test]
fn too_many_core_instances_are_refused_at_load() {
    let with = |more: &str| {
        let text = Guest::default().text();
        let text = text.replace("(core module $code", &format!("{more} (core module $code"));
        let bytes = wat::parse_str(text).unwrap();
        Plugin::load(
            engine(),
            &bytes,
            &TrustedInputOnly,
            PluginOptions::default(),
        )
    };
    let one = "(core module $one)";
    let instance = "(core instance (instantiate $one))";
    // The guest itself has two; a bag of host functions is none.
    let error = with(&format!("{one} {}", instance.repeat(9))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plugin cannot be loaded: core instances: 11 where 10 are allowed"
    );
    let within = with(&format!("{one} {}", instance.repeat(8))).unwrap();
    assert_eq!(run(within.call("t", "{}")).unwrap(), "{}");
    // In a component of its own that is instantiated often.
    let error = with(&format!(
        "(component $few {one} {instance} {instance} {instance}) {}",
        "(instance (instantiate $few))".repeat(3)
    ))
    .unwrap_err();
    assert!(
        matches!(
            error,
            LoadError::Limit(Limit::Instances {
                count: 11,
                most: 10
            })
        ),
        "{error}"
    );
}

#[test]
fn a_table_bomb_is_stopped_by_the_sum_over_all_tables() {
    let guest = Guest {
        module: "(table $one 5000 funcref) (table $two 4000 funcref)",
        execute: "(if (i32.eq (i32.const -1) (table.grow $two (ref.null func) (i32.const 1001))) (then (unreachable))) (unreachable)",
        ..Guest::default()
    };
    let error = run(guest.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert_eq!(
        error.limit(),
        Some(Limit::TableElements { elements: 10_000 }),
        "{error}"
    );
}

#[test]
fn deep_recursion_is_stopped() {
    let guest = Guest {
        module: "(func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (local.get 0)))",
        execute: "(call $deeper (i32.const 0))",
        ..Guest::default()
    };
    let error = run(guest.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert!(
        matches!(error.limit(), Some(Limit::Recursion { .. })),
        "{error}"
    );
}

#[test]
fn a_module_that_is_too_large_is_refused_before_it_is_compiled() {
    let load = |bytes: &[u8], module_size| {
        let options = PluginOptions {
            module_size,
            ..PluginOptions::default()
        };
        Plugin::load(engine(), bytes, &TrustedInputOnly, options).unwrap_err()
    };
    let error = load(&vec![0; 300_001], ModuleSize::default());
    assert!(
        matches!(
            error,
            LoadError::TooLarge {
                bytes: 300_001,
                most: 300_000
            }
        ),
        "{error}"
    );
    // Bytes that do not compress.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(120_001)
    .collect();
    assert!(matches!(
        load(&noise, ModuleSize::default()),
        LoadError::TooLargeGzipped { most: 120_000 }
    ));
    // Large and compressible, or of a raised size, gets as far as the compiler.
    let larger = ModuleSize {
        raw_bytes: 1_000_000,
        gzip_bytes: 1_000_000,
    };
    for error in [
        load(&vec![0; 300_000], ModuleSize::default()),
        load(&noise, larger),
    ] {
        assert!(
            matches!(error, LoadError::Compile(CompileError::Invalid { .. })),
            "{error}"
        );
    }
}

#[test]
fn the_process_has_room_for_so_many_stores_and_says_so() {
    for allocation in [Allocation::Pool, Allocation::OnDemand] {
        let engine = Engine::new(EngineOptions {
            stores: 1,
            allocation,
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
        };
        let spin = Guest {
            execute: SPIN,
            ..Guest::default()
        };
        let (spinning, echo) = (
            load(spin, short()).unwrap(),
            load(Guest::default(), PluginOptions::default()).unwrap(),
        );
        run(async {
            // Whoever is polled second finds the only place taken.
            let (first, second) = tokio::join!(spinning.call("t", ""), echo.call("t", ""));
            assert!(matches!(
                first.unwrap_err().limit(),
                Some(Limit::Deadline { .. })
            ));
            assert_eq!(
                second.unwrap_err().limit(),
                Some(Limit::Concurrency { stores: 1 })
            );
        });
    }
}

#[test]
fn without_a_pool_the_same_limits_hold() {
    let engine = Engine::new(EngineOptions {
        allocation: Allocation::OnDemand,
        ..EngineOptions::default()
    })
    .unwrap();
    assert_eq!(engine.allocation(), Allocation::OnDemand);
    let bomb = Guest {
        execute: "(loop $again (br_if $again (i32.ne (i32.const -1) (memory.grow (i32.const 1))))) (unreachable)",
        ..Guest::default()
    };
    let load = |guest: Guest| {
        Plugin::load(
            &engine,
            &wat::parse_str(guest.text()).unwrap(),
            &TrustedInputOnly,
            PluginOptions::default(),
        )
    };
    run(async {
        assert_eq!(
            load(Guest::default())
                .unwrap()
                .call("t", "{}")
                .await
                .unwrap(),
            "{}"
        );
        let error = load(bomb).unwrap().call("t", "").await.unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Memory { bytes: 16 << 20 }),
            "{error}"
        );
    });
}
