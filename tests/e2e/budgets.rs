//! Budgets: what a run, and all runs of a day, may use up; and that they hold whatever the model, the files and the clock do.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::process;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The number of the day, as the log has it.
fn today() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH);
    passed.expect("it is later than 1970").as_secs() / 86_400
}

/// A call that reads another line each time.
fn read_line(number: usize) -> Call {
    let arguments = json!({"path": "a.txt", "offset": number, "limit": 1});
    Call::new(&format!("call_{number}"), "read_file", arguments)
}

/// A model that never stops calling tools, and is asked so many times.
fn stubborn(rounds: usize) -> impl Iterator<Item = Reply> {
    (1..=rounds).map(|number| {
        Reply::calls([read_line(number)])
            .saying(&format!("So far {number}."))
            .usage(100, 20)
    })
}

fn workspace() -> Scratch {
    Scratch::with(&[("a.txt", &"line\n".repeat(100))])
}

fn answer() -> Reply {
    Reply::text("Yes.").usage(100, 20)
}

/// A model that is asked once.
fn once() -> ScriptedModel {
    ScriptedModel::start([answer()])
}

#[test]
fn each_kind_ends_a_run_with_a_wrap_up() {
    on_each_host(|host| {
        for (limit, rounds) in [
            ("steps=2", 3),
            ("tokens=240", 3),
            ("tool_calls=3", 4),
            // 100 × 2.5 + 20 × 10 of a million, each round.
            ("cost=0.0009", 3),
        ] {
            let (work, model) = (workspace(), ScriptedModel::start(stubborn(rounds)));
            let guest = Guest::ask(&work, &model, "read")
                .env("DEWCLAW_PRICES", "scripted=2.5/1/10")
                .args(["--budget", limit, "--json"]);
            let ended = host.run(&guest);
            ended.code(4);
            let finished = ended.finished();
            assert_eq!(finished["reason"], "budget", "{limit}");
            assert_eq!(finished["exit_code"], 4);
            assert_eq!(finished["text"], format!("So far {rounds}."), "{limit}");
            assert_eq!(model.requests().len(), rounds, "{limit}");
            assert_eq!(model.last_request().json["tool_choice"], "none");
            let notice = ended.events_of("notice")[0]["text"].to_string();
            let end = format!(" of {limit}\"");
            assert!(
                notice.contains("budget of this run") && notice.ends_with(&end),
                "{notice}"
            );
        }
    });
}

#[test]
fn a_person_is_told_which_budget_was_reached() {
    on_each_host(|host| {
        let (work, model) = (workspace(), ScriptedModel::start(stubborn(3)));
        let guest = Guest::ask(&work, &model, "read").args(["--budget", "tokens=200"]);
        host.run(&guest)
            .code(4)
            .says(&["tokens=240", " of tokens=200", "raise it with --budget"]);
        // And in few words where they want few.
        let model = ScriptedModel::start(stubborn(3));
        let guest = Guest::ask(&work, &model, "read").args(["--budget", "tokens=200", "-q"]);
        host.run(&guest).code(4).says(&["the budget was reached"]);
    });
}

#[test]
fn calls_past_the_budget_are_answered_and_not_run() {
    on_each_host(|host| {
        let work = workspace();
        let write = |number: usize| {
            let path = format!("{number}.txt");
            Call::new(
                &format!("c{number}"),
                "write_file",
                json!({"path": path, "content": "x"}),
            )
        };
        let model = ScriptedModel::start([
            Reply::calls((0..4).map(write)),
            Reply::text("Two are missing."),
        ]);
        let guest = Guest::ask(&work, &model, "write").args(["--budget=tool_calls=2"]);
        host.run(&guest).code(4).prints("Two are missing.\n");
        assert!(work.has("0.txt") && work.has("1.txt"));
        assert!(!work.has("2.txt") && !work.has("3.txt"));
        let last = model.last_request();
        let is_result = |message: &&Value| message["role"] == "tool";
        let results: Vec<&Value> = last.messages().iter().filter(is_result).collect();
        assert_eq!(results.len(), 4, "no call lacks its result");
        for result in &results[2..] {
            assert!(result.to_string().contains("budget"), "{result}");
        }
    });
}

