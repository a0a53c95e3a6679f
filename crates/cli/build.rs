//! Puts the component into the command: the file that `DEWCLAW_COMPONENT` names, else one built here by a nested
//! cargo, which has not been through wasm-opt.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";

/// What the component is made of, from the repository's root.
const SOURCES: [&str; 12] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "crates/agent-core/Cargo.toml",
    "crates/agent-core/src",
    "crates/platform/Cargo.toml",
    "crates/platform/src",
    "crates/wasm/Cargo.toml",
    "crates/wasm/build.rs",
    "crates/wasm/src",
    "rust-toolchain.toml",
    "wit",
];

/// Settings of the outer build that must not reach the nested one. The flags of `.cargo/config.toml` for the wasm
/// target hold only where no variable overrides them; `cargo clippy` and coverage tools come as wrappers.
const NOT_INHERITED: [&str; 8] = [
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
];

fn main() {
    if let Err(message) = embed() {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
    }
}

fn embed() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEWCLAW_COMPONENT");
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = manifest
        .ancestors()
        .nth(2)
        .ok_or("crates/cli is not inside the repository")?;
    let out = PathBuf::from(variable("OUT_DIR")?);

    let given = env::var_os("DEWCLAW_COMPONENT").filter(|name| !name.is_empty());
    let origin = if given.is_some() { "" } else { ", unoptimised" };
    let file = match given {
        Some(name) => {
            let file = root.join(name);
            println!("cargo::rerun-if-changed={}", file.display());
            file
        }
        None => build(root, &out.join("component"))?,
    };
    let bytes = fs::read(&file).map_err(|error| {
        format!(
            "cannot read the component `{}`: {error}: give an existing file as DEWCLAW_COMPONENT, absolute or \
             from the repository's root, or leave it unset to build the component here",
            file.display()
        )
    })?;
    check(&file, &bytes)?;
    let embedded = out.join("component.wasm");
    fs::write(&embedded, &bytes)
        .map_err(|error| format!("cannot write `{}`: {error}", embedded.display()))?;

    println!("cargo::rustc-env=DEWCLAW_COMPONENT_ORIGIN={origin}");
    println!(
        "cargo::rustc-env=DEWCLAW_WASMTIME_VERSION={}",
        locked_version(root, "wasmtime")?
    );
    Ok(())
}

/// Builds the component in a target folder of its own and answers with its file.
fn build(root: &Path, target_dir: &Path) -> Result<PathBuf, String> {
    for source in SOURCES {
        // Cargo takes a file that is not there as changed, and would build again each time.
        if root.join(source).exists() {
            println!("cargo::rerun-if-changed={}", root.join(source).display());
        }
    }
    require_target()?;
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(root)
        .args(["build", "--locked", "--package", "dewclaw-wasm"])
        .args(["--target", TARGET, "--profile", "wasm", "--target-dir"])
        .arg(target_dir);
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    let output = cargo
        .output()
        .map_err(|error| format!("cannot run cargo for the component: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the component does not build; to see it alone: cargo build -p dewclaw-wasm --target {TARGET} \
             --profile wasm\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        ));
    }
    Ok(target_dir
        .join(TARGET)
        .join("wasm")
        .join("dewclaw_wasm.wasm"))
}

/// Says what to install when the standard library of the wasm target is missing.
fn require_target() -> Result<(), String> {
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!(
        "the target {TARGET} is not installed, and the component is built for it: rustup target add {TARGET}"
    ))
}

/// A component starts with the magic number, version 13 and layer 1; a core module with version 1 and layer 0.
fn check(file: &Path, bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        return Ok(());
    }
    let kind = if bytes.starts_with(b"\0asm\x01\0\0\0") {
        "a core module"
    } else {
        "not WebAssembly"
    };
    Err(format!(
        "`{}` is {kind}, not a component: scripts/build-wasm makes dist/dewclaw.wasm",
        file.display()
    ))
}

/// The version of a package as Cargo.lock has it.
fn locked_version(root: &Path, package: &str) -> Result<String, String> {
    let lock = fs::read_to_string(root.join("Cargo.lock"))
        .map_err(|error| format!("cannot read Cargo.lock: {error}"))?;
    let entry = format!("name = \"{package}\"\nversion = \"");
    lock.replace('\r', "")
        .split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version.to_owned())
        .ok_or_else(|| format!("Cargo.lock has no {package}"))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
