//! Attackers, written as text: a plugin of the contract whose parts a test replaces.

use std::sync::OnceLock;

pub(crate) use crate::parts::{BUMP, ECHO, SPIN};

/// The parts. The default is a plugin whose tools give their parameters back.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    /// Imports of the component, beside the host's `log`, with the core functions `(core func $…)` that they become behind it.
    pub(crate) imports: &'static str,
    /// Those core functions again: what the memory's instance is there for.
    pub(crate) lowered: &'static str,
    /// Their exports to the core module, as `(export "name" (func $…))`.
    pub(crate) given: &'static str,
    /// Fields of the core module, imports first, beside memory, allocator and the functions below.
    pub(crate) module: &'static str,
    pub(crate) memory: &'static str,
    pub(crate) realloc: &'static str,
    pub(crate) init: &'static str,
    /// The body of `describe`: gives the address of a string.
    pub(crate) describe: &'static str,
    /// The body of `execute-tool`: `$tool $tool_len $json $json_len`, and a local `$n`; gives the address of its result.
    pub(crate) execute: &'static str,
    pub(crate) post_return: &'static str,
}

/// Logs `begun`, so that the trail has something to lose.
pub(crate) const BEGUN: &str = "(call $log (i32.const 2) (i32.const 1088) (i32.const 5))";

impl Default for Guest {
    fn default() -> Self {
        Guest {
            imports: "",
            lowered: "",
            given: "",
            module: "",
            memory: "1",
            realloc: BUMP,
            init: "(i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32)",
            describe: "(i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 27)) (i32.const 16)",
            execute: ECHO,
            post_return: "",
        }
    }
}

impl Guest {
    /// One that does this in a call, after it has logged a line.
    pub(crate) fn calling(body: &'static str) -> Guest {
        let execute: &'static str = String::leak(format!("{BEGUN} {body}"));
        Guest {
            execute,
            ..Guest::default()
        }
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let Guest {
            imports,
            lowered,
            given,
            module,
            memory,
            realloc,
            init,
            describe,
            execute,
            post_return,
        } = self;
        let text = format!(
            r#"(component
  (import "dewclaw:plugin/host@0.1.0" (instance $host
    (export "log" (func (param "level" u8) (param "message" string)))))
  {imports}
  (core module $memory
    (memory (export "memory") {memory})
    (global $heap (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32) {realloc}))
  (core instance $m (instantiate $memory))
  (core func $log (canon lower (func $host "log") (memory $m "memory") (realloc (func $m "realloc"))))
  {lowered}
  (core module $code
    (import "m" "memory" (memory 0))
    (import "h" "log" (func $log (param i32 i32 i32)))
    {module}
    (data (i32.const 1024) "{{\22name\22:\22guest\22,\22tools\22:[]}}")
    (data (i32.const 1088) "begun")
    (func (export "init") (result i32) {init})
    (func (export "describe") (result i32) {describe})
    (func (export "execute") (param $tool i32) (param $tool_len i32) (param $json i32) (param $json_len i32) (result i32)
      (local $n i32) {execute})
    (func (export "post") (param i32) {post_return}))
  (core instance $h (export "log" (func $log)) {given})
  (core instance $c (instantiate $code (with "m" (instance $m)) (with "h" (instance $h))))
  (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $m "memory")))
  (func $describe (result string) (canon lift (core func $c "describe") (memory $m "memory")))
  (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
    (canon lift (core func $c "execute") (memory $m "memory") (realloc (func $m "realloc")) (post-return (func $c "post"))))
  (instance $tools
    (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
  (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))"#
        );
        wat::parse_str(text).unwrap()
    }
}

/// The plugin that asks its host for whatever its parameters say: see the file for its tools.
pub(crate) fn asker() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| wat::parse_str(include_str!("../guests/asker.wat")).unwrap())
}
