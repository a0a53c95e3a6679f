//! The seat of tools that are this host's own, offered to the model beside the component's.

use wasmtime_wasi::async_trait;

use super::wit;

/// A tool as the session is told of it.
pub(crate) type Declaration = wit::HostTool;

/// A tool of the host's own. Calls of several may be under way at once.
#[async_trait]
pub(crate) trait HostTool: Send + Sync {
    /// Its name, its schema, and what a call of it may do.
    fn declaration(&self) -> wit::HostTool;

    /// Its name for people, where that is another.
    fn shown_name(&self) -> String {
        self.declaration().name
    }

    /// Runs a call. The arguments fit the schema.
    ///
    /// # Errors
    /// Words for the model: what went wrong and what to do.
    async fn call(&self, arguments: &str) -> Result<String, String>;
}
