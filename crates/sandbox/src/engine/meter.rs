//! Counts what a store holds: memory summed over all its memories, elements over all its tables.

use wasmtime::{ResourceLimiter, Result};

use super::caps::Caps;
use super::error::{Limit, Stopped};

/// A guest may be refused this often and go on (allocators try a large piece, then a smaller one); the next refusal ends its call,
/// so that a guest which only asks does not burn its fuel on asking.
const REFUSALS: u32 = 16;

/// The resource limiter of one store.
pub(crate) struct Meter {
    caps: Caps,
    memory_bytes: usize,
    table_elements: usize,
    /// What the last growth that was granted added: given back if it then fails.
    last_memory: usize,
    last_table: usize,
    refusals: u32,
    refused: Option<Limit>,
}

impl Meter {
    pub(crate) fn new(caps: Caps) -> Self {
        Meter {
            caps,
            memory_bytes: 0,
            table_elements: 0,
            last_memory: 0,
            last_table: 0,
            refusals: 0,
            refused: None,
        }
    }

    pub(crate) fn caps(&self) -> &Caps {
        &self.caps
    }

    /// The limit that the store asked to go over, if it did since the call began.
    pub(crate) fn refused(&self) -> Option<Limit> {
        self.refused
    }

    /// Forgets what an earlier call of the same store asked for.
    pub(crate) fn begin_call(&mut self) {
        self.refused = None;
        self.refusals = 0;
    }

    fn refuse(&mut self, limit: Limit) -> Result<bool> {
        self.refused = Some(limit);
        self.refusals += 1;
        if self.refusals > REFUSALS {
            return Err(Stopped::Limit(limit).into());
        }
        Ok(false)
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.last_memory = 0;
        let more = desired.saturating_sub(current);
        let sum = self.memory_bytes.saturating_add(more);
        if sum > self.caps.memory_bytes {
            return self.refuse(Limit::Memory {
                bytes: self.caps.memory_bytes,
            });
        }
        // The module's own maximum: it fails by itself, and is no limit of ours.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory_bytes = sum;
        self.last_memory = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.last_memory);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.last_table = 0;
        let more = desired.saturating_sub(current);
        let sum = self.table_elements.saturating_add(more);
        if sum > self.caps.table_elements {
            return self.refuse(Limit::TableElements {
                elements: self.caps.table_elements,
            });
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_elements = sum;
        self.last_table = more;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.table_elements -= std::mem::take(&mut self.last_table);
        Ok(())
    }

    fn instances(&self) -> usize {
        self.caps.instances
    }

    fn tables(&self) -> usize {
        self.caps.tables
    }

    fn memories(&self) -> usize {
        self.caps.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> Meter {
        Meter::new(Caps {
            memory_bytes: 3 << 16,
            table_elements: 10,
            ..Caps::default()
        })
    }

    #[test]
    fn memories_are_summed() {
        let mut meter = meter();
        assert!(meter.memory_growing(0, 2 << 16, None).unwrap());
        assert!(meter.memory_growing(0, 1 << 16, None).unwrap());
        assert_eq!(meter.refused(), None);
        assert!(!meter.memory_growing(1 << 16, 2 << 16, None).unwrap());
        assert_eq!(meter.refused(), Some(Limit::Memory { bytes: 3 << 16 }));
    }

    #[test]
    fn a_growth_that_failed_is_given_back() {
        let mut meter = meter();
        assert!(meter.memory_growing(0, 3 << 16, None).unwrap());
        meter
            .memory_grow_failed(wasmtime::Error::msg("no memory"))
            .unwrap();
        assert!(meter.memory_growing(0, 3 << 16, None).unwrap());
        assert!(meter.table_growing(0, 10, None).unwrap());
        meter
            .table_grow_failed(wasmtime::Error::msg("no memory"))
            .unwrap();
        assert!(meter.table_growing(0, 10, None).unwrap());
        assert!(!meter.table_growing(10, 11, None).unwrap());
    }

    #[test]
    fn a_modules_own_maximum_is_not_our_limit_and_its_failure_gives_nothing_back() {
        let mut meter = meter();
        assert!(meter.memory_growing(0, 1 << 16, Some(1 << 16)).unwrap());
        assert!(
            !meter
                .memory_growing(1 << 16, 2 << 16, Some(1 << 16))
                .unwrap()
        );
        assert_eq!(meter.refused(), None);
        meter
            .memory_grow_failed(wasmtime::Error::msg("over its maximum"))
            .unwrap();
        assert!(!meter.memory_growing(0, 3 << 16, None).unwrap());
        assert!(meter.memory_growing(0, 2 << 16, None).unwrap());
    }

    #[test]
    fn who_only_asks_is_stopped() {
        let mut meter = meter();
        for _ in 0..REFUSALS {
            assert!(!meter.table_growing(0, 11, None).unwrap());
        }
        let error = meter.table_growing(0, 11, None).unwrap_err();
        assert!(matches!(
            error.downcast_ref(),
            Some(Stopped::Limit(Limit::TableElements { elements: 10 }))
        ));
    }
}
