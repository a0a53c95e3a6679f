//! What crosses between guest and host: results, arguments, log messages, and a host that fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    CallContext, CallError, Caps, Host, HostAnswer, HostFault, HttpRequest, Limit, LogLevel,
    PluginOptions,
};

use crate::guest::{Guest, LATE, caps, run, short};

#[test]
fn a_result_of_100_mb_is_refused_before_it_is_copied() {
    let guest = Guest {
        memory: "1700",
        execute: "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 0))
            (i32.store (i32.const 24) (i32.const 100000000)) (i32.const 16)",
        ..Guest::default()
    };
    let plugin = guest.load(caps(Caps {
        memory_bytes: 128 << 20,
        ..Caps::default()
    }));
    let error = run(plugin.call("t", "")).unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Exchange {
                most_bytes: 10_485_760,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("at most 10485760 bytes"),
        "{error}"
    );
}

#[test]
fn a_result_that_is_not_utf8_or_lies_outside_memory_is_refused() {
    let bad = Guest {
        module: r#"(data (i32.const 2048) "\ff\fe")"#,
        execute:
            "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 2048))
            (i32.store (i32.const 24) (i32.const 2)) (i32.const 16)",
        ..Guest::default()
    };
    let outside = Guest {
        execute:
            "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const -8))
            (i32.store (i32.const 24) (i32.const 16)) (i32.const 16)",
        ..Guest::default()
    };
    for guest in [bad, outside] {
        let error = run(guest.load(PluginOptions::default()).call("t", "")).unwrap_err();
        assert!(matches!(error, CallError::Exchange { .. }), "{error:?}");
    }
}

#[test]
fn an_argument_larger_than_the_plugins_memory_does_not_reach_it() {
    let plugin = Guest::default().load(PluginOptions::default());
    let error = run(plugin.call("t", " ".repeat(16 << 20))).unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Argument {
                most: 16_777_216,
                ..
            }
        ),
        "{error:?}"
    );
}

/// Keeps what it was asked; `get-env` never answers. `read-file` fails in the host's own work, or answers "four" to a path of two
/// bytes; `write-file` panics for an empty path, and on the engine's threads for one of two bytes.
#[derive(Default)]
struct Recorder {
    messages: Mutex<Vec<(LogLevel, String, bool)>>,
    dropped: AtomicU64,
    refused: Mutex<Vec<String>>,
}

impl Host for Recorder {
    fn http_request<'a>(
        &'a self,
        _: CallContext,
        _: HttpRequest,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async { Ok(Err("no".into())) })
    }

    fn read_file<'a>(
        &'a self,
        _: CallContext,
        path: String,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async move {
            if path.len() == 2 {
                return Ok(Ok("four".into()));
            }
            Err(HostFault {
                message: "the audit entry was not written".into(),
            })
        })
    }

    fn write_file<'a>(
        &'a self,
        _: CallContext,
        path: String,
        _: String,
    ) -> HostAnswer<'a, Result<(), String>> {
        assert!(!path.is_empty(), "a host's mistake");
        Box::pin(async move {
            if path.len() == 2 {
                tokio::task::yield_now().await;
                panic!("a host's mistake, later");
            }
            Ok(Ok(()))
        })
    }

    fn get_env<'a>(&'a self, _: CallContext, _: String) -> HostAnswer<'a, Option<String>> {
        Box::pin(std::future::pending())
    }

    fn log<'a>(
        &'a self,
        _: CallContext,
        level: LogLevel,
        message: String,
        cut: bool,
    ) -> HostAnswer<'a, ()> {
        self.messages.lock().unwrap().push((level, message, cut));
        Box::pin(async { Ok(()) })
    }

    fn refused<'a>(
        &'a self,
        _: CallContext,
        function: &'static str,
        reason: String,
    ) -> HostAnswer<'a, ()> {
        self.refused
            .lock()
            .unwrap()
            .push(format!("{function}: {reason}"));
        Box::pin(async { Ok(()) })
    }

    fn log_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

fn recorded(options: PluginOptions) -> (Arc<Recorder>, PluginOptions) {
    let recorder = Arc::new(Recorder::default());
    let host = Arc::clone(&recorder) as Arc<dyn Host>;
    (recorder, PluginOptions { host, ..options })
}

#[test]
fn a_log_flood_is_cut_to_a_hundred_messages_and_the_rest_is_counted() {
    let guest = Guest {
        execute: "(local $i i32) (local.set $i (i32.const 100000))
            (loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 27))
              (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    };
    let (recorder, options) = recorded(PluginOptions::default());
    let plugin = guest.load(options);
    run(plugin.call("t", "")).unwrap();
    let messages = recorder.messages.lock().unwrap();
    assert_eq!(messages.len(), 100);
    assert_eq!(
        messages[0],
        (
            LogLevel::Warning,
            r#"{"name":"guest","tools":[]}"#.to_owned(),
            false
        )
    );
    assert_eq!(recorder.dropped.load(Ordering::Relaxed), 99_900);
}

