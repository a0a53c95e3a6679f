//! Transcripts that no conversation can go on from: each is refused in words, and nothing panics.

use dewclaw_agent_core::{Agent, LineProblem, ResumeError, Transcript, TranscriptError, WireName};
use proptest::prelude::*;
use serde_json::Value;

use crate::lines::{Said, read, write};
use crate::round_trip::conversation;
use crate::{ANTHROPIC, BOTH, OPENAI, answer, going_on, lines_of, parsed, resume, tag, transcript};

use LineProblem::{CallWithoutResult, NotOfItsWire, ResultWithoutCall};

#[test]
fn a_version_or_a_wire_that_is_not_known_is_named() {
    let from_lines = |version, tag| Transcript::from_lines(version, tag, [b"{}".to_vec()]);
    let error = from_lines(2, "openai-chat").unwrap_err();
    assert_eq!(error, TranscriptError::Version(2));
    let words = error.to_string();
    assert!(
        words.contains("version 2") && words.contains("version 1"),
        "{words}"
    );
    for tag in ["gemini", "openai", "", "ANTHROPIC"] {
        let error = from_lines(1, tag).unwrap_err();
        assert_eq!(error, TranscriptError::Wire(tag.into()));
        assert!(error.to_string().contains(&format!("{tag:?}")), "{error}");
    }
    let error = resume(OPENAI, Transcript::new("gemini")).err();
    let expected = TranscriptError::Wire("gemini".into());
    assert_eq!(error, Some(ResumeError::Transcript(expected)));
    assert!(from_lines(1, "openai-chat").is_ok());
}

/// An agent that goes on, on wire `to`, with the lines that were kept of a conversation on wire `from`.
fn resume_lines(to: WireName, from: WireName, lines: &[Vec<u8>]) -> Result<Agent, ResumeError> {
    let transcript = Transcript::from_lines(Transcript::VERSION, tag(from), lines.to_vec())?;
    resume(to, transcript)
}

const PROMPT: &str = r#"{"role":"user","content":"go"}"#;
const CALLS: &str = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"read_file","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"read_file","arguments":"{}"}}]}"#;
const A: &str = r#"{"role":"tool","tool_call_id":"a","content":"{}"}"#;
const B: &str = r#"{"role":"tool","tool_call_id":"b","content":"{}"}"#;
const ANSWER: &str = r#"{"role":"assistant","content":"done"}"#;

const ASKED: &str = r#"{"role":"user","content":[{"type":"text","text":"go"}]}"#;
const USES: &str = r#"{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"read_file","input":{}},{"type":"tool_use","id":"b","name":"read_file","input":{}}]}"#;
const RESULTS: &str = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"2"}]}"#;
const HALF: &str =
    r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}"#;
const SAID: &str = r#"{"role":"assistant","content":[{"type":"text","text":"done"}]}"#;

#[track_caller]
fn assert_refused(wire: WireName, lines: &[&str], line: usize, problem: LineProblem) {
    let bytes: Vec<Vec<u8>> = lines.iter().map(|line| (*line).into()).collect();
    for to in [OPENAI, ANTHROPIC] {
        let error = resume_lines(to, wire, &bytes).err();
        let expected = TranscriptError::Line { line, problem };
        assert_eq!(error, Some(ResumeError::Transcript(expected)), "{lines:#?}");
        let words = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            words.starts_with(&format!("line {line} of the transcript ")),
            "{words}"
        );
    }
}

