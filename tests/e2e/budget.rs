//! Memory, fuel and the boundary against `size-budget.toml`.

use e2e::artifact;
use e2e::conversation;
use e2e::guest::Guest;
use e2e::hello_guest;
use e2e::in_process;
use e2e::measure;
use e2e::page_costs::{self, PAGE_BYTES};
use e2e::scratch::Scratch;
use e2e::scripted_model::Reply;
use e2e::size_budget;
use e2e::wamr_run;
use serde_json::json;

use crate::sessions;

/// Pages of 64 KiB that a fresh instance may have: 192 KiB.
const START_PAGES: usize = 3;

#[test]
fn an_instance_starts_small() {
    for guest in [Guest::dewclaw(), Guest::offline()] {
        let run = in_process::run(&guest.args(["--version"]));
        run.ended.code(0);
        assert!(run.start_pages >= 1, "the control: memory was counted");
        assert!(
            run.start_pages <= START_PAGES,
            "it starts with {} pages",
            run.start_pages
        );
    }
}

#[test]
fn the_demo_ends_small() {
    let work = Scratch::copy_of(&artifact::repository().join("examples/workspace"));
    let state = Scratch::new();
    let recording = artifact::repository().join("examples/recordings/demo.jsonl");
    let recording = std::fs::read(&recording)
        .unwrap_or_else(|error| panic!("{}: {error}", recording.display()));
    state.write("demo.jsonl", recording);
    let before = work.snapshot();
    let guest = Guest::dewclaw().workspace(&work).state(&state);
    let run = in_process::run(&guest.args(["replay", "demo.jsonl", "--tools", "real"]));
    run.ended.code(0);
    assert_ne!(work.snapshot(), before, "files really changed");
    let limit = size_budget::read().demo_end_pages;
    assert!(limit <= 12, "the promise is 12 pages");
    assert!(
        run.end_pages <= limit,
        "it ends with {} pages of {limit}",
        run.end_pages
    );
}

#[test]
fn the_demo_ends_small_in_wamr() {
    let work = Scratch::copy_of(&artifact::repository().join("examples/workspace"));
    let state = Scratch::new();
    let recording = artifact::repository().join("examples/recordings/demo.jsonl");
    state.write(
        "demo.jsonl",
        std::fs::read(recording).expect("the demo is recorded"),
    );
    let before = work.snapshot();
    let guest = Guest::dewclaw().workspace(&work).state(&state);
    let real = ["replay", "demo.jsonl", "--tools", "real"];
    let (ended, demo) = wamr_run::run_counted(&guest.clone().args(real));
    ended.code(0);
    assert_ne!(work.snapshot(), before, "files really changed");
    let limit = size_budget::read().wamr_demo_end_pages;
    assert!(limit <= 12, "the promise is 12 pages");
    assert!(demo.pages <= limit, "{demo:?}, and {limit} pages may be");

    // The process as a whole, against one whose guest prints a line and reads a file: the least of some runs each.
    let notes = Scratch::with(&[("notes.txt", "some notes\n")]);
    let hello = Guest::of(&hello_guest::build_module())
        .without_network()
        .workspace(&notes);
    let least = |guest: &Guest| {
        let peak = |_| {
            let (ended, stats) = wamr_run::run_counted(guest);
            ended.code(0);
            stats.peak_kib
        };
        (0..15).map(peak).min().expect("it ran")
    };
    let (hello, demo) = (least(&hello), least(&guest.args(["replay", "demo.jsonl"])));
    println!("peak resident memory in WAMR: hello {hello} KiB, the demo {demo} KiB");
    assert!(hello > 0, "the control: memory was counted");
    assert!(
        10 * demo <= 16 * hello,
        "the demo takes {demo} KiB and hello {hello}: the promise is 1.6 times as much"
    );
}

#[test]
fn a_turn_costs_a_constant_and_one_copy_of_the_history() {
    let budget = size_budget::read();
    for turns in [10, 100, 1000] {
        let conversation = conversation::hold(turns);
        assert_eq!(conversation.turns.len(), turns);
        for (number, turn) in conversation.turns.iter().enumerate() {
            let history = u64::try_from(turn.history_bytes).expect("a length is a u64");
            let limit = budget.turn_constant + budget.per_history_byte * history;
            assert!(
                turn.fuel <= limit,
                "turn {} of {turns} costs {} fuel with {history} bytes of history; the budget allows {limit}",
                number + 1,
                turn.fuel
            );
        }
    }
}

