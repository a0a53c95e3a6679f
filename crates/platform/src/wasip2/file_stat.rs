//! The calls of wasi:filesystem that answer a `descriptor-stat`, read by the fields that are needed.
//!
//! The generated bindings build the three times, too, which nothing here reads: 479 bytes of dewclaw.wasm.

#![allow(unsafe_code, reason = "calls imports by the canonical ABI")]

use core::mem::MaybeUninit;

use wasi::filesystem::types::{Descriptor, DescriptorType, ErrorCode};

use crate::{EntryKind, Stat};

/// Where a call leaves its answer, a `result<descriptor-stat, error-code>`: 104 bytes.
#[repr(C)]
struct Answer {
    /// 0 for a stat, 1 for an error, of which only `case` is written.
    failed: u8,
    /// The case of the error, or of the type.
    case: MaybeUninit<Aligned<u8>>,
    links: MaybeUninit<u64>,
    size: MaybeUninit<u64>,
    times: MaybeUninit<[u64; 9]>,
}

/// At a multiple of 8, where both payloads begin.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Aligned<T>(T);

/// `descriptor.stat`.
pub(super) fn stat(descriptor: &Descriptor) -> Result<Stat, ErrorCode> {
    #[link(wasm_import_module = "wasi:filesystem/types@0.2.0")]
    unsafe extern "C" {
        #[link_name = "[method]descriptor.stat"]
        fn call(descriptor: u32, answer: *mut Answer);
    }
    let mut answer = MaybeUninit::uninit();
    // SAFETY: the signature is the canonical ABI's.
    unsafe {
        call(descriptor.handle(), answer.as_mut_ptr());
        read(answer.as_ptr())
    }
}

/// `descriptor.stat-at`, links not followed.
pub(super) fn stat_at(folder: &Descriptor, name: &str) -> Result<Stat, ErrorCode> {
    #[link(wasm_import_module = "wasi:filesystem/types@0.2.0")]
    unsafe extern "C" {
        #[link_name = "[method]descriptor.stat-at"]
        fn call(folder: u32, follow: u32, name: *const u8, length: usize, answer: *mut Answer);
    }
    let mut answer = MaybeUninit::uninit();
    // SAFETY: the signature is the canonical ABI's; the name lives to the end of the call.
    unsafe {
        call(
            folder.handle(),
            0,
            name.as_ptr(),
            name.len(),
            answer.as_mut_ptr(),
        );
        read(answer.as_ptr())
    }
}

/// # Safety
/// A call has written its answer.
unsafe fn read(answer: *const Answer) -> Result<Stat, ErrorCode> {
    // SAFETY: the case of either payload is written, and of a stat every field. The host gives only cases that there are.
    unsafe {
        let case = (*answer).case.assume_init().0;
        if (*answer).failed != 0 {
            return Err(core::mem::transmute::<u8, ErrorCode>(case));
        }
        let (kind, size) = match core::mem::transmute::<u8, DescriptorType>(case) {
            DescriptorType::RegularFile => (EntryKind::File, (*answer).size.assume_init()),
            DescriptorType::Directory => (EntryKind::Folder, 0),
            DescriptorType::SymbolicLink => (EntryKind::Link, 0),
            _ => (EntryKind::Special, 0),
        };
        Ok(Stat { kind, size })
    }
}
