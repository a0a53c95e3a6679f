//! The in-memory environment: a map seeded at start.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Environment;

/// An environment that holds what it was given: for embedders, cores without imports, and tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryEnvironment {
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
    seed: u64,
}

impl MemoryEnvironment {
    /// An environment with these variables, arguments (the program's name excluded) and seed.
    pub fn new(variables: &[(&str, &str)], arguments: &[&str], seed: u64) -> MemoryEnvironment {
        MemoryEnvironment {
            variables: variables
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            seed,
        }
    }
}

impl Environment for MemoryEnvironment {
    fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn set_var(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_string(), value.to_string());
    }

    fn arguments(&self) -> Vec<String> {
        self.arguments.clone()
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
