//! What cuts a session's run short: asked for from outside, taken up where the run waits.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::signals::Signal;

/// Shared by the run and whoever hears signals.
#[derive(Debug, Default)]
pub(crate) struct Interruption {
    open: AtomicBool,
    goes_on: AtomicBool,
    ends_all: AtomicBool,
    untaken: AtomicBool,
    requested: Notify,
}

impl Interruption {
    /// Whether there is a session that can be cancelled.
    pub(crate) fn has_session(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Whether the session goes on after a run that was cancelled.
    pub(crate) fn goes_on(&self) -> bool {
        self.goes_on.load(Ordering::Acquire)
    }

    /// Asks for the run to be cancelled. Answers whether it was asked before and nothing has come of it.
    pub(crate) fn request(&self, signal: Signal) -> bool {
        if signal == Signal::Terminate {
            self.ends_all.store(true, Ordering::Release);
        }
        let untaken = self.untaken.swap(true, Ordering::AcqRel);
        self.requested.notify_one();
        untaken
    }

    /// From here on there is a session.
    pub(super) fn session_opened(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// The session is one of many runs.
    pub(super) fn session_goes_on(&self) {
        self.goes_on.store(true, Ordering::Release);
    }

    /// Whether it was asked for by a signal that ends whatever there is.
    pub(super) fn ends_all(&self) -> bool {
        self.ends_all.load(Ordering::Acquire)
    }

    /// Completes once for each request.
    pub(super) async fn requested(&self) {
        self.requested.notified().await;
        self.untaken.store(false, Ordering::Release);
    }
}
