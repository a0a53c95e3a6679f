//! What docs/edge.md says of limits, of TLS and proxies, of a full disk, a wrong clock and an upgraded wasmtime: each message is quoted as
//! it is said.

use super::board::{Board, KEY, page, said_as_quoted};
use e2e::artifact;
use e2e::guest::Guest;
use e2e::host::{Ended, Host};
use e2e::loopback::ClosedPort;
use e2e::markdown::blocks;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::small_disk::{self, Made};
use e2e::tls_front::{TlsFront, Valid};
use e2e::wasmtime_run;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// A component of the board's and how wasmtime runs it, then `--version`.
fn version_with(board: &Board, flags: &[&str], component: &str) -> Ended {
    let mut command = board.command("wasmtime");
    command
        .arg("run")
        .args(flags)
        .args(["-S", "http"])
        .arg(board.root.join(component))
        .arg("--version");
    process::run("wasmtime run", &mut command, b"")
}

/// What a trap is: wasmtime's status for it, and the page's.
#[track_caller]
fn trapped(ended: &Ended, message: &str) {
    assert_eq!(ended.code, Some(134), "{ended}");
    said_as_quoted(ended, message);
    assert!(page().contains("| 134 |"), "docs/edge.md names the status");
}

/// `wasmtime run FLAGS` of the guest.
fn run_with(flags: &[&str], guest: &Guest) -> Ended {
    let mut arguments = wasmtime_run::arguments(guest);
    arguments.splice(1..1, flags.iter().map(|flag| (*flag).to_owned()));
    let mut command = std::process::Command::new(artifact::wasmtime());
    command.args(arguments);
    process::run("wasmtime run", &mut command, guest.input())
}

#[test]
fn code_that_does_not_fit_is_refused() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    let compiled = "usr/local/lib/dewclaw/dewclaw.cwasm";
    version_with(&board, &["--allow-precompiled"], compiled).code(0);

    let refused = version_with(&board, &[], compiled);
    said_as_quoted(
        refused.code(1),
        "running a precompiled module requires the `--allow-precompiled` flag",
    );

    for (flags, message) in [
        (
            ["-W", "fuel=1000"],
            "Module was compiled without fuel support",
        ),
        (
            ["-W", "timeout=900s"],
            "Module was compiled without epoch interruption",
        ),
    ] {
        let flags = [&["--allow-precompiled"], &flags[..]].concat();
        let ended = version_with(&board, &flags, compiled);
        said_as_quoted(ended.code(1), message);
    }

    // The code of another wasmtime: the version stands at the head of what it says of itself.
    let version = process::run("wasmtime", board.command("wasmtime").arg("--version"), b"");
    let major = version
        .stdout()
        .split([' ', '.'])
        .nth(1)
        .expect("wasmtime MAJOR.MINOR.PATCH")
        .to_owned();
    let mut code = std::fs::read(board.root.join(compiled)).expect("it was compiled");
    let told = [
        &[u8::try_from(major.len()).expect("a short number")],
        major.as_bytes(),
    ]
    .concat();
    let at = code
        .windows(told.len())
        .position(|window| window == told)
        .expect("the code names its wasmtime");
    code[at + 1..at + told.len()].copy_from_slice(b"47");
    board.root.write("old.cwasm", code);
    let ended = version_with(&board, &["--allow-precompiled"], "old.cwasm");
    said_as_quoted(
        ended.code(1),
        "Module was compiled with incompatible version '47'",
    );

    board.root.write("broken.cwasm", b"not code at all");
    version_with(&board, &["--allow-precompiled"], "broken.cwasm").code(1);
}

#[test]
fn code_with_fuel_and_time_compiled_in_takes_those_limits() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    for (compiled_in, limit) in [
        ("fuel=1", "fuel=1000000000"),
        ("epoch-interruption", "timeout=900s"),
    ] {
        let script = format!("wasmtime compile -W {compiled_in} dewclaw.wasm -o limited.cwasm");
        board.shell(&script).code(0);
        let flags = ["--allow-precompiled", "-W", limit];
        version_with(&board, &flags, "root/limited.cwasm").code(0);
    }
}

#[test]
fn without_a_place_for_the_cache_wasmtime_stops() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    let run = |flags: &str| {
        // Nothing can be made below /proc, not even by root.
        board.shell(&format!(
            "HOME=/proc wasmtime run --allow-precompiled {flags} -S http /usr/local/lib/dewclaw/dewclaw.cwasm --version"
        ))
    };
    said_as_quoted(run("").code(1), "failed to create cache directory");
    run("-C cache=n").code(0);
}

