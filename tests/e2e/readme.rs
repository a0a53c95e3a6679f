//! What the README shows: its commands are run as they stand, and its outputs are held.

use e2e::artifact;
use e2e::markdown::fenced_blocks;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use std::process::Command;

fn readme() -> String {
    std::fs::read_to_string(artifact::repository().join("README.md")).expect("there is a README.md")
}

/// The only block whose info string is `info`.
fn block(info: &str) -> String {
    let fence = format!("```{info}\n");
    let text = readme();
    let (_, rest) = text
        .split_once(&fence)
        .unwrap_or_else(|| panic!("README.md has no block {fence}"));
    let (block, _) = rest.split_once("```").expect("the block ends");
    block.to_owned()
}

/// A shell in `folder`, with the tools that the README takes for granted.
fn shell(folder: &std::path::Path, script: &str) -> Command {
    let tools = artifact::wasmtime();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("bash");
    command
        .current_dir(folder)
        .args(["-euo", "pipefail", "-c", script])
        .env(
            "PATH",
            format!("{}:{path}", tools.parent().expect("a folder").display()),
        );
    // What cargo has told this test of its own package would make a cargo in the script build everything anew.
    for (name, _) in std::env::vars() {
        let of_this_package = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        if of_this_package.iter().any(|start| name.starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

#[test]
fn every_command_of_the_readme_works() {
    let scratch = Scratch::new();
    for folder in ["work", "state", "xdg"] {
        std::fs::create_dir(scratch.join(folder)).expect("a folder can be made");
    }
    std::os::unix::fs::symlink(
        artifact::dewclaw().parent().expect("a folder"),
        scratch.join("dist"),
    )
    .expect("a link can be made");
    let model = ScriptedModel::repeat(Reply::text("Three files."));
    let mut ran = Vec::new();
    for block in fenced_blocks(&readme(), "sh") {
        // This very test is part of what it runs.
        if block == "scripts/test" {
            continue;
        }
        let of_the_repository = block.starts_with("scripts/") || block.starts_with("cargo ");
        let folder = if of_the_repository {
            artifact::repository()
        } else {
            scratch.path()
        };
        let mut command = shell(folder, &block);
        command
            .env("OPENAI_API_KEY", "sk-readme")
            .env("OPENAI_BASE_URL", model.base_url())
            .env("DEWCLAW_MODEL", "scripted")
            .env("XDG_STATE_HOME", scratch.join("xdg"))
            // The component that cargo would build again is the one that is there.
            .env("DEWCLAW_COMPONENT", artifact::dewclaw());
        let ended = process::run("a block of the README", &mut command, b"");
        ended.code(0);
        if block.contains(" ask ") {
            assert!(ended.stdout().contains("Three files."), "{block}\n{ended}");
        }
        ran.push(block);
    }
    assert!(ran.iter().any(|block| block == "scripts/demo"));
    assert!(ran.len() >= 7, "{ran:#?}");
    assert_eq!(scratch.read("work/hello.txt"), "hello\n");
    assert!(scratch.has("state/first.jsonl"));
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let mut command = shell(artifact::repository(), "scripts/demo 2>&1");
    let ended = process::run("scripts/demo", &mut command, b"");
    ended.code(0);
    assert_eq!(ended.stdout(), block("text demo"));
}

#[test]
fn the_doctor_prints_what_the_readme_shows() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.join("work")).expect("a folder can be made");
    let mut command = shell(
        scratch.path(),
        "wasmtime run -S http --dir work::/ --env DEWCLAW_MODEL=some-model \"$DEWCLAW\" doctor || true",
    );
    command.env("DEWCLAW", artifact::dewclaw());
    let ended = process::run("doctor", &mut command, b"");
    assert_eq!(ended.stdout(), block("text doctor"));
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let text = std::fs::read_to_string(artifact::repository().join("ARCHITECTURE.md"))
        .expect("there is an ARCHITECTURE.md");
    let mut named = 0;
    for word in text.split(|letter: char| {
        letter.is_whitespace() || matches!(letter, '`' | ',' | ':' | '(' | ')')
    }) {
        let first = word.split('/').next().unwrap_or_default();
        if word.contains('/')
            && ["crates", "tests", "wit", "scripts", "examples", "docs"].contains(&first)
        {
            let path = artifact::repository().join(word.trim_end_matches('.'));
            assert!(
                path.exists(),
                "ARCHITECTURE.md names {word}, which is not there"
            );
            named += 1;
        }
    }
    assert!(
        named > 15,
        "only {named} paths were found in ARCHITECTURE.md"
    );
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut files = 0;
    let mut folders = vec![
        artifact::repository().join("crates"),
        artifact::repository().join("tests"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if name != "target" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).expect("the file can be read");
                assert!(
                    text.starts_with("//!"),
                    "{} does not open with a //! line",
                    path.display()
                );
                files += 1;
            }
        }
    }
    assert!(files > 80, "only {files} files were found");
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let root = artifact::repository();
    let mut pages = vec![
        root.join("web/README.md"),
        root.join("tests/conversations/README.md"),
    ];
    for folder in [
        "",
        "docs",
        "examples/embed-node",
        "examples/embed-python",
        "examples/embed-rust",
        "examples/plugins",
    ] {
        let entries = std::fs::read_dir(root.join(folder)).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("it can be listed").path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    }
    let mut followed = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page can be read");
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let leads_to = page.with_file_name(target);
            assert!(
                leads_to.exists(),
                "{} links to {target}, which is not there",
                page.display()
            );
            followed += 1;
        }
    }
    assert!(followed > 20, "the control: {followed} links were followed");
}
