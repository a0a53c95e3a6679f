//! A conversation from prompt to answer: what is sent, what is shown, what is kept.

mod script;

use dewclaw_agent_core::{Agent, AuthScheme, Effect, Event, Reason, Settings, Usage, tools};
use script::{Call, Driver, Turn, assert_whole, calls, messages, settings, streaming, text};
use serde_json::{Value, json};

/// The words shown, put together.
fn shown(driver: &Driver) -> String {
    let texts = driver.events().into_iter().filter_map(|event| match event {
        Event::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn an_answer_ends_the_run() {
    let mut driver = Driver::new(settings()).replies([text("Hello there.").plain()]);
    let outcome = driver.run("hello");
    assert_eq!(outcome.reason, Reason::Answered);
    assert_eq!(outcome.reason.exit_code(), 0);
    assert_eq!(outcome.text, "Hello there.");
    assert_eq!(shown(&driver), "Hello there.");
    assert_eq!(
        driver.transcript(),
        [
            json!({"role": "system", "content": "Be brief.\n\nToday is 2026-11-20 (UTC)."}),
            json!({"role": "user", "content": "hello"}),
            json!({"role": "assistant", "content": "Hello there."}),
        ]
    );
}

/// A longer run: reasoning, text beside calls, several calls at once, each kind of outcome.
fn turns() -> Vec<Turn> {
    vec![
        Turn {
            text: "Let me look.".into(),
            reasoning: "They want \u{201e}notes\u{201c} changed.".into(),
            ..calls([
                Call::new("c1", "list_directory", &json!({"path": "."})),
                Call::new("c2", "read_file", &json!({"path": "notes.txt"})),
                Call::new("c3", "read_file", &json!({"path": "missing.txt"})),
            ])
            .usage(100, 20, 0)
        },
        calls([Call::new(
            "c4",
            "edit_file",
            &json!({"path": "notes.txt", "old_text": "tea", "new_text": "caf\u{e9} \u{1f375}"}),
        )])
        .usage(150, 30, 100),
        text("Done: tea is now caf\u{e9} \u{1f375}.").usage(200, 10, 150),
    ]
}

fn long_run(settings: Settings) -> Driver {
    let stream = settings.stream;
    Driver::new(settings)
        .file("notes.txt", "Anna likes tea.\n")
        .replies(turns().iter().map(|turn| turn.reply(stream)))
}

#[test]
fn plain_and_streamed_replies_come_to_the_same() {
    let mut plain = long_run(settings());
    let mut streamed = long_run(streaming());
    let outcome = plain.run("Anna now likes caf\u{e9}.");
    assert_eq!(streamed.run("Anna now likes caf\u{e9}."), outcome);
    assert_eq!(outcome.reason, Reason::Answered);
    assert_eq!(streamed.transcript(), plain.transcript());
    assert_eq!(streamed.results(), plain.results());
    assert_eq!(shown(&streamed), shown(&plain));
    assert_eq!(
        shown(&plain),
        "Let me look.Done: tea is now caf\u{e9} \u{1f375}."
    );
    for driver in [&mut plain, &mut streamed] {
        assert_eq!(
            driver.content("notes.txt"),
            "Anna likes caf\u{e9} \u{1f375}.\n"
        );
    }
    // A stream shows the text while it comes.
    let pieces = |driver: &Driver| {
        driver
            .events()
            .iter()
            .filter(|event| matches!(event, Event::Text(_)))
            .count()
    };
    assert!(pieces(&streamed) > pieces(&plain));
}

#[test]
fn results_follow_their_calls_in_the_order_of_the_calls() {
    let mut driver = long_run(settings());
    driver.run("go");
    let transcript = driver.transcript();
    assert_whole(&transcript);
    let roles: Vec<&str> = transcript
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect();
    assert_eq!(
        roles,
        [
            "system",
            "user",
            "assistant",
            "tool",
            "tool",
            "tool",
            "assistant",
            "tool",
            "assistant"
        ]
    );
    assert_eq!(
        transcript[2]["tool_calls"][1],
        json!({"id": "c2", "type": "function",
            "function": {"name": "read_file", "arguments": "{\"path\":\"notes.txt\"}"}})
    );
    assert_eq!(transcript[2]["content"], "Let me look.");
    assert_eq!(transcript[6]["content"], Value::Null);
    let result = |index: usize| -> (String, Value) {
        let message: &Value = &transcript[index];
        let content = message["content"].as_str().unwrap();
        (
            message["tool_call_id"].as_str().unwrap().into(),
            serde_json::from_str(content).unwrap(),
        )
    };
    assert_eq!(
        result(3),
        (
            "c1".into(),
            json!({"entries": [{"name": "notes.txt", "is_dir": false, "size": 16}]})
        )
    );
    assert_eq!(
        result(4),
        (
            "c2".into(),
            json!({"content": "Anna likes tea.\n", "lines": 1})
        )
    );
    let (id, missing) = result(5);
    assert_eq!(
        (id.as_str(), &missing["error"]["kind"]),
        ("c3", &json!("not_found"))
    );
}

#[test]
fn events_come_in_the_order_of_what_happens() {
    let mut driver = long_run(settings());
    driver.run("go");
    let told: Vec<String> = driver
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::CallModel(_) => "call".into(),
            Effect::Operate { .. } => "operate".into(),
            Effect::Event(Event::Text(_)) => "text".into(),
            Effect::Event(Event::Reasoning(_)) => "reasoning".into(),
            Effect::Event(Event::Usage(_)) => "usage".into(),
            Effect::Event(Event::ToolStarted { call, .. }) => format!("start {call}"),
            Effect::Event(Event::ToolFinished { call, .. }) => format!("end {call}"),
            Effect::Finished(_) => "finished".into(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "call",
            "reasoning",
            "text",
            "usage",
            "start c1",
            "operate",
            "end c1",
            "start c2",
            "operate",
            "end c2",
            "start c3",
            "operate",
            "end c3",
            "call",
            "usage",
            "start c4",
            "operate",
            "operate",
            "end c4",
            "call",
            "text",
            "usage",
            "finished"
        ]
    );
}

#[test]
fn usage_is_told_for_each_call_and_summed() {
    for settings in [settings(), streaming()] {
        let mut driver = long_run(settings);
        let outcome = driver.run("go");
        let usage = |input_tokens, output_tokens, cached_tokens| Usage {
            input_tokens,
            output_tokens,
            cached_tokens,
        };
        let told: Vec<Usage> = driver
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Usage(usage) => Some(*usage),
                _ => None,
            })
            .collect();
        assert_eq!(
            told,
            [usage(100, 20, 0), usage(150, 30, 100), usage(200, 10, 150)]
        );
        assert_eq!(outcome.usage, usage(450, 60, 250));
        // The next run counts for itself.
        driver.script.push_back(text("hi").usage(7, 1, 0).plain());
        assert_eq!(driver.run("again").usage, usage(7, 1, 0));
    }
}