/// Goes on with a session of so many turns: bytes of its file, fuel and pages of the whole run, and the fuel and the bytes of the
/// request of its turn with a tool call.
fn resumed(turns: usize) -> (u64, u64, usize, u64, u64) {
    let (work, state) = (Scratch::with(&[("a.txt", "one line\n")]), Scratch::new());
    let file = sessions::file_of(turns);
    state.write("sessions/s.jsonl", &file);
    let directly = in_process::Directly::new(|number, _| {
        let reply = match number {
            0 => Reply::call("c1", "read_file", json!({"path": "a.txt"})),
            _ => Reply::text("Read."),
        };
        reply.answer(&json!({"model": "scripted", "stream": false}))
    });
    let guest = Guest::dewclaw()
        .workspace(&work)
        .state(&state)
        .base_url("http://127.0.0.1:9/v1")
        .args([
            "ask",
            "-m",
            "scripted",
            "--no-stream",
            "--session",
            "s",
            "read",
        ]);
    let run = in_process::run_directly(&guest, directly.clone());
    run.ended.code(0).prints("Read.\n");
    let samples = directly.samples();
    let turn = samples[0].fuel_left - samples[1].fuel_left;
    let bytes = |length: usize| u64::try_from(length).expect("a length is a u64");
    let request = bytes(samples[1].request_bytes);
    (bytes(file.len()), run.fuel, run.end_pages, turn, request)
}

#[test]
fn a_session_is_gone_on_with_by_its_bytes_alone() {
    let budget = size_budget::read();
    let (_, least_fuel, least_pages, ..) = resumed(0);
    for turns in [10, 100, 1_000] {
        let (bytes, fuel, pages, turn, history) = resumed(turns);
        let each = (fuel - least_fuel) / bytes;
        println!(
            "{turns} turns, {bytes} bytes: {each} fuel for each, {pages} pages; a turn {turn} fuel of {history} bytes"
        );
        assert!(
            fuel - least_fuel <= budget.resume_per_byte * bytes,
            "{turns} turns: {each} fuel for each of {bytes} bytes"
        );
        let memory = (pages - least_pages) * PAGE_BYTES;
        let most = budget.resume_memory_factor * usize::try_from(bytes).expect("it is small");
        assert!(
            memory <= most.max(PAGE_BYTES),
            "{turns} turns: {memory} bytes of memory"
        );
        let limit = budget.turn_constant + budget.per_history_byte * history;
        assert!(
            turn <= limit,
            "{turns} turns: a turn costs {turn} of {limit}"
        );
    }
}

#[test]
fn the_same_conversation_costs_the_same_fuel() {
    let (one, two) = (conversation::hold(10), conversation::hold(10));
    assert_eq!(one.turns, two.turns);
}

#[test]
fn a_page_costs_by_its_bytes() {
    let budget = size_budget::read();
    assert!(budget.html_memory_factor <= 6, "the promise is 6");
    let empty = page_costs::fetch("");
    for page in page_costs::fetch_all(200) {
        let bytes = u64::try_from(page.bytes).expect("a length is a u64");
        let fuel = budget.html_constant + budget.html_per_byte * bytes;
        assert!(page.fuel <= fuel, "{page:?} may cost {fuel} fuel");
        // Memory comes by the page.
        let grown = page.memory_bytes - empty.memory_bytes;
        let memory = (budget.html_memory_factor * page.bytes).max(PAGE_BYTES);
        assert!(
            grown <= memory,
            "{page:?} may take {memory} bytes more than nothing"
        );
        assert!(page.text_bytes > 0, "{page:?}");
    }
}

#[test]
fn a_session_is_saved_and_restored_in_two_copies_of_its_transcript() {
    let budget = size_budget::read();
    assert!(budget.saved_copies <= 2, "the promise is 2");
    for saved in measure::saved_sessions() {
        assert!(
            saved.copy >= u64::try_from(saved.bytes).expect("a length is a u64"),
            "the control: a copy of a byte costs 1 at least: {saved:?}"
        );
        let besides = budget.saved_constant + budget.saved_per_call * saved.turns;
        let fuel = saved.save + saved.restore;
        let limit = besides + budget.saved_copies * saved.copy;
        assert!(fuel <= limit, "{fuel} of {limit}: {saved:?}");
        // A third copy would be seen.
        if saved.turns == 100 {
            assert!(fuel + saved.copy > limit, "{fuel} of {limit}: {saved:?}");
        }
    }
    let again = || measure::saved_session("openai", 10, 20);
    assert_eq!(again(), again(), "it costs the same each time");
}

#[test]
fn a_call_that_does_nothing_is_cheap() {
    let limit = size_budget::read().boundary_ratio;
    assert!(limit <= 20, "the promise is 20");
    let limit = f64::from(u32::try_from(limit).expect("a ratio is small"));
    let boundary = measure::boundary(50);
    for (call, time) in [("next", boundary.next), ("usage", boundary.usage)] {
        let ratio = boundary.ratio(time);
        assert!(
            ratio <= limit,
            "{call} takes {ratio:.1} empty calls: {boundary:?}"
        );
    }
}

#[test]
fn a_thousand_idle_sessions_and_instances_are_small() {
    let budget = size_budget::read();
    let idle = measure::idle_memory();
    assert!(idle.session_bytes > 0, "the control: memory was counted");
    assert!(
        idle.session_bytes <= budget.idle_session_bytes,
        "{idle:?}, and a session may take {} bytes",
        budget.idle_session_bytes
    );
    assert!(
        idle.instance_pages <= budget.idle_instance_pages,
        "{idle:?}, and an instance may have {} pages",
        budget.idle_instance_pages
    );
}
