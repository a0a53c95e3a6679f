//! A trap ends an instance and nothing else: what was saved goes on in another one.

use super::{OK, at, call, config, feed, is_usable, next_to_do, open, prompt, reply, save};
use e2e::flat::{Block, Flat};
use serde_json::json;
use wamr_runner::{CallError, Grants};

/// Memory for the sessions of these tests, and not for what is fed to them.
const PAGES: u32 = 16;

fn small() -> Flat {
    Flat::granted(&Grants {
        max_memory_pages: Some(PAGES),
        ..Grants::default()
    })
}

/// JSON that takes many times its length when it is read.
fn swelling(length: usize) -> Vec<u8> {
    let mut text = br#"{"tool_done":"c1","error":["#.to_vec();
    while text.len() < length {
        text.extend(b"[],");
    }
    text.extend(b"0]}");
    text
}

#[test]
fn a_block_that_does_not_fit_is_no_trap() {
    let mut flat = small();
    let session = open(&mut flat, &config(), b"");
    assert_eq!(flat.room(50_000_000), None);
    assert_eq!(flat.room(PAGES as usize * 65_536), None);
    let block = flat.room(300_000).expect("a smaller one fits");
    flat.free(block);
    is_usable(&mut flat, session);
}

#[test]
fn after_a_trap_the_instance_is_broken_and_the_saved_session_goes_on() {
    let mut flat = small();
    let mut other = small();
    let theirs = open(&mut other, &config(), b"");
    let session = open(&mut flat, &config(), b"");
    assert_eq!(prompt(&mut flat, session, "How warm is it?"), OK);
    reply(&mut flat, session, &call("c1"));
    assert_eq!(next_to_do(&mut flat, session)["type"], "run-tool");
    let saved = save(&mut flat, session);

    let text = swelling(400_000);
    let block = flat.put(&text);
    let numbers = [&at(session)[..], &block.arguments()].concat();
    let trapped = flat.attempt("dc_feed", &numbers);
    assert!(
        matches!(&trapped, Err(CallError::Trap(words)) if words.contains("unreachable")),
        "{trapped:?}"
    );

    let none = Block::NONE.arguments();
    let now = at(session);
    let id = [&now[..], &[1.into()], &none].concat();
    for (name, numbers) in [
        ("dc_free", &[block.at.into()][..]),
        ("dc_open", &[none, none].concat()),
        ("dc_close", &[session.into()]),
        ("dc_prompt", &[&now[..], &none].concat()),
        ("dc_next", &now),
        ("dc_body", &[session.into(), 0.into()]),
        ("dc_chunk", &id),
        ("dc_feed", &[&now[..], &none].concat()),
        ("dc_advance", &[session.into(), 0.into()]),
        ("dc_usage", &[session.into()]),
        ("dc_save", &[session.into()]),
    ] {
        assert_eq!(flat.call(name, numbers), -1, "{name}");
        assert_eq!(flat.text(), "", "{name}");
    }
    assert_eq!(flat.room(8), None);
    assert_eq!(flat.call("dc_version", &[]), 1);

    is_usable(&mut other, theirs);
    drop(flat);
    let mut fresh = small();
    let session = open(&mut fresh, &config(), &saved);
    let effect = next_to_do(&mut fresh, session);
    assert_eq!(effect["type"], "call-model", "{effect}");
    let body = body(&mut fresh, session);
    assert!(body.contains("How warm is it?"), "{body}");
    assert!(body.contains("interrupted, effect unknown"), "{body}");
    is_usable(&mut fresh, session);
}

fn body(flat: &mut Flat, session: i32) -> String {
    let mut body = Vec::new();
    for index in 0.. {
        if flat.call("dc_body", &[session.into(), index.into()]) != OK {
            break;
        }
        body.extend(flat.result());
    }
    String::from_utf8(body).expect("UTF-8")
}

#[test]
fn json_deeper_than_any_stack_is_refused() {
    let mut flat = Flat::start();
    let session = open(&mut flat, &config(), b"");
    for depth in [127, 128, 129, 1_000, 1_000_000] {
        for (open_by, close_by) in [("[", "]"), ("{\"a\":", "}")] {
            let text = [&open_by.repeat(depth), "0", &close_by.repeat(depth)].concat();
            let status = flat.tell("dc_feed", &at(session), &[text.as_bytes()]);
            assert_eq!(status, -4, "{depth}");
            let status = flat.tell("dc_open", &[], &[text.as_bytes(), b""]);
            assert_eq!(status, -5, "{depth}");
        }
    }
    assert_eq!(prompt(&mut flat, session, "How warm is it?"), OK);
    reply(&mut flat, session, &call("c1"));
    assert_eq!(next_to_do(&mut flat, session)["type"], "run-tool");
    let deep = ["[".repeat(1_000_000), "]".repeat(1_000_000)].concat();
    let done = json!({"tool_done": "c1", "result": deep});
    assert_eq!(feed(&mut flat, session, &done), OK);
    is_usable(&mut flat, session);
}
