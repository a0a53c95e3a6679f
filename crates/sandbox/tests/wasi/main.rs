//! A plugin's own WASI under attack: no way around the limits of files, time and memory leads through it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use dewclaw_sandbox::engine::{
    CallError, Caps, Engine, EngineOptions, HostFault, Limit, LoadError, Plugin, PluginOptions,
    Reuse, TrustedInputOnly,
};
use dewclaw_sandbox::files::{FileObserver, Files, ObservedPath, PathCall, PluginFiles};
use dewclaw_sandbox::policy::{Effective, PluginManifest, Policy};
use proptest::prelude::*;

const GUEST: &str = include_str!("guest.wat");
/// What no plugin may ever read.
const SECRET: &str = "the operator's own";

/// Error codes of `wasi:filesystem/types`, as the guest answers them.
mod code {
    pub(crate) const QUOTA: &str = "-7";
    pub(crate) const EXIST: &str = "-8";
    pub(crate) const ILLEGAL: &str = "-10";
    pub(crate) const LOOP: &str = "-16";
    pub(crate) const NAME_TOO_LONG: &str = "-19";
    pub(crate) const NO_ENTRY: &str = "-21";
    pub(crate) const NOT_DIRECTORY: &str = "-25";
    pub(crate) const NOT_PERMITTED: &str = "-32";
    /// The same without sign, behind a count.
    pub(crate) const QUOTA_COUNTED: u32 = 6;
    pub(crate) const TOO_MANY_COUNTED: u32 = 22;
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineOptions::default()).unwrap())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Ends the other thread's loop, also where an assertion fails.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn fifo(path: PathBuf) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What an observer heard: `function path → outcome`.
#[derive(Clone, Default)]
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    /// Fails instead of hearing this function.
    fails: Option<&'static str>,
}

struct HeardCall {
    line: String,
    lines: Arc<Mutex<Vec<String>>>,
    fails_at_end: bool,
}

impl FileObserver for Heard {
    fn begin(&self, call: PathCall<'_>) -> Result<Box<dyn ObservedPath>, HostFault> {
        if self.fails == Some(call.function) {
            return Err(HostFault {
                message: "the disk of the audit is full".to_owned(),
            });
        }
        let other = call
            .other
            .map(|other| format!(" {other}"))
            .unwrap_or_default();
        Ok(Box::new(HeardCall {
            line: format!("{} {}{other}", call.function, call.path),
            lines: Arc::clone(&self.lines),
            fails_at_end: self.fails == Some("the end"),
        }))
    }
}

impl HeardCall {
    fn end(&self, outcome: &str) -> Result<(), HostFault> {
        self.lines
            .lock()
            .unwrap()
            .push(format!("{} → {outcome}", self.line));
        match self.fails_at_end {
            true => Err(HostFault {
                message: "the disk of the audit is full".to_owned(),
            }),
            false => Ok(()),
        }
    }
}

impl ObservedPath for HeardCall {
    fn permit(&mut self, rule: &str) {
        self.line = format!("{} by {}", self.line, rule.split(' ').next().unwrap());
    }

    fn succeeded(self: Box<Self>) -> Result<(), HostFault> {
        self.end("done")
    }

    fn failed(self: Box<Self>, error: &str) -> Result<(), HostFault> {
        self.end(error)
    }

    fn denied(self: Box<Self>, rule: &str, _: &str) -> Result<(), HostFault> {
        self.end(&format!("denied: {rule}"))
    }
}

struct Place {
    root: tempfile::TempDir,
    heard: Heard,
    files: Files,
    plugin: Plugin,
}

#[derive(Clone)]
struct Setting {
    permissions: &'static str,
    resources: &'static str,
    caps: Caps,
    reuse: Reuse,
    fails: Option<&'static str>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            permissions: "\"read-write data\"",
            resources: "",
            caps: Caps::default(),
            reuse: Reuse::Fresh,
            fails: None,
        }
    }
}

const GRANTED: [&str; 11] = [
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
];

fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| wat::parse_str(GUEST).unwrap())
}

impl Place {
    fn new() -> Place {
        Place::with(Setting::default())
    }

