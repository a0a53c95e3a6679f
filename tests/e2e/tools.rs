//! The tools, called by a model and by the command `tool`.

use e2e::guest::Guest;
use e2e::host::{Host, on_each_host};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::{Value, json};

/// Calls one tool and returns its result object, which the exit code must agree with.
fn call(host: Host, work: &Scratch, name: &str, arguments: &Value) -> Value {
    let ended = host.run(&Guest::tool(work, name, arguments));
    let result = ended.json();
    ended.code(exit_code_of(&result));
    result
}

/// The exit code of the command `tool` for a result: arguments that are wrong are usage, and what is refused is denied.
pub(crate) fn exit_code_of(result: &Value) -> i32 {
    match result["error"]["kind"].as_str() {
        None => 0,
        Some("invalid_arguments") => 2,
        Some("permission_denied") => 5,
        Some(_) => 1,
    }
}

#[test]
fn a_model_changes_files() {
    on_each_host(|host| {
        let work = Scratch::with(&[("notes.txt", "the cat sat\non the mat\n")]);
        let model = ScriptedModel::start([
            Reply::call("c1", "list_directory", json!({"path": "."})),
            Reply::call("c2", "read_file", json!({"path": "notes.txt"})),
            Reply::call(
                "c3",
                "edit_file",
                json!({"path": "notes.txt", "old_text": "cat", "new_text": "dög"}),
            ),
            Reply::call(
                "c4",
                "write_file",
                json!({"path": "deep/er/new.txt", "content": "fresh\n"}),
            ),
            Reply::text("Done."),
        ]);
        host.run(&Guest::ask(&work, &model, "tidy up"))
            .code(0)
            .prints("Done.\n");
        assert_eq!(work.read("notes.txt"), "the dög sat\non the mat\n");
        assert_eq!(work.read("deep/er/new.txt"), "fresh\n");
        assert_eq!(
            work.names(),
            ["deep/er/new.txt", "notes.txt"],
            "nothing else is left behind"
        );

        let requests = model.requests();
        let listing = requests[1].tool_result();
        assert_eq!(
            listing["entries"],
            json!([{"name": "notes.txt", "is_dir": false, "size": 23}])
        );
        let read = requests[2].tool_result();
        assert!(
            read["content"]
                .as_str()
                .is_some_and(|text| text.contains("the cat sat\non the mat")),
            "{read}"
        );
        assert_eq!(requests[4].tool_result()["bytes"], 6);
    });
}

#[test]
fn several_calls_of_one_turn_run_in_order_and_answer_in_order() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "a")]);
        let model = ScriptedModel::start([
            Reply::calls([
                Call::new(
                    "first",
                    "write_file",
                    json!({"path": "b.txt", "content": "b"}),
                ),
                Call::new("second", "read_file", json!({"path": "b.txt"})),
                Call::new("third", "read_file", json!({"path": "missing.txt"})),
                Call::new("fourth", "read_file", json!({"path": "a.txt"})),
            ])
            .saying("All at once."),
            Reply::text("Done."),
        ]);
        host.run(&Guest::ask(&work, &model, "go")).code(0);
        let request = model.last_request();
        let results = request.tool_results();
        let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["first", "second", "third", "fourth"]);
        assert_eq!(
            results[1].1["content"].as_str().map(str::trim_end),
            Some("b"),
            "it was written before it was read"
        );
        assert_eq!(results[2].1["error"]["kind"], "not_found");
        let spoken = request
            .messages()
            .iter()
            .find(|message| message["role"] == "assistant");
        assert_eq!(
            spoken.map(|message| &message["content"]),
            Some(&json!("All at once."))
        );
    });
}

#[test]
fn plain_replies_call_tools_too() {
    on_each_host(|host| {
        let work = Scratch::new();
        let model = ScriptedModel::start([
            Reply::calls([
                Call::new("a", "write_file", json!({"path": "a.txt", "content": "1"})),
                Call::new("b", "write_file", json!({"path": "b.txt", "content": "2"})),
            ]),
            Reply::text("Done."),
        ]);
        host.run(&Guest::ask(&work, &model, "go").args(["--no-stream"]))
            .code(0)
            .prints("Done.\n");
        assert_eq!(
            (work.read("a.txt"), work.read("b.txt")),
            ("1".to_owned(), "2".to_owned())
        );
    });
}

