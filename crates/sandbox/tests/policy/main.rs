//! What an operator and a plugin's author see of manifests and policies, and what holds of any pair of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod pairs;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use dewclaw_sandbox::limits::{Limit, Limits};
use dewclaw_sandbox::policy::{
    Access, Decision, Effective, GrantLine, Manifest, Outcome, PluginManifest, Policy,
};

fn policy(text: &str) -> Policy {
    Policy::read("policy.toml", text.as_bytes(), Path::new("/srv")).unwrap()
}

fn manifest(text: &str) -> PluginManifest {
    let manifest = Manifest::read("manifest.toml", text.as_bytes()).unwrap();
    manifest.plugins().first().unwrap().clone()
}

fn decide(policy_text: &str, manifest_text: &str) -> Effective {
    Effective::decide(&policy(policy_text), &manifest(manifest_text))
}

const GREEDY: &str = r#"[plugins.weather]
[plugins.weather.resources]
max_fuel = 900_000_000_000
max_memory_mb = 64
max_execution_seconds = 20
[plugins.weather.permissions]
network = ["https://api.example.com", "*.example.com", "http://169.254.169.254"]
filesystem = ["read-write maps", "/etc"]
env_vars = ["WEATHER_UNITS", "OPENAI_API_KEY"]
"#;

const POLICY: &str = r#"version = 1

[plugins.weather.permissions]
network = ["https://api.example.com"]
filesystem = ["read-only maps"]
env_vars = ["WEATHER_UNITS", "OPENAI_API_KEY"]

[shared.resources]
max_fuel = 50_000_000_000
"#;

#[test]
fn a_greedy_manifest_is_shown_as_a_newcomer_can_read_it() {
    let plugin = manifest(GREEDY).importing([
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:sockets/tcp@0.2.0",
        "dewclaw:plugin/host@0.1.0",
    ]);
    let shown = Effective::decide(&policy(POLICY), &plugin).to_string();
    let expected = r#"plugin weather: manifest.toml asks, policy.toml decides

                       asked                    granted                       decided by
network                https://api.example.com  yes                           policy.toml:4 network "https://api.example.com"
network                https://*.example.com    only https://api.example.com  policy.toml:4 network "https://api.example.com"
network                http://169.254.169.254   no                            no line of policy.toml grants it
filesystem             read-write maps          only read-only maps           policy.toml:5 filesystem "read-only maps"
filesystem             read-only etc            no                            no line of policy.toml grants it
env_vars               WEATHER_UNITS            yes                           policy.toml:6 env_vars "WEATHER_UNITS"
env_vars               OPENAI_API_KEY           no                            deny list of variables: OPENAI_*
wasi                   clocks                   no                            no line of policy.toml grants it
wasi                   sockets                  no                            there are no raw sockets
max_fuel               900,000,000,000          only 10,000,000,000           hard maximum
max_memory_mb          64 MiB                   only 16 MiB                   default
max_execution_seconds  20 s                     yes                           default

These lines would grant the rest:

  in policy.toml, instead of line 5: filesystem = ["read-only maps", "read-write maps", "read-only etc"]
  in policy.toml, instead of line 4: network = ["https://api.example.com", "https://*.example.com", "http://169.254.169.254"]
  in policy.toml, under [plugins.weather.permissions] (line 3): wasi = ["clocks"]
  in policy.toml, under a new [plugins.weather.resources]: max_memory_mb = 64
"#;
    assert_eq!(shown, expected, "\n{shown}");
}

#[test]
fn lines_for_one_new_table_stand_under_it_once() {
    let greedy = Effective::decide(&Policy::none("policy.toml"), &manifest(GREEDY)).to_string();
    let lines = greedy.split("the rest:\n\n").nth(1).unwrap();
    let header =
        "in a new file policy.toml, behind `version = 1`, under [plugins.weather.permissions]";
    assert!(
        lines.starts_with(&format!("  {header}:\n    env_vars = ")),
        "{lines}"
    );
    assert_eq!(lines.matches(header).count(), 1, "{lines}");
}