    fn with(setting: Setting) -> Place {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("data/sub")).unwrap();
        fs::create_dir(root.path().join("outside")).unwrap();
        fs::write(root.path().join("outside/secret"), SECRET).unwrap();
        fs::write(root.path().join("data/file"), "inside").unwrap();
        let text = format!(
            "version = 1\n[plugins.p.permissions]\nfilesystem = [{}]\n[plugins.p.resources]\n{}\n",
            setting.permissions, setting.resources
        );
        let policy = Policy::read("policy.toml", text.as_bytes(), root.path()).unwrap();
        let effective = Effective::decide(&policy, &PluginManifest::absent("p").unwrap());
        let files = Files::open(&effective).unwrap();
        let heard = Heard {
            fails: setting.fails,
            ..Heard::default()
        };
        let options = PluginOptions {
            caps: setting.caps,
            reuse: setting.reuse,
            wasi: GRANTED.map(str::to_owned).to_vec(),
            files: Some(PluginFiles {
                files: files.clone(),
                observer: Arc::new(heard.clone()),
            }),
            ..PluginOptions::default()
        };
        let plugin = Plugin::load(engine(), bytes(), &TrustedInputOnly, options).unwrap();
        Place {
            root,
            heard,
            files,
            plugin,
        }
    }

    fn data(&self, path: &str) -> PathBuf {
        self.root.path().join("data").join(path)
    }

    fn outside(&self, path: &str) -> PathBuf {
        self.root.path().join("outside").join(path)
    }

    fn try_call(&self, op: &str, path: &str) -> Result<String, CallError> {
        run(self.plugin.call(op, path))
    }

    #[track_caller]
    fn call(&self, op: &str, path: &str) -> String {
        match self.try_call(op, path) {
            Ok(answer) => answer,
            Err(error) => panic!("{op} {path}: {error:?}"),
        }
    }

    /// `count * 1000 + code`.
    #[track_caller]
    fn counted(&self, op: &str, path: &str) -> (u32, u32) {
        let answer: u32 = self.call(op, path).parse().unwrap();
        (answer / 1000, answer % 1000)
    }

    /// What the observer heard since the last time.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lines.lock().unwrap())
    }

    #[track_caller]
    fn outside_is_unharmed(&self) {
        assert_eq!(fs::read_to_string(self.outside("secret")).unwrap(), SECRET);
        let modified = fs::metadata(self.outside("secret"))
            .unwrap()
            .modified()
            .unwrap();
        assert!(
            modified.elapsed().unwrap() < Duration::from_secs(600),
            "its times are another's"
        );
        assert_eq!(fs::read_dir(self.outside("")).unwrap().count(), 1);
    }
}

