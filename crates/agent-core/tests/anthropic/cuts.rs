//! Property tests: however the network cuts a reply, it is the same reply; whatever a server changes in it, nothing
//! panics and the history stays whole.

use dewclaw_agent_core::{Effect, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rules::assert_whole;
use crate::said::{Said, answer, call, read, said, sealed, text, thinking};
use crate::script::{Driver, Reply};
use crate::{body, settings, transcript};

/// A stream as a server sent it: events' names, both line ends, letters of two to four bytes, halves of one letter,
/// thinking of both kinds, two calls.
const RECORDED: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":11,\"cache_creation_input_tokens\":5,\"cache_read_input_tokens\":3,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Erst \u{fc}berlegen \u{2026}\"}}\n\n",
    "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQB+/==\"}}\r\n\r\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"Gr\u{fc}\u{df}e \u{1f43e}, \\u4f60 \\ud83d\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"\\udc3e\\n\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"read_file\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"path\\\": \\\"a\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\".txt\\\"}\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":3}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":4,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"list_directory\",\"input\":{}}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":4}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":22}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn recorded() -> Reply {
    Reply::stream(RECORDED)
}

fn turn() -> Said {
    said([
        thinking("Erst \u{fc}berlegen", "c2ln"),
        text("Gr\u{fc}\u{df}e \u{1f43e}"),
        read("c1", "a.txt"),
    ])
}

/// A run that this reply begins, with answers in words after it.
fn driver(reply: Reply) -> Driver {
    let settings = Settings {
        retry_attempts: 1,
        ..settings()
    };
    let after = (0..4).map(|_| answer("after").plain());
    Driver::new(settings)
        .file("a.txt", "A\n")
        .replies([reply])
        .replies(after)
}

fn effects(reply: Reply) -> (Vec<Effect>, Vec<Value>) {
    let mut driver = driver(reply);
    driver.run("go");
    // How often it is asked to wait is the network's doing.
    let waits = |effect: &Effect| matches!(effect, Effect::Wait { .. });
    driver.effects.retain(|effect| !waits(effect));
    let transcript = transcript(&driver);
    (driver.effects, transcript)
}

#[test]
fn the_recorded_stream_is_what_it_says() {
    let mut driver = driver(recorded());
    let outcome = driver.run("go");
    assert_eq!(
        transcript(&driver)[1]["content"],
        json!([
            thinking("Erst \u{fc}berlegen \u{2026}", "EqQB+/=="),
            sealed("EmwK"),
            text("Gr\u{fc}\u{df}e \u{1f43e}, \u{4f60} \u{1f43e}\n"),
            read("toolu_1", "a.txt"),
            call("toolu_2", "list_directory", &json!({})),
        ])
    );
    let results = driver.results();
    assert_eq!(results[0].2, json!({"content": "A\n", "lines": 1}));
    assert_eq!(outcome.usage.input_tokens, 19);
    assert_eq!(outcome.usage.cached_tokens, 3);
    assert_eq!(outcome.usage.output_tokens, 22);
}

#[test]
fn every_byte_alone_changes_nothing() {
    for reply in [recorded(), turn().plain()] {
        let every: Vec<usize> = (0..reply.body().len()).collect();
        assert_eq!(effects(reply.clone().cut(&every)), effects(reply));
    }
}

