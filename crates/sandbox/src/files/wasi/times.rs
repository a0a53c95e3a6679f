//! A file's times, as WASI gives them.

use std::time::{Duration, SystemTime};

use wasmtime_wasi::p2::bindings::filesystem::types::{ErrorCode, NewTimestamp};

pub(super) fn file_times(
    accessed: &NewTimestamp,
    modified: &NewTimestamp,
) -> Result<std::fs::FileTimes, ErrorCode> {
    let mut times = std::fs::FileTimes::new();
    if let Some(time) = system_time(accessed)? {
        times = times.set_accessed(time);
    }
    if let Some(time) = system_time(modified)? {
        times = times.set_modified(time);
    }
    Ok(times)
}

fn system_time(time: &NewTimestamp) -> Result<Option<SystemTime>, ErrorCode> {
    match time {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(SystemTime::now())),
        NewTimestamp::Timestamp(time) => {
            let nanoseconds = Duration::from_nanos(time.nanoseconds.into());
            let since = Duration::from_secs(time.seconds).checked_add(nanoseconds);
            since
                .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
                .map(Some)
                .ok_or(ErrorCode::Overflow)
        }
    }
}
