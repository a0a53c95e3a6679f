//! What docs/plugins.md shows: its files are made, its commands run in their order, and what they print is what stands under them.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use e2e::artifact;
use e2e::host::Ended;
use e2e::markdown::{Block, blocks};
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::json;

/// What blocks that are not run may hold: the internet, and this very build.
const NOT_RUN: [&str; 4] = [
    "git clone ",
    "cargo build --release -p dewclaw",
    "export ",
    "rustup ",
];

fn page() -> String {
    std::fs::read_to_string(artifact::repository().join("docs/plugins.md"))
        .expect("there is a docs/plugins.md")
}

/// Where scripts/build-plugins puts the example plugins, built.
fn plugins() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let build = Command::new(artifact::repository().join("scripts/build-plugins")).output();
        let build = build.expect("the script can be started");
        let told = String::from_utf8_lossy(&build.stdout).into_owned();
        let (folder, _) = told
            .split_once("/weather/weather.toml: ")
            .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&build.stderr)));
        folder.into()
    })
}

/// A newcomer's folder, with the native command on their `PATH`.
struct Newcomer {
    folder: Scratch,
    /// Where their shell is, from one block to the next.
    place: RefCell<PathBuf>,
    state: Scratch,
    model: ScriptedModel,
}

impl Newcomer {
    fn with(model: ScriptedModel) -> Newcomer {
        let folder = Scratch::new();
        std::fs::create_dir(folder.join("bin")).expect("a folder can be made");
        let dewclaw = artifact::from_environment("DEWCLAW_BIN", "the native `dewclaw` command");
        std::os::unix::fs::symlink(dewclaw, folder.join("bin/dewclaw"))
            .expect("a link can be made");
        Newcomer {
            place: RefCell::new(folder.path().to_owned()),
            folder,
            state: Scratch::new(),
            model,
        }
    }

    /// A block, with both streams as a terminal has them: one after the other.
    fn shell(&self, text: &str) -> Ended {
        let path = std::env::var("PATH").unwrap_or_default();
        let told = self.folder.join("place");
        let mut command = Command::new("sh");
        command
            .args(["-euc", &format!("exec 2>&1\n{text}\npwd >\"$PLACE\"")])
            .current_dir(&*self.place.borrow())
            .env("PLACE", &told)
            .env(
                "PATH",
                format!("{}:{path}", self.folder.join("bin").display()),
            )
            .env("DEWCLAW", artifact::repository())
            .env("DEWCLAW_STATE", self.state.path())
            .env("DEWCLAW_MODEL", "scripted")
            .env("OPENAI_BASE_URL", self.model.base_url())
            .env("OPENAI_API_KEY", "sk-of-the-newcomer")
            // Its crates are those of the example plugins, which were built before.
            .env("CARGO_NET_OFFLINE", "true");
        for name in [
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "DEWCLAW_WIRE",
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_BASE_URL",
        ] {
            command.env_remove(name);
        }
        let ended = process::run("sh", &mut command, b"");
        if ended.code == Some(0) {
            let place = std::fs::read_to_string(told).expect("the shell told where it is");
            *self.place.borrow_mut() = place.trim_end().into();
        }
        ended
    }
}

/// The name that a model calls the tool by.
const TOOL: &str = "count__words";

/// What differs from run to run is left out: times, how long things took, hashes, and how wide a table's columns are for them.
fn lasting(text: &str) -> Vec<String> {
    let word = |word: &str| -> String {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let of_a_time = |letter: char| letter.is_ascii_digit() || "-:.TZ".contains(letter);
        let (before, hash) = word
            .rfind(':')
            .map_or(("", word), |at| word.split_at(at + 1));
        match () {
            () if digits >= 6 && word.chars().all(of_a_time) => "TIME".to_owned(),
            () if hash.len() == 64 => format!("{before}HASH"),
            () => word.to_owned(),
        }
    };
    let line = |line: &str| -> String {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        let mut kept: Vec<&str> = Vec::new();
        for word in &words {
            if matches!(word.as_str(), "ns" | "µs" | "ms" | "s")
                && kept.last().is_some_and(|last| last.parse::<u64>().is_ok())
            {
                kept.pop();
                kept.push("TOOK");
            } else {
                kept.push(word);
            }
        }
        kept.join(" ")
    };
    text.trim_end().lines().map(line).collect()
}

