//! Budgets: what ends a run before the model is done, and that it holds.

#![cfg(feature = "budgets")]
#![allow(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod script;

use dewclaw_agent_core::json::Value as Json;
use dewclaw_agent_core::tools::ALL;
use dewclaw_agent_core::{Agent, Effect, Event, Input, Outcome, Reason, Settings};
use dewclaw_platform::{HttpError, Now};
use script::{
    Call, Driver, Reply, Turn, assert_whole, calls, lines_of, messages, replay, settings, text,
};
use serde_json::{Value, json};

/// Settings with these besides.
fn with(budgets: &[(&str, &str)]) -> Settings {
    let mut settings = settings();
    for (name, value) in budgets {
        settings
            .set(name, &Json::String((*value).into()))
            .expect("a setting");
    }
    settings
}

fn budget(text: &str) -> Settings {
    with(&[("budget", text)])
}

/// A reply that lists so many folders, which are others each time.
fn look(number: usize, count: usize) -> Turn {
    let call = |at| {
        Call::new(
            &format!("c{number}_{at}"),
            "list_directory",
            &json!({"path": format!("d{number}_{at}")}),
        )
    };
    calls((0..count).map(call)).usage(100, 20, 40)
}

/// A model that never stops calling tools, but where it must.
fn stubborn() -> impl Iterator<Item = Reply> {
    (1..100).map(|number| {
        let mut turn = look(number, 1);
        turn.text = format!("So far {number}.");
        turn.plain().takes(700)
    })
}

fn notices(driver: &Driver) -> Vec<&str> {
    let notices = driver.events().into_iter().filter_map(|event| match event {
        Event::Notice(text) => Some(text.as_str()),
        _ => None,
    });
    notices.collect()
}

/// How many results were refused for a budget.
fn refused(driver: &Driver) -> usize {
    let results = driver.results();
    let budget = |result: &Value| result["error"]["message"].to_string().contains("budget");
    results.iter().filter(|(_, _, it)| budget(it)).count()
}

/// Drives a run that was begun to its end; `before` is asked before each step.
fn finish(driver: &mut Driver, mut before: impl FnMut(&mut Driver)) -> Outcome {
    loop {
        before(driver);
        if let Some(outcome) = driver.step() {
            return outcome;
        }
    }
}

#[track_caller]
fn assert_wrapped_up(driver: &Driver, outcome: &Outcome) {
    assert_eq!(outcome.reason, Reason::Budget);
    assert_eq!(outcome.reason.exit_code(), 4);
    let last: Value = serde_json::from_slice(driver.requests.last().unwrap()).unwrap();
    assert_eq!(last["tool_choice"], "none");
    let last = messages(driver.requests.last().unwrap());
    assert_whole(&last);
    let told = last.last().unwrap()["content"].to_string();
    assert!(told.contains("The limit of this run is reached"), "{told}");
    assert_whole(&driver.transcript());
}

#[test]
fn each_kind_ends_a_run_that_never_stops() {
    let prices = ("prices", "scripted=2.5/1.25/10");
    for (limit, rounds, said) in [
        ("steps=3", 4, "steps=3,"),
        ("tokens=300", 4, "tokens=360,"),
        // 60 × 2.5 + 40 × 1.25 + 20 × 10 of a million, each round.
        ("cost=0.0008", 3, "cost=0.0008,"),
        ("cost=0.0009", 4, "cost=0.0012,"),
        ("tool_calls=2", 3, "tool_calls=2 "),
        (
            "tokens=1000000,seconds=1000,steps=2,tool_calls=9",
            3,
            "steps=2,",
        ),
    ] {
        let settings = with(&[("budget", limit), prices]);
        let mut driver = Driver::new(settings).replies(stubborn());
        let outcome = driver.run("go");
        assert_wrapped_up(&driver, &outcome);
        assert_eq!(driver.requests.len(), rounds, "{limit}");
        assert_eq!(outcome.text, format!("So far {rounds}."), "{limit}");
        let notices = notices(&driver);
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].contains(said), "{notices:?}");
        assert!(
            notices[0].ends_with(&format!(" of {limit}")) || limit.contains(','),
            "{notices:?}"
        );
    }
}

