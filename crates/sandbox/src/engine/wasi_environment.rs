//! What wasi:cli/environment gives: the variables that the plugin's host gives, and nothing of this process.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::cli::environment;

use super::error::Stopped;
use super::host::Host;

/// The plugin's variables.
pub(crate) struct Variables(pub(crate) Arc<dyn Host>);

/// Says to a linker that [`Variables`] answers.
pub(crate) struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = Variables;
}

impl environment::Host for Variables {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        let variables = self.0.environment();
        variables.map_err(|fault| Stopped::Host(fault).into())
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}
