//! What cuts a session's run short: asked for from outside, taken up where the run waits.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Shared by the run and whoever hears signals.
#[derive(Debug, Default)]
pub(crate) struct Interruption {
    open: AtomicBool,
    requested: Notify,
}

impl Interruption {
    /// Whether there is a session that can be cancelled.
    pub(crate) fn has_session(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Asks for the run to be cancelled.
    pub(crate) fn request(&self) {
        self.requested.notify_one();
    }

    /// From here on there is a session.
    pub(super) fn session_opened(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Completes once for each request.
    pub(super) async fn requested(&self) {
        self.requested.notified().await;
    }
}
