//! The program that start times are compared to: it prints a line and reads one file, and is as small as std allows.

use crate::artifact;
use std::path::PathBuf;
use std::process::Command;

/// Builds `tests/guests/hello` with cargo, in a target folder of its own in the cache, and returns the component.
pub fn build() -> PathBuf {
    build_for("wasm32-wasip2")
}

/// The same as a core module, for WAMR.
pub fn build_module() -> PathBuf {
    build_for("wasm32-wasip1")
}

fn build_for(triple: &str) -> PathBuf {
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
            triple,
            "--manifest-path",
        ])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        // Where .cargo/config.toml says how large a stack is.
        .current_dir(artifact::repository())
        .output()
        .unwrap_or_else(|error| panic!("cargo cannot be started: {error}"));
    assert!(
        output.status.success(),
        "the hello guest does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join(triple).join("release/hello.wasm")
}

#[cfg(test)]
mod tests {
    use crate::guest::Guest;
    use crate::scratch::Scratch;
    use crate::{wamr_run, wasmtime_run};

    #[test]
    fn it_prints_a_line_and_reads_one_file() {
        let hello = super::build();
        let work = Scratch::with(&[("notes.txt", "some notes\n")]);
        let guest = Guest::of(&hello).without_network().workspace(&work);
        wasmtime_run::run(&guest)
            .code(0)
            .prints("hello, 11 bytes\n");
        let guest = Guest::of(&super::build_module())
            .without_network()
            .workspace(&work);
        wamr_run::run(&guest).code(0).prints("hello, 11 bytes\n");
        let compiled = work.join("hello.cwasm");
        wasmtime_run::compile(&hello, &compiled);
        let guest = Guest::of(&compiled).without_network().workspace(&work);
        wasmtime_run::run(&guest)
            .code(0)
            .prints("hello, 11 bytes\n");
    }
}
