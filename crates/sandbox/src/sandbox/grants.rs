//! The policy's answers as the door to the network asks for them.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::egress::{Decision, EgressLimits, Grants};
use crate::limits::Limits;
use crate::policy::{self, Effective};

/// What one plugin was granted.
pub(super) struct PolicyGrants(pub(super) Arc<Effective>);

impl Grants for PolicyGrants {
    fn host(&self, scheme: &str, host: &str, port: u16) -> Decision {
        answer(&self.0.network(scheme, host, port))
    }

    fn address(&self, address: SocketAddr) -> Decision {
        answer(&self.0.address(address))
    }
}

fn answer(decision: &policy::Decision) -> Decision {
    let rule = decision.rule.to_string();
    if decision.allowed {
        Decision::Allowed { rule }
    } else {
        Decision::Denied {
            rule,
            grant: decision.grant_line().unwrap_or_default(),
        }
    }
}

/// The door's part of a plugin's limits.
pub(super) fn egress_limits(limits: &Limits) -> EgressLimits {
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    EgressLimits {
        requests_per_minute: u32::try_from(limits.http_requests_per_minute()).unwrap_or(u32::MAX),
        connections: size(limits.connections()),
        request_bytes: size(limits.http_request_bytes()),
        response_bytes: size(limits.http_response_bytes()),
        total: limits.http_time(),
        ..EgressLimits::default()
    }
}