fn file_of(block: &Block) -> Option<&str> {
    block.info.split_once(" file=").map(|(_, file)| file)
}

#[test]
fn every_command_of_the_page_works_and_prints_what_stands_there() {
    let newcomer = Newcomer::with(ScriptedModel::start([
        Reply::call("call_1", TOOL, json!({"path": "notes/todo.txt"})).usage(2_104, 21),
        Reply::text("It has 6 words.").usage(2_141, 8),
    ]));
    // With what the example plugins were built from.
    let built = plugins().join("../plugins-build");
    let toolchain = artifact::repository().join("rust-toolchain.toml");
    std::fs::copy(toolchain, newcomer.folder.join("rust-toolchain.toml"))
        .expect("it can be copied");
    let (mut ran, mut compared) = (0, 0);
    let mut printed: Option<Ended> = None;
    for block in blocks(&page()) {
        if let Some(file) = file_of(&block) {
            let file = newcomer.place.borrow().join(file);
            std::fs::write(file, format!("{}\n", block.text)).expect("it can be written");
            continue;
        }
        match block.info.as_str() {
            "sh norun" => {
                for line in block.text.lines() {
                    let reason = NOT_RUN.iter().any(|command| line.starts_with(command));
                    assert!(reason, "{line:?} could be run");
                }
            }
            info if info == "sh" || info.starts_with("sh exit=") => {
                let code = info.strip_prefix("sh exit=").unwrap_or("0");
                if block.text.contains("cargo build") {
                    std::os::unix::fs::symlink(&built, newcomer.place.borrow().join("target"))
                        .expect("a link can be made");
                }
                let ended = newcomer.shell(&block.text);
                let given = ended.code.map(|code| code.to_string());
                assert_eq!(given.as_deref(), Some(code), "{}\n{ended}", block.text);
                ended.keeps("sk-of-the-newcomer");
                ran += 1;
                printed = Some(ended);
            }
            "text" => {
                let ended = printed.take().expect("it stands under a command");
                assert_eq!(lasting(ended.stdout()), lasting(&block.text), "{ended}");
                compared += 1;
            }
            info => panic!("what is a block of {info:?}?"),
        }
    }
    assert!(
        ran >= 8 && compared >= 6,
        "{ran} blocks were run, {compared} compared"
    );
    let requests = newcomer.model.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[0].tool_names().contains(&TOOL),
        "{:?}",
        requests[0].tool_names()
    );
    assert!(requests[1].tool_result().to_string().contains("6 words"));
}

#[test]
fn every_command_of_the_examples_readme_works() {
    let newcomer = Newcomer::with(ScriptedModel::never_asked());
    let text = std::fs::read_to_string(artifact::repository().join("examples/plugins/README.md"))
        .expect("there is a README");
    let first = blocks(&text).into_iter().find(|block| block.info == "sh");
    let commands = first.expect("it has commands").text;
    let (_, commands) = commands
        .split_once("scripts/build-plugins\n")
        .expect("it is built first");
    // As from a clean clone, but with this run's build folder in the place of target/.
    let script = format!(
        "cd '{}'\n{}",
        artifact::repository().display(),
        commands.replace("target/plugins", &plugins().to_string_lossy())
    );
    let ended = newcomer.shell(&script);
    ended.code(0);
    for part in ["greenhouse, orchard, boat house\n", "north bench"] {
        assert!(ended.stdout().contains(part), "{ended}");
    }
}
