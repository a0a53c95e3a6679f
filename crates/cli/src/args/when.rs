//! Times as a person types them: an instant of UTC, or how long ago.

use std::time::{SystemTime, UNIX_EPOCH};

/// A text that says no time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is no time: 2026-11-21, 2026-11-21T14:23:54Z, or how long ago: 90s, 30m, 12h, 7d"
)]
pub(crate) struct TimeError {
    given: String,
}

/// Milliseconds since 1970 UTC, by this machine's clock.
pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since_1970.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970 UTC.
///
/// # Errors
/// The text says no time.
pub(crate) fn read(given: &str, now_ms: u64) -> Result<u64, TimeError> {
    ago(given)
        .map(|ago| now_ms.saturating_sub(ago))
        .or_else(|| instant(given))
        .ok_or_else(|| TimeError {
            given: given.to_owned(),
        })
}

/// A number with its unit, in milliseconds.
fn ago(given: &str) -> Option<u64> {
    let (number, ms) = [
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ]
    .into_iter()
    .find_map(|(unit, ms)| Some((given.strip_suffix(unit)?, ms)))?;
    number.parse::<u64>().ok()?.checked_mul(ms)
}

/// RFC 3339 in UTC, or its date alone: the day's beginning.
fn instant(given: &str) -> Option<u64> {
    let whole = match given.len() {
        10 => format!("{given}T00:00:00Z"),
        _ => given.to_owned(),
    };
    let time = humantime::parse_rfc3339(&whole).ok()?;
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (given, wanted) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29T12:34:56.789Z", Some(951_827_696_789)),
            ("2025-11-21T14:23:54Z", Some(1_763_735_034_000)),
            ("2s", Some(999_998_000)),
            ("1m", Some(999_940_000)),
            ("0h", Some(1_000_000_000)),
            ("3d", Some(740_800_000)),
            ("99999999999999999999d", None),
            ("2000-02-30", None),
            ("2000-02-29 12:34", None),
            ("-1d", None),
            ("", None),
        ] {
            assert_eq!(read(given, 1_000_000_000).ok(), wanted, "{given}");
        }
        assert_eq!(read("9d", 1_000).ok(), Some(0));
    }
}
