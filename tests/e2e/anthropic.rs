//! The messages wire: its requests, its key, its recordings and its failures.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::{Value, json};

const KEY: &str = "sk-ant-e2e-never-written-down";

/// Reads two files in one turn, writes a third in the next, and answers.
fn copying() -> [Reply; 3] {
    [
        Reply::calls([
            Call::new("toolu_a", "read_file", json!({"path": "a.txt"})),
            Call::new("toolu_b", "read_file", json!({"path": "missing.txt"})),
        ])
        .saying("Let me see.")
        .cut_every(7),
        Reply::call(
            "toolu_c",
            "write_file",
            json!({"path": "out/b.txt", "content": "bêta \"quoted\" 🦀\n"}),
        )
        .usage(50, 9)
        .cut_every(11),
        Reply::text("Wrote bêta. 🦀").usage(70, 6).cut_every(1),
    ]
}

fn workspace() -> Scratch {
    Scratch::with(&[("a.txt", "alpha\n")])
}

/// Asks a model that gives this one reply, with one try.
fn ask_once(host: Host, reply: Reply) -> Ended {
    let (work, model) = (Scratch::new(), ScriptedModel::start([reply]));
    let state = Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1}"#)]);
    host.run(
        &Guest::ask_by_messages(&work, &model, "hi")
            .state(&state)
            .env("ANTHROPIC_API_KEY", KEY),
    )
}

/// Asks a model that gives this reply and then an answer.
fn ask_twice(host: Host, reply: Reply) -> Ended {
    let (work, model) = (
        Scratch::new(),
        ScriptedModel::start([reply, Reply::text("Back.")]),
    );
    let ended = host.run(&Guest::ask_by_messages(&work, &model, "hi").args(["--json"]));
    ended.code(0);
    assert_eq!(ended.finished()["text"], "Back.");
    let requests = model.requests();
    assert_eq!(requests[0].json, requests[1].json, "a retry asks the same");
    ended
}

/// Asserts that no file of the folder holds the key.
#[track_caller]
fn lacks_the_key(folder: &Scratch, except: &[&str]) {
    for (name, bytes) in folder.snapshot() {
        assert!(
            except.contains(&&*name) || !String::from_utf8_lossy(&bytes).contains(KEY),
            "the key is in {name}"
        );
    }
}

fn copies(host: Host, flags: &[&str]) {
    let (work, model) = (workspace(), ScriptedModel::start(copying()));
    let guest = Guest::ask_by_messages(&work, &model, "copy it").args(flags.iter().copied());
    let ended = host.run(&guest);
    ended.code(0);
    assert!(ended.stdout().ends_with("Wrote bêta. 🦀\n"), "{ended}");
    assert_eq!(work.read("out/b.txt"), "bêta \"quoted\" 🦀\n");

    let requests = model.requests();
    for request in &requests {
        assert_eq!(request.http.path, "/v1/messages");
        assert_eq!(request.json["stream"] == true, flags.is_empty());
        assert!(request.json["max_tokens"].as_u64() > Some(0));
        assert_eq!(request.http.header("x-api-key"), None, "there is no key");
        assert!(
            request.tool_names().contains(&"write_file"),
            "{:?}",
            request.tool_names()
        );
    }
    let results = requests[1].tool_results();
    let ids: Vec<_> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["toolu_a", "toolu_b"], "in one message");
    assert!(
        results[0].1["content"].to_string().contains("alpha"),
        "{results:?}"
    );
    let failed = &requests[1].messages()[2]["content"];
    assert_eq!(
        (failed[0]["is_error"] == true, failed[1]["is_error"] == true),
        (false, true),
        "{failed}"
    );
    let said = &requests[1].messages()[1]["content"];
    assert_eq!(said[0], json!({"type": "text", "text": "Let me see."}));
    assert_eq!(said[1]["input"], json!({"path": "a.txt"}));
}

#[test]
fn a_stream_with_tool_calls_changes_files() {
    on_each_host(|host| copies(host, &[]));
}

#[test]
fn a_plain_reply_with_tool_calls_changes_files() {
    on_each_host(|host| copies(host, &["--no-stream"]));
}

