//! The watchdog: one thread that ends, at its deadline, each call that has not ended by itself, wherever its time goes.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::guard::{self, Guest, Slot};

/// What the thread and those who wait share.
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// By deadline, then by the order in which they came.
    slots: BTreeMap<(Instant, u64), Weak<Slot>>,
    next: u64,
    over: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's owner; the thread ends with it.
pub(crate) struct Watchdog {
    queue: Arc<Queue>,
}

/// A call's place in the queue, given up when it is dropped.
pub(crate) struct Watched {
    queue: Arc<Queue>,
    key: (Instant, u64),
}

impl Watchdog {
    pub(crate) fn start() -> io::Result<Self> {
        let queue = Arc::new(Queue {
            waiting: Mutex::new(Waiting::default()),
            changed: Condvar::new(),
        });
        let on_thread = Arc::clone(&queue);
        std::thread::Builder::new()
            .name("dewclaw-watchdog".into())
            .spawn(move || watch(&on_thread))?;
        Ok(Watchdog { queue })
    }

    /// Has `slot` expire at `deadline`, unless what is returned is dropped before.
    pub(crate) fn watch(&self, deadline: Instant, slot: &Arc<Slot>) -> Watched {
        let mut waiting = self.queue.lock();
        let key = (deadline, waiting.next);
        waiting.next += 1;
        waiting.slots.insert(key, Arc::downgrade(slot));
        let first = waiting
            .slots
            .first_key_value()
            .is_some_and(|(first, _)| *first == key);
        drop(waiting);
        if first {
            self.queue.changed.notify_one();
        }
        Watched {
            queue: Arc::clone(&self.queue),
            key,
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.queue.lock().over = true;
        self.queue.changed.notify_one();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.queue.lock().slots.remove(&self.key);
    }
}

fn watch(queue: &Queue) {
    let mut waiting = queue.lock();
    while !waiting.over {
        let now = Instant::now();
        let expired = expired(&mut waiting, now);
        if !expired.is_empty() {
            drop(waiting);
            // All callers are told first: dropping a guest takes longer than telling.
            let guests: Vec<Guest> = expired.iter().filter_map(|slot| slot.expire()).collect();
            for guest in guests {
                guard::drop_guest(guest);
            }
            drop(expired);
            waiting = queue.lock();
            continue;
        }
        waiting = match waiting.slots.first_key_value() {
            Some(((deadline, _), _)) => {
                let rest = deadline.saturating_duration_since(now);
                queue
                    .changed
                    .wait_timeout(waiting, rest)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => queue
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner),
        };
    }
}

fn expired(waiting: &mut Waiting, now: Instant) -> Vec<Arc<Slot>> {
    let mut expired = Vec::new();
    while let Some(first) = waiting.slots.first_entry() {
        if first.key().0 > now {
            break;
        }
        expired.extend(first.remove().upgrade());
    }
    expired
}
