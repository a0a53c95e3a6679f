//! What holds of any pair of a manifest and a policy.

use std::net::SocketAddr;
use std::path::Path;

use dewclaw_sandbox::limits::Limit;
use dewclaw_sandbox::policy::{
    Access, Decision, Effective, GrantLine, PluginManifest, Policy, Scheme,
};
use proptest::prelude::*;

use crate::{decide, manifest, policy};

/// One side's lists: hosts, folders, variables, and limits by number.
#[derive(Clone, Debug)]
struct Lists {
    network: Vec<String>,
    filesystem: Vec<String>,
    env_vars: Vec<String>,
    limits: Vec<(&'static str, u64)>,
}

impl Lists {
    fn tables(&self, section: &str) -> String {
        let list = |entries: &[String]| format!("{entries:?}");
        let limits: String = self
            .limits
            .iter()
            .map(|(key, number)| format!("{key} = {number}\n"))
            .collect();
        format!(
            "[{section}.permissions]\nnetwork = {}\nfilesystem = {}\nenv_vars = {}\n[{section}.resources]\n{limits}",
            list(&self.network),
            list(&self.filesystem),
            list(&self.env_vars),
        )
    }

    fn policy(&self) -> String {
        format!("version = 1\n{}", self.tables("plugins.p"))
    }

    fn manifest(&self) -> String {
        self.tables("plugins.p")
    }

