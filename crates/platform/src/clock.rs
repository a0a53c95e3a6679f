//! Time: what the driver reads before it tells the agent anything.

/// A moment, on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that never goes back; its zero means nothing.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z. May jump, and is wrong on a board without a battery.
    pub wall_ms: u64,
}

/// Reads the clocks. Waiting is [`crate::HttpClient::poll`]'s business, so that a wait never hides an event.
pub trait Clock {
    /// The current moment.
    fn now(&self) -> Now;
}

/// So many times `much`, or close to the largest number where it would be larger. `saturating_mul` multiplies in 128 bits, for
/// which wasm has no instruction.
pub fn times(count: u64, much: u64) -> u64 {
    if much == 0 {
        return 0;
    }
    count.min(u64::MAX / much) * much
}
