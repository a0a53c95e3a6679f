//! The native `dewclaw`: the same component, with exit codes of its own.

use e2e::artifact;
use e2e::host::Ended;
use e2e::loopback::ClosedPort;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::web::{BRAVE_PATH, Hit, Meeting, Page, Search, Site};
use serde_json::json;
use std::process::Command;

mod plugins;
mod rendering;

/// Runs the native command in a workspace and with a state of its own.
fn dewclaw(
    work: &Scratch,
    state: &Scratch,
    environment: &[(&str, &str)],
    arguments: &[&str],
) -> Ended {
    let mut command = command(work, state);
    command.envs(environment.iter().copied()).args(arguments);
    Ended {
        tells_failures_apart: true,
        ..process::run("dewclaw", &mut command, b"")
    }
}

/// The native command over these folders, with no setting of the caller's own.
pub(crate) fn command(work: &Scratch, state: &Scratch) -> Command {
    let binary = artifact::from_environment(
        "DEWCLAW_BIN",
        "the native `dewclaw` command, built by cargo",
    );
    let mut command = Command::new(binary);
    // What the caller's own shell sets must not decide a test.
    for name in [
        "OPENAI_API_KEY",
        "OPENAI_API_KEY_FILE",
        "OPENAI_BASE_URL",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_API_KEY_FILE",
        "ANTHROPIC_BASE_URL",
        "BRAVE_API_KEY",
        "BRAVE_API_KEY_FILE",
        "SEARXNG_URL",
        "DEWCLAW_ALLOW_FETCH",
        "DEWCLAW_APPROVE",
        "DEWCLAW_MODEL",
        "DEWCLAW_READ_ONLY",
        "DEWCLAW_SEARCH",
        "DEWCLAW_SEARCH_URL",
        "DEWCLAW_TOOLS",
        "DEWCLAW_WIRE",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
        .arg("--workspace")
        .arg(work.path())
        .arg("--state")
        .arg(state.path());
    command
}

#[test]
fn ask_works_and_changes_files() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::requiring_key(
        "sk-native",
        [
            Reply::call(
                "c",
                "write_file",
                json!({"path": "a.txt", "content": "native\n"}),
            ),
            Reply::text("Wrote it."),
        ],
    );
    let environment = [
        ("OPENAI_BASE_URL", &*model.base_url()),
        ("OPENAI_API_KEY", "sk-native"),
    ];
    let ended = dewclaw(
        &work,
        &state,
        &environment,
        &["ask", "write", "--model", "scripted"],
    );
    ended.code(0).prints("Wrote it.\n").keeps("sk-native");
    assert_eq!(work.read("a.txt"), "native\n");
}

