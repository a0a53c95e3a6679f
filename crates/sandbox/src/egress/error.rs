//! Why the door did not let a request through, or an answer back.

use std::net::IpAddr;
use std::time::Duration;

/// A request that failed, or was refused. No text holds a header's value or a URL's path.
///
/// The texts are for the audit and the operator: they tell addresses of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The URL is none that is asked for.
    #[error("url refused: {0}")]
    Url(#[from] UrlProblem),
    /// The method is no method, or one that is never sent.
    #[error(
        "method refused: {method}: CONNECT, TRACE and TRACK are never sent, nor is what is no token"
    )]
    Method {
        /// What was asked for, shortened.
        method: String,
    },
    /// The header's name or value is none.
    #[error("header refused: {name}: {problem}")]
    Header {
        /// The name, shortened.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// No rule lets the plugin go to this host.
    #[error("host denied: {origin}: {rule}{}", granting(.grant))]
    Host {
        /// Scheme, host and port.
        origin: String,
        /// The rule that decided.
        rule: String,
        /// The line that would grant it; may be empty.
        grant: String,
    },
    /// The host is, or leads to, a special-use address that no rule names.
    #[error(
        "address denied: {host} leads to {address}, {kind}{}: {rule}{}",
        if *.mixed { ", beside public ones" } else { "" },
        granting(.grant)
    )]
    Address {
        /// The name or address that was asked for.
        host: String,
        /// The first address that was refused.
        address: IpAddr,
        /// What kind of address it is.
        kind: &'static str,
        /// Whether the same name also has public addresses, or ones that a rule names. None of them was connected to.
        mixed: bool,
        /// The rule that decided.
        rule: String,
        /// The line that would grant it; may be empty.
        grant: String,
    },
    /// More requests than a minute may have.
    #[error("limit reached: {limit} http requests a minute: the next may go in {} s", .wait.as_secs() + 1)]
    RequestRate {
        /// How many a minute may have, hops of redirects among them.
        limit: u32,
        /// When the next may go.
        wait: Duration,
    },
    /// More connections than there may be at once.
    #[error("limit reached: {limit} connections at once")]
    Connections {
        /// How many there may be.
        limit: usize,
    },
    /// The request is larger than it may be.
    #[error("limit reached: {limit} bytes of a request")]
    RequestSize {
        /// How many bytes URL, headers and body may have together.
        limit: usize,
    },
    /// The answer is larger than it may be, as it was sent or decoded.
    #[error("limit reached: {limit} bytes of a response")]
    ResponseSize {
        /// How many bytes it may have.
        limit: usize,
    },
    /// More redirects than are followed.
    #[error("limit reached: {limit} redirects")]
    Redirects {
        /// How many are followed.
        limit: u32,
    },
    /// The exchange took longer than it may.
    #[error("limit reached: {limit:?} for a request, from its name to the last byte of its answer")]
    Time {
        /// How long it may take.
        limit: Duration,
    },
    /// The call that the request is part of came to its deadline.
    #[error("limit reached: the call's deadline")]
    Deadline,
    /// No address was found.
    #[error("{host}: the name cannot be resolved: {cause}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// Nobody took the connection.
    #[error("{host}: no connection: {cause}")]
    Connect {
        /// The name or address, and the port.
        host: String,
        /// What the system said.
        cause: String,
    },
    /// TLS failed: a certificate that is not trusted, among others.
    #[error("{host}: the tls handshake failed: {cause}")]
    Tls {
        /// The name or address, and the port.
        host: String,
        /// What failed.
        cause: String,
    },
    /// The exchange broke, or what came was no HTTP.
    #[error("{host}: the exchange failed: {cause}")]
    Exchange {
        /// The name or address, and the port.
        host: String,
        /// What failed.
        cause: String,
    },
    /// The answer is compressed in a way that was not offered, or broken.
    #[error("{host}: the answer cannot be decoded: {cause}")]
    Encoding {
        /// The name or address, and the port.
        host: String,
        /// The coding, or what is wrong with it.
        cause: String,
    },
    /// It happened behind a redirect.
    #[error("redirect {hop}: {cause}")]
    Redirected {
        /// Which redirect, from 1.
        hop: u32,
        /// What happened.
        cause: Box<EgressError>,
    },
}

