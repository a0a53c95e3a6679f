//! The session with the embedded component: what only this host can put into it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use wasmtime_wasi::async_trait;

use super::*;
use crate::egress::{Named, WasiHttp};
use crate::folders::Folders;
use crate::host::Grants;

/// A tool that notes what it is called with.
struct Gauge {
    called: Mutex<Vec<String>>,
    result: Result<String, String>,
}

#[async_trait]
impl HostTool for Gauge {
    fn declaration(&self) -> wit::HostTool {
        wit::HostTool {
            name: "read_gauge".into(),
            description: "Reads a gauge.".into(),
            parameters:
                r#"{"type":"object","properties":{"gauge":{"type":"string"}},"required":["gauge"]}"#
                    .into(),
            writes: false,
            parallel: true,
        }
    }

    async fn call(&self, arguments: &str) -> Result<String, String> {
        // Another task goes first, as where a tool waits for its plugin.
        tokio::task::yield_now().await;
        self.called.lock().unwrap().push(arguments.to_owned());
        self.result.clone()
    }
}

/// A model that answers the requests in order, each with a connection of its own, and keeps their bodies.
async fn model(replies: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut bodies = Vec::new();
        for reply in replies {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            bodies.push(String::from_utf8(body).unwrap());
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                reply.len()
            );
            stream.write_all((head + &reply).as_bytes()).await.unwrap();
        }
        bodies
    });
    (url, served)
}

fn calls(calls: &[(&str, &str, &str)]) -> String {
    let call = |(id, name, arguments): &(&str, &str, &str)| serde_json::json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let calls: Vec<_> = calls.iter().map(call).collect();
    serde_json::json!({"choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": calls}}]})
    .to_string()
}

fn answer(text: &str) -> String {
    serde_json::json!({"choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": text}}]})
    .to_string()
}

/// Asks with these tools, in folders of the test's own.
async fn ask_with(tools: Vec<Arc<dyn HostTool>>, url: &str, saved: Option<Vec<u8>>) -> Asked {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = root.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let folders = Folders {
        workspace: folder("work"),
        state: folder("state"),
    };
    std::fs::write(folders.workspace.join("a.txt"), "alpha\n").unwrap();
    let kept = Kept::in_state(&folders.state);
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let variables = [("OPENAI_BASE_URL", url), ("DEWCLAW_MODEL", "m")];
    let host = Host::new(Grants {
        arguments: owned(&["dewclaw", "ask", "--no-stream", "--quiet", "look"]),
        variables: variables
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        folders: Some(folders),
        console: Console::stderr(),
        egress: WasiHttp::Refused,
        keys: Keys::default(),
    });
    let ask = Ask {
        egress: Egress::from_env(Named::default()),
        keys: Keys::default(),
        tools,
        saved,
        kept,
        is_named: false,
        console: Console::stderr(),
        json: false,
        interruption: Arc::default(),
    };
    super::ask(host.unwrap(), ask).await.unwrap()
}

#[tokio::test]
async fn a_tool_of_the_hosts_own_runs_beside_the_components() {
    let (url, served) = model(vec![
        calls(&[
            ("c1", "read_gauge", r#"{"gauge": "boiler"}"#),
            ("c2", "read_file", r#"{"path": "a.txt"}"#),
            ("c3", "read_gauge", r#"{}"#),
        ]),
        answer("Seen."),
    ])
    .await;
    let gauge = Arc::new(Gauge {
        called: Mutex::default(),
        result: Ok("4.2 bar".into()),
    });
    let asked = ask_with(vec![gauge.clone()], &url, None).await;
    assert!(matches!(asked, Asked::Ended(0)), "{asked:?}");
    let bodies = served.await.unwrap();
    assert!(
        bodies[0].contains(r#""name":"read_gauge""#),
        "{}",
        bodies[0]
    );
    for told in ["4.2 bar", "alpha", "invalid_arguments"] {
        assert!(bodies[1].contains(told), "{told}: {}", bodies[1]);
    }
    // The third call does not fit the schema, and never came here.
    assert_eq!(*gauge.called.lock().unwrap(), [r#"{"gauge": "boiler"}"#]);
}

#[tokio::test]
async fn a_tool_that_fails_says_so_to_the_model() {
    let (url, served) = model(vec![
        calls(&[("c1", "read_gauge", r#"{"gauge": "boiler"}"#)]),
        answer("It is broken."),
    ])
    .await;
    let gauge = Arc::new(Gauge {
        called: Mutex::default(),
        result: Err("the gauge is off: switch it on".into()),
    });
    let asked = ask_with(vec![gauge], &url, None).await;
    assert!(matches!(asked, Asked::Ended(0)), "{asked:?}");
    assert!(served.await.unwrap()[1].contains("the gauge is off: switch it on"));
}

#[tokio::test]
async fn what_was_kept_and_is_damaged_is_refused_in_the_components_words() {
    let asked = ask_with(Vec::new(), "http://127.0.0.1:1/v1", Some(b"{".to_vec())).await;
    assert!(matches!(asked, Asked::Ended(2)), "{asked:?}");
}
