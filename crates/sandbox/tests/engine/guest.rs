//! The guests of these tests, written as text, and the engine that they run in.

use std::sync::OnceLock;
use std::time::Duration;

use dewclaw_sandbox::engine::{
    Caps, Engine, EngineOptions, LoadError, Plugin, PluginOptions, TrustedInputOnly,
};

pub(crate) use crate::parts::{BUMP, ECHO, SPIN};

/// The parts of a guest that a test replaces. The default is a plugin whose tools give their parameters back.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    /// Fields of the core module beside memory, allocator and the functions below.
    pub(crate) module: &'static str,
    pub(crate) memory: &'static str,
    pub(crate) realloc: &'static str,
    pub(crate) init: &'static str,
    /// The body of `execute-tool`: `$tool $tool_len $json $json_len`, gives the address of a `result<string, string>`.
    pub(crate) execute: &'static str,
    pub(crate) post_return: &'static str,
    pub(crate) old_names: bool,
}

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
    pub(crate) fn text(self) -> String {
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

    pub(crate) fn load(self, options: PluginOptions) -> Plugin {
        self.try_load(options).unwrap()
    }

    pub(crate) fn try_load(self, options: PluginOptions) -> Result<Plugin, LoadError> {
        let bytes = wat::parse_str(self.text()).unwrap();
        Plugin::load(engine(), &bytes, &TrustedInputOnly, options)
    }
}

/// One engine for all tests, as in a process that runs many plugins.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineOptions::default()).unwrap())
}

/// A host's runtime: one thread, which no guest may hold up.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) fn caps(caps: Caps) -> PluginOptions {
    PluginOptions {
        caps,
        ..PluginOptions::default()
    }
}

/// Fuel for ever, and a short time.
pub(crate) fn short() -> PluginOptions {
    caps(Caps {
        fuel: u64::MAX,
        deadline: Duration::from_millis(100),
        ..Caps::default()
    })
}

/// What a call's end may come after its deadline here, where other tests compute at the same time.
pub(crate) const LATE: Duration = Duration::from_millis(500);
