//! A model server that somebody else wrote: npm's `@copilotkit/aimock`.

use e2e::aimock::Aimock;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host};
use e2e::in_process::{Library, wit};
use e2e::scratch::Scratch;
use serde_json::{Value, json};

/// Reads two files in one turn, writes a third in the next, and answers.
fn fixtures() -> Value {
    json!([
        {
            "match": {"userMessage": "merge", "turnIndex": 0},
            "response": {"toolCalls": [
                {"id": "call_a", "name": "read_file", "arguments": {"path": "a.txt"}},
                {"id": "call_b", "name": "read_file", "arguments": {"path": "b.txt"}},
            ]},
        },
        {
            "match": {"userMessage": "merge", "turnIndex": 1},
            "response": {"toolCalls": [
                {"id": "call_c", "name": "write_file", "arguments": {"path": "c.txt", "content": "alpha\nbêta \"quoted\"\n"}},
            ]},
        },
        {"match": {"userMessage": "merge", "turnIndex": 2}, "response": {"content": "Merged — naïvely. 🦀"}},
        {
            "match": {"userMessage": "overload"},
            "response": {"error": {"message": "Too busy just now.", "type": "rate_limit_error"}, "status": 429},
        },
    ])
}

/// The two ways to speak to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    ChatCompletions,
    Messages,
}

impl Endpoint {
    fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }
}

fn guest(work: &Scratch, aimock: &Aimock, endpoint: Endpoint, prompt: &str) -> Guest {
    let guest = Guest::dewclaw().workspace(work);
    match endpoint {
        Endpoint::ChatCompletions => guest
            .base_url(&aimock.base_url())
            .args(["ask", prompt, "--model", "gpt-4o"]),
        Endpoint::Messages => guest.env("ANTHROPIC_BASE_URL", aimock.root_url()).args([
            "ask",
            prompt,
            "--model",
            "claude-sonnet-4-5",
        ]),
    }
}

fn merge(host: Host, endpoint: Endpoint, flags: &[&str]) {
    let aimock = Aimock::start(&fixtures());
    let work = Scratch::with(&[("a.txt", "alpha\n"), ("b.txt", "bêta \"quoted\"\n")]);
    let ended =
        host.run(&guest(&work, &aimock, endpoint, "merge the files").args(flags.iter().copied()));
    ended.code(0).prints("Merged — naïvely. 🦀\n");
    assert_eq!(work.read("c.txt"), "alpha\nbêta \"quoted\"\n");

    let journal = aimock.journal();
    assert_eq!(journal.len(), 3);
    for entry in &journal {
        assert_eq!(entry["response"]["status"], 200, "{entry}");
        assert_eq!(entry["path"], endpoint.path(), "{entry}");
        assert_eq!(entry["body"]["stream"] == true, flags.is_empty());
    }
    let last = journal[2]["body"]["messages"].to_string();
    assert!(
        last.contains("call_a") && last.contains("call_c") && last.contains("alpha"),
        "{last}"
    );
}

#[test]
fn a_stream_with_tool_calls() {
    on_each_host(|host| merge(host, Endpoint::ChatCompletions, &[]));
}

#[test]
fn a_plain_reply_with_tool_calls() {
    on_each_host(|host| merge(host, Endpoint::ChatCompletions, &["--no-stream"]));
}

#[test]
fn messages_as_a_stream_with_tool_calls() {
    on_each_host(|host| merge(host, Endpoint::Messages, &[]));
}

#[test]
fn messages_as_plain_replies_with_tool_calls() {
    on_each_host(|host| merge(host, Endpoint::Messages, &["--no-stream"]));
}

#[test]
fn its_errors_are_quoted() {
    on_each_host(|host| {
        for endpoint in [Endpoint::ChatCompletions, Endpoint::Messages] {
            quotes(host, endpoint);
        }
    });
}