#[test]
fn limits_say_what_the_page_says() {
    let work = Scratch::with(&[("a.txt", "whole\n")]);
    let write = json!({"path": "a.txt", "content": "x".repeat(100_000)}).to_string();
    let by_argument = Guest::offline()
        .workspace(&work)
        .args(["tool", "write_file", &write]);
    let by_input = Guest::offline()
        .workspace(&work)
        .args(["tool", "write_file", "-"])
        .stdin(write);
    let memory = ["-W", "max-memory-size=262144"];
    let out_of_memory = "wasm `unreachable` instruction executed";
    trapped(&run_with(&memory, &by_argument), out_of_memory);
    let ended = run_with(&memory, &by_input);
    trapped(&ended, out_of_memory);
    said_as_quoted(&ended, "dewclaw: out of memory: grant more linear memory");
    let ended = run_with(&["-W", "fuel=1000"], &by_argument);
    trapped(&ended, "all fuel consumed by WebAssembly");
    assert_eq!(work.read("a.txt"), "whole\n");
    assert_eq!(work.names(), ["a.txt"]);

    let model = ScriptedModel::repeat(Reply::silence());
    let ended = run_with(&["-W", "timeout=300ms"], &Guest::ask(&work, &model, "hi"));
    trapped(&ended, "timed out after deadline has elapsed");
}

#[test]
fn a_limit_on_addresses_stops_wasmtime() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    let ended = board.shell("ulimit -v 2000000; dewclaw-run --version");
    said_as_quoted(ended.code(1), "mmap failed to reserve");
}

#[test]
fn code_that_cannot_be_made_executable_stops_wasmtime() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    // What MemoryDenyWriteExecute= asks of the kernel: PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN, since Linux 6.3.
    let denied = "import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
os.execvp('dewclaw-run', ['dewclaw-run', '--version'])";
    let mut command = board.command("python3");
    let ended = process::run("python3", command.args(["-c", denied]), b"");
    // An older kernel can't be asked.
    if ended.code != Some(77) {
        said_as_quoted(ended.code(1), "unable to make memory executable");
    }
    assert!(page().contains("`MemoryDenyWriteExecute=yes`"));
}

#[test]
fn a_time_limit_from_outside_leaves_files_whole() {
    let model = ScriptedModel::repeat(Reply::silence());
    let board = Board::set_up(&model.base_url());
    board.root.write("var/lib/dewclaw/work/a.txt", "whole\n");
    let ended = board.shell("timeout 0.3 dewclaw-run ask hi");
    assert_eq!(ended.code, Some(124), "{ended}");
    assert!(page().contains("| 124 |"), "docs/edge.md names the status");
    assert_eq!(board.root.read("var/lib/dewclaw/work/a.txt"), "whole\n");
}

#[test]
fn a_private_authority_is_for_the_native_command() {
    let model = ScriptedModel::requiring_key(KEY, [Reply::text("By TLS.")]);
    let front = TlsFront::before(&model.authority(), Valid::Now);
    let board = Board::set_up(&format!("{}/v1", front.url()));
    board.try_once();
    board
        .root
        .write("etc/dewclaw/authority.pem", front.authority());

    // wasmtime does not read the variable, whatever it names.
    let mut command = board.dewclaw_run(&["ask", "hi"]);
    command.env(
        "SSL_CERT_FILE",
        board.root.join("etc/dewclaw/authority.pem"),
    );
    let ended = process::run("dewclaw-run", &mut command, b"");
    said_as_quoted(
        ended.code(3),
        "the TLS handshake failed: check the server's certificate",
    );
    assert_eq!(model.requests().len(), 0);

    let page = blocks(&page());
    let native = page
        .iter()
        .find(|block| block.text.contains("SSL_CERT_FILE"))
        .expect("the page has the native command");
    let ended = board.shell(&native.text);
    ended.code(0).prints("By TLS.\n").keeps(KEY);
}

#[test]
fn a_wrong_clock_is_told_by_the_native_command() {
    for (valid, message) in [
        (Valid::Later, "certificate not valid yet"),
        (Valid::Before, "certificate expired"),
    ] {
        let model = ScriptedModel::never_asked();
        let front = TlsFront::before(&model.authority(), valid);
        let board = Board::set_up(&format!("{}/v1", front.url()));
        board.try_once();
        board
            .root
            .write("etc/dewclaw/authority.pem", front.authority());
        let page = blocks(&page());
        let native = page
            .iter()
            .find(|block| block.text.contains("SSL_CERT_FILE"))
            .expect("the page has the native command");
        let ended = board.shell(&native.text);
        assert_eq!(ended.code, Some(3), "{ended}");
        said_as_quoted(&ended, message);
    }
}

