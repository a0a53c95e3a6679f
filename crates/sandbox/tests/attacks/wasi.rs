//! Guests that attack through interfaces of WASI that they are granted.

use std::time::Duration;

use dewclaw_sandbox::engine::CallError;

use crate::guest::Guest;
use crate::scene::{BEGAN, ONE_SECOND, Scene};

const GRANTED: &str = "[plugins.attacker.permissions]\nwasi = [\"clocks\", \"random\", \"cli\"]\n";

/// Nothing of this takes long.
const SOON: Duration = Duration::from_secs(1);

/// A guest that can wait: `$subscribe` gives what waits so many nanoseconds.
fn waiting(body: &'static str) -> Guest {
    Guest {
        imports: r#"
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))
    (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))"#,
        lowered: r#"
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $all (canon lower (func $poll "poll") (memory $m "memory") (realloc (func $m "realloc"))))"#,
        given: r#"(export "subscribe" (func $subscribe)) (export "block" (func $block)) (export "all" (func $all))"#,
        module: r#"
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "h" "block" (func $block (param i32)))
    (import "h" "all" (func $all (param i32 i32 i32)))
    (global $count (mut i32) (i32.const 0))"#,
        ..Guest::calling(body)
    }
}

/// Attack: sleep for ever
/// Answer: `CallError::Limit`: "wall clock: longer than 1s"
/// Bound: the caller is told at the deadline; the guest is dropped where it waits
#[tokio::test]
async fn sleep_for_ever() {
    let scene = Scene::new(&format!("{ONE_SECOND}{GRANTED}"));
    let guest = waiting("(call $block (call $subscribe (i64.const -1))) (unreachable)");
    scene.attack_by(guest).await.is_stopped_by_the_clock();
    scene.assert_trail(&[BEGAN]);
}

/// Attack: poll on many pollables
/// Answer: `CallError::Limit`: 400 of them: "wall clock: longer than 1s"; more: "resources of WASI: at most 1000 at once"; one of them 1,001
/// times: "pollables of one poll: at most 1000 at once"; two million times: `CallError::Exchange`, as of a result
/// Bound: 1,000 resources of WASI in a store
#[tokio::test]
async fn poll_on_many_pollables() {
    let fill = |count: &str, each: &str, then: &str| -> &'static str {
        String::leak(format!(
            "(loop $again
               (i32.store (i32.add (i32.const 65536) (i32.shl (global.get $count) (i32.const 2))) {each})
               (global.set $count (i32.add (global.get $count) (i32.const 1)))
               (br_if $again (i32.lt_u (global.get $count) (i32.const {count}))))
             {then} (unreachable)"
        ))
    };
    let new = "(call $subscribe (i64.const -1))";
    let all = "(call $all (i32.const 65536) (global.get $count) (i32.const 16))";
    let policy = format!("{ONE_SECOND}{GRANTED}");
    let large = |guest: Guest| Guest {
        memory: "200",
        ..guest
    };

    let scene = Scene::new(&policy);
    let many = large(waiting(fill("400", new, all)));
    scene.attack_by(many).await.is_stopped_by_the_clock();
    scene.assert_trail(&[BEGAN]);

    let scene = Scene::new(&policy);
    let too_many = large(waiting(fill("501", new, all)));
    let attempt = scene.attack_by(too_many).await;
    attempt.is_stopped_saying("resources of WASI: at most 1000 at once", SOON);
    scene.assert_trail(&[BEGAN]);

    for (count, by) in [
        ("1001", None),
        ("2000000", Some("too much data is being copied")),
    ] {
        let scene = Scene::new(&policy);
        let body = format!(
            "(local.set $n {new}) {}",
            fill(count, "(local.get $n)", all)
        );
        let again_and_again = large(waiting(String::leak(body)));
        let attempt = scene.attack_by(again_and_again).await;
        match by {
            None => attempt.is_stopped_saying("pollables of one poll: at most 1000 at once", SOON),
            Some(words) => {
                let error = attempt.outcome.unwrap_err();
                assert!(matches!(error, CallError::Exchange { .. }), "{error:?}");
                assert!(error.to_string().contains(words), "{error}");
                assert!(attempt.took < SOON, "{:?}", attempt.took);
            }
        }
        scene.assert_trail(&[BEGAN]);
    }
}

