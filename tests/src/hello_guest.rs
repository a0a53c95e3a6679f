//! The program that start times are compared to: it prints a line and reads one file, and is as small as std allows.

use crate::artifact;
use std::path::PathBuf;
use std::process::Command;

/// Builds `tests/guests/hello` with cargo, in a target folder of its own in the cache, and returns the component.
pub fn build() -> PathBuf {
    let target = artifact::cache()
        .unwrap_or_else(std::env::temp_dir)
        .join("hello-guest");
    let manifest = artifact::repository().join("tests/guests/hello/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            "wasm32-wasip2",
            "--manifest-path",
        ])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap_or_else(|error| panic!("cargo cannot be started: {error}"));
    assert!(
        output.status.success(),
        "the hello guest does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join("wasm32-wasip2/release/hello.wasm")
}

#[cfg(test)]
mod tests {
    use crate::guest::Guest;
    use crate::scratch::Scratch;
    use crate::wasmtime_run;

    #[test]
    fn it_prints_a_line_and_reads_one_file() {
        let hello = super::build();
        let work = Scratch::with(&[("notes.txt", "some notes\n")]);
        let guest = Guest::of(&hello).without_network().workspace(&work);
        wasmtime_run::run(&guest)
            .code(0)
            .prints("hello, 11 bytes\n");
        let compiled = work.join("hello.cwasm");
        wasmtime_run::compile(&hello, &compiled);
        let guest = Guest::of(&compiled).without_network().workspace(&work);
        wasmtime_run::run(&guest)
            .code(0)
            .prints("hello, 11 bytes\n");
    }
}