impl EgressError {
    /// The name of the limit that was reached, if one was.
    pub fn limit(&self) -> Option<&'static str> {
        Some(match self {
            EgressError::Url(UrlProblem::Length { .. }) => "url length",
            EgressError::RequestRate { .. } => "http requests a minute",
            EgressError::Connections { .. } => "connections at once",
            EgressError::RequestSize { .. } => "http request size",
            EgressError::ResponseSize { .. } => "http response size",
            EgressError::Redirects { .. } => "http redirects",
            EgressError::Time { .. } => "http total time",
            EgressError::Deadline => "wall clock",
            EgressError::Redirected { cause, .. } => return cause.limit(),
            _ => return None,
        })
    }

    /// The rule that denied it, if one did: the policy's own words, or the door's where it is a matter of form.
    pub fn rule(&self) -> Option<&str> {
        Some(match self {
            EgressError::Host { rule, .. } | EgressError::Address { rule, .. } => rule,
            EgressError::Url(UrlProblem::Length { .. }) => return None,
            EgressError::Url(UrlProblem::Scheme { .. }) => "http and https only",
            EgressError::Url(_) => "a url has one reading",
            EgressError::Method { .. } => "methods that are sent",
            EgressError::Header { .. } => "headers that a plugin may set",
            EgressError::Redirected { cause, .. } => return cause.rule(),
            _ => return None,
        })
    }

    /// The line of the policy that would grant it, if there is one.
    pub fn grant(&self) -> Option<&str> {
        match self {
            EgressError::Host { grant, .. } | EgressError::Address { grant, .. } => {
                Some(grant.as_str()).filter(|grant| !grant.is_empty())
            }
            EgressError::Redirected { cause, .. } => cause.grant(),
            _ => None,
        }
    }

    /// What the plugin is told: the same without addresses that it did not name itself, since a private name's address is
    /// nothing for it to know, and without the operator's files and lines, since a model may read it and act on it.
    pub fn for_plugin(&self) -> String {
        match self {
            EgressError::Host { origin, .. } => {
                format!("host denied: {origin} is not granted to this plugin")
            }
            EgressError::Address { host, .. } => {
                format!(
                    "address denied: {host} is, or leads to, a special-use address that no rule names"
                )
            }
            EgressError::Redirected { hop, cause } => {
                format!("redirect {hop}: {}", cause.for_plugin())
            }
            _ => self.to_string(),
        }
    }

    pub(super) fn behind(self, hop: u32) -> EgressError {
        match hop {
            0 => self,
            hop => EgressError::Redirected {
                hop,
                cause: Box::new(self),
            },
        }
    }
}

fn granting(grant: &str) -> String {
    if grant.is_empty() {
        String::new()
    } else {
        format!("; this line of the policy grants it: {grant}")
    }
}

/// What is wrong with a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// It is longer than a URL may be.
    #[error("it is longer than {limit} bytes")]
    Length {
        /// How many bytes it may have.
        limit: usize,
    },
    /// It has a control letter, among them tab, CR, LF and NUL.
    #[error("it has a control letter")]
    Control,
    /// It has another scheme.
    #[error("its scheme is {scheme}: http and https only")]
    Scheme {
        /// The scheme, shortened.
        scheme: String,
    },
    /// It names a user, or has an `@` where one would stand.
    #[error("it has userinfo: put credentials into a header")]
    Userinfo,
    /// Its IPv6 address has a zone.
    #[error("its address has a zone")]
    Zone,
    /// Its host is no name: labels of 1 to 63 of `a-z 0-9 - _`, together 253.
    #[error("its host is no host name")]
    Host,
    /// The URL standard does not read it.
    #[error("{0}")]
    Syntax(url::ParseError),
    /// Its path or query cannot be sent.
    #[error("its path cannot be sent")]
    Path,
}

/// A text as an error shows it: harmless to a terminal, and at most 200 characters of it.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