#[test]
fn a_plugins_own_files_work_and_each_path_is_heard_of() {
    let place = Place::new();
    assert_eq!(place.call("R", "file"), "inside");
    assert_eq!(place.call("C", "new"), "0");
    assert_eq!(place.call("C", "new"), code::EXIST);
    assert_eq!(place.call("c", "new"), "0");
    assert_eq!(place.call("t", "file"), "0");
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "");
    assert_eq!(place.call("m", "folder"), "0");
    assert_eq!(place.call("d", "folder"), "0");
    assert_eq!(place.call("d", "new"), code::NOT_DIRECTORY);
    assert_eq!(place.call("L", "."), "4");
    assert_eq!(place.call("r", "new"), "0");
    assert_eq!(place.call("u", "made"), "0");
    assert_eq!(place.call("x", "folder"), "0");
    assert_eq!(place.call("s", "sub/../file"), code::NOT_PERMITTED);
    assert_eq!(place.call("s", "sub/none"), "0");
    assert_eq!(place.call("k", "made"), "sub/none");
    assert_eq!(place.call("a", "file"), "0");
    assert_eq!(place.call("H", "file"), "0");
    assert_eq!(place.call("T", "file"), "0");
    let modified = fs::metadata(place.data("file"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(modified, std::time::UNIX_EPOCH + Duration::from_secs(1000));
    assert_eq!(place.call("o", "none"), code::NO_ENTRY);
    assert_eq!(place.call("o", ""), code::NO_ENTRY);
    let expected = [
        "open-at data/file by policy.toml:3 → done",
        "open-at data/new by policy.toml:3 → done",
        "open-at data/new by policy.toml:3 → exist",
        "open-at data/new by policy.toml:3 → done",
        "open-at data/file by policy.toml:3 → done",
        "create-directory-at data/folder by policy.toml:3 → done",
        "open-at data/folder by policy.toml:3 → done",
        "open-at data/new by policy.toml:3 → not-directory",
        "open-at data/. by policy.toml:3 → done",
        "read-directory data/. by policy.toml:3 → done",
        "rename-at data/new data/made by policy.toml:3 → done",
        "unlink-file-at data/made by policy.toml:3 → done",
        "remove-directory-at data/folder by policy.toml:3 → done",
        "symlink-at data/made sub/../file by policy.toml:3 → denied: symlinks that leave a granted folder are refused",
        "symlink-at data/made sub/none by policy.toml:3 → done",
        "readlink-at data/made by policy.toml:3 → done",
        "stat-at data/file by policy.toml:3 → done",
        "metadata-hash-at data/file by policy.toml:3 → done",
        "set-times-at data/file by policy.toml:3 → done",
        "open-at data/none by policy.toml:3 → no-entry",
        "open-at data by policy.toml:3 → no-entry",
    ];
    assert_eq!(place.heard(), expected);
}

#[test]
fn nothing_is_changed_in_a_folder_granted_for_reading() {
    let place = Place::with(Setting {
        permissions: "\"read-only data\"",
        ..Setting::default()
    });
    symlink("file", place.data("made")).unwrap();
    assert_eq!(place.call("R", "file"), "inside");
    place.heard();
    for op in [
        "c", "C", "t", "m", "u", "x", "r", "V", "h", "s", "T", "w", "W", "A",
    ] {
        assert_eq!(place.call(op, "file"), code::NOT_PERMITTED, "{op}");
        let heard = place.heard();
        assert!(
            heard.len() == 1
                && heard[0].contains("denied: policy.toml:3 filesystem \"read-only data\""),
            "{heard:?}"
        );
    }
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
    assert_eq!(fs::read_dir(place.data("")).unwrap().count(), 3);
}

#[test]
fn no_path_leads_out_by_any_function() {
    let place = Place::new();
    symlink("../outside/secret", place.data("relative")).unwrap();
    symlink(place.outside("secret"), place.data("absolute")).unwrap();
    symlink(place.outside(""), place.data("folder")).unwrap();
    symlink("../outside", place.data("relative-folder")).unwrap();
    symlink("/proc/self", place.data("self")).unwrap();
    fs::write(place.data("made"), "made").unwrap();
    let absolute = place.outside("secret");
    let leading_out = [
        "../outside/secret",
        "nope/../../outside/secret",
        "sub/../../outside/secret",
        absolute.to_str().unwrap(),
        "/etc/passwd",
        "folder/secret",
        "relative-folder/secret",
    ];
    for path in leading_out
        .into_iter()
        .chain(["relative", "absolute", "self/environ"])
    {
        for op in ["o", "R", "c", "t", "a", "H", "T"] {
            let answer = place.call(op, path);
            assert!(
                [code::NOT_PERMITTED, code::NO_ENTRY].contains(&&*answer),
                "{op} {path}: {answer}"
            );
        }
    }
    for path in leading_out {
        for op in ["C", "d", "m", "u", "x", "r", "V", "h", "k"] {
            let answer = place.call(op, path);
            assert!(
                [code::NOT_PERMITTED, code::NO_ENTRY].contains(&&*answer),
                "{op} {path}: {answer}"
            );
        }
    }
    // Not following, a symlink is not opened; and where an absolute one leads is not told.
    assert_eq!(place.call("n", "relative"), code::LOOP);
    assert_eq!(place.call("k", "absolute"), code::NOT_PERMITTED);
    for target in [
        absolute.to_str().unwrap(),
        "../outside/secret",
        "sub/../../outside",
        "/",
    ] {
        assert_eq!(place.call("s", target), code::NOT_PERMITTED);
    }
    let heard = place.heard();
    assert!(heard.len() > 100 && heard.iter().all(|line| !line.contains(SECRET)));
    assert!(
        heard
            .iter()
            .any(|line| line.ends_with("denied: symlinks that leave a granted folder are refused"))
    );
    place.outside_is_unharmed();
    assert_eq!(fs::read_to_string(place.data("made")).unwrap(), "made");
}

/// Attack: symlink swapped between check and use, by wasi:filesystem
/// Answer: what is inside, or `not-permitted`, whichever was there
/// Bound: it is the opened file that is judged
#[test]
fn a_symlink_swapped_while_it_is_opened_never_tells_or_touches_what_is_outside() {
    let place = Place::with(Setting {
        resources: "max_written_mb = 1000",
        ..Setting::default()
    });
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stops = Stops(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink("../outside/secret", place.data("link")).unwrap();
                fs::rename(place.data("link"), place.data("swapped")).unwrap();
                fs::write(place.data("copy"), "inside").unwrap();
                fs::rename(place.data("copy"), place.data("swapped")).unwrap();
                symlink("../outside", place.data("folder")).unwrap();
                fs::remove_file(place.data("folder")).unwrap();
                fs::create_dir(place.data("folder")).unwrap();
                while fs::remove_dir_all(place.data("folder")).is_err() {}
            }
        });
        let (mut read, mut refused) = (0, 0);
        for _ in 0..5_000 {
            match &*place.call("R", "swapped") {
                "inside" => read += 1,
                code::NOT_PERMITTED => refused += 1,
                other => assert!(["", code::NO_ENTRY].contains(&other), "{other}"),
            }
            for op in ["t", "T"] {
                place.call(op, "swapped");
            }
            for op in ["c", "m", "u", "x", "T"] {
                place.call(op, "folder/secret");
            }
            if read > 100 && refused > 100 {
                break;
            }
        }
        drop(stops);
        assert!(read > 0 && refused > 0, "{read} {refused}");
    });
    place.outside_is_unharmed();
}

