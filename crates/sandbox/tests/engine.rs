//! The engine under attack: each guest is a real component, and each test says which limit stops it, and that nobody else is harmed.
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    Allocation, CallContext, CallError, Caps, CompileError, Engine, EngineOptions, Host,
    HostAnswer, HostFault, HttpRequest, Limit, LoadError, LogLevel, ModuleSize, Plugin,
    PluginOptions, Reuse, TrustedInputOnly,
};

/// The parts of a guest that a test replaces. The default is a plugin whose tools give their parameters back.
#[derive(Clone, Copy)]
struct Guest {
    /// Fields of the core module beside memory, allocator and the functions below.
    module: &'static str,
    memory: &'static str,
    realloc: &'static str,
    init: &'static str,
    /// The body of `execute-tool`: `$tool $tool_len $json $json_len`, gives the address of a `result<string, string>`.
    execute: &'static str,
    post_return: &'static str,
    old_names: bool,
}

/// Gives back where the answer lies: `ok` and the parameters.
const ECHO: &str = "(i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $json))
    (i32.store (i32.const 24) (local.get $json_len))
    (i32.const 16)";

/// A bump allocator that grows memory.
const BUMP: &str = r#"
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
        (then (unreachable)))))
    (local.get $at)"#;

const SPIN: &str = "(loop $again (br $again)) (unreachable)";

impl Default for Guest {
    fn default() -> Self {
        Guest {
            module: "",
            memory: "1",
            realloc: BUMP,
            init: "(i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32)",
            execute: ECHO,
            post_return: "",
            old_names: false,
        }
    }
}

impl Guest {
    fn text(self) -> String {
        let Guest {
            module,
            memory,
            realloc,
            init,
            execute,
            post_return,
            old_names,
        } = self;
        let (host, tools) = if old_names {
            ("host", "plugin")
        } else {
            ("dewclaw:plugin/host@0.1.0", "dewclaw:plugin/tools@0.1.0")
        };
        format!(
            r#"(component
  (import "{host}" (instance $host
    (export "read-file" (func (param "path" string) (result (result string (error string)))))
    (export "write-file" (func (param "path" string) (param "content" string) (result (result (error string)))))
    (export "get-env" (func (param "name" string) (result (option string))))
    (export "log" (func (param "level" u8) (param "message" string)))
    (export "http-request" (func (param "method" string) (param "url" string)
      (param "headers" (list (tuple string string))) (param "body" (option string)) (result (result string (error string)))))))
  (core module $memory
    (memory (export "memory") {memory})
    (global $heap (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32) {realloc}))
  (core instance $m (instantiate $memory))
  (core func $log (canon lower (func $host "log") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $read (canon lower (func $host "read-file") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $write (canon lower (func $host "write-file") (memory $m "memory") (realloc (func $m "realloc"))))
  (core func $env (canon lower (func $host "get-env") (memory $m "memory") (realloc (func $m "realloc"))))
  (core module $code
    (import "m" "memory" (memory 0))
    (import "h" "log" (func $log (param i32 i32 i32)))
    (import "h" "read-file" (func $read (param i32 i32 i32)))
    (import "h" "write-file" (func $write (param i32 i32 i32 i32 i32)))
    (import "h" "get-env" (func $env (param i32 i32 i32)))
    {module}
    (data (i32.const 1024) "{{\22name\22:\22guest\22,\22tools\22:[]}}")
    (func (export "init") (result i32) {init})
    (func (export "describe") (result i32)
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 27)) (i32.const 16))
    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $json i32) (param $json_len i32) (result i32) {execute})
    (func (export "post") (param i32) {post_return}))
  (core instance $h
    (export "log" (func $log)) (export "read-file" (func $read)) (export "write-file" (func $write)) (export "get-env" (func $env)))
  (core instance $c (instantiate $code (with "m" (instance $m)) (with "h" (instance $h))))
  (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $m "memory")))
  (func $describe (result string) (canon lift (core func $c "describe") (memory $m "memory")))
  (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
    (canon lift (core func $c "execute") (memory $m "memory") (realloc (func $m "realloc")) (post-return (func $c "post"))))
  (instance $tools
    (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
  (export "{tools}" (instance $tools)))"#
        )
    }

    fn load(self, options: PluginOptions) -> Plugin {
        self.try_load(options).unwrap()
    }

    fn try_load(self, options: PluginOptions) -> Result<Plugin, LoadError> {
        let bytes = wat::parse_str(self.text()).unwrap();
        Plugin::load(engine(), &bytes, &TrustedInputOnly, options)
    }
}

