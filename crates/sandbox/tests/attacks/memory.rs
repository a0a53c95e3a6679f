//! Guests that grow: memories, tables, the stack.

use std::time::Duration;

use dewclaw_sandbox::engine::{CallError, CompileError, Limit, LoadError};
use dewclaw_sandbox::sandbox::SandboxError;

use crate::guest::Guest;
use crate::scene::{BEGAN, Scene};

const MEMORY: Limit = Limit::Memory { bytes: 16 << 20 };
/// Nothing of this takes long.
const SOON: Duration = Duration::from_secs(1);

/// Attack: memory growth bomb
/// Answer: `CallError::Limit`: "memory: more than 16777216 bytes over all memories of the plugin", whether the guest gives up or asks again
/// Bound: not one page over the limit; 16 refusals, then the call ends
#[tokio::test]
async fn a_memory_growth_bomb() {
    let gives_up = Guest::calling(
        "(loop $again (br_if $again (i32.ne (i32.const -1) (memory.grow (i32.const 1))))) (unreachable)",
    );
    let insists = Guest::calling(
        "(loop $again (drop (memory.grow (i32.const 1))) (br $again)) (unreachable)",
    );
    let at_once = Guest::calling("(drop (memory.grow (i32.const 65000))) (unreachable)");
    let from_the_start = Guest {
        memory: "257",
        ..Guest::default()
    };
    for guest in [gives_up, insists, at_once] {
        let scene = Scene::new("");
        scene.attack_by(guest).await.is_stopped_by(MEMORY, SOON);
        scene.assert_trail(&[BEGAN]);
    }
    let scene = Scene::new("");
    let attempt = scene.attack_by(from_the_start).await;
    attempt.is_stopped_by(MEMORY, SOON);
    // More than any policy gives.
    let any = Guest {
        memory: "65000",
        ..Guest::default()
    };
    let refused = scene.load(&any.bytes()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("exceeds the limit of 0x10000000 bytes"),
        "{refused}"
    );
}

/// Attack: multi-memory growth bomb
/// Answer: the same error: the sum over all memories counts; a third memory: `LoadError::Limit`: "memories: 3 where 2 are allowed"
/// Bound: not one page over the limit
#[tokio::test]
async fn a_multi_memory_growth_bomb() {
    // Two memories, each within the limit, the sum over it.
    let two = Guest {
        module: "(memory $two 129)",
        ..Guest::calling(
            "(if (i32.eq (i32.const -1) (memory.grow 1 (i32.const 1))) (then (unreachable)))
             (if (i32.eq (i32.const -1) (memory.grow 0 (i32.const 126))) (then (unreachable))) (unreachable)",
        )
    };
    let scene = Scene::new("");
    scene.attack_by(two).await.is_stopped_by(MEMORY, SOON);
    scene.assert_trail(&[BEGAN]);
    let three = Guest {
        module: "(memory 1) (memory 1)",
        ..Guest::default()
    };
    let SandboxError::Load(refused) = scene.load_as("third", &three.bytes()).unwrap_err() else {
        panic!("not by the engine")
    };
    assert_eq!(
        refused.to_string(),
        "the plugin cannot be loaded: memories: 3 where 2 are allowed"
    );
}

/// Attack: table growth bomb
/// Answer: `CallError::Limit`: "table elements: more than 10000 over all tables of the plugin"
/// Bound: not one element over the limit
#[tokio::test]
async fn a_table_growth_bomb() {
    let guest = Guest {
        module: "(table $one 5000 funcref) (table $two 4000 funcref)",
        ..Guest::calling(
            "(loop $again (br_if $again (i32.ne (i32.const -1) (table.grow $two (ref.null func) (i32.const 7))))) (unreachable)",
        )
    };
    let scene = Scene::new("");
    let limit = Limit::TableElements { elements: 10_000 };
    scene.attack_by(guest).await.is_stopped_by(limit, SOON);
    scene.assert_trail(&[BEGAN]);
}

/// Attack: deep recursion
/// Answer: `CallError::Limit`: "recursion: the stack of 524288 bytes is used up"
/// Bound: 512 KiB, which each function looks at before it goes on; the host's own functions have a rest that no guest has
#[tokio::test]
async fn deep_recursion() {
    let guest = Guest {
        module: "(func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (local.get 0)))",
        ..Guest::calling("(call $deeper (i32.const 0))")
    };
    let scene = Scene::new("");
    let limit = Limit::Recursion { bytes: 512 << 10 };
    scene.attack_by(guest).await.is_stopped_by(limit, SOON);
    scene.assert_trail(&[BEGAN]);
}

/// Attack: access outside memory
/// Answer: `CallError::Trap`: "wasm trap: out of bounds memory access"
/// Bound: nothing outside the guest's memory is read or written
#[tokio::test]
async fn access_outside_memory() {
    let scene = Scene::new("");
    for body in [
        "(drop (i32.load (i32.const -4))) (unreachable)",
        "(i32.store (i32.const 65536) (i32.const 1)) (unreachable)",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65537)) (unreachable)",
    ] {
        let attacker = scene.load(&Guest::calling(body).bytes()).unwrap();
        let attempt = scene.attack(&attacker, "t", "{}").await;
        let error = attempt.outcome.unwrap_err();
        assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
        assert!(error.to_string().contains("out of bounds"), "{error}");
    }
    scene.assert_trail(&[BEGAN, BEGAN, BEGAN]);
}

/// Attack: memory of another kind
/// Answer: shared memory, and objects that are collected: `LoadError::Compile`, since these features are off; a 64-bit memory: as any other
/// Bound: the same sum over all memories
#[tokio::test]
async fn memory_of_another_kind() {
    let scene = Scene::new("");
    for module in [
        "(memory 1 65536 shared)",
        "(type $bytes (array (mut i8))) (func (drop (array.new_default $bytes (i32.const 1000000))))",
    ] {
        let guest = Guest {
            module,
            ..Guest::default()
        };
        let SandboxError::Load(refused) = scene.load(&guest.bytes()).unwrap_err() else {
            panic!("not by the engine")
        };
        assert!(
            matches!(refused, LoadError::Compile(CompileError::Invalid { .. })),
            "{refused}"
        );
    }
    let wide = Guest {
        module: "(memory $wide i64 1)",
        ..Guest::calling(
            "(loop $again (br_if $again (i64.ne (i64.const -1) (memory.grow $wide (i64.const 1))))) (unreachable)",
        )
    };
    scene.attack_by(wide).await.is_stopped_by(MEMORY, SOON);
    scene.assert_trail(&[BEGAN]);
}
