//! Where a plugin that does what its parameters say meets its own WASI.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use dewclaw_sandbox::engine::{
    CallError, Caps, Engine, EngineOptions, HostFault, Plugin, PluginOptions, Reuse,
    TrustedInputOnly,
};
use dewclaw_sandbox::files::{FileObserver, Files, ObservedPath, PathCall, PluginFiles};
use dewclaw_sandbox::policy::{Effective, PluginManifest, Policy};

const GUEST: &str = include_str!("guest.wat");
/// What no plugin may ever read.
pub(crate) const SECRET: &str = "the operator's own";

/// Error codes of `wasi:filesystem/types`, as the guest answers them.
pub(crate) mod code {
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

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineOptions::default()).unwrap())
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Ends the other thread's loop, also where an assertion fails.
pub(crate) struct Stops<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn fifo(path: PathBuf) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What an observer heard: `function path → outcome`.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
    /// Fails instead of hearing this function.
    pub(crate) fails: Option<&'static str>,
}

pub(crate) struct HeardCall {
    pub(crate) line: String,
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
    pub(crate) fails_at_end: bool,
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
    pub(crate) fn end(&self, outcome: &str) -> Result<(), HostFault> {
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

pub(crate) struct Place {
    pub(crate) root: tempfile::TempDir,
    pub(crate) heard: Heard,
    pub(crate) files: Files,
    pub(crate) plugin: Plugin,
}

#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) permissions: &'static str,
    pub(crate) resources: &'static str,
    pub(crate) caps: Caps,
    pub(crate) reuse: Reuse,
    pub(crate) fails: Option<&'static str>,
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

pub(crate) const GRANTED: [&str; 11] = [
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

pub(crate) fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| wat::parse_str(GUEST).unwrap())
}

impl Place {
    pub(crate) fn new() -> Place {
        Place::with(Setting::default())
    }

    pub(crate) fn with(setting: Setting) -> Place {
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

    pub(crate) fn data(&self, path: &str) -> PathBuf {
        self.root.path().join("data").join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.root.path().join("outside").join(path)
    }

    pub(crate) fn try_call(&self, op: &str, path: &str) -> Result<String, CallError> {
        run(self.plugin.call(op, path))
    }

    #[track_caller]
    pub(crate) fn call(&self, op: &str, path: &str) -> String {
        match self.try_call(op, path) {
            Ok(answer) => answer,
            Err(error) => panic!("{op} {path}: {error:?}"),
        }
    }

    /// `count * 1000 + code`.
    #[track_caller]
    pub(crate) fn counted(&self, op: &str, path: &str) -> (u32, u32) {
        let answer: u32 = self.call(op, path).parse().unwrap();
        (answer / 1000, answer % 1000)
    }

    /// What the observer heard since the last time.
    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lines.lock().unwrap())
    }

    #[track_caller]
    pub(crate) fn outside_is_unharmed(&self) {
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
