//! Property tests: however the network cuts a reply, it is the same reply; whatever a server changes in it, nothing
//! panics and the history stays whole.

use dewclaw_agent_core::{Effect, Settings};
use proptest::prelude::*;
use serde_json::json;

use crate::script::{Call, Driver, Reply, Turn, assert_whole, calls, messages, settings, text};

/// A stream as a server sent it: comments, events' names, both line ends, letters of two to four bytes, two calls.
const RECORDED: &str = concat!(
    ": OPENROUTER PROCESSING\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Erst \u{fc}berlegen \u{2026}\"},\"finish_reason\":null}]}\r\n\r\n",
    "event: message\ndata: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\u{fc}\u{df}e \u{1f43e}, \\u4f60\\u597d\\n\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"read_file\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"path\\\":\\\"\"}}]}}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"list_directory\",\"arguments\":\"{\\\"path\\\": \\\".\\\"}\"}}]}}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"a.txt\\\"}\"}}]}}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n",
    "data: [DONE]\n\n",
);

fn recorded() -> Reply {
    Reply::stream(RECORDED)
}

fn plain() -> Reply {
    Turn {
        text: "Gr\u{fc}\u{df}e \u{1f43e}".into(),
        ..calls([Call::new("c1", "read_file", &json!({"path": "a.txt"}))])
    }
    .usage(1, 2, 3)
    .plain()
}

/// A run that this reply begins, with an answer in words after it.
fn driver(reply: Reply) -> Driver {
    let settings = Settings {
        retry_attempts: 1,
        ..settings()
    };
    let after = (0..4).map(|_| text("after").plain());
    Driver::new(settings)
        .file("a.txt", "A\n")
        .replies([reply])
        .replies(after)
}

fn effects(reply: Reply) -> Vec<Effect> {
    let mut driver = driver(reply);
    driver.run("go");
    // How often it is asked to wait is the network's doing.
    let waits = |effect: &Effect| matches!(effect, Effect::Wait { .. });
    driver.effects.retain(|effect| !waits(effect));
    driver.effects
}

#[test]
fn the_recorded_stream_is_what_it_says() {
    let mut driver = driver(recorded());
    driver.run("go");
    let transcript = driver.transcript();
    assert_eq!(
        transcript[2]["content"],
        "Gr\u{fc}\u{df}e \u{1f43e}, \u{4f60}\u{597d}\n"
    );
    assert_eq!(
        transcript[2]["tool_calls"][0]["function"]["arguments"],
        r#"{"path":"a.txt"}"#
    );
    assert_eq!(transcript[2]["tool_calls"][1]["id"], "call_2");
    let results = driver.results();
    assert_eq!(results[0].2, json!({"content": "A\n", "lines": 1}));
    assert!(results[1].1);
}

#[test]
fn every_single_cut_and_every_byte_alone_change_nothing() {
    let whole = effects(recorded());
    for cut in 0..RECORDED.len() {
        assert!(effects(recorded().cut(&[cut])) == whole, "cut at {cut}");
    }
    let every: Vec<usize> = (0..RECORDED.len()).collect();
    assert_eq!(effects(recorded().cut(&every)), whole);
    let whole = effects(plain());
    let every: Vec<usize> = (0..plain().body().len()).collect();
    assert_eq!(effects(plain().cut(&every)), whole);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_change_nothing(cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        prop_assert_eq!(effects(recorded().cut(&cuts)), effects(recorded()));
        prop_assert_eq!(effects(plain().cut(&cuts)), effects(plain()));
    }

    /// What is streamed and what is plain comes to the same, whatever the model says.
    #[test]
    fn any_turn_is_the_same_plain_and_streamed(
        words in "\\PC{0,40}",
        thoughts in "\\PC{0,20}",
        arguments in prop::collection::vec("[ -~\u{e9}\n]{0,30}", 0..4),
        cuts in prop::collection::vec(any::<usize>(), 0..10),
    ) {
        let turn = Turn {
            text: words,
            reasoning: thoughts,
            calls: arguments.iter().enumerate().map(|(index, arguments)| Call::raw(&format!("c{index}"), "read_file", arguments)).collect(),
            ..Turn::default()
        };
        let mut plain = driver(turn.plain());
        let mut streamed = driver(turn.streamed().cut(&cuts));
        prop_assert_eq!(plain.run("go"), streamed.run("go"));
        prop_assert_eq!(plain.transcript(), streamed.transcript());
        prop_assert_eq!(plain.results(), streamed.results());
    }

    /// Bytes changed, lost, doubled and moved: the run ends, and the next prompt has a whole history to go on with.
    #[test]
    fn mutations_are_survived(
        stream: bool,
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), 0..5u8), 1..6),
        cuts in prop::collection::vec(any::<usize>(), 0..5),
    ) {
        let reply = if stream { recorded() } else { plain() };
        let mut body = reply.body();
        for (at, byte, how) in changes {
            let at = at % (body.len() + 1);
            match how {
                1 => body.insert(at, byte),
                3 => body.truncate(at),
                _ if at == body.len() => {}
                0 => body[at] = byte,
                2 => { body.remove(at); }
                _ => body.copy_within(at.., at / 2),
            }
        }
        let mut driver = driver(Reply { pieces: vec![body], ..reply }.cut(&cuts));
        driver.run("go");
        driver.run("and then?");
        let last = driver.requests.last().map(|body| messages(body)).unwrap_or_default();
        assert_whole(&last);
    }

    /// Bytes that were never a reply.
    #[test]
    fn any_body_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), stream: bool, status in 100u16..600) {
        let reply = if stream { Reply::stream(bytes) } else { Reply::json(bytes) };
        driver(Reply { status, ..reply }).run("go");
    }

    /// JSON that is none of the wire's, in its place.
    #[test]
    fn any_json_is_survived(text in "[\\[\\]{}\",:0-9a-z]{0,40}", place in 0..4u8) {
        let body = match place {
            0 => text,
            1 => format!("{{\"choices\":{text}}}"),
            2 => format!("{{\"choices\":[{{\"message\":{text}}}]}}"),
            _ => format!("{{\"choices\":[{{\"message\":{{\"tool_calls\":[{text}]}}}}]}}"),
        };
        driver(Reply::stream(format!("data: {body}\n\ndata: [DONE]\n\n"))).run("go");
        driver(Reply::json(body)).run("go");
    }
}
