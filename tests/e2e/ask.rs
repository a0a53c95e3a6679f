//! A prompt and its answer: what goes over the wire, what is printed, settings and their precedence.

use e2e::guest::Guest;
use e2e::host::on_each_host;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::json;

#[test]
fn a_streamed_answer_is_printed_and_ends_its_line() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("Hello, wörld — 你好 🦀.")]),
        );
        let ended = host.run(&Guest::ask(&work, &model, "hi"));
        ended.code(0).prints("Hello, wörld — 你好 🦀.\n");
        let request = model.only_request().json;
        assert_eq!(request["stream"], true);
        assert_eq!(request["stream_options"]["include_usage"], true);
    });
}

#[test]
fn a_plain_answer_is_printed_the_same() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("Hello, wörld.")]),
        );
        let ended = host.run(&Guest::ask(&work, &model, "hi").args(["--no-stream"]));
        ended.code(0).prints("Hello, wörld.\n");
        assert_ne!(model.only_request().json["stream"], true);
    });
}

#[test]
fn an_answer_that_ends_its_line_gets_no_second_end() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("one\ntwo\n")]),
        );
        host.run(&Guest::ask(&work, &model, "hi"))
            .code(0)
            .prints("one\ntwo\n");
    });
}

#[test]
fn a_stream_cut_at_every_byte_is_the_same_stream() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("naïve 🦀 text").cut_every(1)]),
        );
        host.run(&Guest::ask(&work, &model, "hi"))
            .code(0)
            .prints("naïve 🦀 text\n");
    });
}

#[test]
fn the_request_carries_the_prompt_the_model_and_the_tools() {
    on_each_host(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
        let prompt = "say \"hi\"\\ to\n\tünïcode \u{1} 🦀";
        host.run(&Guest::ask(&work, &model, prompt)).code(0);
        let request = model.only_request();
        assert_eq!(request.json["model"], "scripted");
        assert_eq!(
            request.messages().first().map(|message| &message["role"]),
            Some(&json!("system"))
        );
        assert_eq!(
            request.messages().last(),
            Some(&json!({"role": "user", "content": prompt}))
        );
        let mut tools = request.tool_names();
        tools.sort_unstable();
        assert_eq!(
            tools,
            [
                "edit_file",
                "list_directory",
                "memory_read",
                "memory_write",
                "read_file",
                "write_file"
            ]
        );
        assert_eq!(
            request.http.header("authorization"),
            None,
            "there is no key to send"
        );
        assert_eq!(
            request.http.header("host"),
            Some(model.authority().as_str())
        );
    });
}

#[test]
fn the_prompt_can_come_from_standard_input() {
    on_each_host(|host| {
        let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
        host.run(&Guest::ask(&work, &model, "-").stdin("from a pipe\nof two lines"))
            .code(0);
        let request = model.only_request();
        let prompt = request
            .messages()
            .last()
            .and_then(|message| message["content"].as_str());
        assert_eq!(prompt.map(str::trim_end), Some("from a pipe\nof two lines"));
    });
}

#[test]
fn a_key_goes_into_one_header_and_nowhere_else() {
    on_each_host(|host| {
        let work = Scratch::new();
        let model = ScriptedModel::requiring_key("sk-e2e-1234567890", [Reply::text("ok")]);
        let ended = host.run(
            &Guest::ask(&work, &model, "hi")
                .env("OPENAI_API_KEY", "sk-e2e-1234567890")
                .args(["--verbose"]),
        );
        ended.code(0).prints("ok\n").keeps("sk-e2e-1234567890");
        let body = model.only_request().http.body;
        assert!(
            !String::from_utf8_lossy(&body).contains("sk-e2e-1234567890"),
            "the key is in the body"
        );
    });
}

