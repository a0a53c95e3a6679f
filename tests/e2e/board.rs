//! What a board meets: grants that leave something out, servers and disks that fail, JSON that is too deep, a run that is killed. In
//! WAMR, each said by its flag or its cause, and files are whole.

use e2e::guest::Guest;
use e2e::host::{Ended, Host};
use e2e::loopback::{ClosedPort, Exchange, Loopback};
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::small_disk::{self, Made};
use e2e::wamr_run;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the agent is run: with all the memory it asks for, and within a megabyte.
const WAYS: [&[&str]; 2] = [&[], &["--max-memory-pages=16"]];

/// `ask` told that it is within a megabyte, where it is.
fn told(way: &[&str], guest: Guest) -> Guest {
    if way.is_empty() {
        guest
    } else {
        guest.args(["--limits", "board"])
    }
}

/// Settings under which a failure shows at once, and a server that is silent is not waited for.
const IMPATIENT: &str =
    r#"{"retry_attempts": 1, "first_byte_timeout_ms": 300, "between_bytes_timeout_ms": 300}"#;

/// `ask` of this server, which is to fail.
fn ask(url: &str) -> Guest {
    Guest::dewclaw()
        .base_url(url)
        .args(["ask", "hi", "--model", "m"])
}

/// Runs the guest over an empty workspace in each way, and gives what came of it. The workspace stays empty.
fn fails(flags: &[&str], guest: &Guest) -> [Ended; 2] {
    WAYS.map(|way| {
        let (work, state) = (
            Scratch::new(),
            Scratch::with(&[("dewclaw.json", IMPATIENT)]),
        );
        let flags = [flags, way].concat();
        let guest = guest.clone().workspace(&work).state(&state);
        let ended = wamr_run::run_with(&flags, &told(way, guest));
        assert_eq!(ended.stdout(), "", "{ended}");
        assert!(work.names().is_empty(), "{:?}", work.names());
        assert_eq!(state.names(), ["dewclaw.json"]);
        ended
    })
}

#[test]
fn a_name_that_may_not_be_looked_up() {
    for ended in fails(&[], &ask("http://gateway.lan:8080/v1")) {
        ended.code(5).says(&[
            "may not be resolved",
            "--allow-resolve=NAME",
            "http://gateway.lan:8080/v1",
        ]);
    }
    // The control: the same run with a name that may.
    let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
    let port = model.authority().split(':').next_back().map(str::to_owned);
    let url = format!("http://localhost:{}/v1", port.unwrap_or_default());
    Host::Wamr
        .run(&ask(&url).workspace(&work))
        .code(0)
        .prints("ok\n");
}

#[test]
fn an_address_outside_the_pool() {
    for pool in [
        &[][..],
        &["--addr-pool=10.0.0.0/8"],
        &["--addr-pool=::1/128"],
    ] {
        let model = ScriptedModel::never_asked();
        for ended in fails(pool, &ask(&model.base_url()).without_network()) {
            ended.code(5).says(&[
                "may not be connected to",
                "--addr-pool=ADDRESS/32",
                &model.base_url(),
            ]);
        }
        assert_eq!(model.connections(), 0);
    }
    let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
    let guest = ask(&model.base_url()).without_network().workspace(&work);
    wamr_run::run_with(&["--addr-pool=10.0.0.0/8,127.0.0.1/32"], &guest)
        .code(0)
        .prints("ok\n");
}

#[test]
fn a_port_where_nothing_listens() {
    let closed = ClosedPort::new();
    for ended in fails(&[], &ask(&closed.url())) {
        ended
            .code(3)
            .says(&["nothing listens there", &closed.url()]);
    }
}