#[test]
fn the_schemas_are_what_the_model_is_offered() {
    on_each_host(|host| {
        let work = Scratch::new();
        let printed = host
            .run(&Guest::offline().workspace(&work).args(["tools"]))
            .code(0)
            .json();
        let offline = printed.as_array().cloned().unwrap_or_default();
        assert_eq!(offline.len(), 6, "none of the web");
        let printed = host.run(&Guest::dewclaw().args(["tools"])).code(0).json();
        let printed = printed.as_array().cloned().unwrap_or_default();
        assert_eq!(printed[..6], offline);
        let model = ScriptedModel::start([Reply::text("ok")]);
        let guest = Guest::ask(&work, &model, "hi")
            .env("SEARXNG_URL", "http://10.0.0.2")
            .args(["--allow-fetch", "*"]);
        host.run(&guest).code(0);
        let request = model.only_request();
        let offered = request.json["tools"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for (printed, offered) in printed.iter().zip(&offered) {
            let printed = printed.get("function").unwrap_or(printed);
            for part in ["name", "description", "parameters"] {
                assert_eq!(printed[part], offered["function"][part]);
            }
            assert_eq!(printed["parameters"]["type"], "object");
            assert_eq!(
                printed["parameters"]["additionalProperties"], false,
                "{printed}"
            );
        }
        assert_eq!(printed.len(), offered.len());
    });
}

#[test]
fn read_file_pages_through_a_long_file() {
    on_each_host(|host| {
        let lines: String = (1..=20_000)
            .map(|number| format!("line number {number}\n"))
            .collect();
        let work = Scratch::with(&[("long.txt", &lines)]);
        let first = call(host, &work, "read_file", &json!({"path": "long.txt"}));
        assert_eq!(first["truncated"], true);
        assert!(
            first["content"]
                .as_str()
                .is_some_and(|text| text.contains("line number 1\n")),
            "{first}"
        );
        let page = call(
            host,
            &work,
            "read_file",
            &json!({"path": "long.txt", "offset": 19_999, "limit": 5}),
        );
        let text = page["content"].as_str().unwrap_or_default();
        assert!(
            text.contains("line number 19999\n") && text.contains("line number 20000"),
            "{page}"
        );
        assert!(!text.contains("line number 19998"), "{page}");
        assert_ne!(page["truncated"], true, "{page}");
    });
}

#[test]
fn edit_file_changes_exactly_one_place() {
    on_each_host(|host| {
        let work = Scratch::with(&[("a.txt", "one two one\n")]);
        let before = work.snapshot();
        for (old, kind, count) in [
            ("one", "invalid_arguments", "2"),
            ("three", "invalid_arguments", ""),
        ] {
            let result = call(
                host,
                &work,
                "edit_file",
                &json!({"path": "a.txt", "old_text": old, "new_text": "x"}),
            );
            assert_eq!(result["error"]["kind"], kind, "{result}");
            let message = result["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains(count), "it says how many: {message}");
            assert_eq!(work.snapshot(), before);
        }
        call(
            host,
            &work,
            "edit_file",
            &json!({"path": "a.txt", "old_text": "two", "new_text": "zwei"}),
        );
        assert_eq!(work.read("a.txt"), "one zwei one\n");
    });
}

#[test]
fn list_directory_sorts_by_name() {
    on_each_host(|host| {
        let work = Scratch::with(&[("b.txt", "22"), ("a/x", ""), ("c", "333"), ("Z", "")]);
        let listing = call(host, &work, "list_directory", &json!({"path": "."}));
        let names: Vec<_> = listing["entries"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| (entry["name"].clone(), entry["is_dir"].clone()))
            .collect();
        assert_eq!(
            names,
            [
                (json!("Z"), json!(false)),
                (json!("a"), json!(true)),
                (json!("b.txt"), json!(false)),
                (json!("c"), json!(false))
            ]
        );
    });
}

#[test]
fn memory_is_markdown_that_can_be_searched() {
    on_each_host(|host| {
        let work = Scratch::new();
        let note = "The printer in the cellar speaks IPP on port 631.";
        call(host, &work, "memory_write", &json!({"content": note}));
        call(
            host,
            &work,
            "memory_write",
            &json!({"content": "The cat is called Miez."}),
        );
        let kept = work.read("memory/MEMORY.md");
        assert!(kept.contains(note) && kept.contains("Miez"), "{kept}");
        let all = call(host, &work, "memory_read", &json!({}));
        assert!(
            all["content"]
                .as_str()
                .is_some_and(|text| text.contains(note) && text.contains("Miez")),
            "{all}"
        );
        let found = call(
            host,
            &work,
            "memory_read",
            &json!({"query": "which port has the printer"}),
        );
        assert_eq!(found["query"], "which port has the printer");
        let first = found["matches"][0].to_string();
        assert!(first.contains("631"), "{found}");
        call(
            host,
            &work,
            "memory_write",
            &json!({"content": "Fresh start.", "mode": "overwrite"}),
        );
        let kept = work.read("memory/MEMORY.md");
        assert!(
            kept.contains("Fresh start.") && !kept.contains("Miez"),
            "{kept}"
        );
    });
}

#[test]
fn arguments_can_come_from_standard_input() {
    on_each_host(|host| {
        let work = Scratch::new();
        let guest = Guest::offline()
            .workspace(&work)
            .args(["tool", "write_file", "-"]);
        host.run(&guest.stdin(r#"{"path": "a.txt", "content": "piped"}"#))
            .code(0);
        assert_eq!(work.read("a.txt"), "piped");
    });
}

#[test]
fn a_tool_that_fails_prints_an_error_object_and_fails() {
    on_each_host(|host| {
        let work = Scratch::with(&[("folder/file", "")]);
        for (name, arguments, kind) in [
            ("read_file", json!({"path": "missing.txt"}), "not_found"),
            ("read_file", json!({"path": "folder"}), "invalid_arguments"),
            ("read_file", json!({}), "invalid_arguments"),
            ("read_file", json!({"path": 7}), "invalid_arguments"),
            (
                "read_file",
                json!({"path": "a", "colour": "red"}),
                "invalid_arguments",
            ),
            ("list_directory", json!({"path": "missing"}), "not_found"),
            (
                "edit_file",
                json!({"path": "missing", "old_text": "a", "new_text": "b"}),
                "not_found",
            ),
            (
                "memory_write",
                json!({"content": "x", "mode": "sideways"}),
                "invalid_arguments",
            ),
        ] {
            let result = call(host, &work, name, &arguments);
            assert_eq!(
                result["error"]["kind"], kind,
                "{name} {arguments}: {result}"
            );
            let message = result["error"]["message"].as_str().unwrap_or_default();
            assert!(message.len() > 10, "{name} {arguments}: {result}");
        }
    });
}

#[test]
fn an_unknown_tool_is_usage_and_the_known_ones_are_named() {
    on_each_host(|host| {
        let work = Scratch::new();
        for name in ["exec_shell", "spawn", "message", "fetch", "READ_FILE", ""] {
            let ended = host.run(&Guest::tool(&work, name, &json!({"command": "ls"})));
            ended
                .code(2)
                .says(&["unknown tool", name, "read_file", "memory_write"]);
        }
    });
}

#[test]
fn a_long_result_reaches_the_model_cut_in_the_middle() {
    on_each_host(|host| {
        // One page of read_file, all of it characters of three bytes.
        let work = Scratch::with(&[("wide.txt", &format!("{}\n", "好".repeat(50_000)))]);
        let model = ScriptedModel::start([
            Reply::call("c", "read_file", json!({"path": "wide.txt"})),
            Reply::text("Long."),
        ]);
        host.run(&Guest::ask(&work, &model, "read it"))
            .code(0)
            .prints("Long.\n");
        let request = model.last_request();
        let result = request
            .messages()
            .last()
            .and_then(|message| message["content"].as_str());
        let length = result.map_or(0, str::len);
        assert!(length > 1_000 && length <= 65_536, "{length} bytes");
    });
}
