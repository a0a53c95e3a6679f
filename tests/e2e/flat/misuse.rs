//! Calls that are wrong: each has a status and words of its own, and changes nothing.

use super::{
    OK, at, call, chunk, config, feed, is_usable, next_to_do, open, prompt, reply, save, text,
};
use e2e::flat::{Block, Flat};
use serde_json::json;
use wamr_runner::Value;

#[test]
fn bytes_that_are_not_the_hosts_are_refused() {
    let mut flat = Flat::start();
    let config = flat.put(&config());
    let session = flat.tell("dc_open", &[], &[&super::config(), b""]);
    let memory = i32::try_from(flat.memory_bytes()).expect("it is small");
    let freed = flat.put(b"hello");
    flat.free(freed);
    let (begin, length) = (config.at, config.length);
    for (at, length) in [
        (0, 1),
        (8, 4),
        (begin - 1, length),
        (begin, length + 1),
        (begin + 1, length),
        (begin + length, 1),
        (begin, -1),
        (begin, i32::MAX),
        (begin, i32::MIN),
        (freed.at, freed.length),
        (memory - 2, 4),
        (memory, 1),
        (-1, 1),
        (-1, 2),
        (-1, -1),
        (i32::MIN, 1),
    ] {
        let block = Block { at, length };
        let mut refused = |name: &str, first: &[Value], last: &[Value]| {
            let numbers = [first, &block.arguments(), last].concat();
            assert_eq!(flat.call(name, &numbers), -2, "{name} of {block:?}");
            assert!(flat.text().contains("dc_alloc"), "{}", flat.text());
        };
        refused("dc_open", &[], &[0.into(), 0.into()]);
        refused("dc_open", &config.arguments(), &[]);
        refused("dc_prompt", &super::at(session), &[]);
        refused("dc_feed", &super::at(session), &[]);
        let id = [&super::at(session)[..], &[1.into()]].concat();
        refused("dc_chunk", &id, &[]);
    }
    // The control.
    let opened = flat.tell("dc_open", &config.arguments(), &[b""]);
    assert!(opened > session, "{opened}");
    is_usable(&mut flat, session);
    is_usable(&mut flat, opened);
}

#[test]
fn a_block_is_given_back_once() {
    let mut flat = Flat::start();
    let one = flat.put(b"one");
    let other = flat.put(b"other");
    let free = |flat: &mut Flat, at: i32| flat.call("dc_free", &[at.into()]);
    for wrong in [0, 8, one.at + 1, one.at - 1, -1, i32::MIN] {
        assert_eq!(free(&mut flat, wrong), -2, "{wrong}");
    }
    assert_eq!(free(&mut flat, one.at), OK);
    assert_eq!(free(&mut flat, one.at), -2);
    let bytes = flat.guest().read(other.at.cast_unsigned(), 5);
    assert_eq!(bytes.expect("inside"), b"other");
    assert_eq!(free(&mut flat, other.at), OK);
    for none in [0, -1, i32::MIN] {
        assert_eq!(flat.call("dc_alloc", &[none.into()]), 0, "{none}");
    }
    // Given back, memory is used again.
    let block = flat_block(&mut flat);
    flat.free(block);
    let before = flat.memory_bytes();
    for _ in 0..100 {
        let block = flat_block(&mut flat);
        flat.free(block);
    }
    assert_eq!(flat.memory_bytes(), before);
}

fn flat_block(flat: &mut Flat) -> Block {
    flat.room(300_000).expect("there is memory")
}

#[test]
fn a_session_that_is_not_open_is_told_apart() {
    let mut flat = Flat::start();
    let closed = open(&mut flat, &config(), b"");
    let session = open(&mut flat, &config(), b"");
    assert_eq!(flat.call("dc_close", &[closed.into()]), OK);
    let text = flat.put(b"hello");
    for wrong in [closed, 0, -1, session + 1, i32::MAX, i32::MIN] {
        let (now, block) = (at(wrong), text.arguments());
        let id = [&now[..], &[1.into()], &block].concat();
        for (name, numbers) in [
            ("dc_close", &[wrong.into()][..]),
            ("dc_prompt", &[&now[..], &block].concat()),
            ("dc_next", &now),
            ("dc_body", &[wrong.into(), 0.into()]),
            ("dc_chunk", &id),
            ("dc_advance", &[wrong.into(), 0.into()]),
            ("dc_usage", &[wrong.into()]),
            ("dc_save", &[wrong.into()]),
        ] {
            assert_eq!(flat.call(name, numbers), -3, "{name} of {wrong}");
            assert!(flat.text().contains("session"), "{}", flat.text());
        }
        assert_eq!(feed(&mut flat, wrong, &json!({"cancel": true})), -3);
    }
    is_usable(&mut flat, session);
    // No number is given twice.
    assert!(open(&mut flat, &config(), b"") > session);
}

