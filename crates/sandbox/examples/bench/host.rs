//! A host of one function, `get-env`, which does what is to be measured; everything else is refused.

use dewclaw_sandbox::audit::{AuditError, AuditLog};
use dewclaw_sandbox::engine::{CallContext, Host, HostAnswer, HostFault, HttpRequest, LogLevel};

/// What `get-env` does.
pub(crate) enum GetEnv {
    /// Gives a value.
    Gives,
    /// The same, with an entry in the audit.
    Audited(AuditLog),
    /// Never answers.
    Waits,
    /// Fails in its own work.
    Fails,
}

impl GetEnv {
    async fn answer(&self, name: &str) -> Result<Option<String>, HostFault> {
        let fault = |error: AuditError| HostFault {
            message: error.to_string(),
        };
        match self {
            GetEnv::Gives => {}
            GetEnv::Audited(log) => {
                let begun = log.begin("get-env", |summary| {
                    summary.text(name);
                });
                let mut call = begun.map_err(fault)?;
                call.permit("policy.toml:12 [plugins.weather] env = [\"LANG\"]");
                call.succeeded().map_err(fault)?;
            }
            GetEnv::Waits => std::future::pending().await,
            GetEnv::Fails => {
                return Err(HostFault {
                    message: "the disk is full".into(),
                });
            }
        }
        Ok(Some("C".into()))
    }
}

impl Host for GetEnv {
    fn http_request<'a>(
        &'a self,
        _: CallContext,
        _: HttpRequest,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async { Ok(Err("no".into())) })
    }

    fn read_file<'a>(
        &'a self,
        _: CallContext,
        _: String,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async { Ok(Err("no".into())) })
    }

    fn write_file<'a>(
        &'a self,
        _: CallContext,
        _: String,
        _: String,
    ) -> HostAnswer<'a, Result<(), String>> {
        Box::pin(async { Ok(Err("no".into())) })
    }

    fn get_env<'a>(&'a self, _: CallContext, name: String) -> HostAnswer<'a, Option<String>> {
        Box::pin(async move { self.answer(&name).await })
    }

    fn log<'a>(&'a self, _: CallContext, _: LogLevel, _: String, _: bool) -> HostAnswer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
