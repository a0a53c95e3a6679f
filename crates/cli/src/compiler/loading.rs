//! Machine code of the compiling process becomes a component. The one place of this crate that is unsafe.

use dewclaw_sandbox::engine::Engine;
use wasmtime::component::Component;

/// The component that `code` is.
///
/// # Errors
/// It is not code of this version of wasmtime with the settings of `engine`, for this machine.
#[expect(
    unsafe_code,
    reason = "wasmtime cannot tell machine code that it made from any other"
)]
pub(super) fn component(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` asks for bytes that `precompile_component` of the same wasmtime made. These come whole, which their
    // length and checksum say, through a pipe, never from a file, from a process that this one started of its own executable and
    // that does nothing but to call that function. It reads the plugin's bytes as data and runs none of its code, so there is
    // nothing in it that could write anything else.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
}
