//! What docs/plugins.md shows: its files are made, its commands run in their order, and what they print is what stands under them.

use std::process::Command;

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

/// A newcomer's folder, with the native command on their `PATH`.
struct Newcomer {
    folder: Scratch,
    state: Scratch,
    model: ScriptedModel,
}

impl Newcomer {
    fn new() -> Newcomer {
        let folder = Scratch::new();
        std::fs::create_dir(folder.join("bin")).expect("a folder can be made");
        let dewclaw = artifact::from_environment("DEWCLAW_BIN", "the native `dewclaw` command");
        std::os::unix::fs::symlink(dewclaw, folder.join("bin/dewclaw"))
            .expect("a link can be made");
        let model = ScriptedModel::start([
            Reply::call("call_1", TOOL, json!({"path": "notes/todo.txt"})),
            Reply::text("It has 6 words."),
        ]);
        Newcomer {
            folder,
            state: Scratch::new(),
            model,
        }
    }

    /// A block, with both streams as a terminal has them: one after the other.
    fn shell(&self, text: &str) -> Ended {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-euc", &format!("exec 2>&1\n{text}")])
            .current_dir(self.folder.path())
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
        process::run("sh", &mut command, b"")
    }
}

/// The name that a model calls the tool by.
const TOOL: &str = "count.words";

/// What differs from run to run is left out: times, how long things took, hashes, and how wide a table's columns are for them.
fn lasting(text: &str) -> Vec<String> {
    let word = |word: &str| -> String {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let of_a_number = |letter: char| letter.is_ascii_digit() || "-:.TZ".contains(letter);
        match () {
            () if digits >= 6 && word.chars().all(of_a_number) => "TIME".to_owned(),
            () if word.len() >= 16 && word.chars().all(|letter| letter.is_ascii_hexdigit()) => {
                "HASH".to_owned()
            }
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
    let newcomer = Newcomer::new();
    // Built once, not on each run.
    let built = artifact::cache()
        .unwrap_or_else(std::env::temp_dir)
        .join("plugins-page");
    std::fs::create_dir_all(&built).expect("a folder can be made");
    let (mut ran, mut compared) = (0, 0);
    let mut printed: Option<Ended> = None;
    for block in blocks(&page()) {
        if let Some(file) = file_of(&block) {
            newcomer.folder.write(file, format!("{}\n", block.text));
            continue;
        }
        match block.info.as_str() {
            "sh" | "sh fails" => {
                if block.text.contains("cargo build") && !newcomer.folder.has("count/target") {
                    std::os::unix::fs::symlink(&built, newcomer.folder.join("count/target"))
                        .expect("a link can be made");
                }
                let ended = newcomer.shell(&block.text);
                assert_eq!(
                    ended.code == Some(0),
                    block.info == "sh",
                    "{}\n{ended}",
                    block.text
                );
                ended.keeps("sk-of-the-newcomer");
                ran += 1;
                printed = Some(ended);
            }
            "sh norun" => {
                for line in block.text.lines() {
                    let reason = NOT_RUN.iter().any(|command| line.starts_with(command));
                    assert!(reason, "{line:?} could be run");
                }
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
    let newcomer = Newcomer::new();
    let text = std::fs::read_to_string(artifact::repository().join("examples/plugins/README.md"))
        .expect("there is a README");
    let first = blocks(&text).into_iter().find(|block| block.info == "sh");
    let commands = first.expect("it has commands").text;
    // As from a clean clone, but with this run's build folder in the place of target/.
    let build = Command::new(artifact::repository().join("scripts/build-plugins")).output();
    let build = build.expect("the script can be started");
    assert!(
        build.status.success(),
        "{}",
        String::from_utf8_lossy(&build.stderr)
    );
    let told = String::from_utf8_lossy(&build.stdout).into_owned();
    let plugins = told
        .split_once("/weather/weather.toml: ")
        .expect("it says where the manifest is")
        .0;
    let (_, commands) = commands
        .split_once("scripts/build-plugins\n")
        .expect("it is built first");
    let script = format!(
        "cd '{}'\n{}",
        artifact::repository().display(),
        commands.replace("target/plugins", plugins)
    );
    let ended = newcomer.shell(&script);
    ended
        .code(0)
        .says(&["greenhouse, orchard, boat house", "north bench"]);
}
