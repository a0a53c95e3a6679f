//! The variables that a WASI host gave this run, and what was set since.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Names and values, each name once. A run has few of them, so a list is searched as fast as anything, and is less code.
#[derive(Clone, Debug)]
pub(crate) struct Variables(pub(crate) Vec<(String, String)>);

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.to_string(),
            None => self.0.push((name.to_string(), value.to_string())),
        }
    }
}
