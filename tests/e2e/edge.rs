//! What docs/edge.md shows and says: its commands run in their order, its files are those of examples/edge, the service's and the cron
//! line's command run, and its quoted messages are said.

mod board;
mod trouble;

use board::{Board, KEY, examples, file_of, page};
use e2e::artifact;
use e2e::guest::Guest;
use e2e::markdown::blocks;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::wasmtime_run;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longer than a request takes to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

/// What blocks that are not run may hold: the internet, another machine, users, systemd.
const NOT_RUN: [&str; 7] = [
    "curl ",
    "tar ",
    "install -m 0755 wasmtime-v",
    "scp ",
    "useradd ",
    "systemctl ",
    "journalctl ",
];

#[test]
fn every_command_of_the_page_works() {
    let model = ScriptedModel::repeat(Reply::text("All is well."));
    let board = Board::fresh(&model.base_url());
    board
        .root
        .write("var/lib/dewclaw/work/readings.csv", "a,17.7\n");
    let mut ran = 0;
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
            "text says" => continue,
            info => {
                assert!(info.contains(" file="), "what is a block of {info:?}?");
                continue;
            }
        }
        let asked = model.requests().len();
        let ended = board.shell(&block.text);
        ended.code(0).keeps(KEY);
        if block.text.contains(" ask ") {
            assert!(ended.stdout().contains("All is well."), "{ended}");
            let requests = model.requests();
            assert_eq!(requests.len(), asked + 1, "{}", block.text);
            let key = requests[asked].http.header("authorization");
            assert_eq!(key, Some(format!("Bearer {KEY}").as_str()));
        }
        if block.text.contains("--output report.md") {
            let report = board.root.read("var/lib/dewclaw/work/report.md");
            assert_eq!(report.trim_end(), "All is well.");
        }
        ran += 1;
    }
    assert!(ran >= 14, "only {ran} blocks were run");
    let mode = |path: &str| {
        let metadata = board.root.join(path).metadata().expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("var/lib/dewclaw/state"), 0o700);
    for secret in ["key", "dewclaw.json"] {
        assert_eq!(
            mode(&format!("var/lib/dewclaw/state/{secret}")),
            0o600,
            "{secret}"
        );
    }
    assert_eq!(mode("etc/dewclaw/key"), 0o600);
    assert!(
        !board.root.has("usr/local/lib/dewclaw/next.cwasm"),
        "it was renamed"
    );
}

#[test]
fn the_page_shows_the_files_as_they_are() {
    let shown: Vec<_> = blocks(&page())
        .into_iter()
        .filter(|block| file_of(block).is_some())
        .collect();
    let files = std::fs::read_dir(examples()).expect("there is examples/edge");
    assert_eq!(shown.len(), files.count(), "every file is shown, once");
    for block in &shown {
        let name = file_of(block).unwrap_or_default();
        let file = std::fs::read_to_string(examples().join(name)).expect("the file is there");
        assert_eq!(
            format!("{}\n", block.text),
            file,
            "docs/edge.md shows {name}"
        );
    }
    let tools = std::fs::read_to_string(artifact::repository().join("scripts/tools.sh"))
        .expect("there is scripts/tools.sh");
    let version = tools
        .lines()
        .find_map(|line| line.strip_prefix("wasmtime_version="))
        .expect("scripts/tools.sh names a version");
    assert!(
        page().contains(&format!("/wasmtime-v{version}-")),
        "{version}"
    );
}

/// The value of a key in a unit file, which must stand there once.
fn setting(unit: &str, key: &str) -> String {
    let values: Vec<_> = unit
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .collect();
    assert_eq!(values.len(), 1, "{key} in\n{unit}");
    values[0].to_owned()
}

#[test]
fn the_units_are_sound() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    for block in blocks(&page()) {
        if block.text.contains("edge/dewclaw.service ") || block.text.contains("credential.conf /")
        {
            board.shell(&block.text).code(0);
        }
    }
    let service = board.root.read("etc/systemd/system/dewclaw.service");
    for (key, value) in [
        ("Type", "oneshot"),
        ("User", "dewclaw"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("After", "network-online.target time-sync.target"),
    ] {
        assert_eq!(setting(&service, key), value, "{key}");
    }
    for key in ["TimeoutStartSec", "MemoryMax"] {
        assert!(!setting(&service, key).is_empty());
    }
    // It would stop wasmtime, as the page says.
    assert!(!service.contains("MemoryDenyWriteExecute"));
    for folder in setting(&service, "ReadWritePaths").split_whitespace() {
        assert!(Path::new(folder).is_dir(), "{folder}");
    }
    let timer = board.root.read("etc/systemd/system/dewclaw.timer");
    assert_eq!(setting(&timer, "WantedBy"), "timers.target");

    // What systemd itself says, where it is: it names the file of whatever it does not like.
    let mut verify = Command::new("systemd-analyze");
    verify
        .args(["verify", "--man=no"])
        .arg(board.root.join("etc/systemd/system/dewclaw.service"))
        .arg(board.root.join("etc/systemd/system/dewclaw.timer"))
        .stdin(Stdio::null());
    if let Ok(output) = verify.output() {
        let said = String::from_utf8_lossy(&output.stderr);
        let ours: Vec<_> = said
            .lines()
            .filter(|line| line.contains("dewclaw"))
            .collect();
        assert!(ours.is_empty(), "{said}");
    }
}

