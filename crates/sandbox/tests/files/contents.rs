//! What is read and written: whole, within the limits, and counted.

use std::fs;
use std::future::Future;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};

use dewclaw_sandbox::files::{Files, FilesError, OpenError};
use dewclaw_sandbox::limits::Limit;
use dewclaw_sandbox::policy::{Effective, Manifest, PluginManifest, Policy};

use crate::place::{Place, Stops};

#[test]
fn files_of_granted_folders_are_read_and_written() {
    let place = Place::new();
    let files = place.writable();
    assert_eq!(files.read_blocking("data/file").unwrap(), "inside");
    assert_eq!(
        files.read_blocking("/data/./sub//file").unwrap(),
        "inside sub"
    );
    files.write_blocking("data/sub/new", "ä\n").unwrap();
    files.write_blocking("data/file", "other").unwrap();
    assert_eq!(files.read_blocking("data/sub/new").unwrap(), "ä\n");
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "other");
    let read_only = place.files("\"read-only data as maps\"");
    assert_eq!(read_only.read_blocking("maps/file").unwrap(), "other");
    let error = place.refused_write(&read_only, "maps/file");
    assert_eq!(
        error.grant().unwrap(),
        "in policy.toml, instead of line 3: filesystem = [\"read-only data as maps\", \"read-write maps\"]"
    );
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "other");
    place.nothing_is_left();
}

#[test]
fn a_folder_of_the_manifest_is_opened_from_the_policys_own() {
    let place = Place::new();
    symlink(place.outside(""), place.data("linked")).unwrap();
    let open = |ask: &str| {
        let text = "version = 1\n[plugins.p.permissions]\nfilesystem = [\"read-write data\"]\n";
        let policy = Policy::read("policy.toml", text.as_bytes(), place.root.path()).unwrap();
        let text = format!("[plugins.p.permissions]\nfilesystem = [\"read-only {ask}\"]\n");
        let manifest = Manifest::read("manifest.toml", text.as_bytes()).unwrap();
        Files::open(&Effective::decide(
            &policy,
            manifest.plugins().first().unwrap(),
        ))
    };
    let files = open("data/sub").unwrap();
    assert_eq!(files.read_blocking("data/sub/file").unwrap(), "inside sub");
    let error = place.refused(&files, "data/file");
    assert!(matches!(error, FilesError::Denied { .. }), "{error:?}");
    // The manifest cannot lead the folder out.
    let error = open("data/linked").unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
    let error = open("data/none").unwrap_err();
    assert!(error.to_string().contains("policy.toml:3"), "{error}");
}

#[test]
fn a_file_over_the_limit_is_not_read_and_one_that_grows_not_beyond_it() {
    let place = Place::new();
    let files = place.writable();
    let big = fs::File::create(place.data("big")).unwrap();
    big.set_len(8_000_000).unwrap();
    assert_eq!(files.read_blocking("data/big").unwrap().len(), 8_000_000);
    big.set_len(8_000_001).unwrap();
    let error = place.refused(&files, "data/big");
    assert_eq!(error.limit(), Some(Limit::ReadFile));
    assert_eq!(
        error.to_string(),
        "limit reached: data/big: max_read_file_kb is 8,000 KB"
    );
    // A terabyte that is not there takes no memory.
    big.set_len(1 << 40).unwrap();
    assert_eq!(
        place.refused(&files, "data/big").limit(),
        Some(Limit::ReadFile)
    );

    let mut growing = fs::File::create(place.data("growing")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            let mut length = 0;
            while !stop.load(Ordering::Relaxed) && length < 64_000_000 {
                growing.write_all(&[b'x'; 100_000]).unwrap();
                length += 100_000;
            }
        });
        let error = loop {
            match files.read_blocking("data/growing") {
                Ok(text) => assert!(text.len() <= 8_000_000),
                Err(error) => break error,
            }
        };
        drop(stops);
        assert_eq!(error.limit(), Some(Limit::ReadFile));
    });
}

#[test]
fn content_over_the_limit_and_bytes_over_the_quota_are_not_written() {
    let place = Place::new();
    let files = place.limited("max_written_mb = 6");
    let error = files
        .write_blocking("data/file", &"x".repeat(4_000_001))
        .unwrap_err();
    assert_eq!(error.limit(), Some(Limit::WriteFile));
    assert_eq!(
        error.to_string(),
        "limit reached: data/file: max_write_file_kb is 4,000 KB"
    );
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    files
        .write_blocking("data/file", &"x".repeat(4_000_000))
        .unwrap();
    let error = files
        .write_blocking("data/file", &"y".repeat(2_000_001))
        .unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Written));
    assert_eq!(
        error.to_string(),
        "limit reached: data/file: max_written_mb is 6 MB since the plugin was loaded"
    );
    assert_eq!(fs::metadata(place.data("file")).unwrap().len(), 4_000_000);
    // Empty files are not free, and a clone is the same plugin.
    let clone = files.clone();
    let made = (0..).take_while(|at| clone.write_blocking(&format!("data/sub/{at}"), "").is_ok());
    assert_eq!(made.count(), 2_000_000 / 4096);
    place.nothing_is_left();
}