#[test]
fn the_request_carries_the_prompt_and_marks_for_the_cache() {
    on_each_host(|host| {
        let (work, model) = (workspace(), ScriptedModel::start(copying()));
        let prompt = "say \"hi\"\\ to\n\tünïcode \u{1} 🦀";
        let guest = Guest::ask_by_messages(&work, &model, prompt);
        host.run(&guest.args(["--max-tokens", "77", "--system", "of the flag"]))
            .code(0);
        for request in model.requests() {
            let json = &request.json;
            assert_eq!(
                (&json["model"], &json["max_tokens"]),
                (&json!("scripted"), &json!(77))
            );
            assert!(json["system"].to_string().contains("of the flag"), "{json}");
            assert_eq!(request.messages()[0]["role"], "user");
            assert_eq!(request.messages()[0]["content"][0]["text"], prompt);
            let last = request.messages().last().map(|message| &message["content"]);
            let last = last
                .and_then(Value::as_array)
                .and_then(|blocks| blocks.last());
            assert!(
                last.is_some_and(|block| block["cache_control"]["type"] == "ephemeral"),
                "the end of the history is kept: {last:?}"
            );
            assert_eq!(
                json.to_string().matches("\"ephemeral\"").count(),
                2,
                "one mark moves along: {json}"
            );
        }
    });
}

#[test]
fn json_tells_the_same_events() {
    on_each_host(|host| {
        for flags in [&["--json"][..], &["--json", "--no-stream"]] {
            let model = ScriptedModel::start([
                Reply::call("toolu_1", "read_file", json!({"path": "a.txt"}))
                    .saying("Let me look.")
                    .usage(100, 20),
                Reply::text("It says alpha.")
                    .reasoning("Easy.")
                    .usage(150, 5),
            ]);
            let work = workspace();
            let guest = Guest::ask_by_messages(&work, &model, "what is in a.txt?");
            let ended = host.run(&guest.args(flags.iter().copied()));
            ended.code(0);
            let events = ended.events();
            let mut kinds: Vec<_> = events.iter().filter_map(|it| it["type"].as_str()).collect();
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
            assert_eq!(
                ended.events_of("tool-started")[0]["arguments"],
                r#"{"path":"a.txt"}"#
            );
            let finished = ended.finished();
            assert_eq!(finished["text"], "It says alpha.");
            assert_eq!(finished["usage"]["input_tokens"], 250);
            assert_eq!(finished["usage"]["output_tokens"], 25);
        }
    });
}

#[test]
fn signed_reasoning_goes_back_as_it_came() {
    on_each_host(|host| {
        for flags in [&[][..], &["--no-stream"]] {
            let (work, model) = (
                workspace(),
                ScriptedModel::start([
                    Reply::call("toolu_1", "read_file", json!({"path": "a.txt"}))
                        .reasoning("Fïles \"first\" 🦀.")
                        .cut_every(5),
                    Reply::text("ok"),
                ]),
            );
            let guest = Guest::ask_by_messages(&work, &model, "?");
            host.run(&guest.args(flags.iter().copied()))
                .code(0)
                .prints("ok\n");
            // The model has looked at the signature.
            let request = model.last_request();
            let said = &request.messages()[1]["content"];
            assert_eq!(said[0]["thinking"], "Fïles \"first\" 🦀.");
        }
    });
}

/// The model says this and calls a tool; what it said goes back with the call.
fn says_before_a_call(host: Host, said: &str) {
    for flags in [&[][..], &["--no-stream"]] {
        let (work, model) = (
            workspace(),
            ScriptedModel::start([
                Reply::call("toolu_1", "read_file", json!({"path": "a.txt"})).saying(said),
                Reply::text("ok"),
            ]),
        );
        let guest = Guest::ask_by_messages(&work, &model, "?");
        host.run(&guest.args(flags.iter().copied())).code(0);
    }
}

#[test]
fn an_empty_text_is_not_sent_back() {
    on_each_host(|host| says_before_a_call(host, ""));
}

#[test]
fn a_text_of_blanks_is_not_sent_back() {
    on_each_host(|host| says_before_a_call(host, "\n\n"));
}

