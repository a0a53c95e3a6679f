//! Writes that count before they are done.

use crate::files::counts::Written;

/// Why something was not written.
pub(super) enum Charged {
    System(std::io::Error),
    Over,
}

impl From<std::io::Error> for Charged {
    fn from(error: std::io::Error) -> Charged {
        Charged::System(error)
    }
}

/// Counts bytes as written and then writes them; given back where that fails.
pub(super) fn charged<T>(
    written: &Written,
    bytes: impl FnOnce() -> std::io::Result<u64>,
    write: impl FnOnce() -> std::io::Result<T>,
) -> Result<T, Charged> {
    let bytes = bytes()?;
    if !written.charge(bytes) {
        return Err(Charged::Over);
    }
    let done = write();
    if done.is_err() {
        written.refund(bytes);
    }
    Ok(done?)
}

#[cfg(unix)]
pub(super) fn write_at(file: &std::fs::File, bytes: &[u8], offset: u64) -> std::io::Result<u64> {
    use std::os::unix::fs::FileExt;

    file.write_at(bytes, offset).map(|count| count as u64)
}

#[cfg(windows)]
pub(super) fn write_at(file: &std::fs::File, bytes: &[u8], offset: u64) -> std::io::Result<u64> {
    use std::os::windows::fs::FileExt;

    file.seek_write(bytes, offset).map(|count| count as u64)
}
