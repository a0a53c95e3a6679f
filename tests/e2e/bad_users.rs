//! Commands, prompts and settings that a person can get wrong, a row each: a message with cause and fix, a stable exit code, no trap.

use e2e::guest::Guest;
use e2e::host::{Host, on_each_host_and_board};
use e2e::scratch::Scratch;
use e2e::scripted_model::ScriptedModel;

#[test]
fn no_command_is_usage() {
    on_each_host_and_board(|host| {
        host.run(&Guest::dewclaw()).code(2).says(&["ask"]);
    });
}

#[test]
fn an_unknown_command_names_the_known_ones() {
    on_each_host_and_board(|host| {
        let ended = host.run(&Guest::dewclaw().args(["aks", "hi"]));
        ended.code(2).says(&["dewclaw:", "aks", "--help"]);
    });
}

#[test]
fn an_unknown_flag_is_named() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let ended = host.run(&Guest::ask(&work, &model, "hi").args(["--colour"]));
        ended.code(2).says(&["--colour", "--help"]);
    });
}

#[test]
fn flags_with_wrong_values_say_what_they_want() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        for (arguments, phrases) in [
            (&["--max-steps", "many"][..], &["--max-steps", "number"][..]),
            (&["--max-steps", "0"], &["--max-steps"]),
            (&["--max-steps", "-1"], &["--max-steps"]),
            (&["--max-tokens", "1e9"], &["--max-tokens"]),
            (&["--model"], &["--model"]),
            (&["--record"], &["--record"]),
            (&["extra"], &["PROMPT", "quotes"]),
        ] {
            let ended = host.run(&Guest::ask(&work, &model, "hi").args(arguments.iter().copied()));
            ended.code(2).says(phrases);
        }
        assert_eq!(model.connections(), 0);
    });
}

#[test]
fn an_empty_prompt_is_usage() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        host.run(&Guest::ask(&work, &model, ""))
            .code(2)
            .says(&["prompt"]);
        host.run(&Guest::ask(&work, &model, "-").stdin(""))
            .code(2)
            .says(&["prompt"]);
        host.run(&Guest::ask(&work, &model, "-").stdin(*b"\xff\xfe"))
            .code(2)
            .says(&["UTF-8"]);
        host.run(&Guest::dewclaw().workspace(&work).args(["ask"]))
            .code(2)
            .says(&["prompt"]);
    });
}

#[test]
fn a_prompt_of_ten_megabytes() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let guest = Guest::ask(&work, &model, "-").stdin(vec![b'x'; 10_000_000]);
        host.run(&guest)
            .code(2)
            .says(&["standard input", "larger than"]);
        assert_eq!(model.connections(), 0);
    });
}

#[test]
fn no_model_is_usage() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let ended = host.run(
            &Guest::dewclaw()
                .workspace(&work)
                .model(&model)
                .args(["ask", "hi"]),
        );
        ended.code(2).says(&["--model", "DEWCLAW_MODEL"]);
    });
}

#[test]
fn no_key_for_the_default_address() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        let ended = host.run(
            &Guest::dewclaw()
                .workspace(&work)
                .args(["ask", "hi", "--model", "m"]),
        );
        ended.code(2).says(&["OPENAI_API_KEY", "--base-url"]);
    });
}

#[test]
fn a_settings_error_also_ends_the_events() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        let ended = host.run(
            &Guest::dewclaw()
                .workspace(&work)
                .args(["ask", "hi", "--model", "m", "--json"]),
        );
        ended.code(2);
        let finished = ended.finished();
        assert_eq!(finished["reason"], "failed");
        assert_eq!(finished["exit_code"], 2);
        assert!(
            finished["error"]["message"]
                .to_string()
                .contains("OPENAI_API_KEY"),
            "{finished}"
        );
    });
}

#[test]
fn bad_urls_are_refused_before_anything_is_sent() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        for url in [
            "api.openai.com/v1",
            "ftp://127.0.0.1/v1",
            "http://",
            "http:///v1",
            "http://127.0.0.1:99999/v1",
            "http://127.0.0.1:port/v1",
            "http://127.0.0.1/v 1",
            "http://127.0.0.1/v1?key=1",
            "file:///etc/passwd",
            "not a url",
        ] {
            let guest = Guest::dewclaw()
                .workspace(&work)
                .base_url(url)
                .args(["ask", "hi", "--model", "m"]);
            host.run(&guest).code(2).says(&["base URL"]);
        }
        let guest = Guest::dewclaw()
            .workspace(&work)
            .base_url("http://me:hunter2@127.0.0.1/v1");
        host.run(&guest.args(["ask", "hi", "--model", "m"]))
            .code(2)
            .says(&["OPENAI_API_KEY"])
            .keeps("hunter2");
    });
}