#[test]
fn arguments_that_are_no_json_go_back_as_an_object() {
    on_each_host(|host| {
        let (work, model) = (
            workspace(),
            ScriptedModel::start([
                Reply::calls([
                    Call::raw("toolu_1", "read_file", "{\"path\": "),
                    Call::raw("toolu_2", "memory_read", ""),
                    Call::raw("toolu_3", "no_such_tool", "[1]"),
                ]),
                Reply::text("ok"),
            ]),
        );
        host.run(&Guest::ask_by_messages(&work, &model, "?"))
            .code(0)
            .prints("ok\n");
        let results = model.last_request().tool_results();
        assert_eq!(results.len(), 3);
        assert_eq!(results[0].1["error"]["kind"], "invalid_arguments");
        assert!(results[1].1.get("error").is_none(), "{results:?}");
    });
}

#[test]
fn the_step_limit_ends_in_a_round_without_tools() {
    on_each_host(|host| {
        let (work, model) = (
            workspace(),
            ScriptedModel::start([
                Reply::call("toolu_1", "read_file", json!({"path": "a.txt"})),
                Reply::text("That was all."),
            ]),
        );
        let guest = Guest::ask_by_messages(&work, &model, "?").args(["--max-steps", "1"]);
        host.run(&guest).code(4).prints("That was all.\n");
        assert_eq!(model.last_request().json["tool_choice"]["type"], "none");
    });
}

#[test]
fn reasons_to_stop_have_their_codes() {
    on_each_host(|host| {
        ask_once(host, Reply::text("Once upon a").finish_reason("length"))
            .code(4)
            .says(&["--max-tokens"]);
        ask_once(host, Reply::text("").finish_reason("content_filter"))
            .code(3)
            .says(&["dewclaw:"]);
    });
}

#[test]
fn a_key_goes_into_its_header_and_nowhere_else() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        let model = ScriptedModel::requiring_key(KEY, copying());
        let guest = Guest::ask_by_messages(&work, &model, "copy it")
            .state(&state)
            .env("ANTHROPIC_API_KEY", KEY)
            .args(["--verbose", "--record", "run.rec"]);
        host.run(&guest).code(0).keeps(KEY);
        for request in model.requests() {
            assert_eq!(request.http.header("x-api-key"), Some(KEY));
            assert_eq!(request.http.header("authorization"), None);
            assert!(!String::from_utf8_lossy(&request.http.body).contains(KEY));
        }
        assert!(state.has("run.rec"), "{:?}", state.names());
        lacks_the_key(&state, &[]);
        lacks_the_key(&work, &[]);
    });
}