/// Reads a file a turn; the request with both is too long, and the one without the first is answered.
fn too_long(host: Host, endpoint: Endpoint) {
    let call = |id: &str, path: &str| json!({"toolCalls": [{"id": id, "name": "read_file", "arguments": {"path": path}}]});
    let message = match endpoint {
        Endpoint::ChatCompletions => {
            "This model's maximum context length is 9000 tokens. However, your messages resulted in 9001 tokens."
        }
        Endpoint::Messages => "prompt is too long: 9001 tokens > 9000 maximum",
    };
    let aimock = Aimock::start(&json!([
        {"match": {"userMessage": "Earlier steps"}, "response": {"content": "Read both."}},
        {"match": {"userMessage": "compare", "turnIndex": 0}, "response": call("call_a", "a.txt")},
        {"match": {"userMessage": "compare", "turnIndex": 1}, "response": call("call_b", "b.txt")},
        {
            "match": {"userMessage": "compare", "turnIndex": 2},
            "response": {"error": {"message": message, "type": "invalid_request_error"}, "status": 400},
        },
    ]));
    let work = Scratch::with(&[("a.txt", &"alpha\n".repeat(900)), ("b.txt", "beta\n")]);
    let ended = host.run(&guest(&work, &aimock, endpoint, "compare the files"));
    ended
        .code(0)
        .prints("Read both.\n")
        .says(&["steps of this run were left out"]);
    let journal = aimock.journal();
    let statuses: Vec<_> = journal
        .iter()
        .map(|entry| &entry["response"]["status"])
        .collect();
    assert_eq!(statuses, [200, 200, 400, 200]);
    let last = journal[3]["body"]["messages"].to_string();
    assert!(
        last.contains("compare the files") && last.contains("call_b") && !last.contains("call_a"),
        "{last}"
    );
}

#[test]
fn a_request_that_it_calls_too_long_is_made_smaller_once() {
    on_each_host(|host| {
        for endpoint in [Endpoint::ChatCompletions, Endpoint::Messages] {
            too_long(host, endpoint);
        }
    });
}

/// A session whose component calls it, in a window of 8,000 tokens.
#[test]
fn it_sums_up_the_oldest_turns() {
    for (wire, endpoint) in [
        ("openai", Endpoint::ChatCompletions),
        ("anthropic", Endpoint::Messages),
    ] {
        let aimock = Aimock::start(&json!([
            {"match": {"userMessage": "Sum up the conversation"}, "response": {"content": "They counted to three."}},
            {"match": {"userMessage": "count 3"}, "response": {"content": "Four."}},
            {"match": {"userMessage": "count"}, "response": {"content": "Counted."}},
        ]));
        let url = match endpoint {
            Endpoint::ChatCompletions => aimock.base_url(),
            Endpoint::Messages => aimock.root_url().to_owned(),
        };
        let work = Scratch::new();
        let mut library = Library::start(&Guest::dewclaw().workspace(&work));
        let settings = json!({"model": "m", "wire": wire, "base_url": url, "context_window": 8_000, "max_tokens": 1_000});
        let config = wit::Config {
            settings: settings.to_string(),
            tools: Some(Vec::new()),
            model: wit::Performer::Component,
            files: wit::Performer::Host,
            web: wit::Performer::Host,
        };
        library
            .open(&config, &[])
            .expect("the configuration is fine");
        let prompts: Vec<String> = (0..4)
            .map(|turn| format!("count {turn} {}", "x ".repeat(3_000)))
            .collect();
        let (outcome, _) = crate::context::converse(&mut library, &prompts);
        assert_eq!(outcome.text, "Four.");
        let journal = aimock.journal();
        assert_eq!(journal.len(), 5);
        for entry in &journal {
            assert_eq!(entry["response"]["status"], 200, "{entry}");
            assert_eq!(entry["path"], endpoint.path(), "{entry}");
        }
        let last = journal[4]["body"]["messages"].to_string();
        assert!(
            last.contains("They counted to three.") && !last.contains("count 0"),
            "{last}"
        );
    }
}

fn quotes(host: Host, endpoint: Endpoint) {
    let aimock = Aimock::start(&fixtures());
    let (work, state) = (
        Scratch::new(),
        Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1}"#)]),
    );
    let ended = host.run(&guest(&work, &aimock, endpoint, "overload").state(&state));
    ended.code(3).says(&["429", "Too busy just now"]);
}
