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

/// A runtime, and how it is told what a test program may reach.
enum Runtime {
    Wasmtime,
    Wamr,
}

impl Runtime {
    fn command(&self, root: &Path, variables: &[String]) -> Command {
        let (program, grants) = match self {
            Runtime::Wasmtime => {
                let folder = format!("--dir={}::/", root.display());
                (
                    artifact::wasmtime(),
                    ["run", "-S", "http", &folder].map(str::to_owned).to_vec(),
                )
            }
            Runtime::Wamr => {
                let folder = format!("--map-dir=/::{}", root.display());
                let pool = "--addr-pool=127.0.0.0/8".to_owned();
                (artifact::wamr_runner(), vec![folder, pool])
            }
        };
        let mut command = Command::new(program);
        let variables = variables.iter().map(|variable| format!("--env={variable}"));
        command.args(grants).args(variables);
        command
    }
}

/// Runs one test program and returns how many of its tests passed; all must.
fn run(runtime: &Runtime, program: &Path, server: &Loopback) -> u32 {
    let (closed, root) = (ClosedPort::new(), Scratch::new());
    let variables = [
        // A panic aborts the program there, and what a test captured would be lost with it.
        "RUST_TEST_NOCAPTURE=1".to_owned(),
        format!("DEWCLAW_CONTRACT_HTTP={}", server.url()),
        format!("DEWCLAW_CONTRACT_CLOSED={}", closed.url()),
    ];
    let mut command = runtime.command(root.path(), &variables);
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

/// Runs the test programs that a variable names.
fn hold(runtime: &Runtime, variable: &str, meaning: &str) {
    let programs = artifact::list_from_environment(variable, meaning);
    let server = Loopback::serve(answer);
    let passed: u32 = programs
        .iter()
        .map(|program| run(runtime, program, &server))
        .sum();
    assert!(passed > 0, "the programs hold no test");
    assert!(
        server.connections() > 0,
        "the HTTP tests did not reach the server"
    );
    assert_eq!(server.malformed(), Vec::<String>::new());
}

#[test]
fn the_platform_contract_holds_inside_wasm() {
    let meaning = "the contract tests of crates/platform, built for wasm32-wasip2";
    hold(&Runtime::Wasmtime, "DEWCLAW_CONTRACT_WASM", meaning);
}

#[test]
fn the_platform_contract_holds_inside_wamr() {
    let meaning =
        "the contract tests of crates/platform, built for wasm32-wasip1 with wamr-sockets";
    hold(&Runtime::Wamr, "DEWCLAW_CONTRACT_WAMR", meaning);
}
