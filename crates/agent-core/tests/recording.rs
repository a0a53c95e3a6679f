//! Recordings: a run made again without a model comes out the same, and a recording that does not fit says where.

mod script;

use dewclaw_agent_core::recording::{RecordingError, Replay};
use dewclaw_agent_core::{Effect, Outcome, Reason, Settings};
use dewclaw_platform::HttpError;
use proptest::prelude::*;
use script::{
    Call, Driver, Ending, Reply, Turn, calls, lines_of, replay, settings, streaming, text,
};
use serde_json::{Value, json};

/// A run with everything in it: streams cut anywhere, bytes that are no UTF-8, tries that fail, every tool.
fn eventful(settings: Settings) -> Driver {
    let first = Turn {
        text: "Gr\u{fc}\u{df}e \u{1f43e}.".into(),
        reasoning: "Hm.".into(),
        ..calls([
            Call::new("a", "list_directory", &json!({"path": "."})),
            Call::new("b", "read_file", &json!({"path": "notes.txt"})),
            Call::new("c", "read_file", &json!({"path": "photo.bin"})),
            Call::new("d", "read_file", &json!({"path": "missing"})),
            Call::new("e", "exec_shell", &json!({"command": "ls"})),
        ])
        .usage(10, 5, 1)
    };
    let second = calls([
        Call::new(
            "f",
            "write_file",
            &json!({"path": "new/file.md", "content": "\u{e9}\n"}),
        ),
        Call::new(
            "g",
            "edit_file",
            &json!({"path": "notes.txt", "old_text": "tea", "new_text": "coffee"}),
        ),
        Call::new(
            "h",
            "memory_write",
            &json!({"content": "Anna prefers coffee."}),
        ),
        Call::new("i", "memory_read", &json!({"query": "Anna"})),
    ]);
    Driver::new(settings)
        .file("notes.txt", "Anna likes tea.\n")
        .file("photo.bin", b"\xff\xfe\x00")
        .replies([
            Reply::error(429, "slow down")
                .header("retry-after", "3")
                .header("x-secret", "no"),
            // In the middle of a letter.
            first
                .streamed()
                .cut(&[100, 260, 261, 262, 263, 264, 300])
                .takes(40),
            second
                .streamed()
                .breaks_off(500, Ending::Fails(HttpError::Closed)),
            second.streamed().takes(7),
            text("All done.").usage(20, 3, 10).reply(false).takes(12),
        ])
}

fn recorded() -> (Vec<Vec<u8>>, Driver, Outcome) {
    let mut driver = eventful(streaming());
    let outcome = driver.run("Anna now likes coffee.");
    (lines_of(&driver.recording), driver, outcome)
}

#[test]
fn a_replay_is_the_run() {
    let (lines, driver, outcome) = recorded();
    assert_eq!(outcome.reason, Reason::Answered);
    let replayed = replay(&lines).unwrap();
    assert_eq!(replayed.effects, driver.effects);
    assert_eq!(replayed.transcript, *driver.agent.transcript());
    assert_eq!(replayed.effects.last(), Some(&Effect::Finished(outcome)));
}

#[test]
fn a_replay_recorded_again_is_the_same_bytes() {
    let (lines, driver, _) = recorded();
    let replayed = replay(&lines).unwrap();
    assert_eq!(
        String::from_utf8(replayed.recording).unwrap(),
        String::from_utf8(driver.recording).unwrap()
    );
}

#[test]
fn runs_that_end_otherwise_replay_too() {
    let ends = [
        (vec![Reply::error(401, "no key")], Settings::default()),
        (
            vec![Reply::error(500, "no"), Reply::error(500, "no")],
            Settings {
                retry_attempts: 2,
                ..Settings::default()
            },
        ),
        (vec![Reply::fails(HttpError::Denied)], Settings::default()),
        (vec![Reply::fails(HttpError::NoTls)], Settings::default()),
        (
            vec![Reply::fails(HttpError::NameDenied)],
            Settings::default(),
        ),
        (
            vec![Reply::fails(HttpError::AddressDenied)],
            Settings::default(),
        ),
        (
            vec![
                Reply::fails(HttpError::Refused),
                Reply::fails(HttpError::Unreachable),
                Reply::fails(HttpError::Reset),
                text("connected").plain(),
            ],
            Settings {
                retry_attempts: 4,
                ..Settings::default()
            },
        ),
        (vec![Reply::json(b"\xff\xff")], Settings::default()),
        (vec![text("").plain()], Settings::default()),
        (
            vec![
                calls([Call::new("a", "memory_read", &json!({}))]).plain(),
                text("enough").plain(),
            ],
            Settings {
                max_steps: 1,
                ..Settings::default()
            },
        ),
    ];
    for (replies, limits) in ends {
        let settings = Settings {
            max_steps: limits.max_steps,
            retry_attempts: limits.retry_attempts,
            ..settings()
        };
        let mut driver = Driver::new(settings).replies(replies);
        driver.run("go");
        let replayed = replay(&lines_of(&driver.recording)).unwrap();
        assert_eq!(replayed.effects, driver.effects);
        assert_eq!(replayed.recording, driver.recording);
    }
}

