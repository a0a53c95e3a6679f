//! The calls of one turn: everything over the network is in flight together, files keep their order, and results that of the calls.

use e2e::guest::Guest;
use e2e::host::{Host, on_each_host, on_each_host_and_wire};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::web::{Hit, Meeting, Page, Search, Site};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The ids of the calls of [`turn`], in their order.
const IDS: [&str; 7] = ["write", "one", "edit", "search", "two", "read", "three"];

/// Pages that are answered only once all four have been asked for, the last one first.
fn site(meeting: &Meeting) -> Site {
    let page = |text: &str, turn| Page::text(text).at(meeting, turn);
    Site::open([
        ("/one", page("Page one.", 3)),
        ("/two", page("Page two.", 1)),
        ("/three", page("Page three.", 0)),
        (
            "/search",
            Search::finding(Hit::many(3)).searxng().at(meeting, 2),
        ),
    ])
}

/// Seven calls: four over the network, and between them three on one file that only make sense in their order.
fn turn(site: &Site) -> Reply {
    let fetch = |id: &str| Call::new(id, "web_fetch", json!({"url": site.url(&format!("/{id}"))}));
    Reply::calls([
        Call::new(
            "write",
            "write_file",
            json!({"path": "a.txt", "content": "first words\n"}),
        ),
        fetch("one"),
        Call::new(
            "edit",
            "edit_file",
            json!({"path": "a.txt", "old_text": "first", "new_text": "last"}),
        ),
        Call::new("search", "web_search", json!({"query": "valve"})),
        fetch("two"),
        Call::new("read", "read_file", json!({"path": "a.txt"})),
        fetch("three"),
    ])
}

/// Asserts that the results are those of [`turn`], in its order.
#[track_caller]
fn all_came(results: &[(String, Value)]) {
    let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, IDS);
    for (id, result) in results {
        assert!(result.get("error").is_none(), "{id}: {result}");
    }
    for (index, words) in [
        (1, "Page one."),
        (3, "Result 1"),
        (4, "Page two."),
        (5, "last words"),
        (6, "Page three."),
    ] {
        let result = results[index].1.to_string();
        assert!(result.contains(words), "{words}: {result}");
    }
}

fn granted(guest: Guest, site: &Site) -> Guest {
    guest
        .allow_fetch(&site.authority())
        .env("SEARXNG_URL", &site.url(""))
}

#[test]
fn requests_of_a_turn_are_in_flight_together() {
    on_each_host_and_wire(|host, ask| {
        let meeting = Meeting::of(4);
        let (site, work) = (site(&meeting), Scratch::new());
        let model = ScriptedModel::start([turn(&site), Reply::text("All read.")]);
        let guest = granted(ask(&work, &model, "read all"), &site);
        host.run(&guest).code(0).prints("All read.\n");
        all_came(&model.last_request().tool_results());
        assert_eq!(meeting.arrived(), 4);
        assert_eq!(work.read("a.txt"), "last words\n");
    });
}

#[test]
fn each_call_is_started_once_and_finished_once() {
    on_each_host(|host| {
        let meeting = Meeting::of(4);
        let (site, work) = (site(&meeting), Scratch::new());
        let model = ScriptedModel::start([turn(&site), Reply::text("All read.")]);
        let guest = granted(Guest::ask(&work, &model, "read all"), &site);
        let ended = host.run(&guest.args(["--json"]));
        ended.code(0);
        for kind in ["tool-started", "tool-finished"] {
            let events = ended.events_of(kind);
            let mut calls: Vec<_> = events.iter().filter_map(|it| it["call"].as_str()).collect();
            calls.sort_unstable();
            let mut expected = IDS;
            expected.sort_unstable();
            assert_eq!(calls, expected, "{kind}");
        }
    });
}

/// Replays `run.rec` with all servers gone.
fn replay(host: Host, guest: Guest, state: &Scratch) -> String {
    let work = Scratch::new();
    let guest = guest.workspace(&work).state(state);
    let ended = host.run(&guest.args(["replay", "run.rec", "--json"]));
    ended.code(0);
    assert!(work.names().is_empty(), "{:?}", work.names());
    ended.stdout().to_owned()
}

#[test]
fn a_recording_tells_the_same_without_any_server() {
    on_each_host_and_wire(|host, ask| {
        let state = Scratch::new();
        let told = {
            let meeting = Meeting::of(4);
            let (site, work) = (site(&meeting), Scratch::new());
            let model = ScriptedModel::start([turn(&site), Reply::text("All read.")]);
            let guest = granted(ask(&work, &model, "read all"), &site).state(&state);
            let ended = host.run(&guest.args(["--json", "--record", "run.rec"]));
            ended.code(0);
            ended.stdout().to_owned()
        };
        assert_eq!(replay(host, Guest::dewclaw(), &state), told);
        let offline = replay(host, Guest::offline(), &state);
        assert_eq!(offline, told, "in the artifact without a network too");
    });
}

#[test]
fn one_that_never_answers_holds_up_no_other() {
    on_each_host_and_wire(|host, ask| {
        let meeting = Meeting::of(2);
        let site = Site::open([
            ("/silent", Page::silence()),
            ("/stalling", Page::stalling("The beginning")),
            ("/one", Page::text("Page one.").at(&meeting, 1)),
            ("/two", Page::text("Page two.").at(&meeting, 0)),
        ]);
        let settings = json!({"first_byte_timeout_ms": 1000, "between_bytes_timeout_ms": 1000});
        let state = Scratch::with(&[("dewclaw.json", &settings.to_string())]);
        let work = Scratch::new();
        let paths = ["/silent", "/one", "/stalling", "/two"];
        let calls =
            paths.map(|path| Call::new(&path[1..], "web_fetch", json!({"url": site.url(path)})));
        let model = ScriptedModel::start([Reply::calls(calls), Reply::text("Two of four.")]);
        let guest = ask(&work, &model, "read")
            .allow_fetch(&site.authority())
            .state(&state);
        let started = Instant::now();
        host.run(&guest).code(0).prints("Two of four.\n");
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the time limits of the settings reach them"
        );
        let results = model.last_request().tool_results();
        for (id, result) in &results {
            match id.as_str() {
                "silent" | "stalling" => assert_eq!(result["error"]["kind"], "timeout", "{result}"),
                _ => assert_eq!(result["status"], 200, "{id}: {result}"),
            }
        }
        let ids: Vec<_> = results.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, paths.map(|path| &path[1..]));
    });
}

#[test]
fn a_turn_of_many_fetches() {
    on_each_host(|host| {
        let pages =
            (0..60).map(|number| (format!("/{number}"), Page::text(&format!("Page {number}."))));
        let (site, work) = (Site::open(pages), Scratch::new());
        let calls = (0..60).map(|number| {
            let url = site.url(&format!("/{number}"));
            Call::new(&format!("c{number}"), "web_fetch", json!({"url": url}))
        });
        let model = ScriptedModel::start([Reply::calls(calls), Reply::text("All read.")]);
        let guest = Guest::ask(&work, &model, "read").allow_fetch(&site.authority());
        host.run(&guest).code(0).prints("All read.\n");
        for (number, (id, result)) in model.last_request().tool_results().iter().enumerate() {
            assert_eq!(*id, format!("c{number}"));
            assert_eq!(result["body"], format!("Page {number}."), "{result}");
        }
    });
}
