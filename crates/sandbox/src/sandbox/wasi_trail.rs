//! The audit trail of a plugin's own WASI: what it does with paths.

use std::sync::Arc;

use super::host::{PolicyHost, fault};
use crate::audit::AuditedCall;
use crate::engine::HostFault;
use crate::files::{FileObserver, ObservedPath, PathCall};
use crate::policy::Access;

/// The name by which the trail knows these calls; their summaries begin with WASI's own name of the function.
const FUNCTION: &str = "wasi:filesystem";

/// Writes down what one plugin's WASI does with paths.
pub(super) struct WasiTrail(pub(super) Arc<PolicyHost>);

impl FileObserver for WasiTrail {
    fn begin(&self, call: PathCall<'_>) -> Result<Box<dyn ObservedPath>, HostFault> {
        let entry = self.0.trail.begin(FUNCTION, |summary| {
            summary.text(call.function).text(call.path);
            if let Some(other) = call.other {
                summary.text(other);
            }
        })?;
        Ok(Box::new(Observed {
            host: Arc::clone(&self.0),
            path: call.path.to_owned(),
            entry,
        }))
    }
}

struct Observed {
    host: Arc<PolicyHost>,
    path: String,
    entry: AuditedCall,
}

impl ObservedPath for Observed {
    fn permit(&mut self, rule: &str) {
        self.entry.permit(rule);
    }

    fn succeeded(self: Box<Self>) -> Result<(), HostFault> {
        self.entry.succeeded().map_err(fault)
    }

    fn failed(self: Box<Self>, error: &str) -> Result<(), HostFault> {
        self.entry.failed(error).map_err(fault)
    }

    fn denied(self: Box<Self>, rule: &str, error: &str) -> Result<(), HostFault> {
        // More access may be what lacks; what no access changes, no line grants.
        let decided = self.host.effective.path(&self.path, Access::ReadWrite);
        let grant = decided.err().and_then(|decision| decision.grant_line());
        let Observed { host, entry, path } = *self;
        let error = format!("{path}: {error}");
        host.deny(FUNCTION, entry, rule, &error, grant.as_deref())
    }
}
