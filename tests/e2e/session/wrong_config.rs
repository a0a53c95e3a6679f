//! Configurations that no session can be made with, a row each.

use super::{config, host_tool};
use e2e::session::{Instance, wit};
use serde_json::json;

fn with_settings(settings: &str) -> wit::Config {
    wit::Config {
        settings: settings.to_owned(),
        ..config("openai", json!({}))
    }
}

#[test]
fn each_is_a_config_error_that_names_the_cause() {
    let fine = || config("openai", json!({}));
    let with_tools = |names: &[&str]| wit::Config {
        tools: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..fine()
    };
    let schema = |parameters: &str| wit::HostTool {
        parameters: parameters.to_owned(),
        ..host_tool("door", false)
    };
    let rows = [
        (with_settings("{"), vec![], "JSON"),
        (with_settings("[]"), vec![], "JSON object"),
        (with_settings(""), vec![], "JSON"),
        (
            with_settings(r#"{"model": "m", "modle": 1}"#),
            vec![],
            "modle",
        ),
        (
            with_settings(r#"{"model": "m", "api_key": "sk"}"#),
            vec![],
            "api_key",
        ),
        (
            with_settings(r#"{"model": "m", "wire": "telex"}"#),
            vec![],
            "wire",
        ),
        (with_settings("{}"), vec![], "model"),
        (fine(), vec![schema("{")], "JSON Schema"),
        (fine(), vec![schema("3")], "object"),
        (fine(), vec![schema(r#"{"type": "string"}"#)], "object"),
        (
            fine(),
            vec![host_tool("door", false), host_tool("door", true)],
            "door",
        ),
        (fine(), vec![host_tool("read_file", false)], "read_file"),
        (fine(), vec![host_tool("a door", false)], "a door"),
        (with_tools(&["read_file", "telephone"]), vec![], "telephone"),
        (
            wit::Config {
                model: wit::Performer::Component,
                ..fine()
            },
            vec![],
            "host",
        ),
        (
            wit::Config {
                files: wit::Performer::Component,
                ..fine()
            },
            vec![],
            "host",
        ),
        (
            wit::Config {
                web: wit::Performer::Component,
                ..fine()
            },
            vec![],
            "host",
        ),
    ];
    let instance = Instance::start();
    let saved = instance.open(&fine(), &[]).expect("it is fine").save();
    for (config, tools, told) in rows {
        match instance.open(&config, &tools).err() {
            Some(wit::Error::Config(words)) => assert!(words.contains(told), "{told}: {words}"),
            other => panic!("{told}: {other:?}"),
        }
        match instance.restore(&config, &tools, &saved).err() {
            Some(wit::Error::Config(words)) => {
                assert!(words.contains(told), "restored: {told}: {words}");
            }
            other => panic!("restored: {told}: {other:?}"),
        }
    }
}
