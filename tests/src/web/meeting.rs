//! A meeting of requests: none is answered before all have come.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Longer than a client takes that sends its requests together; one that waits for the first answer is refused after it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pages that are only answered once all of them have been asked for, in an order of the test's choice.
///
/// A client that sends its requests one after the other gets the status 503 from each, which names how many had come.
#[derive(Clone)]
pub struct Meeting(Arc<Shared>);

struct Shared {
    parties: usize,
    attendance: Mutex<Attendance>,
    changed: Condvar,
}

#[derive(Default)]
struct Attendance {
    arrived: usize,
    answered: usize,
}

impl Meeting {
    /// A meeting of this many requests.
    pub fn of(parties: usize) -> Self {
        Self(Arc::new(Shared {
            parties,
            attendance: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// How many requests have come so far.
    pub fn arrived(&self) -> usize {
        self.attendance().arrived
    }

    /// Waits until all have come and `turn` of them were answered; the error is why that did not happen.
    pub(super) fn wait(&self, turn: usize) -> Result<(), String> {
        let mut attendance = self.attendance();
        attendance.arrived += 1;
        self.0.changed.notify_all();
        let parties = self.0.parties;
        let waiting = |attendance: &mut Attendance| {
            attendance.arrived < parties || attendance.answered < turn
        };
        let waited = self
            .0
            .changed
            .wait_timeout_while(attendance, PATIENCE, waiting);
        let (attendance, waited) = waited.unwrap_or_else(|poison| poison.into_inner());
        if waited.timed_out() {
            let Attendance { arrived, answered } = *attendance;
            return Err(format!(
                "{arrived} of {parties} requests had come after {PATIENCE:?}, and {answered} were answered"
            ));
        }
        Ok(())
    }

    pub(super) fn answered(&self) {
        self.attendance().answered += 1;
        self.0.changed.notify_all();
    }

    fn attendance(&self) -> MutexGuard<'_, Attendance> {
        self.0
            .attendance
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}
