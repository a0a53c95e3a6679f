//! What concerns the process: the output of the C in it, and what the kernel counts of it.

#![allow(
    unsafe_code,
    reason = "a call of the C library that WAMR is linked with"
)]

/// Writes out what WAMR has printed, which is in the buffers of the C library, so that what we print comes after it.
pub fn flush() {
    // SAFETY: a null pointer stands for all open streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// The most memory that this process has had in use, in KiB. From `VmHWM` of `/proc/self/status`, which begins anew
/// with each program, where `getrusage` counts what the parent had before it; none on other systems than Linux.
#[must_use]
pub fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