/// One engine for all tests, as in a process that runs many plugins.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineOptions::default()).unwrap())
}

/// A host's runtime: one thread, which no guest may hold up.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn caps(caps: Caps) -> PluginOptions {
    PluginOptions {
        caps,
        ..PluginOptions::default()
    }
}

/// Fuel for ever, and a short time.
fn short() -> PluginOptions {
    caps(Caps {
        fuel: u64::MAX,
        deadline: Duration::from_millis(100),
        ..Caps::default()
    })
}

/// What a call's end may come after its deadline here, where other tests compute at the same time.
const LATE: Duration = Duration::from_millis(500);

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
fn a_plugin_describes_itself_and_runs_tools_fresh_and_warm_and_by_its_older_names() {
    for old_names in [false, true] {
        for reuse in [Reuse::Fresh, Reuse::Warm { idle: 2 }] {
            let guest = Guest {
                old_names,
                ..Guest::default()
            };
            let plugin = guest.load(PluginOptions {
                reuse,
                ..PluginOptions::default()
            });
            run(async {
                assert_eq!(
                    plugin.describe().await.unwrap(),
                    r#"{"name":"guest","tools":[]}"#
                );
                for text in ["{}", r#"{"a":"ä"}"#, ""] {
                    assert_eq!(plugin.call("t", text).await.unwrap(), text);
                }
            });
            assert_eq!(plugin.idle_stores(), usize::from(reuse != Reuse::Fresh));
        }
    }
}

#[test]
fn init_runs_once_before_the_first_tool_of_each_store() {
    let guest = Guest {
        init: "(i32.store (i32.const 40) (i32.add (i32.const 1) (i32.load (i32.const 40))))
               (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32)",
        // "1", "2" …: how often init has run, at 40, and calls, at 44.
        execute: "(i32.store (i32.const 44) (i32.add (i32.const 1) (i32.load (i32.const 44))))
            (i32.store8 (i32.const 48) (i32.add (i32.const 48) (i32.load (i32.const 40))))
            (i32.store8 (i32.const 49) (i32.add (i32.const 48) (i32.load (i32.const 44))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 48)) (i32.store (i32.const 24) (i32.const 2))
            (i32.const 16)",
        ..Guest::default()
    };
    let calls = |reuse| {
        let plugin = guest.load(PluginOptions {
            reuse,
            ..PluginOptions::default()
        });
        run(async {
            [
                plugin.call("t", "").await.unwrap(),
                plugin.call("t", "").await.unwrap(),
            ]
        })
    };
    assert_eq!(calls(Reuse::Fresh), ["11", "11"]);
    assert_eq!(calls(Reuse::Warm { idle: 1 }), ["11", "12"]);
}

