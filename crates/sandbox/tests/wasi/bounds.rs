//! What else of WASI there is, and how much of it: sockets, waiting, random bytes, standard streams.

use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    CallError, Caps, Limit, LoadError, Plugin, PluginOptions, TrustedInputOnly,
};

use crate::place::{Place, Setting, engine};

#[test]
fn raw_sockets_are_not_there_even_where_somebody_grants_them() {
    for interface in [
        "wasi:sockets/instance-network",
        "wasi:sockets/tcp-create-socket",
        "wasi:sockets/network",
    ] {
        let text = format!(
            r#"(component (import "{interface}@0.2.0" (instance (export "network" (type (sub resource)))))
              (core module $m (memory (export "memory") 1)
                (func (export "init") (result i32) unreachable) (func (export "execute") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
              (core instance $c (instantiate $m))
              (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $c "memory")))
              (func $describe (result string) (canon lift (core func $c "init") (memory $c "memory")))
              (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
                (canon lift (core func $c "execute") (memory $c "memory") (realloc (func $c "realloc"))))
              (instance $tools (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
              (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))"#
        );
        let options = PluginOptions {
            wasi: vec![interface.to_owned()],
            ..PluginOptions::default()
        };
        let bytes = wat::parse_str(&text).unwrap();
        let error = Plugin::load(engine(), &bytes, &TrustedInputOnly, options).unwrap_err();
        assert!(matches!(error, LoadError::Contract { .. }), "{error:?}");
        assert!(error.to_string().contains("wasi:sockets"), "{error}");
    }
}

/// What a call's end may come after its deadline here, where other tests compute at the same time.
const LATE: Duration = Duration::from_millis(500);

#[test]
fn sleeping_for_ever_and_waiting_for_many_things_ends_at_the_deadline() {
    let deadline = Duration::from_millis(100);
    let place = Place::with(Setting {
        caps: Caps {
            deadline,
            ..Caps::default()
        },
        ..Setting::default()
    });
    for op in ["b", "q"] {
        let began = Instant::now();
        let error = place.try_call(op, "").unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Deadline { after: deadline }),
            "{op}: {error}"
        );
        assert!(
            began.elapsed() < deadline + LATE,
            "{op}: {:?}",
            began.elapsed()
        );
    }
    // The plugin goes on.
    assert_eq!(place.call("R", "file"), "inside");
}

#[test]
fn things_to_wait_for_folders_and_long_lists_are_bounded() {
    let place = Place::new();
    for op in ["B", "p"] {
        let error = place.try_call(op, "").unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Wasi {
                what: "resources of WASI",
                most: 1000
            }),
            "{op}: {error:?}"
        );
    }
    let began = Instant::now();
    let error = place.try_call("P", "").unwrap_err();
    assert_eq!(
        error.limit(),
        Some(Limit::Wasi {
            what: "pollables of one poll",
            most: 1000
        }),
        "{error:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn random_bytes_are_bounded() {
    let place = Place::new();
    assert_eq!(place.call("F", ""), "65536");
    for op in ["f", "i"] {
        let error = place.try_call(op, "").unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Wasi {
                what: "bytes of get-random-bytes",
                most: 65_536
            }),
            "{op}: {error:?}"
        );
        assert_eq!(
            error.to_string(),
            "the plugin was stopped by a limit: bytes of get-random-bytes: at most 65536 at once"
        );
    }
}

#[test]
fn exit_ends_the_call_and_says_so() {
    let place = Place::new();
    for (op, expected) in [("e", 0), ("E", 1)] {
        let error = place.try_call(op, "").unwrap_err();
        assert!(
            matches!(error, CallError::Exited { status } if status == expected),
            "{error:?}"
        );
    }
    assert_eq!(place.call("R", "file"), "inside");
}

#[test]
fn standard_streams_go_nowhere_and_take_no_memory() {
    let place = Place::new();
    assert_eq!(place.call("y", ""), "10000");
    assert_eq!(place.counted("Q", ""), (0, 999));
    let error = place.try_call("v", "").unwrap_err();
    assert!(matches!(error, CallError::Exchange { .. }), "{error:?}");
}
