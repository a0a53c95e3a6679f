//! What a plugin gets: what its manifest asks, as the policy decides and the hard maxima clamp it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limits::{Limit, Limits, RaisedBy};

use super::environment;
use super::folder::FolderGrant;
use super::grant_line::{GrantLine, Layout};
use super::manifest::PluginManifest;
use super::missing::{Lacking, Missing, Value, entry_of_a_policy};
use super::network::HostRule;
use super::operator::{Part, Policy, Rule};
use super::wasi::WasiPackage;

/// What one plugin gets, and what decided each part of it.
///
/// It is made once, when a plugin is loaded, and answers every question of a call without reading a file. An answer that allows
/// costs no allocation but what the question's own text needs; one that denies makes the line that would grant it.
#[derive(Clone, Debug)]
pub struct Effective {
    pub(super) plugin: Arc<str>,
    pub(super) manifest: PluginManifest,
    pub(super) policy_file: Arc<str>,
    pub(super) policy_layout: Arc<Layout>,
    /// All that the policy has for this plugin, asked or not.
    pub(super) part: Part,
    pub(super) limits: Limits,
    pub(super) network: Vec<Rule<HostRule>>,
    pub(super) folders: Vec<FolderGrant>,
    pub(super) env_vars: BTreeMap<String, Arc<str>>,
    pub(super) rows: Vec<Row>,
    pub(super) missing: Vec<Missing>,
}

/// One thing that was asked, or that the policy says unasked, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key that asks for it, such as `network`; `wasi` for what a component imports.
    pub key: &'static str,
    /// What was asked; empty where the policy says it unasked.
    pub asked: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The rules that decided, with the policy's file and line: or why there are none.
    pub decided_by: String,
    /// What would grant all of it; empty where it is granted, and where nothing can.
    pub grant: Vec<GrantLine>,
}

/// What came of something asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it.
    Granted(String),
    /// Less of it: this.
    Clamped(String),
    /// Nothing.
    Refused,
}

const HARD_MAXIMUM: &str = "hard maximum";

impl Effective {
    /// Decides all that a manifest asks.
    pub fn decide(policy: &Policy, manifest: &PluginManifest) -> Effective {
        let mut effective = Effective {
            plugin: manifest.name().into(),
            part: policy.part(manifest.name()),
            manifest: manifest.clone(),
            policy_file: policy.file.clone(),
            policy_layout: policy.layout.clone(),
            limits: Limits::default(),
            network: Vec::new(),
            folders: Vec::new(),
            env_vars: BTreeMap::new(),
            rows: Vec::new(),
            missing: Vec::new(),
        };
        effective.decide_network();
        effective.decide_folders();
        effective.decide_env_vars();
        effective.decide_wasi();
        effective.decide_warm();
        for limit in Limit::all() {
            effective.decide_limit(limit);
        }
        effective
    }

    /// The plugin's name.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The manifest's file, as it was named.
    pub fn manifest_file(&self) -> &str {
        &self.manifest.file
    }

    /// The policy's file, as it was named.
    pub fn policy_file(&self) -> &str {
        &self.policy_file
    }

    /// The limits that the plugin runs under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether one store is kept for all calls.
    pub fn warm(&self) -> bool {
        self.part.warm.as_ref().is_some_and(|rule| rule.value)
    }

    /// The folders that the plugin gets.
    pub fn folders(&self) -> &[FolderGrant] {
        &self.folders
    }

    /// The variables that the plugin gets, by name.
    pub fn env_vars(&self) -> impl Iterator<Item = &str> {
        self.env_vars.keys().map(String::as_str)
    }

    /// Everything that was asked, or that the policy says unasked, with what came of it.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The lines that would grant everything that was asked and can be granted, each once.
    pub fn grant_lines(&self) -> Vec<GrantLine> {
        self.lines(&self.missing)
    }