fn with_random(guest: Guest) -> Guest {
    Guest {
        imports: r#"(import "wasi:random/random@0.2.0" (instance $random
            (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))"#,
        lowered: r#"(core func $random (canon lower (func $random "get-random-bytes") (memory $m "memory") (realloc (func $m "realloc"))))"#,
        given: r#"(export "random" (func $random))"#,
        module: r#"(import "h" "random" (func $random (param i64 i32)))"#,
        ..guest
    }
}

/// Attack: infinite loop in `cabi_realloc`
/// Answer: the same where the host asks for memory for its own answer
/// Bound: as in a call
#[tokio::test]
async fn an_infinite_loop_in_cabi_realloc_for_an_answer() {
    let guest = Guest {
        // Spins once it is told to.
        realloc: "(if (i32.load8_u (i32.const 60)) (then (loop $again (br $again)))) (i32.const 8192)",
        ..with_random(Guest::calling(
            "(i32.store8 (i32.const 60) (i32.const 1)) (call $random (i64.const 16) (i32.const 16)) (unreachable)",
        ))
    };
    let scene = Scene::new(GRANTED);
    let attempt = scene.attack_by(guest).await;
    attempt.is_stopped_saying("fuel: all 1000000000 units are used", SOON * 30);
    let scene = Scene::new(&format!("{ONE_SECOND}{GRANTED}"));
    scene.attack_by(guest).await.is_stopped_by_the_clock();
    scene.assert_trail(&[BEGAN]);
}

/// Attack: random bytes by the gigabyte
/// Answer: `CallError::Limit`: "bytes of get-random-bytes: at most 65536 at once"
/// Bound: 65,536 bytes at once, as browsers have it
#[tokio::test]
async fn random_bytes_by_the_gigabyte() {
    for length in ["65537", "67108864", "-1"] {
        let scene = Scene::new(GRANTED);
        let body = format!("(call $random (i64.const {length}) (i32.const 16)) (unreachable)");
        let guest = with_random(Guest::calling(String::leak(body)));
        let attempt = scene.attack_by(guest).await;
        attempt.is_stopped_saying("bytes of get-random-bytes: at most 65536 at once", SOON);
        scene.assert_trail(&[BEGAN]);
    }
}

/// Attack: standard output flood
/// Answer: `CallError::Limit`: "wall clock: longer than 1s", or fuel; nothing of it reaches the host's own output
/// Bound: 4,096 bytes at once, which are thrown away
#[tokio::test]
async fn a_standard_output_flood() {
    let guest = Guest {
        imports: r#"
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $io-error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $io-error (type $e))
    (export "output-stream" (type $out (sub resource)))
    (type $failure' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $failure (eq $failure')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $failure)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $s))
    (export "get-stdout" (func (result (own $s))))))"#,
        lowered: r#"
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m "memory")))"#,
        given: r#"(export "stdout" (func $stdout)) (export "write" (func $write))"#,
        module: r#"
    (import "h" "stdout" (func $stdout (result i32)))
    (import "h" "write" (func $write (param i32 i32 i32 i32)))"#,
        ..Guest::calling(
            "(local.set $n (call $stdout))
             (loop $again (call $write (local.get $n) (i32.const 0) (i32.const 4096) (i32.const 16)) (br $again)) (unreachable)",
        )
    };
    let scene = Scene::new(&format!("{ONE_SECOND}{GRANTED}"));
    scene.attack_by(guest).await.is_stopped_by_the_clock();
    scene.assert_trail(&[BEGAN]);
}
