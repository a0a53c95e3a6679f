//! Time from wasi:clocks.

use wasi::clocks::{monotonic_clock, wall_clock};

use crate::{Clock, Now, times};

/// The host's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasiClock;

impl Clock for WasiClock {
    fn now(&self) -> Now {
        let wall = wall_clock::now();
        Now {
            monotonic_ms: monotonic_clock::now() / 1_000_000,
            wall_ms: times(wall.seconds, 1_000)
                .saturating_add(u64::from(wall.nanoseconds / 1_000_000)),
        }
    }
}
