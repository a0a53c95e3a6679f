//! The platform's contract suite inside wasm: the file system over a scratch folder, HTTP against a loopback server.

use e2e::artifact;
use e2e::loopback::{ClosedPort, Exchange, Loopback, Request};
use e2e::process;
use e2e::scratch::Scratch;
use std::path::Path;
use std::process::Command;

/// What the suite's HTTP tests talk to.
fn answer(request: &Request, exchange: &mut Exchange) {
    let path = request.path.split('?').next().unwrap_or_default();
    match path {
        // The request as it came: its first line, its headers, its body.
        "/echo" => {
            let mut body = format!("{} {}\n", request.method, request.path);
            for (name, value) in &request.headers {
                body.push_str(&format!("{name}: {value}\n"));
            }
            let mut body = body.into_bytes();
            body.extend_from_slice(&request.body);
            exchange.reply(200, &[], &body);
        }
        "/slow-head" => exchange.stall(),
        "/drip" => {
            exchange.sized(200, &[], 100);
            exchange.raw(b"abc");
            exchange.stall();
        }
        "/close" => {
            exchange.sized(200, &[], 100);
            exchange.raw(b"0123456789");
            exchange.close();
        }
        "/chunks" => {
            exchange.chunked(200, &[]);
            for chunk in ["one", "two", "three", "four", "five"] {
                exchange.chunk(chunk.as_bytes());
            }
            exchange.last_chunk();
        }
        "/big" => exchange.reply(200, &[], &vec![0; 1 << 20]),
        _ => match path
            .strip_prefix("/status/")
            .and_then(|status| status.parse().ok())
        {
            Some(status) => exchange.reply(status, &[], b"status\n"),
            None => exchange.reply(404, &[], b"no such path\n"),
        },
    }
}

/// Runs one test program and returns how many of its tests passed; all must.
fn run(program: &Path, server: &Loopback) -> u32 {
    let (closed, root) = (ClosedPort::new(), Scratch::new());
    let mut command = Command::new(artifact::wasmtime());
    command
        .args(["run", "-S", "http", "--dir"])
        .arg(format!("{}::/", root.path().display()));
    // A panic aborts the program there, and what a test captured would be lost with it.
    command.args(["--env", "RUST_TEST_NOCAPTURE=1"]);
    command.args(["--env", &format!("DEWCLAW_CONTRACT_HTTP={}", server.url())]);
    command.args([
        "--env",
        &format!("DEWCLAW_CONTRACT_CLOSED={}", closed.url()),
    ]);
    let ended = process::run("the contract suite", command.arg(program), b"");
    ended.code(0);
    let summary = ended
        .stdout()
        .lines()
        .find(|line| line.starts_with("test result: ok."));
    let summary = summary.unwrap_or_else(|| panic!("there is no summary.\n{ended}"));
    assert!(
        summary.contains(" 0 failed") && summary.contains(" 0 ignored"),
        "{summary}"
    );
    let passed = summary
        .split_whitespace()
        .nth(3)
        .and_then(|count| count.parse().ok());
    passed.unwrap_or_else(|| panic!("no count in {summary:?}"))
}

#[test]
fn the_platform_contract_holds_inside_wasm() {
    let meaning = "the contract tests of crates/platform, built for wasm32-wasip2";
    let programs = artifact::list_from_environment("DEWCLAW_CONTRACT_WASM", meaning);
    let server = Loopback::serve(answer);
    let passed: u32 = programs.iter().map(|program| run(program, &server)).sum();
    assert!(passed > 0, "the programs hold no test");
    assert!(
        server.connections() > 0,
        "the HTTP tests did not reach the server"
    );
    assert_eq!(server.malformed(), Vec::<String>::new());
}
