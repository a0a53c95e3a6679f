//! Where the things under test are: the artifacts in `dist/`, the wasmtime command line, and what the environment names.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the repository")
}

/// `dewclaw.wasm` in `dist/`, or in the folder that `DEWCLAW_DIST` names. Panics with what to run when it was not built.
pub fn dewclaw() -> PathBuf {
    built("dewclaw.wasm")
}

/// `dewclaw-offline.wasm`, beside it. Panics with what to run when it was not built.
pub fn dewclaw_offline() -> PathBuf {
    built("dewclaw-offline.wasm")
}

/// `dewclaw-core.wasm`, beside them. Panics with what to run when it was not built.
pub fn dewclaw_core() -> PathBuf {
    built("dewclaw-core.wasm")
}

/// `dewclaw-wamr.wasm`, the core module for boards, beside them. Panics with what to run when it was not built.
pub fn dewclaw_wamr() -> PathBuf {
    built("dewclaw-wamr.wasm")
}

/// The agent as a core module without WAMR's sockets, which every runtime of WASI preview 1 can load; `DEWCLAW_WITHOUT_SOCKETS`
/// names it.
pub fn without_sockets() -> PathBuf {
    from_environment(
        "DEWCLAW_WITHOUT_SOCKETS",
        "crates/wasm built for wasm32-wasip1 without its feature `http`",
    )
}

/// The program of crates/wamr-runner, a WAMR with iwasm's flags; `WAMR_RUNNER` names it.
pub fn wamr_runner() -> PathBuf {
    from_environment("WAMR_RUNNER", "the program of crates/wamr-runner")
}

fn built(name: &str) -> PathBuf {
    let dist =
        std::env::var_os("DEWCLAW_DIST").map_or_else(|| repository().join("dist"), PathBuf::from);
    let path = dist.join(name);
    assert!(
        path.is_file(),
        "{} is missing: run scripts/build-wasm",
        path.display()
    );
    path
}

/// The wasmtime command line: the file in `WASMTIME`, else the first on `PATH`, else the one that the scripts put in the cache.
pub fn wasmtime() -> PathBuf {
    if let Some(named) = std::env::var_os("WASMTIME") {
        let named = PathBuf::from(named);
        assert!(
            named.is_file(),
            "WASMTIME names {}, which is not a file",
            named.display()
        );
        return named;
    }
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path)
            .map(|folder| folder.join("wasmtime"))
            .find(|file| file.is_file())
    });
    on_path
        .or_else(|| {
            Some(cache()?.join("tools/wasmtime-48.0.8/bin/wasmtime")).filter(|file| file.is_file())
        })
        .expect(
            "no wasmtime command line: run scripts/test once, which installs it, or set WASMTIME",
        )
}

/// The folder outside the tree where the scripts keep tools and build products.
pub fn cache() -> Option<PathBuf> {
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    named("DEWCLAW_CACHE")
        .or_else(|| Some(named("XDG_CACHE_HOME")?.join("dewclaw")))
        .or_else(|| Some(named("HOME")?.join(".cache/dewclaw")))
}

/// The file that the environment variable `name` names. Panics, saying what it should name, when it does not.
pub fn from_environment(name: &str, meaning: &str) -> PathBuf {
    let mut files = list_from_environment(name, meaning);
    assert_eq!(
        files.len(),
        1,
        "{name} should name {meaning}, and one file only"
    );
    files.remove(0)
}

/// The files that the environment variable `name` names, separated as on `PATH`. Panics like [`from_environment`].
pub fn list_from_environment(name: &str, meaning: &str) -> Vec<PathBuf> {
    let Some(value) = std::env::var_os(name) else {
        panic!("{name} is not set: it names {meaning}; scripts/test sets it");
    };
    let files: Vec<_> = std::env::split_paths(&value).collect();
    for file in &files {
        assert!(
            file.is_file(),
            "{name} names {}, which is not a file; it should name {meaning}",
            file.display()
        );
    }
    files
}