    /// Notes what came of one thing asked.
    fn row(
        &mut self,
        key: &'static str,
        asked: String,
        outcome: Outcome,
        decided_by: String,
        missing: Option<Missing>,
    ) {
        let grant = self.lines(missing.as_slice());
        self.missing.extend(missing);
        self.rows.push(Row {
            key,
            asked,
            outcome,
            decided_by,
            grant,
        });
    }

    /// Notes what came of an entry of a list: the parts that were granted, each with its rule.
    fn list_row(
        &mut self,
        key: &'static str,
        asked: String,
        entry: String,
        parts: &[(String, Arc<str>)],
        whole: bool,
    ) {
        let shown = distinct(parts.iter().map(|(part, _)| part.as_str()));
        let decided_by = distinct(parts.iter().map(|(_, rule)| rule.as_ref()));
        let lacking = Missing {
            file: Lacking::Policy,
            key,
            value: Value::Entry(entry),
        };
        match (whole, parts.is_empty()) {
            (true, _) => self.row(key, asked, Outcome::Granted(shown), decided_by, None),
            (false, true) => {
                let why = self.why_not(true, false);
                self.row(key, asked, Outcome::Refused, why, Some(lacking));
            }
            (false, false) => self.row(
                key,
                asked,
                Outcome::Clamped(shown),
                decided_by,
                Some(lacking),
            ),
        }
    }

    fn decide_network(&mut self) {
        if self.manifest.is_absent() {
            self.network = self.part.network.clone();
            for rule in self.network.clone() {
                self.row(
                    "network",
                    String::new(),
                    Outcome::Granted(rule.value.to_string()),
                    rule.label.to_string(),
                    None,
                );
            }
            return;
        }
        for ask in self.manifest.network.clone() {
            let met: Vec<Rule<HostRule>> = self
                .part
                .network
                .iter()
                .filter_map(|rule| {
                    Some(Rule {
                        value: rule.value.meet(&ask)?,
                        label: rule.label.clone(),
                    })
                })
                .collect();
            let whole = met.iter().find(|rule| rule.value == ask).cloned();
            let met = whole.as_ref().map_or(met, |rule| vec![rule.clone()]);
            let parts: Vec<_> = met
                .iter()
                .map(|rule| (rule.value.to_string(), rule.label.clone()))
                .collect();
            self.list_row(
                "network",
                ask.to_string(),
                ask.to_string(),
                &parts,
                whole.is_some(),
            );
            self.network.extend(met);
        }
    }

    fn decide_folders(&mut self) {
        if self.manifest.is_absent() {
            self.folders = self
                .part
                .folders
                .iter()
                .map(|rule| rule.value.whole(&rule.label))
                .collect();
            for grant in self.folders.clone() {
                self.row(
                    "filesystem",
                    String::new(),
                    Outcome::Granted(grant.to_string()),
                    grant.rule.to_string(),
                    None,
                );
            }
            return;
        }
        for ask in self.manifest.folders.clone() {
            let met: Vec<FolderGrant> = self
                .part
                .folders
                .iter()
                .filter_map(|rule| rule.value.meet(&ask, &rule.label))
                .collect();
            let whole = met.iter().find(|grant| grant.is_all_of(&ask)).cloned();
            let parts: Vec<_> = whole
                .as_ref()
                .map_or(met.as_slice(), std::slice::from_ref)
                .iter()
                .map(|grant| (grant.to_string(), grant.rule.clone()))
                .collect();
            self.list_row(
                "filesystem",
                ask.to_string(),
                entry_of_a_policy(&ask),
                &parts,
                whole.is_some(),
            );
            for grant in met {
                match self
                    .folders
                    .iter_mut()
                    .find(|known| known.path == grant.path)
                {
                    Some(known) if known.rank() < grant.rank() => *known = grant,
                    Some(_) => {}
                    None => self.folders.push(grant),
                }
            }
        }
    }

