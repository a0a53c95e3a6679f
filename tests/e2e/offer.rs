//! Which tools the model is offered, and that no other can be called.

use e2e::guest::Guest;
use e2e::host::on_each_host;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::json;

/// A model that tries to write, then gives up.
fn writer() -> ScriptedModel {
    ScriptedModel::start([
        Reply::call("c", "write_file", json!({"path": "a.txt", "content": "x"})),
        Reply::text("I can't."),
    ])
}

#[test]
fn read_only_offers_no_tool_that_writes_and_runs_none() {
    on_each_host(|host| {
        for how in ["flag", "variable"] {
            let (work, model) = (Scratch::new(), writer());
            let guest = Guest::ask(&work, &model, "write");
            let guest = match how {
                "flag" => guest.args(["--read-only"]),
                _ => guest.env("DEWCLAW_READ_ONLY", "true"),
            };
            host.run(&guest).code(0).prints("I can't.\n");
            let requests = model.requests();
            assert_eq!(
                requests[0].tool_names(),
                ["read_file", "list_directory", "memory_read"]
            );
            let error = requests[1].tool_result();
            assert_eq!(error["error"]["kind"], "invalid_arguments");
            let message = error["error"]["message"].as_str().expect("a message");
            assert!(
                message.starts_with("unknown tool \"write_file\""),
                "{message}"
            );
            assert!(work.names().is_empty(), "{:?}", work.names());
        }
    });
}

#[test]
fn tools_are_selected_by_name() {
    on_each_host(|host| {
        for how in ["flag", "variable"] {
            let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
            let guest = Guest::ask(&work, &model, "hi");
            let guest = match how {
                "flag" => guest.args(["--tools", "memory_read, read_file"]),
                _ => guest.env("DEWCLAW_TOOLS", "memory_read,read_file"),
            };
            host.run(&guest).code(0);
            assert_eq!(
                model.only_request().tool_names(),
                ["memory_read", "read_file"]
            );
        }
    });
}

#[test]
fn a_name_of_no_tool_is_a_usage_error() {
    on_each_host(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        for guest in [
            Guest::ask(&work, &model, "hi").args(["--tools", "read_file,exec"]),
            Guest::ask(&work, &model, "hi").env("DEWCLAW_TOOLS", "exec"),
        ] {
            host.run(&guest)
                .code(2)
                .says(&["unknown tool \"exec\"", "read_file", "memory_write"]);
        }
        let guest = Guest::ask(&work, &model, "hi").env("DEWCLAW_READ_ONLY", "maybe");
        host.run(&guest)
            .code(2)
            .says(&["DEWCLAW_READ_ONLY: read_only must be true or false"]);
    });
}

#[test]
fn a_recording_keeps_the_selection() {
    on_each_host(|host| {
        let (work, state, model) = (Scratch::new(), Scratch::new(), writer());
        let guest = Guest::ask(&work, &model, "write").state(&state).args([
            "--read-only",
            "--record",
            "r.jsonl",
        ]);
        host.run(&guest).code(0);
        let replay = Guest::offline().state(&state).args(["replay", "r.jsonl"]);
        host.run(&replay).code(0).prints("I can't.\n");
    });
}

#[test]
fn what_can_not_be_offered_is_no_choice() {
    on_each_host(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let ask = || Guest::ask(&work, &model, "hi");
        host.run(&ask().args(["--tools", "web_fetch"]))
            .code(2)
            .says(&["web_fetch", "--allow-fetch HOST"]);
        host.run(&ask().args(["--tools", "web_search"]))
            .code(2)
            .says(&["BRAVE_API_KEY", "SEARXNG_URL", "DEWCLAW_SEARCH_URL"]);
        host.run(&ask().args(["--allow-fetch", "http://example.com/"]))
            .code(2)
            .says(&["--allow-fetch", "http://example.com/"]);
        host.run(&ask().args(["--approve", "sometimes"]))
            .code(2)
            .says(&["--approve", "never, writes or all"]);
    });
}

