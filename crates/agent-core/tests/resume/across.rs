//! The same conversation, gone on with on its own wire and on the other.

use dewclaw_agent_core::{Effect, Event, Reason, SettingsError, WireName};
use serde_json::{Value, json};

use crate::conversation::{held_on, messages};
use crate::script::{Driver, Reply};
use crate::{
    ANTHROPIC, BOTH, OPENAI, ResumeError, Settings, answer, assert_sound, going_on, lines_of,
    notices, parsed, resume, said, settings, tag, transcript,
};

/// A prompt and its answer, after the conversation was gone on with.
#[track_caller]
fn goes_on(driver: &mut Driver, wire: WireName) {
    driver.script.push_back(answer(wire, "Yes."));
    let outcome = driver.run("still there?");
    assert_eq!((outcome.reason, &*outcome.text), (Reason::Answered, "Yes."));
    for request in &driver.requests {
        assert_sound(wire, request);
    }
}

fn body(request: &[u8]) -> Value {
    serde_json::from_slice(request).expect("a request is JSON")
}

#[test]
fn on_the_other_wire_the_request_holds_the_whole_conversation() {
    for (from, to) in BOTH {
        let held = held_on(from, true);
        let mut driver = going_on(to, held.agent.transcript().clone());
        goes_on(&mut driver, to);

        let mut expected = messages(to, &held);
        let mut sent = body(&driver.requests[0])["messages"].take();
        let sent = sent.as_array_mut().expect("it has messages");
        match to {
            OPENAI => {
                expected.push(json!({"role": "user", "content": "still there?"}));
                assert_eq!(sent.remove(0)["role"], "system");
            }
            ANTHROPIC => {
                let mark = json!({"type": "ephemeral"});
                expected.push(json!({"role": "user", "content": [
                    {"type": "text", "text": "still there?", "cache_control": mark},
                ]}));
            }
        }
        assert_eq!(*sent, expected, "{from:?} to {to:?}");
    }
}

/// Not only in meaning: a server that has cached it finds the same bytes.
#[test]
fn on_the_other_wire_the_lines_are_what_that_wire_would_have_written() {
    for (from, to) in BOTH {
        let driver = going_on(to, held_on(from, true).agent.transcript().clone());
        assert_eq!(driver.agent.transcript().wire, tag(to));
        assert_eq!(
            *driver.agent.transcript(),
            *held_on(to, false).agent.transcript()
        );
    }
}

#[test]
fn on_its_own_wire_every_byte_stays() {
    for (wire, _) in BOTH {
        let held = held_on(wire, true);
        let kept = lines_of(&held.agent);
        for earlier in [held.agent.transcript().clone(), transcript(wire, &kept)] {
            assert_eq!(earlier, *held.agent.transcript());
            let mut driver = going_on(wire, earlier);
            goes_on(&mut driver, wire);
            assert_eq!(lines_of(&driver.agent)[..kept.len()], kept);
            let mut request = &driver.requests[0][..];
            for line in &kept {
                let at = request.windows(line.len()).position(|part| part == line);
                request = &request[at.expect("the line is sent as it was")..];
            }
            assert_eq!(notices(&driver), Vec::<&str>::new());
        }
    }
}

/// Spaces, escapes, the order of members: nothing that a line may have is put straight.
#[test]
fn lines_in_an_unusual_spelling_stay_too() {
    let chat: [&[u8]; 2] = [
        b"{ \"content\" : \"\\u0068i\\n\", \"role\":\"user\"  }",
        b"{\"role\":\"assistant\",\"content\":\"yes\", \"extra\":1.50}\n",
    ];
    let blocks: [&[u8]; 2] = [
        b"{ \"content\" : [ { \"text\":\"\\u0068i\", \"type\":\"text\" } ] , \"role\":\"user\"  }",
        b"{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"yes\"} ]}",
    ];
    for (wire, lines) in [(OPENAI, chat), (ANTHROPIC, blocks)] {
        let lines = lines.map(<[u8]>::to_vec);
        let mut driver = going_on(wire, transcript(wire, &lines));
        goes_on(&mut driver, wire);
        assert_eq!(lines_of(&driver.agent)[..2], lines);
    }
}

#[test]
fn one_notice_says_what_was_left_out_when_the_next_run_begins() {
    for (from, to, way) in [
        (OPENAI, ANTHROPIC, "openai \u{2192} anthropic"),
        (ANTHROPIC, OPENAI, "anthropic \u{2192} openai"),
    ] {
        let mut driver = going_on(to, held_on(from, true).agent.transcript().clone());
        assert_eq!(driver.agent.next(), Effect::Pending, "no run has begun");
        assert!(driver.agent.prompt(driver.now, " ").is_err());
        goes_on(&mut driver, to);
        let Effect::Event(Event::Notice(text)) = &driver.effects[0] else {
            panic!("the run begins with {:?}", driver.effects[0]);
        };
        assert!(text.contains(way), "{text}");
        assert!(text.contains("reasoning in 2 of its replies"), "{text}");
        goes_on(&mut driver, to);
        assert_eq!(notices(&driver).len(), 1, "it is said once");
    }
}

