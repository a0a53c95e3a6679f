//! What a program without the standard library must bring along: allocator, panic handler, memory functions.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Memory was asked for and there was none.
static EXHAUSTED: AtomicBool = AtomicBool::new(false);

/// dlmalloc, and a note of when it has nothing to give: the panic that follows tells nothing of its cause.
struct Allocator;

#[allow(unsafe_code, reason = "what the allocator's trait asks for")]
// SAFETY: every call is handed on with the same size, and an alignment that is no smaller.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { GlobalDlmalloc.alloc(aligned(layout)) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { GlobalDlmalloc.dealloc(memory, aligned(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { GlobalDlmalloc.alloc_zeroed(aligned(layout)) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { GlobalDlmalloc.realloc(memory, aligned(layout), new_size) })
    }
}

/// The same at the alignment that dlmalloc gives everything. Nothing here is aligned further, so what would see to that is
/// in no artifact.
fn aligned(layout: Layout) -> Layout {
    match Layout::from_size_align(layout.size(), 2 * size_of::<usize>()) {
        Ok(aligned) if layout.align() <= aligned.align() => aligned,
        _ => give_up(),
    }
}

fn noted(memory: *mut u8) -> *mut u8 {
    EXHAUSTED.store(memory.is_null(), Ordering::Relaxed);
    memory
}

// memcpy and its kin, which compiled code calls by name.
#[allow(unsafe_code, reason = "only links the C library's memory functions")]
#[link(name = "c")]
unsafe extern "C" {}

/// Says that there is a bug, or no memory, then traps. With the place of each panic the component was 14 KB larger, since every check
/// of an index names its own; wasmtime's trace names the function.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    give_up()
}

fn give_up() -> ! {
    #[cfg(feature = "wasi")]
    if EXHAUSTED.load(Ordering::Relaxed) {
        crate::console::out_of_memory();
    } else {
        crate::console::panicked();
    }
    core::arch::wasm32::unreachable()
}

/// Gives the host memory for what it passes in. The C library has a `cabi_realloc` over an allocator of its own, which
/// must never meet the one above; this one takes its place.
///
/// # Safety
/// As the canonical ABI calls it: `old` came from here with `old_length` and `align`, or both are zero.
#[cfg(target_env = "p2")]
#[allow(unsafe_code, reason = "the canonical ABI's allocation function")]
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_length: usize,
    align: usize,
    new_length: usize,
) -> *mut u8 {
    use alloc::alloc::{alloc, realloc};
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
        // Nothing can be said of it: while the host passes something in, no function of its own may be called.
        core::arch::wasm32::unreachable()
    }
    memory
}