#[test]
fn a_model_that_does_not_answer_is_left_when_time_is_up() {
    on_each_host(|host| {
        let (work, model) = (workspace(), ScriptedModel::start([Reply::silence()]));
        let guest = Guest::ask(&work, &model, "read").args(["--budget", "seconds=0.5", "--json"]);
        let ended = host.run(&guest);
        ended.code(4);
        assert_eq!(ended.finished()["reason"], "budget");
        // A stream that goes quiet, after some of it was shown.
        let stalled = Reply::text("This takes very long.").stall_after(260);
        let model = ScriptedModel::start([stalled]);
        let guest = Guest::ask(&work, &model, "read").args(["--budget", "seconds=0.5"]);
        host.run(&guest).code(4).says(&["of seconds=0.5"]);
    });
}

#[test]
fn no_try_is_waited_for_past_the_time() {
    on_each_host(|host| {
        let busy = Reply::error(429, "busy", "rate_limit", None).header("retry-after", "30");
        let (work, model) = (workspace(), ScriptedModel::start([busy]));
        let guest = Guest::ask(&work, &model, "read").args(["--budget", "seconds=0.5"]);
        host.run(&guest).code(4).says(&["429", "of seconds=0.5"]);
    });
}

#[test]
fn runs_of_a_day_share_its_budget() {
    on_each_host(|host| {
        for (limit, price) in [
            ("tokens=240", ""),
            ("steps=2", ""),
            ("cost=0.0009", "scripted=2.5/1/10"),
        ] {
            let (work, state) = (workspace(), Scratch::new());
            let ask = |model: &ScriptedModel| {
                let mut guest = Guest::ask(&work, model, "read")
                    .state(&state)
                    .args(["--budget-per-day", limit]);
                if !price.is_empty() {
                    guest = guest.env("DEWCLAW_PRICES", price);
                }
                host.run(&guest)
            };
            for runs in 1..=2 {
                ask(&once()).code(0).prints("Yes.\n");
                let log = state.read("budget.log");
                assert_eq!(log.matches("steps=1,").count(), runs, "{log}");
                let day = format!("day={}\n", today());
                assert!(log.contains(&day), "{log}");
            }
            let never = ScriptedModel::never_asked();
            ask(&never)
                .code(4)
                .prints("")
                .says(&["today", "--budget-per-day", "00:00 UTC"]);
            // Without the budget nothing is counted.
            let log = state.read("budget.log");
            let model = once();
            let guest = Guest::ask(&work, &model, "read").state(&state);
            host.run(&guest).code(0);
            assert_eq!(state.read("budget.log"), log);
        }
    });
}

/// Time and tool calls, where a first run leaves little.
#[test]
fn time_and_tool_calls_of_a_day_are_counted_too() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        let run = |limit: &str, model: &ScriptedModel| {
            let guest = Guest::ask(&work, model, "read")
                .state(&state)
                .args(["--budget-per-day", limit]);
            host.run(&guest)
        };
        let model = ScriptedModel::start([Reply::calls([read_line(1), read_line(2)]), answer()]);
        run("tool_calls=3,seconds=1000", &model).code(0);
        let log = state.read("budget.log");
        assert!(
            log.contains("seconds=") && log.contains("tool_calls=2"),
            "{log}"
        );
        let calls = Reply::calls([read_line(3), read_line(4)]);
        let model = ScriptedModel::start([calls, Reply::text("One of two.")]);
        run("tool_calls=3,seconds=1000", &model)
            .code(4)
            .prints("One of two.\n");
        run("seconds=0.000001", &ScriptedModel::never_asked())
            .code(4)
            .says(&["seconds=", "today"]);
    });
}

#[test]
fn each_of_two_runs_at_once_counts() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let model = ScriptedModel::start(
                        (1..6)
                            .map(|number| Reply::calls([read_line(number)]).usage(100, 20))
                            .chain([answer()]),
                    );
                    let guest = Guest::ask(&work, &model, "read")
                        .state(&state)
                        .args(["--budget-per-day", "tokens=1000000"]);
                    host.run(&guest).code(0).prints("Yes.\n");
                });
            }
        });
        let log = state.read("budget.log");
        assert_eq!(log.matches("steps=1,tokens=120,").count(), 12, "{log}");
        let never = ScriptedModel::never_asked();
        let guest = Guest::ask(&work, &never, "read")
            .state(&state)
            .args(["--budget-per-day", "tokens=1440"]);
        host.run(&guest)
            .code(4)
            .says(&["today", "tokens=1440", " of tokens=1440"]);
    });
}

