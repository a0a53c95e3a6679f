//! What a host may not tell: each is its own error, and changes nothing.

use super::{WIRES, answered, config, host_tool, no_faults, script};
use e2e::scripted_model::{Call, Reply};
use e2e::session::{Embedder, Instance, Session, wit};
use serde_json::json;

/// The error's name, where it says nothing more.
fn name(error: &wit::Error) -> &'static str {
    match error {
        wit::Error::Config(_) => "config",
        wit::Error::Busy => "busy",
        wit::Error::EmptyPrompt => "empty-prompt",
        wit::Error::UnknownRequest => "unknown-request",
        wit::Error::OutOfOrder => "out-of-order",
        wit::Error::UnknownOperation => "unknown-operation",
        wit::Error::WrongAnswer => "wrong-answer",
        wit::Error::UnknownCall => "unknown-call",
        wit::Error::NothingToAdvance => "nothing-to-advance",
        wit::Error::Saved(_) => "saved",
    }
}

#[track_caller]
fn refused(session: &Session, wanted: &str, told: impl FnOnce() -> Result<(), wit::Error>) {
    let before = session.save();
    match told() {
        Ok(()) => panic!("it is no {wanted}"),
        Err(error) => assert_eq!(name(&error), wanted),
    }
    assert!(session.save() == before, "{wanted} changed something");
}

/// What fits at no moment of this test.
#[track_caller]
fn never_fits(session: &Session, now: wit::Moment) {
    refused(session, "nothing-to-advance", || {
        session.advance(0).map(|_| ())
    });
    refused(session, "unknown-request", || {
        session.reply_start(now, 99, 200, &[])
    });
    refused(session, "unknown-request", || {
        session.reply_chunk(now, 99, b"x")
    });
    refused(session, "unknown-request", || session.reply_end(now, 99));
    refused(session, "unknown-request", || {
        session.reply_failed(now, 99, wit::HttpError::Dns)
    });
    refused(session, "unknown-operation", || {
        session.operation_done(now, 99, &wit::Answer::Done)
    });
    for call in ["", "c99"] {
        refused(session, "unknown-call", || {
            session.tool_done(now, call, Ok("x"))
        });
        refused(session, "unknown-call", || {
            session.approve(now, call, wit::Verdict::Approved)
        });
    }
}

fn web_page() -> wit::Answer {
    wit::Answer::Reply(wit::HttpReply {
        status: 200,
        headers: vec![],
        body: vec![],
        whole: true,
    })
}

/// Tells the session wrong things about what it asked for, before the right ones and after them.
fn mislead(host: &mut Embedder, session: &Session, effect: wit::Effect) -> Option<wit::Outcome> {
    let now = host.now;
    match &effect {
        wit::Effect::CallModel(call) => {
            refused(session, "out-of-order", || {
                session.reply_chunk(now, call.id, b"{")
            });
            refused(session, "out-of-order", || session.reply_end(now, call.id));
        }
        wit::Effect::Operate((id, _)) => {
            refused(session, "wrong-answer", || {
                session.operation_done(now, *id, &web_page())
            });
        }
        wit::Effect::RunTool(call) => {
            refused(session, "unknown-call", || {
                session.approve(now, &call.id, wit::Verdict::Approved)
            });
        }
        wit::Effect::Approve(call) => {
            refused(session, "unknown-call", || {
                session.tool_done(now, &call.id, Ok("x"))
            });
        }
        _ => {}
    }
    let outcome = host.answer(session, effect.clone());
    match &effect {
        wit::Effect::CallModel(call) => {
            refused(session, "out-of-order", || {
                session.reply_start(now, call.id, 200, &[])
            });
        }
        wit::Effect::Operate((id, _)) => {
            refused(session, "unknown-operation", || {
                session.operation_done(now, *id, &wit::Answer::Done)
            });
        }
        wit::Effect::RunTool(call) => {
            refused(session, "unknown-call", || {
                session.tool_done(now, &call.id, Ok("x"))
            });
        }
        wit::Effect::Approve(call) => {
            refused(session, "unknown-call", || {
                session.approve(now, &call.id, wit::Verdict::Refused)
            });
        }
        _ => {}
    }
    outcome
}

#[test]
fn every_misuse_is_its_own_error_and_changes_nothing() {
    for wire in WIRES {
        let script = script([
            Reply::calls([
                Call::new("c1", "temperature", json!({"room": "cellar"})),
                Call::new("c2", "read_file", json!({"path": "notes.txt"})),
                Call::new("c3", "door", json!({"room": "cellar"})),
            ]),
            Reply::text("done"),
        ]);
        let mut host = Embedder::new(&script).file("notes.txt", "alpha\n");
        host.tool = Box::new(|_| Ok("4.5".to_owned()));
        host.verdict = Box::new(|_| wit::Verdict::Approved);
        let tools = [host_tool("temperature", false), host_tool("door", true)];
        let session = Instance::start()
            .open(&config(wire, json!({"approve": "writes"})), &tools)
            .expect("the configuration is fine");
        never_fits(&session, host.now);
        refused(&session, "empty-prompt", || session.prompt(host.now, ""));
        let before = session.save();
        session.cancel(host.now);
        assert!(session.save() == before, "there was nothing to cancel");
        session.prompt(host.now, "go").expect("idle");
        let mut last_call = 0;
        let outcome = loop {
            refused(&session, "busy", || session.prompt(host.now, "again"));
            let effect = session.next(host.now);
            never_fits(&session, host.now);
            if let wit::Effect::CallModel(call) = &effect {
                last_call = call.id;
            }
            if let Some(outcome) = mislead(&mut host, &session, effect) {
                break outcome;
            }
        };
        answered(&outcome, "done");
        let ok: Vec<_> = host.results().iter().map(|result| result.1).collect();
        assert_eq!(ok, [true; 3]);
        never_fits(&session, host.now);
        for misuse in [
            session.reply_chunk(host.now, last_call, b"x"),
            session.reply_end(host.now, last_call),
        ] {
            let error = misuse.expect_err("the reply is over");
            assert_eq!(name(&error), "unknown-request");
        }
        no_faults(&script);
    }
}
