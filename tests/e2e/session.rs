//! `dewclaw-core.wasm`: the agent as a library, as somebody who embeds it sees it.

mod limits;
mod misuse;
mod saved;
mod wrong_config;

use e2e::artifact;
use e2e::imports;
use e2e::scripted_model::{Call, Reply, Script};
use e2e::session::{Embedder, Instance, KEY, wit};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::rc::Rc;

/// Both wires, as settings name them.
const WIRES: [&str; 2] = ["openai", "anthropic"];

/// A host that does everything, with these settings beside model and wire.
fn config(wire: &str, mut settings: Value) -> wit::Config {
    settings["model"] = "scripted".into();
    settings["wire"] = wire.into();
    wit::Config {
        settings: settings.to_string(),
        tools: None,
        model: wit::Performer::Host,
        files: wit::Performer::Host,
        web: wit::Performer::Host,
    }
}

/// A tool of the host's that wants a `room`.
fn host_tool(name: &str, writes: bool) -> wit::HostTool {
    wit::HostTool {
        name: name.to_owned(),
        description: "Something of a room of the house.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {"room": {"type": "string"}},
            "required": ["room"],
            "additionalProperties": false,
        })
        .to_string(),
        writes,
        parallel: false,
    }
}

fn script(replies: impl IntoIterator<Item = Reply>) -> Rc<Script> {
    Rc::new(Script::new(replies))
}

#[track_caller]
fn no_faults(script: &Script) {
    assert_eq!(script.faults(), [""; 0]);
}

#[track_caller]
fn answered(outcome: &wit::Outcome, text: &str) {
    assert_eq!(
        (
            outcome.reason.as_str(),
            outcome.exit_code,
            outcome.text.as_str()
        ),
        ("answered", 0, text),
        "{outcome:?}"
    );
}

#[test]
fn it_imports_nothing_and_exports_the_session_alone() {
    let core = artifact::dewclaw_core();
    assert!(imports::of(&core).is_empty(), "{:?}", imports::of(&core));
    let exports: Vec<_> = imports::exports_of(&core).into_iter().collect();
    assert_eq!(exports, ["dewclaw:agent/session@0.1.0"]);
}

