//! The epoch ticker: one thread that says, at a steady pace, "look at the clock" to every guest that runs, and rests when none does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// Ticks without a guest before the thread rests: a second of [`TICK`](super::TICK). Far more than the two that a call needs to move
/// to the engine's threads, where it is counted; and so many that calls which follow each other wake nobody.
const BEFORE_REST: u32 = 250;
/// In place of a number of ticks: the thread waits to be woken.
const RESTING: u32 = u32::MAX;
/// In place of a number of ticks: the engine is gone.
const OVER: u32 = u32::MAX - 1;

/// The thread's owner; the thread ends with it.
pub(crate) struct Ticker {
    pace: Arc<Pace>,
    thread: Thread,
}

/// What the thread and the calls share.
#[derive(Default)]
struct Pace {
    /// Ticks since the last call began, while no guest was on the engine's threads; or one of the two above.
    quiet: AtomicU32,
    /// Guests on the engine's threads.
    guests: AtomicUsize,
}

/// What the thread does after a tick.
#[derive(Debug, PartialEq)]
enum Next {
    Tick,
    Rest,
    End,
}

impl Pace {
    fn after_tick(&self) -> Next {
        let quiet = self.quiet.load(Ordering::Acquire);
        if quiet == OVER {
            return Next::End;
        }
        if self.guests.load(Ordering::Relaxed) > 0 {
            return Next::Tick;
        }
        let (next, then) = match quiet < BEFORE_REST {
            true => (quiet + 1, Next::Tick),
            false => (RESTING, Next::Rest),
        };
        // Where a call begins just now, or the engine goes, that is what counts.
        let was = self
            .quiet
            .compare_exchange(quiet, next, Ordering::AcqRel, Ordering::Acquire);
        if was.is_ok() { then } else { Next::Tick }
    }

    /// Whether the thread must be woken.
    fn begin_call(&self) -> bool {
        // Most calls find the 0 of the one before, and write nothing that other processors read.
        self.quiet.load(Ordering::Relaxed) != 0 && self.quiet.swap(0, Ordering::AcqRel) == RESTING
    }
}

impl Ticker {
    /// Ticks from now on. A tick by itself ends nothing: each store looks at its own deadline.
    pub(crate) fn start(engine: &Engine, tick: Duration) -> io::Result<Self> {
        let engine = engine.weak();
        let pace = Arc::<Pace>::default();
        let of_thread = Arc::clone(&pace);
        let thread = std::thread::Builder::new()
            .name("dewclaw-ticker".into())
            .spawn(move || {
                let mut next = Instant::now();
                loop {
                    next += tick;
                    let now = Instant::now();
                    match next.checked_duration_since(now) {
                        Some(rest) => std::thread::sleep(rest),
                        // Late by a tick or more: those that were missed are not made up for.
                        None => next = now,
                    }
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                    match of_thread.after_tick() {
                        Next::Tick => {}
                        Next::Rest => {
                            while of_thread.quiet.load(Ordering::Acquire) == RESTING {
                                std::thread::park();
                            }
                            next = Instant::now();
                        }
                        Next::End => return,
                    }
                }
            })?
            .thread()
            .clone();
        Ok(Ticker { pace, thread })
    }

    /// Before a guest computes anything on its caller's thread.
    pub(crate) fn begin_call(&self) {
        if self.pace.begin_call() {
            self.thread.unpark();
        }
    }

    /// Guests on the engine's threads, or waiting for one or for the host.
    pub(crate) fn guests(&self) -> usize {
        self.pace.guests.load(Ordering::Relaxed)
    }

    /// One guest more, or less, on the engine's threads.
    pub(crate) fn guest_comes(&self) {
        self.pace.guests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn guest_goes(&self) {
        self.pace.guests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.pace.quiet.store(OVER, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_a_second_after_the_last_call_and_not_while_a_guest_runs() {
        let pace = Pace::default();
        for _ in 0..BEFORE_REST {
            assert_eq!(pace.after_tick(), Next::Tick);
        }
        assert!(!pace.begin_call(), "nobody rests yet");
        for _ in 0..BEFORE_REST {
            assert_eq!(pace.after_tick(), Next::Tick);
        }
        assert_eq!(pace.after_tick(), Next::Rest);
        assert!(pace.begin_call());
        assert!(!pace.begin_call(), "once is enough");
        pace.guests.fetch_add(1, Ordering::Relaxed);
        for _ in 0..10 * BEFORE_REST {
            assert_eq!(pace.after_tick(), Next::Tick);
        }
        pace.quiet.store(OVER, Ordering::Release);
        assert_eq!(pace.after_tick(), Next::End);
    }
}