#[test]
fn a_key_can_lie_in_a_file_of_the_state() {
    on_each_host(|host| {
        let (work, state) = (
            Scratch::new(),
            Scratch::with(&[("keys/openai", "sk-from-a-file\n")]),
        );
        let by_environment = ScriptedModel::requiring_key("sk-from-a-file", [Reply::text("ok")]);
        let guest = Guest::ask(&work, &by_environment, "hi").state(&state);
        host.run(&guest.env("OPENAI_API_KEY_FILE", "/state/keys/openai"))
            .code(0)
            .prints("ok\n");

        let by_settings = ScriptedModel::requiring_key("sk-from-a-file", [Reply::text("ok")]);
        state.write("dewclaw.json", r#"{"api_key_file": "keys/openai"}"#);
        let guest = Guest::ask(&work, &by_settings, "hi").state(&state);
        host.run(&guest).code(0).prints("ok\n");
    });
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    on_each_host(|host| {
        let work = Scratch::new();
        let elsewhere = ScriptedModel::never_asked();
        let state = Scratch::new();
        let settings = json!({"model": "of-the-file", "base_url": elsewhere.base_url(), "system": "of the file", "stream": false});
        state.write("dewclaw.json", settings.to_string());

        let model = ScriptedModel::start([Reply::text("ok"), Reply::text("ok"), Reply::text("ok")]);
        let guest = Guest::dewclaw().workspace(&work).state(&state);
        let guest = guest
            .env("OPENAI_BASE_URL", &model.base_url())
            .args(["ask", "hi"]);
        host.run(&guest).code(0);
        let guest = guest
            .env("DEWCLAW_MODEL", "of-the-environment")
            .env("DEWCLAW_STREAM", "true");
        host.run(&guest).code(0);
        let guest = guest.args([
            "--model",
            "of-the-flag",
            "--system",
            "of the flag",
            "--no-stream",
        ]);
        host.run(&guest).code(0);

        let seen: Vec<_> = model
            .requests()
            .iter()
            .map(|request| {
                (
                    request.json["model"].clone(),
                    request.json["stream"] == true,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (json!("of-the-file"), false),
                (json!("of-the-environment"), true),
                (json!("of-the-flag"), false)
            ]
        );
        let system = |number: usize| model.requests()[number].messages()[0]["content"].to_string();
        assert!(system(0).contains("of the file"), "{}", system(0));
        assert!(system(2).contains("of the flag"), "{}", system(2));
    });
}

#[test]
fn the_base_url_flag_wins_and_may_end_in_a_slash() {
    on_each_host(|host| {
        let (work, elsewhere) = (Scratch::new(), ScriptedModel::never_asked());
        let model = ScriptedModel::start([Reply::text("ok")]);
        let url = format!("{}/", model.base_url());
        let guest = Guest::ask(&work, &elsewhere, "hi").args(["--base-url", &url]);
        host.run(&guest).code(0).prints("ok\n");
    });
}

#[test]
fn json_tells_every_event_on_a_line_of_its_own() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "alpha")]);
        let model = ScriptedModel::start([
            Reply::call("call_1", "read_file", json!({"path": "a.txt"}))
                .saying("Let me look.")
                .usage(100, 20),
            Reply::text("It says alpha.")
                .reasoning("Easy.")
                .usage(150, 5),
        ]);
        let ended = host.run(&Guest::ask(&work, &model, "what is in a.txt?").args(["--json"]));
        ended.code(0);
        let events = ended.events();
        let mut kinds: Vec<&str> = events
            .iter()
            .filter_map(|event| event["type"].as_str())
            .collect();
        kinds.dedup();
        assert_eq!(
            kinds,
            [
                "text",
                "usage",
                "tool-started",
                "tool-finished",
                "reasoning",
                "text",
                "usage",
                "finished"
            ]
        );
        let started = &ended.events_of("tool-started")[0];
        assert_eq!(
            (&started["name"], &started["call"]),
            (&json!("read_file"), &json!("call_1"))
        );
        assert_eq!(started["arguments"], r#"{"path":"a.txt"}"#);
        let done = &ended.events_of("tool-finished")[0];
        assert_eq!(
            (&done["ok"], &done["name"]),
            (&json!(true), &json!("read_file"))
        );
        assert_eq!(
            done["result"]["content"].as_str().map(str::trim_end),
            Some("alpha")
        );
        let finished = ended.finished();
        assert_eq!(finished["reason"], "answered");
        assert_eq!(finished["exit_code"], 0);
        assert_eq!(finished["text"], "It says alpha.");
        assert_eq!(finished["usage"]["input_tokens"], 250);
        assert_eq!(finished["usage"]["output_tokens"], 25);
        assert!(finished.get("error").is_none());
    });
}

