//! A plugin's files under attack: every way out of a granted folder, every kind of file that is none, every limit.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};

use dewclaw_sandbox::files::{Files, FilesError, Irregular, OpenError};
use dewclaw_sandbox::limits::Limit;
use dewclaw_sandbox::policy::{Effective, Manifest, PluginManifest, Policy};
use proptest::prelude::*;

/// What no plugin may ever read.
const SECRET: &str = "the operator's own";

/// A granted folder, with a folder beside it that is not.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("data/sub")).unwrap();
        fs::create_dir(root.path().join("outside")).unwrap();
        fs::write(root.path().join("outside/secret"), SECRET).unwrap();
        fs::write(root.path().join("data/file"), "inside").unwrap();
        fs::write(root.path().join("data/sub/file"), "inside sub").unwrap();
        Place { root }
    }

    fn data(&self, path: &str) -> PathBuf {
        self.root.path().join("data").join(path)
    }

    fn outside(&self, path: &str) -> PathBuf {
        self.root.path().join("outside").join(path)
    }

    fn effective(&self, permissions: &str, resources: &str) -> Effective {
        let text = format!(
            "version = 1\n[plugins.p.permissions]\nfilesystem = [{permissions}]\n[plugins.p.resources]\n{resources}\n"
        );
        let policy = Policy::read("policy.toml", text.as_bytes(), self.root.path()).unwrap();
        Effective::decide(&policy, &PluginManifest::absent("p").unwrap())
    }

    fn files(&self, permissions: &str) -> Files {
        Files::open(&self.effective(permissions, "")).unwrap()
    }

    fn writable(&self) -> Files {
        self.files("\"read-write data\"")
    }

    fn limited(&self, resources: &str) -> Files {
        Files::open(&self.effective("\"read-write data\"", resources)).unwrap()
    }

    /// The error of reading, which tells nobody where the folder is on this machine.
    #[track_caller]
    fn refused(&self, files: &Files, path: &str) -> FilesError {
        self.checked(files.read_blocking(path).unwrap_err())
    }

    #[track_caller]
    fn refused_write(&self, files: &Files, path: &str) -> FilesError {
        self.checked(files.write_blocking(path, "written").unwrap_err())
    }

    #[track_caller]
    fn checked(&self, error: FilesError) -> FilesError {
        let root = self.root.path().to_str().unwrap();
        for text in [error.to_string(), error.for_plugin()] {
            assert!(!text.contains(root), "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        assert!(
            !error.for_plugin().contains("policy.toml"),
            "{}",
            error.for_plugin()
        );
        error
    }

    /// Nothing outside was touched.
    #[track_caller]
    fn outside_is_unharmed(&self) {
        assert_eq!(fs::read_to_string(self.outside("secret")).unwrap(), SECRET);
        let names: Vec<_> = fs::read_dir(self.outside("")).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    /// No half-written file is left.
    #[track_caller]
    fn nothing_is_left(&self) {
        for folder in [self.data(""), self.data("sub")] {
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name();
                assert!(!name.to_str().unwrap().starts_with(".dewclaw-"), "{name:?}");
            }
        }
    }
}

/// Ends the other thread's loop, also where an assertion fails.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

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
fn a_path_that_leads_up_or_is_none_is_denied_by_its_form() {
    let place = Place::new();
    let files = place.writable();
    for path in [
        "..",
        "../outside/secret",
        "data/../outside/secret",
        "data/nope/../../outside/secret",
        "nope/../../outside",
        "data/sub/../../outside/secret",
        "data/file\0",
        "data\\..\\..\\outside\\secret",
        "data/\u{1b}[2J",
        &"data/".repeat(300),
    ] {
        for error in [
            place.refused(&files, path),
            place.refused_write(&files, path),
        ] {
            assert!(
                matches!(error, FilesError::Denied { .. }),
                "{path:?}: {error:?}"
            );
            assert!(error.rule().is_some() && error.grant().is_none(), "{error}");
        }
    }
    place.outside_is_unharmed();
}

#[test]
fn an_absolute_path_is_one_of_the_plugins_own_and_denied_with_the_line_that_would_grant_it() {
    let place = Place::new();
    let files = place.writable();
    let error = place.refused(&files, "/etc/passwd");
    assert_eq!(
        error.to_string(),
        "file denied: /etc/passwd: no line of policy.toml grants it; this would grant it: in policy.toml, instead of line 3: \
         filesystem = [\"read-write data\", \"read-only etc\"]"
    );
    assert_eq!(
        error.for_plugin(),
        "file denied: /etc/passwd: no such access is granted to this plugin"
    );
    let secret = place.outside("secret");
    let error = files.read_blocking(secret.to_str().unwrap()).unwrap_err();
    assert!(matches!(error, FilesError::Denied { .. }), "{error:?}");
}

