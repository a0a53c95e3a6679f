//! What a plugin may ask of the host, as the engine sees it: a trait that policy, files, egress and audit implement together.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use thiserror::Error;

/// The host's own failure, which ends the guest's call: an audit entry that cannot be written, for one. The guest is not told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct HostFault {
    /// What failed, without secrets.
    pub message: String,
}

/// An answer that takes its time. Dropped where the deadline passes first: nothing may go on that matters.
pub type HostAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, HostFault>> + Send + 'a>>;

/// The call for which a host function works.
#[derive(Clone, Copy, Debug)]
pub struct CallContext {
    /// When the call ends, whatever the host is doing for it.
    pub deadline: Instant,
}

/// A request as the guest gave it: bounded in size, and not looked at otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, as given.
    pub method: String,
    /// The URL, as given.
    pub url: String,
    /// Names and values, as given: at most 100, and 64 KiB together.
    pub headers: Vec<(String, String)>,
    /// At most as large as the plugin's limit, 1,000,000 bytes or less.
    pub body: Option<String>,
}

/// A log message's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// 0.
    Error,
    /// 1.
    Warning,
    /// 2.
    Information,
    /// 3.
    Debug,
    /// 4, and whatever a guest gives above.
    Trace,
}

impl LogLevel {
    /// Its name, in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warning => "warning",
            LogLevel::Information => "information",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    /// The level of a guest's number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => LogLevel::Error,
            1 => LogLevel::Warning,
            2 => LogLevel::Information,
            3 => LogLevel::Debug,
            _ => LogLevel::Trace,
        }
    }
}

/// The host functions of one plugin. Sizes are bounded before they are called, and their answers' after it; everything else is
/// theirs: what is granted, rates of requests, the audit entry before the answer.
///
/// Called on the engine's own threads inside its tokio runtime (time and network enabled) and shared by concurrent calls. A method
/// must not block: long work that cannot wait belongs on `spawn_blocking`. A [`HostFault`] ends the guest's call; a denial is an
/// `Ok(Err(sentence))`.
pub trait Host: Send + Sync + 'static {
    /// `host.http-request`: the response's text, at most as large as the plugin's limit, 10,000,000 bytes or less.
    fn http_request<'a>(
        &'a self,
        context: CallContext,
        request: HttpRequest,
    ) -> HostAnswer<'a, Result<String, String>>;

    /// `host.read-file`: the file's text, at most as large as the plugin's limit, 8,000,000 bytes or less.
    fn read_file<'a>(
        &'a self,
        context: CallContext,
        path: String,
    ) -> HostAnswer<'a, Result<String, String>>;

    /// `host.write-file`.
    fn write_file<'a>(
        &'a self,
        context: CallContext,
        path: String,
        content: String,
    ) -> HostAnswer<'a, Result<(), String>>;

    /// `host.get-env`: denied and unset are both `None`.
    fn get_env<'a>(&'a self, context: CallContext, name: String) -> HostAnswer<'a, Option<String>>;

    /// The variables that `wasi:cli/environment` gives, with their values: none, unless told otherwise.
    ///
    /// # Errors
    /// Ends the guest's call.
    fn environment(&self) -> Result<Vec<(String, String)>, HostFault> {
        Ok(Vec::new())
    }

    /// `host.log`: a message that was within the rate, cut to 4 KB; `cut` says that it was. It may hold any character: who prints it
    /// makes control characters harmless.
    fn log<'a>(
        &'a self,
        context: CallContext,
        level: LogLevel,
        message: String,
        cut: bool,
    ) -> HostAnswer<'a, ()>;

    /// A host function was called with what is too long to be copied, and was refused with `reason` (nothing of it was copied): an
    /// audit entry like any denial.
    fn refused<'a>(
        &'a self,
        _context: CallContext,
        _function: &'static str,
        _reason: String,
    ) -> HostAnswer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Messages that went over the rate since the last time, told when the next one is within it, or at the end of the call.
    fn log_dropped(&self, _count: u64) {}
}

/// A host that denies everything: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct DenyAll;

/// What [`DenyAll`] answers.
fn denied<'a, T: Send + 'a>(what: &str) -> HostAnswer<'a, Result<T, String>> {
    let sentence = format!("{what} is denied: nothing is granted to this plugin");
    Box::pin(async { Ok(Err(sentence)) })
}

impl Host for DenyAll {
    fn http_request<'a>(
        &'a self,
        _: CallContext,
        _: HttpRequest,
    ) -> HostAnswer<'a, Result<String, String>> {
        denied("http-request")
    }

    fn read_file<'a>(
        &'a self,
        _: CallContext,
        _: String,
    ) -> HostAnswer<'a, Result<String, String>> {
        denied("read-file")
    }

    fn write_file<'a>(
        &'a self,
        _: CallContext,
        _: String,
        _: String,
    ) -> HostAnswer<'a, Result<(), String>> {
        denied("write-file")
    }

    fn get_env<'a>(&'a self, _: CallContext, _: String) -> HostAnswer<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    fn log<'a>(&'a self, _: CallContext, _: LogLevel, _: String, _: bool) -> HostAnswer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
