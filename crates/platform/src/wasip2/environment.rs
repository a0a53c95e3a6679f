//! Variables and arguments from wasi:cli, the seed from wasi:random.

use alloc::string::String;
use alloc::vec::Vec;

use wasi::cli::environment;
use wasi::random::random;

use crate::Environment;
use crate::environment::variables::Variables;

/// The environment that the host gave this run.
#[derive(Clone, Debug)]
pub struct WasiEnvironment {
    variables: Variables,
}

impl WasiEnvironment {
    /// Reads the variables once.
    pub fn new() -> WasiEnvironment {
        WasiEnvironment {
            variables: Variables(environment::get_environment()),
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