#[test]
fn text_that_is_none_is_not_given() {
    let place = Place::new();
    fs::write(place.data("binary"), [0xff, 0xfe]).unwrap();
    let error = place.refused(&place.writable(), "data/binary");
    assert!(matches!(error, FilesError::NotText { .. }), "{error:?}");
}

#[test]
fn the_permissions_of_what_was_there_are_kept_but_not_those_that_run_it_as_another() {
    let place = Place::new();
    fs::set_permissions(place.data("file"), fs::Permissions::from_mode(0o4640)).unwrap();
    place.writable().write_blocking("data/file", "new").unwrap();
    let mode = fs::metadata(place.data("file"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn readers_see_the_old_content_or_the_new_whole() {
    let place = Place::new();
    let files = place.limited("max_written_mb = 1000\nmax_open_files = 100");
    let contents = ["a".repeat(200_000), "b".repeat(100_000)];
    files.write_blocking("data/file", &contents[0]).unwrap();
    std::thread::scope(|scope| {
        for content in &contents {
            scope.spawn(|| {
                for _ in 0..20 {
                    files.write_blocking("data/file", content).unwrap();
                }
            });
        }
        for _ in 0..100 {
            let read = files.read_blocking("data/file").unwrap();
            assert!(contents.contains(&read));
        }
    });
    place.nothing_is_left();
}

/// A runtime with one thread for blocking work, which is busy until it is told.
fn busy_runtime() -> (tokio::runtime::Runtime, mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, released) = mpsc::channel();
    runtime.spawn_blocking(move || released.recv().unwrap());
    (runtime, release)
}

/// Begins a future, which cannot end yet.
fn begin(future: &mut std::pin::Pin<Box<impl Future>>) {
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
}

#[test]
fn files_open_at_once_are_counted_over_all_calls() {
    let place = Place::new();
    let files = place.limited("max_open_files = 1");
    let (runtime, release) = busy_runtime();
    let _entered = runtime.enter();
    let mut first = Box::pin(files.read("data/file"));
    begin(&mut first);
    let second = runtime
        .block_on(files.clone().read("data/file"))
        .unwrap_err();
    assert_eq!(second.limit(), Some(Limit::OpenFiles));
    assert_eq!(
        second.to_string(),
        "limit reached: data/file: max_open_files is 1, over all running calls of the plugin"
    );
    assert_eq!(
        place.refused_write(&files, "data/file").limit(),
        Some(Limit::OpenFiles)
    );
    release.send(()).unwrap();
    assert_eq!(runtime.block_on(first).unwrap(), "inside");
    assert_eq!(runtime.block_on(files.read("data/file")).unwrap(), "inside");
}

#[test]
fn a_write_whose_call_ended_does_not_take_its_place() {
    let place = Place::new();
    let files = place.writable();
    let (runtime, release) = busy_runtime();
    let entered = runtime.enter();
    let mut write = Box::pin(files.write("data/file", "too late"));
    begin(&mut write);
    drop(write);
    release.send(()).unwrap();
    // Behind it in the queue of the one thread.
    runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
    drop(entered);
    drop(runtime);
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    place.nothing_is_left();
}

const CHILD: &str = "DEWCLAW_FILES_CHILD";

/// Not a test of its own: what the two tests below run under a limit of the system's.
#[test]
fn child_that_writes() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let policy = Policy::preset("read-write data", Path::new(&folder)).unwrap();
    let effective = Effective::decide(&policy, &PluginManifest::absent("p").unwrap());
    let files = Files::open(&effective).unwrap();
    let error = files
        .write_blocking("data/file", &"x".repeat(1_000_000))
        .unwrap_err();
    println!("it says: {error}");
}

/// Runs the child where no file may be longer than some kilobytes.
fn child(place: &Place, signal: &str) -> std::process::Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{signal} ulimit -c 0; ulimit -f 8; exec \"$0\" --exact contents::child_that_writes --nocapture"
        ))
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, place.root.path())
        .output()
        .unwrap()
}

#[test]
fn where_the_system_takes_no_more_bytes_the_old_file_stays_and_nothing_is_left() {
    let place = Place::new();
    let output = child(&place, "trap '' XFSZ;");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("it says: data/file: file too large"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    place.nothing_is_left();
}

#[test]
fn a_process_killed_while_it_writes_leaves_the_old_file() {
    let place = Place::new();
    let output = child(&place, "");
    assert!(output.status.code().is_none(), "{output:?}");
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
}