#[test]
fn a_run_that_was_cancelled_while_it_waited_replays_too() {
    let (_, whole, _) = recorded();
    for at in 0..whole.steps {
        let mut driver = eventful(streaming());
        driver.cancel_waiting = Some(at);
        driver.run("go");
        let replayed = replay(&lines_of(&driver.recording)).unwrap();
        assert_eq!(replayed.effects, driver.effects, "at {at}");
        assert_eq!(replayed.recording, driver.recording, "at {at}");
    }
}

#[test]
fn a_recording_is_lines_of_json_and_holds_no_more_than_it_needs() {
    let (lines, driver, _) = recorded();
    for line in &lines {
        let value: Value = serde_json::from_slice(line).expect("a line is JSON");
        assert!(value.is_object());
    }
    assert!(driver.recording.ends_with(b"\n"));
    let text = String::from_utf8(driver.recording).unwrap();
    assert!(
        !text.contains("x-secret"),
        "only the headers that are read are kept"
    );
    assert!(text.contains("retry-after"));
    // Each message once, however often it is sent.
    assert_eq!(
        text.matches("Anna now likes coffee.").count(),
        2,
        "in the head and in its request"
    );
    let first: Value = serde_json::from_slice(&lines[0]).unwrap();
    assert_eq!(first["kind"], "dewclaw-recording");
    assert_eq!(first["version"], 1);
    assert_eq!(first["settings"]["model"], "scripted");
}

/// The lines with a change to the first one that has all of these words.
fn changed(lines: &[Vec<u8>], words: &[&str], change: impl Fn(&mut Value)) -> Vec<Vec<u8>> {
    let mut lines = lines.to_vec();
    let has = |line: &Vec<u8>| {
        words
            .iter()
            .all(|word| String::from_utf8_lossy(line).contains(word))
    };
    let at = lines.iter().position(has).expect("there is such a line");
    let mut value: Value = serde_json::from_slice(&lines[at]).expect("a line is JSON");
    change(&mut value);
    lines[at] = value.to_string().into_bytes();
    lines
}

#[track_caller]
fn difference(lines: &[Vec<u8>]) -> (u64, String) {
    match replay(lines) {
        Err(RecordingError::Differs { line, difference }) => (line, difference),
        other => panic!("it is {other:?}"),
    }
}

#[test]
fn a_changed_request_is_reported_with_the_message_that_differs() {
    let (lines, _, _) = recorded();
    // The model said something else: the next request has another message.
    let said = changed(&lines, &["reply_chunk", "Gr\u{fc}\u{df}e"], |value| {
        let text = value["text"].as_str().unwrap();
        value["text"] = json!(text.replace("Gr\u{fc}\u{df}e", "Hello"));
    });
    let (_, told) = difference(&said);
    for part in [
        "message 2 of the request",
        "recorded: ",
        "Gr\u{fc}\u{df}e",
        "this run: ",
        "Hello",
    ] {
        assert!(told.contains(part), "{told}");
    }
    // The prompt is another one: message 1 of the first request, both texts shown.
    let asked = changed(&lines, &["dewclaw-recording"], |value| {
        value["prompt"] = json!("Bob now likes coffee.")
    });
    let (line, told) = difference(&asked);
    assert_eq!(line, 2);
    for part in [
        "message 1 of the request",
        "recorded: ",
        "Anna now likes",
        "this run: ",
        "Bob now likes",
    ] {
        assert!(told.contains(part), "{told}");
    }
    // A file held something else.
    let file = changed(&lines, &["\"answer\"", "Anna likes tea."], |value| {
        value["answer"]["text"] = json!("Anna likes milk.\n")
    });
    let (_, told) = difference(&file);
    assert!(
        told.contains("Anna likes tea.") && told.contains("Anna likes milk."),
        "{told}"
    );
}

#[test]
fn a_request_that_differs_beside_its_messages_says_so() {
    let (lines, _, _) = recorded();
    let model = changed(&lines, &["dewclaw-recording"], |value| {
        value["settings"]["model"] = json!("another")
    });
    let (line, told) = difference(&model);
    assert_eq!(line, 2);
    assert!(
        told.contains("the model, the tools or another setting"),
        "{told}"
    );
    let tools = changed(&lines, &["dewclaw-recording"], |value| {
        value["tools"].as_array_mut().unwrap().pop();
    });
    assert!(difference(&tools).1.contains("the tools"));
}

#[test]
fn an_operation_that_differs_is_shown() {
    let (lines, _, _) = recorded();
    let other = changed(&lines, &["\"do\":{\"read\":\"notes.txt\""], |value| {
        value["do"]["read"] = json!("other.txt")
    });
    let (_, told) = difference(&other);
    assert!(
        told.contains("another operation") && told.contains("notes.txt"),
        "{told}"
    );
}