#[test]
fn a_request_is_these_bytes() {
    let mut driver = Driver::with_tools(settings(), &[]).replies([text("hi").plain()]);
    driver.run("say \"hi\"\n\u{1}\u{e9}");
    let wanted = concat!(
        r#"{"model":"scripted","messages":["#,
        r#"{"role":"system","content":"Be brief.\n\nToday is 2026-11-20 (UTC)."},"#,
        r#"{"role":"user","content":"say \"hi\"\n\u0001"#,
        "\u{e9}",
        r#""}]}"#
    );
    assert_eq!(
        String::from_utf8(driver.requests[0].clone()).unwrap(),
        wanted
    );
}

#[test]
fn a_request_offers_the_tools_and_says_how_to_answer() {
    let with = Settings {
        max_tokens: 700,
        ..streaming()
    };
    for (settings, stream, limit) in [(settings(), None, None), (with, Some(true), Some(700))] {
        let mut driver = Driver::new(settings).replies([text("hi").plain()]);
        driver.run("hello");
        let body: Value = serde_json::from_slice(&driver.requests[0]).unwrap();
        assert_eq!(body["model"], "scripted");
        assert_eq!(body["stream"].as_bool(), stream);
        assert_eq!(body["stream_options"]["include_usage"].as_bool(), stream);
        assert_eq!(body["max_tokens"].as_u64(), limit);
        assert_eq!(body.get("tool_choice"), None);
        let offered = body["tools"].as_array().unwrap();
        let names: Vec<&str> = offered
            .iter()
            .map(|tool| tool["function"]["name"].as_str().unwrap())
            .collect();
        let known: Vec<&str> = tools::ALL.iter().map(|tool| tool.name).collect();
        assert_eq!(names, known);
        for tool in offered {
            assert_eq!(tool["type"], "function");
            assert_eq!(tool["function"]["parameters"]["type"], "object");
        }
    }
}

