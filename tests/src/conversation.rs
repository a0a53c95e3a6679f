//! Conversations of many turns with a scripted model, and the fuel that each turn costs.

use crate::artifact;
use crate::guest::Guest;
use crate::in_process::{self, Directly, Sample};
use crate::scratch::Scratch;
use crate::scripted_model::{Call, Reply, judge};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a conversation cost.
#[derive(Debug)]
pub struct Conversation {
    /// The turns, in their order.
    pub turns: Vec<Turn>,
    /// Fuel of the whole run, from instantiation to its end.
    pub fuel: u64,
    /// Pages of 64 KiB of linear memory at the end.
    pub end_pages: usize,
}

/// One turn: the model's reply is read, its tool call runs, and the next request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Fuel from one request to the next.
    pub fuel: u64,
    /// The bytes of the request that the turn ended with: the history, and what stands around it.
    pub history_bytes: usize,
}

/// Holds a conversation in which the model reads one line of a file in each of `turns` turns, and then answers.
///
/// The arguments differ from turn to turn, so that no guard speaks up. Panics when the conversation does not end well, or when its
/// last request breaks a rule of the wire.
pub fn hold(turns: usize) -> Conversation {
    let workspace = notes(turns);
    let last_request = Arc::new(Mutex::new(Vec::new()));
    let directly = Directly::new({
        let last_request = last_request.clone();
        move |number, body| {
            if number == turns {
                body.clone_into(
                    &mut last_request
                        .lock()
                        .unwrap_or_else(|poison| poison.into_inner()),
                );
            }
            reply(number, turns).answer(&asked_to_stream(body))
        }
    });
    // No socket is opened to this address: the host answers.
    let guest = guest(
        &artifact::dewclaw(),
        &workspace,
        "http://127.0.0.1:9/v1",
        turns,
    );
    let run = in_process::run_directly(&guest, directly.clone());
    run.ended.code(0).prints("All read.\n");
    let samples = directly.samples();
    assert_eq!(samples.len(), turns + 1, "each turn asks the model once");
    let broken = judge(
        &last_request
            .lock()
            .unwrap_or_else(|poison| poison.into_inner()),
    );
    assert!(broken.is_empty(), "the last request: {broken:?}");
    Conversation {
        turns: samples
            .windows(2)
            .map(|pair| turn(pair[0], pair[1]))
            .collect(),
        fuel: run.fuel,
        end_pages: run.end_pages,
    }
}

/// A workspace with a file that has a line for each turn.
pub fn notes(turns: usize) -> Scratch {
    let lines: String = (1..=turns)
        .map(|line| format!("line {line} of the notes\n"))
        .collect();
    Scratch::with(&[("notes.txt", &lines)])
}

/// The guest's side of a conversation of so many turns, over [`notes`], with a model at `base_url`.
pub fn guest(component: &Path, workspace: &Scratch, base_url: &str, turns: usize) -> Guest {
    Guest::of(component)
        .workspace(workspace)
        .base_url(base_url)
        .env("DEWCLAW_MODEL", "scripted")
        .args([
            "ask",
            "Read the notes line by line.",
            "--quiet",
            "--max-steps",
            &(turns + 1).to_string(),
        ])
}

/// The model's reply to the request with this number, from 0.
pub fn reply(number: usize, turns: usize) -> Reply {
    if number >= turns {
        return Reply::text("All read.");
    }
    let arguments = json!({"path": "notes.txt", "offset": number + 1, "limit": 1});
    Reply::calls([Call::new(&format!("call_{number}"), "read_file", arguments)])
}

fn turn(before: Sample, after: Sample) -> Turn {
    Turn {
        fuel: before.fuel_left - after.fuel_left,
        history_bytes: after.request_bytes,
    }
}

/// What of the request decides how a reply is written, without parsing a long history again for each turn.
fn asked_to_stream(body: &[u8]) -> Value {
    let has = |text: &str| {
        body.windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    json!({
        "model": "scripted",
        "stream": has("\"stream\":true"),
        "stream_options": {"include_usage": has("\"include_usage\":true")},
    })
}