#[test]
fn a_clock_that_went_back_does_not_fill_a_budget_again_and_a_new_day_does() {
    on_each_host(|host| {
        let work = workspace();
        let run = |log: String, model: &ScriptedModel| {
            let state = Scratch::with(&[("budget.log", &log)]);
            let guest = Guest::ask(&work, model, "read")
                .state(&state)
                .args(["--budget-per-day", "tokens=500"]);
            (host.run(&guest), state.read("budget.log"))
        };
        // The clock was ahead when this was spent, by the measure of now.
        let log = format!("steps=1,tokens=500,day={}\n", today() + 3);
        let (ended, after) = run(log.clone(), &ScriptedModel::never_asked());
        ended
            .code(4)
            .says(&["today", "steps=1,tokens=500", " of tokens=500"]);
        assert!(after.starts_with(&log), "{after}");
        let log = format!("steps=1,tokens=500,day={}\n", today() - 1);
        let (ended, after) = run(log, &once());
        ended.code(0);
        assert!(!after.contains("tokens=500"), "{after}");
    });
}

#[test]
fn a_line_that_a_kill_cut_off_is_lost_and_no_other() {
    on_each_host(|host| {
        let work = workspace();
        let day = today();
        let log = format!("tokens=300,day={day}\ntokens=100,day={day}\ntokens=1");
        let state = Scratch::with(&[("budget.log", &log)]);
        let guest = |model: &ScriptedModel| {
            Guest::ask(&work, model, "read")
                .state(&state)
                .args(["--budget-per-day", "tokens=500"])
        };
        let model = once();
        host.run(&guest(&model)).code(0);
        let log = state.read("budget.log");
        assert!(log.starts_with(&format!("tokens=400,day={day}\n")), "{log}");
        let never = ScriptedModel::never_asked();
        host.run(&guest(&never))
            .code(4)
            .says(&["tokens=520", " of tokens=500"]);
    });
}

#[test]
fn a_log_that_is_garbage_is_named_and_left_alone() {
    on_each_host(|host| {
        let work = workspace();
        let good = format!("tokens=1,day={}\n", today());
        for (log, phrase) in [
            ("garbage\n".to_owned(), "a line is damaged"),
            (format!("{good}{{\"day\":1}}\n{good}"), "a line is damaged"),
            (
                format!("{good}{good}tokens=5,version=2,day=20000\n"),
                "a line is damaged",
            ),
            ("\0\u{7f}\n".repeat(10), "a line is damaged"),
            ("x".repeat(10_000_000), "too large"),
            (good.repeat(1_000_000), "too large"),
        ] {
            let state = Scratch::with(&[("budget.log", &log)]);
            let never = ScriptedModel::never_asked();
            let guest = Guest::ask(&work, &never, "read")
                .state(&state)
                .args(["--budget-per-day", "tokens=500"]);
            host.run(&guest)
                .code(1)
                .says(&[phrase, "budget.log", "state folder"]);
            assert!(state.read("budget.log") == log, "{phrase}");
        }
        let state = Scratch::new();
        std::fs::create_dir(state.join("budget.log")).expect("a folder can be made");
        let never = ScriptedModel::never_asked();
        let guest = Guest::ask(&work, &never, "read")
            .state(&state)
            .args(["--budget-per-day", "tokens=500"]);
        host.run(&guest).code(1).says(&["budget.log", "folder"]);
    });
}

#[test]
fn a_budget_of_a_day_that_cannot_be_counted_starts_no_run() {
    let (work, state) = (workspace(), Scratch::new());
    let never = ScriptedModel::never_asked();
    let guest = Guest::ask(&work, &never, "read")
        .read_only_folder(state.path(), "/state")
        .args(["--budget-per-day", "tokens=500"]);
    Host::InProcess
        .run(&guest)
        .code(1)
        .says(&["can't be counted", "budget.log", "read-only"]);
    // A budget of a run needs no state.
    let model = once();
    let guest = Guest::ask(&work, &model, "read")
        .read_only_folder(state.path(), "/state")
        .args(["--budget", "tokens=500"]);
    Host::InProcess.run(&guest).code(0);
}

#[test]
fn a_cloned_repository_sets_no_budget() {
    on_each_host(|host| {
        let settings = json!({
            "budget": "steps=1000000",
            "budget_per_day": "steps=1000000",
            "prices": "scripted=0/0/0",
            "spent_today": "steps=5",
        });
        let work = Scratch::with(&[
            ("a.txt", &"line\n".repeat(100)),
            (".dewclaw/dewclaw.json", &settings.to_string()),
        ]);
        let model = ScriptedModel::start(stubborn(2));
        let guest = Guest::ask(&work, &model, "read").args(["--budget", "steps=1"]);
        host.run(&guest).code(4).says(&[
            "can't set \"budget\"",
            "can't set \"budget_per_day\"",
            "can't set \"prices\"",
            "can't set \"spent_today\"",
        ]);
        assert_eq!(model.requests().len(), 2);
    });
}

