//! What a program without the standard library must bring along: allocator, panic handler, memory functions.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

// memcpy and its kin, which compiled code calls by name.
#[allow(unsafe_code, reason = "only links the C library's memory functions")]
#[link(name = "c")]
unsafe extern "C" {}

/// Says that there is a bug, then traps. Formatting the panic's own message would cost every user kilobytes.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    crate::console::panicked(info.location());
    core::arch::wasm32::unreachable()
}
