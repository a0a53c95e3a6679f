//! What iwasm's process does and a Rust program's does not, and what the kernel counts of a process.

#![allow(
    unsafe_code,
    reason = "two calls of the C library that WAMR is linked with"
)]

/// Lets a write to a closed pipe or socket end the process, as in a C program: iwasm leaves the signal as it is, Rust ignores it.
/// To be called first, before another thread runs.
pub fn restore_sigpipe() {
    // SAFETY: sets the default disposition, which runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Writes out what WAMR has printed, which is in the buffers of the C library, so that what we print comes after it.
pub fn flush() {
    // SAFETY: a null pointer stands for all open streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// The most memory that this process has had in use, in KiB. From `VmHWM` of `/proc/self/status`, which begins anew with each program,
/// where `getrusage` counts what the parent had before it; none on other systems than Linux.
#[must_use]
pub fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
