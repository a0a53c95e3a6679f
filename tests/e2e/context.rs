//! The context window: what is sent where it is nearly full, and what is told.
//!
//! A command has one turn, so what becomes of older ones is seen in sessions; `conversations` holds the same on every runtime.

use e2e::guest::Guest;
use e2e::host::{on_each_host, on_each_host_and_wire};
use e2e::in_process::{Library, wit};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::session::{Instance, Native, Runtime, Told, Wamr, wit as session};
use serde_json::json;

/// What servers say of a request that is too long.
const TOO_LONG: &str = "This model's maximum context length is 6000 tokens. However, your messages resulted in 7001 tokens.";

/// A workspace with a file of 1,600 lines, 40,000 bytes.
fn workspace() -> Scratch {
    Scratch::with(&[("big.txt", &"a line of the large file\n".repeat(1_600))])
}

/// Reads lines of the file that no other step reads: about 5,000 bytes.
fn read(step: usize) -> Reply {
    let lines = json!({"path": "big.txt", "offset": step * 200 + 1, "limit": 200});
    Reply::call(&format!("c{step}"), "read_file", lines)
}

fn too_long() -> Reply {
    Reply::error(
        400,
        TOO_LONG,
        "invalid_request_error",
        Some("context_length_exceeded"),
    )
}

#[test]
fn the_oldest_steps_of_a_run_that_nears_the_window_are_left_out() {
    on_each_host_and_wire(|host, ask| {
        let work = workspace();
        let model = ScriptedModel::start((0..8).map(read).chain([Reply::text("Read.")]));
        let guest = ask(&work, &model, "read it all").args(["--context-window", "12000"]);
        let ended = host.run(&guest);
        ended
            .code(0)
            .prints("Read.\n")
            .says(&["context window", "steps of this run were left out"]);
        for request in model.requests() {
            // The model judges that no call is parted from its result.
            assert!(request.http.body.len() < 12_000 * 7 / 2);
            assert!(
                request.json.to_string().contains("read it all"),
                "the prompt is there"
            );
        }
        let last = model.last_request();
        assert_eq!(last.tool_results()[0].0, "c7", "the last step is there");
        assert!(!last.json.to_string().contains("\"c0\""));
    });
}