#[test]
fn the_service_runs_what_its_unit_says() {
    let model = ScriptedModel::requiring_key(
        KEY,
        [
            Reply::call(
                "c",
                "write_file",
                json!({"path": "report.md", "content": "17.7\n"}),
            ),
            Reply::text("Nothing unusual."),
        ],
    );
    let board = Board::set_up(&model.base_url());
    let unit = board.root.read("root/edge/dewclaw.service");
    let start = setting(&unit, "ExecStart");
    let mut words = start.split_whitespace();
    let mut command = board.command(words.next().expect("ExecStart names a program"));
    command.args(words);
    let input = setting(&unit, "StandardInput");
    let prompt = input.strip_prefix("file:").expect("the prompt is a file");
    let prompt = std::fs::read(prompt).expect("the page has written the prompt");
    let ended = process::run("the service", &mut command, &prompt);
    ended.code(0).prints("Nothing unusual.\n").keeps(KEY);
    assert_eq!(ended.stderr(), "", "--quiet is quiet");
    assert_eq!(board.root.read("var/lib/dewclaw/work/report.md"), "17.7\n");
}

#[test]
fn a_credential_goes_before_the_key_in_state() {
    let model = ScriptedModel::requiring_key("sk-of-systemd", [Reply::text("ok")]);
    let board = Board::set_up(&model.base_url());
    let conf = std::fs::read_to_string(examples().join("credential.conf")).expect("it is there");
    let (name, _) = setting(&conf, "LoadCredential")
        .split_once(':')
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .expect("a credential is NAME:PATH");
    board
        .root
        .write(&format!("run/credentials/{name}"), "sk-of-systemd\n");
    // The page says that it can go.
    std::fs::remove_file(board.root.join("var/lib/dewclaw/state/key")).expect("there is a key");
    let mut command = board.dewclaw_run(&["ask", "hi"]);
    command.env(
        "CREDENTIALS_DIRECTORY",
        board.root.path().join("run/credentials"),
    );
    process::run("dewclaw-run", &mut command, b"")
        .code(0)
        .prints("ok\n")
        .keeps("sk-of-systemd");
}

/// The command of the cron line, run as cron runs it: by the shell and with the variables that the file names, and no other but HOME.
fn cron_job(board: &Board, before: &str) -> Command {
    let crontab = board.root.read("root/edge/crontab");
    let line = crontab.lines().last().expect("there is a line");
    let mut fields = line.splitn(7, ' ');
    let when: Vec<_> = fields.by_ref().take(5).collect();
    assert_eq!(when, ["0", "6", "*", "*", "*"]);
    assert_eq!(fields.next(), Some("dewclaw"), "the user");
    let job = fields.next().expect("there is a command");
    assert!(
        !job.contains('%'),
        "cron makes an end of the line of it: {job}"
    );
    let mut command = Command::new("env");
    command
        .args(["-i", &format!("HOME={}", board.root.path().display())])
        .args(crontab.lines().filter(|line| {
            line.split_once('=')
                .is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase()))
        }))
        .args(["/bin/sh", "-c", &format!("{before}{job}")])
        .current_dir(board.root.path());
    command
}

#[test]
fn the_cron_line_runs_and_keeps_a_log() {
    let model = ScriptedModel::requiring_key(KEY, [Reply::text("One."), Reply::text("Two.")]);
    let board = Board::set_up(&model.base_url());
    for _ in 0..2 {
        let ended = process::run("cron", &mut cron_job(&board, ""), b"");
        ended.code(0).prints("");
    }
    assert_eq!(board.root.read("var/lib/dewclaw/state/log"), "One.\nTwo.\n");
}

#[test]
fn a_cron_run_that_lasts_does_not_meet_the_next() {
    let model = ScriptedModel::never_asked();
    let board = Board::set_up(&model.base_url());
    // The lock is held by another, as by a run that lasts.
    let state = board.here("/var/lib/dewclaw/state");
    let before = format!("exec 9< {state}; flock -n 9 || exit 99; ");
    let ended = process::run("cron", &mut cron_job(&board, &before), b"");
    assert_eq!(ended.code, Some(1), "{ended}");
    assert_eq!(model.connections(), 0);
}

/// The command line of a run that waits for its model, as everybody on the machine sees it, and the mode of its environment.
fn seen_from_outside(command: &mut Command, model: &ScriptedModel) -> (String, u32) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it can be started");
    model.wait_for(1, PATIENCE);
    let folder = format!("/proc/{}", child.id());
    let line = std::fs::read(format!("{folder}/cmdline"));
    let environment = std::fs::metadata(format!("{folder}/environ"));
    child.kill().expect("it can be ended");
    child.wait().expect("it can be waited for");
    let line = String::from_utf8_lossy(&line.expect("it ran")).into_owned();
    (
        line,
        environment.expect("it ran").permissions().mode() & 0o777,
    )
}

#[test]
fn a_key_handed_over_by_name_is_not_seen_by_others() {
    let silent = || ScriptedModel::start([Reply::silence()]);
    let (model, control) = (silent(), silent());
    let board = Board::set_up(&model.base_url());
    let mut command = board.dewclaw_run(&["ask", "hi"]);
    let (line, environment) =
        seen_from_outside(command.env("OPENAI_API_KEY", "sk-by-name"), &model);
    assert!(
        line.contains("--env\0OPENAI_API_KEY\0") && !line.contains("sk-by-name"),
        "{line}"
    );
    assert_eq!(
        environment, 0o400,
        "the environment is its user's and root's"
    );
    let sent = model.only_request();
    assert_eq!(
        sent.http.header("authorization"),
        Some("Bearer sk-by-name"),
        "and it arrived"
    );

    let work = Scratch::new();
    let guest = Guest::ask(&work, &control, "hi").env("OPENAI_API_KEY", "sk-by-value");
    let (line, _) = seen_from_outside(&mut wasmtime_run::command(&guest), &control);
    assert!(line.contains("sk-by-value"), "{line}");
}