#[test]
fn a_run_within_its_budget_is_answered() {
    let mut driver = Driver::new(budget("steps=3,tokens=361,tool_calls=3,seconds=3")).replies([
        look(1, 1).plain(),
        look(2, 1).plain(),
        text("done").usage(1, 1, 0).plain(),
    ]);
    assert_eq!(driver.run("go").reason, Reason::Answered);
    // An answer is one, whatever it has used.
    let mut driver =
        Driver::new(budget("tokens=5,steps=1")).replies([text("done").usage(100, 100, 0).plain()]);
    assert_eq!(driver.run("go").reason, Reason::Answered);
}

#[test]
fn calls_past_the_budget_get_an_error_and_are_not_run() {
    for (limit, run) in [("tool_calls=2", 2), ("tokens=100", 0), ("steps=1", 5)] {
        let mut driver =
            Driver::new(budget(limit)).replies([look(1, 5).plain(), text("enough").plain()]);
        let outcome = driver.run("go");
        assert_wrapped_up(&driver, &outcome);
        assert_eq!(driver.operations().len(), run, "{limit}");
        assert_eq!(refused(&driver), 5 - run, "{limit}");
    }
}

/// A run whose first tool call needs approval, which the person takes 2.5 seconds for.
fn with_a_slow_person(limit: &str, wrap_up: Reply) -> (Driver, Outcome) {
    let mut settings = budget(limit);
    settings.approve = dewclaw_agent_core::Approve::All;
    let mut driver = Driver::new(settings).replies([look(1, 2).plain(), wrap_up]);
    driver.agent.prompt(driver.now, "go").unwrap();
    let mut asked = false;
    let outcome = finish(&mut driver, |driver| {
        let started = |event: &&Event| matches!(event, Event::ToolStarted { .. });
        if !asked && driver.events().iter().any(started) {
            asked = true;
            driver.pass(2_500);
        }
    });
    (driver, outcome)
}

#[test]
fn time_that_is_up_between_two_calls_keeps_the_second_from_running() {
    let (driver, outcome) = with_a_slow_person("seconds=2", text("so").plain());
    assert_wrapped_up(&driver, &outcome);
    assert_eq!(outcome.text, "so");
    assert_eq!(refused(&driver), 1);
    assert_eq!(driver.operations().len(), 1);
    let notices = notices(&driver);
    assert!(
        notices[0].contains("seconds=2.5,") && notices[0].ends_with(" of seconds=2"),
        "{notices:?}"
    );
}

#[test]
fn a_reply_that_takes_longer_than_there_is_time_is_dropped() {
    let mut driver = Driver::new(budget("seconds=2")).replies([
        look(1, 1).plain().takes(300),
        text("too late").plain().takes(60_000),
    ]);
    // Some clocks begin with 0.
    driver.now.monotonic_ms = 0;
    let outcome = driver.run("go");
    assert_eq!(outcome.reason, Reason::Budget);
    assert_eq!(driver.now.monotonic_ms, 2_000);
    let dropped = |effect: &Effect| matches!(effect, Effect::DropReply { .. });
    assert!(driver.effects.iter().any(dropped));
    assert_eq!(notices(&driver).len(), 1);
    // What follows has time of its own.
    driver.script.push_back(text("again").plain());
    assert_eq!(driver.run("go on").text, "again");
}