#[test]
fn an_end_that_differs_is_told() {
    let (lines, _, _) = recorded();
    let other = [
        ("text", json!("All undone.")),
        ("finished", json!("length")),
    ];
    for (member, value) in other {
        let ended = changed(&lines, &["\"finished\":\"answered\""], |line| {
            line[member] = value.clone();
        });
        let (line, told) = difference(&ended);
        assert_eq!(line, lines.len() as u64);
        assert!(told.contains("ends here (answered)"), "{told}");
    }
    // The last reply says something else than the recording's end does.
    let said = changed(&lines, &["reply_chunk", "All done."], |line| {
        let text = line["text"].as_str().unwrap();
        line["text"] = json!(text.replace("All done.", "All undone."));
    });
    assert!(difference(&said).1.contains("ends otherwise"));
}

#[test]
fn a_recording_that_was_cut_off_says_so_at_every_line() {
    let (lines, _, _) = recorded();
    for count in 1..lines.len() {
        assert_eq!(
            replay(&lines[..count]).unwrap_err(),
            RecordingError::Ended { line: count as u64 }
        );
    }
    // And within a line, which is then no JSON.
    for (at, line) in lines.iter().enumerate() {
        let mut cut = lines[..=at].to_vec();
        cut[at].truncate(line.len() / 2);
        let error = replay(&cut).unwrap_err();
        assert!(
            matches!(error, RecordingError::Malformed { line, .. } if line == at as u64 + 1),
            "{error}"
        );
    }
    assert!(replay(&[]).is_err());
}

#[test]
fn lines_out_of_order_are_no_recording_of_this_run() {
    let (lines, driver, _) = recorded();
    for at in 0..lines.len() - 1 {
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        // Two lines that could come in either order are the only ones that may.
        if let Ok(replayed) = replay(&swapped) {
            assert_eq!(
                replayed.transcript,
                *driver.agent.transcript(),
                "lines {} and {}",
                at + 1,
                at + 2
            );
        }
        let mut without = lines.clone();
        without.remove(at);
        if let Ok(replayed) = replay(&without) {
            assert_eq!(
                replayed.transcript,
                *driver.agent.transcript(),
                "without line {}",
                at + 1
            );
        }
    }
}

#[test]
fn another_version_or_another_file_is_named() {
    let (lines, _, _) = recorded();
    let newer = changed(&lines, &["dewclaw-recording"], |value| {
        value["version"] = json!(2)
    });
    assert_eq!(replay(&newer).unwrap_err(), RecordingError::Version);
    assert!(
        RecordingError::Version
            .to_string()
            .contains("record it again")
    );
    for (line, told) in [
        ("", "no JSON object"),
        ("hello", "no JSON object"),
        ("[]", "no JSON object"),
        ("{}", "does not begin a recording"),
        (
            r#"{"kind":"dewclaw-session","version":1}"#,
            "does not begin a recording",
        ),
        (r#"{"kind":"dewclaw-recording","version":1}"#, "lacks"),
        (
            r#"{"kind":"dewclaw-recording","version":1,"tools":["exec_shell"],"at":[1,1],"seed":1,"prompt":"x"}"#,
            "a tool that is not known",
        ),
        (
            r#"{"kind":"dewclaw-recording","version":1,"settings":{"key":"x"},"at":[1,1],"seed":1,"prompt":"x"}"#,
            "a setting",
        ),
    ] {
        let Err(error) = Replay::new(line.as_bytes()) else {
            panic!("{line} was taken");
        };
        let text = error.to_string();
        assert!(
            text.contains(told) && text.contains("line 1"),
            "{line}: {text}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes changed, lines doubled, moved and lost: an error or the run, and never a panic.
    #[test]
    fn mutations_are_survived(changes in prop::collection::vec((any::<usize>(), any::<usize>(), any::<u8>(), 0..6u8), 1..5)) {
        let (mut lines, driver, _) = recorded();
        for (line, at, byte, how) in changes {
            let count = lines.len();
            let line = line % count;
            let length = lines[line].len().max(1);
            match how {
                0 => if let Some(old) = lines[line].get_mut(at % length) { *old = byte },
                1 => lines[line].insert(at % length, byte),
                2 => lines[line].truncate(at % length),
                3 => lines.swap(line, at % count),
                4 => { let copy = lines[line].clone(); lines.insert(at % count, copy); }
                _ => { if count > 1 { lines.remove(line); } }
            }
        }
        match replay(&lines) {
            // It names its line.
            Err(error) => prop_assert!(error == RecordingError::Version || error.to_string().contains("line ")),
            Ok(replayed) => prop_assert_eq!(replayed.transcript.lines().count(), driver.agent.transcript().lines().count()),
        }
    }

    /// Lines that were never a recording's.
    #[test]
    fn any_lines_are_survived(lines in prop::collection::vec("[\\[\\]{}\",:0-9a-z_-]{0,60}", 0..4)) {
        let lines: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        let _ = replay(&lines);
        let (mut recorded, _, _) = recorded();
        recorded.truncate(3);
        recorded.extend(lines);
        prop_assert!(replay(&recorded).is_err());
    }
}
