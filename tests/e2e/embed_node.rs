//! examples/embed-node: a Node program with the agent inside, as a person runs it.

use e2e::artifact;
use e2e::host::Ended;
use e2e::loopback::ClosedPort;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::web::{Page, Site};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The files of the program.
const FILES: [&str; 4] = ["main.mjs", "drive.mjs", "http.mjs", "files.mjs"];

/// The folder of the example in the repository.
fn source() -> PathBuf {
    artifact::repository().join("examples/embed-node")
}

/// The example after `npm run build`: with the component beside it, as JavaScript.
fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embed-node");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        for name in FILES.into_iter().chain(["package.json"]) {
            std::fs::copy(source().join(name), folder.join(name))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let mut jco = Command::new(artifact::from_environment("JCO", "the jco of scripts/npm"));
        jco.args(["transpile", "--quiet"])
            .arg(artifact::dewclaw_core())
            .arg("-o")
            .arg(folder.join("component"));
        process::run("jco", &mut jco, b"").code(0);
        folder
    })
}

/// The program over a workspace, with a model and no setting of the caller's own.
fn program(work: &Scratch, base_url: &str) -> Command {
    let mut command = Command::new("node");
    for name in ["OPENAI_API_KEY", "DEWCLAW_ALLOW_FETCH"] {
        command.env_remove(name);
    }
    command
        .env("OPENAI_BASE_URL", base_url)
        .env("DEWCLAW_MODEL", "scripted")
        .arg(example().join("main.mjs"))
        .arg("--dir")
        .arg(work.path());
    command
}

/// Runs it while a person types `typed`.
fn run(command: &mut Command, typed: &str) -> Ended {
    Ended {
        tells_failures_apart: true,
        ..process::run("node", command, typed.as_bytes())
    }
}

fn write(id: &str, path: &str) -> Reply {
    let arguments = json!({"path": path, "content": "11.5\n"});
    Reply::call(id, "write_file", arguments)
}

#[track_caller]
fn denied(result: &Value) {
    assert_eq!(result["error"]["kind"], "permission_denied", "{result}");
}

#[test]
fn a_tool_of_the_programs_an_approval_and_a_refusal() {
    let work = Scratch::new();
    let model = ScriptedModel::requiring_key(
        "sk-node",
        [
            Reply::call("c1", "read_temperature", json!({"room": "cellar"})).saying("Let me look."),
            Reply::call("c2", "read_temperature", json!({"room": "attic"})),
            write("c3", "reports/cellar.txt"),
            write("c4", "other.txt"),
            Reply::text("It is 11.5 degrees in the cellar."),
        ],
    );
    let mut command = program(&work, &model.base_url());
    command
        .env("OPENAI_API_KEY", "sk-node")
        .arg("How cold is it?");
    let ended = run(&mut command, "y\nn\n");
    ended
        .code(0)
        .prints("Let me look.\nIt is 11.5 degrees in the cellar.\n")
        .says(&[
            "* read_temperature {\"room\":\"cellar\"}",
            "May write_file run? [y]es, [n]o:",
            "reports/cellar.txt",
            "# tokens: ",
        ])
        .keeps("sk-node");
    let requests = model.requests();
    assert!(requests[0].tool_names().contains(&"read_temperature"));
    assert!(!requests[0].tool_names().contains(&"web_fetch"));
    assert_eq!(requests[1].tool_result()["celsius"], 11.5);
    let result = requests[2].tool_result().to_string();
    assert!(result.contains("no thermometer in attic"), "{result}");
    assert!(requests[3].tool_result().get("error").is_none());
    denied(&requests[4].tool_result());
    assert_eq!(work.names(), ["reports/cellar.txt"]);
    assert_eq!(work.read("reports/cellar.txt"), "11.5\n");
}

#[test]
fn with_nobody_to_ask_writes_are_refused() {
    let work = Scratch::new();
    let model = ScriptedModel::start([write("c", "a.txt"), Reply::text("I may not.")]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("write"), "").code(0).prints("I may not.\n");
    denied(&model.last_request().tool_result());
    assert_eq!(work.names(), [""; 0]);
}

