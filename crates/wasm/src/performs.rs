//! Who does what.

/// The effects that a driver performs; the rest are left to whoever takes them.
#[derive(Clone, Copy)]
pub(crate) struct Performs {
    /// Model calls.
    pub(crate) model: bool,
    /// Operations on files.
    pub(crate) files: bool,
    /// The exchanges of tools.
    pub(crate) web: bool,
}