#[test]
fn reasoning_is_not_part_of_the_answer() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("42").reasoning("six by seven")]),
        );
        host.run(&Guest::ask(&work, &model, "?"))
            .code(0)
            .prints("42\n");
    });
}

#[test]
fn progress_goes_to_standard_error_unless_quiet() {
    on_each_host(|host| {
        let replies = || {
            [
                Reply::call("c", "list_directory", json!({"path": "."})),
                Reply::text("Empty."),
            ]
        };
        let (work, model) = (Scratch::new(), ScriptedModel::start(replies()));
        host.run(&Guest::ask(&work, &model, "?"))
            .code(0)
            .prints("Empty.\n")
            .says(&["list_directory"]);

        let model = ScriptedModel::start(replies());
        let ended = host.run(&Guest::ask(&work, &model, "?").args(["--quiet"]));
        ended.code(0).prints("Empty.\n");
        assert_eq!(ended.stderr(), "", "quiet is quiet");
    });
}

#[test]
fn the_token_limit_reaches_the_server_and_a_cut_answer_says_so() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("Once upon a").finish_reason("length")]),
        );
        let ended = host.run(&Guest::ask(&work, &model, "a story").args(["--max-tokens", "7"]));
        ended.code(4).says(&["--max-tokens"]);
        assert!(
            ended.stdout().starts_with("Once upon a"),
            "what came is shown"
        );
        let request = model.only_request().json;
        assert!(
            request["max_tokens"] == 7 || request["max_completion_tokens"] == 7,
            "the limit is not in {request}"
        );
    });
}

#[test]
fn a_filtered_answer_is_a_refusal() {
    on_each_host(|host| {
        let (work, model) = (
            Scratch::new(),
            ScriptedModel::start([Reply::text("").finish_reason("content_filter")]),
        );
        host.run(&Guest::ask(&work, &model, "?"))
            .code(3)
            .says(&["dewclaw:"]);
    });
}

#[test]
fn help_and_version_need_no_grant() {
    on_each_host(|host| {
        for arguments in [&["--help"][..], &["help"], &["ask", "--help"]] {
            let ended = host.run(&Guest::dewclaw().args(arguments.iter().copied()));
            ended.code(0);
            assert!(ended.stdout().contains("ask"), "{ended}");
        }
        let ended = host.run(&Guest::dewclaw().args(["--version"]));
        ended.code(0);
        assert!(
            ended.stdout().contains(env!("CARGO_PKG_VERSION")),
            "{ended}"
        );
    });
}

#[test]
fn a_key_that_a_server_sends_back_is_taken_out_whatever_it_is() {
    // The second stands in its own replacement.
    for key in ["sk-sent-back", "k"] {
        on_each_host(|host| {
            let work = Scratch::new();
            let message = format!("wrong: {key}");
            let model = ScriptedModel::start([Reply::error(401, &message, "auth", None)]);
            let guest = Guest::ask(&work, &model, "hello").env("OPENAI_API_KEY", key);
            let ended = host.run(&guest);
            assert!(
                ended.stderr().contains("[key]"),
                "{key}: {}",
                ended.stderr()
            );
        });
    }
}
