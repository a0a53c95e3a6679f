//! Ids of calls: those that the other wire refuses, and those that were used before.

use serde_json::{Value, json};

use crate::script::{Call, Reply, calls};
use crate::{
    ANTHROPIC, BOTH, OPENAI, WireName, answer, assert_sound, going_on, parsed, said, transcript,
};

/// Ids that one server or another gives, and that another refuses.
const UNSOUND: [&str; 6] = [
    "functions.read_file:0",
    "call|fc_1",
    "\u{e9}",
    " ",
    "call 1\n",
    "call_that_is_longer_than_forty_letters_is_refused",
];

/// Lines of a conversation with a round for each of these groups of ids.
fn lines(wire: WireName, rounds: &[&[&str]]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for (number, ids) in rounds.iter().enumerate() {
        let prompt = format!("round {number}");
        let path = |id: &str| json!({"path": id});
        let content = |id: &&str| json!({"content": id}).to_string();
        match wire {
            OPENAI => {
                lines.push(json!({"role": "user", "content": prompt}));
                let made = ids.iter().map(|id| json!({"id": id, "type": "function", "function": {"name": "read_file", "arguments": path(id).to_string()}}));
                lines.push(json!({"role": "assistant", "content": null, "tool_calls": made.collect::<Vec<_>>()}));
                let results = ids
                    .iter()
                    .map(|id| json!({"role": "tool", "tool_call_id": id, "content": content(id)}));
                lines.extend(results);
            }
            ANTHROPIC => {
                lines.push(json!({"role": "user", "content": [said::text(&prompt)]}));
                let made = ids.iter().map(|id| said::call(id, "read_file", &path(id)));
                lines.push(json!({"role": "assistant", "content": made.collect::<Vec<_>>()}));
                let results = ids.iter().map(
                    |id| json!({"type": "tool_result", "tool_use_id": id, "content": content(id)}),
                );
                lines.push(json!({"role": "user", "content": results.collect::<Vec<_>>()}));
            }
        }
    }
    lines.iter().map(|line| line.to_string().into()).collect()
}

/// The id of every call in these messages with the path in its arguments, and of every result with what it holds.
fn named(messages: &[Value]) -> (Vec<[String; 2]>, Vec<[String; 2]>) {
    let (mut made, mut results) = (Vec::new(), Vec::new());
    let text = |value: &Value| value.as_str().expect("it is text").to_string();
    let content = |value: &Value| {
        let content: Value = serde_json::from_str(&text(value)).expect("a result is JSON");
        text(&content["content"])
    };
    for message in messages {
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let arguments = text(&call["function"]["arguments"]);
            let arguments: Value = serde_json::from_str(&arguments).expect("they are JSON");
            made.push([text(&call["id"]), text(&arguments["path"])]);
        }
        if message["role"] == "tool" {
            results.push([text(&message["tool_call_id"]), content(&message["content"])]);
        }
        for block in message["content"].as_array().into_iter().flatten() {
            if block["type"] == "tool_use" {
                made.push([text(&block["id"]), text(&block["input"]["path"])]);
            }
            if block["type"] == "tool_result" {
                results.push([text(&block["tool_use_id"]), content(&block["content"])]);
            }
        }
    }
    (made, results)
}

#[test]
fn ids_that_the_other_wire_refuses_are_given_anew() {
    // The ids that are given to others are among them, before and after.
    let rounds: [&[&str]; 4] = [
        &["dewclaw_1", "a"],
        &UNSOUND,
        &["dewclaw_2", "dewclaw_3"],
        &["dewclaw-1"],
    ];
    for (from, to) in BOTH {
        let mut driver = going_on(to, transcript(from, &lines(from, &rounds)));
        let (made, results) = named(&parsed(&driver.agent));
        assert_eq!(made, results, "each result has the id of its call");
        let old: Vec<&str> = rounds.concat();
        let meant: Vec<&str> = made.iter().map(|[_, path]| path.as_str()).collect();
        assert_eq!(meant, old, "calls and results keep their order");
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        for [id, _] in &made {
            assert!(
                (1..=40).contains(&id.len()) && id.chars().all(fits),
                "{id:?}"
            );
            assert_eq!(
                made.iter().filter(|[other, _]| other == id).count(),
                1,
                "{id:?}"
            );
        }
        for kept in ["dewclaw_1", "a", "dewclaw-1"] {
            assert!(made.contains(&[kept.into(), kept.into()]), "{made:?}");
        }
        driver.script.push_back(answer(to, "hi"));
        driver.run("go on");
        assert_sound(to, &driver.requests[0]);
    }
}

/// An id that two rounds share is refused by one wire and taken by the other.
#[test]
fn an_id_that_two_rounds_share_is_given_anew_on_the_other_wire() {
    for (from, to) in BOTH {
        let driver = going_on(to, transcript(from, &lines(from, &[&["a"], &["a"]])));
        let (made, results) = named(&parsed(&driver.agent));
        assert_eq!(made, results);
        assert_ne!(made[0][0], made[1][0]);
    }
}

#[test]
fn on_its_own_wire_no_id_is_touched() {
    for (wire, _) in BOTH {
        let lines = lines(wire, &[&UNSOUND]);
        let driver = going_on(wire, transcript(wire, &lines));
        assert_eq!(crate::lines_of(&driver.agent), lines);
    }
}

/// New calls may come without an id, or with one that the conversation has had.
#[test]
fn new_calls_get_ids_that_were_never_used() {
    let call = |wire: WireName, ids: [&str; 3]| -> Reply {
        let here = json!({"path": "."});
        match wire {
            OPENAI => calls(ids.map(|id| Call::new(id, "list_directory", &here))).plain(),
            ANTHROPIC => said::said(ids.map(|id| said::call(id, "list_directory", &here))).plain(),
        }
    };
    for (from, other) in BOTH {
        for to in [from, other] {
            let lines = lines(from, &[&["a", "dewclaw_1"], &["dewclaw_2"]]);
            let mut driver = going_on(to, transcript(from, &lines));
            driver.script = [call(to, ["a", "", "dewclaw_2"]), answer(to, "done")].into();
            driver.run("go on");
            for request in &driver.requests {
                assert_sound(to, request);
            }
            let messages = parsed(&driver.agent);
            let mut ids = Vec::new();
            for message in &messages {
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    ids.push(call["id"].clone());
                }
                for block in message["content"].as_array().into_iter().flatten() {
                    ids.extend(block.get("id").cloned());
                }
            }
            assert_eq!(ids.len(), 6);
            for id in &ids {
                assert_eq!(
                    ids.iter().filter(|other| *other == id).count(),
                    1,
                    "{ids:?}"
                );
            }
        }
    }
}