#[test]
fn symlinks_that_leave_are_refused_and_others_followed() {
    let place = Place::new();
    symlink("../outside/secret", place.data("relative")).unwrap();
    symlink("../../outside/secret", place.data("sub/relative")).unwrap();
    symlink(place.outside("secret"), place.data("absolute")).unwrap();
    // Even where it leads back in.
    symlink(place.data("file"), place.data("absolute-in")).unwrap();
    symlink(place.outside(""), place.data("folder")).unwrap();
    symlink("../outside", place.data("relative-folder")).unwrap();
    symlink("sub/../../outside/secret", place.data("winding")).unwrap();
    symlink("relative", place.data("twice")).unwrap();
    symlink("sub/file", place.data("within")).unwrap();
    symlink("sub", place.data("within-folder")).unwrap();
    let files = place.writable();
    for path in [
        "relative",
        "sub/relative",
        "within-folder/relative",
        "absolute",
        "absolute-in",
        "folder/secret",
        "relative-folder/secret",
        "winding",
        "twice",
    ] {
        let error = place.refused(&files, &format!("data/{path}"));
        assert!(
            matches!(error, FilesError::Leaves { .. }),
            "{path}: {error:?}"
        );
        assert_eq!(
            error.rule(),
            Some("symlinks that leave a granted folder are refused")
        );
    }
    for path in [
        "folder/new",
        "relative-folder/secret",
        "relative-folder/new",
    ] {
        let error = place.refused_write(&files, &format!("data/{path}"));
        assert!(
            matches!(error, FilesError::Leaves { .. }),
            "{path}: {error:?}"
        );
    }
    assert_eq!(files.read_blocking("data/within").unwrap(), "inside sub");
    assert_eq!(
        files.read_blocking("data/within-folder/file").unwrap(),
        "inside sub"
    );
    symlink("loop", place.data("loop")).unwrap();
    let error = place.refused(&files, "data/loop");
    assert!(matches!(error, FilesError::System { .. }), "{error:?}");
    place.outside_is_unharmed();
}

#[test]
fn a_symlink_is_replaced_and_never_written_through() {
    let place = Place::new();
    symlink(place.outside("secret"), place.data("link")).unwrap();
    symlink("file", place.data("within")).unwrap();
    let files = place.writable();
    files.write_blocking("data/link", "mine").unwrap();
    files.write_blocking("data/within", "mine").unwrap();
    for name in ["link", "within"] {
        assert!(fs::symlink_metadata(place.data(name)).unwrap().is_file());
        assert_eq!(
            files.read_blocking(&format!("data/{name}")).unwrap(),
            "mine"
        );
    }
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    place.outside_is_unharmed();
}

#[test]
fn a_file_with_a_second_name_is_neither_read_nor_written() {
    let place = Place::new();
    fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
    let files = place.writable();
    for error in [
        place.refused(&files, "data/hard"),
        place.refused_write(&files, "data/hard"),
    ] {
        assert!(
            matches!(error, FilesError::HardLink { names: 2, .. }),
            "{error:?}"
        );
        assert_eq!(
            error.rule(),
            Some("files with more than one name are refused")
        );
    }
    place.outside_is_unharmed();
    place.nothing_is_left();
}

