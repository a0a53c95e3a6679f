//! Compilation, behind a trait: it is the one piece of work on a plugin's bytes that no fuel and no epoch bounds.

use thiserror::Error;
use wasmtime::component::Component;

use super::config::Engine;

/// Why a plugin was not compiled.
#[derive(Debug, Error)]
pub enum CompileError {
    /// The bytes are no valid component, or use what the engine has turned off.
    #[error("not a component that runs here: {reason}")]
    Invalid {
        /// In the engine's words.
        reason: String,
    },
    /// The compiler took more memory or time than it was given.
    #[error("compiling took more {resource} than the limit of {most}")]
    Limit {
        /// `memory` or `time`.
        resource: &'static str,
        /// The limit, with its unit.
        most: String,
    },
    /// The compiler itself could not be run.
    #[error("the compiler did not run: {reason}")]
    Unavailable {
        /// What went wrong.
        reason: String,
    },
}

/// Makes machine code of a plugin's bytes, within bounds of its own on memory and time.
///
/// The bytes are a stranger's and within the module's size, which does not bound what the compiler needs for them. An implementation
/// for such bytes works in a process of its own that is killed when over (the `dewclaw` command has one); it makes the code there
/// with [`Engine::precompile`] of an engine with the same options.
///
/// What it is given is the plugin's code with looks at the clock put in where there would be none for long, not the file's own
/// bytes: those that it must compile, and the right ones to tell what was compiled before by.
pub trait Compiler {
    /// The component, ready to be linked in `engine`.
    ///
    /// # Errors
    /// The bytes are no component that runs here, or a bound was reached.
    fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError>;
}

/// Compiles in this process, with nothing that stops it: for the operator's own plugins and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustedInputOnly;

impl Compiler for TrustedInputOnly {
    fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError> {
        // `new` would take text too, where the feature is on; a plugin is binary.
        Component::from_binary(engine.wasmtime(), bytes).map_err(|error| CompileError::Invalid {
            reason: format!("{error:#}"),
        })
    }
}