#[test]
fn calls_out_of_order_change_nothing() {
    let mut flat = Flat::start();
    let session = open(&mut flat, &config(), b"");
    let refused = |flat: &mut Flat, asked: &[(&str, i32)]| {
        let before = save(flat, session);
        for (input, wanted) in asked {
            let status = flat.tell("dc_feed", &at(session), &[input.as_bytes()]);
            assert_eq!(status, *wanted, "{input}: {}", flat.text());
            assert!(!flat.text().is_empty(), "{input} has no words");
        }
        assert!(save(flat, session) == before, "it is as it was");
    };
    let never: &[(&str, i32)] = &[
        (r#"{"reply_start":9,"status":200,"headers":{}}"#, -9),
        (r#"{"reply_end":9}"#, -9),
        (r#"{"reply_failed":9,"error":"dns"}"#, -9),
        (r#"{"operation":3,"answer":{"done":true}}"#, -11),
        (r#"{"tool_done":"c9","result":"4.5"}"#, -13),
        (r#"{"verdict":"approved","call":"c9"}"#, -13),
        (r#"{"reply_failed":1,"error":"sleepy"}"#, -4),
        (r#"{"verdict":"maybe","call":"c9"}"#, -4),
        (r#"{"tool_done":"c9"}"#, -4),
        (r#"{"reply_start":4294967296,"status":200}"#, -4),
        (r#"{"reply_start":1,"status":70000}"#, -4),
        (r#"{"operation":3}"#, -4),
        ("{}", -4),
        ("[]", -4),
        ("", -4),
        ("{\"cancel\":true", -4),
        ("\"cancel\"", -4),
        ("\u{0}", -4),
    ];
    refused(&mut flat, never);
    assert_eq!(chunk(&mut flat, session, 9, b"x"), -9);
    assert_eq!(flat.call("dc_body", &[session.into(), 0.into()]), 1);
    assert_eq!(
        flat.call("dc_advance", &[session.into(), 1_000.into()]),
        -14
    );
    assert!(flat.text().contains("host"), "{}", flat.text());
    assert_eq!(prompt(&mut flat, session, ""), -8);
    assert_eq!(prompt(&mut flat, session, " \n"), -8);
    let no_text = flat.tell("dc_prompt", &at(session), &[b"\xff"]);
    assert_eq!(no_text, -4);

    assert_eq!(prompt(&mut flat, session, "How warm is it?"), OK);
    assert_eq!(prompt(&mut flat, session, "And now?"), -7);
    let effect = next_to_do(&mut flat, session);
    assert_eq!(effect["type"], "call-model");
    let id = effect["id"].to_string();
    let start = format!(r#"{{"reply_start":{id},"status":200,"headers":{{}}}}"#);
    let end = format!(r#"{{"reply_end":{id}}}"#);
    refused(&mut flat, never);
    refused(&mut flat, &[(&end, -10)]);
    let number = id.parse().expect("a number");
    assert_eq!(chunk(&mut flat, session, number, b"{"), -10);
    assert_eq!(flat.call("dc_body", &[session.into(), 9_999.into()]), 1);
    assert_eq!(flat.call("dc_body", &[session.into(), (-1).into()]), 1);
    assert_eq!(flat.tell("dc_feed", &at(session), &[start.as_bytes()]), OK);
    refused(&mut flat, &[(&start, -10)]);
    let body = call("c1").to_string();
    assert_eq!(chunk(&mut flat, session, number, body.as_bytes()), OK);
    assert_eq!(flat.tell("dc_feed", &at(session), &[end.as_bytes()]), OK);
    refused(&mut flat, &[(&end, -9)]);

    let effect = next_to_do(&mut flat, session);
    assert_eq!(effect["type"], "run-tool", "{effect}");
    refused(&mut flat, &[(r#"{"verdict":"approved","call":"c1"}"#, -13)]);
    let done = json!({"tool_done": "c1", "result": "21.5"});
    assert_eq!(feed(&mut flat, session, &done), OK);
    assert_eq!(feed(&mut flat, session, &done), -13);
    reply(&mut flat, session, &text("It is warm."));
    assert_eq!(next_to_do(&mut flat, session)["text"], "It is warm.");
    refused(&mut flat, never);
    is_usable(&mut flat, session);
}

#[test]
fn an_answer_of_another_kind_is_told_apart() {
    let mut flat = Flat::start();
    let session = open(&mut flat, &config(), b"");
    assert_eq!(prompt(&mut flat, session, "Look."), OK);
    let function = json!({"name": "read_file", "arguments": r#"{"path": "a.txt"}"#});
    let calls = json!([{"id": "c1", "type": "function", "function": function}]);
    let message = json!({"content": null, "tool_calls": calls});
    let choice = json!({"message": message, "finish_reason": "tool_calls"});
    reply(&mut flat, session, &json!({"choices": [choice]}));
    let effect = next_to_do(&mut flat, session);
    let id = &effect["id"];
    let input = json!({"operation": id, "answer": {"http_error": "dns"}});
    assert_eq!(feed(&mut flat, session, &input), -12);
    let answer = json!({"error": "not-found"});
    let input = json!({"operation": id, "answer": answer});
    assert_eq!(feed(&mut flat, session, &input), OK);
    is_usable(&mut flat, session);
}

#[test]
fn configurations_that_are_wrong_say_so() {
    let mut flat = Flat::start();
    let model = json!({"model": "m"});
    for (config, status, said) in [
        ("".to_owned(), -5, "no JSON object"),
        ("[]".to_owned(), -5, "no JSON object"),
        ("{".to_owned(), -5, "no JSON object"),
        ("{}".to_owned(), -5, "settings"),
        (json!({"settings": "m"}).to_string(), -5, "settings"),
        (json!({"settings": {}}).to_string(), -5, "no model"),
        (
            json!({"settings": {"model": "m", "colour": 1}}).to_string(),
            -5,
            "colour",
        ),
        (
            json!({"settings": model, "tool": []}).to_string(),
            -5,
            "no member \"tool\"",
        ),
        (
            json!({"settings": model, "tools": "read_file"}).to_string(),
            -5,
            "\"tools\" takes an array",
        ),
        (
            json!({"settings": model, "tools": ["exec"]}).to_string(),
            -5,
            "exec",
        ),
        (
            json!({"settings": model, "tools": [7]}).to_string(),
            -5,
            "no tool \"\"",
        ),
        (
            json!({"settings": model, "host_tools": {}}).to_string(),
            -5,
            "\"host_tools\" takes an array",
        ),
        (
            json!({"settings": model, "host_tools": [{"name": "x"}]}).to_string(),
            -5,
            "host_tools/0",
        ),
        (
            json!({"settings": model, "host_tools": [7]}).to_string(),
            -5,
            "host_tools/0",
        ),
        (
            json!({"settings": model, "files": "me"}).to_string(),
            -5,
            "\"files\" takes",
        ),
        (
            json!({"settings": model, "files": true}).to_string(),
            -5,
            "\"files\" takes",
        ),
        (
            json!({"settings": model, "files": "module"}).to_string(),
            -5,
            "--dir",
        ),
        (
            json!({"settings": model, "seed": -1}).to_string(),
            -5,
            "seed",
        ),
        (
            json!({"settings": model, "seed": "7"}).to_string(),
            -5,
            "seed",
        ),
        (
            json!({"settings": {"model": "m", "base_url": "x"}}).to_string(),
            -5,
            "base URL",
        ),
    ] {
        let answer = flat.tell("dc_open", &[], &[config.as_bytes(), b""]);
        assert_eq!(answer, status, "{config}");
        assert!(flat.text().contains(said), "{config}: {}", flat.text());
    }
    for saved in [&b"nonsense"[..], b"dewclaw-session 1 ", &[0xff; 5_000]] {
        let answer = flat.tell("dc_open", &[], &[&config(), saved]);
        assert_eq!(answer, -6);
        assert!(flat.text().contains("saved bytes"), "{}", flat.text());
    }
    let session = open(&mut flat, &config(), b"");
    is_usable(&mut flat, session);
}

#[test]
fn fifty_megabytes_of_a_tools_result_are_taken() {
    let mut flat = Flat::start();
    let session = open(&mut flat, &config(), b"");
    assert_eq!(prompt(&mut flat, session, "How warm is it?"), OK);
    reply(&mut flat, session, &call("c1"));
    assert_eq!(next_to_do(&mut flat, session)["type"], "run-tool");
    let large = json!({"tool_done": "c1", "result": "21.5 ".repeat(10_000_000)});
    assert_eq!(feed(&mut flat, session, &large), OK);
    let effect = next_to_do(&mut flat, session);
    let sent = effect["content_length"].as_u64().expect("a number");
    assert!((60_000..100_000).contains(&sent), "{sent} bytes are sent");
    is_usable(&mut flat, session);
}