#[test]
fn a_symlink_swapped_between_check_and_use_never_tells_or_touches_what_is_outside() {
    let place = Place::new();
    let files = place.writable();
    fs::write(place.data("plain"), "inside").unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // The file, then a link out, under one name; the same with a folder.
                symlink("../outside/secret", place.data("link")).unwrap();
                fs::rename(place.data("link"), place.data("swapped")).unwrap();
                fs::write(place.data("copy"), "inside").unwrap();
                fs::rename(place.data("copy"), place.data("swapped")).unwrap();
                symlink("../outside", place.data("folder")).unwrap();
                fs::remove_file(place.data("folder")).unwrap();
                fs::create_dir(place.data("folder")).unwrap();
                fs::write(place.data("folder/secret"), "inside").unwrap();
                fs::remove_dir_all(place.data("folder")).unwrap_or_default();
                let _ = fs::remove_dir_all(place.data("folder"));
            }
        });
        let (mut read, mut refused) = (0, 0);
        for round in 0..20_000 {
            for path in ["data/swapped", "data/folder/secret"] {
                match files.read_blocking(path) {
                    Ok(text) => {
                        // Empty as long as the other thread has not written it.
                        assert!(["", "inside"].contains(&&*text), "{text}");
                        read += 1;
                    }
                    Err(FilesError::Leaves { .. }) => refused += 1,
                    Err(FilesError::System { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            // Enough was seen of both.
            if read > 200 && refused > 200 && round > 500 {
                break;
            }
        }
        drop(stops);
        assert!(read > 0 && refused > 0, "{read} {refused}");
    });
    place.outside_is_unharmed();
}

#[test]
fn a_folder_swapped_for_a_link_while_files_are_written_never_gets_them_outside() {
    let place = Place::new();
    let files = place.limited("max_written_mb = 1000");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink("../outside", place.data("folder")).unwrap();
                std::thread::yield_now();
                fs::remove_file(place.data("folder")).unwrap();
                fs::create_dir(place.data("folder")).unwrap();
                std::thread::yield_now();
                while fs::remove_dir_all(place.data("folder")).is_err() {}
            }
        });
        let (mut written, mut refused) = (0, 0);
        for _ in 0..20_000 {
            match files.write_blocking("data/folder/secret", "mine") {
                Ok(()) => written += 1,
                Err(FilesError::Leaves { .. }) => refused += 1,
                Err(FilesError::System { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
            if written > 50 && refused > 50 {
                break;
            }
        }
        drop(stops);
        assert!(written + refused > 0);
    });
    place.outside_is_unharmed();
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
    let place = Place::new();
    fifo(&place.data("fifo"));
    symlink("fifo", place.data("to-fifo")).unwrap();
    let _socket = UnixListener::bind(place.data("socket")).unwrap();
    let files = place.writable();
    for (path, kind) in [
        ("data/fifo", Irregular::Fifo),
        ("data/to-fifo", Irregular::Fifo),
        ("data/socket", Irregular::Socket),
        ("data/sub", Irregular::Folder),
        ("data", Irregular::Folder),
    ] {
        let error = place.refused(&files, path);
        assert!(
            matches!(error, FilesError::Irregular { kind: found, .. } if found == kind),
            "{path}: {error:?}"
        );
        assert_eq!(
            error.rule(),
            Some("only regular files are read and written")
        );
        if path != "data/to-fifo" {
            let error = place.refused_write(&files, path);
            assert!(
                matches!(error, FilesError::Irregular { kind: found, .. } if found == kind),
                "{path}: {error:?}"
            );
        }
    }
    let devices = place.files("\"read-write /dev as dev\"");
    for path in ["dev/null", "dev/zero"] {
        for error in [
            place.refused(&devices, path),
            place.refused_write(&devices, path),
        ] {
            assert!(
                matches!(
                    error,
                    FilesError::Irregular {
                        kind: Irregular::Device,
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
    place.nothing_is_left();
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_makes_up_is_refused_granted_or_linked() {
    let place = Place::new();
    for folder in ["/proc/self", "/proc", "/sys"] {
        let granted = place.effective(&format!("\"read-only {folder} as p\""), "");
        let error = Files::open(&granted).unwrap_err();
        assert!(matches!(error, OpenError::Kernel { .. }), "{error:?}");
    }
    symlink("/proc/self/environ", place.data("environ")).unwrap();
    symlink("/proc/self", place.data("self")).unwrap();
    let files = place.writable();
    for path in [
        "data/environ",
        "data/self/environ",
        "data/self/root/etc/passwd",
    ] {
        let error = place.refused(&files, path);
        assert!(matches!(error, FilesError::Leaves { .. }), "{error:?}");
    }
    let everything = place.files("\"read-only / as root\"");
    for path in [
        "root/proc/self/environ",
        "root/proc/self/root/proc/self/environ",
        "root/sys/power/state",
    ] {
        let error = everything.read_blocking(path).unwrap_err();
        assert!(
            matches!(
                error,
                FilesError::Irregular {
                    kind: Irregular::Kernel,
                    ..
                } | FilesError::System { .. }
                    | FilesError::Leaves { .. }
            ),
            "{path}: {error:?}"
        );
    }
    let error = everything
        .read_blocking("root/proc/sys/kernel/ostype")
        .unwrap_err();
    assert!(
        matches!(
            error,
            FilesError::Irregular {
                kind: Irregular::Kernel,
                ..
            }
        ),
        "{error:?}"
    );
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
            "{signal} ulimit -c 0; ulimit -f 8; exec \"$0\" --exact child_that_writes --nocapture"
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_of_any_shape_reads_or_changes_what_is_outside(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "data", "sub", "file", "..", ".", "", "out", "up", "abs", "nope", "secret", "outside", "\0", "~", "hard", "%2e%2e",
            ]),
            1..8,
        ),
        absolute: bool,
    ) {
        let place = Place::new();
        symlink("../outside", place.data("out")).unwrap();
        symlink("..", place.data("up")).unwrap();
        symlink(place.outside(""), place.data("abs")).unwrap();
        fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
        let path = format!("{}{}", if absolute { "/" } else { "" }, pieces.join("/"));
        let files = place.writable();
        if let Ok(text) = files.read_blocking(&path) {
            prop_assert!(text.starts_with("inside"), "{path}: {text}");
        }
        let _ = files.write_blocking(&path, "written");
        place.outside_is_unharmed();
        let entries: io::Result<Vec<_>> = fs::read_dir(place.root.path()).unwrap().collect();
        prop_assert_eq!(entries.unwrap().len(), 2);
    }
}
