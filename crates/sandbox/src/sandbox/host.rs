//! The host functions of one plugin: each asks the policy, does its work, and is an audit entry before the plugin has its answer.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;

use super::observer::{Denial, LogMessage, Observer, harmless};
use crate::audit::{AuditError, AuditFolder, AuditLog, AuditedCall, Summary};
use crate::egress::{Caller, Egress, EgressError, Request, RequestFailure, Requests, Response};
use crate::engine::{CallContext, Host, HostAnswer, HostFault, HttpRequest, LogLevel};
use crate::files::{Files, FilesError};
use crate::policy::{Access, Effective};

/// The value of a variable of the operator's environment, by its name.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A plugin's audit log, opened at its first host call: each holds two file descriptors, and most plugins ask the host for nothing.
pub(super) struct Trail {
    folder: AuditFolder,
    plugin: String,
    log: OnceLock<Result<AuditLog, String>>,
}

impl Trail {
    pub(super) fn new(folder: AuditFolder, plugin: &str) -> Trail {
        Trail {
            folder,
            plugin: plugin.to_owned(),
            log: OnceLock::new(),
        }
    }

    /// # Errors
    /// The log cannot be opened, and stays so.
    pub(super) fn log(&self) -> Result<&AuditLog, HostFault> {
        let open = || {
            let log = self.folder.log(&self.plugin);
            log.map_err(|error| error.to_string())
        };
        self.log
            .get_or_init(open)
            .as_ref()
            .map_err(|message| HostFault {
                message: message.clone(),
            })
    }

    pub(super) fn begin(
        &self,
        function: &'static str,
        describe: impl FnOnce(&mut Summary<'_>),
    ) -> Result<AuditedCall, HostFault> {
        self.log()?.begin(function, describe).map_err(fault)
    }
}

pub(super) fn fault(error: AuditError) -> HostFault {
    HostFault {
        message: error.to_string(),
    }
}

/// What answers one plugin.
pub(super) struct PolicyHost {
    pub(super) effective: Arc<Effective>,
    pub(super) trail: Trail,
    pub(super) files: Files,
    pub(super) egress: Arc<Egress>,
    pub(super) caller: Arc<Caller>,
    pub(super) environment: Environment,
    pub(super) observer: Arc<dyn Observer>,
}

impl PolicyHost {
    /// A request from the plugin's words to the audit's entry.
    async fn send(
        &self,
        function: &'static str,
        request: Request,
        deadline: Instant,
    ) -> Result<Result<Response, EgressError>, HostFault> {
        let mut call = self.trail.begin(function, |summary| {
            let headers = request.headers.iter().filter_map(|(name, value)| {
                Some((name.as_str(), std::str::from_utf8(value).ok()?))
            });
            let body = Some(request.body.len()).filter(|length| *length > 0);
            summary.http_request(&request.method, &request.url, headers, body);
        })?;
        let mut rules = Vec::new();
        let result = {
            let permitted = &mut |rule: &str| {
                if !rules.iter().any(|known| known == rule) {
                    rules.push(rule.to_owned());
                    call.permit(&rules.join("; "));
                }
            };
            self.egress
                .request_telling(&self.caller, request, deadline, permitted)
                .await
        };
        match &result {
            Ok(_) => call.succeeded().map_err(fault)?,
            Err(error) => self.end_refused(function, call, error)?,
        }
        Ok(result)
    }

    /// A request that a rule or a limit refused is denied; one that went wrong on its way was permitted.
    fn end_refused(
        &self,
        function: &'static str,
        call: AuditedCall,
        error: &EgressError,
    ) -> Result<(), HostFault> {
        let rule = match (error.rule(), error.limit()) {
            (Some(rule), _) => rule.to_owned(),
            (None, Some(limit)) => format!("limit: {limit}"),
            (None, None) => return call.failed(&error.to_string()).map_err(fault),
        };
        self.deny(function, call, &rule, &error.for_plugin(), error.grant())
    }

    /// A variable's value, if it is granted and set.
    fn variable(&self, function: &'static str, name: &str) -> Result<Option<String>, HostFault> {
        let mut call = self.trail.begin(function, |summary| {
            summary.text(name);
        })?;
        let decision = self.effective.env(name);
        if !decision.allowed {
            let (rule, grant) = (&decision.rule, decision.grant_line());
            let error = format!("the variable {name} is denied");
            self.deny(function, call, rule, &error, grant.as_deref())?;
            return Ok(None);
        }
        call.permit(&decision.rule);
        let value = (self.environment)(name);
        match &value {
            Some(_) => call.succeeded(),
            None => call.failed("it is not set"),
        }
        .map_err(fault)?;
        Ok(value)
    }

    /// Writes down what a file's call came to, and gives what the plugin is told.
    fn end_file<T>(
        &self,
        function: &'static str,
        call: AuditedCall,
        result: Result<T, FilesError>,
    ) -> Result<Result<T, String>, HostFault> {
        let error = match result {
            Ok(done) => {
                call.succeeded().map_err(fault)?;
                return Ok(Ok(done));
            }
            Err(error) => error,
        };
        let told = error.for_plugin();
        match (error.rule(), error.limit()) {
            (Some(rule), _) => {
                self.deny(function, call, rule, &told, error.grant().as_deref())?;
            }
            (None, Some(limit)) => {
                self.deny(
                    function,
                    call,
                    &format!("limit: {}", limit.key()),
                    &told,
                    None,
                )?;
            }
            (None, None) => call.failed(&error.to_string()).map_err(fault)?,
        }
        Ok(Err(told))
    }