#[test]
fn a_request_goes_to_the_base_url_and_carries_no_key() {
    for base_url in [
        "http://192.168.1.10:11434/v1",
        "http://192.168.1.10:11434/v1/",
    ] {
        let settings = Settings {
            base_url: base_url.into(),
            ..settings()
        };
        let mut driver = Driver::new(settings.clone()).replies([text("hi").plain()]);
        driver.run("hello");
        let Effect::CallModel(call) = &driver.effects[0] else {
            panic!("a run begins with a model call");
        };
        assert_eq!(call.url, "http://192.168.1.10:11434/v1/chat/completions");
        assert_eq!(
            (call.auth.slot, call.auth.scheme),
            ("openai", AuthScheme::Bearer)
        );
        assert_eq!(call.timeouts, settings.timeouts);
        assert!(call.headers.contains(&("content-type", "application/json")));
        for (name, _) in &call.headers {
            assert!(
                !["authorization", "content-length", "host"].contains(name),
                "{name}"
            );
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }
}

#[test]
fn each_request_begins_with_the_bytes_of_the_one_before() {
    let mut driver = long_run(settings());
    driver.run("go");
    driver.script.push_back(text("yes").plain());
    driver.run("sure?");
    assert_eq!(driver.requests.len(), 4);
    for pair in driver.requests.windows(2) {
        let shared = pair[0].strip_suffix(b"]}").unwrap();
        assert!(pair[1].starts_with(shared), "a server's cache would miss");
        assert_whole(&messages(&pair[1]));
    }
}

#[test]
fn the_next_prompt_continues_the_conversation() {
    let mut driver = Driver::new(settings()).replies([text("one").plain(), text("two").plain()]);
    driver.run("first");
    // The date of the first prompt stays: a changed beginning could not be cached.
    driver.pass(86_400_000);
    assert_eq!(driver.run("second").text, "two");
    let sent = messages(&driver.requests[1]);
    let contents: Vec<&str> = sent
        .iter()
        .filter_map(|message| message["content"].as_str())
        .collect();
    assert_eq!(
        contents,
        [
            "Be brief.\n\nToday is 2026-11-20 (UTC).",
            "first",
            "one",
            "second"
        ]
    );
}

#[test]
fn an_answer_without_words_is_told() {
    for reply in [text("").plain(), text("").streamed()] {
        let mut driver = Driver::new(settings()).replies([reply]);
        let outcome = driver.run("hello");
        assert_eq!(
            (outcome.reason, outcome.text.as_str()),
            (Reason::Answered, "")
        );
        let events = driver.events();
        assert!(matches!(events[..], [Event::Notice(_)]), "{events:?}");
    }
}

#[test]
fn the_built_in_system_text_stands_where_none_is_set() {
    let settings = Settings {
        system: String::new(),
        ..settings()
    };
    let mut driver = Driver::new(settings).replies([text("hi").plain()]);
    driver.run("hello");
    let system = driver.transcript()[0]["content"]
        .as_str()
        .unwrap()
        .to_string();
    assert!(system.starts_with("You are Dewclaw"), "{system}");
    assert!(system.ends_with("Today is 2026-11-20 (UTC)."), "{system}");
}

#[test]
fn an_agent_without_a_model_or_a_url_is_refused() {
    let wrong = [
        Settings {
            model: String::new(),
            ..settings()
        },
        Settings {
            base_url: "model.test".into(),
            ..settings()
        },
    ];
    for settings in wrong {
        assert!(Agent::new(settings, &tools::ALL, 1).is_err());
    }
}
