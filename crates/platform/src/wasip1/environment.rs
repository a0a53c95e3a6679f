//! Variables, arguments and the seed.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ptr::null_mut;

use wasip1::{
    CLOCKID_REALTIME, Errno, args_get, args_sizes_get, clock_time_get, environ_get,
    environ_sizes_get, random_get,
};

use crate::environment::variables::Variables;
use crate::{Environment, cut, split, utf_8};

/// The environment that the host gave this run. What is not UTF-8 in it is replaced by U+FFFD.
#[derive(Clone, Debug)]
pub struct WasiEnvironment {
    variables: Variables,
}

impl WasiEnvironment {
    /// Reads the variables once.
    pub fn new() -> WasiEnvironment {
        // SAFETY: the only pointers that it passes are to its own results.
        let sizes = unsafe { environ_sizes_get() };
        let variables = texts(sizes, environ_get)
            .iter()
            .filter_map(|text| match cut(text, b'=') {
                (name, Some(value)) => Some((String::from(name), String::from(value))),
                _ => None,
            })
            .collect();
        WasiEnvironment {
            variables: Variables(variables),
        }
    }
}

impl Default for WasiEnvironment {
    fn default() -> Self {
        WasiEnvironment::new()
    }
}

impl Environment for WasiEnvironment {
    fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    fn set_var(&mut self, name: &str, value: &str) {
        self.variables.set(name, value);
    }

    fn arguments(&self) -> Vec<String> {
        // SAFETY: the only pointers that it passes are to its own results.
        let sizes = unsafe { args_sizes_get() };
        let mut arguments = texts(sizes, args_get);
        if !arguments.is_empty() {
            arguments.remove(0);
        }
        arguments
    }

    fn seed(&self) -> u64 {
        random()
    }
}

/// 64 bits of the host's randomness; of its time on a host that has none, which is all that a board without an entropy
/// source can give.
pub(super) fn random() -> u64 {
    let mut bits = [0; 8];
    // SAFETY: the host writes as many bytes as the array has, which lives to the end of the call.
    let got = unsafe { random_get(bits.as_mut_ptr(), bits.len()) };
    if got.is_err() {
        // SAFETY: the only pointer that it passes is to its own result.
        let now = unsafe { clock_time_get(CLOCKID_REALTIME, 1) };
        return now.unwrap_or(0);
    }
    u64::from_le_bytes(bits)
}

/// How the host gives a list of texts: pointers to them into the first place, the texts, each with a NUL behind it, one
/// after the other into the second.
type Get = unsafe fn(*mut *mut u8, *mut u8) -> Result<(), Errno>;

/// All texts of a list; none if the host does not say how many there are (`sizes`: their number, and their bytes with
/// the NULs).
fn texts(sizes: Result<(usize, usize), Errno>, get: Get) -> Vec<String> {
    let Ok((count, length)) = sizes else {
        return Vec::new();
    };
    // One pointer more than there are, which WAMR asks for.
    let mut pointers = vec![null_mut(); count + 1];
    let mut bytes = vec![0; length];
    // SAFETY: both places have the size that the host asked for, and live to the end of the call.
    let got = unsafe { get(pointers.as_mut_ptr(), bytes.as_mut_ptr()) };
    if got.is_err() {
        return Vec::new();
    }
    // No character has a NUL in it, so all can be made text together.
    split(&utf_8(bytes), 0)
        .take(count)
        .map(String::from)
        .collect()
}
