//! What an audit entry costs: a host call that is permitted and audited against the same one unaudited, on files, with batched fsync.
//!
//! `cargo run --release -p dewclaw-sandbox --example audit_cost [FOLDER]`: FOLDER decides the disk; a temporary one by default.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dewclaw_sandbox::audit::{
    AuditFolder, AuditLog, AuditOptions, SyncPolicy, VerifyOptions, verify,
};

const ROUNDS: usize = 200;
const CALLS: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let base: PathBuf = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = base.join(format!("audit-cost-{}", std::process::id()));
    println!(
        "{:<46} {:>9} {:>9} {:>9}",
        "audited over unaudited, ns a call", "p50", "mean", "p99"
    );
    let within = SyncPolicy::Within(Duration::from_secs(1));
    for (name, sync, request) in [
        ("get-env, never synced", SyncPolicy::Never, false),
        ("get-env, synced within 1 s", within, false),
        (
            "get-env, synced within 10 ms",
            SyncPolicy::Within(Duration::from_millis(10)),
            false,
        ),
        ("get-env, synced every 1000", SyncPolicy::Every(1000), false),
        ("http-request of 4 headers, synced within 1 s", within, true),
    ] {
        let plain = measure(|| host_call(request));
        let log = open(&folder, name, sync)?;
        let audited = measure(|| {
            let call = audited_call(&log, request);
            black_box(call.is_ok())
        });
        let row = [0.5, -1.0, 0.99].map(|part| value(&audited, part) - value(&plain, part));
        println!("{name:<46} {:>9.0} {:>9.0} {:>9.0}", row[0], row[1], row[2]);
    }
    let log = open(&folder, "every", SyncPolicy::EveryEntry)?;
    let begun = Instant::now();
    for _ in 0..50 {
        audited_call(&log, false)?;
    }
    println!(
        "{:<46} {:>9.0}",
        "get-env, synced at every entry (mean)",
        begun.elapsed().as_nanos() as f64 / 50.0
    );
    let begun = Instant::now();
    let report = verify(&folder, &VerifyOptions::default())?;
    let entries: u64 = report.chains.iter().map(|chain| chain.entries).sum();
    let time = begun.elapsed();
    println!(
        "verify: {entries} entries in {time:.1?}, {:.1} µs each, intact: {}",
        time.as_secs_f64() * 1e6 / entries as f64,
        report.is_intact()
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn open(folder: &Path, name: &str, sync: SyncPolicy) -> Result<AuditLog, Box<dyn Error>> {
    let mut options = AuditOptions::default();
    options.sync = sync;
    options.secrets.register("a-secret-of-the-host")?;
    let plugin: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(AuditFolder::open(folder, options)?.log(&plugin)?)
}

/// Stands for the host's work, which is in both.
fn host_call(request: bool) -> bool {
    black_box(request)
}

fn audited_call(log: &AuditLog, request: bool) -> Result<(), Box<dyn Error>> {
    let headers = [
        ("accept", "application/json"),
        ("user-agent", "weather/1.0"),
        ("authorization", "Bearer abc"),
        ("x-id", "17"),
    ];
    let mut call = if request {
        log.begin("http-request", |summary| {
            summary.http_request(
                "GET",
                "https://api.example.com/v1/forecast?city=Berlin&key=abcdef",
                headers,
                None,
            );
        })?
    } else {
        log.begin("get-env", |summary| {
            summary.text("LANG");
        })?
    };
    call.permit("policy.toml:12 [plugins.weather] env = [\"LANG\"]");
    host_call(request);
    call.succeeded()?;
    Ok(())
}

/// Nanoseconds a call, of each round, rising.
fn measure(mut call: impl FnMut() -> bool) -> Vec<f64> {
    for _ in 0..CALLS {
        call();
    }
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            begun.elapsed().as_nanos() as f64 / CALLS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds
}

/// A quantile, or the mean where `part` is negative.
fn value(rounds: &[f64], part: f64) -> f64 {
    if part < 0.0 {
        return rounds.iter().sum::<f64>() / rounds.len() as f64;
    }
    rounds[((rounds.len() - 1) as f64 * part) as usize]
}
