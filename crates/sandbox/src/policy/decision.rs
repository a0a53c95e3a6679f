//! The answer to one question of a running plugin: whether, by which rule, and what would change it.

use std::sync::Arc;

use super::grant_line::GrantLine;

/// Whether a plugin may do one thing. Both the audit trail and the user get all of it; the plugin gets no more than the denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// What decided: a line of the policy (`policy.toml:7 network "https://api.example.com"`), or why there is none.
    pub rule: Arc<str>,
    /// What would grant it, empty where it is granted or where nothing can. With two lines, both are needed: the manifest does
    /// not ask, and the policy does not grant.
    pub grant: Vec<GrantLine>,
}

impl Decision {
    pub(super) fn allowed(rule: &Arc<str>) -> Decision {
        Decision {
            allowed: true,
            rule: rule.clone(),
            grant: Vec::new(),
        }
    }

    pub(super) fn denied(rule: impl Into<Arc<str>>, grant: Vec<GrantLine>) -> Decision {
        Decision {
            allowed: false,
            rule: rule.into(),
            grant,
        }
    }

    /// What would grant it, as one line for a person; `None` where nothing would.
    pub fn grant_line(&self) -> Option<String> {
        let lines: Vec<String> = self.grant.iter().map(GrantLine::to_string).collect();
        (!lines.is_empty()).then(|| lines.join("; and "))
    }
}
