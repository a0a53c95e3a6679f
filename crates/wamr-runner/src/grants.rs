//! What an instance may reach, and how much it may use.

use std::ffi::OsString;

/// What an instance is given. By default: nothing, a stack of 64 KiB as iwasm's, and the memory that the module asks
/// for.
#[derive(Clone, Debug)]
pub struct Grants {
    /// The guest's arguments. The first is its name; iwasm gives the path as typed.
    pub arguments: Vec<OsString>,
    /// The guest's environment: `NAME=VALUE`.
    pub environment: Vec<OsString>,
    /// Folders of the host, which the guest sees by the name typed here.
    pub folders: Vec<OsString>,
    /// Folders of the host that the guest sees by another name: `GUEST::HOST`.
    pub mapped_folders: Vec<OsString>,
    /// Addresses that it may connect to: `ADDRESS/BITS`.
    pub addresses: Vec<OsString>,
    /// Host names that it may resolve: one name, `*` before the end of one, or `*` alone.
    pub names: Vec<OsString>,
    /// WAMR's own stack of operands and frames, in bytes; 0 is WAMR's default. The stack in linear memory is the
    /// module's affair.
    pub stack_size: u32,
    /// The heap that WAMR adds to linear memory, in bytes, for hosts that allocate in the guest. 0: none.
    pub heap_size: u32,
    /// The most pages of 64 KiB that linear memory may grow to; beyond it, `memory.grow` gives the guest -1.
    pub max_memory_pages: Option<u32>,
    /// File descriptors for the guest's standard input, output and error; -1 is the process's own.
    pub stdio: [i32; 3],
}

impl Default for Grants {
    fn default() -> Self {
        Grants {
            arguments: Vec::new(),
            environment: Vec::new(),
            folders: Vec::new(),
            mapped_folders: Vec::new(),
            addresses: Vec::new(),
            names: Vec::new(),
            stack_size: 64 * 1024,
            heap_size: 0,
            max_memory_pages: None,
            stdio: [-1; 3],
        }
    }
}
