//! What only the wasmtime command line shows: its flags, its refusals, and output as it streams.

use e2e::artifact;
use e2e::guest::Guest;
use e2e::host::Host;
use e2e::markdown::fenced_blocks;
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::wasmtime_run;
use serde_json::json;
use std::process::Command;

/// Every word of a text, so that line breaks and indents do not count.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn without_http_wasmtime_refuses_and_the_readme_quotes_it() {
    let work = Scratch::new();
    let guest = Guest::dewclaw()
        .workspace(&work)
        .without_network()
        .args(["ask", "hi"]);
    let ended = Host::CommandLine.run(&guest);
    assert_eq!(ended.code, Some(1), "{ended}");
    assert_eq!(ended.stdout(), "", "none of our code ran");
    ended.says(&[
        "wasi:http/",
        "matching implementation was not found in the linker",
    ]);

    let readme = std::fs::read_to_string(artifact::repository().join("README.md"))
        .expect("there is a README.md");
    let blocks = fenced_blocks(&readme, "");
    let quote = blocks
        .iter()
        .find(|block| block.contains("matching implementation was not found"))
        .expect("README.md quotes the refusal in a fenced block");
    let real = ended.stderr();
    let (quoted, real) = (words(quote), words(&real));
    // The path of the artifact is the reader's own.
    let path = |word: &&str| !word.contains("dewclaw.wasm");
    let quoted: Vec<_> = quoted.into_iter().filter(path).collect();
    let real: Vec<_> = real.into_iter().filter(path).collect();
    assert!(
        real.windows(quoted.len()).any(|window| window == quoted),
        "the README quotes\n{quote}\nwhich is not in\n{}",
        ended.stderr()
    );
    assert!(readme.contains("-S http"), "the README names the fix");
}

#[test]
fn the_offline_artifact_runs_without_http() {
    let work = Scratch::with(&[("a.txt", "alpha\n")]);
    let ended = Host::CommandLine.run(&Guest::tool(&work, "read_file", &json!({"path": "a.txt"})));
    ended.code(0);
    assert!(ended.stdout().contains("alpha"), "{ended}");
}

#[test]
fn a_folder_without_a_guest_name_is_the_workspace() {
    let work = Scratch::new();
    let model = ScriptedModel::start([
        Reply::call(
            "c",
            "write_file",
            json!({"path": "a.txt", "content": "by dot\n"}),
        ),
        Reply::text("Done."),
    ]);
    let mut command = Command::new(artifact::wasmtime());
    command
        .current_dir(work.path())
        .args(["run", "-S", "http", "--dir", "."])
        .args(["--env", &format!("OPENAI_BASE_URL={}", model.base_url())])
        .arg(artifact::dewclaw())
        .args(["ask", "write", "--model", "scripted"]);
    process::run("wasmtime run --dir .", &mut command, b"")
        .code(0)
        .prints("Done.\n");
    assert_eq!(work.read("a.txt"), "by dot\n");
}

#[test]
fn a_folder_under_any_name_is_the_workspace_when_it_is_the_only_one() {
    let work = Scratch::new();
    let guest = Guest::offline().folder(work.path(), "project");
    let ended = Host::CommandLine.run(&guest.args([
        "tool",
        "write_file",
        r#"{"path":"a.txt","content":"x"}"#,
    ]));
    ended.code(0);
    assert_eq!(work.read("a.txt"), "x");
}

#[test]
fn the_environment_is_what_was_granted_and_no_more() {
    let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
    let mut command = wasmtime_run::command(&Guest::ask(&work, &model, "hi"));
    // Set for wasmtime, not granted to the guest.
    command
        .env("OPENAI_API_KEY", "sk-of-the-shell")
        .env("DEWCLAW_MAX_STEPS", "nonsense");
    process::run("wasmtime run", &mut command, b"")
        .code(0)
        .prints("ok\n");
    assert_eq!(model.only_request().http.header("authorization"), None);
}

#[test]
fn text_is_shown_while_the_model_still_writes() {
    let work = Scratch::new();
    // Half of the answer comes, and then nothing for as long as the server runs.
    let model =
        ScriptedModel::start([Reply::text("Once upon a time there was a model").stall_after(2000)]);
    let mut command = wasmtime_run::command(&Guest::ask(&work, &model, "a story"));
    let shown = process::output_until(&mut command, "Once");
    assert!(shown.starts_with("Once"), "{shown}");
}

#[test]
fn a_pipe_that_closes_ends_the_run_quietly() {
    let (work, model) = (
        Scratch::new(),
        ScriptedModel::start([Reply::text(&"many words ".repeat(20_000))]),
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$@\" | head -c 5", "sh"])
        .arg(artifact::wasmtime());
    command.args(wasmtime_run::arguments(&Guest::ask(&work, &model, "talk")));
    let ended = process::run("wasmtime run | head", &mut command, b"");
    ended.code(0).prints("many ");
}

#[test]
fn the_component_runs_compiled_ahead_of_time() {
    let (folder, work) = (Scratch::new(), Scratch::new());
    let compiled = folder.join("dewclaw.cwasm");
    wasmtime_run::compile(&artifact::dewclaw(), &compiled);
    let model = ScriptedModel::start([Reply::text("ok")]);
    let guest = Guest::of(&compiled)
        .workspace(&work)
        .model(&model)
        .args(["ask", "hi", "--model", "scripted"]);
    wasmtime_run::run(&guest).code(0).prints("ok\n");
}
