//! What stops a run or sends the model back: steps, repeats, unknown tools, bad arguments.

use e2e::guest::Guest;
use e2e::host::on_each_host;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::{Value, json};

/// A call that reads another line each time, so that no repeat is seen.
fn read_line(number: usize) -> Reply {
    let arguments = json!({"path": "a.txt", "offset": number, "limit": 1});
    Reply::call(&format!("call_{number}"), "read_file", arguments)
}

#[test]
fn at_the_step_limit_the_model_is_asked_to_wrap_up() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "1\n2\n3\n")]);
        let model = ScriptedModel::start([
            read_line(1),
            read_line(2),
            Reply::text("So far: two lines."),
        ]);
        let ended = host.run(&Guest::ask(&work, &model, "read").args(["--max-steps", "2"]));
        ended
            .code(4)
            .prints("So far: two lines.\n")
            .says(&["--max-steps", "2"]);
        let requests = model.requests();
        assert_eq!(requests[2].json["tool_choice"], "none");
        assert!(
            requests[..2]
                .iter()
                .all(|request| request.json["tool_choice"] != "none")
        );
    });
}

#[test]
fn a_wrap_up_that_calls_tools_all_the_same_ends_the_run() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "1\n2\n3\n")]);
        let wrap_up = Reply::call(
            "late",
            "write_file",
            json!({"path": "late.txt", "content": "x"}),
        )
        .saying("Enough.");
        let model = ScriptedModel::start([read_line(1), wrap_up]);
        let ended = host.run(&Guest::ask(&work, &model, "read").args(["--max-steps", "1"]));
        ended.code(4).prints("Enough.\n");
        assert!(!work.has("late.txt"), "no tool runs after the limit");
    });
}

#[test]
fn the_step_limit_can_come_from_the_environment() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "1\n2\n3\n")]);
        let model = ScriptedModel::start([read_line(1), Reply::text("Stopped.")]);
        host.run(&Guest::ask(&work, &model, "read").env("DEWCLAW_MAX_STEPS", "1"))
            .code(4)
            .prints("Stopped.\n");
    });
}

#[test]
fn by_default_the_limit_is_twenty_five_steps() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", &"line\n".repeat(30))]);
        let steps = (1..=25).map(read_line);
        let model = ScriptedModel::start(steps.chain([Reply::text("Stopped.")]));
        host.run(&Guest::ask(&work, &model, "read"))
            .code(4)
            .prints("Stopped.\n");
        assert_eq!(model.last_request().json["tool_choice"], "none");
    });
}

#[test]
fn the_third_same_call_in_a_row_is_answered_with_an_error_and_not_run() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "1\n")]);
        let same = |id: &str| Reply::call(id, "memory_write", json!({"content": "again"}));
        let model =
            ScriptedModel::start([same("c1"), same("c2"), same("c3"), Reply::text("I see.")]);
        host.run(&Guest::ask(&work, &model, "loop"))
            .code(0)
            .prints("I see.\n");
        let requests = model.requests();
        for request in &requests[1..3] {
            assert!(
                request.tool_result().get("error").is_none(),
                "{}",
                request.tool_result()
            );
        }
        let third = requests[3].tool_result();
        assert!(third["error"]["message"].is_string(), "{third}");
        assert_eq!(
            work.read("memory/MEMORY.md").matches("again").count(),
            2,
            "the third call did nothing"
        );
    });
}

#[test]
fn the_same_call_is_fine_when_another_stands_between() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "1\n")]);
        let read = |id: &str| Reply::call(id, "read_file", json!({"path": "a.txt"}));
        let list = |id: &str| Reply::call(id, "list_directory", json!({"path": "."}));
        let model = ScriptedModel::start([
            read("1"),
            list("2"),
            read("3"),
            list("4"),
            read("5"),
            Reply::text("Fine."),
        ]);
        host.run(&Guest::ask(&work, &model, "look"))
            .code(0)
            .prints("Fine.\n");
        for request in &model.requests()[1..] {
            assert!(
                request.tool_result().get("error").is_none(),
                "{}",
                request.tool_result()
            );
        }
    });
}

/// Has the model make `call` and then answer; returns the result that the model got for the call.
fn result_of(host: e2e::host::Host, call: Call) -> Value {
    let work = Scratch::with(&[("a.txt", "1\n")]);
    let before = work.snapshot();
    let model = ScriptedModel::start([Reply::calls([call]), Reply::text("I see.")]);
    host.run(&Guest::ask(&work, &model, "go"))
        .code(0)
        .prints("I see.\n");
    assert_eq!(
        work.snapshot(),
        before,
        "a call that is refused touches nothing"
    );
    model.last_request().tool_result()
}

#[test]
fn an_unknown_tool_is_answered_with_the_tools_there_are() {
    on_each_host(|host| {
        for name in [
            "exec_shell",
            "spawn",
            "message",
            "fetch",
            "Read_File",
            "read-file",
        ] {
            let result = result_of(host, Call::new("c", name, json!({"command": "ls"})));
            let message = result["error"]["message"].to_string();
            for word in ["unknown tool", name, "read_file", "memory_write"] {
                assert!(message.contains(word), "{word}: {message}");
            }
        }
    });
}

#[test]
fn arguments_that_are_not_json_are_answered_with_what_is_wrong() {
    on_each_host(|host| {
        for arguments in [
            "",
            "{\"path\": \"a.txt\"",
            "path=a.txt",
            "{\"path\": \"a.txt\"} and more",
            "[\"a.txt\"]",
            "null",
            "{\"path\": \"\\ud800\"}",
        ] {
            let result = result_of(host, Call::raw("c", "read_file", arguments));
            assert_eq!(
                result["error"]["kind"], "invalid_arguments",
                "{arguments}: {result}"
            );
        }
    });
}

#[test]
fn arguments_that_miss_the_schema_are_answered_with_the_parameter() {
    on_each_host(|host| {
        for (arguments, word) in [
            (json!({}), "path"),
            (json!({"path": ["a.txt"]}), "path"),
            (json!({"path": "a.txt", "offset": "first"}), "offset"),
            (json!({"path": "a.txt", "offset": -1}), "offset"),
            (json!({"path": "a.txt", "limit": 1.5}), "limit"),
            (json!({"path": "a.txt", "encoding": "utf-8"}), "encoding"),
        ] {
            let result = result_of(host, Call::new("c", "read_file", arguments.clone()));
            assert_eq!(
                result["error"]["kind"], "invalid_arguments",
                "{arguments}: {result}"
            );
            assert!(
                result["error"]["message"].to_string().contains(word),
                "{arguments}: {result}"
            );
        }
    });
}
