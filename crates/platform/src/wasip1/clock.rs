//! Time from `clock_time_get`.

use wasip1::{CLOCKID_MONOTONIC, CLOCKID_REALTIME, Clockid, clock_time_get};

use crate::{Clock, Now};

/// The host's clocks. One that the host does not have stands still at 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasiClock;

impl Clock for WasiClock {
    fn now(&self) -> Now {
        Now {
            monotonic_ms: milliseconds(CLOCKID_MONOTONIC),
            wall_ms: milliseconds(CLOCKID_REALTIME),
        }
    }
}

fn milliseconds(clock: Clockid) -> u64 {
    const NANOSECONDS: u64 = 1_000_000;
    // SAFETY: the only pointer that it passes is to its own result.
    let now = unsafe { clock_time_get(clock, NANOSECONDS) };
    now.unwrap_or(0) / NANOSECONDS
}