#[test]
fn a_file_of_settings_can_set_them_and_a_flag_lifts_none() {
    on_each_host(|host| {
        let settings = json!({
            "budget": "cost=0.0004,steps=9",
            "prices": "other=1/1/1,*=2.5/1.25/10",
        });
        let state = Scratch::with(&[("dewclaw.json", &settings.to_string())]);
        let (work, model) = (workspace(), ScriptedModel::start(stubborn(2)));
        let guest = Guest::ask(&work, &model, "read")
            .state(&state)
            .args(["--budget", "seconds=600"]);
        host.run(&guest)
            .code(4)
            .says(&["cost=0.00045,", "cost=0.0004,seconds=600"]);
    });
}

#[test]
fn what_is_no_budget_is_a_usage_error() {
    on_each_host(|host| {
        let (work, never) = (workspace(), ScriptedModel::never_asked());
        for (arguments, phrases) in [
            (
                &["--budget", "5"][..],
                &["--budget", "budget must be", "tokens="][..],
            ),
            (&["--budget", "tokens=-5"], &["budget must be"]),
            (&["--budget", "money=5"], &["budget must be", "cost"]),
            (&["--budget", "tokens=1e6"], &["budget must be"]),
            (
                &["--budget-per-day", "tokens="],
                &["budget_per_day must be"],
            ),
            (&["--budget", "cost=1"], &["prices must be", "this model"]),
        ] {
            let guest = Guest::ask(&work, &never, "read").args(arguments.iter().copied());
            host.run(&guest).code(2).says(phrases);
        }
        for prices in ["other=1/1/1", "scripted=1/1", "scripted"] {
            let guest = Guest::ask(&work, &never, "read")
                .env("DEWCLAW_PRICES", prices)
                .args(["--budget", "cost=1"]);
            let phrases = &["prices must be", "INPUT/CACHED/OUTPUT", "this model"];
            host.run(&guest).code(2).says(phrases);
        }
    });
}

#[test]
fn a_run_with_a_budget_is_replayed_to_the_same_end() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        let log = format!("tokens=100,day={}\n", today());
        state.write("budget.log", log);
        let model = ScriptedModel::start(stubborn(3));
        let guest = Guest::ask(&work, &model, "read").state(&state).args([
            "--budget-per-day",
            "tokens=300",
            "--record",
            "r.jsonl",
        ]);
        let ended = host.run(&guest);
        ended
            .code(4)
            .says(&["today", "tokens=340", " of tokens=300"]);
        let log = state.read("budget.log");
        let replay = Guest::offline()
            .workspace(&work)
            .state(&state)
            .args(["replay", "r.jsonl"]);
        host.run(&replay).code(4).prints(ended.stdout());
        assert_eq!(state.read("budget.log"), log, "a replay spends nothing");
    });
}

#[test]
fn the_native_command_ends_with_exit_code_4() {
    let run = |work: &Scratch, state: &Scratch, model: &ScriptedModel, arguments: &[&str]| {
        let mut command = crate::native::command(work, state);
        command
            .env("OPENAI_BASE_URL", model.base_url())
            .args(["ask", "--model", "scripted", "read"])
            .args(arguments);
        Ended {
            tells_failures_apart: true,
            ..process::run("dewclaw", &mut command, b"")
        }
    };
    let (work, state) = (workspace(), Scratch::new());
    let model = ScriptedModel::start(stubborn(2));
    run(&work, &state, &model, &["--budget", "steps=1"])
        .code(4)
        .says(&["steps=1,", "the budget was reached"]);
    let day = &["--budget-per-day", "tokens=200"];
    run(&work, &state, &once(), day).code(0);
    run(&work, &state, &once(), day).code(0);
    run(&work, &state, &ScriptedModel::never_asked(), day)
        .code(4)
        .says(&["today", "tokens=240", " of tokens=200"]);
    run(
        &work,
        &state,
        &ScriptedModel::start([Reply::silence()]),
        &["--budget", "seconds=0.5"],
    )
    .code(4);
}
