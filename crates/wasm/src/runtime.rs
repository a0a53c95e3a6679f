//! What a program without the standard library must bring along: allocator, panic handler, memory functions.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

// memcpy and its kin, which compiled code calls by name.
#[allow(unsafe_code, reason = "only links the C library's memory functions")]
#[link(name = "c")]
unsafe extern "C" {}

/// Says that there is a bug, then traps. With the place of each panic the component was 14 KB larger, since every check
/// of an index names its own; wasmtime's trace names the function.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "wasi")]
    crate::console::panicked();
    core::arch::wasm32::unreachable()
}

/// Gives the host memory for what it passes in. The C library has a `cabi_realloc` over an allocator of its own, which
/// must never meet the one above; this one takes its place.
///
/// # Safety
/// As the canonical ABI calls it: `old` came from here with `old_length` and `align`, or both are zero.
#[allow(unsafe_code, reason = "the canonical ABI's allocation function")]
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_length: usize,
    align: usize,
    new_length: usize,
) -> *mut u8 {
    use alloc::alloc::{Layout, alloc, realloc};
    if new_length == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    let Ok(layout) = Layout::from_size_align(old_length.max(new_length), align) else {
        core::arch::wasm32::unreachable()
    };
    // SAFETY: the size is not zero, and `old` is as the caller promises.
    let memory = unsafe {
        if old_length == 0 {
            alloc(layout)
        } else {
            realloc(
                old,
                Layout::from_size_align_unchecked(old_length, align),
                new_length,
            )
        }
    };
    if memory.is_null() {
        core::arch::wasm32::unreachable()
    }
    memory
}
