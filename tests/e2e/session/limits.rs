//! Much of everything: a huge result, and many sessions.

use super::{WIRES, answered, config, host_tool, no_faults, script};
use e2e::in_process;
use e2e::scripted_model::{Reply, Script};
use e2e::session::{Embedder, Instance, compile, wit};
use serde_json::json;
use std::rc::Rc;

/// Linear memory of an instance that has little: room for a conversation, and for no large result.
const LITTLE: usize = 2 << 20;

#[test]
fn a_trap_ends_its_instance_and_nothing_else_and_what_was_saved_goes_on() {
    let tools = [host_tool("temperature", false)];
    let config = config("openai", json!({}));
    let conversation = || {
        script([
            Reply::text("One."),
            Reply::call("c1", "temperature", json!({"room": "cellar"})),
            Reply::text("Cold."),
        ])
    };
    let component = compile(in_process::engine());
    let (small, neighbour) = (
        Instance::with_memory(&component, LITTLE),
        Instance::of(&component),
    );
    let mut unharmed = Embedder::new(&conversation());
    unharmed.tool = Box::new(|_| Ok("4.5".to_owned()));
    let other = neighbour
        .open(&config, &tools)
        .expect("the configuration is fine");
    answered(&unharmed.run(&other, "first"), "One.");

    let session = small
        .open(&config, &tools)
        .expect("the configuration is fine");
    let mut host = Embedder::new(&conversation());
    answered(&host.run(&session, "first"), "One.");
    session.prompt(host.now, "second").expect("no run goes on");
    let call = loop {
        match session.next(host.now) {
            wit::Effect::RunTool(call) => break call,
            effect => assert!(host.answer(&session, effect).is_none(), "it is not over"),
        }
    };
    let saved = session.save();
    let large = "x".repeat(2 * LITTLE);
    let trap = session.try_tool_done(host.now, &call.id, &large);
    assert!(trap.is_err(), "the result does not fit into the memory");
    let again = session.try_tool_done(host.now, &call.id, "4.5");
    assert!(again.is_err(), "the instance is gone");
    // A session that must not be dropped: its instance can't be entered any more.
    std::mem::forget(session);

    answered(&unharmed.run(&other, "second"), "Cold.");
    let restored = Instance::of(&component)
        .restore(&config, &tools, &saved)
        .expect("it was saved");
    answered(&host.finish(&restored), "Cold.");
    let told = host.requests.last().expect("the model was asked");
    assert!(
        String::from_utf8_lossy(told).contains("interrupted"),
        "the call that had begun is not run again"
    );
}

#[test]
fn a_result_of_fifty_megabytes_is_cut_and_the_session_goes_on() {
    for wire in WIRES {
        let script = script([
            Reply::call("c1", "temperature", json!({"room": "cellar"})),
            Reply::text("Cold."),
            Reply::text("Gone on."),
        ]);
        let mut host = Embedder::new(&script);
        host.tool = Box::new(|_| Ok("\u{e9}".repeat(25_000_000)));
        let session = Instance::start()
            .open(&config(wire, json!({})), &[host_tool("temperature", false)])
            .expect("the configuration is fine");
        answered(&host.run(&session, "go"), "Cold.");
        answered(&host.run(&session, "more"), "Gone on.");
        let request = &host.requests[1];
        assert!(
            request.len() < 100_000,
            "the request has {} bytes",
            request.len()
        );
        assert!(String::from_utf8_lossy(request).contains("bytes cut"));
        assert!(session.save().len() < 100_000);
        no_faults(&script);
    }
}

#[test]
fn a_thousand_sessions_in_one_instance_share_nothing() {
    let instance = Instance::start();
    let mut open: Vec<_> = (0..1_000)
        .map(|number| {
            let wire = WIRES[number % 2];
            let script = Rc::new(Script::new([Reply::text(&format!("answer {number}."))]));
            let host = Embedder::new(&script);
            let session = instance
                .open(&config(wire, json!({})), &[])
                .expect("one more fits");
            session
                .prompt(host.now, &format!("prompt {number}."))
                .expect("no run of its own goes on");
            (script, host, session)
        })
        .collect();
    // All are asked first, and then answered turn by turn.
    let mut over = vec![false; open.len()];
    while over.contains(&false) {
        for (number, (_, host, session)) in open.iter_mut().enumerate().rev() {
            if !over[number]
                && let Some(outcome) = host.step(session)
            {
                answered(&outcome, &format!("answer {number}."));
                over[number] = true;
            }
        }
    }
    for (number, (script, host, _)) in open.iter().enumerate() {
        let asked = String::from_utf8_lossy(&host.requests[0]);
        assert_eq!(asked.matches("prompt ").count(), 1);
        assert!(asked.contains(&format!("prompt {number}.")));
        no_faults(script);
    }
}
