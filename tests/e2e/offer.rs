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
            .says(&["DEWCLAW_READ_ONLY must be true or false"]);
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
fn the_doctor_shows_what_the_model_may_do() {
    on_each_host(|host| {
        let work = Scratch::new();
        let guest = Guest::dewclaw()
            .workspace(&work)
            .args(["doctor", "--read-only"]);
        let ended = host.run(&guest);
        ended.code(2);
        let row = ended
            .stdout()
            .lines()
            .find(|line| line.starts_with("tools"));
        let row: Vec<_> = row.expect("a row").split_whitespace().collect();
        assert_eq!(
            row,
            [
                "tools",
                "ok",
                "read_file,",
                "list_directory,",
                "memory_read"
            ]
        );
    });
}