#[test]
fn text_is_shown_while_the_model_still_writes() {
    let work = Scratch::new();
    // Half of the answer comes, and then nothing for as long as the server runs.
    let model =
        ScriptedModel::start([Reply::text("Once upon a time there was a model").stall_after(2000)]);
    let mut command = program(&work, &model.base_url());
    let shown = process::output_until(command.arg("a story"), "Once");
    assert!(shown.starts_with("Once"), "{shown}");
}

#[test]
fn a_session_goes_on_in_another_process() {
    let (work, kept) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let file = kept.join("session");
    let model = ScriptedModel::requiring_key(
        "sk-node",
        [
            Reply::call("c", "read_file", json!({"path": "a.txt"})),
            Reply::text("It says alpha."),
            Reply::text("You asked before."),
        ],
    );
    let ask = |prompt: &str| {
        let mut command = program(&work, &model.base_url());
        command.env("OPENAI_API_KEY", "sk-node");
        run(command.arg("--session").arg(&file).arg(prompt), "")
    };
    ask("What does it say?").code(0).prints("It says alpha.\n");
    ask("And again?").code(0).prints("You asked before.\n");
    let requests = model.requests();
    let (before, after) = (requests[1].messages(), requests[2].messages());
    assert_eq!(after[..before.len()], *before, "the history is as it was");
    assert_eq!(after.len(), before.len() + 2, "an answer and a prompt");
    let saved = std::fs::read(&file).expect("the session is kept");
    assert!(!String::from_utf8_lossy(&saved).contains("sk-node"));
    assert_eq!(kept.names(), ["session"]);
}

#[test]
fn ctrl_c_cancels_the_turn_and_keeps_the_session() {
    let (work, kept) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([
        Reply::text("A long story").stall_after(500),
        Reply::text("Here I am."),
    ]);
    let file = kept.join("session");
    let ask = |prompt: &str| {
        let mut command = program(&work, &model.base_url());
        command.arg("--session").arg(&file).arg(prompt);
        command
    };
    let story = ask("a story");
    // A shell that says which process it is before it becomes the program.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "echo $$ >\"$0\"; exec \"$@\""])
        .arg(kept.join("pid"));
    shell.arg(story.get_program()).args(story.get_args());
    for (name, value) in story.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&mut shell, ""));
        model.wait_for(1, Duration::from_secs(60));
        let pid = kept.read("pid");
        let mut interrupt = Command::new("kill");
        process::run("kill", interrupt.args(["-INT", pid.trim()]), b"").code(0);
        let ended = running.join().expect("it ends");
        ended.code(1).says(&["embed-node: cancelled"]);
    });
    run(&mut ask("Are you there?"), "")
        .code(0)
        .prints("Here I am.\n");
    let messages = model.last_request().messages().to_vec();
    assert!(json!(messages).to_string().contains("a story"));
}

#[test]
fn what_leads_out_of_the_folder_or_into_state_is_refused() {
    let (outside, work) = (
        Scratch::with(&[("key.txt", "hidden words")]),
        Scratch::with(&[(".dewclaw/dewclaw.json", "{}"), ("a.txt", "alpha\n")]),
    );
    for (target, link) in [
        (outside.path().to_owned(), "out"),
        (outside.join("key.txt"), "key.txt"),
        (outside.join("new.txt"), "dangling"),
        (".dewclaw".into(), "state"),
    ] {
        std::os::unix::fs::symlink(target, work.join(link)).expect("a link can be made");
    }
    let before = (outside.snapshot(), work.snapshot());
    let read = |path: &str| Call::new(path, "read_file", json!({"path": path}));
    let write = |path: &str| {
        let arguments = json!({"path": path, "content": "x"});
        Call::new(&format!("to {path}"), "write_file", arguments)
    };
    let calls = [
        read("out/key.txt"),
        read("key.txt"),
        read("state/dewclaw.json"),
        write("out/key.txt"),
        write("key.txt"),
        write("dangling"),
        write("state/dewclaw.json"),
    ];
    let typed = "y\n".repeat(4);
    let model = ScriptedModel::start([
        Reply::calls(calls),
        Reply::call("l", "list_directory", json!({"path": "."})),
        Reply::text("I could not."),
    ]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("look"), &typed).code(0);
    let requests = model.requests();
    let results = requests[1].tool_results();
    assert_eq!(results.len(), 7);
    for (_, result) in &results {
        denied(result);
    }
    let listing = requests[2].tool_result().to_string();
    assert!(listing.contains("a.txt"), "{listing}");
    assert!(!listing.contains(".dewclaw"), "{listing}");
    assert_eq!((outside.snapshot(), work.snapshot()), before);
}

