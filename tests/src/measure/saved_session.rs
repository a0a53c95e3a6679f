//! What it costs to save a session and to restore it, in fuel.

use crate::scripted_model::{Call, Reply, Script};
use crate::session::{Embedder, Instance, wit};
use serde_json::json;

/// Both wires, as settings name them.
const WIRES: [&str; 2] = ["openai", "anthropic"];

/// Saving and restoring one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedSession {
    /// The wire, as settings name it.
    pub wire: &'static str,
    /// Turns of the conversation, each with one tool call.
    pub turns: u64,
    /// Bytes of the saved session: the transcript, and what goes before it.
    pub bytes: usize,
    /// Fuel of one copy of the transcript: of taking the next request's body, all of its pieces.
    pub copy: u64,
    /// Fuel of `save`.
    pub save: u64,
    /// Fuel of `restore` in a fresh instance.
    pub restore: u64,
    /// Fuel of `open` with the same configuration, which is in `restore` too.
    pub open: u64,
}

/// Saves and restores conversations on both wires: short and long ones, with little text and with much.
pub fn saved_sessions() -> Vec<SavedSession> {
    let sizes = [(1, 20), (10, 20), (100, 20), (100, 2_000)];
    let each = |wire| sizes.map(|(turns, line_bytes)| saved_session(wire, turns, line_bytes));
    WIRES.into_iter().flat_map(each).collect()
}

/// Holds a conversation of so many turns, each of which reads a line of so many bytes; then saves and restores it.
pub fn saved_session(wire: &'static str, turns: usize, line_bytes: usize) -> SavedSession {
    let (here, there) = (Instance::start(), Instance::start());
    let config = config(wire, turns);
    let session = here.open(&config, &[]).expect("the configuration is fine");
    let mut host = host(turns, line_bytes);
    let outcome = host.run(&session, "Read the notes line by line.");
    assert_eq!(outcome.text, "All read.");

    let before = here.fuel();
    let body = session.body();
    let copy = here.fuel() - before;
    assert_eq!(body.last(), Some(&b'}'), "it is all of the body");
    let before = here.fuel();
    let saved = session.save();
    let save = here.fuel() - before;

    let before = there.fuel();
    let fresh = there.open(&config, &[]).expect("the configuration is fine");
    let open = there.fuel() - before;
    let before = there.fuel();
    let restored = there.restore(&config, &[], &saved).expect("it was saved");
    let restore = there.fuel() - before;
    drop(fresh);
    assert!(restored.save() == saved, "it is the same conversation");
    SavedSession {
        wire,
        turns: u64::try_from(turns).expect("a count is small"),
        bytes: saved.len(),
        copy,
        save,
        restore,
        open,
    }
}

/// The configuration of a conversation of so many turns.
pub fn config(wire: &str, turns: usize) -> wit::Config {
    let settings = json!({"model": "scripted", "wire": wire, "max_steps": turns + 1});
    wit::Config {
        settings: settings.to_string(),
        tools: None,
        model: wit::Performer::Host,
        files: wit::Performer::Host,
        web: wit::Performer::Host,
    }
}

/// A host whose model reads a line of so many bytes in each of `turns` turns, and then answers `All read.` It goes by what stands
/// in the request, so that it may be asked twice, and by several sessions.
pub fn host(turns: usize, line_bytes: usize) -> Embedder {
    let host = Embedder::asking(move |request| {
        let body = String::from_utf8_lossy(&request.body);
        // `tool_call_id` or `tool_use_id`.
        let read = body.matches(r#"_id":"call_"#).count();
        let reply = if read == turns {
            Reply::text("All read.")
        } else {
            let arguments = json!({"path": "notes.txt", "offset": read + 1, "limit": 1});
            Reply::calls([Call::new(&format!("call_{read}"), "read_file", arguments)])
        };
        let script = Script::repeating(reply);
        let answer = script.answer(request);
        assert_eq!(script.faults(), [""; 0]);
        answer
    });
    let line = |number: usize| format!("{number} {}\n", "x".repeat(line_bytes));
    let lines: String = (1..=turns).map(line).collect();
    host.file("notes.txt", &lines)
}
