//! Much of everything: a huge result, and many sessions.

use super::{WIRES, answered, config, host_tool, no_faults, script};
use e2e::scripted_model::{Reply, Script};
use e2e::session::{Embedder, Instance};
use serde_json::json;
use std::rc::Rc;

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
