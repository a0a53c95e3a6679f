//! Every wire, plain and streamed, with each kind of tool call before each kind of ending: one table. To see it:
//!
//! ```text
//! cargo test --release -p e2e --test e2e -- matrix --nocapture
//! ```

use e2e::guest::Guest;
use e2e::host::{Ask, Ended, Host};
use e2e::loopback::Loopback;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::json;

/// What the model calls before it ends: a name, its calls (to pages of this server), and whether they work.
type Tools = (&'static str, fn(&str) -> Vec<Call>, bool);

const TOOLS: [Tools; 6] = [
    ("none", |_| vec![], true),
    (
        "a file",
        |_| vec![Call::new("c1", "read_file", json!({"path": "a.txt"}))],
        true,
    ),
    (
        "two pages",
        |pages| {
            let fetch =
                |id: &str| Call::new(id, "web_fetch", json!({"url": format!("{pages}/{id}")}));
            vec![fetch("c1"), fetch("c2")]
        },
        true,
    ),
    (
        "a page and a file",
        |pages| {
            vec![
                Call::new("c1", "web_fetch", json!({"url": pages})),
                Call::new("c2", "write_file", json!({"path": "b.txt", "content": "b"})),
            ]
        },
        true,
    ),
    (
        "refused",
        |_| {
            vec![
                Call::new("c1", "web_fetch", json!({"url": "http://169.254.169.254/"})),
                Call::new("c2", "read_file", json!({"path": ".dewclaw/x"})),
            ]
        },
        false,
    ),
    (
        "no such tool",
        |_| vec![Call::new("c1", "exec_shell", json!({"command": "ls"}))],
        false,
    ),
];

/// How the run goes on after the calls: a name, the replies, and what they come to: the reason and the exit code.
type Ending = (&'static str, fn() -> Vec<Reply>, &'static str, i32);

const ENDINGS: [Ending; 9] = [
    ("answer", || vec![Reply::text("done")], "answered", 0),
    (
        "429, then answer",
        || {
            vec![
                Reply::error(429, "slow down", "rate", None).header("retry-after", "0"),
                Reply::text("done"),
            ]
        },
        "answered",
        0,
    ),
    (
        "breaks off, then answer",
        || {
            vec![
                Reply::text("broken words").close_after(60),
                Reply::text("done"),
            ]
        },
        "answered",
        0,
    ),
    (
        "401",
        || vec![Reply::error(401, "no key", "auth", None)],
        "failed",
        3,
    ),
    (
        "400",
        || vec![Reply::error(400, "no", "bad", None)],
        "failed",
        3,
    ),
    (
        "500 twice",
        || vec![Reply::error(500, "oops", "server", None); 2],
        "failed",
        3,
    ),
    (
        "not the wire",
        || vec![Reply::body(200, "text/html", b"<html>hello</html>")],
        "failed",
        3,
    ),
    ("hangs up twice", || vec![Reply::hang_up(); 2], "failed", 3),
    ("silence twice", || vec![Reply::silence(); 2], "failed", 3),
];

#[test]
fn chat_completions() {
    wire(Host::InProcess, "openai", Guest::ask);
}

#[test]
fn messages() {
    wire(Host::InProcess, "anthropic", Guest::ask_by_messages);
}

#[test]
fn chat_completions_in_wamr() {
    wire(Host::Wamr, "openai", Guest::ask);
}

#[test]
fn messages_in_wamr() {
    wire(Host::Wamr, "anthropic", Guest::ask_by_messages);
}

/// Runs every cell of a wire and prints them: reason, exit code and how many requests the model saw.
fn wire(host: Host, name: &str, ask: Ask) {
    let mut table = String::from("| wire, replies | calls |");
    for (ending, ..) in ENDINGS {
        table.push_str(&format!(" {ending} |"));
    }
    table.push_str(&format!("\n|---|---|{}\n", "---|".repeat(ENDINGS.len())));
    for stream in [false, true] {
        // Side by side, since most of the time is spent waiting for what does not come.
        let rows = std::thread::scope(|scope| {
            let rows = TOOLS.map(|tools| {
                ENDINGS.map(|ending| scope.spawn(move || run(host, ask, stream, &tools, &ending)))
            });
            rows.map(|row| {
                row.map(|cell| match cell.join() {
                    Ok(cell) => cell,
                    Err(panicked) => std::panic::resume_unwind(panicked),
                })
            })
        });
        for (tools, row) in TOOLS.iter().zip(rows) {
            let replies = if stream { "streamed" } else { "plain" };
            table.push_str(&format!("| {name}, {replies} | {} |", tools.0));
            for (ended, requests) in row {
                let finished = ended.finished();
                let reason = finished["reason"].as_str().expect("a reason");
                let code = &finished["exit_code"];
                table.push_str(&format!(" {reason} {code}, {requests} |"));
            }
            table.push('\n');
        }
    }
    println!("{table}");
}

/// Runs one cell and holds it to what its row and column say.
fn run(
    host: Host,
    ask: Ask,
    stream: bool,
    (tools, calls, work): &Tools,
    (ending, replies, reason, exit_code): &Ending,
) -> (Ended, usize) {
    let pages = Loopback::serve(|_, exchange| {
        exchange.reply(200, &[("content-type", "text/plain")], b"a page");
    });
    let settings = json!({"retry_attempts": 2, "first_byte_timeout_ms": 1500, "stream": stream});
    let (folder, state) = (
        Scratch::with(&[("a.txt", "a")]),
        Scratch::with(&[("dewclaw.json", &settings.to_string())]),
    );
    let calls = calls(&pages.url());
    let first = (!calls.is_empty()).then(|| Reply::calls(calls.clone()));
    let replies = replies();
    let model = ScriptedModel::start(first.into_iter().chain(replies.clone()));
    let guest = ask(&folder, &model, "go").state(&state).args([
        "--json",
        "--allow-fetch",
        &pages.authority(),
    ]);
    let ended = host.run(&guest);
    let cell = format!("{tools}, {ending}, stream {stream}\n{ended}");
    ended.code(*exit_code);
    assert_eq!(ended.finished()["reason"], *reason, "{cell}");
    let finished = ended.events_of("tool-finished");
    assert_eq!(finished.len(), calls.len(), "{cell}");
    assert!(finished.iter().all(|call| call["ok"] == *work), "{cell}");
    let requests = model.requests();
    let rounds = usize::from(!calls.is_empty());
    assert_eq!(requests.len(), rounds + replies.len(), "{cell}");
    for request in &requests {
        assert_eq!(request.json["stream"] == true, stream, "{cell}");
        assert_eq!(request.tool_names().len(), 7, "{cell}");
    }
    if rounds > 0 {
        // The results go back in the order of the calls, whichever ended first.
        let results = requests[1].tool_results();
        let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
        let wanted: Vec<String> = (1..=calls.len())
            .map(|number| format!("c{number}"))
            .collect();
        assert_eq!(ids, wanted, "{cell}");
    }
    if *exit_code == 0 {
        assert_eq!(ended.finished()["text"], "done", "{cell}");
    } else {
        let error = ended.finished()["error"]["message"].clone();
        assert!(
            error.as_str().is_some_and(|message| message.len() > 20),
            "{cell}"
        );
    }
    (ended, requests.len())
}
