//! `--limits board`: what each part may have, and that all of them together keep below the figure, counted byte by byte.

mod script;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dewclaw_agent_core::{
    Agent, Effect, Event, HttpAnswer, Input, Limits, Operation, OperationAnswer, Outcome, Reason,
    Settings, perform, tools,
};
use dewclaw_platform::{MemoryFileSystem, Now};
use script::{Call, Reply, assert_whole, calls, messages, sse, text};
use serde_json::json;

/// Counts what this thread has allocated and not freed, and the most of it.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static COUNTS: Cell<bool> = const { Cell::new(false) };
}

fn note(more: usize, less: usize) {
    if COUNTS.get() {
        LIVE.set(LIVE.get().saturating_add(more));
        PEAK.set(PEAK.get().max(LIVE.get()));
        LIVE.set(LIVE.get().saturating_sub(less));
    }
}

#[allow(unsafe_code, reason = "an allocator's interface is unsafe")]
// SAFETY: the system's allocator does everything; this only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old place and the new one are there together for a moment.
        note(size, layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs something with its allocations counted.
fn counted<T>(work: impl FnOnce() -> T) -> T {
    COUNTS.set(true);
    let done = work();
    COUNTS.set(false);
    done
}

/// Runs something without.
fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    let before = COUNTS.replace(false);
    let done = work();
    COUNTS.set(before);
    done
}

fn board(stream: bool) -> Settings {
    Settings {
        limits: Limits::Board,
        stream,
        max_steps: 100_000,
        ..script::settings()
    }
}

/// What an agent does with replies that come in the pieces that a driver reads: only the agent's memory is counted, and what
/// it is told.
struct Board {
    agent: Agent,
    files: MemoryFileSystem,
    requests: usize,
    last_request: Vec<u8>,
    notices: Vec<String>,
    results: Vec<String>,
}

const PIECE: usize = 16 * 1024;

impl Board {
    fn new(settings: Settings) -> Board {
        LIVE.set(0);
        PEAK.set(0);
        Board {
            agent: counted(|| Agent::new(settings, &tools::ALL, 1).expect("the settings are fine")),
            files: MemoryFileSystem::default(),
            requests: 0,
            last_request: Vec::new(),
            notices: Vec::new(),
            results: Vec::new(),
        }
    }

    fn file(&mut self, path: &str, content: &[u8]) {
        let operation = dewclaw_agent_core::FileOperation::Replace {
            path: path.into(),
            content: content.to_vec(),
        };
        perform(&mut self.files, &operation);
    }

    fn feed(&mut self, input: Input) {
        let now = Now::default();
        counted(|| self.agent.feed(now, input)).expect("the input fits");
    }

    /// A whole run; `reply` answers the request with this number.
    fn run(&mut self, prompt: &str, reply: &mut dyn FnMut(usize) -> Reply) -> Outcome {
        counted(|| self.agent.prompt(Now::default(), prompt)).expect("nothing else is going on");
        loop {
            let effect = counted(|| self.agent.next());
            match &effect {
                Effect::Event(Event::Notice(text)) => self.notices.push(text.clone()),
                Effect::Event(Event::ToolFinished { result, .. }) => {
                    self.results
                        .push(String::from_utf8_lossy(result).into_owned());
                }
                Effect::CallModel(call) => {
                    let pieces = (0..).map_while(|index| self.agent.body_piece(index));
                    self.last_request = pieces.collect::<Vec<_>>().concat();
                    let Reply {
                        status,
                        headers,
                        pieces,
                        ..
                    } = reply(self.requests);
                    self.requests += 1;
                    let id = call.id;
                    self.feed(Input::ReplyStart {
                        id,
                        status,
                        headers,
                    });
                    let body = pieces.concat();
                    let mut dropped = false;
                    for piece in body.chunks(PIECE) {
                        let bytes = counted(|| piece.to_vec());
                        self.feed(Input::ReplyChunk { id, bytes });
                        // What it shows is taken at once.
                        while !dropped {
                            match counted(|| self.agent.next()) {
                                Effect::Pending | Effect::Wait { .. } => break,
                                Effect::DropReply { .. } => dropped = true,
                                Effect::Finished(outcome) => return outcome,
                                taken => counted(|| drop(taken)),
                            }
                        }
                        if dropped {
                            break;
                        }
                    }
                    if !dropped {
                        self.feed(Input::ReplyEnd { id });
                    }
                }
                Effect::Operate {
                    id,
                    operation: Operation::File(operation),
                } => {
                    let answer =
                        OperationAnswer::File(counted(|| perform(&mut self.files, operation)));
                    self.feed(Input::OperationDone { id: *id, answer });
                }
                Effect::Operate {
                    id,
                    operation: Operation::Http(operation),
                } => {
                    let body = counted(|| vec![0xE9; operation.max_bytes]);
                    let answer = OperationAnswer::Http(HttpAnswer::Reply {
                        status: 200,
                        headers: vec![("content-type".into(), "text/html".into())],
                        body,
                        whole: false,
                    });
                    self.feed(Input::OperationDone { id: *id, answer });
                }
                Effect::Finished(outcome) => {
                    let outcome = outcome.clone();
                    counted(|| drop(effect));
                    return outcome;
                }
                _ => {}
            }
            counted(|| drop(effect));
        }
    }

