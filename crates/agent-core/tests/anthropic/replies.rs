//! Replies as the server gives them: plain and streamed, with thinking, odd inputs, usage, and every reason to stop.

use dewclaw_agent_core::{Event, Reason, Settings, Usage};
use serde_json::{Value, json};

use crate::rules::assert_whole;
use crate::said::{
    answer, call, delta, partial, read, said, sealed, start, stop, stream, stream_call, text,
    thinking,
};
use crate::script::{Driver, Reply};
use crate::{body, run, run_with, settings, transcript};

/// The arguments of every call, as they are shown.
fn arguments(driver: &Driver) -> Vec<String> {
    let events = driver.events().into_iter();
    let arguments = events.filter_map(|event| match event {
        Event::ToolStarted { arguments, .. } => Some(arguments.clone()),
        _ => None,
    });
    arguments.collect()
}

/// All of the reasoning, and all of the text, that was shown.
fn shown(driver: &Driver) -> (String, String) {
    let (mut reasoning, mut words) = (String::new(), String::new());
    for event in driver.events() {
        match event {
            Event::Reasoning(more) => reasoning.push_str(more),
            Event::Text(more) => words.push_str(more),
            _ => {}
        }
    }
    (reasoning, words)
}

#[test]
fn plain_and_streamed_come_to_the_same() {
    let turn = said([
        thinking("Let me see \u{2026}", "c2lnbmF0dXJl"),
        text("Gr\u{fc}\u{df}e \u{1f43e}"),
        read("x", "a.txt"),
        text("and"),
        read("y", "b.txt"),
    ])
    .usage(json!({"input_tokens": 5, "output_tokens": 7}));
    let both = [false, true].map(|streamed| {
        let (driver, outcome) = run([turn.reply(streamed), answer("done").reply(streamed)]);
        let shown = shown(&driver);
        (transcript(&driver), outcome, driver.results(), shown)
    });
    assert_eq!(both[0], both[1]);
    let (transcript, outcome, results, _) = &both[0];
    assert_eq!(
        transcript[1],
        json!({"role": "assistant", "content": turn.blocks})
    );
    assert_eq!(outcome.text, "done");
    assert_eq!(outcome.reason, Reason::Answered);
    assert_eq!(results[0].2, json!({"content": "A\n", "lines": 1}));
}

#[test]
fn several_texts_are_one_answer() {
    for streamed in [false, true] {
        let turn = said([text("one, "), text("two")]);
        let (driver, outcome) = run([turn.reply(streamed)]);
        assert_eq!(outcome.text, "one, two");
        assert_eq!(transcript(&driver)[1]["content"], json!(turn.blocks));
    }
}

/// The server checks the signatures, and that thinking comes before the calls that it led to.
#[test]
fn thinking_is_sent_back_as_it_came_and_is_no_part_of_the_answer() {
    for streamed in [false, true] {
        let settings = Settings {
            thinking_tokens: 1024,
            ..settings()
        };
        let turn = said([
            thinking("First, \"quoted\"\n", "EqQBCgIYAh\u{2b}/=="),
            sealed("EmwKAhgBEgy3va3p"),
            text("Looking."),
            read("c", "a.txt"),
        ]);
        let last = said([thinking("Second.", "c2ln"), text("done")]);
        let replies = [turn.reply(streamed), last.reply(streamed)];
        let (mut driver, outcome) = run_with(settings, replies);
        assert_eq!(outcome.text, "done");
        let (reasoning, words) = shown(&driver);
        assert_eq!(reasoning, "First, \"quoted\"\nSecond.");
        assert_eq!(words, "Looking.done");
        driver.script.push_back(answer("hi").plain());
        driver.run("and now?");
        let sent = body(&driver.requests[2]);
        assert_eq!(sent["messages"][1]["content"], json!(turn.blocks));
        assert_eq!(sent["messages"][3]["content"], json!(last.blocks));
        assert_whole(&sent);
    }
}