#[test]
fn a_reply_that_never_ends_is_dropped_on_time_whatever_comes() {
    let mut agent = Agent::new(budget("seconds=2"), &ALL, 1).unwrap();
    let mut now = Now {
        monotonic_ms: 5_000,
        wall_ms: 1_795_176_000_000,
    };
    agent.prompt(now, "go").unwrap();
    let Effect::CallModel(call) = agent.next() else {
        panic!("a run begins with a model call");
    };
    let id = call.id;
    let headers = vec![("content-type".into(), "text/event-stream".into())];
    let status = 200;
    let start = Input::ReplyStart {
        id,
        status,
        headers,
    };
    agent.feed(now, start).unwrap();
    let bytes = b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".to_vec();
    // There is always another piece, and never a tick.
    for _ in 0..199 {
        now.monotonic_ms += 10;
        let bytes = bytes.clone();
        agent.feed(now, Input::ReplyChunk { id, bytes }).unwrap();
        assert!(matches!(agent.next(), Effect::Event(Event::Text(_))));
        assert_eq!(agent.next(), Effect::Wait { until_ms: 7_000 });
    }
    now.monotonic_ms += 10;
    agent.feed(now, Input::ReplyChunk { id, bytes }).unwrap();
    let effects: Vec<Effect> = (0..4).map(|_| agent.next()).collect();
    assert!(
        matches!(
            &effects[..],
            [
                Effect::Event(Event::Text(_)),
                Effect::Event(Event::Notice(_)),
                Effect::DropReply { .. },
                Effect::Finished(Outcome {
                    reason: Reason::Budget,
                    ..
                })
            ]
        ),
        "{effects:?}"
    );
}

#[test]
fn nobody_waits_for_a_try_that_there_is_no_time_for() {
    let fails = || Reply::fails(HttpError::Closed).takes(200);
    let mut driver = Driver::new(budget("seconds=1")).replies([fails(), fails(), fails()]);
    let began = driver.now.monotonic_ms;
    let outcome = driver.run("go");
    assert_eq!(outcome.reason, Reason::Budget);
    assert!(driver.now.monotonic_ms - began <= 1_000);
    let notice = notices(&driver)[0];
    assert!(notice.contains("budget of this run"), "{notice}");
    // Not even where the server asks for a longer wait.
    let slow = Reply::error(429, "slow").header("retry-after", "10");
    let mut driver = Driver::new(budget("seconds=5")).replies([slow]);
    let began = driver.now.monotonic_ms;
    assert_eq!(driver.run("go").reason, Reason::Budget);
    assert_eq!(driver.now.monotonic_ms - began, 5_000);
    assert_eq!(driver.requests.len(), 1);
}

#[test]
fn a_wrap_up_past_the_time_has_half_a_minute() {
    for (takes, words) in [(9_000, "late"), (31_000, "")] {
        let wrap_up = text("late").plain().takes(takes);
        let (driver, outcome) = with_a_slow_person("seconds=2", wrap_up);
        assert_eq!(outcome.reason, Reason::Budget, "{takes}");
        assert_eq!(outcome.text, words, "{takes}");
        assert!(driver.now.monotonic_ms - 5_000 <= 32_500, "{takes}");
    }
}

#[test]
fn a_server_that_tells_no_tokens_is_counted_by_bytes() {
    let silent = (1..100).map(|number| {
        Turn {
            usage: None,
            ..look(number, 1)
        }
        .plain()
    });
    let mut driver = Driver::new(budget("tokens=5000")).replies(silent);
    let outcome = driver.run("go");
    assert_wrapped_up(&driver, &outcome);
    let bytes: usize = driver.requests.iter().map(Vec::len).sum();
    assert!((5_000..15_000).contains(&(bytes / 4)), "{bytes}");
}

#[test]
fn money_needs_a_price() {
    for settings in [
        budget("cost=1"),
        with(&[("budget_per_day", "cost=1"), ("prices", "other=1/1/1")]),
    ] {
        let error = Agent::new(settings, &ALL, 1).err().unwrap().to_string();
        assert!(
            error.contains("prices") && error.contains("cost"),
            "{error}"
        );
    }
    let priced = with(&[("budget", "cost=1"), ("prices", "*=1/1/1")]);
    assert!(Agent::new(priced, &ALL, 1).is_ok());
    assert!(Agent::new(budget("tokens=1"), &ALL, 1).is_ok());
}

