//! A model server that somebody else wrote: npm's `@copilotkit/aimock`.

use e2e::aimock::Aimock;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host};
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

fn quotes(host: Host, endpoint: Endpoint) {
    let aimock = Aimock::start(&fixtures());
    let (work, state) = (
        Scratch::new(),
        Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1}"#)]),
    );
    let ended = host.run(&guest(&work, &aimock, endpoint, "overload").state(&state));
    ended.code(3).says(&["429", "Too busy just now"]);
}