/// As some gateways send them, or a stream whose signature was lost: the server would refuse them.
#[test]
fn thinking_without_signature_is_shown_and_not_sent_back() {
    let turn = said([thinking("Hm.", ""), text("hi")]);
    for streamed in [false, true] {
        let (driver, outcome) = run([turn.reply(streamed)]);
        assert_eq!(outcome.text, "hi");
        assert_eq!(shown(&driver).0, "Hm.");
        assert_eq!(transcript(&driver)[1]["content"], json!([text("hi")]));
    }
}

/// The server refuses a text without words, though it sends such texts.
#[test]
fn a_text_without_words_is_not_sent_back() {
    for streamed in [false, true] {
        let turn = said([text("\n\n"), read("c", "a.txt")]);
        let (driver, _) = run([turn.reply(streamed), answer("done").plain()]);
        let sent = body(&driver.requests[1]);
        assert_eq!(sent["messages"][1]["content"], json!([read("c", "a.txt")]));
    }
}

#[test]
fn a_reply_of_nothing_leaves_a_message_all_the_same() {
    for streamed in [false, true] {
        let (mut driver, outcome) = run([said([]).reply(streamed), answer("hi").plain()]);
        assert_eq!(outcome.text, "");
        driver.run("and now?");
        let sent = body(&driver.requests[1]);
        assert_whole(&sent);
        assert_eq!(sent["messages"][1]["role"], "assistant");
    }
}

#[test]
fn usage_counts_what_was_cached_and_written() {
    let usage = json!({"input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000,
        "output_tokens": 40});
    let told = Usage {
        input_tokens: 3210,
        output_tokens: 40,
        cached_tokens: 3000,
    };
    for streamed in [false, true] {
        let first = said([read("c", "a.txt")]).usage(usage.clone());
        let last = answer("done").usage(
            json!({"input_tokens": 1, "cache_creation_input_tokens": null,
            "cache_read_input_tokens": null, "output_tokens": 2}),
        );
        let (driver, outcome) = run([first.reply(streamed), last.reply(streamed)]);
        let events = driver.events();
        assert!(events.contains(&&Event::Usage(told)), "{events:?}");
        let mut sum = told;
        sum += Usage {
            input_tokens: 1,
            output_tokens: 2,
            cached_tokens: 0,
        };
        assert_eq!(outcome.usage, sum);
    }
}

#[test]
fn every_reason_to_stop_is_understood() {
    for (stop, reason) in [
        ("end_turn", Reason::Answered),
        ("stop_sequence", Reason::Answered),
        ("something_new", Reason::Answered),
        ("max_tokens", Reason::Length),
        ("model_context_window_exceeded", Reason::Length),
        ("refusal", Reason::Refused),
    ] {
        for streamed in [false, true] {
            let (_, outcome) = run([answer("words").stop(stop).reply(streamed)]);
            assert_eq!(outcome.reason, reason, "{stop}");
            assert_eq!(outcome.text, "words");
        }
    }
    let (driver, outcome) = run([said([read("c", "a.txt")]).plain(), answer("done").plain()]);
    assert_eq!(outcome.reason, Reason::Answered);
    assert_eq!(driver.results().len(), 1);
}

