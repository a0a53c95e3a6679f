//! The folders of one test, and the command that runs in them with no variable of the outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) struct Scratch {
    root: TempDir,
}

impl Scratch {
    /// Two empty folders, `work` and `state`.
    pub(crate) fn new() -> Scratch {
        let root = TempDir::new().unwrap();
        for folder in ["work", "state"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Scratch { root }
    }

    /// A path in the scratch folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Settings for the component that make a failure show at once instead of being tried again.
    pub(crate) fn try_once(&self) -> &Scratch {
        self.settings(r#"{"retry_attempts": 1}"#)
    }

    /// The component's own settings file.
    pub(crate) fn settings(&self, json: &str) -> &Scratch {
        fs::write(self.path("state/dewclaw.json"), json).unwrap();
        self
    }

    /// The command with nothing but a home and a place for compiled code, which the tests share.
    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dewclaw"));
        command
            .env_clear()
            .env("HOME", self.root.path())
            .env("XDG_CACHE_HOME", compiled_code())
            .current_dir(self.root.path());
        command
    }

    /// The command with both folders.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.bare();
        command
            .args(["--workspace", "work", "--state", "state"])
            .env("DEWCLAW_MODEL", "scripted")
            .env("OPENAI_API_KEY", "key-of-the-test");
        command
    }

    /// `ask`, not streamed, of the model at `base_url`.
    pub(crate) fn ask(&self, base_url: &str) -> Command {
        let mut command = self.command();
        command
            .env("OPENAI_BASE_URL", base_url)
            .args(["ask", "--no-stream", "say hello"]);
        command
    }
}

fn compiled_code() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// The exit code and both outputs.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    parts(command.output().unwrap())
}

pub(crate) fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}
