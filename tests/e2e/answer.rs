//! What is left of a run besides what it prints: `--output FILE`, and the tokens that it used.

use e2e::guest::Guest;
use e2e::host::on_each_host;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::json;

#[test]
fn the_answer_goes_into_a_file_of_the_workspace_too() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::with(&[("reports/old.md", "old")]),
            ScriptedModel::start([
                Reply::call("c", "list_directory", json!({"path": "."})).saying("I'll look."),
                Reply::text("# Report\nall is well"),
            ]),
        );
        let guest = Guest::ask(&work, &model, "hi").args(["--output", "reports/new.md"]);
        let ended = host.run(&guest);
        ended.code(0);
        assert!(ended.stdout().ends_with("all is well\n"), "{ended}");
        assert_eq!(work.read("reports/new.md"), "# Report\nall is well\n");
        assert_eq!(work.names(), ["reports/new.md", "reports/old.md"]);
    });
}

#[test]
fn a_run_without_an_answer_leaves_the_file_as_it_was() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::with(&[("a.md", "old")]),
            ScriptedModel::start([Reply::error(401, "no", "auth", None)]),
        );
        let ended = host.run(&Guest::ask(&work, &model, "hi").args(["-o", "a.md"]));
        ended.code(3);
        assert_eq!(work.read("a.md"), "old");
    });
}

#[test]
fn where_the_answer_can_not_go_the_model_is_not_asked() {
    on_each_host(|host| {
        let (work, state, model) = (
            Scratch::with(&[("folder/x", "")]),
            Scratch::new(),
            ScriptedModel::never_asked(),
        );
        for path in [
            "folder",
            "../out.md",
            "/etc/out.md",
            "nope/../../out.md",
            ".dewclaw/dewclaw.json",
            "folder/x/y.md",
            "",
        ] {
            let guest = Guest::ask(&work, &model, "hi")
                .state(&state)
                .args(["--output", path]);
            host.run(&guest).code(2).says(&["--output", path]);
        }
        assert_eq!(model.connections(), 0);
        assert_eq!(work.names(), ["folder/x"]);
    });
}

#[test]
fn an_answer_that_can_not_be_written_is_printed_and_is_an_error() {
    on_each_host(|host| {
        let model = || {
            ScriptedModel::start([
                Reply::call("c", "write_file", json!({"path": "a/b", "content": ""})),
                Reply::text("the answer"),
            ])
        };
        let (work, first) = (Scratch::new(), model());
        // While the run goes on, a file takes the place of the folder that the answer needs.
        let guest = Guest::ask(&work, &first, "hi").args(["--output", "a/b/c.md"]);
        let ended = host.run(&guest);
        ended.code(1).says(&["can't be written", "a/b/c.md"]);
        assert!(ended.stdout().contains("the answer\n"), "{ended}");
        // A program hears of one end, and it is this one.
        let (work, second) = (Scratch::new(), model());
        let guest = Guest::ask(&work, &second, "hi").args(["--output", "a/b/c.md", "--json"]);
        let ended = host.run(&guest);
        ended.code(1);
        let ends = ended.events_of("finished");
        assert_eq!(ends.len(), 1, "{ended}");
        assert_eq!(ends[0]["reason"], "failed");
        assert_eq!(ends[0]["exit_code"], 1);
    });
}

#[test]
fn the_tokens_of_the_run_are_told_at_its_end() {
    on_each_host(|host| {
        let work = Scratch::new();
        let model = || {
            ScriptedModel::start([
                Reply::calls([Call::new("c", "list_directory", json!({"path": "."}))])
                    .usage(100, 10),
                Reply::text("done").usage(130, 20),
            ])
        };
        let first = model();
        let ended = host.run(&Guest::ask(&work, &first, "hi"));
        let told = "# tokens: 230 in (0 cached), 30 out";
        assert!(ended.stderr().ends_with(&[told, "\n"].concat()), "{ended}");
        let second = model();
        let quiet = host.run(&Guest::ask(&work, &second, "hi").args(["--quiet"]));
        assert!(!quiet.stderr().contains("tokens"), "{quiet}");
        let third = model();
        let verbose = host.run(&Guest::ask(&work, &third, "hi").args(["--verbose"]));
        assert_eq!(verbose.stderr().matches("# tokens").count(), 3, "{verbose}");
        let fourth = model();
        let json = host.run(&Guest::ask(&work, &fourth, "hi").args(["--json"]));
        assert_eq!(json.finished()["usage"]["input_tokens"], 230);
        assert!(!json.stderr().contains("tokens"), "{json}");
    });
}