#[test]
fn no_path_of_any_shape_in_any_order_of_calls_tells_or_touches_what_is_outside() {
    let place = Place::with(Setting {
        resources: "max_written_mb = 1000",
        ..Setting::default()
    });
    let names = [
        "..", ".", "", "sub", "file", "made", "out", "up", "abs", "hard", "secret", "outside",
        "nope", "data",
    ];
    let path = prop::collection::vec(prop::sample::select(names.to_vec()), 1..6);
    let op = prop::sample::select("oncCtRLdmuxrVhskaHT".chars().collect::<Vec<_>>());
    let config = ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(op in op, path in path, absolute: bool)| {
        // Whatever of it earlier calls moved or removed.
        let _ = symlink("../outside", place.data("out"));
        let _ = symlink("..", place.data("up"));
        let _ = symlink(place.outside(""), place.data("abs"));
        let _ = fs::hard_link(place.outside("secret"), place.data("hard"));
        let path = format!("{}{}", if absolute { "/" } else { "" }, path.join("/"));
        let answer = place.call(&op.to_string(), &path);
        prop_assert!(!answer.contains(SECRET), "{op} {path}: {answer}");
        place.outside_is_unharmed();
        prop_assert_eq!(fs::read_dir(place.root.path()).unwrap().count(), 2);
    });
}

#[test]
fn names_that_are_no_names_are_refused_before_anything_is_done() {
    let place = Place::new();
    for path in ["a\u{1b}[2J", "a\\b", "a\n", "a\0b"] {
        for op in ["o", "c", "m", "s", "r", "a"] {
            assert_eq!(place.call(op, path), code::ILLEGAL, "{op} {path:?}");
        }
    }
    assert_eq!(place.call("c", &"a/".repeat(3000)), code::NAME_TOO_LONG);
    assert_eq!(fs::read_dir(place.data("")).unwrap().count(), 2);
}

#[test]
fn a_second_name_of_a_file_is_neither_opened_nor_cut_nor_made() {
    let place = Place::new();
    fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
    for op in ["o", "R", "c", "t", "T", "w", "W"] {
        assert_eq!(place.call(op, "hard"), code::NOT_PERMITTED, "{op}");
    }
    assert!(
        place
            .heard()
            .iter()
            .all(|line| line.ends_with("denied: files with more than one name are refused"))
    );
    assert_eq!(place.call("h", "file"), code::NOT_PERMITTED);
    assert!(!place.data("made").exists());
    place.outside_is_unharmed();
}