/// Inputs as models make them.
fn input() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        "\\PC{0,12}".prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!(number)),
        Just(json!({"deep": [null, true, {}]})),
    ];
    prop::collection::vec(("[a-z]{1,6}|path", value), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn block() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,30}".prop_map(|words| text(&words)),
        ("\\PC{0,20}", "[A-Za-z0-9+/=]{0,9}")
            .prop_map(|(words, signature)| thinking(&words, &signature)),
        "[A-Za-z0-9+/=]{1,9}".prop_map(|data| sealed(&data)),
        ("[xyz]", "read_file|list_directory|\\PC{0,4}", input())
            .prop_map(|(id, name, input)| call(&id, &name, &input)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_change_nothing(cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        prop_assert_eq!(effects(recorded().cut(&cuts)), effects(recorded()));
        prop_assert_eq!(effects(turn().plain().cut(&cuts)), effects(turn().plain()));
    }

    /// What is streamed and what is plain comes to the same, whatever the model says.
    #[test]
    fn any_turn_is_the_same_plain_and_streamed(
        blocks in prop::collection::vec(block(), 0..5),
        cuts in prop::collection::vec(any::<usize>(), 0..10),
    ) {
        let turn = said(blocks).usage(json!({"input_tokens": 1, "output_tokens": 2}));
        let mut plain = driver(turn.plain());
        let mut streamed = driver(turn.streamed().cut(&cuts));
        prop_assert_eq!(plain.run("go"), streamed.run("go"));
        prop_assert_eq!(transcript(&plain), transcript(&streamed));
        prop_assert_eq!(plain.results(), streamed.results());
        prop_assert_eq!(plain.requests, streamed.requests);
    }

    /// Bytes changed, lost, doubled and moved: the run ends, and the next prompt has a whole history to go on with.
    #[test]
    fn mutations_are_survived(
        stream: bool,
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), 0..5u8), 1..6),
        cuts in prop::collection::vec(any::<usize>(), 0..5),
    ) {
        let reply = if stream { recorded() } else { turn().plain() };
        let mut bytes = reply.body();
        for (at, byte, how) in changes {
            let at = at % (bytes.len() + 1);
            match how {
                1 => bytes.insert(at, byte),
                3 => bytes.truncate(at),
                _ if at == bytes.len() => {}
                0 => bytes[at] = byte,
                2 => { bytes.remove(at); }
                _ => bytes.copy_within(at.., at / 2),
            }
        }
        let mut driver = driver(Reply { pieces: vec![bytes], ..reply }.cut(&cuts));
        driver.run("go");
        driver.run("and then?");
        for request in &driver.requests {
            assert_whole(&body(request));
        }
    }

    /// Whole events lost, doubled and moved.
    #[test]
    fn events_out_of_order_are_survived(changes in prop::collection::vec((any::<usize>(), any::<usize>(), 0..3u8), 1..6)) {
        let mut events: Vec<&str> = RECORDED.split_inclusive("\n\n").collect();
        for (one, other, how) in changes {
            if events.is_empty() {
                break;
            }
            let (one, other) = (one % events.len(), other % events.len());
            match how {
                0 => { events.remove(one); }
                1 => events.insert(other, events[one]),
                _ => events.swap(one, other),
            }
        }
        let mut driver = driver(Reply::stream(events.concat()));
        driver.run("go");
        driver.run("and then?");
        for request in &driver.requests {
            assert_whole(&body(request));
        }
    }

    /// Bytes that were never a reply.
    #[test]
    fn any_body_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), stream: bool, status in 100u16..600) {
        let reply = if stream { Reply::stream(bytes) } else { Reply::json(bytes) };
        driver(Reply { status, ..reply }).run("go");
    }

    /// JSON that is none of the wire's, in its place.
    #[test]
    fn any_json_is_survived(part in "[\\[\\]{}\",:0-9a-z]{0,20}|null|\\[\\]|\\{\\}|1|\"x\"", place in 0..6u8) {
        let (plain, event) = match place {
            0 => (part.clone(), part),
            1 => (format!("{{\"content\":{part}}}"), format!("{{\"type\":{part}}}")),
            2 => (format!("{{\"content\":[{part}]}}"), format!("{{\"type\":\"content_block_start\",\"content_block\":{part}}}")),
            3 => (
                format!("{{\"content\":[{{\"type\":\"tool_use\",\"id\":{part},\"name\":{part},\"input\":{part}}}]}}"),
                format!("{{\"type\":\"content_block_start\",\"content_block\":{{\"type\":\"tool_use\",\"id\":{part}}}}}"),
            ),
            4 => (
                format!("{{\"content\":[{{\"type\":\"thinking\",\"thinking\":{part}}}],\"stop_reason\":{part}}}"),
                format!("{{\"type\":\"content_block_delta\",\"delta\":{part}}}"),
            ),
            _ => (
                format!("{{\"content\":[],\"usage\":{part}}}"),
                format!("{{\"type\":\"message_delta\",\"delta\":{part},\"usage\":{part}}}"),
            ),
        };
        let end = "data: {\"type\":\"message_stop\"}\n\n";
        for reply in [Reply::json(plain), Reply::stream(format!("data: {event}\n\n{end}"))] {
            let mut driver = driver(reply);
            driver.run("go");
            for request in &driver.requests {
                assert_whole(&body(request));
            }
        }
    }
}
