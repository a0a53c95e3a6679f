//! What the door asks of the policy.

use std::net::SocketAddr;

/// The policy's answers for one plugin. They are asked anew for every request and for every hop of a redirect.
pub trait Grants: Send + Sync {
    /// Whether requests may go there.
    ///
    /// `scheme` is `http` or `https`. `host` is a name in lower case, in its ASCII form and without the dot at its end, or an
    /// address in its one canonical spelling, an IPv6 one without brackets and an IPv4-mapped one as the IPv4 address. `port`
    /// is the scheme's own where the URL names none.
    fn host(&self, scheme: &str, host: &str, port: u16) -> Decision;

    /// Whether a rule names this very special-use address. It is asked about no other, and only after `host` has allowed; an
    /// IPv4-mapped address is asked about as the IPv4 address.
    fn address(&self, address: SocketAddr) -> Decision;
}

/// A policy's answer, with what decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed {
        /// The rule that allows it, for the audit.
        rule: String,
    },
    /// It may not.
    Denied {
        /// The rule that denies it, for the audit.
        rule: String,
        /// The line of the policy that would grant it; empty where none can.
        grant: String,
    },
}

/// Nothing may be reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoGrants;

impl Grants for NoGrants {
    fn host(&self, _scheme: &str, _host: &str, _port: u16) -> Decision {
        nothing()
    }

    fn address(&self, _address: SocketAddr) -> Decision {
        nothing()
    }
}

fn nothing() -> Decision {
    Decision::Denied {
        rule: "nothing is granted by default".into(),
        grant: String::new(),
    }
}
