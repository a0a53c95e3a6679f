//! What servers do differently from the reference, and what each way means.

use dewclaw_agent_core::{Event, Reason, Usage};
use serde_json::{Value, json};

use crate::script::{Reply, sse, text};
use crate::{answer, run};

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn completion(message: Value, finish: Value) -> Reply {
    Reply::json(
        json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}).to_string(),
    )
}

#[test]
fn each_reason_to_stop_ends_the_run_its_way() {
    for (reason, wanted, code) in [
        ("stop", Reason::Answered, 0),
        ("length", Reason::Length, 4),
        ("content_filter", Reason::Refused, 3),
        // Calls that were announced and not made, and what is not known: the text is the answer.
        ("tool_calls", Reason::Answered, 0),
        ("function_call", Reason::Answered, 0),
        ("eos", Reason::Answered, 0),
    ] {
        let plain = completion(json!({"content": "words"}), json!(reason));
        let streamed = Reply::stream(sse([delta(json!({"content": "words"})), finish(reason)]));
        for reply in [plain, streamed] {
            let (_, outcome) = run(reply);
            assert_eq!(outcome.reason, wanted, "{reason}");
            assert_eq!(outcome.reason.exit_code(), code, "{reason}");
            assert_eq!(outcome.text, "words");
        }
    }
    assert_eq!(
        answer(completion(json!({"content": "words"}), json!(null))),
        "words"
    );
}

#[test]
fn a_stream_ends_by_its_reason_or_by_its_mark() {
    let words = [delta(json!({"content": "words"})), finish("stop")];
    let without = |text: String| text.replace("data: [DONE]\n\n", "");
    assert_eq!(answer(Reply::stream(without(sse(words.clone())))), "words");
    assert_eq!(
        answer(Reply::stream(sse([delta(json!({"content": "words"}))]))),
        "words"
    );
    // The mark without the blank line after it.
    assert_eq!(answer(Reply::stream(sse(words).trim_end())), "words");
}

#[test]
fn nothing_after_the_mark_counts() {
    let body = [
        sse([delta(json!({"content": "words"})), finish("stop")]),
        "data: nonsense\n\n".into(),
    ];
    assert_eq!(answer(Reply::stream(body.concat())), "words");
}

#[test]
fn lines_may_end_in_any_way() {
    let body = sse([
        delta(json!({"content": "two "})),
        delta(json!({"content": "words"})),
        finish("stop"),
    ]);
    for end in ["\r\n", "\r", "\n"] {
        assert_eq!(
            answer(Reply::stream(body.replace('\n', end))),
            "two words",
            "{end:?}"
        );
    }
    assert_eq!(
        answer(Reply::stream(["\u{feff}", &body].concat())),
        "two words"
    );
    assert_eq!(
        answer(Reply::stream(body.replace("data: ", "data:"))),
        "two words"
    );
}

#[test]
fn an_event_may_have_comments_names_and_several_lines() {
    let body = concat!(
        ": keep-alive\n\n:\n\n",
        "event: message\nid: 7\nretry: 10\ndata: {\"choices\":\ndata:  [{\"delta\":{\"content\":\"words\"}}]}\n\n",
        "event: ping\n\n",
        "data: [DONE]\n\n"
    );
    assert_eq!(answer(Reply::stream(body)), "words");
}

#[test]
fn a_server_may_answer_plainly_where_a_stream_was_asked_for() {
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "text/plain",
        "",
    ] {
        let reply = Reply::ok(content_type, text("words").plain().body());
        assert_eq!(answer(reply), "words", "{content_type}");
    }
    for content_type in ["text/event-stream", "Text/Event-Stream;charset=UTF-8"] {
        let reply = Reply::ok(content_type, text("words").streamed().body());
        assert_eq!(answer(reply), "words", "{content_type}");
    }
}

#[test]
fn content_may_come_in_parts() {
    let parts = json!([{"type": "text", "text": "two "}, {"type": "image_url"}, {"type": "text", "text": "words"}]);
    assert_eq!(
        answer(completion(json!({"content": parts}), json!("stop"))),
        "two words"
    );
    let streamed = Reply::stream(sse([delta(json!({"content": parts})), finish("stop")]));
    assert_eq!(answer(streamed), "two words");
}