#[test]
fn what_the_plugin_says_of_failing_is_its_own_words() {
    let text = r#"(data (i32.const 2048) "no such tool")"#;
    let tool = Guest {
        module: text,
        execute:
            "(i32.store (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 2048))
            (i32.store (i32.const 24) (i32.const 12)) (i32.const 16)",
        ..Guest::default()
    };
    let error = run(tool.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert!(
        matches!(error, CallError::Tool { ref message } if message == "no such tool"),
        "{error:?}"
    );
    let init = Guest {
        module: text,
        init: "(i32.store (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 2048))
            (i32.store (i32.const 24) (i32.const 12)) (i32.const 16)",
        ..Guest::default()
    };
    let error = run(init.load(PluginOptions::default()).call("t", "")).unwrap_err();
    assert_eq!(error.to_string(), "the plugin did not start: no such tool");
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

/// Keeps what it was asked; `get-env` never answers, `read-file` fails in the host's own work.
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
        _: String,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async {
            Err(HostFault {
                message: "the audit entry was not written".into(),
            })
        })
    }

    fn write_file<'a>(
        &'a self,
        _: CallContext,
        _: String,
        _: String,
    ) -> HostAnswer<'a, Result<(), String>> {
        Box::pin(async { Ok(Ok(())) })
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
    // 4096 falls into the middle of a character.
    run(guest
        .load(options)
        .call("t", format!("a{}", "ä".repeat(5000))))
    .unwrap();
    let messages = recorder.messages.lock().unwrap();
    assert_eq!(
        *messages,
        [(LogLevel::Trace, format!("a{}", "ä".repeat(2047)), true)]
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
fn what_is_no_plugin_is_refused_by_what_it_lacks_or_asks_for() {
    let load = |text: &str| {
        Plugin::load(
            engine(),
            &wat::parse_str(text).unwrap(),
            &TrustedInputOnly,
            PluginOptions::default(),
        )
    };
    let missing = load("(component)").unwrap_err();
    assert_eq!(
        missing.to_string(),
        r#"not a plugin: no export "dewclaw:plugin/tools@0.1.0""#
    );
    let asks = load(
        r#"(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64))))))"#,
    );
    assert_eq!(
        asks.unwrap_err().to_string(),
        r#"the plugin imports "wasi:random/random@0.2.0", which is not granted"#
    );
    let core = load("(module)").unwrap_err();
    assert!(
        matches!(core, LoadError::Compile(CompileError::Invalid { .. })),
        "{core}"
    );
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
fn too_many_core_instances_are_refused() {
    let guest = Guest::default().text();
    let many = guest.replace(
        "(core module $code",
        &format!(
            "(core module $one) {} (core module $code",
            "(core instance (instantiate $one))".repeat(9)
        ),
    );
    let plugin = Plugin::load(
        engine(),
        &wat::parse_str(many).unwrap(),
        &TrustedInputOnly,
        PluginOptions::default(),
    )
    .unwrap();
    let error = run(plugin.call("t", "")).unwrap_err();
    assert!(matches!(error, CallError::Instantiate { .. }), "{error:?}");
    assert!(
        error.to_string().contains("instance count too high at 11"),
        "{error}"
    );
}

#[test]
fn wasi_is_linked_by_name() {
    let text = Guest::default().text().replacen(
        "(component",
        r#"(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))"#,
        1,
    );
    let load = |wasi: &[&str]| {
        let options = PluginOptions {
            wasi: wasi.iter().map(ToString::to_string).collect(),
            ..PluginOptions::default()
        };
        Plugin::load(
            engine(),
            &wat::parse_str(&text).unwrap(),
            &TrustedInputOnly,
            options,
        )
    };
    assert_eq!(
        run(load(&["wasi:random/random"]).unwrap().call("t", "{}")).unwrap(),
        "{}"
    );
    for other in [
        &[][..],
        &["wasi:random/insecure"],
        &["wasi:random"],
        &["wasi:random/randomness"],
    ] {
        assert!(matches!(
            load(other).unwrap_err(),
            LoadError::ImportRefused { .. }
        ));
    }
}

/// The contract, from its one copy: what these tests' guests import and export is what the WIT says.
mod contract {
    wasmtime::component::bindgen!({
        path: "../../wit/plugin",
        world: "plugin",
        imports: { default: trappable },
        exports: { default: async },
    });
}

struct Refuses;

impl contract::dewclaw::plugin::host::Host for Refuses {
    fn http_request(
        &mut self,
        _: String,
        _: String,
        _: Vec<(String, String)>,
        _: Option<String>,
    ) -> wasmtime::Result<Result<String, String>> {
        Ok(Err(String::new()))
    }

    fn read_file(&mut self, _: String) -> wasmtime::Result<Result<String, String>> {
        Ok(Err(String::new()))
    }

    fn write_file(&mut self, _: String, _: String) -> wasmtime::Result<Result<(), String>> {
        Ok(Err(String::new()))
    }

    fn get_env(&mut self, _: String) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }

    fn log(&mut self, _: u8, _: String) -> wasmtime::Result<()> {
        Ok(())
    }
}

#[test]
fn the_guests_of_these_tests_are_plugins_by_the_wit() {
    use wasmtime::component::{Component, HasSelf, Linker};
    let mut linker = Linker::new(engine().wasmtime());
    contract::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut Refuses| host)
        .unwrap();
    let component = Component::new(
        engine().wasmtime(),
        wat::parse_str(Guest::default().text()).unwrap(),
    )
    .unwrap();
    let mut store = wasmtime::Store::new(engine().wasmtime(), Refuses);
    store.set_fuel(1_000_000).unwrap();
    store.set_epoch_deadline(1 << 40);
    run(async {
        let plugin = contract::Plugin::instantiate_async(&mut store, &component, &linker)
            .await
            .unwrap();
        let tools = plugin.dewclaw_plugin_tools();
        assert_eq!(tools.call_init(&mut store).await.unwrap(), Ok(()));
        assert!(
            tools
                .call_describe(&mut store)
                .await
                .unwrap()
                .starts_with('{')
        );
        assert_eq!(
            tools
                .call_execute_tool(&mut store, "t", "{}")
                .await
                .unwrap(),
            Ok("{}".to_owned())
        );
    });
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
