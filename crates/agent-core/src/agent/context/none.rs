//! What stands in place of the context window without the feature `context`: no window is known, and nothing is compacted.

use super::Agent;
use crate::effect::{Failure, Usage};
use crate::wire::Reply;

/// Nothing.
#[derive(Default)]
pub(super) struct Context {}

impl Context {
    pub(super) fn begin(&mut self) {}

    pub(super) fn end(&mut self) {}

    pub(super) fn is_summing(&self) -> bool {
        false
    }

    pub(super) fn is_alone(&self) -> bool {
        false
    }

    pub(super) fn save(&self) -> [u64; 4] {
        [0; 4]
    }

    pub(super) fn restore(&mut self, _: [u64; 4]) {}

    pub(super) fn sends(&mut self, _: usize) {}
}

impl Agent {
    pub(super) fn is_summary(&self, _: &[u8]) -> bool {
        false
    }

    pub(super) fn to_sum_up(&self) -> Option<(&[u8], &[u8])> {
        None
    }

    pub(super) fn fits_window(&mut self) -> bool {
        true
    }

    pub(super) fn take_summary(&mut self, _: &Reply) {}

    pub(super) fn do_without_summary(&mut self, _: Failure) {}

    pub(super) fn overflowed(&mut self, _: &mut Failure) -> bool {
        false
    }

    pub(super) fn count(&mut self, _: Usage) {}
}
