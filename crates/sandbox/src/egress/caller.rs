//! One plugin as the door knows it: what it may reach, its limits, and what of them is used up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::error::EgressError;
use super::grants::Grants;

const MINUTE: Duration = Duration::from_secs(60);

/// The limits of a plugin's requests. The defaults are the specification's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressLimits {
    /// Requests within any 60 s, each hop of a redirect for one.
    pub requests_per_minute: u32,
    /// Connections at once.
    pub connections: usize,
    /// Bytes of a request: URL, headers and body.
    pub request_bytes: usize,
    /// Bytes of an answer's body, both as it is sent and decoded.
    pub response_bytes: usize,
    /// From the resolving of the first name to the last byte of the last answer.
    pub total: Duration,
    /// Redirects that are followed.
    pub redirects: u32,
}

impl Default for EgressLimits {
    fn default() -> EgressLimits {
        EgressLimits {
            requests_per_minute: 10,
            connections: 5,
            request_bytes: 1_000_000,
            response_bytes: 10_000_000,
            total: Duration::from_secs(30),
            redirects: 5,
        }
    }
}

/// One plugin before the door. All its stores share one, so that a fresh store has no fresh minute.
pub struct Caller {
    pub(super) grants: Arc<dyn Grants>,
    pub(super) limits: EgressLimits,
    rate: Mutex<Rate>,
    connections: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Caller {
    /// A plugin that has asked for nothing yet.
    pub fn new(grants: Arc<dyn Grants>, limits: EgressLimits) -> Caller {
        let connections = limits.connections.min(Semaphore::MAX_PERMITS);
        Caller {
            grants,
            limits,
            rate: Mutex::default(),
            connections: Arc::new(Semaphore::new(connections)),
            answers: Arc::new(Semaphore::new(connections)),
        }
    }

    /// Takes one of the minute's requests.
    pub(super) fn count_request(&self) -> Result<(), EgressError> {
        let limit = self.limits.requests_per_minute;
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(limit, Instant::now())
            .map_err(|wait| EgressError::RequestRate { limit, wait })
    }

    /// Takes one of the connections, until the permit is dropped.
    pub(super) fn open_connection(&self) -> Result<OwnedSemaphorePermit, EgressError> {
        self.take(&self.connections)
    }

    /// Makes room for an answer that the plugin reads when it likes, until the permit is dropped: as many as there may be connections,
    /// since to a plugin these are open ones.
    pub(super) fn keep_answer(&self) -> Result<OwnedSemaphorePermit, EgressError> {
        self.take(&self.answers)
    }

    fn take(&self, among: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, EgressError> {
        let limit = self.limits.connections;
        let permit = Arc::clone(among).try_acquire_owned();
        permit.map_err(|_| EgressError::Connections { limit })
    }
}

/// When the requests of the last minute went: never more of them than the limit.
#[derive(Default)]
struct Rate {
    sent: VecDeque<Instant>,
}

impl Rate {
    /// # Errors
    /// How long until the next may go.
    fn take(&mut self, limit: u32, now: Instant) -> Result<(), Duration> {
        while self
            .sent
            .front()
            .is_some_and(|first| now.duration_since(*first) >= MINUTE)
        {
            self.sent.pop_front();
        }
        if self.sent.len() >= limit as usize {
            let first = self.sent.front();
            return Err(first.map_or(MINUTE, |first| MINUTE - now.duration_since(*first)));
        }
        self.sent.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_minute_slides() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rate = Rate::default();
        for second in [0, 10, 20] {
            assert_eq!(rate.take(3, at(second)), Ok(()));
        }
        assert_eq!(rate.take(3, at(30)), Err(Duration::from_secs(30)));
        assert_eq!(rate.take(3, at(60)), Ok(()));
        assert_eq!(rate.take(3, at(60)), Err(Duration::from_secs(10)));
        assert_eq!(Rate::default().take(0, start), Err(MINUTE));
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_its_limit(limit in 0u32..6, steps in prop::collection::vec(0u64..40_000, 0..60)) {
            let mut now = Instant::now();
            let mut rate = Rate::default();
            let mut went: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                match rate.take(limit, now) {
                    Ok(()) => went.push(now),
                    // What was told to wait for is enough.
                    Err(wait) if limit > 0 => {
                        now += wait;
                        prop_assert_eq!(rate.take(limit, now), Ok(()));
                        went.push(now);
                    }
                    Err(_) => {}
                }
                let within = went.iter().filter(|sent| now.duration_since(**sent) < MINUTE);
                prop_assert!(within.count() <= limit as usize);
            }
        }
    }
}