#[test]
fn calls_and_results_that_do_not_belong_together_are_refused() {
    for (lines, line, problem) in [
        (&[PROMPT, CALLS][..], 2, CallWithoutResult),
        (&[PROMPT, CALLS, A], 2, CallWithoutResult),
        (&[PROMPT, CALLS, A, ANSWER], 2, CallWithoutResult),
        (&[PROMPT, CALLS, A, PROMPT, B], 2, CallWithoutResult),
        (&[PROMPT, CALLS, A, CALLS, A, B], 2, CallWithoutResult),
        (&[PROMPT, A], 2, ResultWithoutCall),
        (&[A], 1, ResultWithoutCall),
        (&[PROMPT, CALLS, A, B, B], 5, ResultWithoutCall),
        (&[PROMPT, CALLS, A, A], 4, ResultWithoutCall),
        (&[PROMPT, CALLS, A, B, ANSWER, A], 6, ResultWithoutCall),
    ] {
        assert_refused(OPENAI, lines, line, problem);
    }
    for (lines, line, problem) in [
        (&[ASKED, USES][..], 2, CallWithoutResult),
        (&[ASKED, USES, HALF], 2, CallWithoutResult),
        (&[ASKED, USES, HALF, SAID], 2, CallWithoutResult),
        (&[ASKED, USES, ASKED, RESULTS], 2, CallWithoutResult),
        (&[ASKED, RESULTS], 2, ResultWithoutCall),
        (&[ASKED, USES, RESULTS, HALF], 4, ResultWithoutCall),
    ] {
        assert_refused(ANTHROPIC, lines, line, problem);
    }
    // Positive controls.
    for (wire, lines) in [
        (OPENAI, [PROMPT, CALLS, B, A, ANSWER].as_slice()),
        (ANTHROPIC, &[ASKED, USES, RESULTS, SAID]),
    ] {
        let bytes: Vec<Vec<u8>> = lines.iter().map(|line| (*line).into()).collect();
        for to in [OPENAI, ANTHROPIC] {
            assert!(resume_lines(to, wire, &bytes).is_ok());
        }
    }
}

