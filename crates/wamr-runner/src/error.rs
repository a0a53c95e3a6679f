//! What can go wrong between a host and its guest.

use thiserror::Error;

/// Why a module was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// WAMR's own text, which begins with `WASM module load failed: `.
    #[error("{0}")]
    Refused(String),
    /// More bytes than WAMR can count.
    #[error("a module of 4 GiB or more cannot be loaded")]
    TooLarge,
    /// WAMR did not start.
    #[error("init runtime environment failed")]
    Runtime,
}

/// Why a module was not instantiated.
#[derive(Debug, Error)]
pub enum InstantiateError {
    /// WAMR's own text: a folder that is not there, an address pool that it cannot read, a start function that trapped.
    #[error("{0}")]
    Refused(String),
    /// A grant with a zero byte in it, which C cannot take.
    #[error("a zero byte in {0:?}: take it out")]
    ZeroByte(std::ffi::OsString),
    /// The module starts with more memory than it may have. (WAMR itself would warn and give it that.)
    #[error("the module starts with {starts} pages of memory and may have {cap}: raise the cap")]
    MemoryCap {
        /// Pages of 64 KiB that it starts with.
        starts: u32,
        /// Pages of 64 KiB that it may have.
        cap: u32,
    },
}

/// Why a call did not return.
#[derive(Debug, Error)]
pub enum CallError {
    /// The guest ended itself with this code.
    #[error("the guest exited with code {0}")]
    Exit(u32),
    /// WAMR's text of the exception, which begins with `Exception: `.
    #[error("{0}")]
    Trap(String),
    /// No such export, or it is no function.
    #[error("the guest exports no function {0}")]
    Missing(String),
    /// It takes or gives something else than the caller does.
    #[error("{name} takes {takes} values and was given {given}, or takes or gives other types")]
    Signature {
        /// The export.
        name: String,
        /// How many parameters it has.
        takes: u32,
        /// How many were given.
        given: usize,
    },
}

/// A range that does not lie in the guest's memory.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{length} bytes at {at} end after the guest's memory of {size} bytes")]
pub struct OutOfBounds {
    /// Where the range begins.
    pub at: u32,
    /// How long it is.
    pub length: usize,
    /// The size of the memory.
    pub size: usize,
}
