//! One deadline over a call: the guest's future lies in a slot, from which whoever ends it takes it.
//!
//! A call begins on its caller's thread, and a short one ends there. One that waits, or computes longer than the engine lets it in
//! one go, moves to the engine's own threads, so that guests never hold up a host's runtime, and its caller waits for the outcome
//! only. At the deadline the watchdog answers the caller and drops the guest; if the guest is just then on a processor, it is made to
//! look at the clock at once, and its thread drops it. A caller who gives up does the same.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::config::{Counted, Engine};
use super::error::{CallError, Limit};
use super::host::HostFault;
use super::watchdog::Watched;

/// How a call ends.
pub(crate) type Outcome = Result<String, CallError>;
/// A call that has not ended.
pub(crate) type Guest = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Where a guest's future lies while nobody polls it. The lock is never held during a poll.
pub(crate) struct Slot {
    inner: Mutex<Inner>,
    after: Duration,
    engine: wasmtime::Engine,
}

struct Inner {
    guest: Option<Guest>,
    outcome: Option<Outcome>,
    /// Nobody waits for the guest any more: whoever holds it drops it.
    over: bool,
    caller: Option<Waker>,
    /// The engine's task for it, which ends when it is polled after the guest was taken.
    task: Option<Waker>,
}

impl Inner {
    /// Nobody waits any more: hands out the guest, unless it is being polled, and whom to wake.
    fn end(&mut self) -> (Option<Guest>, [Option<Waker>; 2]) {
        self.over = true;
        (self.guest.take(), [self.caller.take(), self.task.take()])
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the caller that the deadline has passed, and hands out the guest, to be dropped, unless it is being polled.
    pub(crate) fn expire(&self) -> Option<Guest> {
        let mut inner = self.lock();
        if inner.over {
            return None;
        }
        inner.outcome = Some(Err(CallError::Limit(Limit::Deadline { after: self.after })));
        let (guest, waiting) = inner.end();
        drop(inner);
        // Before anybody is woken who may take this thread's processor.
        if guest.is_none() {
            self.interrupt();
        }
        for waker in waiting.into_iter().flatten() {
            waker.wake();
        }
        guest
    }

    /// Has the guest look whether it is over, now and not at the next tick. All others that run look too, each at its own deadline, and
    /// go on.
    fn interrupt(&self) {
        self.engine.increment_epoch();
    }
}

thread_local! {
    /// The slot whose guest this thread of the engine polls.
    static POLLED: RefCell<Option<Arc<Slot>>> = const { RefCell::new(None) };
}

/// Whether a guest that runs on this thread must stop for a moment: to move to the engine's threads, because others wait for one, or
/// because nobody waits for its outcome any more. Otherwise it goes on: switching guests costs more than the tick itself.
pub(crate) fn must_yield(engine: &Engine) -> bool {
    engine.ticker().guests() > engine.threads()
        || POLLED.with_borrow(|slot| slot.as_ref().is_none_or(|slot| slot.lock().over))
}

/// Polls a guest. A host function that panics ends its call like one that fails: nobody would tell the caller else, who would wait
/// for the deadline. What it had begun to change is its own to keep whole; the guest's store is dropped.
fn poll(guest: &mut Guest, context: &mut Context<'_>) -> Poll<Outcome> {
    catch_unwind(AssertUnwindSafe(|| guest.as_mut().poll(context))).unwrap_or_else(|_| {
        Poll::Ready(Err(CallError::Host(HostFault {
            message: "a host function panicked".into(),
        })))
    })
}

/// Drops a guest, with what the host was doing for it: where that panics, whoever drops it goes on.
pub(crate) fn drop_guest(guest: Guest) {
    // Said on the way, by the panic hook; there is no one left to tell.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(guest)));
}

/// The guest's side: polls what lies in the slot, on the engine's threads.
struct OnEngine {
    slot: Arc<Slot>,
    _counted: Counted,
}

impl Future for OnEngine {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(mut guest) = self.slot.lock().guest.take() else {
            return Poll::Ready(());
        };
        POLLED.set(Some(Arc::clone(&self.slot)));
        let polled = poll(&mut guest, context);
        POLLED.set(None);
        let mut inner = self.slot.lock();
        match polled {
            Poll::Pending if !inner.over => {
                inner.guest = Some(guest);
                keep(&mut inner.task, context);
                return Poll::Pending;
            }
            Poll::Ready(outcome) if !inner.over => {
                inner.over = true;
                inner.outcome = Some(outcome);
                let caller = inner.caller.take();
                drop(inner);
                if let Some(caller) = caller {
                    caller.wake();
                }
            }
            // Ended in the meantime; the guest goes without the lock.
            _ => drop(inner),
        }
        drop(guest);
        Poll::Ready(())
    }
}

/// The caller's side.
pub(crate) struct Waiting {
    slot: Arc<Slot>,
    _watched: Watched,
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut inner = self.slot.lock();
        match inner.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                keep(&mut inner.caller, context);
                Poll::Pending
            }
        }
    }
}

/// Keeps the waker of who polls.
fn keep(kept: &mut Option<Waker>, context: &Context<'_>) {
    if kept
        .as_ref()
        .is_none_or(|kept| !kept.will_wake(context.waker()))
    {
        *kept = Some(context.waker().clone());
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut inner = self.slot.lock();
        if inner.over {
            return;
        }
        // The caller is who drops this.
        let (guest, [_, task]) = inner.end();
        drop(inner);
        if guest.is_none() {
            self.slot.interrupt();
        }
        if let Some(task) = task {
            task.wake();
        }
        drop(guest);
    }
}

/// A call from its first poll to its end. Written by hand, because a short call has time for nothing else.
pub(crate) struct Run<'a> {
    pub(crate) engine: &'a Engine,
    /// When it ends at the latest, which is `after` its beginning.
    pub(crate) deadline: Instant,
    pub(crate) after: Duration,
    /// It may use timers or sockets.
    pub(crate) needs_runtime: bool,
    /// `None` from the first poll on.
    pub(crate) guest: Option<Guest>,
    /// It goes on on the engine's threads, and is watched.
    pub(crate) waiting: Option<Waiting>,
}

impl Future for Run<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let Some(mut guest) = self.guest.take() else {
            return match &mut self.waiting {
                Some(waiting) => Pin::new(waiting).poll(context),
                // It has ended; nobody polls it.
                None => Poll::Pending,
            };
        };
        self.engine.ticker().begin_call();
        let begun = {
            let _entered = self.needs_runtime.then(|| self.engine.runtime().enter());
            poll(&mut guest, context)
        };
        if begun.is_ready() {
            return begun;
        }
        let slot = Arc::new(Slot {
            inner: Mutex::new(Inner {
                guest: Some(guest),
                outcome: None,
                over: false,
                caller: Some(context.waker().clone()),
                task: None,
            }),
            after: self.after,
            engine: self.engine.wasmtime().clone(),
        });
        self.waiting = Some(Waiting {
            _watched: self.engine.watchdog().watch(self.deadline, &slot),
            slot: Arc::clone(&slot),
        });
        self.engine.runtime().spawn(OnEngine {
            slot,
            _counted: self.engine.count_guest(),
        });
        Poll::Pending
    }
}