    /// Some of the entries, and numbers that are no greater.
    fn less(&self, keep: &[bool], less: u64) -> Lists {
        let mut keep = keep.iter().copied().cycle();
        let mut some = |list: &[String]| {
            list.iter()
                .filter(|_| keep.next().unwrap_or(false))
                .cloned()
                .collect()
        };
        Lists {
            network: some(&self.network),
            filesystem: some(&self.filesystem),
            env_vars: some(&self.env_vars),
            limits: self
                .limits
                .iter()
                .map(|(key, number)| (*key, number.saturating_sub(less)))
                .collect(),
        }
    }
}

fn lists() -> impl Strategy<Value = Lists> {
    let hosts = prop::collection::vec(
        "(https?://)?(a\\.x\\.test|\\*\\.x\\.test|\\*\\.a\\.x\\.test|localhost|127\\.0\\.0\\.1)(:8080|:\\*)?",
        0..4,
    );
    let folders = prop::collection::vec("read-(only|write) (d|d/e|d/e/f|g)", 0..4);
    let names = prop::collection::vec("(TZ|LANG|X_TOKEN)", 0..3);
    let limits =
        (0u64..20_000_000_000, 0u64..400, 0u64..400).prop_map(|(fuel, memory, seconds)| {
            vec![
                ("max_fuel", fuel),
                ("max_memory_mb", memory),
                ("max_execution_seconds", seconds),
            ]
        });
    (hosts, folders, names, limits).prop_map(|(network, filesystem, env_vars, limits)| Lists {
        network,
        filesystem,
        env_vars,
        limits,
    })
}

/// What is said of special-use addresses.
fn addresses(effective: &Effective) -> Vec<Decision> {
    let mut all = Vec::new();
    for address in ["127.0.0.1", "::1", "10.0.0.1"] {
        for port in [80, 443, 8080] {
            all.push(effective.address(SocketAddr::new(address.parse().unwrap(), port)));
        }
    }
    all
}

/// Everything that is asked of a policy here, and how.
fn answers(effective: &Effective) -> Vec<Decision> {
    let mut all = Vec::new();
    for scheme in [Scheme::Http, Scheme::Https] {
        for port in [80, 443, 8080] {
            for host in [
                "a.x.test",
                "b.a.x.test",
                "x.test",
                "localhost",
                "127.0.0.1",
                "[::1]",
            ] {
                all.push(effective.network(scheme.name(), host, port));
            }
        }
    }
    for access in [Access::ReadOnly, Access::ReadWrite] {
        for path in ["d/x", "d/e/x", "d/e/f/x", "g/x", "h/x", "/d/x", "x"] {
            let granted = effective
                .path(path, access)
                .map(|opened| opened.grant.rule().clone());
            all.push(granted.map_or_else(
                |denied| denied,
                |rule| Decision {
                    allowed: true,
                    rule,
                    grant: Vec::new(),
                },
            ));
        }
    }
    for name in ["TZ", "LANG", "X_TOKEN", "UNSAID"] {
        all.push(effective.env(name));
    }
    all
}

fn everything(effective: &Effective) -> Vec<Decision> {
    let mut all = answers(effective);
    all.extend(addresses(effective));
    all
}

fn apply(lines: &[GrantLine], file: &str, text: &str) -> String {
    let line = lines.iter().find(|line| line.file.as_ref() == file);
    line.map_or_else(|| text.to_owned(), |line| line.apply(text).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_granted_is_what_is_both_asked_and_allowed(asked in lists(), granted in lists()) {
        let anything = PluginManifest::absent("p").unwrap();
        let both = decide(&granted.policy(), &asked.manifest());
        // The manifest's tables are a policy's too: what it asks is what it would be granted by itself.
        let all_asked = Effective::decide(&policy(&asked.policy()), &anything);
        let all_granted = Effective::decide(&policy(&granted.policy()), &anything);
        let expected = answers(&all_asked).into_iter().zip(answers(&all_granted)).map(|(asked, granted)| asked.allowed && granted.allowed);
        let got = answers(&both);
        for (got, expected) in got.iter().zip(expected) {
            prop_assert_eq!(got.allowed, expected, "{:?}", got);
        }
        // Here less may come out: `localhost` and an address of it name the same, and have no name in common.
        let asked = addresses(&all_asked);
        for (got, (asked, granted)) in addresses(&both).iter().zip(asked.iter().zip(addresses(&all_granted))) {
            prop_assert!(!got.allowed || asked.allowed && granted.allowed, "{:?}", got);
        }
        for limit in Limit::all() {
            prop_assert!(both.limits().get(limit) <= limit.maximum());
            prop_assert!(both.limits().get(limit) <= all_asked.limits().get(limit));
            prop_assert!(both.limits().get(limit) <= all_granted.limits().get(limit));
        }
    }

    #[test]
    fn a_narrower_policy_never_grants_more(asked in lists(), granted in lists(), keep: [bool; 7], less in 0u64..2_000_000_000) {
        let wide = decide(&granted.policy(), &asked.manifest());
        let narrow = decide(&granted.less(&keep, less).policy(), &asked.manifest());
        for (wide, narrow) in everything(&wide).into_iter().zip(everything(&narrow)) {
            prop_assert!(wide.allowed || !narrow.allowed, "{:?}", narrow);
        }
        for limit in Limit::all() {
            prop_assert!(narrow.limits().get(limit) <= wide.limits().get(limit));
        }
    }

    #[test]
    fn the_line_of_a_denial_grants_it(asked in lists(), granted in lists()) {
        let (asked, granted) = (asked.manifest(), granted.policy());
        for (at, denied) in everything(&decide(&granted, &asked)).into_iter().enumerate() {
            if denied.grant.is_empty() {
                continue;
            }
            let asked = apply(&denied.grant, "manifest.toml", &asked);
            let granted = apply(&denied.grant, "policy.toml", &granted);
            let now = Policy::read("policy.toml", granted.as_bytes(), Path::new("/srv"));
            let now = match now {
                Ok(now) => Effective::decide(&now, &manifest(&asked)),
                // The root of what a plugin sees cannot be elsewhere than a folder in it that can do less: the operator is
                // told.
                Err(error) => {
                    prop_assert!(error.to_string().contains("two folders"), "{}", error);
                    continue;
                }
            };
            let answer = everything(&now).swap_remove(at);
            prop_assert!(answer.allowed, "{:?}\nthen {:?}\n{}\n{}", denied, answer, asked, granted);
        }
    }
}
