//! What a decision of the policy costs: run it with `cargo run --release -p dewclaw-sandbox --example policy_cost`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use dewclaw_sandbox::policy::{Access, Effective, Manifest, Policy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tables = "[plugins.p.permissions]\nnetwork = [\"https://api.example.com\", \"*.example.org\"]\nfilesystem = [\"read-only data\"]\n\
                  env_vars = [\"TZ\"]\n";
    let effective = decide(tables)?;
    per("host, allowed", 1_000_000, || {
        effective.network("https", "api.example.com", 443)
    });
    per("host, denied", 100_000, || {
        effective.network("https", "evil.test", 443)
    });
    per("address, allowed or denied", 100_000, || {
        effective.address(([10, 0, 0, 1], 443).into())
    });
    per("path, allowed", 1_000_000, || {
        effective
            .path("data/a/b.txt", Access::ReadOnly)
            .map(|opened| opened.path)
    });
    per("variable, allowed", 1_000_000, || effective.env("TZ"));
    per("interface, denied", 100_000, || {
        effective.wasi("wasi:clocks/wall-clock@0.2.0")
    });

    // The most that a manifest may list, against as much in a policy.
    let mut most = "[plugins.p.permissions]\n".to_owned();
    for (key, entry) in [
        ("network", "*.example.com:"),
        ("filesystem", "read-only d/"),
        ("env_vars", "V"),
    ] {
        let entries: Vec<String> = (1..=256).map(|number| format!("{entry}{number}")).collect();
        writeln!(most, "{key} = {entries:?}")?;
    }
    per(
        "manifest and policy of the most entries, read and decided",
        20,
        || decide(&most).is_ok(),
    );
    let nothing_fits = most
        .replace("*.example", "*.elsewhere")
        .replace(" d/", " e/")
        .replace("\"V", "\"W");
    let policy = Policy::read(
        "policy.toml",
        format!("version = 1\n{most}").as_bytes(),
        Path::new("/p"),
    )?;
    let manifest = Manifest::read("manifest.toml", nothing_fits.as_bytes())?;
    per("the same where nothing is granted", 20, || {
        manifest
            .plugins()
            .first()
            .map(|plugin| Effective::decide(&policy, plugin))
    });
    let full = decide(&most)?;
    per("host, denied, of a full policy", 10_000, || {
        full.network("https", "evil.test", 443)
    });
    Ok(())
}

fn decide(tables: &str) -> Result<Effective, Box<dyn std::error::Error>> {
    let policy = Policy::read(
        "policy.toml",
        format!("version = 1\n{tables}").as_bytes(),
        Path::new("/p"),
    )?;
    let manifest = Manifest::read("manifest.toml", tables.as_bytes())?;
    let plugin = manifest.plugin("p").ok_or("no plugin")?;
    Ok(Effective::decide(&policy, plugin))
}

fn per<T>(what: &str, times: u32, mut each: impl FnMut() -> T) {
    let begin = Instant::now();
    for _ in 0..times {
        black_box(each());
    }
    let nanoseconds = begin.elapsed().as_nanos() / u128::from(times);
    println!("{what}: {nanoseconds} ns");
}