#[test]
fn a_denial_names_the_rule_and_the_line_that_would_grant_it() {
    let weather = decide(POLICY, GREEDY);
    let shown = |decision: Decision| {
        (
            decision.allowed,
            decision.rule.to_string(),
            decision.grant_line(),
        )
    };
    assert_eq!(
        shown(weather.network("https", "API.example.com.", 443)),
        (
            true,
            "policy.toml:4 network \"https://api.example.com\"".to_owned(),
            None
        )
    );
    // Asked, and not granted.
    assert_eq!(
        shown(weather.network("http", "169.254.169.254", 80)),
        (
            false,
            "no line of policy.toml grants it".to_owned(),
            Some("in policy.toml, instead of line 4: network = [\"https://api.example.com\", \"http://169.254.169.254\"]".to_owned())
        )
    );
    // Neither.
    assert_eq!(
        shown(weather.network("https", "evil.test", 8443)).2.unwrap(),
        "in manifest.toml, instead of line 7: network = [\"https://api.example.com\", \"https://*.example.com\", \"http://169.254.169.254\", \
         \"https://evil.test:8443\"]; and in policy.toml, instead of line 4: network = [\"https://api.example.com\", \"https://evil.test:8443\"]"
            .replace("\"https://*.example.com\"", "\"*.example.com\"")
    );
    // Granted, and not asked.
    let quiet = decide(POLICY, "[plugins.weather]");
    assert_eq!(
        shown(quiet.env("WEATHER_UNITS")),
        (
            false,
            "manifest.toml does not ask for it".to_owned(),
            Some("in manifest.toml, under a new [plugins.weather.permissions]: env_vars = [\"WEATHER_UNITS\"]".to_owned())
        )
    );
    // What no line grants.
    assert_eq!(
        shown(weather.env("OPENAI_API_KEY")),
        (false, "deny list of variables: OPENAI_*".to_owned(), None)
    );
    assert_eq!(
        shown(weather.network("ftp", "api.example.com", 21)),
        (false, "http and https are all there is".to_owned(), None)
    );
    assert_eq!(
        shown(weather.wasi("wasi:sockets/tcp@0.2.0")),
        (false, "there are no raw sockets".to_owned(), None)
    );
    assert_eq!(shown(weather.network("https", "a b", 443)).2, None);
    let denied = weather
        .path("maps/../../etc/passwd", Access::ReadOnly)
        .unwrap_err();
    assert!(
        !denied.allowed && denied.rule.contains("leads up"),
        "{denied:?}"
    );
}

#[test]
fn what_a_plugin_asks_at_length_is_not_repeated() {
    let weather = decide(POLICY, GREEDY);
    let long = "x".repeat(1 << 20);
    let path = weather.path(&long, Access::ReadOnly).unwrap_err();
    for denied in [
        path,
        weather.env(&long),
        weather.network("https", &long, 443),
        weather.wasi(&long),
    ] {
        assert!(!denied.allowed);
        assert!(
            denied.rule.len() < 100 && denied.grant_line().is_none(),
            "{denied:?}"
        );
    }
}

#[test]
fn a_policy_may_lower_what_nobody_asks() {
    let lower = "version = 1\n[shared.resources]\nmax_memory_mb = 8\n";
    let effective = decide(lower, "[plugins.p]");
    assert_eq!(effective.limits().memory_bytes(), 8 << 20);
    assert!(effective.grant_lines().is_empty());
    let effective = decide(lower, "[plugins.p.resources]\nmax_memory_mb = 9999");
    let lines: Vec<String> = effective
        .grant_lines()
        .iter()
        .map(GrantLine::to_string)
        .collect();
    assert_eq!(
        lines,
        ["in policy.toml, under a new [plugins.p.resources]: max_memory_mb = 256"]
    );
}

#[test]
fn without_a_policy_nothing_is_granted_and_the_first_line_of_one_is_said() {
    let policy = Policy::none("policy.toml");
    let effective = Effective::decide(&policy, &manifest(GREEDY));
    assert!(
        effective.folders().is_empty()
            && effective.env_vars().next().is_none()
            && !effective.warm()
    );
    assert!(*effective.limits() == Limits::default().with(Limit::ExecutionTime, 20));
    let denied = effective.network("https", "api.example.com", 443);
    assert_eq!(
        denied.grant_line().unwrap(),
        "in a new file policy.toml, behind `version = 1`, under [plugins.weather.permissions]: network = [\"https://api.example.com\"]"
    );
    let written = denied.grant.first().unwrap().apply("").unwrap();
    assert!(
        decide(&written, GREEDY)
            .network("https", "api.example.com", 443)
            .allowed
    );
}

#[test]
fn a_special_use_address_is_for_a_rule_that_names_it() {
    let nas: IpAddr = "192.168.1.20".parse().unwrap();
    let asks = "[plugins.p.permissions]\nnetwork = [\"http://nas.lan\", \"http://192.168.1.20\", \"http://localhost:3000\"]";
    let name = decide(
        "version = 1\n[shared.permissions]\nnetwork = [\"http://nas.lan\"]",
        asks,
    );
    assert!(name.network("http", "nas.lan", 80).allowed);
    let denied = name.address(SocketAddr::new(nas, 80));
    assert!(!denied.allowed);
    assert_eq!(
        denied.grant_line().unwrap(),
        "in policy.toml, under a new [plugins.p.permissions]: network = [\"http://192.168.1.20\"]"
    );
    let both = decide(
        "version = 1\n[shared.permissions]\nnetwork = [\"http://nas.lan\", \"http://192.168.1.20\"]",
        asks,
    );
    assert!(both.address(SocketAddr::new(nas, 80)).allowed);
    assert!(!both.address(SocketAddr::new(nas, 8080)).allowed);
    assert!(
        both.address("[::ffff:192.168.1.20]:80".parse().unwrap())
            .allowed
    );

    let loopback = decide(
        "version = 1\n[shared.permissions]\npresets = [\"loopback\"]",
        asks,
    );
    assert!(loopback.network("http", "localhost", 3000).allowed);
    assert!(loopback.address("127.0.0.1:3000".parse().unwrap()).allowed);
    assert!(!loopback.address("127.0.0.1:3001".parse().unwrap()).allowed);
    assert!(!loopback.address(SocketAddr::new(nas, 80)).allowed);
}

