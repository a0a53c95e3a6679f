//! What a plugin uses of files, counted over all its stores: files open at once, and bytes written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a new name in a folder counts as, in bytes: a file, folder or symlink takes about a block of the disk even when it is empty,
/// and without this a plugin could make files without end.
pub(crate) const NAME_BYTES: u64 = 4096;

/// A number that is used up and given back, with a most.
#[derive(Debug)]
struct Count {
    used: AtomicU64,
    most: u64,
}

impl Count {
    fn new(most: u64) -> Arc<Count> {
        Arc::new(Count {
            used: AtomicU64::new(0),
            most,
        })
    }

    fn take(&self, count: u64) -> bool {
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(count).filter(|used| *used <= self.most)
            })
            .is_ok()
    }

    fn give_back(&self, count: u64) {
        self.used.fetch_sub(count, Ordering::AcqRel);
    }
}

/// Counts the files that a plugin has open.
#[derive(Clone, Debug)]
pub(crate) struct OpenFiles(Arc<Count>);

/// One file that may be open. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Count>);

impl OpenFiles {
    pub(crate) fn new(most: u64) -> OpenFiles {
        OpenFiles(Count::new(most))
    }

    /// `None`: as many are open as may be.
    pub(crate) fn lease(&self) -> Option<Lease> {
        self.0.take(1).then(|| Lease(Arc::clone(&self.0)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.give_back(1);
    }
}

/// Counts the bytes that a plugin has written since it was loaded. What is removed again is not given back.
#[derive(Clone, Debug)]
pub(crate) struct Written(Arc<Count>);

impl Written {
    pub(crate) fn new(most: u64) -> Written {
        Written(Count::new(most))
    }

    /// Whether so many more may be written; if so, they count as written.
    pub(crate) fn charge(&self, bytes: u64) -> bool {
        self.0.take(bytes)
    }

    /// Nothing was written of what was charged.
    pub(crate) fn refund(&self, bytes: u64) {
        self.0.give_back(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_given_back_when_it_is_dropped() {
        let files = OpenFiles::new(2);
        let first = files.lease();
        let second = files.lease();
        assert!(first.is_some() && second.is_some() && files.lease().is_none());
        drop(first);
        assert!(files.lease().is_some());
    }

    #[test]
    fn bytes_are_charged_whole_or_not_at_all() {
        let written = Written::new(100);
        assert!(written.charge(60));
        assert!(!written.charge(41));
        assert!(!written.charge(u64::MAX));
        assert!(written.charge(40));
        written.refund(40);
        assert!(written.charge(40));
    }
}