#[test]
fn a_broken_input_is_a_tool_error_and_sent_back_empty() {
    for parts in [
        &[r#"{"path":"#, r#""a.t"#][..],
        &[r#"{"path":"a.txt"}}"#],
        &["[1]"],
        &["null"],
        &[r#"{"path":"a.txt","path"#],
    ] {
        let replies = [
            stream_call("c", "read_file", parts),
            answer("sorry").streamed(),
        ];
        let (driver, outcome) = run(replies);
        assert_eq!(outcome.text, "sorry");
        assert_eq!(arguments(&driver), [parts.concat()]);
        let (_, ok, result) = &driver.results()[0];
        assert!(!ok);
        assert_eq!(result["error"]["kind"], "invalid_arguments");
        let sent = body(&driver.requests[1]);
        assert_whole(&sent);
        assert_eq!(sent["messages"][1]["content"][0]["input"], json!({}));
        assert_eq!(sent["messages"][2]["content"][0]["is_error"], true);
    }
}

/// A call of a tool that takes nothing streams no input at all, or an empty text.
#[test]
fn an_empty_input_is_an_empty_object() {
    let replies: [Reply; 4] = [
        stream_call("c", "list_directory", &[]),
        stream_call("c", "list_directory", &[""]),
        stream_call("c", "list_directory", &["{}"]),
        said([call("c", "list_directory", &json!({}))]).plain(),
    ];
    let all = replies.map(|reply| {
        let (driver, _) = run([reply, answer("done").plain()]);
        let sent = body(&driver.requests[1]);
        assert_eq!(sent["messages"][1]["content"][0]["input"], json!({}));
        (transcript(&driver), driver.results())
    });
    assert!(all.iter().all(|one| *one == all[0]), "{all:#?}");
}

#[test]
fn a_plain_input_is_kept_byte_for_byte() {
    for input in [
        r#"{"path":"a.txt","offset":1.50}"#,
        "{ \"path\" : \"\\u0061.txt\",\n\t\"n\": 1e3, \"big\": 123456789012345678901234567890 }",
        r#"{"z":1,"a":{"input":[]},"path":"}\"{"}"#,
    ] {
        let plain = format!(
            r#"{{"type":"message","usage":{{}},"stop_reason":"tool_use","content":[{},{{"input":{input},"type":"tool_use","name":"read_file","id":"c"}}]}}"#,
            text("hi")
        );
        let replies = [Reply::json(plain), answer("done").plain()];
        let (driver, _) = run(replies);
        assert_eq!(arguments(&driver), [input]);
        let sent = String::from_utf8(driver.requests[1].clone()).expect("a request is UTF-8");
        let kept = format!(r#""input":{input}"#);
        assert!(sent.contains(&kept), "{sent}");
        // Streamed, in parts that mean nothing by themselves, it is the same.
        let (left, right) = input.split_at(9);
        let reply = stream_call("c", "read_file", &[left, right]);
        let (driver, _) = run([reply, answer("done").plain()]);
        let sent = String::from_utf8(driver.requests[1].clone()).expect("a request is UTF-8");
        assert!(sent.contains(&kept), "{sent}");
    }
}

/// Tools that the server runs, citations, and whatever comes later: none of it is the open call's.
#[test]
fn what_is_not_known_is_passed_over() {
    let strange = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}});
    let result = json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []});
    let known = [read("c", "a.txt"), text("and "), text("more")];
    let mut blocks = known.to_vec();
    blocks.insert(1, result.clone());
    blocks.insert(1, strange.clone());
    blocks.push(strange.clone());
    let plain = said(blocks).plain();
    let mut events = said(known.clone()).events();
    let at = events
        .iter()
        .position(|event| event["type"] == "content_block_stop")
        .expect("a block is closed");
    let citation = json!({"type": "citations_delta", "citation": {"text": "no"}});
    events.splice(
        at + 1..at + 1,
        [
            delta(
                0,
                &json!({"type": "new_delta", "text": "no", "partial_json": "no"}),
            ),
            delta(0, &json!({"type": "new_delta"})),
            delta(0, &json!({})),
            start(1, &strange),
            partial(1, "{\"query\": \"x\"}"),
            delta(1, &json!({"type": "text_delta", "text": "no"})),
            stop(1),
            start(2, &result),
            delta(2, &citation),
            stop(2),
            json!({"type": "something_new", "delta": {"text": "no"}}),
            json!({"no": "type"}),
        ],
    );
    let seen: Vec<Value> = [plain, stream(&events)]
        .into_iter()
        .map(|reply| {
            let (driver, _) = run([reply, answer("done").plain()]);
            assert_eq!(arguments(&driver), [r#"{"path":"a.txt"}"#]);
            transcript(&driver)[1]["content"].clone()
        })
        .collect();
    assert_eq!(seen[0], json!(known));
    assert_eq!(seen[1], json!(known));
}