#[test]
fn an_address_of_https() {
    let server = Loopback::serve(|_, exchange| exchange.reply(200, &[], b""));
    let url = server.url().replace("http:", "https:");
    for ended in fails(&[], &ask(&url)) {
        ended
            .code(3)
            .says(&["no TLS", "gateway on the local network", "Ollama", &url]);
    }
    // Where nothing is set, the address is the public service's.
    let guest = Guest::dewclaw().env("OPENAI_API_KEY", "sk-1");
    for ended in fails(&[], &guest.args(["ask", "hi", "--model", "m"])) {
        ended
            .code(3)
            .says(&["gateway on the local network", "https://api.openai.com"])
            .keeps("sk-1");
    }
    assert_eq!(server.connections(), 0);
}

/// A server that answers every request in this way.
fn server(answer: fn(&mut Exchange)) -> Loopback {
    Loopback::serve(move |_, exchange| answer(exchange))
}

/// A whole answer, not streamed.
const ANSWER: &[u8] =
    br#"{"choices":[{"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}"#;

#[test]
fn servers_that_do_not_answer_as_they_should() {
    type Row = (&'static str, fn(&mut Exchange), &'static str);
    let rows: [Row; 9] = [
        (
            "stalls at once",
            |exchange| exchange.stall(),
            "timed out waiting for the server to answer",
        ),
        (
            "stalls in the head",
            |exchange| {
                exchange.raw(b"HTTP/1.1 200 OK\r\ncontent-");
                exchange.stall();
            },
            "timed out waiting for the server to answer",
        ),
        (
            "stalls in the body",
            |exchange| {
                exchange.sized(200, &[], ANSWER.len());
                exchange.raw(&ANSWER[..20]);
                exchange.stall();
            },
            "the server stopped sending",
        ),
        (
            "closes without a word",
            |exchange| exchange.close(),
            "the connection closed before the answer was complete",
        ),
        (
            "closes midway",
            |exchange| {
                exchange.sized(200, &[], ANSWER.len());
                exchange.raw(&ANSWER[..20]);
                exchange.close();
            },
            "the connection closed before the answer was complete",
        ),
        (
            "says it is longer than it is",
            |exchange| {
                exchange.sized(200, &[], ANSWER.len() + 9);
                exchange.raw(ANSWER);
                exchange.close();
            },
            "the connection closed before the answer was complete",
        ),
        (
            "says it is shorter than it is",
            |exchange| {
                exchange.sized(200, &[], ANSWER.len() - 9);
                exchange.raw(ANSWER);
                exchange.close();
            },
            "broke off before its end",
        ),
        (
            "has two lengths",
            |exchange| {
                exchange.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 90\r\n\r\n");
                exchange.raw(ANSWER);
                exchange.close();
            },
            "not valid HTTP",
        ),
        (
            "is no web server",
            |exchange| {
                exchange.raw(b"SSH-2.0-OpenSSH_9.9\r\n");
                exchange.close();
            },
            "not valid HTTP",
        ),
    ];
    for (what, answer, says) in rows {
        let server = server(answer);
        for ended in fails(&[], &ask(&server.url())) {
            println!("{what}: {}", ended.stderr().trim());
            ended.code(3).says(&[says]);
        }
        assert!(server.connections() >= 2, "{what}");
    }
}