#[test]
fn a_host_name_that_does_not_exist() {
    on_each_host_and_board(|host| {
        let (work, state) = (
            Scratch::new(),
            Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1}"#)]),
        );
        let guest = Guest::dewclaw()
            .workspace(&work)
            .state(&state)
            .base_url("http://no-such-host.invalid/v1")
            .may_look_up("no-such-host.invalid");
        let ended = host.run(&guest.args(["ask", "hi", "--model", "m"]));
        ended.code(3).says(&["no-such-host.invalid"]);
    });
}

#[test]
fn settings_in_the_environment_are_checked() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        for (name, value) in [
            ("DEWCLAW_MAX_STEPS", "lots"),
            ("DEWCLAW_MAX_STEPS", "0"),
            ("DEWCLAW_MAX_TOKENS", "-5"),
            ("DEWCLAW_STREAM", "perhaps"),
        ] {
            host.run(&Guest::ask(&work, &model, "hi").env(name, value))
                .code(2)
                .says(&[name]);
        }
    });
}

#[test]
fn no_folder_at_all() {
    on_each_host_and_board(|host| {
        let model = ScriptedModel::never_asked();
        let guest = Guest::dewclaw()
            .model(&model)
            .args(["ask", "hi", "--model", "m"]);
        let says = match host {
            Host::Wamr | Host::Board => "no workspace: run with --dir=DIR (iwasm)",
            Host::CommandLine | Host::InProcess => "no workspace: run with --dir DIR::/ (wasmtime)",
        };
        host.run(&guest).code(2).says(&[says]);
        assert_eq!(model.connections(), 0);

        let ended = host.run(&Guest::offline().args(["tool", "read_file", r#"{"path": "a.txt"}"#]));
        ended.code(5);
        assert!(
            ended.json()["error"]["message"]
                .to_string()
                .contains("--dir"),
            "{ended}"
        );
    });
}

#[test]
fn malformed_settings_are_named_with_their_place() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        for (settings, phrase) in [
            ("{\"model\": ", "line 1"),
            ("", "dewclaw.json"),
            ("[]", "object"),
            ("{\"modle\": \"m\"}", "modle"),
            ("{\"max_steps\": \"ten\"}", "max_steps"),
            ("{\"max_steps\": 0}", "max_steps"),
            ("{\"stream\": 1}", "stream"),
            ("{\"retry_attempts\": -1}", "retry_attempts"),
            ("{\"api_key\": \"sk-in-the-settings\"}", "api_key"),
        ] {
            let state = Scratch::with(&[("dewclaw.json", settings)]);
            let ended = host.run(&Guest::ask(&work, &model, "hi").state(&state));
            ended
                .code(2)
                .says(&["dewclaw.json", phrase])
                .keeps("sk-in-the-settings");
        }
        assert_eq!(model.connections(), 0);
    });
}

#[test]
fn settings_and_arguments_nested_too_deep() {
    on_each_host_and_board(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
        let nested = format!(
            "{{\"model\": {}{}}}",
            "[".repeat(50_000),
            "]".repeat(50_000)
        );
        let state = Scratch::with(&[("dewclaw.json", &nested)]);
        host.run(&Guest::ask(&work, &model, "hi").state(&state))
            .code(2)
            .says(&["dewclaw.json"]);
        let guest = Guest::offline()
            .workspace(&work)
            .args(["tool", "read_file", "-"]);
        host.run(&guest.stdin(nested)).code(2);
    });
}

#[test]
fn settings_of_fifty_megabytes() {
    on_each_host_and_board(|host| {
        let (work, state, model) = (Scratch::new(), Scratch::new(), ScriptedModel::never_asked());
        state.write("dewclaw.json", vec![b' '; 50_000_000]);
        host.run(&Guest::ask(&work, &model, "hi").state(&state))
            .code(2)
            .says(&["dewclaw.json", "large"]);
    });
}

#[test]
fn settings_that_are_not_utf8() {
    on_each_host_and_board(|host| {
        let (work, state, model) = (Scratch::new(), Scratch::new(), ScriptedModel::never_asked());
        state.write("dewclaw.json", b"{\"model\": \"\xff\"}");
        host.run(&Guest::ask(&work, &model, "hi").state(&state))
            .code(2)
            .says(&["dewclaw.json"]);
    });
}

#[test]
fn the_offline_artifact_says_where_the_network_is() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        let guest = Guest::offline()
            .workspace(&work)
            .base_url("http://127.0.0.1:9/v1");
        let ended = host.run(&guest.args(["ask", "hi", "--model", "m"]));
        // The same words in every host, since recordings and transcripts hold them.
        ended.code(3).says(&["dewclaw.wasm has"]);
    });
}

#[test]
fn tool_arguments_that_are_not_json() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        let ended =
            host.run(
                &Guest::offline()
                    .workspace(&work)
                    .args(["tool", "read_file", "path=a.txt"]),
            );
        ended.code(2);
        assert_eq!(
            ended.json()["error"]["kind"],
            "invalid_arguments",
            "{ended}"
        );
        host.run(&Guest::offline().workspace(&work).args(["tool"]))
            .code(2)
            .says(&["NAME JSON"]);
    });
}
