//! Memory that the host writes into.

use alloc::vec::Vec;

use super::{Refusal, Status};

/// The blocks that the host holds.
pub(super) struct Blocks(Vec<Vec<u8>>);

impl Blocks {
    /// None yet.
    pub(super) const fn new() -> Blocks {
        Blocks(Vec::new())
    }

    /// A block of zeros, by its address; 0 where there is no memory for it.
    pub(super) fn add(&mut self, length: usize) -> usize {
        let mut block: Vec<u8> = Vec::new();
        if length == 0 || self.0.try_reserve(1).is_err() || block.try_reserve_exact(length).is_err()
        {
            return 0;
        }
        block.resize(length, 0);
        let address = block.as_ptr().addr();
        self.0.push(block);
        address
    }

    /// Takes the block at this address back; `false` where none begins.
    pub(super) fn remove(&mut self, address: usize) -> bool {
        let place = self
            .0
            .iter()
            .position(|block| block.as_ptr().addr() == address);
        place.map(|place| self.0.swap_remove(place)).is_some()
    }

    /// The bytes that a host means: of one block, or none.
    ///
    /// # Errors
    /// Any others.
    pub(super) fn get(&self, address: usize, length: usize) -> Result<&[u8], Refusal> {
        if length == 0 {
            return Ok(&[]);
        }
        for block in &self.0 {
            let within = address.checked_sub(block.as_ptr().addr());
            let bytes = within.and_then(|from| block.get(from..from.checked_add(length)?));
            if let Some(bytes) = bytes {
                return Ok(bytes);
            }
        }
        Err(Refusal::new(
            Status::Address,
            "these bytes are not all in one block that dc_alloc gave",
        ))
    }
}
