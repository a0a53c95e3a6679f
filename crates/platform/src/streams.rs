//! What the standard streams of every WASI backend have in common.

use core::fmt;

/// Standard input failed; that it ended is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputError;

impl fmt::Display for InputError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("standard input can't be read")
    }
}

impl core::error::Error for InputError {}