#[test]
fn a_flag_lifts_no_limit_of_the_file_that_it_does_not_name() {
    let mut settings = with(&[("budget", "tokens=100000,steps=9"), ("budget", "steps=1")]);
    let mut driver = Driver::new(settings.clone()).replies(stubborn());
    driver.run("go");
    assert_eq!(driver.requests.len(), 2);
    let json = String::from_utf8(settings.to_json()).unwrap();
    assert!(
        json.contains(r#""budget":"steps=1,tokens=100000""#),
        "{json}"
    );
    // And 0 lifts one.
    let settings = with(&[("budget", "tokens=1,steps=2"), ("budget", "tokens=0")]);
    let mut driver = Driver::new(settings).replies(stubborn());
    driver.run("go");
    assert_eq!(driver.requests.len(), 3);
}

#[test]
fn a_day_that_is_used_up_ends_a_run_before_its_first_call() {
    for (limit, spent) in [
        ("tokens=1000", "tokens=1000"),
        ("steps=1", "steps=1"),
        ("cost=0.5", "tokens=5,cost=0.75"),
        ("seconds=3", "seconds=3"),
        ("tool_calls=1", "tool_calls=9"),
    ] {
        let settings = with(&[
            ("budget_per_day", limit),
            ("spent_today", spent),
            ("prices", "*=1/1/1"),
        ]);
        let mut driver = Driver::new(settings);
        let outcome = driver.run("go");
        assert_eq!(
            (outcome.reason, outcome.text.as_str()),
            (Reason::Budget, "")
        );
        let notice = notices(&driver)[0];
        for word in ["today", "until 00:00 UTC"] {
            assert!(notice.contains(word), "{notice}");
        }
        assert_eq!(driver.requests.len(), 0);
    }
}

#[test]
fn the_runs_of_a_day_share_its_budget_and_the_next_day_has_another() {
    let settings = with(&[
        ("budget_per_day", "tokens=500"),
        ("spent_today", "tokens=100"),
    ]);
    let answers = (0..9).map(|_| text("yes").usage(150, 50, 0).plain());
    let mut driver = Driver::new(settings).replies(answers);
    assert_eq!(driver.run("one").reason, Reason::Answered);
    assert_eq!(driver.run("two").reason, Reason::Answered);
    assert_eq!(driver.run("three").reason, Reason::Budget);
    // A clock that goes back changes nothing.
    driver.now.wall_ms -= 86_400_000 * 3;
    assert_eq!(driver.run("four").reason, Reason::Budget);
    driver.now.wall_ms += 86_400_000 * 4;
    assert_eq!(driver.run("five").reason, Reason::Answered);
    assert_eq!(driver.requests.len(), 3);
}

#[test]
fn time_between_two_runs_is_nobodys() {
    let settings = with(&[("budget", "seconds=5"), ("budget_per_day", "seconds=5")]);
    let mut driver = Driver::new(settings).replies([text("a").plain(), text("b").plain()]);
    assert_eq!(driver.run("one").reason, Reason::Answered);
    driver.now.monotonic_ms += 1_000_000;
    assert_eq!(driver.run("two").reason, Reason::Answered);
}

#[test]
fn what_is_spent_goes_to_the_log_a_line_for_each_call() {
    let settings = with(&[("budget_per_day", "tokens=100000"), ("prices", "*=1/1/1")]);
    let done = text("done").usage(1, 1, 0).plain();
    let mut driver = Driver::new(settings).replies(stubborn().take(2).chain([done]));
    let began = driver.now;
    driver.agent.prompt(began, "go").unwrap();
    let mut log = driver.agent.take_spent().unwrap();
    assert_eq!(log, "day=20777\n");
    while driver.step().is_none() {
        log.push_str(&driver.agent.take_spent().unwrap_or_default());
    }
    log.push_str(&driver.agent.take_spent().unwrap_or_default());
    assert_eq!(driver.agent.take_spent(), None);
    assert!(log.lines().count() >= 4, "{log}");
    assert_eq!(log.matches("steps=1,tokens=").count(), 3, "{log}");
    let mut settings = Settings::default();
    assert_eq!(settings.read_log(log.as_bytes(), began).unwrap(), "");
    let sum = String::from_utf8(settings.to_json()).unwrap();
    assert!(
        sum.contains("steps=3,tokens=242,cost=0.000242,seconds="),
        "{sum}"
    );
    assert!(sum.contains(",tool_calls=2,day=20777"), "{sum}");
}

#[test]
fn a_replay_ends_where_the_run_did() {
    for budgets in [
        &[("budget", "tokens=300")][..],
        &[("budget", "seconds=2")],
        &[
            ("budget_per_day", "tokens=300"),
            ("spent_today", "tokens=200"),
        ],
        &[("budget_per_day", "steps=1"), ("spent_today", "steps=1")],
        &[("budget", "cost=0.0008"), ("prices", "*=2.5/1.25/10")],
    ] {
        let mut driver = Driver::new(with(budgets)).replies(stubborn());
        assert_eq!(driver.run("go").reason, Reason::Budget);
        let replayed = replay(&lines_of(&driver.recording)).unwrap();
        assert_eq!(replayed.recording, driver.recording, "{budgets:?}");
    }
}

#[test]
fn a_recording_without_budgets_names_none() {
    let mut driver = Driver::new(settings()).replies([text("yes").plain()]);
    driver.run("go");
    let recording = String::from_utf8(driver.recording.clone()).unwrap();
    assert!(!recording.contains("\"budget") && !recording.contains("prices"));
}

/// Saved in the middle and gone on with in another process, with clocks of its own.
#[test]
fn what_a_run_has_spent_is_saved() {
    for limit in ["tokens=300", "steps=3", "tool_calls=3"] {
        let mut driver = Driver::new(budget(limit)).replies(stubborn());
        driver.agent.prompt(driver.now, "go").unwrap();
        let mut saved_at = 0;
        let outcome = finish(&mut driver, |driver| {
            if driver.results().len() > saved_at {
                saved_at = driver.results().len();
                let saved = driver.agent.save();
                let agent = Agent::restore(budget(limit), &ALL, vec![], &saved).unwrap();
                driver.replace_agent(agent);
                driver.now.monotonic_ms += 1_000_000;
            }
        });
        assert!(saved_at > 1, "{limit}");
        assert_eq!(outcome.reason, Reason::Budget, "{limit}");
        assert_eq!(driver.requests.len(), 4, "{limit}");
    }
}

#[test]
fn a_restored_run_does_not_count_its_own_share_of_the_day_twice() {
    let told = |spent| with(&[("budget_per_day", "tokens=400"), ("spent_today", spent)]);
    let mut driver = Driver::new(told("tokens=100")).replies(stubborn());
    driver.agent.prompt(driver.now, "go").unwrap();
    while driver.requests.len() < 2 {
        assert!(driver.step().is_none());
    }
    // 120 of the 220 are its own, and the second request is made again.
    let saved = driver.agent.save();
    let agent = Agent::restore(told("tokens=220"), &ALL, vec![], &saved).unwrap();
    driver.replace_agent(agent);
    let outcome = finish(&mut driver, |_| {});
    assert_eq!(outcome.reason, Reason::Budget);
    assert_eq!(driver.requests.len(), 5);
    let notice = notices(&driver)[0];
    assert!(
        notice.contains("today, until 00:00 UTC, is used up: steps=2,tokens=460,"),
        "{notice}"
    );
}

#[test]
fn no_clock_and_no_amount_breaks_it() {
    let most =
        "tokens=8000000000000,cost=8000000000000,seconds=8000000000000,tool_calls=8000000000000";
    for wall_ms in [0, u64::MAX] {
        let settings = with(&[
            ("budget", most),
            ("budget_per_day", most),
            ("spent_today", most),
            ("prices", "*=1/1/1"),
        ]);
        let mut driver = Driver::new(settings);
        driver.now = Now {
            monotonic_ms: wall_ms,
            wall_ms,
        };
        assert_eq!(driver.run("go").reason, Reason::Budget);
        let mut driver = Driver::new(with(&[("budget", most), ("prices", "*=1/1/1")]));
        driver.script.extend([
            look(1, 3)
                .usage(u64::MAX / 2, u64::MAX / 2, u64::MAX / 2)
                .plain(),
            text("yes").plain(),
        ]);
        driver.now.wall_ms = wall_ms;
        assert_eq!(driver.run("go").reason, Reason::Budget);
    }
}
