//! Variables and arguments from wasi:cli, the seed from wasi:random.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasi::cli::environment;
use wasi::random::random;

use crate::Environment;

/// The environment that the host gave this run.
#[derive(Clone, Debug)]
pub struct WasiEnvironment {
    variables: Vec<(String, String)>,
}

impl WasiEnvironment {
    /// Reads the variables once.
    pub fn new() -> WasiEnvironment {
        WasiEnvironment {
            variables: environment::get_environment(),
        }
    }
}

impl Default for WasiEnvironment {
    fn default() -> Self {
        WasiEnvironment::new()
    }
}

impl Environment for WasiEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        self.variables
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    fn set_var(&mut self, name: &str, value: &str) {
        match self.variables.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.to_string(),
            None => self.variables.push((name.to_string(), value.to_string())),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = environment::get_arguments();
        if !arguments.is_empty() {
            arguments.remove(0);
        }
        arguments
    }

    fn seed(&self) -> u64 {
        random::get_random_u64()
    }
}
