//! A board as docs/edge.md sets it up, below a scratch folder; and the page itself.

use e2e::artifact;
use e2e::host::Ended;
use e2e::markdown::{self, Block};
use e2e::process;
use e2e::scratch::Scratch;
use std::path::PathBuf;
use std::process::Command;

/// The key that is typed on the board.
pub(super) const KEY: &str = "sk-of-the-board";

/// The heading where the page comes to schedules: a board is set up by what stands before.
const SCHEDULES: &str = "## Every morning, by systemd";

/// The folder of the page's files in the repository.
pub(super) fn examples() -> PathBuf {
    artifact::repository().join("examples/edge")
}

/// docs/edge.md.
pub(super) fn page() -> String {
    std::fs::read_to_string(artifact::repository().join("docs/edge.md"))
        .expect("there is a docs/edge.md")
}

/// Asserts that the run said this on standard error, and that the page quotes it.
#[track_caller]
pub(super) fn said_as_quoted(ended: &Ended, message: &str) {
    ended.says(&[message]);
    assert!(
        page().contains(message),
        "docs/edge.md does not quote {message:?}"
    );
}

/// A board: its root is a scratch folder, and root's home in it holds what the page copies there.
pub(super) struct Board {
    pub(super) root: Scratch,
    base_url: String,
}

impl Board {
    /// A board with wasmtime and with what `scp` brought, and no more. `base_url` stands for OpenAI's.
    pub(super) fn fresh(base_url: &str) -> Self {
        let board = Self {
            root: Scratch::new(),
            base_url: base_url.to_owned(),
        };
        for folder in ["usr/local/bin", "etc/systemd/system", "etc/cron.d", "root"] {
            std::fs::create_dir_all(board.root.join(folder)).expect("folders can be made");
        }
        let native =
            artifact::from_environment("DEWCLAW_BIN", "the native `dewclaw`, built by cargo");
        for (program, name) in [(artifact::wasmtime(), "wasmtime"), (native, "dewclaw")] {
            let link = board.root.join("usr/local/bin").join(name);
            std::os::unix::fs::symlink(program, link).expect("a link can be made");
        }
        let component = std::fs::read(artifact::dewclaw()).expect("the component can be read");
        board.root.write("root/dewclaw.wasm", component);
        for file in std::fs::read_dir(examples()).expect("there is examples/edge") {
            let path = file.expect("an entry can be read").path();
            let name = path.file_name().expect("a file has a name");
            let text = std::fs::read_to_string(&path).expect("the file is text");
            let name = format!("root/edge/{}", name.to_string_lossy());
            board.root.write(&name, board.here(&text));
        }
        board
    }

    /// The same, after the page's commands up to the schedules.
    pub(super) fn set_up(base_url: &str) -> Self {
        let board = Self::fresh(base_url);
        let page = page();
        let (before, _) = page
            .split_once(SCHEDULES)
            .expect("the page has that heading");
        for block in markdown::blocks(before) {
            // What asks a model is what the other tests are about.
            if block.info == "sh" && !block.text.contains(" ask ") {
                board.shell(&block.text).code(0);
            }
        }
        board
    }

    /// The page's words with this board's paths: there is one user here, and the model is on loopback.
    pub(super) fn here(&self, text: &str) -> String {
        let root = self.root.path().display();
        let mut text = text
            .replace("runuser -u dewclaw -- ", "")
            .replace(" -o dewclaw -g dewclaw", "")
            .replace("https://api.openai.com/v1", &self.base_url);
        for folder in [
            "/usr/local/",
            "/var/lib/dewclaw",
            "/etc/dewclaw",
            "/etc/systemd/system",
            "/etc/cron.d",
        ] {
            text = text.replace(folder, &format!("{root}{folder}"));
        }
        text
    }

    /// Runs commands of the page, in root's home. The key is typed to whatever reads standard input.
    pub(super) fn shell(&self, script: &str) -> Ended {
        let mut command = self.command("sh");
        command.args(["-euc", &self.here(script)]);
        process::run("sh", &mut command, format!("{KEY}\n").as_bytes())
    }

    /// A command with the environment of a login on the board.
    pub(super) fn command(&self, program: &str) -> Command {
        let programs = self.root.join("usr/local/bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.root.join("root"))
            .env("PATH", format!("{}:{path}", programs.display()))
            .current_dir(self.root.join("root"));
        command
    }

    /// `dewclaw-run` with these arguments.
    pub(super) fn dewclaw_run(&self, arguments: &[&str]) -> Command {
        let program = self.root.join("usr/local/bin/dewclaw-run");
        let mut command = self.command(&program.to_string_lossy());
        command.args(arguments);
        command
    }

    /// Makes a failure show at once instead of being tried again.
    pub(super) fn try_once(&self) {
        let file = "var/lib/dewclaw/state/dewclaw.json";
        let settings = self.root.read(file);
        let settings = settings.replacen('{', "{\n  \"retry_attempts\": 1,", 1);
        self.root.write(file, settings);
    }
}

/// The name of the file that a block shows.
pub(super) fn file_of(block: &Block) -> Option<&str> {
    block
        .info
        .split_whitespace()
        .find_map(|word| word.strip_prefix("file="))
}
