//! What is larger than a board takes, run in WAMR with 1 MiB of linear memory under `--limits board`, a row each: the limit is
//! named, or the model is told of it and goes on; memory never runs out, and files are whole.
//!
//! The rows of the other files on bad input are run so too, by `on_each_host_and_board`. What each limit is to a byte, the tests
//! of agent-core have.

use e2e::guest::Guest;
use e2e::host::{Ask, Ended, Host};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Received, Reply, ScriptedModel};
use e2e::wamr_run::{MEMORY_OF_A_BOARD, run_with};
use e2e::web::{Hit, Page, Search, Site};
use serde_json::{Value, json};

/// What is said of a reply.
const TOO_LARGE: &str = "the model's reply is larger than the 20 KiB of --limits board";

/// Both wires.
const WIRES: [Wire; 2] = [Wire::Chat, Wire::Messages];

/// A wire, in whose form a reply is made by hand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Chat,
    Messages,
}

/// What the pieces of a stream are of.
#[derive(Clone, Copy, Debug)]
enum Part {
    Text,
    Arguments,
}

impl Wire {
    fn ask(self) -> Ask {
        match self {
            Self::Chat => Guest::ask,
            Self::Messages => Guest::ask_by_messages,
        }
    }

    /// A stream up to the first of its pieces.
    fn opening(self, part: Part) -> String {
        let events = match (self, part) {
            (Self::Chat, Part::Text) => return String::new(),
            (Self::Chat, Part::Arguments) => {
                let call = json!({"index": 0, "id": "a", "type": "function", "function": {"name": "write_file", "arguments": ""}});
                return self.event(&json!({"tool_calls": [call]}));
            }
            (Self::Messages, Part::Text) => json!({"type": "text", "text": ""}),
            (Self::Messages, Part::Arguments) => {
                json!({"type": "tool_use", "id": "a", "name": "write_file", "input": {}})
            }
        };
        let message = json!({"type": "message_start", "message": {"role": "assistant", "content": [], "usage": {}}});
        let block = json!({"type": "content_block_start", "index": 0, "content_block": events});
        format!("data: {message}\n\ndata: {block}\n\n")
    }

    /// One piece of a stream.
    fn piece(self, part: Part, text: &str) -> String {
        self.event(&match (self, part) {
            (Self::Chat, Part::Text) => json!({"content": text}),
            (Self::Chat, Part::Arguments) => {
                json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})
            }
            (Self::Messages, Part::Text) => json!({"type": "text_delta", "text": text}),
            (Self::Messages, Part::Arguments) => {
                json!({"type": "input_json_delta", "partial_json": text})
            }
        })
    }

    fn event(self, delta: &Value) -> String {
        let event = match self {
            Self::Chat => {
                json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
            }
            Self::Messages => json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        };
        format!("data: {event}\n\n")
    }

    /// A reply that is no stream, of this text.
    fn plain(self, text: &str) -> String {
        match self {
            Self::Chat => json!({"choices": [{"message": {"role": "assistant", "content": text}}]}),
            Self::Messages => {
                json!({"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"})
            }
        }
        .to_string()
    }
}

/// A stream of these bytes, in cuts of the size that networks have.
fn stream(bytes: impl AsRef<[u8]>) -> Reply {
    Reply::stream([bytes]).cut_every(60_000)
}

fn json_body(status: u16, bytes: impl AsRef<[u8]>) -> Reply {
    Reply::body(status, "application/json", bytes.as_ref())
}

/// Runs the guest on a board, under `--limits board`; `row` is what its memory is printed beside.
fn run(row: &str, guest: &Guest) -> Ended {
    let guest = guest.clone().env("DEWCLAW_LIMITS", "board");
    let mut ended = run_with(&[MEMORY_OF_A_BOARD, "--stats"], &guest);
    let errors = ended.stderr();
    let (errors, stats) = errors
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", errors.trim_end()));
    println!("{row}: {stats}");
    ended.stderr = errors.as_bytes().to_vec();
    assert!(!ended.stderr().contains("out of memory"), "{row}\n{ended}");
    ended
}