#[test]
fn the_current_folder_is_the_default_workspace() {
    let (work, state) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let binary = artifact::from_environment(
        "DEWCLAW_BIN",
        "the native `dewclaw` command, built by cargo",
    );
    let mut command = Command::new(binary);
    command.env("DEWCLAW_STATE", state.path());
    command
        .current_dir(work.path())
        .args(["tool", "read_file", r#"{"path":"a.txt"}"#]);
    let ended = process::run("dewclaw", &mut command, b"");
    ended.code(0);
    assert!(ended.stdout().contains("alpha"), "{ended}");
}

#[test]
fn exit_code_1_for_a_tool_that_fails() {
    let (work, state) = (Scratch::new(), Scratch::new());
    dewclaw(
        &work,
        &state,
        &[],
        &["tool", "read_file", r#"{"path":"missing"}"#],
    )
    .code(1);
}

#[test]
fn exit_code_2_for_usage() {
    let (work, state) = (Scratch::new(), Scratch::new());
    dewclaw(&work, &state, &[], &["aks", "hi"])
        .code(2)
        .says(&["aks"]);
    dewclaw(&work, &state, &[], &["ask", "hi", "--model", "m"])
        .code(2)
        .says(&["OPENAI_API_KEY"]);
}

#[test]
fn exit_code_3_when_the_model_cannot_be_reached_or_refuses() {
    let (work, closed) = (Scratch::new(), ClosedPort::new());
    let state = Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1, "model": "m"}"#)]);
    let url = format!("{}/v1", closed.url());
    dewclaw(&work, &state, &[("OPENAI_BASE_URL", &url)], &["ask", "hi"])
        .code(3)
        .says(&["127.0.0.1"]);
    let model = ScriptedModel::start([Reply::error(
        401,
        "No such key.",
        "invalid_request_error",
        None,
    )]);
    let environment = [("OPENAI_BASE_URL", &*model.base_url())];
    dewclaw(&work, &state, &environment, &["ask", "hi"])
        .code(3)
        .says(&["No such key."]);
}

#[test]
fn exit_code_4_at_a_limit() {
    let (work, state) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let model = ScriptedModel::start([
        Reply::call("c", "read_file", json!({"path": "a.txt"})),
        Reply::text("That was all I could do."),
    ]);
    let environment = [
        ("OPENAI_BASE_URL", &*model.base_url()),
        ("DEWCLAW_MODEL", "m"),
    ];
    let ended = dewclaw(
        &work,
        &state,
        &environment,
        &["ask", "hi", "--max-steps", "1"],
    );
    ended.code(4).prints("That was all I could do.\n");
}

#[test]
fn exit_code_5_when_a_permission_denies_it() {
    let (outside, state) = (
        Scratch::with(&[("key.txt", "hidden words"), ("work/a.txt", "a")]),
        Scratch::new(),
    );
    let work = Scratch::copy_of(&outside.join("work"));
    let ended = dewclaw(
        &work,
        &state,
        &[],
        &["tool", "read_file", r#"{"path":"../key.txt"}"#],
    );
    ended.code(5).keeps("hidden words");
}

#[test]
fn recordings_lie_in_the_state_folder() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([Reply::text("Kept.")]);
    let environment = [
        ("OPENAI_BASE_URL", &*model.base_url()),
        ("DEWCLAW_MODEL", "m"),
    ];
    dewclaw(
        &work,
        &state,
        &environment,
        &["ask", "hi", "--record", "run.rec"],
    )
    .code(0);
    assert_eq!(work.names(), Vec::<String>::new());
    assert!(state.has("run.rec"), "{:?}", state.names());
    dewclaw(&work, &state, &[], &["replay", "run.rec"])
        .code(0)
        .prints("Kept.\n");
}

#[test]
fn pages_are_fetched_together_and_searches_have_their_key() {
    let meeting = Meeting::of(3);
    let page = |text: &str, turn| Page::text(text).at(&meeting, turn);
    let search = Search::finding(Hit::many(3)).brave("BSA-native");
    let site = Site::open([
        ("/one", page("Page one.", 2)),
        ("/two", page("Page two.", 0)),
        (BRAVE_PATH, search.at(&meeting, 1)),
    ]);
    let (work, state) = (Scratch::new(), Scratch::new());
    let settings = json!({"search": "brave", "search_url": site.url(BRAVE_PATH)});
    state.write("dewclaw.json", settings.to_string());
    let model = ScriptedModel::start([
        Reply::calls([
            Call::new("c1", "web_fetch", json!({"url": site.url("/one")})),
            Call::new("c2", "web_search", json!({"query": "valve"})),
            Call::new("c3", "web_fetch", json!({"url": site.url("/two")})),
        ]),
        Reply::text("All read."),
    ]);
    let environment = [
        ("OPENAI_BASE_URL", &*model.base_url()),
        ("DEWCLAW_MODEL", "m"),
        ("BRAVE_API_KEY", "BSA-native"),
        ("DEWCLAW_ALLOW_FETCH", &site.authority()),
    ];
    let ended = dewclaw(&work, &state, &environment, &["ask", "read"]);
    ended.code(0).prints("All read.\n").keeps("BSA-native");
    let results = model.last_request().tool_results();
    for ((id, result), words) in results.iter().zip(["Page one.", "Result 1", "Page two."]) {
        assert!(result.to_string().contains(words), "{id}: {result}");
    }
}

#[test]
fn exit_code_5_when_a_host_is_not_allowed() {
    let (site, work, state) = (Site::untouched(), Scratch::new(), Scratch::new());
    let arguments = json!({"url": site.url("/")}).to_string();
    let ended = dewclaw(
        &work,
        &state,
        &[],
        &["tool", "web_fetch", &arguments, "--allow-fetch", "*"],
    );
    ended.code(5);
    assert_eq!(ended.json()["error"]["kind"], "permission_denied");
    assert_eq!(site.connections(), 0);
}