#[test]
fn a_script_stays_executable() {
    use std::os::unix::fs::PermissionsExt;
    let work = Scratch::with(&[("run.sh", "#!/bin/sh\necho old\n")]);
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(work.join("run.sh"), permissions).expect("it can be set");
    let edit = json!({"path": "run.sh", "old_text": "old", "new_text": "new"});
    let model = ScriptedModel::start([Reply::call("c", "edit_file", edit), Reply::text("Done.")]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("edit"), "yes\n").code(0).prints("Done.\n");
    assert_eq!(work.read("run.sh"), "#!/bin/sh\necho new\n");
    let metadata = std::fs::metadata(work.join("run.sh")).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o111, 0o111);
    assert_eq!(work.names(), ["run.sh"]);
}

#[test]
fn pages_of_an_allowed_host_are_fetched() {
    let work = Scratch::new();
    let site = Site::open([("/one", Page::text("Page one.")), ("/two", Page::hang_up())]);
    let fetch = |id: &str, path: &str| Call::new(id, "web_fetch", json!({"url": site.url(path)}));
    let model = ScriptedModel::start([
        Reply::calls([fetch("c1", "/one"), fetch("c2", "/two")]),
        Reply::text("Read."),
    ]);
    let mut command = program(&work, &model.base_url());
    command.env("DEWCLAW_ALLOW_FETCH", site.authority());
    run(command.arg("read"), "").code(0).prints("Read.\n");
    let results = model.last_request().tool_results();
    assert!(results[0].1.to_string().contains("Page one."));
    let failed = results[1].1["error"]["message"].to_string();
    assert!(failed.contains("connection closed"), "{failed}");
}

#[test]
fn a_model_that_refuses_or_is_not_there_is_told_apart() {
    let work = Scratch::new();
    let no_key = Reply::error(401, "No such key.", "invalid_request_error", None);
    let model = ScriptedModel::start([no_key]);
    let mut command = program(&work, &model.base_url());
    run(command.arg("hi"), "")
        .code(3)
        .says(&["embed-node: ", "401", "No such key."]);
    let closed = ClosedPort::new();
    let mut command = program(&work, &format!("{}/v1", closed.url()));
    run(command.arg("hi"), "")
        .code(3)
        .says(&["trying again", "could not connect to the server"]);
}

#[test]
fn what_is_wrong_on_the_command_line_is_said() {
    let work = Scratch::with(&[("nonsense", "no session")]);
    let model = ScriptedModel::never_asked();
    let nonsense = work.join("nonsense");
    let nonsense = nonsense.to_str().expect("UTF-8");
    for (arguments, said) in [
        (&[][..], "usage: node main.mjs --dir DIR"),
        (&["one", "two"], "usage: node main.mjs --dir DIR"),
        (&["--dri", "x", "hi"], "--dri"),
        (&["--dir", "nowhere", "hi"], "nowhere"),
        (&["--dir", nonsense, "hi"], "is not a folder"),
        (&["--session", nonsense, "hi"], "saved bytes"),
        (&[" "], "empty-prompt"),
    ] {
        let mut command = program(&work, &model.base_url());
        run(command.args(arguments), "").code(2).says(&[said]);
    }
    let mut command = program(&work, &model.base_url());
    command.env_remove("DEWCLAW_MODEL").arg("hi");
    run(&mut command, "").code(2).says(&["DEWCLAW_MODEL"]);
    let mut command = program(&work, "nonsense");
    run(command.arg("hi"), "").code(2).says(&["base URL"]);
}

#[test]
fn its_files_are_as_long_as_its_readme_says() {
    let read = |name| std::fs::read_to_string(source().join(name)).expect("the file is there");
    let readme = read("README.md");
    for name in FILES {
        let lines = read(name).lines().count();
        assert!(lines < 150, "{name} has {lines} lines");
        let row = format!("| `{name}` | {lines} |");
        assert!(readme.contains(&row), "README.md lacks {row:?}");
    }
}
