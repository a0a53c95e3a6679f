//! The backends of WASI, of version 0.2 or preview 1, held to the contract inside wasm; and what only they promise.

use dewclaw_platform::wasi::{WasiClock, WasiEnvironment, WasiFileSystem, preopens};
use dewclaw_platform::{Clock, Environment, FileSystem, FsError};
use std::io::Write;

/// Says something past the test harness, which keeps what a passing test prints to itself.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "dewclaw: contract: {text}");
}

/// Makes a link in the granted folder, by the host's own call. Answers whether the host did.
pub(crate) fn make_link(target: &str, path: &str) -> bool {
    #[cfg(target_env = "p2")]
    return wasi::filesystem::preopens::get_directories()[0]
        .0
        .symlink_at(target, path)
        .is_ok();
    #[cfg(target_env = "p1")]
    {
        /// What is granted first has this number.
        const GRANTED: wasip1::Fd = 3;
        #[allow(unsafe_code, reason = "a call of the host")]
        // SAFETY: the host reads both texts, which live to the end of the call.
        unsafe {
            wasip1::path_symlink(target, GRANTED, path).is_ok()
        }
    }
}

/// An empty folder of the granted one, for one test.
pub(crate) fn scratch(test: &str) -> WasiFileSystem {
    let granted = preopens().into_iter().next();
    let granted = granted.expect("a folder is granted: run this by a runner of .cargo/config.toml");
    granted
        .files
        .folder(test, true)
        .expect("the granted folder takes writes")
}

mod environment {
    use dewclaw_platform::wasi::WasiEnvironment;

    environment_contract! { WasiEnvironment::new }
}

mod file_system {
    file_system_contract! { super::scratch }
}

#[cfg(any(target_env = "p2", feature = "wamr-sockets"))]
mod http {
    http_contract! { dewclaw_platform::wasi::WasiHttpClient::new }
}

#[test]
fn the_first_argument_is_not_the_programs_name() {
    let all: Vec<String> = std::env::args().collect();
    assert_eq!(WasiEnvironment::new().arguments(), all[1..]);
}

#[test]
fn the_hosts_variables_are_seen() {
    let environment = WasiEnvironment::new();
    for (name, value) in std::env::vars() {
        assert_eq!(environment.var(&name), Some(&value[..]), "{name}");
    }
}

#[test]
fn no_two_seeds_are_the_same() {
    let environment = WasiEnvironment::new();
    assert_ne!(environment.seed(), environment.seed());
}

#[test]
fn the_clocks_are_those_of_the_host() {
    let clock = WasiClock;
    let first = clock.now();
    // 2026-01-01: later than that is all that is known here.
    assert!(first.wall_ms > 1_767_225_600_000, "{first:?}");
    let second = clock.now();
    assert!(second.monotonic_ms >= first.monotonic_ms);
    let known = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let known = known.expect("it is after 1970").as_millis() as u64;
    assert!(
        known.abs_diff(second.wall_ms) < 60_000,
        "{second:?}, not {known}"
    );
}

#[test]
fn without_a_grant_every_call_says_so() {
    let mut files = WasiFileSystem::default();
    assert!(!files.is_granted());
    let no_root = Some(FsError::NoRoot);
    for path in ["", "a", "a/b"] {
        assert_eq!(files.read(path, 0, 1).err(), no_root);
        assert_eq!(files.replace(path, b"x").err(), no_root);
        assert_eq!(files.append(path, b"x").err(), no_root);
        assert_eq!(files.list(path, 1).err(), no_root);
        assert_eq!(files.stat(path).err(), no_root);
        assert_eq!(files.remove(path).err(), no_root);
        assert_eq!(files.remove_file(path).err(), no_root);
        assert_eq!(files.rename(path, "b").err(), no_root);
        assert_eq!(files.create_folders(path).err(), no_root, "{path:?}");
    }
    assert_eq!(files.folder("a", true).err(), no_root);
    assert_eq!(files.probe_write().err(), no_root);
}

#[test]
fn a_folder_of_the_root_is_a_root_of_its_own() {
    let mut files = scratch("a_folder_of_the_root");
    assert_eq!(files.folder("inner", false).err(), Some(FsError::NotFound));
    let mut inner = files.folder("inner", true).expect("it can be made");
    inner.replace("f", b"x").expect("it takes writes");
    assert_eq!(crate::file_system::content(&mut files, "inner/f"), b"x");
    let mut again = files.folder("inner", true).expect("it is there");
    assert_eq!(crate::file_system::content(&mut again, "f"), b"x");
    assert_eq!(inner.read("../inner/f", 0, 1).err(), Some(FsError::Denied));
    assert_eq!(inner.folder("f", false).err(), Some(FsError::NotFolder));
    assert_eq!(inner.folder("f", true).err(), Some(FsError::NotFolder));
}

#[test]
fn a_file_is_removed_by_what_removes_no_folder() {
    let mut files = scratch("a_file_is_removed");
    files.create_folders("folder").expect("it takes folders");
    files.replace("folder/f", b"x").expect("it takes writes");
    assert_eq!(files.remove_file("folder/f"), Ok(()));
    assert_eq!(files.remove_file("folder/f"), Err(FsError::NotFound));
    assert!(files.remove_file("folder").is_err());
    assert_eq!(files.remove_file("../f"), Err(FsError::Denied));
    assert_eq!(crate::file_system::names(&mut files, ""), ["folder"]);
}

#[test]
fn a_write_probe_leaves_nothing_behind() {
    let mut files = scratch("a_write_probe");
    files
        .probe_write()
        .expect("the scratch folder takes writes");
    assert_eq!(crate::file_system::names(&mut files, ""), [""; 0]);
}

#[test]
fn a_name_that_is_too_long_is_no_path() {
    let mut files = scratch("a_name_that_is_too_long");
    let long = "x".repeat(1_000);
    let inside = [&long, "/f"].concat();
    for path in [&long, &inside] {
        assert_eq!(files.read(path, 0, 1).err(), Some(FsError::InvalidPath));
        assert_eq!(files.replace(path, b"x"), Err(FsError::InvalidPath));
        assert_eq!(files.create_folders(path), Err(FsError::InvalidPath));
    }
    assert_eq!(crate::file_system::names(&mut files, ""), [""; 0]);
}
