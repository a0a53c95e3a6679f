//! The keys of docs/plugins.md: each is read in the files where the page says what it is, and refused in the others.

use std::path::Path;

use dewclaw_sandbox::policy::{Manifest, Policy};

use crate::built::repository;

/// A value for the key, where it stands.
fn line(key: &str) -> String {
    let value = match key {
        "version" => "1",
        "warm" => "true",
        "module" => "'a.wasm'",
        "audit.sync" => "'5 s'",
        "audit.max_file_mb" | "audit.max_total_mb" => "100",
        "permissions.network" => "['https://example.com']",
        "permissions.filesystem" => "['read-only data']",
        "permissions.env_vars" => "['UNITS']",
        "permissions.wasi" => "['clocks']",
        "permissions.presets" => "['loopback']",
        "resources.…" => return "[plugins.a]\nresources.max_fuel = 1".to_owned(),
        other => panic!("what is {other}?"),
    };
    match key.split_once('.') {
        None if key == "version" => format!("{key} = {value}"),
        Some(("audit", _)) => format!("{key} = {value}"),
        _ => format!("[plugins.a]\n{key} = {value}"),
    }
}

#[test]
fn every_key_of_the_page_is_read_where_it_says() {
    let page = std::fs::read_to_string(repository().join("docs/plugins.md")).unwrap();
    let (_, section) = page
        .split_once("\n## What a manifest and a policy say\n")
        .unwrap();
    let mut tried = Vec::new();
    for row in section.lines().take_while(|line| !line.starts_with("## ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let ["", keys, in_manifest, in_policy, ""] = cells[..] else {
            continue;
        };
        for key in keys
            .split(", ")
            .filter_map(|key| key.strip_prefix('`')?.strip_suffix('`'))
        {
            let text = line(key);
            let manifest = Manifest::read("a.toml", text.as_bytes());
            assert_eq!(
                manifest.is_ok(),
                !in_manifest.is_empty(),
                "{key}: {manifest:?}"
            );
            let text = match key {
                "version" => text,
                _ => format!("version = 1\n{text}"),
            };
            let policy = Policy::read("policy.toml", text.as_bytes(), Path::new("/srv"));
            assert_eq!(policy.is_ok(), !in_policy.is_empty(), "{key}: {policy:?}");
            tried.push(key.to_owned());
        }
    }
    assert_eq!(tried.len(), 12, "{tried:?}");
}
