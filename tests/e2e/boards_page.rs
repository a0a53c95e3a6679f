//! What docs/boards.md shows: its commands run in their order, with WAMR in iwasm's place and a model on loopback in the gateway's.

use e2e::artifact;
use e2e::markdown::blocks;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use std::process::Command;

/// What blocks that are not run may hold: WAMR's own build, and another machine.
const NOT_RUN: [&str; 4] = ["cmake ", "install -m 0755 build/iwasm ", "pip ", "litellm "];

/// The gateway's key on the board.
const KEY: &str = "sk-of-the-gateway";

fn page() -> String {
    std::fs::read_to_string(artifact::repository().join("docs/boards.md"))
        .expect("there is a docs/boards.md")
}

#[test]
fn every_command_of_the_page_works() {
    let model = ScriptedModel::repeat(Reply::text("It says hello."));
    let board = Scratch::new();
    std::fs::create_dir(board.join("bin")).expect("a folder can be made");
    let wasm_opt = artifact::from_environment("WASM_OPT", "binaryen's wasm-opt");
    let wamr = artifact::wamr_runner;
    for (program, name) in [
        (wamr(), "iwasm"),
        (wamr(), "wamr-runner"),
        (wasm_opt, "wasm-opt"),
    ] {
        let link = board.join("bin").join(name);
        std::os::unix::fs::symlink(program, link).expect("a link can be made");
    }
    let module = std::fs::read(artifact::dewclaw_wamr()).expect("the module can be read");
    board.write("dewclaw-wamr.wasm", module);
    let base_url = model.base_url();
    let gateway = base_url
        .trim_start_matches("http://")
        .trim_end_matches("/v1");
    let (mut ran, mut asked) = (0, 0);
    for block in blocks(&page()) {
        match block.info.as_str() {
            "sh" => {}
            "sh norun" => {
                for line in block.text.lines() {
                    let reason = NOT_RUN.iter().any(|command| line.starts_with(command));
                    assert!(reason, "{line:?} could be run");
                }
                continue;
            }
            info => {
                assert_eq!(info, "yaml", "what is a block of {info:?}?");
                continue;
            }
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-euc", &block.text])
            .current_dir(board.path())
            .env("PATH", format!("{}:{path}", board.join("bin").display()))
            .env("GATEWAY", gateway)
            .env("GATEWAY_KEY", KEY);
        let ended = process::run("sh", &mut command, b"");
        ended.code(0).keeps(KEY);
        if block.text.contains(" ask ") {
            assert!(ended.stdout().contains("It says hello."), "{ended}");
            let requests = model.requests();
            asked += 1;
            assert_eq!(requests.len(), asked, "{}", block.text);
            let key = requests[asked - 1].http.header("authorization");
            assert_eq!(key, Some(format!("Bearer {KEY}").as_str()));
        }
        if block.text.contains("--stats") {
            ended.says(&["\"memory_pages\":3,"]);
        }
        ran += 1;
    }
    assert!(
        ran >= 5 && asked == 2,
        "{ran} blocks were run, {asked} asked"
    );
    assert_eq!(board.read("work/hello.txt"), "hello\n");
}

#[test]
fn the_page_makes_a_module_of_the_first_webassembly() {
    let board = Scratch::new();
    let wasm_opt = artifact::from_environment("WASM_OPT", "binaryen's wasm-opt");
    let line = blocks(&page())
        .into_iter()
        .find(|block| block.text.starts_with("wasm-opt "))
        .expect("the page has that command")
        .text;
    let module = std::fs::read(artifact::dewclaw_wamr()).expect("the module can be read");
    board.write("dewclaw-wamr.wasm", module);
    let program = wasm_opt.display().to_string();
    let (wasm_opt_line, _) = line.split_once("iwasm ").expect("it is run then");
    let script = wasm_opt_line.replacen("wasm-opt", &program, 1);
    let reads = |file: &str| {
        let mut command = Command::new(&wasm_opt);
        command.args([
            file,
            "--mvp-features",
            "--enable-mutable-globals",
            "-o",
            "/dev/null",
        ]);
        process::run("wasm-opt", command.current_dir(board.path()), b"").code
    };
    assert_ne!(reads("dewclaw-wamr.wasm"), Some(0), "it has bulk memory");
    let mut command = Command::new("sh");
    command.args(["-euc", &script]).current_dir(board.path());
    process::run("sh", &mut command, b"").code(0);
    assert_eq!(reads("dewclaw-mvp.wasm"), Some(0));
}

#[test]
fn the_page_names_the_wamr_that_the_tests_run() {
    let mut command = Command::new(artifact::wamr_runner());
    let version = process::run("wamr-runner", command.arg("--version"), b"");
    let named = page()
        .split_once("real WAMR ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .expect("the page names a version")
        .to_owned();
    assert!(
        version.stdout().contains(&format!("(WAMR {named})")),
        "{version}"
    );
}
