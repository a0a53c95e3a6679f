//! The guests that are measured: plugins by the contract, written as text, but for the kernels, which rustc compiles.

use std::path::Path;
use std::process::Command;

/// Gives back the parameters.
pub(crate) const ECHO: &str = "";
/// Computes for ever.
pub(crate) const SPIN: &str = "(loop $again (br $again))";
/// Traps.
pub(crate) const TRAP: &str = "(unreachable)";
/// Fills its memory of 15 MiB again and again: a bulk operation ends before anybody looks at the clock.
pub(crate) const FILL: &str = "(drop (memory.grow (i32.const 200)))
    (loop $again (memory.fill (i32.const 65536) (i32.const 1) (i32.const 15000000)) (br $again))";
/// Some 0.15 s of processor time.
pub(crate) const COUNT: &str = "(local.set $i (i32.const 150000000))
    (loop $again (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";
/// Asks for a variable of the environment as often as the parameters are bytes long.
pub(crate) const ASK: &str = "(local.set $i (local.get $json_len))
    (loop $again (call $env (i32.const 48) (i32.const 4) (i32.const 64))
      (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";
/// Asks the clock and for a number by chance.
pub(crate) const LOOK: &str = "(drop (call $now)) (drop (call $chance))";

/// A plugin without imports; `execute` is what its tool does before it gives its parameters back.
pub(crate) fn plain(execute: &str) -> Vec<u8> {
    assemble("", "", "", execute)
}

/// A plugin that may ask for a variable of the environment: `$env`.
pub(crate) fn with_host(execute: &str) -> Vec<u8> {
    assemble(
        r#"(import "dewclaw:plugin/host@0.1.0" (instance $host (export "get-env" (func (param "name" string) (result (option string))))))
  (core module $memory
    (memory (export "memory") 40)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 128)))
  (core instance $m (instantiate $memory))
  (core func $env (canon lower (func $host "get-env") (memory $m "memory") (realloc (func $m "realloc"))))
  (core instance $imports (export "env" (func $env)) (export "memory" (memory $m "memory")))"#,
        r#"(import "i" "env" (func $env (param i32 i32 i32))) (import "i" "memory" (memory 40)) (data (i32.const 48) "LANG")"#,
        r#"(with "i" (instance $imports))"#,
        execute,
    )
}

/// A plugin that imports interfaces of WASI: `$now`, `$chance`.
pub(crate) fn with_wasi(execute: &str) -> Vec<u8> {
    assemble(
        r#"(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core func $chance (canon lower (func $random "get-random-u64")))
  (core instance $imports (export "now" (func $now)) (export "chance" (func $chance)))"#,
        r#"(import "i" "now" (func $now (result i64))) (import "i" "chance" (func $chance (result i64)))"#,
        r#"(with "i" (instance $imports))"#,
        execute,
    )
}

fn assemble(imports: &str, module_imports: &str, with: &str, execute: &str) -> Vec<u8> {
    let memory = if module_imports.contains("memory") {
        r#"(export "memory" (memory 0))"#
    } else {
        r#"(memory (export "memory") 40)"#
    };
    let module = format!(
        r#"(core module $code
    {module_imports}
    {memory}
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
    (func (export "post") (param i32)))"#
    );
    component(imports, &module, with)
}

/// The contract around a core module named `$code`.
fn component(imports: &str, module: &str, with: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
  {imports}
  {module}
  (core instance $c (instantiate $code {with}))
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

/// Lays out pointers over 8 MiB, from 4 MiB on, which follow each other in no order that a cache could know.
const POINTERS: &str = "(drop (memory.grow (i32.const 200)))
      (loop $line
        (i32.store (i32.add (i32.const 4194304) (i32.shl (local.get $i) (i32.const 6)))
          (i32.add (i32.const 4194304) (i32.shl (i32.and (i32.const 131071)
            (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223))) (i32.const 6))))
        (br_if $line (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 131072))))";

/// Follows 80,000 pointers without a loop or a call between, where wasmtime's code would look at the clock. As large as a plugin may be
/// by default.
pub(crate) fn without_a_loop() -> Vec<u8> {
    plain(&format!(
        "{POINTERS} (local.set $i (i32.const 4194304))
      (loop $again local.get $i {} local.set $i br $again)",
        "i32.load ".repeat(80_000)
    ))
}

/// Follows pointers in 5,000 activations of a function, in each of them `count` behind the call of the next: after all calls, when
/// nothing begins any more.
pub(crate) fn after_its_calls(count: usize) -> Vec<u8> {
    let deep = format!(
        "(func $deep (param $n i32) (result i32)
      (if (result i32) (local.get $n)
        (then (call $deep (i32.sub (local.get $n) (i32.const 1))))
        (else (i32.const 4194304)))
      {})",
        "i32.load ".repeat(count)
    );
    let execute =
        format!("{POINTERS} (loop $again (drop (call $deep (i32.const 5000))) (br $again))");
    assemble("", &deep, "", &execute)
}

/// The kernels, as a plugin.
pub(crate) fn kernels() -> Vec<u8> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bench/kernels.rs");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let module = folder.path().join("kernels.wasm");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        // Where rust-toolchain.toml says which one.
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "--edition=2024",
            "--target=wasm32-wasip1",
            "--crate-type=cdylib",
        ])
        .args([
            "-Copt-level=3",
            "-Cpanic=abort",
            "-Cstrip=symbols",
            "-Clink-arg=-zstack-size=65536",
            "-o",
        ])
        .arg(&module)
        .arg(source)
        .status()
        .expect("rustc runs");
    assert!(status.success(), "rustc compiles the kernels");
    let module = std::fs::read(module).expect("the kernels");
    let text = wasmprinter::print_bytes(module).expect("a core module");
    let fields = text.find("\n").map_or("", |line| &text[line..]);
    component("", &format!("(core module $code {fields}"), "")
}