    /// Ends a call as a denial: in the audit with the line that would grant it, and to the observer.
    pub(super) fn deny(
        &self,
        function: &'static str,
        call: AuditedCall,
        rule: &str,
        error: &str,
        grant: Option<&str>,
    ) -> Result<(), HostFault> {
        let written = match grant {
            Some(grant) => call.denied(rule, &format!("{error}; to grant it: {grant}")),
            None => call.denied(rule, error),
        };
        self.observer.denied(&Denial {
            plugin: self.effective.plugin(),
            function,
            error: &harmless(error),
            rule,
            grant,
        });
        written.map_err(fault)
    }
}

impl Host for PolicyHost {
    fn http_request<'a>(
        &'a self,
        context: CallContext,
        request: HttpRequest,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async move {
            let request = Request {
                method: request.method,
                url: request.url,
                headers: request
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name, value.into_bytes()))
                    .collect(),
                body: request.body.map(Bytes::from).unwrap_or_default(),
                follow: true,
            };
            let result = self.send("http-request", request, context.deadline).await?;
            Ok(match result {
                Err(error) => Err(error.for_plugin()),
                Ok(response) if !response.status.is_success() => Err(status(&response)),
                Ok(response) => String::from_utf8(response.body.into())
                    .map_err(|_| "the answer is not text: its body is not UTF-8".to_owned()),
            })
        })
    }

    fn read_file<'a>(
        &'a self,
        _context: CallContext,
        path: String,
    ) -> HostAnswer<'a, Result<String, String>> {
        Box::pin(async move {
            let mut call = self.trail.begin("read-file", |summary| {
                summary.text(&path);
            })?;
            let result = match self.files.permits(&path, Access::ReadOnly) {
                Ok(rule) => {
                    call.permit(&rule);
                    self.files.read(path).await
                }
                Err(denied) => Err(denied),
            };
            self.end_file("read-file", call, result)
        })
    }

    fn write_file<'a>(
        &'a self,
        _context: CallContext,
        path: String,
        content: String,
    ) -> HostAnswer<'a, Result<(), String>> {
        Box::pin(async move {
            let mut call = self.trail.begin("write-file", |summary| {
                summary.text(&path).bytes("content", content.len());
            })?;
            let result = match self.files.permits(&path, Access::ReadWrite) {
                Ok(rule) => {
                    call.permit(&rule);
                    self.files.write(path, content).await
                }
                Err(denied) => Err(denied),
            };
            self.end_file("write-file", call, result)
        })
    }

    fn get_env<'a>(
        &'a self,
        _context: CallContext,
        name: String,
    ) -> HostAnswer<'a, Option<String>> {
        Box::pin(async move { self.variable("get-env", &name) })
    }

    fn environment(&self) -> Result<Vec<(String, String)>, HostFault> {
        let mut variables = Vec::new();
        for name in self.effective.env_vars() {
            if let Some(value) = self.variable("wasi:cli", name)? {
                variables.push((name.to_owned(), value));
            }
        }
        Ok(variables)
    }

    fn log<'a>(
        &'a self,
        _context: CallContext,
        level: LogLevel,
        message: String,
        cut: bool,
    ) -> HostAnswer<'a, ()> {
        Box::pin(async move {
            let mut call = self.trail.begin("log", |summary| {
                summary.text(level.name()).text(&message);
            })?;
            call.permit("every plugin may log, within its rate");
            self.observer.logged(&LogMessage {
                plugin: self.effective.plugin(),
                level,
                text: &harmless(&message),
                cut,
            });
            call.succeeded().map_err(fault)
        })
    }

    fn refused<'a>(
        &'a self,
        _context: CallContext,
        function: &'static str,
        reason: String,
    ) -> HostAnswer<'a, ()> {
        Box::pin(async move {
            let call = self.trail.begin(function, |_| ())?;
            self.deny(function, call, "limit: size of an argument", &reason, None)
        })
    }

    fn log_dropped(&self, count: u64) {
        let rate = self.effective.limits().log_messages_per_minute();
        let text = format!("{count} messages over the limit of {rate} a minute were dropped");
        // Where it cannot be written, the log's next entry says so.
        if let Ok(call) = self.trail.begin("log", |_| ()) {
            let _ = call.denied(&format!("limit: {rate} log messages a minute"), &text);
        }
        self.observer.logged(&LogMessage {
            plugin: self.effective.plugin(),
            level: LogLevel::Warning,
            text: &text,
            cut: false,
        });
    }
}

/// A status that says that the request failed, with the beginning of the answer's body: servers say there what is wrong.
fn status(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    let body: String = body.trim().chars().take(500).collect();
    let separator = if body.is_empty() { "" } else { ": " };
    format!("the server answered {}{separator}{body}", response.status)
}

impl Requests for PolicyHost {
    fn request<'a>(
        &'a self,
        request: Request,
        deadline: Instant,
    ) -> Pin<Box<dyn Future<Output = Result<Response, RequestFailure>> + Send + 'a>> {
        Box::pin(async move {
            let sent = self.send("wasi:http", request, deadline).await;
            let result = sent.map_err(|fault| RequestFailure::Unrecorded(fault.message))?;
            Ok(result?)
        })
    }

    fn refused(&self, method: &str, url: &str, error: &EgressError) -> Result<(), RequestFailure> {
        let unrecorded = |fault: HostFault| RequestFailure::Unrecorded(fault.message);
        let call = self
            .trail
            .begin("wasi:http", |summary| {
                summary.http_request(method, url, [], None);
            })
            .map_err(unrecorded)?;
        self.end_refused("wasi:http", call, error)
            .map_err(unrecorded)
    }
}