#[test]
fn what_is_no_regular_file_is_refused_and_holds_no_thread() {
    let place = Place::with(Setting {
        caps: Caps {
            deadline: Duration::from_secs(5),
            ..Caps::default()
        },
        ..Setting::default()
    });
    fifo(place.data("fifo"));
    let _socket = UnixListener::bind(place.data("socket")).unwrap();
    // More than tokio has threads for blocking work: none is held.
    for _ in 0..300 {
        for path in ["fifo", "socket"] {
            assert_eq!(place.call("o", path), code::NOT_PERMITTED);
            assert_eq!(place.call("c", path), code::NOT_PERMITTED);
        }
    }
    assert!(
        place
            .heard()
            .iter()
            .all(|line| line.ends_with("denied: only regular files are read and written"))
    );
    let devices = Place::with(Setting {
        permissions: "\"read-write /dev as dev\"",
        ..Setting::default()
    });
    for path in ["zero", "null", "full"] {
        assert_eq!(devices.call("R", path), code::NOT_PERMITTED);
        assert_eq!(devices.call("w", path), code::NOT_PERMITTED);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_makes_up_is_refused() {
    let place = Place::with(Setting {
        permissions: "\"read-only / as root\"",
        ..Setting::default()
    });
    for path in [
        "proc/self/environ",
        "proc/self/mem",
        "proc/sys/kernel/ostype",
        "proc",
        "sys",
    ] {
        for op in ["o", "d"] {
            let answer = place.call(op, path);
            assert!(
                [code::NOT_PERMITTED].contains(&&*answer),
                "{op} {path}: {answer}"
            );
        }
    }
}

#[test]
fn written_bytes_count_by_every_way_of_writing_and_together_with_write_file() {
    // A megabyte is 244 blocks of 4,096 bytes: the file's name is one.
    for op in ["w", "A", "W"] {
        let place = Place::with(Setting {
            resources: "max_written_mb = 1",
            ..Setting::default()
        });
        assert_eq!(place.counted(op, "new"), (243, code::QUOTA_COUNTED), "{op}");
        assert_eq!(fs::metadata(place.data("new")).unwrap().len(), 243 * 4096);
        let heard = place.heard();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(
            heard[1].ends_with("data/new → denied: limit: max_written_mb"),
            "{heard:?}"
        );
        let error = place
            .files
            .write_blocking("data/file", "x".repeat(4096).as_str())
            .unwrap_err();
        assert_eq!(error.limit(), Some(dewclaw_sandbox::limits::Limit::Written));
        // And nothing new is made any more.
        assert_eq!(place.call("c", "other"), code::QUOTA);
        assert_eq!(place.call("m", "other"), code::QUOTA);
        assert_eq!(place.call("s", "other"), code::QUOTA);
    }
    let place = Place::with(Setting {
        resources: "max_written_mb = 1",
        ..Setting::default()
    });
    place
        .files
        .write_blocking("data/file", &"x".repeat(991_808))
        .unwrap();
    assert_eq!(place.counted("W", "file"), (2, code::QUOTA_COUNTED));
    assert_eq!(fs::metadata(place.data("file")).unwrap().len(), 991_808);
}

#[test]
fn a_stream_takes_no_more_at_once_than_it_said() {
    let place = Place::new();
    let error = place.try_call("K", "file").unwrap_err();
    assert_eq!(
        error.limit(),
        Some(Limit::Wasi {
            what: "bytes of one write to a stream",
            most: 65_536
        }),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(place.data("file")).unwrap(), "inside");
}

#[test]
fn holes_count_as_written() {
    let place = Place::new();
    assert_eq!(place.call("S", "file"), code::QUOTA);
    assert_eq!(place.call("g", "file"), code::QUOTA);
    assert_eq!(place.counted("G", "file"), (0, code::QUOTA_COUNTED));
    assert_eq!(fs::metadata(place.data("file")).unwrap().len(), 6);
}

#[test]
fn spliced_bytes_count() {
    let place = Place::with(Setting {
        resources: "max_written_mb = 1",
        ..Setting::default()
    });
    fs::write(place.data("file"), "x".repeat(10_000)).unwrap();
    assert_eq!(
        place.counted("j", "file"),
        ((1_000_000 - 4096) / 10_000, code::QUOTA_COUNTED)
    );
}

#[test]
fn open_files_are_counted_over_all_stores_and_given_back() {
    for reuse in [Reuse::Fresh, Reuse::Warm { idle: 1 }] {
        let place = Place::with(Setting {
            reuse,
            ..Setting::default()
        });
        let fresh = reuse == Reuse::Fresh;
        // With the store they go.
        assert_eq!(place.counted("z", "file"), (10, code::TOO_MANY_COUNTED));
        let (count, error) = place.counted("z", "file");
        assert_eq!(
            (count, error),
            (if fresh { 10 } else { 0 }, code::TOO_MANY_COUNTED)
        );
        if fresh {
            assert_eq!(place.counted("Z", "file"), (10, code::TOO_MANY_COUNTED));
            assert_eq!(place.counted("Y", ""), (10, code::TOO_MANY_COUNTED));
            assert_eq!(place.counted("X", "file"), (20, code::TOO_MANY_COUNTED));
            assert_eq!(place.call("D", "file"), "5000");
            assert_eq!(place.files.read_blocking("data/file").unwrap(), "inside");
        } else {
            // A store that waits for its next call holds its files.
            let error = place.files.read_blocking("data/file").unwrap_err();
            assert_eq!(
                error.limit(),
                Some(dewclaw_sandbox::limits::Limit::OpenFiles)
            );
            assert!(
                place
                    .heard()
                    .last()
                    .unwrap()
                    .ends_with("denied: limit: max_open_files")
            );
        }
    }
}

#[test]
fn one_call_that_holds_files_and_waits_leaves_none_for_another_until_it_ends() {
    let deadline = Duration::from_millis(300);
    let place = Place::with(Setting {
        caps: Caps {
            deadline,
            ..Caps::default()
        },
        ..Setting::default()
    });
    run(async {
        let holding = tokio::spawn({
            let plugin = place.plugin.clone();
            async move { plugin.call("O", "file").await }
        });
        while place.heard.lines.lock().unwrap().len() < 11 {
            tokio::task::yield_now().await;
        }
        let answer = place.plugin.call("z", "file").await.unwrap();
        assert_eq!(answer, code::TOO_MANY_COUNTED.to_string());
        let error = place.files.read("data/file").await.unwrap_err();
        assert_eq!(
            error.limit(),
            Some(dewclaw_sandbox::limits::Limit::OpenFiles)
        );
        let error = holding.await.unwrap().unwrap_err();
        assert_eq!(error.limit(), Some(Limit::Deadline { after: deadline }));
        // The caller is told first; the store is dropped at once, though perhaps not before.
        while place.files.read("data/file").await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(place.counted("z", "file"), (10, code::TOO_MANY_COUNTED));
}

#[test]
fn a_folder_of_many_files_is_listed() {
    let place = Place::new();
    for at in 0..1000 {
        fs::write(place.data(&format!("sub/{at}")), "").unwrap();
    }
    assert_eq!(place.call("L", "sub"), "1000");
}

#[test]
fn an_audit_that_fails_ends_the_call() {
    for fails in ["open-at", "the end"] {
        let place = Place::with(Setting {
            fails: Some(fails),
            ..Setting::default()
        });
        let error = place.try_call("c", "new").unwrap_err();
        assert!(
            matches!(error, CallError::Host(HostFault { ref message }) if message.contains("audit")),
            "{error:?}"
        );
        // What was not heard of was not done.
        assert_eq!(place.data("new").exists(), fails == "the end");
    }
}

#[test]
fn without_files_there_are_no_folders() {
    let options = PluginOptions {
        wasi: GRANTED.map(str::to_owned).to_vec(),
        // Not even those of the context.
        wasi_context: Arc::new(|| {
            let mut builder = wasmtime_wasi::WasiCtx::builder();
            builder
                .preopened_dir("/", "/", wasmtime_wasi::FsPerms::ReadWrite)
                .unwrap();
            builder.build()
        }),
        ..PluginOptions::default()
    };
    let plugin = Plugin::load(engine(), bytes(), &TrustedInputOnly, options).unwrap();
    assert_eq!(run(plugin.call("p", "")).unwrap(), "0");
}

#[test]
fn raw_sockets_are_not_there_even_where_somebody_grants_them() {
    for interface in [
        "wasi:sockets/instance-network",
        "wasi:sockets/tcp-create-socket",
        "wasi:sockets/network",
    ] {
        let text = format!(
            r#"(component (import "{interface}@0.2.0" (instance (export "network" (type (sub resource)))))
              (core module $m (memory (export "memory") 1)
                (func (export "init") (result i32) unreachable) (func (export "execute") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
              (core instance $c (instantiate $m))
              (func $init (result (result (error string))) (canon lift (core func $c "init") (memory $c "memory")))
              (func $describe (result string) (canon lift (core func $c "init") (memory $c "memory")))
              (func $execute (param "tool-name" string) (param "params-json" string) (result (result string (error string)))
                (canon lift (core func $c "execute") (memory $c "memory") (realloc (func $c "realloc"))))
              (instance $tools (export "init" (func $init)) (export "describe" (func $describe)) (export "execute-tool" (func $execute)))
              (export "dewclaw:plugin/tools@0.1.0" (instance $tools)))"#
        );
        let options = PluginOptions {
            wasi: vec![interface.to_owned()],
            ..PluginOptions::default()
        };
        let bytes = wat::parse_str(&text).unwrap();
        let error = Plugin::load(engine(), &bytes, &TrustedInputOnly, options).unwrap_err();
        assert!(matches!(error, LoadError::Contract { .. }), "{error:?}");
        assert!(error.to_string().contains("wasi:sockets"), "{error}");
    }
}

/// What a call's end may come after its deadline here, where other tests compute at the same time.
const LATE: Duration = Duration::from_millis(500);

#[test]
fn sleeping_for_ever_and_waiting_for_many_things_ends_at_the_deadline() {
    let deadline = Duration::from_millis(100);
    let place = Place::with(Setting {
        caps: Caps {
            deadline,
            ..Caps::default()
        },
        ..Setting::default()
    });
    for op in ["b", "q"] {
        let began = Instant::now();
        let error = place.try_call(op, "").unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Deadline { after: deadline }),
            "{op}: {error}"
        );
        assert!(
            began.elapsed() < deadline + LATE,
            "{op}: {:?}",
            began.elapsed()
        );
    }
    // The plugin goes on.
    assert_eq!(place.call("R", "file"), "inside");
}

#[test]
fn things_to_wait_for_folders_and_long_lists_are_bounded() {
    let place = Place::new();
    for op in ["B", "p"] {
        let error = place.try_call(op, "").unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Wasi {
                what: "resources of WASI",
                most: 1000
            }),
            "{op}: {error:?}"
        );
    }
    let began = Instant::now();
    let error = place.try_call("P", "").unwrap_err();
    assert_eq!(
        error.limit(),
        Some(Limit::Wasi {
            what: "pollables of one poll",
            most: 1000
        }),
        "{error:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn random_bytes_are_bounded() {
    let place = Place::new();
    assert_eq!(place.call("F", ""), "65536");
    for op in ["f", "i"] {
        let error = place.try_call(op, "").unwrap_err();
        assert_eq!(
            error.limit(),
            Some(Limit::Wasi {
                what: "bytes of get-random-bytes",
                most: 65_536
            }),
            "{op}: {error:?}"
        );
        assert_eq!(
            error.to_string(),
            "the plugin was stopped by a limit: bytes of get-random-bytes: at most 65536 at once"
        );
    }
}

#[test]
fn exit_ends_the_call_and_says_so() {
    let place = Place::new();
    for (op, expected) in [("e", 0), ("E", 1)] {
        let error = place.try_call(op, "").unwrap_err();
        assert!(
            matches!(error, CallError::Exited { status } if status == expected),
            "{error:?}"
        );
    }
    assert_eq!(place.call("R", "file"), "inside");
}

#[test]
fn standard_streams_go_nowhere_and_take_no_memory() {
    let place = Place::new();
    assert_eq!(place.call("y", ""), "10000");
    assert_eq!(place.counted("Q", ""), (0, 999));
    let error = place.try_call("v", "").unwrap_err();
    assert!(matches!(error, CallError::Exchange { .. }), "{error:?}");
}