#[test]
fn wasmtime_knows_no_proxies() {
    let model = ScriptedModel::requiring_key(KEY, [Reply::text("direct")]);
    let (board, closed) = (Board::set_up(&model.base_url()), ClosedPort::new());
    let mut command = board.dewclaw_run(&["ask", "hi"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command
            .env(name, closed.url())
            .env(name.to_lowercase(), closed.url());
    }
    let ended = process::run("dewclaw-run", &mut command, b"");
    ended.code(0).prints("direct\n");
}

#[test]
fn a_full_disk_says_what_the_page_says() {
    let work = Scratch::with(&[("a.txt", "whole\n")]);
    let content = "y".repeat(small_disk::ROOM + 4096);
    let guest = Guest::tool(
        &work,
        "write_file",
        &json!({"path": "a.txt", "content": content}),
    );
    let (ended, made, after) = small_disk::run(Host::CommandLine, &guest, &work);
    ended.code(1);
    let message = ended.json()["error"]["message"].to_string();
    // Where mounting is not allowed, the disk is a limit on the size of files, which is told apart.
    if made == Made::ByMount {
        let quoted = "no space left on the device";
        assert!(
            message.contains(quoted) && page().contains(quoted),
            "{message}"
        );
    }
    assert_eq!(after.snapshot(), work.snapshot(), "the old file is whole");

    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([Reply::text(&"so long a text ".repeat(8_000))]);
    let guest = Guest::ask(&work, &model, "talk")
        .state(&state)
        .args(["--record", "runs/2026-11-20.jsonl"]);
    let (ended, _, _) = small_disk::run(Host::CommandLine, &guest, &state);
    said_as_quoted(
        ended.code(1).says(&["runs/2026-11-20.jsonl"]),
        "can't be written to the state folder",
    );
}

#[test]
fn pruning_takes_what_is_old_and_nothing_else() {
    let model = ScriptedModel::repeat(Reply::text("ok"));
    let board = Board::set_up(&model.base_url());
    let days = |days: u64| SystemTime::now() - Duration::from_secs(days * 86_400);
    for (name, written) in [
        ("state/runs/2026-01-01.jsonl", days(40)),
        ("work/.dewclaw-0123456789abcdef.tmp", days(3)),
        ("work/old-notes.md", days(400)),
    ] {
        let path = board.root.write(&format!("var/lib/dewclaw/{name}"), "old");
        let file = std::fs::File::options().write(true).open(path);
        file.and_then(|file| file.set_modified(written))
            .expect("a file can be made old");
    }
    for block in blocks(&page()) {
        if block.text.contains("find ") {
            board.shell(&block.text).code(0);
        }
    }
    let left: Vec<_> = board
        .root
        .names()
        .into_iter()
        .filter_map(|name| Some(name.strip_prefix("var/lib/dewclaw/")?.to_owned()))
        .collect();
    let runs: Vec<_> = left
        .iter()
        .filter(|name| name.starts_with("state/runs/"))
        .collect();
    assert_eq!(runs.len(), 1, "today's recording: {left:?}");
    assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{left:?}");
    assert!(left.contains(&"work/old-notes.md".to_owned()), "{left:?}");
}

#[test]
fn the_model_is_told_the_date_of_the_board() {
    let model = ScriptedModel::repeat(Reply::text("ok"));
    let board = Board::set_up(&model.base_url());
    // Around midnight either day is right.
    let before = board.shell("date -u +%F");
    board.shell("dewclaw-run ask hi").code(0);
    let after = board.shell("date -u +%F");
    let told = model.last_request().messages()[0]["content"].to_string();
    let day = |ended: &Ended| format!("Today is {} (UTC)", ended.stdout().trim());
    assert!(
        told.contains(&day(&before)) || told.contains(&day(&after)),
        "{told}"
    );
}

#[test]
fn an_upgrade_does_not_disturb_a_run() {
    let model = ScriptedModel::start([Reply::text("first"), Reply::text("second")]);
    let board = Board::set_up(&model.base_url());
    let upgrade = blocks(&page())
        .into_iter()
        .find(|block| block.text.contains("mv next.wasm"))
        .expect("the page has the upgrade");
    let compiled = "usr/local/lib/dewclaw/dewclaw.cwasm";
    let held = std::fs::File::open(board.root.join(compiled)).expect("it was compiled");
    let old = std::fs::read(board.root.join(compiled)).expect("it was compiled");
    let ended = board.shell(&upgrade.text);
    ended.code(0);
    assert!(ended.stdout().starts_with("dewclaw "), "{ended}");
    let mut kept = Vec::new();
    std::io::Read::read_to_end(&mut &held, &mut kept).expect("an open file stays");
    assert!(kept == old, "what a run holds open is as it was");
    for answer in ["first\n", "second\n"] {
        board.shell("dewclaw-run ask hi").code(0).prints(answer);
    }
}

#[test]
fn a_component_has_two_exit_statuses_and_events_tell_more() {
    let work = Scratch::new();
    let ended = Host::CommandLine.run(
        &Guest::dewclaw()
            .workspace(&work)
            .args(["ask", "hi", "--model", "m", "--json"]),
    );
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.finished()["exit_code"], 2);
}