#[test]
fn where_no_reasoning_was_nothing_is_said() {
    for (from, to) in BOTH {
        let mut driver = going_on(to, held_on(from, false).agent.transcript().clone());
        goes_on(&mut driver, to);
        assert_eq!(notices(&driver), Vec::<&str>::new());
    }
}

#[test]
fn what_was_left_out_is_nowhere_in_the_request() {
    for (from, to) in BOTH {
        let mut driver = going_on(to, held_on(from, true).agent.transcript().clone());
        goes_on(&mut driver, to);
        let sent = String::from_utf8(driver.requests[0].clone()).expect("a request is UTF-8");
        for absent in [
            "Both at once.",
            "One more.",
            "c2lnbmVk",
            "c2VhbGVk",
            "thinking",
            "reasoning_content",
        ] {
            assert!(!sent.contains(absent), "{absent}: {sent}");
        }
        // A positive control.
        let held = held_on(from, true);
        let kept = String::from_utf8(lines_of(&held.agent).concat()).expect("lines are UTF-8");
        assert!(kept.contains("Both at once."), "{kept}");
    }
}

/// Reasoning from here on is the new server's own, and goes back to it.
#[test]
fn new_reasoning_goes_back_on_the_new_wire() {
    let mut driver = going_on(ANTHROPIC, held_on(OPENAI, true).agent.transcript().clone());
    let turn = said::said([
        said::thinking("Hm.", "bmV3"),
        said::read("toolu_1", "a.txt"),
    ]);
    driver.script = [turn.plain(), said::answer("A.").plain()].into();
    driver.run("read it again");
    let sent = body(&driver.requests[1]);
    let messages = sent["messages"].as_array().expect("it has messages");
    let reply = &messages[messages.len() - 2]["content"];
    assert_eq!(reply[0], said::thinking("Hm.", "bmV3"));
    assert_sound(ANTHROPIC, &driver.requests[1]);
}

/// There and back: only the reasoning is gone.
#[test]
fn back_on_the_first_wire_nothing_more_is_lost() {
    for (from, to) in BOTH {
        let there = going_on(to, held_on(from, true).agent.transcript().clone());
        let back = going_on(from, there.agent.transcript().clone());
        assert_eq!(
            *back.agent.transcript(),
            *held_on(from, false).agent.transcript()
        );
    }
}

/// Prompts that stayed without an answer, an answer without words, and a blank one: each wire has its own way with them.
#[test]
fn what_has_no_words_is_put_as_the_wire_takes_it() {
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    let block =
        |role: &str, text: &str| json!({"role": role, "content": [{"type": "text", "text": text}]});
    let chat = [
        said("user", "one"),
        said("user", "two"),
        said("assistant", ""),
        said("user", " \n"),
        said("assistant", "\n"),
    ];
    let blocks = [
        block("user", "one"),
        block("user", "two"),
        block("assistant", "(nothing)"),
        block("user", "(nothing)"),
        block("assistant", "(nothing)"),
    ];
    let bytes = |lines: &[Value]| -> Vec<Vec<u8>> {
        lines.iter().map(|line| line.to_string().into()).collect()
    };
    let mut driver = going_on(ANTHROPIC, transcript(OPENAI, &bytes(&chat)));
    assert_eq!(parsed(&driver.agent), blocks);
    goes_on(&mut driver, ANTHROPIC);

    let mut driver = going_on(OPENAI, transcript(ANTHROPIC, &bytes(&blocks)));
    assert_eq!(
        parsed(&driver.agent),
        [
            said("user", "one"),
            said("user", "two"),
            said("assistant", ""),
            said("user", "(nothing)"),
            said("assistant", ""),
        ]
    );
    goes_on(&mut driver, OPENAI);
}

/// Reasoning and nothing else, which one wire has put a word behind.
#[test]
fn a_reply_of_reasoning_alone_is_an_empty_one() {
    let turn = said::said([said::thinking("Hm.", "c2ln")]);
    let mut held = crate::driver(ANTHROPIC).replies([turn.plain()]);
    held.run("go");
    let mut driver = going_on(OPENAI, held.agent.transcript().clone());
    assert_eq!(
        parsed(&driver.agent)[1],
        json!({"role": "assistant", "content": ""})
    );
    goes_on(&mut driver, OPENAI);
    assert_eq!(notices(&driver).len(), 1);
}

