//! The guest that makes requests, built once, and what it printed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What a run printed.
pub(crate) struct Ended {
    /// What was told of the exchanges, a line each: `NUMBER EVENT`.
    pub(crate) lines: Vec<String>,
    /// Pages of linear memory at the end.
    pub(crate) pages: u32,
    /// Milliseconds of processor time, of WAMR too.
    pub(crate) cpu_ms: u32,
}

/// Runs exchanges with everything on this machine granted.
pub(crate) fn run(exchanges: &[&str]) -> Ended {
    let grants = [
        "--addr-pool=127.0.0.0/8,::1/128",
        "--allow-resolve=localhost",
    ];
    run_with(&grants, exchanges)
}

/// Runs exchanges with these grants. Panics if the guest, or WAMR, does not end as it should.
pub(crate) fn run_with(grants: &[&str], exchanges: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_wamr-runner"))
        .args(grants)
        .arg(guest())
        .args(exchanges)
        .output()
        .expect("the runner runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    // A status without a code is a signal: SIGPIPE, most likely.
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\n{text}{errors}",
        output.status
    );
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let last = lines.pop().unwrap_or_default();
    let words: Vec<&str> = last.split(' ').collect();
    let [_, pages, _, cpu_ms] = words[..] else {
        panic!("the last line is {last:?}")
    };
    Ended {
        lines,
        pages: pages.parse().expect("pages"),
        cpu_ms: cpu_ms.parse().expect("milliseconds"),
    }
}

/// The guest's file. cargo builds it, or finds it up to date, into the folder that this test came from.
fn guest() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let runner = Path::new(env!("CARGO_BIN_EXE_wamr-runner"));
        let target = runner.parent().and_then(Path::parent);
        let target = target.expect("it lies in a profile's folder of cargo's");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--locked", "-p", "dewclaw-platform"])
            .args(["--example", "http_probe", "--features", "wamr-sockets"])
            .args(["--target", "wasm32-wasip1", "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the guest can't be built");
        target.join("wasm32-wasip1/release/examples/http_probe.wasm")
    })
}
