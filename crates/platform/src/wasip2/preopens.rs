//! The folders that the host granted.

use alloc::string::String;
use alloc::vec::Vec;

use wasi::filesystem::preopens::get_directories;

use super::WasiFileSystem;

/// One granted folder.
pub struct Preopen {
    /// The name that it was granted under, such as `/` or `/state`.
    pub name: String,
    /// Its files.
    pub files: WasiFileSystem,
}

/// Every granted folder, in the host's order.
pub fn preopens() -> Vec<Preopen> {
    get_directories()
        .into_iter()
        .map(|(descriptor, name)| Preopen {
            name,
            files: WasiFileSystem::new(descriptor),
        })
        .collect()
}