/// A folder with one file, and a state whose settings try a model once.
fn folders() -> (Scratch, Scratch) {
    let state = Scratch::with(&[("dewclaw.json", r#"{"retry_attempts": 1}"#)]);
    (Scratch::with(&[("a.txt", "alpha\n")]), state)
}

/// Asks a model that gives this reply, and returns how it ended; the files are whole.
fn ask(row: &str, wire: Wire, reply: Reply) -> Ended {
    let row = format!("{row}, {wire:?}");
    let (work, state) = folders();
    let files = work.snapshot();
    let model = ScriptedModel::start([reply]);
    let ended = run(&row, &wire.ask()(&work, &model, "hi").state(&state));
    assert_eq!(work.snapshot(), files, "{row}: the workspace is as it was");
    ended
}

/// Has a model call tools over this workspace in one round after another, until it says `Done.`; the requests, of which each but the
/// first has results.
fn rounds(
    row: &str,
    wire: Wire,
    work: &Scratch,
    rounds: impl IntoIterator<Item = Vec<Call>>,
    grant: impl FnOnce(Guest) -> Guest,
) -> (Ended, Vec<Received>) {
    let (_, state) = folders();
    let replies = rounds.into_iter().map(Reply::calls);
    let model = ScriptedModel::start(replies.chain([Reply::text("Done.")]));
    let guest = wire.ask()(work, &model, "the task").state(&state);
    let row = format!("{row}, {wire:?}");
    let ended = run(&row, &grant(guest.args(["--max-steps", "1000"])));
    ended.code(0).prints("Done.\n");
    (ended, model.requests())
}

/// The result of the one call of one round.
fn result_of(row: &str, work: &Scratch, call: Call, grant: impl FnOnce(Guest) -> Guest) -> Value {
    let (_, requests) = rounds(row, Wire::Chat, work, [vec![call]], grant);
    requests[1].tool_result()
}

/// Asserts that a result is an error of this kind that has this phrase.
#[track_caller]
fn refused(result: &Value, kind: &str, phrase: &str) {
    assert_eq!(result["error"]["kind"], kind, "{result}");
    let message = result["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(phrase), "{message}");
}

#[test]
fn replies_that_are_too_large() {
    for wire in WIRES {
        let streamed = |part: Part, piece: &str, times: usize| {
            stream([wire.opening(part), wire.piece(part, piece).repeat(times)].concat())
        };
        let bomb = |times: usize| format!("[{}0]", "[[0]],".repeat(times));
        let rows = [
            (
                "5 MB of arguments",
                streamed(Part::Arguments, &"x".repeat(1_000), 5_000),
            ),
            (
                "10 MB of text",
                streamed(Part::Text, &"x".repeat(1_000), 10_000),
            ),
            (
                "one line of 5 MB",
                streamed(Part::Text, &"x".repeat(5 << 20), 1),
            ),
            (
                "one line, no end",
                stream("data: ".to_owned() + &"x".repeat(5 << 20)),
            ),
            (
                "a comment of 5 MB",
                stream(": ".to_owned() + &"x".repeat(5 << 20)),
            ),
            (
                "arrays in an event",
                stream(format!("data: {}\n\n", bomb(3_300))),
            ),
            (
                "more arrays in an event",
                stream(format!("data: {}\n\n", bomb(100_000))),
            ),
            ("arrays in a plain reply", json_body(200, bomb(3_300))),
            (
                "more arrays in a plain reply",
                json_body(200, bomb(100_000)),
            ),
            (
                "a plain reply of 5 MB",
                json_body(200, wire.plain(&"x".repeat(5 << 20))),
            ),
            (
                "text that takes more as JSON",
                streamed(Part::Text, "\u{1}\u{1}\u{1}\u{1}", 1_000),
            ),
        ];
        for (row, reply) in rows {
            ask(row, wire, reply).code(3).says(&[TOO_LARGE]);
        }
    }
}

#[test]
fn json_that_is_too_deep() {
    for wire in WIRES {
        for (depth, phrase) in [(15_000, "not valid JSON"), (100_000, TOO_LARGE)] {
            let nested = "[".repeat(depth);
            for reply in [
                stream(format!("data: {nested}\n\n")),
                json_body(200, &nested),
            ] {
                let ended = ask(&format!("{depth} deep"), wire, reply);
                // A body that ends within its arrays has broken off, to who reads it to its end.
                let said = ended.stderr();
                assert!(
                    said.contains(phrase) || said.contains("broke off"),
                    "{ended}"
                );
                ended.code(3);
            }
            let error = format!("{{\"error\":{nested}");
            ask(
                &format!("{depth} deep, an error"),
                wire,
                json_body(400, error),
            )
            .code(3)
            .says(&["400"]);
        }
        let deep = stream(
            [
                wire.opening(Part::Arguments),
                wire.piece(Part::Arguments, &"[".repeat(1_000)).repeat(100),
            ]
            .concat(),
        );
        ask("arguments 100,000 deep", wire, deep)
            .code(3)
            .says(&[TOO_LARGE]);

        let (work, _) = folders();
        let call = Call::raw("a", "read_file", &"[".repeat(15_000));
        let made = match wire {
            Wire::Chat => vec![vec![call]],
            // A plain reply of this wire has no room for arguments that are no JSON, and its server streams.
            Wire::Messages => vec![vec![call]],
        };
        let (_, requests) = rounds("arguments 15,000 deep", wire, &work, made, |guest| guest);
        refused(&requests[1].tool_result(), "invalid_arguments", "");
    }
}

#[test]
fn many_small_events_are_an_answer() {
    for wire in WIRES {
        let model = ScriptedModel::start([Reply::text(&"abcde".repeat(3_000))]);
        let (work, state) = folders();
        let row = format!("3,000 small events, {wire:?}");
        run(&row, &wire.ask()(&work, &model, "hi").state(&state))
            .code(0)
            .prints(&format!("{}\n", "abcde".repeat(3_000)));
    }
}

#[test]
fn many_calls_in_one_reply() {
    for wire in WIRES {
        let (work, _) = folders();
        work.write("big.txt", "a line of the large file\n".repeat(10_000));
        let read = |number: usize| {
            Call::new(
                &format!("c{number}"),
                "read_file",
                json!({"path": "big.txt", "offset": number + 1}),
            )
        };
        let all = Reply::calls((0..10_000).map(read));
        ask("10,000 calls", wire, all).code(3).says(&["128 parts"]);

        let (_, requests) = rounds(
            "128 calls",
            wire,
            &work,
            [(0..128).map(read).collect()],
            |guest| guest,
        );
        assert_eq!(requests[1].tool_results().len(), 128);
    }
}

/// What no request is larger than: the history, and the system text and the tools before it.
const REQUEST: usize = (160 + 12) * 1024;

#[track_caller]
fn keeps_its_task(ended: &Ended, requests: &[Received]) {
    ended.says(&["160 KiB of --limits board"]);
    for request in requests {
        assert!(
            request.http.body.len() <= REQUEST,
            "{}",
            request.http.body.len()
        );
        assert!(request.json["messages"].to_string().contains("the task"));
    }
}

#[test]
fn a_hundred_rounds_of_a_large_file() {
    for wire in WIRES {
        let (work, _) = folders();
        work.write("big.txt", "\"quotes\" and \\ and a line\n".repeat(50_000));
        let files = work.snapshot();
        let read = |number: usize| {
            let id = format!("c{number}");
            vec![Call::new(
                &id,
                "read_file",
                json!({"path": "big.txt", "offset": number * 100 + 1}),
            )]
        };
        let (ended, requests) = rounds(
            "100 rounds of read_file",
            wire,
            &work,
            (0..100).map(read),
            |guest| guest,
        );
        keeps_its_task(&ended, &requests);
        assert_eq!(requests.len(), 101);
        assert_eq!(work.snapshot(), files);
    }
}

#[test]
fn forty_rounds_of_pages() {
    for wire in WIRES {
        let (work, _) = folders();
        let paragraph = "<p>A paragraph of \u{e9}t\u{e9}, &amp; <a href=\"/x\">its link</a>.</p>\n";
        let page = |bytes: usize| Page::html(&paragraph.repeat(bytes / paragraph.len()));
        let site = Site::open([("/100k", page(100_000)), ("/2m", page(2_000_000))]);
        let fetch = |number: usize| {
            let path = if number == 20 { "/2m" } else { "/100k" };
            let url = format!("{}?{number}", site.url(path));
            vec![Call::new(
                &format!("c{number}"),
                "web_fetch",
                json!({"url": url}),
            )]
        };
        let (ended, requests) = rounds(
            "40 rounds of web_fetch",
            wire,
            &work,
            (0..40).map(fetch),
            |guest| guest.allow_fetch(&site.authority()),
        );
        keeps_its_task(&ended, &requests);
        for request in &requests[1..] {
            let (_, result) = request.tool_results().pop().expect("there is a result");
            assert_eq!(
                (&result["status"], &result["truncated"]),
                (&json!(200), &json!(true))
            );
            assert!(
                result["body"]
                    .to_string()
                    .contains("A paragraph of \u{e9}t\u{e9}, & ")
            );
        }
        // Several in one reply, which are in flight together elsewhere.
        let five = (50..55).flat_map(fetch).collect();
        let (_, requests) = rounds("5 pages in one round", wire, &work, [five], |guest| {
            guest.allow_fetch(&site.authority())
        });
        assert_eq!(requests[1].tool_results().len(), 5);
    }
}

#[test]
fn answers_of_searches_that_are_too_large() {
    let (work, _) = folders();
    let search = |row: &str, page: Page| {
        let site = Site::open([("/search", page)]);
        let call = Call::new("a", "web_search", json!({"query": "valve"}));
        result_of(row, &work, call, |guest| {
            guest.env("DEWCLAW_SEARCH_URL", &site.url("/search"))
        })
    };
    let large = Hit::new("Valves", "https://valves.example/", &"x".repeat(5 << 20));
    let result = search("a search answer of 5 MB", Search::finding([large]).plain());
    refused(&result, "network", "40 KiB");
    let many = format!("[{}0]", "[[0]],".repeat(6_000));
    let result = search(
        "a search answer of arrays",
        Page::of("application/json", many),
    );
    refused(&result, "network", "");
    let found = search("a search", Search::finding(Hit::many(5)).plain());
    assert_eq!(
        found["results"].as_array().map(Vec::len),
        Some(5),
        "{found}"
    );
}

#[test]
fn headers_of_a_megabyte() {
    let header = "h".repeat(1 << 20);
    for wire in WIRES {
        let reply = Reply::text("Hello.").header("x-large", &header);
        ask("a header of 1 MB", wire, reply)
            .code(3)
            .says(&["dewclaw:"]);
    }
    let (work, _) = folders();
    let site = Site::open([("/", Page::text("Words.").header("x-large", &header))]);
    let call = Call::new("a", "web_fetch", json!({"url": site.url("/")}));
    let result = result_of("a page's header of 1 MB", &work, call, |guest| {
        guest.allow_fetch(&site.authority())
    });
    refused(&result, "too_large", "");
}

#[test]
fn error_bodies_of_five_megabytes() {
    for wire in WIRES {
        let words = json!({"error": {"type": "api_error", "message": "x".repeat(5 << 20)}});
        for (row, kind, body) in [
            ("an error of 5 MB", "application/json", words.to_string()),
            (
                "an error page of 5 MB",
                "text/html",
                "<p>oops</p>\n".repeat(420_000),
            ),
            (
                "an error of arrays",
                "application/json",
                "[[0],".repeat(1 << 20),
            ),
            ("an error of words", "text/plain", "oops ".repeat(1 << 20)),
        ] {
            let ended = ask(row, wire, Reply::body(500, kind, body.as_bytes()));
            ended.code(3).says(&["500"]);
            assert!(ended.stderr.len() < 2_000, "{ended}");
        }
    }
}

#[test]
fn a_file_as_large_as_a_reply_is_written_whole_or_not_at_all() {
    for wire in WIRES {
        let (work, _) = folders();
        for (row, content) in [
            ("write_file of 20,000 bytes", "x".repeat(20_000)),
            ("write_file of 5,000 lines", "\n".repeat(5_000)),
        ] {
            let call = Call::new(
                "a",
                "write_file",
                json!({"path": "b.txt", "content": content}),
            );
            rounds(row, wire, &work, [vec![call]], |guest| guest);
            assert!(work.read("b.txt") == content, "{row}");
        }
        let content = "x".repeat(20_480);
        let call = Call::new(
            "a",
            "write_file",
            json!({"path": "a.txt", "content": content}),
        );
        ask("write_file of 20 KiB", wire, Reply::calls([call]))
            .code(3)
            .says(&[TOO_LARGE]);
    }
}

#[test]
fn a_file_is_edited_up_to_its_limit() {
    let (work, _) = folders();
    let edit = Call::new(
        "a",
        "edit_file",
        json!({"path": "b.txt", "old_text": "alpha", "new_text": "omega"}),
    );
    for (bytes, fits) in [(40 << 10, true), ((40 << 10) + 1, false), (50 << 20, false)] {
        let content = format!("alpha{}", "\n".repeat(bytes - 5));
        work.write("b.txt", &content);
        let row = format!("edit_file of {bytes} bytes");
        let result = result_of(&row, &work, edit.clone(), |guest| guest);
        if fits {
            assert!(result.get("error").is_none(), "{result}");
            assert!(work.read("b.txt") == content.replace("alpha", "omega"));
        } else {
            refused(&result, "too_large", "40");
            assert!(work.read("b.txt") == content, "the file is as it was");
        }
    }
    assert_eq!(work.names().len(), 2, "{:?}", work.names());
}

#[test]
fn a_folder_of_five_thousand_entries_is_listed_in_part() {
    let work = Scratch::new();
    for number in 0..5_000 {
        work.write(&format!("entry-{number:04}"), "");
    }
    let call = Call::new("a", "list_directory", json!({"path": "."}));
    let result = result_of("a folder of 5,000", &work, call, |guest| guest);
    assert_eq!(result["truncated"], true, "{result}");
    let hint = result["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("of 5000 entries"), "{hint}");
    assert_eq!(result["entries"][0]["name"], "entry-0000");
}

#[test]
fn memory_is_read_up_to_its_limit() {
    let work = Scratch::new();
    let words = "a boiler, a valve and a pump.\n\n";
    for (bytes, fits) in [(16 << 10, true), ((16 << 10) + 1, false), (900_000, false)] {
        let mut memory = words.repeat(bytes / words.len() + 1);
        memory.truncate(bytes);
        work.write("memory/MEMORY.md", &memory);
        for arguments in [json!({}), json!({"query": "valve pump a of and boiler"})] {
            let row = format!("memory of {bytes} bytes, {arguments}");
            let call = Call::new("a", "memory_read", arguments);
            let result = result_of(&row, &work, call, |guest| guest);
            if fits {
                assert!(result.to_string().contains("valve"), "{result}");
            } else {
                refused(&result, "too_large", "16");
            }
        }
        let call = Call::new("a", "memory_write", json!({"content": "One more."}));
        let row = format!("memory_write to {bytes} bytes");
        result_of(&row, &work, call, |guest| guest);
        assert!(work.read("memory/MEMORY.md").starts_with(&memory));
    }
}

#[test]
fn prompts_that_are_too_large() {
    for wire in WIRES {
        let (work, state) = folders();
        let model = ScriptedModel::never_asked();
        let prompt = "p".repeat(20 << 10);
        let given = wire.ask()(&work, &model, &prompt).state(&state);
        let read = wire.ask()(&work, &model, "-").state(&state);
        run("a prompt of 20 KiB", &given)
            .code(3)
            .says(&["20 KiB of --limits board"]);
        for bytes in [(20 << 10) + 1, 1 << 20, 5 << 20] {
            let read = read.clone().stdin("p".repeat(bytes));
            run("a prompt on standard input", &read)
                .code(2)
                .says(&["--limits"]);
        }
        assert_eq!(model.connections(), 0);
    }
}

/// Without the flag each has the limits that it has elsewhere, of megabytes.
#[test]
fn without_the_flag_memory_runs_out_and_that_is_said() {
    let text = |part: Part| {
        let piece = Wire::Chat.piece(part, &"x".repeat(1_000));
        stream([Wire::Chat.opening(part), piece.repeat(2_000)].concat())
    };
    for reply in [
        text(Part::Text),
        text(Part::Arguments),
        json_body(200, Wire::Chat.plain(&"x".repeat(2 << 20))),
    ] {
        let (work, state) = folders();
        let files = work.snapshot();
        let model = ScriptedModel::start([reply]);
        let guest = Guest::ask(&work, &model, "hi").state(&state);
        let ended = run_with(&[MEMORY_OF_A_BOARD], &guest);
        assert_ne!(ended.code, Some(0), "{ended}");
        ended.says(&["dewclaw: out of memory", "--limits board"]);
        assert_eq!(work.snapshot(), files);
    }
}

#[test]
fn doctor_says_what_the_limits_are() {
    let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
    let guest = Guest::dewclaw()
        .workspace(&work)
        .model(&model)
        .args(["doctor", "--model", "m"]);
    let row = |ended: &Ended| {
        ended
            .stdout()
            .lines()
            .find(|line| line.starts_with("limits"))
            .map(str::to_owned)
    };
    assert_eq!(row(Host::Wamr.run(&guest).code(0)), None);
    let said = row(Host::Board.run(&guest).code(0)).expect("there is a row");
    for phrase in ["board", "640 KiB", "160 KiB", "20 KiB"] {
        assert!(said.contains(phrase), "{said}");
    }
}