/// The rows of the table of tools: the name and whether the model may call it.
fn tool_rows(table: &str) -> Vec<(String, String)> {
    let (_, rows) = table
        .split_once("The model may call:\n")
        .expect("a table of tools");
    let rows = rows.lines().map(|row| {
        let mut words = row.split_whitespace().map(str::to_string);
        (words.next().expect("a name"), words.next().expect("a word"))
    });
    rows.collect()
}

#[track_caller]
fn assert_rows(table: &str, wanted: [&str; 8]) {
    let names = [
        "read_file",
        "write_file",
        "edit_file",
        "list_directory",
        "memory_read",
        "memory_write",
        "web_fetch",
        "web_search",
    ];
    let wanted: Vec<_> = names
        .into_iter()
        .zip(wanted)
        .map(|(name, may)| (name.to_string(), may.to_string()))
        .collect();
    assert_eq!(tool_rows(table), wanted, "{table}");
}

#[test]
fn the_doctor_shows_what_the_model_may_do() {
    on_each_host(|host| {
        let work = Scratch::new();
        let doctor = |args: &[&str]| {
            let guest = Guest::dewclaw()
                .workspace(&work)
                .args(["doctor"])
                .args(args.iter().copied());
            let ended = host.run(&guest);
            ended.code(2);
            ended.stdout().to_string()
        };
        let (yes, no, asks) = ("yes", "no", "asks");
        assert_rows(&doctor(&[]), [yes, yes, yes, yes, yes, yes, no, no]);
        let table = doctor(&["--read-only", "--allow-fetch", "example.com"]);
        assert_rows(&table, [yes, no, no, yes, yes, no, yes, no]);
        assert!(table.contains("GET and HEAD, to example.com"), "{table}");
        assert!(table.contains("--read-only"), "{table}");
        let table = doctor(&["--approve", "writes", "--allow-fetch", "*"]);
        assert_rows(&table, [yes, asks, asks, yes, yes, asks, asks, no]);
        assert!(table.contains("before all but GET and HEAD"), "{table}");
        let table = doctor(&["--approve", "all", "--tools", "read_file"]);
        assert_rows(&table, [asks, no, no, no, no, no, no, no]);
        assert!(table.contains("--tools leaves it out"), "{table}");
        assert!(table.contains("add --allow-fetch HOST"), "{table}");
        assert!(table.contains("BRAVE_API_KEY"), "{table}");
        let guest = Guest::dewclaw()
            .workspace(&work)
            .env("SEARXNG_URL", "http://10.0.0.2:8080")
            .args(["doctor"]);
        let ended = host.run(&guest);
        assert_rows(ended.stdout(), [yes, yes, yes, yes, yes, yes, no, yes]);
        assert!(ended.stdout().contains("searches by searxng"), "{ended}");
    });
}

#[test]
fn the_offline_artifact_offers_nothing_of_the_web() {
    on_each_host(|host| {
        let work = Scratch::new();
        let guest = Guest::offline()
            .workspace(&work)
            .env("SEARXNG_URL", "http://10.0.0.2:8080")
            .args(["doctor", "--allow-fetch", "*"]);
        let ended = host.run(&guest);
        let (yes, no) = ("yes", "no");
        assert_rows(ended.stdout(), [yes, yes, yes, yes, yes, yes, no, no]);
        let call = r#"{"url": "http://127.0.0.1:9/"}"#;
        let guest = Guest::offline().workspace(&work).args([
            "tool",
            "web_fetch",
            call,
            "--allow-fetch",
            "127.0.0.1",
        ]);
        let ended = host.run(&guest);
        ended.code(1);
        assert!(ended.stdout().contains("unsupported"), "{ended}");
        assert!(
            ended.stdout().contains("this build has no network"),
            "{ended}"
        );
    });
}