    fn decide_env_vars(&mut self) {
        let rules = self.part.env_vars.clone();
        let asked = match self.manifest.is_absent() {
            true => rules.iter().map(|rule| rule.value.clone()).collect(),
            false => self.manifest.env_vars.clone(),
        };
        for name in asked {
            if let Some(pattern) = environment::denied(&name) {
                let why = format!("deny list of variables: {pattern}");
                self.row("env_vars", name, Outcome::Refused, why, None);
                continue;
            }
            let rule = rules.iter().find(|rule| rule.value == name);
            let parts: Vec<_> = rule
                .map(|rule| (name.clone(), rule.label.clone()))
                .into_iter()
                .collect();
            self.list_row(
                "env_vars",
                name.clone(),
                name.clone(),
                &parts,
                rule.is_some(),
            );
            if let Some(rule) = rule {
                self.env_vars.insert(name, rule.label.clone());
            }
        }
    }

    fn decide_wasi(&mut self) {
        let mut packages: BTreeMap<Option<WasiPackage>, Vec<String>> = BTreeMap::new();
        for import in self.manifest.imports.clone() {
            packages
                .entry(WasiPackage::of_interface(&import))
                .or_default()
                .push(import);
        }
        for (package, imports) in packages {
            // One row for a package; for each interface that is of none.
            let imports = match package {
                Some(_) => imports.into_iter().take(1).collect(),
                None => imports,
            };
            for import in imports {
                let decision = self.wasi(&import);
                let asked = package.map_or(import, |package| package.to_string());
                let outcome = match decision.allowed {
                    true => Outcome::Granted(asked.clone()),
                    false => Outcome::Refused,
                };
                let missing = (!decision.grant.is_empty()).then(|| Missing {
                    file: Lacking::Policy,
                    key: "wasi",
                    value: Value::Entry(match package {
                        Some(WasiPackage::Io) | None => WasiPackage::Clocks.to_string(),
                        Some(package) => package.to_string(),
                    }),
                });
                self.row("wasi", asked, outcome, decision.rule.to_string(), missing);
            }
        }
    }

    fn decide_warm(&mut self) {
        if let Some(rule) = self.part.warm.clone() {
            let outcome = Outcome::Granted(rule.value.to_string());
            self.row("warm", String::new(), outcome, rule.label.to_string(), None);
        }
    }

    fn decide_limit(&mut self, limit: Limit) {
        let rule = self.part.limits.get(&limit).cloned();
        let ceiling = rule
            .as_ref()
            .map_or(limit.default_value(), |rule| rule.value);
        let asked = self.manifest.limits.get(&limit).copied();
        // What a manifest cannot ask, the policy says; and all of it where there is no manifest.
        let unasked = match limit.raised_by() {
            RaisedBy::Manifest if !self.manifest.is_absent() => limit.default_value(),
            _ => ceiling,
        };
        let wanted = asked.unwrap_or(unasked);
        let allowed = wanted.min(ceiling);
        let granted = limit.clamp(allowed);
        self.limits = self.limits.clone().with(limit, granted);
        if asked.is_none() && rule.is_none() {
            return;
        }
        let decided_by = match &rule {
            _ if granted < allowed || wanted > limit.maximum() && granted == limit.maximum() => {
                HARD_MAXIMUM.to_owned()
            }
            Some(rule) => rule.label.to_string(),
            None => "default".to_owned(),
        };
        let shown = limit.show(granted);
        // Less than the default is no denial where nobody asked for as much.
        let less = granted < wanted && (asked.is_some() || granted < allowed);
        let outcome = match less {
            true => Outcome::Clamped(shown),
            false => Outcome::Granted(shown),
        };
        let possible = limit.clamp(wanted);
        let missing = (less && granted < possible).then(|| Missing {
            file: Lacking::Policy,
            key: limit.key(),
            value: Value::Number(limit.to_number(possible)),
        });
        let asked = asked.map_or_else(String::new, |asked| limit.show(asked));
        self.row(limit.key(), asked, outcome, decided_by, missing);
    }
}

/// Each text once, in their order, with commas.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen.join(", ")
}
