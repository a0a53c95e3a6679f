//! When a failed model call is tried again.
//!
//! Exponential backoff with jitter over half of each wait; a server's `Retry-After` (RFC 9110, section 10.2.3) is
//! kept to where the budget has room for it.

use alloc::string::String;

use dewclaw_platform::{Now, count, times, trim};

use crate::json::decimal;
use crate::settings::Settings;
use crate::template::fill;

/// The wait after the first failure, doubled with each further one.
const FIRST_WAIT_MS: u64 = 500;

/// No wait of our own choosing is longer.
const MAX_WAIT_MS: u64 = 30_000;

pub(super) struct Retry {
    /// The jitter's random state.
    random: u64,
    /// When the first try of this model call began.
    began_ms: u64,
    /// Failed tries of this model call.
    failed: u32,
}

impl Retry {
    pub(super) fn new(seed: u64) -> Retry {
        Retry {
            random: seed,
            began_ms: 0,
            failed: 0,
        }
    }

    /// The jitter's random state, to go on with.
    pub(super) fn seed(&self) -> u64 {
        self.random
    }

    /// A new model call begins.
    pub(super) fn begin(&mut self, now: Now) {
        self.began_ms = now.monotonic_ms;
        self.failed = 0;
    }

    /// Which try failed last, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.failed
    }

    /// The wait before the next try in milliseconds, or why there is none.
    pub(super) fn next(
        &mut self,
        settings: &Settings,
        now: Now,
        retry_after: Option<&str>,
    ) -> Result<u64, String> {
        self.failed += 1;
        if self.failed >= settings.retry_attempts {
            return Err(fill(
                "; gave up after % tries",
                &[&decimal(self.failed.into())],
            ));
        }
        let wait = match retry_after.and_then(|value| retry_after_ms(value, now.wall_ms)) {
            Some(wait) => wait,
            None => self.backoff(),
        };
        let spent = now.monotonic_ms.saturating_sub(self.began_ms);
        if spent.saturating_add(wait) > settings.retry_budget_ms {
            let wait = decimal(wait.div_ceil(1_000));
            return Err(fill(
                "; gave up: the next try would be in % s, past retry_budget_ms",
                &[&wait],
            ));
        }
        Ok(wait)
    }

    fn backoff(&mut self) -> u64 {
        let doublings = self.failed.saturating_sub(1).min(10);
        let full = (FIRST_WAIT_MS << doublings).min(MAX_WAIT_MS);
        full / 2 + self.random() % (full / 2 + 1)
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// A `Retry-After` value, seconds or a date, as milliseconds from now.
fn retry_after_ms(value: &str, wall_ms: u64) -> Option<u64> {
    let value = trim(value);
    if let Some(seconds) = count(value) {
        return Some(times(seconds, 1_000));
    }
    http_date_ms(value).map(|then| then.saturating_sub(wall_ms))
}

/// An HTTP date in the form that servers must send, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), as
/// milliseconds since 1970.
fn http_date_ms(value: &str) -> Option<u64> {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let number = |from: usize, to: usize| count(value.get(from..to)?);
    let (day, year) = (number(5, 7)?, number(12, 16)?);
    let (hour, minute, second) = (number(17, 19)?, number(20, 22)?, number(23, 25)?);
    let named = value.get(8..11)?.as_bytes();
    let month = MONTHS.chunks(3).position(|month| month == named)? as u64 + 1;
    if year < 1970 || day == 0 || value.get(25..) != Some(" GMT") {
        return None;
    }
    let days = super::system_text::days_from_civil(year, month, day);
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let wall = 784_111_777_000; // 1994-11-06T08:49:37Z
        assert_eq!(retry_after_ms("7", 0), Some(7_000));
        assert_eq!(retry_after_ms(" 0 ", 0), Some(0));
        assert_eq!(
            retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", wall),
            Some(0)
        );
        assert_eq!(
            retry_after_ms("Sun, 06 Nov 1994 08:50:00 GMT", wall),
            Some(23_000)
        );
        assert_eq!(
            retry_after_ms("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_799_000),
            Some(1_000)
        );
        for nonsense in [
            "",
            "soon",
            "-1",
            "Sun, 06 Nov",
            "Sun, 06 ovD 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(retry_after_ms(nonsense, 0), None, "{nonsense}");
        }
    }

    #[test]
    fn waits_double_within_their_jitter_and_end_with_the_budget() {
        let settings = Settings {
            retry_attempts: 100,
            retry_budget_ms: 60_000,
            ..Settings::default()
        };
        let mut retry = Retry::new(7);
        let mut now = Now::default();
        retry.begin(now);
        for full in [500u64, 1_000, 2_000, 4_000, 8_000, 16_000] {
            let wait = retry.next(&settings, now, None).unwrap();
            assert!((full / 2..=full).contains(&wait), "{wait} of {full}");
            now.monotonic_ms += wait;
        }
        now.monotonic_ms = 59_000;
        assert!(retry.next(&settings, now, None).is_err());
        assert!(retry.next(&settings, now, Some("1")).is_ok());
        assert!(retry.next(&settings, now, Some("3600")).is_err());
    }

    proptest! {
        #[test]
        fn any_header_is_survived(value in "[A-Za-z0-9, :]{0,40}") {
            let _ = retry_after_ms(&value, 0);
        }
    }
}