#[test]
fn reasoning_is_shown_and_is_no_part_of_the_answer() {
    for name in ["reasoning_content", "reasoning"] {
        let plain = completion(
            json!({"content": "words", name: "a thought"}),
            json!("stop"),
        );
        let streamed = Reply::stream(sse([
            delta(json!({name: "a "})),
            delta(json!({name: "thought", "content": null})),
            delta(json!({"content": "words"})),
            finish("stop"),
        ]));
        for reply in [plain, streamed] {
            let (driver, outcome) = run(reply);
            assert_eq!(outcome.text, "words");
            let thoughts: String = driver
                .events()
                .into_iter()
                .filter_map(|event| match event {
                    Event::Reasoning(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(thoughts, "a thought");
            assert_eq!(
                driver.transcript()[2],
                json!({"role": "assistant", "content": "words"})
            );
        }
    }
    // Both names at once are one thought.
    let both =
        json!({"content": "words", "reasoning_content": "a thought", "reasoning": "a thought"});
    let (driver, _) = run(completion(both, json!("stop")));
    let thoughts = driver
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::Reasoning(_)));
    assert_eq!(thoughts.count(), 1);
}

#[test]
fn a_refusal_is_told_as_one() {
    let plain = completion(
        json!({"content": null, "refusal": "I can't help with that."}),
        json!("stop"),
    );
    let streamed = Reply::stream(sse([
        delta(json!({"refusal": "I can't "})),
        delta(json!({"refusal": "help with that."})),
        finish("stop"),
    ]));
    for reply in [plain, streamed] {
        let (driver, outcome) = run(reply);
        assert_eq!(outcome.reason, Reason::Refused);
        assert_eq!(outcome.reason.exit_code(), 3);
        assert_eq!(outcome.text, "I can't help with that.");
        assert_eq!(driver.transcript()[2]["content"], "I can't help with that.");
    }
    let neither = completion(json!({"content": "words", "refusal": null}), json!("stop"));
    assert_eq!(answer(neither), "words");
}

#[test]
fn usage_is_taken_where_it_stands() {
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 6});
    let mut growing = delta(json!({"content": "wor"}));
    growing["usage"] = json!({"prompt_tokens": 5, "completion_tokens": 1});
    let mut last = finish("stop");
    last["usage"] = usage.clone();
    let mut nothing = delta(json!({"content": "ds"}));
    nothing["usage"] = json!(null);
    let wanted = Usage {
        input_tokens: 5,
        output_tokens: 6,
        cached_tokens: 0,
    };
    for events in [
        vec![delta(json!({"content": "words"})), last.clone()],
        vec![growing, nothing, last],
        vec![
            delta(json!({"content": "words"})),
            finish("stop"),
            json!({"choices": [], "usage": usage}),
        ],
    ] {
        let (driver, outcome) = run(Reply::stream(sse(events)));
        assert_eq!(outcome.usage, wanted);
        let told = driver
            .events()
            .into_iter()
            .filter(|event| matches!(event, Event::Usage(_)));
        assert_eq!(told.count(), 1);
    }
    for nonsense in [
        json!("many"),
        json!([1]),
        json!({"prompt_tokens": -1}),
        json!({"prompt_tokens": 1.5}),
    ] {
        let body = json!({"choices": [{"message": {"content": "words"}}], "usage": nonsense});
        let (_, outcome) = run(Reply::json(body.to_string()));
        assert_eq!(
            (outcome.text.as_str(), outcome.usage),
            ("words", Usage::default())
        );
    }
}

#[test]
fn only_the_first_choice_counts() {
    let body = json!({"choices": [{"index": 0, "message": {"content": "first"}}, {"index": 1, "message": {"content": "second"}}]});
    assert_eq!(answer(Reply::json(body.to_string())), "first");
}

#[test]
fn a_letter_may_be_cut_between_two_deltas() {
    // A gateway that cuts text by UTF-16 units sends each half of a pair as an escape of its own.
    let body = concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a \\ud83d\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\udc3e paw\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n"
    );
    let text = answer(Reply::stream(body));
    assert!(text.starts_with("a ") && text.ends_with(" paw"), "{text}");
}