#[test]
fn servers_that_answer_in_their_own_way() {
    type Row = (&'static str, fn(&mut Exchange));
    let rows: [Row; 4] = [
        ("HTTP/1.0 to its end", |exchange| {
            exchange.raw(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n");
            exchange.raw(ANSWER);
            exchange.close();
        }),
        ("HTTP/1.0 with a length, and no phrase", |exchange| {
            exchange.raw(
                format!("HTTP/1.0 200 \r\ncontent-length: {}\r\n\r\n", ANSWER.len()).as_bytes(),
            );
            exchange.raw(ANSWER);
            exchange.close();
        }),
        ("a byte at a time", |exchange| {
            exchange.raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            for byte in ANSWER {
                exchange.chunk(&[*byte]);
            }
            exchange.last_chunk();
        }),
        ("after a 100", |exchange| {
            exchange.raw(b"HTTP/1.1 100 Continue\r\n\r\n");
            exchange.reply(200, &[], ANSWER);
        }),
    ];
    for (what, answer) in rows {
        for way in WAYS {
            let (work, server) = (Scratch::new(), server(answer));
            let guest = ask(&server.url()).workspace(&work).args(["--no-stream"]);
            let ended = wamr_run::run_with(way, &told(way, guest));
            println!("{what}: {ended}");
            ended.code(0).prints("ok\n");
        }
    }
}

/// A JSON value of this depth.
fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Depths around what the agent reads, and one that no stack holds.
const DEPTHS: [usize; 5] = [100, 127, 128, 129, 100_000];

#[test]
fn a_reply_too_deep() {
    for depth in DEPTHS {
        let body = format!(
            r#"{{"extra":{},"choices":[{{"message":{{"content":"ok"}},"finish_reason":"stop"}}]}}"#,
            nested(depth)
        );
        let deep = |host: Host, ways: &[&[&str]]| -> Vec<(Option<i32>, String, String)> {
            let run = |way: &&[&str]| {
                let (work, model) = (
                    Scratch::new(),
                    ScriptedModel::repeat(Reply::body(200, "application/json", body.as_bytes())),
                );
                let guest = Guest::ask(&work, &model, "hi").args(["--no-stream"]);
                let ended = match host {
                    Host::Wamr => wamr_run::run_with(way, &guest),
                    _ => host.run(&guest),
                };
                let told = ended.stderr().replace(&model.base_url(), "URL");
                (ended.code, ended.stdout().to_owned(), told)
            };
            ways.iter().map(run).collect()
        };
        let elsewhere = deep(Host::InProcess, &[&[]]);
        for here in deep(Host::Wamr, &WAYS) {
            assert_eq!(here, elsewhere[0], "{depth} deep");
        }
        let expected = if depth == 100 {
            Some(0)
        } else {
            elsewhere[0].0
        };
        assert_eq!(elsewhere[0].0, expected);
        if depth == 100_000 {
            assert_eq!(elsewhere[0].0, Some(3));
        }
    }
}

/// A run that had not memory enough: it says so, WAMR says that it stopped, and nothing else is printed.
#[track_caller]
fn ran_out_of_memory(ended: &Ended) {
    assert_eq!(ended.code, Some(1), "{ended}");
    ended.says(&["dewclaw: out of memory: grant more linear memory"]);
    assert_eq!(ended.stdout(), "Exception: unreachable\n", "{ended}");
}

#[test]
fn arguments_too_deep() {
    for depth in DEPTHS {
        let work = Scratch::with(&[("a.txt", "alpha\n")]);
        let arguments = format!(r#"{{"path":"a.txt","extra":{}}}"#, nested(depth));
        let call = Reply::calls([Call::raw("c1", "read_file", &arguments)]);
        let ask = |model: &ScriptedModel| Guest::ask(&work, model, "read").args(["--no-stream"]);
        for way in WAYS {
            if depth == 100_000 && !way.is_empty() {
                // A call of 200 KB, with what is made of it, is more than a megabyte has room for.
                let model = ScriptedModel::repeat(call.clone());
                ran_out_of_memory(&wamr_run::run_with(way, &ask(&model)));
                continue;
            }
            let model = ScriptedModel::start([call.clone(), Reply::text("So be it.")]);
            wamr_run::run_with(way, &ask(&model))
                .code(0)
                .prints("So be it.\n");
            let result = model.last_request().tool_result();
            assert_eq!(
                result["error"]["kind"], "invalid_arguments",
                "{depth} deep: {result}"
            );

            let guest = Guest::dewclaw().workspace(&work).stdin(arguments.clone());
            let ended = wamr_run::run_with(way, &guest.args(["tool", "read_file", "-"]));
            ended.code(2);
            assert_eq!(ended.json()["error"]["kind"], "invalid_arguments");
        }
        assert_eq!(work.read("a.txt"), "alpha\n");
    }
}

#[test]
fn a_recording_too_deep() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::start([Reply::text("ok")]);
    let guest = Guest::ask(&work, &model, "hi").state(&state);
    Host::Wamr.run(&guest.args(["--record", "a.rec"])).code(0);
    let whole = state.read("a.rec");
    let replay = Guest::dewclaw().state(&state).args(["replay", "a.rec"]);
    Host::Wamr.run(&replay).code(0).prints("ok\n");
    for line in 0..whole.lines().count() {
        for way in WAYS {
            let deep: Vec<_> = whole
                .lines()
                .enumerate()
                .map(|(number, text)| match text.strip_prefix('{') {
                    Some(rest) if number == line => {
                        format!("{{\"deep\":{},{rest}", nested(100_000))
                    }
                    _ => text.to_owned(),
                })
                .collect();
            state.write("a.rec", deep.join("\n") + "\n");
            let ended = wamr_run::run_with(way, &replay);
            ended.code(1).says(&["a.rec"]);
        }
    }
}

#[test]
fn a_full_disk() {
    let half = "x".repeat(small_disk::ROOM / 2 + 4096);
    let (work, state) = (Scratch::with(&[("a.txt", &half)]), Scratch::new());
    let longer = match small_disk::how() {
        Made::ByMount => "y".repeat(small_disk::ROOM / 2 + 8192),
        Made::ByLimit => "y".repeat(small_disk::ROOM + 4096),
    };
    let model = ScriptedModel::start([
        Reply::call(
            "c",
            "write_file",
            json!({"path": "a.txt", "content": longer}),
        ),
        Reply::text("There is no room."),
    ]);
    let guest = Guest::ask(&work, &model, "write").state(&state);
    let (ended, made, after) = small_disk::run(Host::Wamr, &guest, &work);
    ended.code(0).prints("There is no room.\n");
    let result = model.last_request().tool_result();
    let cause = match made {
        Made::ByMount => "no space",
        Made::ByLimit => "too large",
    };
    let message = result["error"]["message"].to_string();
    assert!(message.contains(cause), "{result}");
    assert_eq!(
        after.snapshot(),
        work.snapshot(),
        "the old file is whole, and nothing half-written lies beside it"
    );
}

/// The bytes of the files that are being written beside others.
fn half_written(folder: &Path) -> Option<u64> {
    let entries = std::fs::read_dir(folder).expect("a folder can be listed");
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
        .find_map(|entry| Some(entry.metadata().ok()?.len()))
}

#[test]
fn killed_in_the_middle_of_a_write() {
    let (old, new) = ("old\n".repeat(100_000), "new\n".repeat(200_000));
    let mut interrupted = 0;
    for _ in 0..20 {
        let work = Scratch::with(&[("a.txt", &old)]);
        let write = json!({"path": "a.txt", "content": new});
        let model = ScriptedModel::repeat(Reply::call("c", "write_file", write));
        let guest = Guest::ask(&work, &model, "write").args(["--no-stream"]);
        let mut child = process::start_silent(&mut wamr_run::command(&guest));
        let until = Instant::now() + PATIENCE;
        // As soon as the new file is seen beside the old one, or has taken its place.
        while half_written(work.path()).is_none() && model.requests().len() < 2 {
            assert!(Instant::now() < until, "nothing was written");
            std::thread::yield_now();
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it can be waited for");
        let now = work.read("a.txt");
        assert!(now == old || now == new, "a.txt has {} bytes", now.len());
        interrupted += usize::from(now == old);

        // What a killed run left is in nobody's way.
        let again = json!({"path": "a.txt", "content": "again\n"});
        Host::Wamr
            .run(&Guest::tool(&work, "write_file", &again))
            .code(0);
        assert_eq!(work.read("a.txt"), "again\n");
    }
    println!("{interrupted} of 20 runs were killed before the new file took the old one's place");
    assert!(interrupted > 0, "no run was killed in the middle");
}

#[test]
fn killed_while_recording() {
    let (work, state) = (Scratch::with(&[("a.txt", "alpha\n")]), Scratch::new());
    let content = "so long a text ".repeat(10_000);
    let model = ScriptedModel::start([
        Reply::call(
            "c",
            "write_file",
            json!({"path": "b.txt", "content": content}),
        ),
        Reply::text(&content).stall_after(100_000),
    ]);
    let guest = Guest::ask(&work, &model, "write").state(&state);
    let mut child = process::start_silent(&mut wamr_run::command(&guest.args([
        "--no-stream",
        "--record",
        "run.rec",
    ])));
    model.wait_for(2, PATIENCE);
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
    assert_eq!(work.names(), ["a.txt", "b.txt"]);
    assert_eq!(work.read("b.txt"), content);
    // A recording grows by the piece: what is there is its beginning.
    let recording = state.read("run.rec");
    let (whole, _) = recording.rsplit_once('\n').expect("there is a line");
    for line in whole.lines() {
        serde_json::from_str::<Value>(line).expect("each line is JSON");
    }
    assert!(whole.contains(&content), "what ran is recorded");
    let replay = Guest::dewclaw().state(&state).args(["replay", "run.rec"]);
    Host::Wamr.run(&replay).code(1).says(&["run.rec"]);
}

#[test]
fn memory_that_runs_out_is_said_and_files_are_whole() {
    let work = Scratch::with(&[("a.txt", "whole\n")]);
    let content = "x".repeat(600_000);
    let guest = Guest::dewclaw()
        .workspace(&work)
        .args(["tool", "write_file", "-"])
        .stdin(json!({"path": "a.txt", "content": content}).to_string());
    let ended = wamr_run::run_with(&["--max-memory-pages=16"], &guest);
    assert_eq!(ended.code, Some(1), "{ended}");
    ended.says(&["out of memory", "grant more linear memory"]);
    assert_eq!(
        ended.stdout(),
        "Exception: unreachable\n",
        "WAMR's own word"
    );
    assert_eq!(work.names(), ["a.txt"]);
    assert_eq!(work.read("a.txt"), "whole\n");
    // The control: memory is all that it lacked.
    Host::Wamr.run(&guest).code(0);
    assert_eq!(work.read("a.txt"), content);
}

#[test]
fn a_pipe_that_closes_ends_the_run() {
    let (work, model) = (
        Scratch::new(),
        ScriptedModel::start([Reply::text(&"many words ".repeat(20_000))]),
    );
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "\"$@\" | head -c 5", "sh"])
        .arg(e2e::artifact::wamr_runner());
    command.args(wamr_run::arguments(&Guest::ask(&work, &model, "talk")));
    let ended = process::run("WAMR | head", &mut command, b"");
    ended.code(0).prints("many ");
    assert_eq!(ended.stderr(), "");
}

#[test]
fn text_is_shown_while_the_model_still_writes() {
    let work = Scratch::new();
    let model =
        ScriptedModel::start([Reply::text("Once upon a time there was a model").stall_after(2000)]);
    let mut command = wamr_run::command(&Guest::ask(&work, &model, "a story"));
    let shown = process::output_until(&mut command, "Once");
    assert!(shown.starts_with("Once"), "{shown}");
}

#[test]
fn a_folder_is_the_workspace_by_its_own_name() {
    let work = Scratch::new();
    let mut command = std::process::Command::new(e2e::artifact::wamr_runner());
    command
        .arg(format!("--dir={}", work.path().display()))
        .arg(e2e::artifact::dewclaw_wamr())
        .args(["tool", "write_file", r#"{"path":"a.txt","content":"x"}"#]);
    process::run("WAMR", &mut command, b"").code(0);
    assert_eq!(work.read("a.txt"), "x");

    let mut command = std::process::Command::new(e2e::artifact::wamr_runner());
    command
        .current_dir(work.path())
        .arg("--dir=.")
        .arg(e2e::artifact::dewclaw_wamr())
        .args(["tool", "read_file", r#"{"path":"a.txt"}"#]);
    process::run("WAMR", &mut command, b"").code(0);
}