    /// The most that was allocated at once, which must be below the figure.
    #[track_caller]
    fn peak(&self, what: &str) -> usize {
        let peak = PEAK.get();
        println!("{what}: {peak}");
        assert!(peak <= Limits::BOARD_BYTES, "{what}: {peak}");
        peak
    }
}

fn failure(outcome: &Outcome) -> String {
    match &outcome.reason {
        Reason::Failed(failure) => failure.message.clone(),
        other => panic!("it ended by {other:?}"),
    }
}

#[test]
fn a_conversation_of_300_turns_stays_below_the_figure_and_whole() {
    let mut board = Board::new(board(true));
    board.file("big.txt", "\"quotes\" and lines\n".repeat(5_000).as_bytes());
    for turn in 0..300 {
        let outcome = board.run(&format!("prompt {turn}"), &mut |request| {
            let read = json!({"path": "big.txt", "offset": 1 + request});
            let turn = match request % 5 {
                4 => text("done"),
                _ => calls([Call::new(&format!("c{request}"), "read_file", &read)]),
            };
            turn.reply(true)
        });
        assert_eq!(outcome.reason, Reason::Answered, "turn {turn}");
        let messages = messages(&board.last_request);
        assert_whole(&messages);
        assert!(
            messages
                .iter()
                .any(|message| message["content"] == format!("prompt {turn}"))
        );
        assert!(board.agent.transcript().messages().len() <= Limits::BOARD_BYTES / 4);
    }
    assert!(
        board
            .notices
            .iter()
            .any(|notice| notice.contains("--limits board"))
    );
    board.peak("300 turns");
}

#[test]
fn one_run_of_many_steps_keeps_its_prompt_and_is_told_what_is_gone() {
    let mut board = Board::new(board(true));
    let outcome = board.run("the task", &mut |request| match request {
        200 => text("done").reply(true),
        _ => {
            let write = json!({"path": "a.txt", "content": "\"x\"\n".repeat(1_500), "n": request});
            calls([Call::new(&format!("c{request}"), "write_file", &write)]).reply(true)
        }
    });
    assert_eq!(outcome.reason, Reason::Answered);
    let messages = messages(&board.last_request);
    assert_whole(&messages);
    assert_eq!(messages[1]["content"], "the task");
    assert!(
        messages[2]["content"]
            .as_str()
            .is_some_and(|text| text.starts_with("[Earlier steps"))
    );
    board.peak("200 steps");
}

#[test]
fn hostile_replies_keep_below_the_figure_and_end_as_said() {
    let too_large = "larger than the 20 KiB of --limits board";
    let args = |arguments: &str| {
        sse([
            json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a",
        "function": {"name": "write_file", "arguments": arguments}}]}}]}),
        ])
    };
    let delta = |text: &str| json!({"choices": [{"delta": {"content": text}}]});
    let many = |count: usize| {
        let calls: Vec<_> = (0..count)
            .map(|index| {
                json!({"index": index, "id": format!("c{index}"),
            "function": {"name": "read_file", "arguments": "{}"}})
            })
            .collect();
        calls
            .chunks(50)
            .map(|calls| json!({"choices": [{"delta": {"tool_calls": calls}}]}))
            .collect::<Vec<_>>()
    };
    let small = json!({"choices": [{"delta": {"content": vec![json!({"text": "a"}); 450]}}]});
    let cases: Vec<(&str, Reply, &str)> = vec![
        (
            "5 MB of arguments",
            Reply::stream(args(&"x".repeat(5 << 20))),
            too_large,
        ),
        (
            "10 MB of text",
            Reply::stream(sse((0..10_000).map(|_| delta(&"x".repeat(1_000))))),
            too_large,
        ),
        (
            "a line of 5 MB",
            Reply::stream(["data: ", &"x".repeat(5 << 20)].concat()),
            too_large,
        ),
        (
            "10,000 calls",
            Reply::stream(sse(many(10_000))),
            "more than 128 parts",
        ),
        (
            "deep JSON",
            Reply::stream(["data: ", &"[".repeat(15_000), "\n\n"].concat()),
            "not valid JSON",
        ),
        (
            "deeper JSON",
            Reply::stream(["data: ", &"[".repeat(100_000), "\n\n"].concat()),
            too_large,
        ),
        (
            "an array of arrays",
            Reply::stream(["data: [", &"[[0]],".repeat(3_300), "0]\n\n"].concat()),
            too_large,
        ),
        (
            "an array, whole",
            Reply::json(["[", &"[0],".repeat(5_000), "0]"].concat()),
            too_large,
        ),
        (
            "a whole body of 5 MB",
            Reply::json("x".repeat(5 << 20)),
            too_large,
        ),
        (
            "an error of arrays",
            Reply {
                status: 400,
                ..Reply::json(["[", &"[0],".repeat(5_000), "0]"].concat())
            },
            "400",
        ),
        (
            "a header of 1 MB",
            Reply::stream("").header("content-type", &"x".repeat(1 << 20)),
            "broke off",
        ),
        (
            "many small events",
            Reply::stream("data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".repeat(3_000)),
            "broke off",
        ),
        ("many small parts", Reply::stream(sse([small])), ""),
    ];
    for (what, reply, wanted) in cases {
        let mut board = Board::new(Settings {
            retry_attempts: 1,
            ..board(true)
        });
        let outcome = board.run("hello", &mut |_| reply.clone());
        if wanted.is_empty() {
            assert_eq!(outcome.reason, Reason::Answered, "{what}");
        } else {
            let message = failure(&outcome);
            assert!(message.contains(wanted), "{what}: {message}");
        }
        board.peak(what);
    }
}