#[test]
fn presets_are_what_they_are_called() {
    let base = Path::new("/srv");
    let anything = PluginManifest::absent("p").unwrap();
    let with = |preset: &str| Effective::decide(&Policy::preset(preset, base).unwrap(), &anything);
    assert!(!with("none").network("http", "localhost", 80).allowed);
    assert!(with("loopback").network("http", "[::1]", 8080).allowed);
    assert!(!with("loopback").network("http", "10.0.0.1", 8080).allowed);
    let read = with("read-only docs");
    let opened = read.path("/docs/a/b.txt", Access::ReadOnly).unwrap();
    assert_eq!(
        (opened.grant.folder(), opened.path.as_path()),
        (Path::new("/srv/docs"), Path::new("a/b.txt"))
    );
    assert!(read.path("docs/a", Access::ReadWrite).is_err());
    assert!(
        with("read-write docs")
            .path("docs/a", Access::ReadWrite)
            .is_ok()
    );
    assert!(Policy::preset("all", base).is_err());
}

#[test]
fn the_operator_alone_raises_module_sizes_and_nobody_the_fixed_ones() {
    let effective = decide(
        "version = 1\n[plugins.p]\nwarm = true\n[plugins.p.resources]\nmax_module_kb = 12_000\nmax_instances = 99\nmax_log_messages_per_minute = 5\n\
         max_memory_mb = 8\nmax_fuel = 3_000_000_000\n",
        "[plugins.p]",
    );
    let limits = effective.limits();
    assert_eq!(limits.module_bytes(), 12_000_000);
    assert_eq!(limits.instances(), 10);
    assert_eq!(limits.log_messages_per_minute(), 5);
    assert_eq!(limits.memory_bytes(), 8 << 20);
    // A ceiling is no gift: the manifest did not ask.
    assert_eq!(limits.fuel(), 1_000_000_000);
    assert!(effective.warm());
    let row = effective
        .rows()
        .iter()
        .find(|row| row.key == "max_instances")
        .unwrap();
    assert_eq!(
        (&row.outcome, row.decided_by.as_str()),
        (&Outcome::Clamped("10".to_owned()), "hard maximum")
    );
}

#[test]
fn interfaces_of_wasi_are_granted_by_their_package() {
    let effective = decide(
        "version = 1\n[shared.permissions]\nwasi = [\"clocks\"]",
        "[plugins.p]",
    );
    assert!(effective.wasi("wasi:clocks/wall-clock@0.2.0").allowed);
    assert!(effective.wasi("wasi:io/poll@0.2.6").allowed);
    assert!(!effective.wasi("wasi:clocksmith/x@0.2.0").allowed);
    let denied = effective.wasi("wasi:http/outgoing-handler@0.2.0");
    assert_eq!(
        denied.grant_line().unwrap(),
        "in policy.toml, under a new [plugins.p.permissions]: wasi = [\"http\"]"
    );
    assert!(
        !decide("version = 1", "[plugins.p]")
            .wasi("wasi:io/poll@0.2.0")
            .allowed
    );
}

#[test]
fn a_folder_inside_another_may_be_elsewhere() {
    let effective = decide(
        "version = 1\n[shared.permissions]\nfilesystem = [\"read-only site as .\", \"read-write /var/up as up\"]",
        "[plugins.p.permissions]\nfilesystem = [\"read-write .\"]",
    );
    let leads = |path: &str, access| {
        effective.path(path, access).ok().map(|opened| {
            opened
                .grant
                .folder()
                .join(opened.grant.within())
                .join(opened.path)
        })
    };
    assert_eq!(
        leads("index.html", Access::ReadOnly).unwrap(),
        Path::new("/srv/site/index.html")
    );
    assert_eq!(
        leads("up/x", Access::ReadOnly).unwrap(),
        Path::new("/var/up/x")
    );
    assert_eq!(
        leads("up/x", Access::ReadWrite).unwrap(),
        Path::new("/var/up/x")
    );
    assert_eq!(leads("index.html", Access::ReadWrite), None);
}
