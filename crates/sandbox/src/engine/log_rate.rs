//! How many log messages of a plugin are kept: so many in any minute that begins with a message.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The window that messages are counted in.
const WINDOW: Duration = Duration::from_secs(60);

/// One plugin's counter, over all its stores.
pub(crate) struct LogRate {
    most: u32,
    window: Mutex<Window>,
}

struct Window {
    began: Option<Instant>,
    kept: u32,
    dropped: u64,
}

/// Whether a message is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is, after so many that were not.
    Keep {
        dropped_before: u64,
    },
    Drop,
}

impl LogRate {
    pub(crate) fn new(most: u32) -> Self {
        LogRate {
            most,
            window: Mutex::new(Window {
                began: None,
                kept: 0,
                dropped: 0,
            }),
        }
    }

    /// Counts a message that comes at `now`.
    pub(crate) fn message(&self, now: Instant) -> Verdict {
        let mut window = self.lock();
        if window
            .began
            .is_none_or(|began| now.saturating_duration_since(began) >= WINDOW)
        {
            window.began = Some(now);
            window.kept = 0;
        }
        if window.kept >= self.most {
            window.dropped += 1;
            return Verdict::Drop;
        }
        window.kept += 1;
        Verdict::Keep {
            dropped_before: std::mem::take(&mut window.dropped),
        }
    }

    /// How many were dropped and not told yet.
    pub(crate) fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.lock().dropped)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Window> {
        self.window
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_minute_is_dropped_and_counted() {
        let rate = LogRate::new(2);
        let start = Instant::now();
        let keep = |dropped_before| Verdict::Keep { dropped_before };
        assert_eq!(rate.message(start), keep(0));
        assert_eq!(rate.message(start + Duration::from_secs(59)), keep(0));
        assert_eq!(rate.message(start + Duration::from_secs(59)), Verdict::Drop);
        assert_eq!(rate.message(start + Duration::from_secs(59)), Verdict::Drop);
        assert_eq!(rate.message(start + Duration::from_secs(60)), keep(2));
        assert_eq!(rate.take_dropped(), 0);
    }
}