/// Results and words in one message, as other programs write it.
#[test]
fn a_message_of_results_and_words_becomes_one_of_each() {
    let lines = [
        json!({"role": "user", "content": [{"type": "text", "text": "go"}, {"type": "text", "text": "please"}]}),
        json!({"role": "assistant", "content": [said::read("x", "a.txt"), said::read("y", "b.txt")]}),
        json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "y", "content": "B", "is_error": false},
            {"type": "tool_result", "tool_use_id": "x", "content": "A", "is_error": true},
            {"type": "text", "text": "hurry"},
        ]}),
    ];
    let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_string().into()).collect();
    let driver = going_on(OPENAI, transcript(ANTHROPIC, &lines));
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "read_file", "arguments": arguments}});
    assert_eq!(
        parsed(&driver.agent),
        [
            json!({"role": "user", "content": "go"}),
            json!({"role": "user", "content": "please"}),
            json!({"role": "assistant", "content": null, "tool_calls": [
                call("x", r#"{"path":"a.txt"}"#),
                call("y", r#"{"path":"b.txt"}"#),
            ]}),
            // In the order of the calls.
            json!({"role": "tool", "tool_call_id": "x", "content": "A"}),
            json!({"role": "tool", "tool_call_id": "y", "content": "B"}),
            json!({"role": "user", "content": "hurry"}),
        ]
    );
}

/// Numbers, spaces and the order of members are the model's own.
#[test]
fn arguments_keep_their_spelling() {
    let spelled = "{ \"b\" : 1.50,\"a\":[-0e1, 18446744073709551616 ] }";
    let chat = [
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "read_file", "arguments": spelled}},
        ]}),
        json!({"role": "tool", "tool_call_id": "x", "content": "{}"}),
    ];
    let chat: Vec<Vec<u8>> = chat.iter().map(|line| line.to_string().into()).collect();
    let there = going_on(ANTHROPIC, transcript(OPENAI, &chat));
    let line = String::from_utf8(lines_of(&there.agent)[0].clone()).expect("a line is UTF-8");
    assert!(line.contains(&format!("\"input\":{spelled}")), "{line}");
    let back = going_on(OPENAI, there.agent.transcript().clone());
    assert_eq!(
        parsed(&back.agent)[0]["tool_calls"][0]["function"]["arguments"],
        spelled
    );
}

/// A result that was too large and is no JSON any more is none of an error.
#[test]
fn only_an_error_object_is_marked_as_an_error() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "read_file", "arguments": "{}"}});
    let results = [
        r#"{"error":{"kind":"not_found","message":"no"}}"#,
        r#"{"content":"error"}"#,
        "{\"content\":\"a\n[... 9 bytes cut ...]\nb\"}",
        "\"error\"",
        "",
    ];
    let ids = ["a", "b", "c", "d", "e"];
    let calls: Vec<Value> = ids.iter().map(|id| call(id)).collect();
    let mut lines = vec![
        json!({"role": "user", "content": "go"}),
        json!({"role": "assistant", "content": null, "tool_calls": calls}),
    ];
    lines.extend(
        ids.iter()
            .zip(results)
            .map(|(id, result)| json!({"role": "tool", "tool_call_id": id, "content": result})),
    );
    let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_string().into()).collect();
    let driver = going_on(ANTHROPIC, transcript(OPENAI, &lines));
    let sent = &parsed(&driver.agent)[2]["content"];
    for (index, result) in results.iter().enumerate() {
        assert_eq!(sent[index]["content"], **result);
        let failed = sent[index].get("is_error") == Some(&json!(true));
        assert_eq!(failed, index == 0, "{result}");
    }
}

#[test]
fn an_empty_transcript_is_a_new_conversation() {
    for (from, to) in BOTH {
        let mut driver = going_on(to, transcript(from, &[]));
        goes_on(&mut driver, to);
        assert_eq!(driver.requests.len(), 1);
        assert_eq!(notices(&driver), Vec::<&str>::new());
    }
}

#[test]
fn settings_are_checked_as_for_a_new_agent() {
    let none = Settings {
        model: String::new(),
        ..settings(OPENAI)
    };
    let refused = made_with(none);
    assert!(matches!(
        refused,
        Err(ResumeError::Settings(SettingsError::NoModel))
    ));
    assert!(resume(OPENAI, transcript(OPENAI, &[])).is_ok());
}

fn made_with(settings: Settings) -> Result<(), ResumeError> {
    let earlier = transcript(OPENAI, &[]);
    crate::Agent::resume(settings, &crate::tools::ALL, 1, earlier).map(|_| ())
}

/// A run that the server broke off, and one that was cancelled, can be gone on with.
#[test]
fn what_a_failed_run_leaves_can_be_gone_on_with() {
    for (from, to) in BOTH {
        let held = held_on(from, true);
        for lines in [1, 4, 5, 6] {
            let mut kept = lines_of(&held.agent);
            kept.truncate(lines);
            let earlier = transcript(from, &kept);
            match resume(to, earlier.clone()) {
                Ok(_) => goes_on(&mut going_on(to, earlier), to),
                Err(_) => assert!(ends_in_calls(&kept), "{lines} lines of {from:?}"),
            }
        }
        let mut failed = crate::driver(from).replies([Reply::error(400, "no")]);
        assert_ne!(failed.run("go").reason, Reason::Answered);
        goes_on(&mut going_on(to, failed.agent.transcript().clone()), to);
    }
}

fn ends_in_calls(lines: &[Vec<u8>]) -> bool {
    let messages: Vec<Value> = lines.iter().map(|line| body(line)).collect();
    let last = messages.last().expect("there are lines");
    let blocks = last["content"].as_array().into_iter().flatten();
    let calls = last.get("tool_calls").is_some();
    // Of two results one may be cut off.
    let half = last["role"] == "tool" && lines.len() == 3;
    calls || half || blocks.into_iter().any(|block| block["type"] == "tool_use")
}
