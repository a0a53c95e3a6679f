//! The folders that the host granted.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasip1::{PREOPENTYPE_DIR, fd_prestat_dir_name, fd_prestat_get};

use super::WasiFileSystem;
use super::file_system::Descriptor;
use crate::utf_8;

/// One granted folder.
pub struct Preopen {
    /// The name that it was granted under, such as `/` or `/state`.
    pub name: String,
    /// Its files.
    pub files: WasiFileSystem,
}

/// The first number after those of the standard streams. What is granted has the numbers from here on, without a gap.
const FIRST: u32 = 3;

/// Every granted folder, in the host's order.
pub fn preopens() -> Vec<Preopen> {
    let mut found = Vec::new();
    let mut number = FIRST;
    // SAFETY: the only pointer that it passes is to its own result.
    while let Ok(granted) = unsafe { fd_prestat_get(number) } {
        if granted.tag == PREOPENTYPE_DIR.raw() {
            // SAFETY: the tag says that it is a folder, for which the host wrote this field.
            let length = unsafe { granted.u.dir.pr_name_len };
            let mut name = vec![0; length];
            // SAFETY: the host writes as many bytes as there are, which live to the end of the call.
            if unsafe { fd_prestat_dir_name(number, name.as_mut_ptr(), length) }.is_ok() {
                found.push(Preopen {
                    name: utf_8(name),
                    files: WasiFileSystem::new(Descriptor::granted(number)),
                });
            }
        }
        number += 1;
    }
    found
}
