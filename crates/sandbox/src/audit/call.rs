//! One host call that is going on, from its parameters to its entry.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::entry::Verdict;
use super::error::AuditError;
use super::log::{AuditLog, Record};
use super::summary::bounded;

/// Longest rule, in bytes.
const MAX_RULE: usize = 256;
/// Longest error, in bytes.
const MAX_ERROR: usize = 512;
/// The rule of a call that ended before anything was decided: then nothing was done either.
const UNDECIDED: &str = "undecided";

/// A host call that was begun. End it with [`succeeded`](AuditedCall::succeeded), [`failed`](AuditedCall::failed) or
/// [`denied`](AuditedCall::denied) before its result goes back to the guest; where that gives an error, the guest must get an error
/// instead of the result. Dropped without, it is written with an error that says so.
#[must_use = "a host call must be ended before its result goes back to the guest"]
#[derive(Debug)]
pub struct AuditedCall {
    log: AuditLog,
    function: &'static str,
    summary: String,
    began: Instant,
    time_ms: u64,
    rule: Option<String>,
    is_ended: bool,
}

impl AuditedCall {
    pub(super) fn new(log: AuditLog, function: &'static str, summary: String) -> AuditedCall {
        AuditedCall {
            log,
            function,
            summary,
            began: Instant::now(),
            time_ms: wall_ms(),
            rule: None,
            is_ended: false,
        }
    }

    /// The policy lets the call happen, by this rule. To be said before anything is done, so that a call that is dropped half-way is
    /// not taken for a denied one.
    pub fn permit(&mut self, rule: &str) {
        self.rule = Some(bounded(self.log.secrets(), rule, MAX_RULE));
    }

    /// It was permitted and done.
    pub fn succeeded(self) -> Result<(), AuditError> {
        self.end(None)
    }

    /// It was permitted and went wrong.
    pub fn failed(self, error: &str) -> Result<(), AuditError> {
        self.end(Some(error))
    }

    /// It was not permitted, by this rule; `error` is what the guest is told.
    pub fn denied(mut self, rule: &str, error: &str) -> Result<(), AuditError> {
        let rule = bounded(self.log.secrets(), rule, MAX_RULE);
        self.is_ended = true;
        self.write(Verdict::Denied, &rule, Some(error))
    }

    fn end(mut self, error: Option<&str>) -> Result<(), AuditError> {
        self.is_ended = true;
        self.write_ended(error)
    }

    fn write_ended(&self, error: Option<&str>) -> Result<(), AuditError> {
        match &self.rule {
            Some(rule) => self.write(Verdict::Permitted, rule, error),
            None => self.write(Verdict::Denied, UNDECIDED, error),
        }
    }

    fn write(&self, verdict: Verdict, rule: &str, error: Option<&str>) -> Result<(), AuditError> {
        let error = error.map(|error| bounded(self.log.secrets(), error, MAX_ERROR));
        self.log.record(&Record {
            time_ms: self.time_ms,
            function: self.function,
            summary: &self.summary,
            verdict,
            rule,
            error: error.as_deref(),
            duration_ns: u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX),
        })
    }
}

impl Drop for AuditedCall {
    fn drop(&mut self) {
        if !self.is_ended {
            // There is nobody to tell; the log counts it and its next entry says so.
            let _ = self.write_ended(Some("dropped before it ended, as at a deadline"));
        }
    }
}

/// Milliseconds since 1970 UTC; 0 before.
pub(super) fn wall_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