#[test]
fn a_long_log_message_is_cut_at_a_characters_boundary() {
    // The parameters, as they are.
    let guest = Guest {
        execute: "(call $log (i32.const 77) (local.get $json) (local.get $json_len))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    };
    let (recorder, options) = recorded(PluginOptions::default());
    // 4,000 falls into the middle of a character.
    run(guest
        .load(options)
        .call("t", format!("a{}", "ä".repeat(5000))))
    .unwrap();
    let messages = recorder.messages.lock().unwrap();
    assert_eq!(
        *messages,
        [(LogLevel::Trace, format!("a{}", "ä".repeat(1999)), true)]
    );
}

#[test]
fn what_is_too_long_for_a_host_function_is_refused_uncopied_and_the_host_hears_of_it() {
    let guest = Guest {
        memory: "100",
        execute: "(call $write (i32.const 1024) (i32.const 1) (i32.const 0) (i32.const 4000001) (i32.const 16))
            ;; discriminant, address, length of write-file's answer are those of ours, a word on
            (i32.store (i32.const 24) (i32.load (i32.const 24))) (i32.const 16)",
        ..Guest::default()
    };
    let (recorder, options) = recorded(PluginOptions::default());
    let error = run(guest.load(options).call("t", "")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the content: 4000001 bytes, at most 4000000 are taken"
    );
    assert_eq!(
        *recorder.refused.lock().unwrap(),
        ["write-file: the content: 4000001 bytes, at most 4000000 are taken"]
    );
}

#[test]
fn lower_limits_of_a_policy_rule_what_crosses() {
    let lower = || {
        recorded(caps(Caps {
            log_message_bytes: 4,
            read_file_bytes: 3,
            write_file_bytes: 3,
            ..Caps::default()
        }))
    };
    let log = Guest {
        execute: "(call $log (i32.const 0) (local.get $json) (local.get $json_len))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    };
    let (recorder, options) = lower();
    run(log.load(options).call("t", "aääa")).unwrap();
    assert_eq!(
        *recorder.messages.lock().unwrap(),
        [(LogLevel::Error, "aä".to_owned(), true)]
    );
    let write = Guest {
        execute: "(call $write (i32.const 1024) (i32.const 1) (local.get $json) (local.get $json_len) (i32.const 16))
            (i32.const 16)",
        ..Guest::default()
    };
    let (recorder, options) = lower();
    let _ = run(write.load(options).call("t", "four"));
    assert_eq!(
        *recorder.refused.lock().unwrap(),
        ["write-file: the content: 4 bytes, at most 3 are taken"]
    );
    let read = Guest {
        execute: "(call $read (i32.const 1024) (i32.const 2) (i32.const 16)) (i32.const 16)",
        ..Guest::default()
    };
    let (_, options) = lower();
    let error = run(read.load(options).call("t", "")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer: 4 bytes, at most 3 are given"
    );
}

#[test]
fn a_host_function_that_panics_ends_the_call_at_once() {
    let guests = [
        "(call $write (i32.const 1024) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 16)",
        "(call $write (i32.const 1024) (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 16)",
    ];
    for execute in guests {
        let (_, options) = recorded(PluginOptions::default());
        let plugin = Guest {
            execute,
            ..Guest::default()
        }
        .load(options);
        let began = Instant::now();
        let error = run(plugin.call("t", "")).unwrap_err();
        assert!(
            matches!(error, CallError::Host(ref fault) if fault.message == "a host function panicked"),
            "{error:?}"
        );
        // Not at the deadline of 30 seconds.
        assert!(began.elapsed() < Duration::from_secs(15));
    }
}

#[test]
fn a_host_that_cannot_do_its_own_work_ends_the_call() {
    let guest = Guest {
        execute: "(call $read (i32.const 1024) (i32.const 1) (i32.const 16)) (i32.const 16)",
        ..Guest::default()
    };
    let (_, options) = recorded(PluginOptions::default());
    let error = run(guest.load(options).call("t", "")).unwrap_err();
    assert!(matches!(error, CallError::Host(_)), "{error:?}");
    // And where nothing is granted, the guest hears so and goes on.
    let error = run(guest.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "read-file is denied: nothing is granted to this plugin"
    );
}

#[test]
fn a_host_function_that_never_answers_is_under_the_same_deadline() {
    let guest = Guest {
        execute: "(call $env (i32.const 1024) (i32.const 1) (i32.const 16)) (i32.const 16)",
        ..Guest::default()
    };
    let (_, options) = recorded(short());
    let plugin = guest.load(options);
    let began = Instant::now();
    let error = run(plugin.call("t", "")).unwrap_err();
    assert!(
        matches!(error.limit(), Some(Limit::Deadline { .. })),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_millis(100) + LATE);
}