#[test]
fn a_conversation_with_files_tools_of_the_host_and_approvals() {
    for wire in WIRES {
        let script = script([
            Reply::calls([
                Call::new("c1", "read_file", json!({"path": "notes.txt"})),
                Call::new("c2", "temperature", json!({"room": "cellar"})),
            ])
            .saying("Let me look."),
            Reply::calls([
                Call::new(
                    "c3",
                    "write_file",
                    json!({"path": "out/report.txt", "content": "cold\n"}),
                ),
                Call::new("c4", "door", json!({"room": "cellar"})),
            ]),
            Reply::text("It is 4.5 degrees in the cellar.").usage(100, 20),
            Reply::text("You are welcome.").usage(120, 5),
        ]);
        let mut host = Embedder::new(&script).file("notes.txt", "alpha\n");
        let (ran, asked) = (
            Rc::new(RefCell::new(Vec::new())),
            Rc::new(RefCell::new(Vec::new())),
        );
        let seen = ran.clone();
        host.tool = Box::new(move |call| {
            seen.borrow_mut()
                .push((call.name.clone(), call.arguments.clone()));
            Ok(r#"{"celsius": 4.5}"#.to_owned())
        });
        let seen = asked.clone();
        host.verdict = Box::new(move |call| {
            seen.borrow_mut().push(call.id.clone());
            match call.name.as_str() {
                "write_file" => wit::Verdict::Approved,
                _ => wit::Verdict::Refused,
            }
        });
        let tools = [host_tool("temperature", false), host_tool("door", true)];
        let session = Instance::start()
            .open(&config(wire, json!({"approve": "writes"})), &tools)
            .expect("the configuration is fine");
        let outcome = host.run(&session, "How cold is it?");
        answered(&outcome, "It is 4.5 degrees in the cellar.");
        let pieces = host.texts();
        assert_eq!(pieces[0], "Let me look.");
        assert!(pieces.len() > 4, "the answer comes in pieces: {pieces:?}");
        assert_eq!(pieces[1..].concat(), "It is 4.5 degrees in the cellar.");
        assert_eq!(host.files["out/report.txt"], b"cold\n");
        let wanted = [("temperature".to_owned(), r#"{"room":"cellar"}"#.to_owned())];
        assert_eq!(*ran.borrow(), wanted, "the door stays as it is");
        assert_eq!(*asked.borrow(), ["c3", "c4"]);
        let results = host.results();
        let ok: Vec<_> = results.iter().map(|(call, ok, _)| (*call, *ok)).collect();
        assert_eq!(
            ok,
            [("c1", true), ("c2", true), ("c3", true), ("c4", false)]
        );
        assert_eq!(results[3].2["error"]["kind"], "permission_denied");
        let requests = script.requests();
        let told = requests[1].tool_results();
        assert!(told[0].1["content"].to_string().contains("alpha"));
        assert_eq!(told[1].1["celsius"].to_string(), "4.5");
        assert_eq!(
            requests[2].tool_results()[1].1["error"]["kind"],
            "permission_denied"
        );
        let outcome = host.run(&session, "Thank you.");
        answered(&outcome, "You are welcome.");
        let last = script.requests().pop().expect("it was asked");
        assert!(last.messages().len() > requests[2].messages().len());
        assert!(last.json.to_string().contains("How cold is it?"));
        let used = session.usage();
        assert!(
            used.input_tokens >= 220 && used.output_tokens >= 25,
            "{used:?}"
        );
        no_faults(&script);
    }
}

#[test]
fn the_web_is_the_hosts_and_no_effect_holds_a_key() {
    for (wire, slot, header) in [
        ("openai", "openai", None),
        ("anthropic", "anthropic", Some("x-api-key")),
    ] {
        let script = Script::new([
            Reply::calls([
                Call::new("c1", "web_fetch", json!({"url": "https://example.com/a"})),
                Call::new("c2", "web_search", json!({"query": "crabs"})),
            ]),
            Reply::text("Found."),
        ]);
        let script = Rc::new(script.requiring_key(KEY));
        let mut host = Embedder::new(&script);
        host.web = Box::new(|operation| {
            let (kind, body) = match &operation.auth {
                None => ("text/plain", "a page\n"),
                Some(auth) => {
                    assert_eq!(auth.slot, "brave");
                    assert!(operation.url.contains("crabs"), "{}", operation.url);
                    (
                        "application/json",
                        r#"{"web": {"results": [{"title": "T", "url": "https://c.example/", "description": "D"}]}}"#,
                    )
                }
            };
            wit::Answer::Reply(wit::HttpReply {
                status: 200,
                headers: vec![("content-type".to_owned(), kind.to_owned())],
                body: body.into(),
                whole: true,
            })
        });
        let settings = json!({"allow_fetch": ["example.com"], "search": "brave"});
        let session = Instance::start()
            .open(&config(wire, settings), &[])
            .expect("the configuration is fine");
        answered(&host.run(&session, "go"), "Found.");
        let results = script.requests()[1].tool_results();
        assert!(results[0].1["body"].to_string().contains("a page"));
        assert_eq!(results[1].1["results"][0]["title"], "T");
        no_faults(&script);
        let mut slots = Vec::new();
        for effect in &host.effects {
            assert!(!format!("{effect:?}").contains(KEY), "{effect:?}");
            let (headers, auth) = match effect {
                wit::Effect::CallModel(call) => {
                    let named = match &call.auth.scheme {
                        wit::AuthScheme::Bearer => None,
                        wit::AuthScheme::Header(name) => Some(name.as_str()),
                    };
                    assert_eq!(named, header);
                    (&call.headers, Some(&call.auth))
                }
                wit::Effect::Operate((_, wit::Operation::Http(http))) => {
                    (&http.headers, http.auth.as_ref())
                }
                _ => continue,
            };
            slots.push(auth.map(|auth| auth.slot.as_str()));
            for (name, _) in headers {
                let secret = ["authorization", "x-api-key", "x-subscription-token"];
                assert!(!secret.contains(&name.as_str()), "{name}");
            }
        }
        assert_eq!(slots, [Some(slot), None, Some("brave"), Some(slot)]);
        assert!(!String::from_utf8_lossy(&session.save()).contains(KEY));
    }
}

/// A model that calls a tool of each kind, answers `done`, and answers `Gone on.` to whoever says `go on`: by what stands in
/// the request, so that it may be asked twice.
fn model_by_content() -> (Rc<RefCell<Vec<String>>>, Embedder) {
    let faults = Rc::new(RefCell::new(Vec::new()));
    let broken = faults.clone();
    let host = Embedder::asking(move |request| {
        let has = |text: &str| String::from_utf8_lossy(&request.body).contains(text);
        let reply = if has("go on") {
            Reply::text("Gone on.")
        } else if has("\"c1\"") {
            Reply::text("done")
        } else {
            Reply::calls([
                Call::new("c1", "write_file", json!({"path": "a.txt", "content": "x"})),
                Call::new("c2", "temperature", json!({"room": "cellar"})),
                Call::new("c3", "read_file", json!({"path": "a.txt"})),
            ])
        };
        let script = Script::repeating(reply);
        let answer = script.answer(request);
        broken.borrow_mut().extend(script.faults());
        answer
    });
    let mut host = host.file("a.txt", "alpha\n");
    host.tool = Box::new(|_| Ok("4.5".to_owned()));
    host.verdict = Box::new(|_| wit::Verdict::Approved);
    (faults, host)
}

#[test]
fn cancelled_anywhere_the_run_is_over_and_the_conversation_goes_on() {
    let instance = Instance::start();
    for wire in WIRES {
        let open = || {
            let config = config(wire, json!({"approve": "writes"}));
            let opened = instance.open(&config, &[host_tool("temperature", false)]);
            opened.expect("the configuration is fine")
        };
        let (_, mut whole) = model_by_content();
        answered(&whole.run(&open(), "go"), "done");
        let mut has_answered = false;
        for at in 0..whole.effects.len() {
            let (faults, mut host) = model_by_content();
            let session = open();
            session.prompt(host.now, "go").expect("idle");
            for _ in 0..at {
                assert!(host.step(&session).is_none());
            }
            session.cancel(host.now);
            let outcome = host.finish(&session);
            // Once the answer is whole it stands, whether or not its effects were taken.
            if has_answered || outcome.reason == "answered" {
                answered(&outcome, "done");
                has_answered = true;
            } else {
                assert_eq!(outcome.reason, "cancelled", "after {at} steps");
                assert_eq!(outcome.exit_code, 1);
            }
            answered(&host.run(&session, "go on"), "Gone on.");
            assert_eq!(*faults.borrow(), [""; 0], "cancelled after {at} steps");
        }
        assert!(has_answered, "cancelled last, it had answered");
    }
}

#[test]
fn a_model_call_that_fails_is_tried_again_when_the_hosts_clock_says_so() {
    for wire in WIRES {
        let script = script([
            Reply::hang_up(),
            Reply::error(529, "overloaded", "overloaded_error", None).header("retry-after", "7"),
            Reply::text("Here."),
        ]);
        let mut host = Embedder::new(&script);
        let session = Instance::start()
            .open(&config(wire, json!({})), &[])
            .expect("the configuration is fine");
        let began = host.now.monotonic_ms;
        answered(&host.run(&session, "go"), "Here.");
        let waited = host.now.monotonic_ms - began;
        assert!((7_000..60_000).contains(&waited), "{waited} ms");
        let [first, second, third] = &host.requests[..] else {
            panic!("three requests were expected");
        };
        assert!(first == second && second == third);
        no_faults(&script);
    }
}
