//! Replies of a model's server that break the wire, a row each: a message with cause and fix, a stable exit code, no trap, and whole files.
//!
//! Retries are off here, so that each row shows the first failure; `retry` has the tests of what is tried again.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host_and_board};
use e2e::loopback::Loopback;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Asks a model that gives `reply` first, with one attempt; `settings` are added to `dewclaw.json`.
fn ask_with(host: Host, settings: &Value, reply: Reply) -> Ended {
    let mut all = json!({"retry_attempts": 1});
    for (name, value) in settings.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    let (work, state) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    state.write("dewclaw.json", all.to_string());
    let (files, kept) = (work.snapshot(), state.snapshot());
    let model = ScriptedModel::start([reply]);
    let ended = host.run(&Guest::ask(&work, &model, "hi").state(&state));
    assert_eq!(work.snapshot(), files, "the workspace is as it was");
    assert_eq!(state.snapshot(), kept, "the state is as it was");
    ended
}

/// Asks a model that gives `reply`, with one attempt.
pub(crate) fn ask(host: Host, reply: Reply) -> Ended {
    ask_with(host, &json!({}), reply)
}

/// Asks whatever listens at `base_url`, with one attempt.
fn ask_at(host: Host, base_url: &str) -> Ended {
    let (work, state) = (
        Scratch::new(),
        Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1}"#)]),
    );
    let guest = Guest::dewclaw()
        .workspace(&work)
        .state(&state)
        .base_url(base_url);
    host.run(&guest.args(["ask", "hi", "--model", "m"]))
}

/// One streamed event with this delta.
fn event(delta: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n")
}

const DONE: &str = "data: [DONE]\n\n";

