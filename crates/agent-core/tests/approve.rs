//! Approvals: which calls a person is asked about, and what comes of the answer.

mod script;

use dewclaw_agent_core::{
    Approve, Effect, HttpAnswer, Input, Misuse, Settings, Verdict, json::Value as Json,
};
use script::{Call, Driver, calls, lines_of, replay, settings, text};
use serde_json::json;

fn asking(approve: Approve) -> Settings {
    let mut settings = Settings {
        approve,
        ..settings()
    };
    let hosts = Json::String("example.com".into());
    settings.set("allow_fetch", &hosts).expect("a host");
    settings
}

fn turn() -> script::Turn {
    calls([
        Call::new("c1", "read_file", &json!({"path": "a.txt"})),
        Call::new(
            "c2",
            "write_file",
            &json!({"path": "b.txt", "content": "x"}),
        ),
        Call::new("c3", "web_fetch", &json!({"url": "http://example.com/"})),
        Call::new(
            "c4",
            "web_fetch",
            &json!({"url": "http://example.com/", "method": "POST"}),
        ),
        Call::new("c5", "memory_write", &json!({"content": "x"})),
    ])
}

fn run(approve: Approve, verdicts: &[Verdict]) -> Driver {
    let mut driver = Driver::new(asking(approve))
        .file("a.txt", "a")
        .replies([turn().plain(), text("done").plain()]);
    driver.web = |_| HttpAnswer::Failed(dewclaw_platform::HttpError::Connect);
    driver.verdicts = verdicts.to_vec().into();
    driver.run("go");
    driver
}

fn asked(driver: &Driver) -> Vec<&str> {
    let calls = driver.effects.iter().filter_map(|effect| match effect {
        Effect::Approve { call, .. } => Some(call.as_str()),
        _ => None,
    });
    calls.collect()
}

#[test]
fn it_is_asked_about_no_call_about_those_that_write_or_about_all() {
    assert_eq!(asked(&run(Approve::Never, &[])), [""; 0]);
    let mut writes = asked(&run(Approve::Writes, &[])).join(" ");
    assert_eq!(writes, "c4 c2 c5");
    let driver = run(Approve::All, &[]);
    let mut all = asked(&driver);
    all.sort_unstable();
    writes = all.join(" ");
    assert_eq!(writes, "c1 c2 c3 c4 c5");
}

#[test]
fn what_is_refused_does_not_happen_and_the_model_is_told_why() {
    for (verdict, told) in [
        (Verdict::Refused, "the person refused"),
        (Verdict::Unanswered, "nobody to ask"),
    ] {
        let driver = run(Approve::Writes, &[verdict; 3]);
        let results = driver.results();
        assert_eq!(results.len(), 5);
        for (name, ok, result) in &results {
            let writes = name.ends_with("write_file") || name == "memory_write";
            if writes {
                assert!(!ok);
                assert_eq!(result["error"]["kind"], "permission_denied");
                let message = result["error"]["message"].as_str().unwrap();
                assert!(message.contains(told), "{message}");
            }
        }
        // Only the page that nobody had to be asked about was fetched, and only the file was read.
        assert_eq!(driver.fetches().len(), 1);
        assert_eq!(driver.operations().len(), 1);
    }
}

#[test]
fn a_verdict_concerns_one_call() {
    let driver = run(
        Approve::Writes,
        &[Verdict::Refused, Verdict::Approved, Verdict::Refused],
    );
    let ok: Vec<bool> = ["write_file", "memory_write"]
        .iter()
        .map(|name| {
            driver
                .results()
                .iter()
                .any(|(tool, ok, _)| tool == name && *ok)
        })
        .collect();
    assert_eq!(ok, [true, false]);
    assert_eq!(driver.fetches().len(), 1);
}

#[test]
fn nobody_is_asked_about_a_call_that_can_not_run() {
    let turn = calls([
        Call::new("c1", "write_file", &json!({"path": 3})),
        Call::new("c2", "exec_shell", &json!({})),
        Call::new(
            "c3",
            "web_fetch",
            &json!({"url": "http://169.254.169.254/", "method": "POST"}),
        ),
    ]);
    let mut driver =
        Driver::new(asking(Approve::All)).replies([turn.plain(), text("done").plain()]);
    driver.run("go");
    assert_eq!(asked(&driver), [""; 0]);
    assert!(driver.results().iter().all(|(_, ok, _)| !ok));
}

#[test]
fn a_verdict_that_nothing_waits_for_is_a_misuse() {
    let mut driver = Driver::new(asking(Approve::All))
        .file("a.txt", "a")
        .replies([
            calls([Call::new("c1", "read_file", &json!({"path": "a.txt"}))]).plain(),
            text("done").plain(),
        ]);
    let verdict = |call: &str| Input::Verdict {
        call: call.into(),
        verdict: Verdict::Approved,
    };
    let unknown = Err(Misuse::UnknownCall);
    assert_eq!(driver.agent.feed(driver.now, verdict("c1")), unknown);
    driver.agent.prompt(driver.now, "go").expect("idle");
    while !matches!(driver.effects.last(), Some(Effect::Approve { .. })) {
        driver.step();
    }
    // The driver has answered; a second verdict on the same call changes nothing.
    assert_eq!(driver.agent.feed(driver.now, verdict("c1")), unknown);
    assert_eq!(driver.agent.feed(driver.now, verdict("c9")), unknown);
    while driver.step().is_none() {}
    assert!(driver.results()[0].1);
}

#[test]
fn a_run_with_verdicts_replays() {
    let driver = run(
        Approve::All,
        &[Verdict::Approved, Verdict::Refused, Verdict::Unanswered],
    );
    let replayed = replay(&lines_of(&driver.recording)).expect("it replays");
    assert_eq!(replayed.recording, driver.recording);
    assert_eq!(&replayed.transcript, driver.agent.transcript());
}

#[test]
fn cancelling_while_a_person_is_asked_leaves_a_whole_history() {
    let steps = run(Approve::All, &[]).steps;
    for at in 0..steps {
        let mut driver = Driver::new(asking(Approve::All))
            .file("a.txt", "a")
            .replies([turn().plain(), text("done").plain()]);
        driver.web = |_| HttpAnswer::Failed(dewclaw_platform::HttpError::Connect);
        driver.cancel_at = Some(at);
        driver.run("go");
        driver.script = [text("again").plain()].into();
        assert_eq!(driver.run("and now?").text, "again");
        script::assert_whole(&script::messages(
            driver.requests.last().expect("a request"),
        ));
    }
}