#[test]
fn a_prompt_larger_than_the_window_is_not_sent() {
    on_each_host_and_wire(|host, ask| {
        let work = Scratch::new();
        let model = ScriptedModel::never_asked();
        let guest = ask(&work, &model, "-").stdin("word ".repeat(10_000)).args([
            "--context-window",
            "8192",
            "--json",
        ]);
        let ended = host.run(&guest);
        ended.code(3);
        let finished = ended.finished();
        assert_eq!(finished["error"]["kind"], "context", "{finished}");
        let message = finished["error"]["message"].to_string();
        for part in ["not sent", "about 1", " 8192", "context_window"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    });
}

#[test]
fn an_overflow_leads_to_one_smaller_request_and_no_third() {
    on_each_host_and_wire(|host, ask| {
        let work = workspace();
        let run = |replies: Vec<Reply>, code: i32, says: &[&str]| {
            let model = ScriptedModel::start(replies);
            host.run(&ask(&work, &model, "go")).code(code).says(says);
            let requests = model.requests();
            assert_eq!(requests.len(), 5);
            assert!(requests[4].http.body.len() < requests[3].http.body.len());
            assert_eq!(
                requests[4].tool_results()[0].0,
                "c2",
                "the last step is there"
            );
        };
        let steps = || vec![read(0), read(1), read(2), too_long()];
        let fits = [steps(), vec![Reply::text("Read.")]].concat();
        run(fits, 0, &["steps of this run were left out"]);
        let never = [steps(), vec![too_long()]].concat();
        run(
            never,
            3,
            &["maximum context length is 6000", "put less into the prompt"],
        );
    });
}

#[test]
fn where_nothing_can_be_left_out_there_is_no_second_request() {
    on_each_host(|host| {
        let work = Scratch::new();
        for reply in [
            too_long(),
            Reply::error(413, "Payload Too Large", "invalid_request_error", None),
        ] {
            let model = ScriptedModel::start([reply]);
            let ended = host.run(&Guest::ask(&work, &model, "hello"));
            ended.code(3).says(&["past the model's context window"]);
        }
    });
}

#[test]
fn a_400_past_80_percent_of_the_window_is_an_overflow() {
    on_each_host(|host| {
        let work = Scratch::new();
        for (window, is_overflow) in [("8500", true), ("85000", false)] {
            let refused = Reply::error(400, "bad request", "invalid_request_error", None);
            let model = ScriptedModel::start([refused]);
            let guest = Guest::ask(&work, &model, "-")
                .stdin("word ".repeat(4_000))
                .args(["--context-window", window, "--json"]);
            let ended = host.run(&guest);
            let kind = ended.code(3).finished()["error"]["kind"].clone();
            assert_eq!(kind == "context", is_overflow, "{window}: {kind}");
        }
    });
}

#[test]
fn a_server_that_cuts_requests_off_is_named() {
    on_each_host_and_wire(|host, ask| {
        let work = Scratch::new();
        let model = ScriptedModel::start([Reply::text("Yes.").usage(1_024, 5)]);
        let guest = ask(&work, &model, "-").stdin("word ".repeat(10_000));
        let ended = host.run(&guest);
        ended
            .code(0)
            .prints("Yes.\n")
            .says(&["1024 tokens", "cut off", "num_ctx"]);
    });
}

#[test]
fn the_settings_can_stand_in_the_file() {
    on_each_host(|host| {
        let work = Scratch::new();
        let wrong = [
            (r#"{"compaction": "forget"}"#, "summary or drop"),
            (r#"{"context_window": "large"}"#, "whole number"),
        ];
        for (file, says) in wrong {
            let (model, state) = (ScriptedModel::never_asked(), Scratch::new());
            state.write("dewclaw.json", file);
            let guest = Guest::ask(&work, &model, "hi").state(&state);
            host.run(&guest).code(2).says(&[says]);
        }
        let (model, state) = (ScriptedModel::never_asked(), Scratch::new());
        state.write(
            "dewclaw.json",
            r#"{"context_window": 300, "compaction": "drop"}"#,
        );
        let guest = Guest::ask(&work, &model, "hi").state(&state);
        host.run(&guest).code(3).says(&["context window is 300"]);
    });
}

fn notices(shown: &[wit::Event]) -> Vec<&str> {
    let notices = shown.iter().filter_map(|event| match event {
        wit::Event::Notice(notice) => Some(notice.as_str()),
        _ => None,
    });
    notices.collect()
}

/// One prompt after the other in a session whose component calls the model; the last answer, and what was shown.
pub(crate) fn converse(
    library: &mut Library,
    prompts: &[String],
) -> (wit::Outcome, Vec<wit::Event>) {
    let (mut last, mut shown) = (None, Vec::new());
    for prompt in prompts {
        library.prompt(prompt).expect("no run goes on");
        match library.go_on(&mut shown) {
            wit::Effect::Finished(outcome) => last = Some(outcome),
            other => panic!("the run should be over: {other:?}"),
        }
    }
    (last.expect("there is a prompt"), shown)
}

#[test]
fn a_component_that_calls_the_model_has_it_sum_up_the_oldest_turns() {
    // As many tokens as the requests have: without counts like these the server would seem to cut them off.
    let answers =
        (0..3).map(|turn| Reply::text(&format!("Answer {turn}.")).usage(1_400 + turn * 1_150, 4));
    let last = [
        Reply::text("They counted.").usage(3_700, 4),
        Reply::text("Four.").usage(1_500, 4),
    ];
    let model = ScriptedModel::start(answers.chain(last));
    let work = Scratch::new();
    let mut library = Library::start(&Guest::dewclaw().workspace(&work));
    let config = wit::Config {
        settings:
            json!({"model": "scripted", "base_url": model.base_url(), "context_window": 8_000})
                .to_string(),
        tools: Some(Vec::new()),
        model: wit::Performer::Component,
        files: wit::Performer::Host,
        web: wit::Performer::Host,
    };
    library
        .open(&config, &[])
        .expect("the configuration is fine");
    let prompts: Vec<String> = (0..4)
        .map(|turn| format!("count {turn} {}", "x ".repeat(2_000)))
        .collect();
    let (outcome, shown) = converse(&mut library, &prompts);
    assert_eq!(outcome.text, "Four.");
    assert_eq!(
        notices(&shown),
        ["to make room in the context window, oldest turns summed up: 3"]
    );
    let texts: String = shown
        .iter()
        .map(|event| match event {
            wit::Event::Text(text) => text.as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(
        texts, "Answer 0.Answer 1.Answer 2.Four.",
        "a summary is not shown"
    );
    let requests = model.requests();
    assert!(
        requests[3]
            .json
            .to_string()
            .contains("Sum up the conversation")
    );
    assert!(requests[4].json.to_string().contains("They counted."));
}

/// Drives a run to its end: each model call gets this reply.
fn finish(
    held: &dyn e2e::session::AnySession,
    now: session::Moment,
    reply: &str,
) -> session::Outcome {
    let body = json!({"choices": [{"message": {"content": reply}, "finish_reason": "stop"}]});
    loop {
        match held.next(now) {
            session::Effect::CallModel(call) => {
                for told in [
                    Told::Start(call.id, 200, Vec::new()),
                    Told::Chunk(call.id, body.to_string().into_bytes()),
                    Told::End(call.id),
                ] {
                    held.tell(now, &told).expect("it fits");
                }
            }
            session::Effect::Show(_) => {}
            session::Effect::Finished(outcome) => return outcome,
            other => panic!("nothing else is asked for: {other:?}"),
        }
    }
}

#[test]
fn a_host_can_have_the_conversation_compacted_on_every_runtime() {
    let runtimes: [Box<dyn Runtime>; 3] = [
        Box::new(Instance::start()),
        Box::new(Wamr::start()),
        Box::new(Native),
    ];
    for runtime in runtimes {
        let config = session::Config {
            settings: json!({"model": "scripted"}).to_string(),
            tools: None,
            model: session::Performer::Host,
            files: session::Performer::Host,
            web: session::Performer::Host,
        };
        let held = runtime
            .open(&config, &[])
            .expect("the configuration is fine");
        let now = session::Moment {
            monotonic_ms: 1_000,
            wall_ms: 1_795_132_800_000,
        };
        held.compact(now).expect("no run goes on");
        assert_eq!(
            finish(held.as_ref(), now, "").text,
            "",
            "there is nothing yet"
        );
        held.prompt(now, &"long ".repeat(100))
            .expect("no run goes on");
        assert_eq!(finish(held.as_ref(), now, "Yes.").text, "Yes.");
        held.compact(now).expect("no run goes on");
        let busy = held.compact(now);
        assert!(
            matches!(busy, Err(session::Error::Busy)),
            "{}: {busy:?}",
            runtime.name()
        );
        let outcome = finish(held.as_ref(), now, "It was long.");
        assert_eq!(
            (outcome.reason.as_str(), outcome.text.as_str()),
            ("answered", "It was long.")
        );
        held.prompt(now, "and now?").expect("no run goes on");
        assert!(matches!(held.next(now), session::Effect::CallModel(_)));
        let body = String::from_utf8_lossy(&held.body()).into_owned();
        assert!(
            body.contains("It was long.") && !body.contains("long long"),
            "{body}"
        );
    }
}
