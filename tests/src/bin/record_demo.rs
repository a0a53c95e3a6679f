//! Records `examples/recordings/demo.jsonl` anew: the real component under the real wasmtime, with a scripted model.
//!
//! Needed when a tool's description, the system text or the format of recordings changes, since a replay fails at the
//! first request that differs. Run it with `cargo run --release -p e2e --bin record_demo`.

use e2e::artifact::repository;
use e2e::guest::Guest;
use e2e::host::Host;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::json;

/// The address that the recording names instead of the scripted model's, whose port is another one each time.
const ADDRESS: &str = "http://127.0.0.1:11434/v1";

const REPORT: &str = "# Sensor check, 2026-11-19\n\n\
    Sensor **c** (door) read 3.0 °C above the mean of a, b and d, hour after hour: an offset, not noise.\n\n\
    | sensor | mean, °C | against the others |\n|---|---|---|\n| a | 17.7 | 0.0 |\n| b | 17.8 | +0.1 |\n\
    | c | 20.7 | **+3.0** |\n| d | 17.6 | -0.1 |\n\n\
    Its offset in `sensors.toml` is now -3.0. Look again in a week: if it has moved, the sensor is failing.\n";

fn main() {
    let folder = repository().join("examples");
    let prompt =
        std::fs::read_to_string(folder.join("demo-prompt.txt")).expect("the prompt is there");
    let model = ScriptedModel::start(replies());
    let workspace = Scratch::copy_of(&folder.join("workspace"));
    let state = Scratch::new();
    let guest = Guest::ask(&workspace, &model, prompt.trim())
        .state(&state)
        .args(["--record", "demo.jsonl"]);
    Host::CommandLine.run(&guest).code(0);
    let recording = state.read("demo.jsonl").replace(&model.base_url(), ADDRESS);
    let file = folder.join("recordings/demo.jsonl");
    std::fs::write(&file, recording).expect("the recording can be written");
    println!("wrote {}", file.display());
}

fn replies() -> Vec<Reply> {
    vec![
        Reply::calls([
            Call::new("call_1", "list_directory", json!({"path": "."})),
            Call::new("call_2", "read_file", json!({"path": "README.md"})),
            Call::new("call_3", "memory_read", json!({"query": "sensor"})),
        ])
        .saying("I'll look around first.\n"),
        Reply::calls([
            Call::new("call_4", "read_file", json!({"path": "readings/2026-11-19.csv"})),
            Call::new("call_5", "read_file", json!({"path": "sensors.toml"})),
            Call::new("call_6", "read_file", json!({"path": "notes/todo.md"})),
        ]),
        Reply::calls([
            Call::new(
                "call_7",
                "edit_file",
                json!({"path": "sensors.toml", "old_text": "offset = 0.0", "new_text": "offset = -3.0"}),
            ),
            Call::new("call_8", "write_file", json!({"path": "reports/2026-11-19.md", "content": REPORT})),
        ])
        .saying("Sensor c, at the door, reads 3.0 °C too much all day.\n"),
        // The first edit was not unique, and the error said why.
        Reply::calls([
            Call::new(
                "call_9",
                "edit_file",
                json!({
                    "path": "sensors.toml",
                    "old_text": "place = \"door\"\noffset = 0.0",
                    "new_text": "place = \"door\"\noffset = -3.0",
                }),
            ),
            Call::new(
                "call_10",
                "edit_file",
                json!({"path": "notes/todo.md", "old_text": "- [ ] find out", "new_text": "- [x] find out"}),
            ),
            Call::new(
                "call_11",
                "memory_write",
                json!({"content": "2026-11-20: sensor c (door) of greenhouse 2 read 3.0 °C too high; its offset was set to -3.0. Check again in a week."}),
            ),
        ]),
        Reply::text(
            "Sensor c (door) was 3.0 °C too high. I set its offset to -3.0 in sensors.toml, wrote reports/2026-11-19.md \
             and ticked the to-do item.",
        ),
    ]
}