#[test]
fn a_line_that_its_wire_does_not_write_is_refused() {
    let deep = format!(
        r#"{{"role":"user","content":{}1{}}}"#,
        "[".repeat(9_999),
        "]".repeat(9_999)
    );
    let anywhere = [
        "",
        " ",
        "nonsense",
        "null",
        "[]",
        "{}",
        r#"{"role":"user"}"#,
        r#"{"content":"x"}"#,
        r#"{"role":"user","content":7}"#,
        r#"{"role":"user","content":[]}"#,
        r#"{"role":"user","content":[7]}"#,
        r#"{"role":"user","content":[{"type":"image","source":{}}]}"#,
        r#"{"role":7,"content":"x"}"#,
        r#"{"role":"alien","content":"x"}"#,
        r#"{"role":"system","content":"x"}"#,
        r#"{"role":"assistant","content":null}"#,
        r#"{"role":"assistant","content":[]}"#,
        r#"{"role":"assistant","content":{}}"#,
        r#"{"role":"user","content":"x"},{"role":"user","content":"y"}"#,
        r#"{"role":"user","content":"x""#,
        "{\"role\":\"user\",\"content\":\"\n\"}",
        r#"{"role":"user","content":"\ud83d"}"#,
        &deep,
    ];
    for line in anywhere {
        assert_refused(OPENAI, &[PROMPT, ANSWER, line], 3, NotOfItsWire);
        assert_refused(ANTHROPIC, &[ASKED, SAID, line], 3, NotOfItsWire);
    }
    // What one wire writes is none of the other's.
    for line in [ASKED, USES, RESULTS, SAID] {
        assert_refused(OPENAI, &[PROMPT, line], 2, NotOfItsWire);
    }
    for line in [PROMPT, CALLS, A, ANSWER] {
        assert_refused(ANTHROPIC, &[ASKED, line], 2, NotOfItsWire);
    }
    for (line, part, broken) in [
        (CALLS, r#""id":"a","#, ""),
        (CALLS, r#""id":"a""#, r#""id":"""#),
        (CALLS, r#""id":"a""#, r#""id":"b""#),
        (CALLS, r#""name":"read_file""#, r#""name":"read file""#),
        (CALLS, r#""name":"read_file","#, ""),
        (CALLS, r#""arguments":"{}""#, r#""arguments":"{""#),
        (CALLS, r#""arguments":"{}""#, r#""arguments":{}"#),
        (A, r#""content":"{}""#, r#""content":{}"#),
        (A, r#""tool_call_id":"a","#, ""),
    ] {
        assert!(line.contains(part));
        assert_refused(OPENAI, &[&line.replacen(part, broken, 1)], 1, NotOfItsWire);
    }
    for (line, part, broken) in [
        (USES, r#""id":"a","#, ""),
        (USES, r#""id":"a""#, r#""id":"""#),
        (USES, r#""id":"a""#, r#""id":"b""#),
        (USES, r#""name":"read_file""#, r#""name":"""#),
        (USES, r#""input":{}"#, r#""input":"{}""#),
        (USES, r#","input":{}"#, ""),
        (USES, r#""type":"tool_use""#, r#""type":"server_tool_use""#),
        (RESULTS, r#""tool_use_id":"a","#, ""),
        (RESULTS, r#""content":"1""#, r#""content":[]"#),
        (
            SAID,
            r#""role":"assistant""#,
            r#""role":"assistant","name":"x""#,
        ),
    ] {
        assert!(line.contains(part));
        assert_refused(
            ANTHROPIC,
            &[&line.replacen(part, broken, 1)],
            1,
            NotOfItsWire,
        );
    }
    let bytes = b"{\"role\":\"user\",\"content\":\"\xff\"}".to_vec();
    assert!(resume_lines(OPENAI, OPENAI, &[bytes]).is_err());
}

/// What can happen to a file.
#[derive(Clone, Debug)]
enum Harm {
    Remove(usize),
    Repeat(usize),
    Swap(usize, usize),
    Cut(usize, usize),
    Byte(usize, usize, u8),
    Replace(usize, &'static str),
}

fn harm() -> impl Strategy<Value = Harm> {
    let line = 0..100usize;
    let bytes = prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\a0 ".to_vec())];
    let others = vec![
        PROMPT, CALLS, A, B, ANSWER, ASKED, USES, RESULTS, HALF, SAID, "{}", "",
    ];
    prop_oneof![
        1 => line.clone().prop_map(Harm::Remove),
        1 => line.clone().prop_map(Harm::Repeat),
        1 => (line.clone(), line.clone()).prop_map(|(one, other)| Harm::Swap(one, other)),
        1 => (line.clone(), 0..1000usize).prop_map(|(line, length)| Harm::Cut(line, length)),
        4 => (line.clone(), 0..1000usize, bytes).prop_map(|(line, at, byte)| Harm::Byte(line, at, byte)),
        1 => (line, prop::sample::select(others)).prop_map(|(line, other)| Harm::Replace(line, other)),
    ]
}

fn apply(harm: &Harm, lines: &mut Vec<Vec<u8>>) {
    if lines.is_empty() {
        return;
    }
    let count = lines.len();
    match *harm {
        Harm::Remove(line) => drop(lines.remove(line % count)),
        Harm::Repeat(line) => lines.insert(line % count, lines[line % count].clone()),
        Harm::Swap(one, other) => lines.swap(one % count, other % count),
        Harm::Cut(line, length) => lines[line % count].truncate(length),
        Harm::Byte(line, at, byte) => {
            let line = &mut lines[line % count];
            let length = line.len().max(1);
            if let Some(old) = line.get_mut(at % length) {
                *old = byte;
            }
        }
        Harm::Replace(line, other) => lines[line % count] = other.into(),
    }
}

/// Whether each call has its result directly after it, and each result its call. (Reading panics where a result has none.)
fn is_paired(wire: WireName, messages: &[Value]) -> bool {
    let count = |name: &str, value: &str| -> usize {
        let blocks = messages
            .iter()
            .flat_map(|message| match &message["content"] {
                Value::Array(blocks) => blocks.clone(),
                _ => vec![message.clone()],
            });
        blocks.filter(|block| block[name] == value).count()
    };
    let results = count("role", "tool") + count("type", "tool_result");
    let calls = read(wire, messages).into_iter().map(|said| match said {
        Said::Reply { calls, .. } => calls.len(),
        Said::User(_) => 0,
    });
    calls.sum::<usize>() == results
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened to its lines, a transcript is refused by the number of a line, or sent whole.
    #[test]
    fn harmed_transcripts_are_refused_or_sent_whole(
        conversation in conversation(),
        harms in prop::collection::vec(harm(), 1..4),
    ) {
        for (from, other) in BOTH {
            let mut lines = write(from, &conversation);
            for harm in &harms {
                apply(harm, &mut lines);
            }
            for to in [from, other] {
                match resume_lines(to, from, &lines) {
                    Err(ResumeError::Transcript(TranscriptError::Line { line, .. })) => {
                        prop_assert!((1..=lines.len()).contains(&line));
                    }
                    Err(error) => prop_assert!(false, "{}", error),
                    Ok(agent) => {
                        prop_assert!(is_paired(to, &parsed(&agent)));
                        if to == from {
                            prop_assert_eq!(&lines_of(&agent), &lines);
                        }
                        let mut driver = going_on(to, transcript(from, &lines));
                        driver.script.push_back(answer(to, "yes"));
                        driver.run("go on");
                        let sent: Value = serde_json::from_slice(&driver.requests[0]).expect("it is JSON");
                        prop_assert!(sent["messages"].is_array());
                    }
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
        for (from, to) in BOTH {
            let refused = resume_lines(to, from, &lines).is_err();
            prop_assert_eq!(refused, !lines.is_empty());
        }
    }
}
