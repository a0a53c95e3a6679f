//! Sessions of the flat interface whose module works on files and calls the model itself.

use super::{OK, next_to_do, open, prompt};
use e2e::flat::Flat;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::{Value as Json, json};
use wamr_runner::Grants;

const KEY: &str = "sk-of-the-board";

#[test]
fn the_module_does_it_all_and_events_come_by_advance() {
    let work = Scratch::with(&[("a.txt", "alpha\n")]);
    let model = ScriptedModel::requiring_key(
        KEY,
        [
            Reply::call("c", "read_file", json!({"path": "a.txt"})).saying("Let me look."),
            Reply::text("It says alpha."),
        ],
    );
    let grant = |text: String| vec![text.into()];
    let mut flat = Flat::granted(&Grants {
        environment: grant(format!("OPENAI_API_KEY={KEY}")),
        mapped_folders: grant(format!("/::{}", work.path().display())),
        addresses: grant("127.0.0.1/32".to_owned()),
        ..Grants::default()
    });
    let settings = json!({"model": "scripted", "base_url": model.base_url()});
    let config = json!({"settings": settings, "files": "module", "model": "module"});
    let session = open(&mut flat, config.to_string().as_bytes(), b"");
    assert_eq!(prompt(&mut flat, session, "What does it say?"), OK);
    let mut shown = Vec::new();
    let outcome = loop {
        let effect = next_to_do(&mut flat, session);
        if effect["type"] != "pending" {
            break effect;
        }
        assert_eq!(flat.call("dc_advance", &[session.into(), 1_000.into()]), OK);
        let events: Vec<Json> = serde_json::from_slice(&flat.result()).expect("an array");
        shown.extend(events);
    };
    assert_eq!(outcome["text"], "It says alpha.", "{outcome}");
    let texts = shown.iter().filter(|event| event["type"] == "text");
    let texts: String = texts.filter_map(|event| event["text"].as_str()).collect();
    assert!(texts.starts_with("Let me look."), "{shown:?}");
    assert!(
        model.requests()[1]
            .tool_result()
            .to_string()
            .contains("alpha")
    );
    assert_eq!(flat.call("dc_usage", &[session.into()]), OK);
    let used: Json = serde_json::from_slice(&flat.result()).expect("an object");
    assert!(used["input_tokens"].as_u64() > Some(0), "{used}");
    assert_eq!(flat.call("dc_save", &[session.into()]), OK);
    assert!(!flat.text().contains(KEY));
}