#[test]
fn a_truncated_stream() {
    on_each_host_and_board(|host| {
        let ended = ask(host, Reply::stream([event(r#"{"content":"Hel"}"#)]));
        ended.code(3).says(&["dewclaw:", "broke off"]);
    });
}

#[test]
fn a_stream_cut_inside_an_event() {
    on_each_host_and_board(|host| {
        let whole = event(r#"{"content":"Hello"}"#);
        ask(host, Reply::stream([&whole[..40]]))
            .code(3)
            .says(&["dewclaw:", "broke off"]);
    });
}

#[test]
fn a_truncated_tool_call_is_not_run() {
    on_each_host_and_board(|host| {
        let head = event(
            r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"write_file","arguments":"{\"path\":\"a.txt\",\"content\":\"\"}"}}]}"#,
        );
        ask(host, Reply::stream([head]))
            .code(3)
            .says(&["broke off"]);
    });
}

#[test]
fn an_empty_stream() {
    on_each_host_and_board(|host| {
        ask(host, Reply::stream([": nothing\n\n"]))
            .code(3)
            .says(&["dewclaw:"]);
    });
}

#[test]
fn a_stream_of_done_alone() {
    on_each_host_and_board(|host| {
        ask(host, Reply::stream([DONE])).code(3).says(&["dewclaw:"]);
    });
}

#[test]
fn invalid_utf8_in_the_stream() {
    on_each_host_and_board(|host| {
        let mut bytes = event(r#"{"content":"Hel@lo"}"#).into_bytes();
        for byte in &mut bytes {
            if *byte == b'@' {
                *byte = 0xff;
            }
        }
        bytes.extend_from_slice(event(r#"{"content":"!"}"#).as_bytes());
        bytes.extend_from_slice(DONE.as_bytes());
        ask(host, Reply::stream([bytes]))
            .code(3)
            .says(&["dewclaw:", "UTF-8"]);
    });
}

#[test]
fn invalid_utf8_in_a_plain_reply() {
    on_each_host_and_board(|host| {
        let body = b"{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\xff\xfe\"},\"finish_reason\":\"stop\"}]}";
        ask(host, Reply::body(200, "application/json", body))
            .code(3)
            .says(&["dewclaw:"]);
    });
}

#[test]
fn ten_megabytes_of_one_line_in_the_stream() {
    on_each_host_and_board(|host| {
        let over = match host {
            Host::Board => "larger than",
            _ => "more than",
        };
        let mut line = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"".to_vec();
        line.resize(10_000_000, b'x');
        ask(host, Reply::stream([line]).cut_every(65_536))
            .code(3)
            .says(&["dewclaw:", over]);
    });
}

#[test]
fn ten_megabytes_of_one_line_in_a_plain_reply() {
    on_each_host_and_board(|host| {
        let content = "x".repeat(10_000_000);
        let body = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]});
        ask(host, Reply::json(200, &body))
            .code(3)
            .says(&["dewclaw:", "larger than"]);
    });
}

#[test]
fn a_tool_call_without_an_id_gets_one() {
    on_each_host_and_board(|host| {
        for stream in [true, false] {
            let work = Scratch::with(&[("a.txt", "alpha\n"), ("b.txt", "beta\n")]);
            let state = Scratch::with(&[("dewclaw.json", &json!({"stream": stream}).to_string())]);
            let calls = [
                Call::without_id("read_file", json!({"path": "a.txt"})),
                Call::without_id("read_file", json!({"path": "b.txt"})),
            ];
            let model = ScriptedModel::start([Reply::calls(calls), Reply::text("Both read.")]);
            host.run(&Guest::ask(&work, &model, "read").state(&state))
                .code(0)
                .prints("Both read.\n");
            let results = model.last_request().tool_results();
            let texts: Vec<_> = results
                .iter()
                .map(|(_, result)| result["content"].to_string())
                .collect();
            assert!(
                texts[0].contains("alpha") && texts[1].contains("beta"),
                "{texts:?}"
            );
        }
    });
}

#[test]
fn tool_calls_that_share_an_id_are_told_apart() {
    on_each_host_and_board(|host| {
        let work = Scratch::with(&[("a.txt", "alpha\n"), ("b.txt", "beta\n")]);
        let call = |path: &str| Call::new("same", "read_file", json!({"path": path}));
        let model = ScriptedModel::start([
            Reply::calls([call("a.txt"), call("b.txt")]),
            Reply::text("Both read."),
        ]);
        host.run(&Guest::ask(&work, &model, "read"))
            .code(0)
            .prints("Both read.\n");
        let results = model.last_request().tool_results();
        assert!(
            results[0].1["content"].to_string().contains("alpha"),
            "{results:?}"
        );
        assert!(
            results[1].1["content"].to_string().contains("beta"),
            "{results:?}"
        );
    });
}

#[test]
fn a_call_id_that_was_used_in_an_earlier_turn() {
    on_each_host_and_board(|host| {
        let work = Scratch::with(&[("a.txt", "alpha\n"), ("b.txt", "beta\n")]);
        let call = |path: &str| Reply::call("call_0", "read_file", json!({"path": path}));
        let model = ScriptedModel::start([call("a.txt"), call("b.txt"), Reply::text("Both read.")]);
        host.run(&Guest::ask(&work, &model, "read"))
            .code(0)
            .prints("Both read.\n");
        assert!(
            model.last_request().tool_result()["content"]
                .to_string()
                .contains("beta")
        );
    });
}

#[test]
fn a_tool_call_with_broken_json_is_answered_and_the_run_goes_on() {
    on_each_host_and_board(|host| {
        let work = Scratch::with(&[("a.txt", "alpha\n")]);
        let broken = Call::raw("c", "write_file", "{\"path\": \"a.txt\", \"content\": \"be");
        let model = ScriptedModel::start([Reply::calls([broken]), Reply::text("Sorry.")]);
        host.run(&Guest::ask(&work, &model, "write"))
            .code(0)
            .prints("Sorry.\n");
        let result = model.last_request().tool_result();
        assert_eq!(result["error"]["kind"], "invalid_arguments", "{result}");
        assert_eq!(work.read("a.txt"), "alpha\n");
    });
}

#[test]
fn a_tool_call_without_a_name_that_servers_take_back() {
    on_each_host_and_board(|host| {
        // Servers refuse a history with such a name, so the next request must not hold it.
        let named = |name| Reply::calls([Call::new("c", name, json!({"path": "a.txt"}))]);
        let nameless = event(
            r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"arguments":"{}"}}]}"#,
        );
        let replies = ["", "read file", "read_file({", "r\u{e9}ad"].map(named);
        for reply in replies
            .into_iter()
            .chain([Reply::stream([nameless.as_str(), DONE])])
        {
            let work = Scratch::with(&[("a.txt", "alpha\n")]);
            let model = ScriptedModel::start([reply, Reply::text("Sorry.")]);
            host.run(&Guest::ask(&work, &model, "read"))
                .code(0)
                .prints("Sorry.\n");
            let result = model.last_request().tool_result();
            assert!(
                result["error"]["message"]
                    .to_string()
                    .contains("unknown tool"),
                "{result}"
            );
        }
    });
}

#[test]
fn empty_choices() {
    on_each_host_and_board(|host| {
        let body = json!({"id": "x", "object": "chat.completion", "choices": []});
        ask(host, Reply::json(200, &body))
            .code(3)
            .says(&["dewclaw:", "choices"]);
        let stream = Reply::stream(["data: {\"choices\":[]}\n\n", DONE]);
        ask(host, stream).code(3).says(&["dewclaw:"]);
    });
}

#[test]
fn json_that_is_no_completion() {
    on_each_host_and_board(|host| {
        for body in [
            json!({"hello": "world"}),
            json!([]),
            json!("ok"),
            json!({"choices": {}}),
            json!({"choices": [{}]}),
            json!({"choices": [{"message": {"content": 7}}]}),
        ] {
            eprintln!("asking for {body}");
            ask(host, Reply::json(200, &body))
                .code(3)
                .says(&["dewclaw:"]);
        }
    });
}

#[test]
fn events_that_are_not_json() {
    on_each_host_and_board(|host| {
        ask(host, Reply::stream(["data: hello\n\n", DONE]))
            .code(3)
            .says(&["dewclaw:", "JSON"]);
    });
}