#[test]
fn what_tools_need_keeps_below_the_figure() {
    let cases = [
        (
            "128 calls",
            (0..128)
                .map(|at| Call::new(&format!("c{at}"), "nothing", &json!({})))
                .collect::<Vec<_>>(),
        ),
        (
            "a page in latin-1",
            vec![Call::new(
                "a",
                "web_fetch",
                &json!({"url": "http://h.test/"}),
            )],
        ),
        (
            "an edit",
            vec![Call::new(
                "a",
                "edit_file",
                &json!({"path": "a.txt", "old_text": "a", "new_text": "b"}),
            )],
        ),
        (
            "control characters",
            vec![Call::new("a", "read_file", &json!({"path": "bell.txt"}))],
        ),
        (
            "memory",
            vec![Call::new("a", "memory_read", &json!({"query": "a b c"}))],
        ),
        (
            "19,000 bytes written",
            vec![Call::new(
                "a",
                "write_file",
                &json!({"path": "b.txt", "content": "x".repeat(17_000)}),
            )],
        ),
    ];
    for (what, made) in cases {
        let mut settings = board(true);
        settings
            .set(
                "allow_fetch",
                &dewclaw_agent_core::json::parse(b"[\"h.test\"]").expect("JSON"),
            )
            .expect("a host");
        let mut board = Board::new(settings);
        // The history is full before.
        for _ in 0..20 {
            board.run("before", &mut |_| text(&"y".repeat(8_000)).reply(true));
        }
        board.file("a.txt", &b"a".repeat(40_000));
        board.file("bell.txt", &b"\x07".repeat(300_000));
        board.file("memory/MEMORY.md", "a b c d\n\n".repeat(1_800).as_bytes());
        let outcome = board.run("go", &mut |request| match request {
            20 => calls(made.clone()).reply(true),
            _ => text("done").reply(true),
        });
        assert_eq!(outcome.reason, Reason::Answered, "{what}");
        uncounted(|| assert_whole(&messages(&board.last_request)));
        board.peak(what);
    }
}

#[test]
fn a_prompt_fits_or_is_refused() {
    // The message around it is 28 bytes.
    for (letters, fits) in [
        (20 * 1024 - 28, true),
        (20 * 1024 - 27, false),
        (5 << 20, false),
    ] {
        let mut board = Board::new(board(false));
        let outcome = board.run(&"p".repeat(letters), &mut |_| text("ok").reply(false));
        assert_eq!(
            outcome.reason == Reason::Answered,
            fits,
            "{letters}: {outcome:?}"
        );
        assert!(fits || failure(&outcome).contains("put it into a file"));
        assert_eq!(
            board.run("again", &mut |_| text("ok").reply(false)).reason,
            Reason::Answered
        );
    }
}

#[test]
fn a_saved_conversation_of_any_size_goes_on_within_the_limits() {
    let mut board = Board::new(Settings {
        limits: Limits::None,
        ..board(false)
    });
    for turn in 0..30 {
        board.run(&format!("prompt {turn}"), &mut |_| {
            text(&"z".repeat(10_000)).reply(false)
        });
    }
    let saved = board.agent.save();
    let settings = Settings {
        limits: Limits::Board,
        ..self::board(false)
    };
    let restored = Agent::restore(settings, &tools::ALL, Vec::new(), &saved).expect("it fits");
    board.agent = restored;
    board.run("and now", &mut |_| text("ok").reply(false));
    assert_eq!(board.notices.len(), 1, "{:?}", board.notices);
    assert_whole(&messages(&board.last_request));
    assert!(board.last_request.len() < Limits::BOARD_BYTES / 4);
}