#[test]
fn a_key_can_lie_in_a_file_of_the_state() {
    on_each_host(|host| {
        let (work, state) = (
            workspace(),
            Scratch::with(&[("keys/anthropic", &format!("{KEY}\n"))]),
        );
        let model = ScriptedModel::requiring_key(KEY, copying());
        let guest = Guest::ask_by_messages(&work, &model, "copy it")
            .state(&state)
            .env("ANTHROPIC_API_KEY_FILE", "/state/keys/anthropic")
            .args(["--verbose", "--record", "run.rec"]);
        host.run(&guest).code(0).keeps(KEY);
        for request in model.requests() {
            assert_eq!(request.http.header("x-api-key"), Some(KEY));
            assert_eq!(request.http.header("authorization"), None);
        }
        assert!(state.has("run.rec"), "{:?}", state.names());
        lacks_the_key(&state, &["keys/anthropic"]);
        lacks_the_key(&work, &[]);

        let model = ScriptedModel::requiring_key(KEY, [Reply::text("ok")]);
        state.write("dewclaw.json", r#"{"api_key_file": "keys/anthropic"}"#);
        let guest = Guest::ask_by_messages(&work, &model, "hi").state(&state);
        host.run(&guest).code(0).prints("ok\n").keeps(KEY);
    });
}

/// A run with tools, reasoning and a failure, recorded as `run.rec` in `state`.
fn record(host: Host, work: &Scratch, state: &Scratch, flags: &[&str]) -> Ended {
    let [first, second, third] = copying();
    let model = ScriptedModel::requiring_key(
        KEY,
        [
            first.reasoning("Files first."),
            second,
            Reply::error(500, "hiccup", "api_error", None),
            third,
        ],
    );
    let guest = Guest::ask_by_messages(work, &model, "copy it")
        .state(state)
        .env("ANTHROPIC_API_KEY", KEY)
        .args(["--record", "run.rec", "--json"]);
    let ended = host.run(&guest.args(flags.iter().copied()));
    ended.code(0);
    ended
}

#[test]
fn a_replay_tells_what_the_run_told() {
    on_each_host(|host| {
        for flags in [&[][..], &["--no-stream"]] {
            let (work, state) = (workspace(), Scratch::new());
            let told = record(host, &work, &state, flags);
            lacks_the_key(&state, &[]);
            // Nothing names the wire here but the recording.
            let replay = |work: &Scratch, flags: &[&str]| {
                let guest = Guest::offline().workspace(work).state(&state);
                host.run(
                    &guest
                        .args(["replay", "run.rec", "--json"])
                        .args(flags.iter().copied()),
                )
            };
            let empty = Scratch::new();
            let replayed = replay(&empty, &[]);
            replayed.code(0);
            let lasting = |ended: &Ended| {
                let events = ended.events();
                let lasting = events
                    .into_iter()
                    .filter(|event| event["type"] != "retry" && event["type"] != "notice");
                lasting.collect::<Vec<_>>()
            };
            assert_eq!(lasting(&replayed), lasting(&told));
            assert_eq!(empty.names(), Vec::<String>::new());
            assert_eq!(replay(&empty, &[]).stdout(), replayed.stdout());

            let fresh = workspace();
            let real = replay(&fresh, &["--tools", "real"]);
            real.code(0);
            assert_eq!(fresh.read("out/b.txt"), work.read("out/b.txt"));
        }
    });
}

#[test]
fn status_401_names_the_key_of_this_wire() {
    on_each_host(|host| {
        let refused = Reply::error(401, &format!("invalid x-api-key {KEY}"), "", None);
        ask_once(host, refused).code(3).keeps(KEY).says(&[
            "401",
            "invalid x-api-key",
            "ANTHROPIC_API_KEY",
        ]);
    });
}

#[test]
fn status_404_does_not_advise_the_end_of_the_other_wires_address() {
    on_each_host(|host| {
        let ended = ask_once(host, Reply::error(404, "model: scripted", "", None));
        ended.code(3).says(&["404", "model: scripted"]);
        assert!(!ended.stderr().contains("ends in /v1"), "{ended}");
    });
}

#[test]
fn statuses_429_and_529_are_tried_again() {
    on_each_host(|host| {
        for (status, message) in [(429, "Slow down."), (529, "Overloaded")] {
            let busy = || Reply::error(status, message, "", None);
            ask_once(host, busy())
                .code(3)
                .says(&[&status.to_string(), message]);
            let ended = ask_twice(host, busy().header("retry-after", "1"));
            let retry = &ended.events_of("retry")[0];
            assert!(
                retry["cause"].to_string().contains(&status.to_string()),
                "{retry}"
            );
            assert!(
                retry["wait_ms"]
                    .as_u64()
                    .is_some_and(|wait| (1000..3000).contains(&wait)),
                "{retry}"
            );
        }
    });
}

#[test]
fn a_stream_that_breaks_off_is_tried_again() {
    on_each_host(|host| {
        let ended = ask_twice(
            host,
            Reply::text("Hello, this will break off").close_after(700),
        );
        assert_eq!(ended.events_of("reply-discarded").len(), 1, "{ended}");
        assert_eq!(ended.events_of("retry").len(), 1, "{ended}");
        // Closed in good order, but before the end that this wire has.
        let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
        ask_twice(host, Reply::stream([start]));
    });
}

#[test]
fn a_stream_without_its_last_event_has_ended_all_the_same() {
    on_each_host(|host| {
        let events = [
            json!({"type": "message_start", "message": {"usage": {"input_tokens": 3}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Whole."}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        ];
        // And its events have no names.
        let cuts = events.map(|event| format!("data: {event}\r\n\r\n"));
        ask_once(host, Reply::stream(cuts))
            .code(0)
            .prints("Whole.\n");
    });
}

#[test]
fn an_error_amid_a_stream_is_quoted() {
    on_each_host(|host| {
        let error =
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Too busy."}});
        let cuts = [
            "event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned(),
            format!("event: error\ndata: {error}\n\n"),
        ];
        ask_once(host, Reply::stream(cuts))
            .code(3)
            .says(&["Too busy."]);
    });
}

#[test]
fn replies_of_another_wire_are_not_taken_for_answers() {
    on_each_host(|host| {
        let other = json!({"choices": [{"message": {"role": "assistant", "content": "hi"}}]});
        ask_once(host, Reply::json(200, &other))
            .code(3)
            .says(&["dewclaw:"]);
    });
}