#[test]
fn an_error_inside_the_stream_is_quoted() {
    on_each_host_and_board(|host| {
        let error = r#"data: {"error":{"message":"The engine is overloaded.","type":"server_error","param":null,"code":null}}"#;
        let ended = ask(
            host,
            Reply::stream([event(r#"{"content":"Hel"}"#), format!("{error}\n\n")]),
        );
        ended.code(3).says(&["engine is overloaded"]);
    });
}

#[test]
fn a_connection_that_closes_midway() {
    on_each_host_and_board(|host| {
        ask(
            host,
            Reply::text("Hello, this will break off").close_after(700),
        )
        .code(3)
        .says(&["dewclaw:"]);
        ask_with(
            host,
            &json!({"stream": false}),
            Reply::text("Hello, all of you.").close_after(50),
        )
        .code(3)
        .says(&["dewclaw:"]);
    });
}

#[test]
fn a_connection_that_closes_at_once() {
    on_each_host_and_board(|host| {
        ask(host, Reply::text("Hello").close_after(0))
            .code(3)
            .says(&["dewclaw:"]);
    });
}

#[test]
fn a_connection_that_closes_before_the_answer() {
    on_each_host_and_board(|host| {
        ask(host, Reply::hang_up())
            .code(3)
            .says(&["dewclaw:", "127.0.0.1"]);
    });
}

#[test]
fn a_server_that_does_not_speak_http() {
    on_each_host_and_board(|host| {
        let server = Loopback::serve(|_, exchange| {
            exchange.raw(b"SSH-2.0-OpenSSH_9.9\r\n");
            exchange.close();
        });
        ask_at(host, &format!("{}/v1", server.url()))
            .code(3)
            .says(&["dewclaw:", &server.authority()]);
    });
}

#[test]
fn a_server_that_speaks_http_where_https_was_asked_for() {
    on_each_host_and_board(|host| {
        let server = Loopback::serve(|_, exchange| exchange.reply(200, &[], b""));
        ask_at(host, &format!("https://{}/v1", server.authority()))
            .code(3)
            .says(&["dewclaw:", "TLS", &server.authority()]);
    });
}

#[test]
fn deeply_nested_json() {
    on_each_host_and_board(|host| {
        for depth in [100, 200, 100_000] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            // What is read past at a depth of 100 may be refused further down, but never traps.
            let expected = if depth == 100 { 0 } else { 3 };
            let plain = format!(
                "{{\"extra\":{nested},\"choices\":[{{\"message\":{{\"content\":\"ok\"}}}}]}}"
            );
            ask(host, Reply::body(200, "application/json", plain.as_bytes())).code(expected);
            let delta = event(&format!("{{\"content\":\"ok\",\"extra\":{nested}}}"));
            ask(host, Reply::stream([delta.as_str(), DONE])).code(expected);
            let error = format!("{{\"error\":{nested}}}");
            ask(host, Reply::body(400, "application/json", error.as_bytes()))
                .code(3)
                .says(&["400"]);

            let work = Scratch::new();
            let call = Call::raw("c", "read_file", &format!("{{\"path\":{nested}}}"));
            if host == Host::Board && depth == 100_000 {
                ask(host, Reply::calls([call]))
                    .code(3)
                    .says(&["larger than"]);
                continue;
            }
            let model = ScriptedModel::start([Reply::calls([call]), Reply::text("Sorry.")]);
            host.run(&Guest::ask(&work, &model, "read"))
                .code(0)
                .prints("Sorry.\n");
            assert_eq!(
                model.last_request().tool_result()["error"]["kind"],
                "invalid_arguments"
            );
        }
    });
}

#[test]
fn a_server_that_never_answers() {
    on_each_host_and_board(|host| {
        let settings = json!({"first_byte_timeout_ms": 300});
        ask_with(host, &settings, Reply::silence())
            .code(3)
            .says(&["dewclaw:", "first_byte_timeout_ms"]);
    });
}

#[test]
fn a_server_that_stalls_midway() {
    on_each_host_and_board(|host| {
        let settings = json!({"between_bytes_timeout_ms": 300});
        let ended = ask_with(
            host,
            &settings,
            Reply::text("Hello, and then nothing").stall_after(900),
        );
        ended
            .code(3)
            .says(&["dewclaw:", "between_bytes_timeout_ms"]);
    });
}

#[test]
fn a_server_that_keeps_the_connection_open_after_done() {
    on_each_host_and_board(|host| {
        let reply = Reply::stream([
            event(r#"{"content":"Hello."}"#),
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                .to_owned(),
            DONE.to_owned(),
        ]);
        let settings = json!({"between_bytes_timeout_ms": 20_000});
        let started = Instant::now();
        ask_with(host, &settings, reply.stall_after(usize::MAX))
            .code(0)
            .prints("Hello.\n");
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "the reply is whole, so nothing is waited for"
        );
    });
}
