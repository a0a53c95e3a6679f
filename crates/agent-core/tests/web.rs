//! The tools of the web, and that their operations are in flight together.

#[path = "web/fetch.rs"]
mod fetch;
#[path = "web/parallel.rs"]
mod parallel;
mod script;
#[path = "web/search.rs"]
mod search;

use dewclaw_agent_core::tools::{self, CallStep, ToolCallRun};
use dewclaw_agent_core::{HttpAnswer, HttpOperation, Operation, OperationAnswer, Settings};
use dewclaw_platform::HttpError;
use serde_json::{Value, json};

/// An answer of a server.
fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> HttpAnswer {
    HttpAnswer::Reply {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        body: body.as_ref().to_vec(),
        whole: true,
    }
}

fn page(kind: &str, body: impl AsRef<[u8]>) -> HttpAnswer {
    reply(200, &[("content-type", kind)], body)
}

fn redirect(status: u16, to: &str) -> HttpAnswer {
    reply(status, &[("location", to)], "moved")
}

/// What a call came to, and what it sent.
struct Fetched {
    result: Value,
    sent: Vec<HttpOperation>,
}

impl Fetched {
    #[track_caller]
    fn kind(&self) -> &str {
        self.result["error"]["kind"]
            .as_str()
            .unwrap_or_else(|| panic!("it worked: {}", self.result))
    }

    fn message(&self) -> &str {
        self.result["error"]["message"].as_str().unwrap_or_default()
    }
}

/// Settings that allow these hosts.
fn allowing(hosts: &[&str]) -> Settings {
    let mut settings = Settings::default();
    let hosts = hosts.join(",");
    settings
        .set(
            "allow_fetch",
            &dewclaw_agent_core::json::Value::String(hosts),
        )
        .expect("the hosts are fine");
    settings
}

/// Runs a call against a server that answers each request with the next of `answers`.
#[track_caller]
fn call(name: &str, settings: &Settings, arguments: &Value, answers: Vec<HttpAnswer>) -> Fetched {
    let tool = tools::ALL
        .iter()
        .find(|tool| tool.name == name)
        .expect("there is such a tool");
    let mut run = ToolCallRun::new(tool, &arguments.to_string(), settings);
    let mut sent = Vec::new();
    let mut answers = answers.into_iter();
    let mut answer = None;
    loop {
        match run.step(answer) {
            CallStep::Operate(Operation::Http(operation)) => {
                let next = answers
                    .next()
                    .unwrap_or_else(|| panic!("nothing answers {}", operation.url));
                sent.push(operation);
                answer = Some(OperationAnswer::Http(next));
            }
            CallStep::Operate(Operation::File(operation)) => {
                panic!("it touches files: {operation:?}")
            }
            CallStep::Done(done) => {
                let result: Value = serde_json::from_slice(&done.json).expect("a result is JSON");
                assert_eq!(done.ok, result.get("error").is_none());
                return Fetched { result, sent };
            }
        }
    }
}

#[test]
fn an_answer_of_the_files_is_an_error() {
    let settings = allowing(&["example.com"]);
    for (name, arguments) in [
        ("web_fetch", json!({"url": "http://example.com/"})),
        ("web_search", json!({"query": "x"})),
    ] {
        let mut settings = settings.clone();
        settings.search = Some(dewclaw_agent_core::SearchEngine::Brave);
        let tool = tools::ALL.iter().find(|tool| tool.name == name).unwrap();
        let mut run = ToolCallRun::new(tool, &arguments.to_string(), &settings);
        assert!(matches!(run.step(None), CallStep::Operate(_)));
        let misfit = OperationAnswer::File(dewclaw_agent_core::FileAnswer::Done);
        let CallStep::Done(result) = run.step(Some(misfit)) else {
            panic!("{name} goes on");
        };
        let result: Value = serde_json::from_slice(&result.json).unwrap();
        assert_eq!(result["error"]["kind"], "internal");
    }
}

#[test]
fn each_failure_has_its_kind() {
    for (error, kind) in [
        (HttpError::Connect, "network"),
        (HttpError::Dns, "network"),
        (HttpError::Refused, "network"),
        (HttpError::Unreachable, "network"),
        (HttpError::Reset, "network"),
        (HttpError::Tls, "network"),
        (HttpError::Closed, "network"),
        (HttpError::Protocol, "network"),
        (HttpError::ConnectTimeout, "timeout"),
        (HttpError::FirstByteTimeout, "timeout"),
        (HttpError::BetweenBytesTimeout, "timeout"),
        (HttpError::TotalTimeout, "timeout"),
        (HttpError::TooLarge, "too_large"),
        (HttpError::Denied, "permission_denied"),
        (HttpError::NameDenied, "permission_denied"),
        (HttpError::AddressDenied, "permission_denied"),
        (HttpError::NoTls, "unsupported"),
        (HttpError::Unsupported, "unsupported"),
        (HttpError::InvalidRequest, "invalid_arguments"),
    ] {
        let mut settings = allowing(&["example.com"]);
        settings.search = Some(dewclaw_agent_core::SearchEngine::Brave);
        let fetched = call(
            "web_fetch",
            &settings,
            &json!({"url": "https://example.com/a"}),
            vec![HttpAnswer::Failed(error)],
        );
        assert_eq!(fetched.kind(), kind, "{error}");
        assert!(
            fetched.message().starts_with("example.com: "),
            "{}",
            fetched.message()
        );
        let searched = call(
            "web_search",
            &settings,
            &json!({"query": "x"}),
            vec![HttpAnswer::Failed(error)],
        );
        assert_eq!(searched.kind(), kind, "{error}");
    }
}
