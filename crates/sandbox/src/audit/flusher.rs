//! The one thread of a folder that asks the disk to keep what was written, so that no host call waits for it.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// What a log shares with the thread.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    /// A request is waiting; it will cover everything that is written until it is begun.
    asked: AtomicBool,
    /// A sync failed: what the disk holds is unknown, and asking again would not tell.
    failed: AtomicBool,
}

impl SyncState {
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// The log writes another file now, which a waiting request does not cover.
    pub(super) fn file_changed(&self) {
        self.asked.store(false, Ordering::Release);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    requests: Vec<Request>,
    closed: bool,
}

#[derive(Debug)]
struct Request {
    due: Instant,
    files: Vec<Arc<File>>,
    state: Arc<SyncState>,
    /// The log counts on it for what it writes meanwhile.
    covers_new: bool,
}

impl Flusher {
    pub(super) fn start() -> std::io::Result<Flusher> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("dewclaw-audit-sync".to_owned())
            .spawn(move || of_thread.run())?;
        Ok(Flusher {
            shared,
            thread: Some(thread),
        })
    }

    /// Asks that `files` be on the disk soon after `due`. Where a request of the same log waits already, that
    /// one is enough.
    pub(super) fn ask(&self, state: &Arc<SyncState>, due: Instant, files: &[&Arc<File>]) {
        if state.is_asked() {
            return;
        }
        state.asked.store(true, Ordering::Release);
        self.push(state, due, files, true);
    }

    /// Asks for files at once that the log writes no more, or for the last time.
    pub(super) fn ask_last(&self, state: &Arc<SyncState>, files: &[&Arc<File>]) {
        self.push(state, Instant::now(), files, false);
    }

    fn push(&self, state: &Arc<SyncState>, due: Instant, files: &[&Arc<File>], covers_new: bool) {
        self.shared.lock().requests.push(Request {
            due,
            files: files.iter().map(|file| Arc::clone(file)).collect(),
            state: Arc::clone(state),
            covers_new,
        });
        self.shared.changed.notify_one();
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panics nowhere.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(request) = self.next() {
            if request.covers_new {
                request.state.asked.store(false, Ordering::Release);
            }
            for file in &request.files {
                if file.sync_data().is_err() {
                    request.state.failed.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// The next request that is due; when closed, all are.
    fn next(&self) -> Option<Request> {
        let mut queue = self.lock();
        loop {
            let first = (0..queue.requests.len()).min_by_key(|&at| queue.requests[at].due);
            let Some(first) = first else {
                if queue.closed {
                    return None;
                }
                queue = self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let wait = queue.requests[first]
                .due
                .saturating_duration_since(Instant::now());
            if queue.closed || wait.is_zero() {
                return Some(queue.requests.swap_remove(first));
            }
            queue = self
                .changed
                .wait_timeout(queue, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
