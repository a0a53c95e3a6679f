//! Saving and restoring: at every step, on another engine, and from bytes that were damaged.

use super::{WIRES, answered, config, host_tool, model_by_content};
use e2e::measure::{reading_config, reading_host};
use e2e::session::{Embedder, Instance, Session, wit};
use serde_json::json;

fn settings(wire: &str) -> wit::Config {
    config(wire, json!({"approve": "writes"}))
}

fn open(instance: &Instance, wire: &str) -> Session {
    let opened = instance.open(&settings(wire), &[host_tool("temperature", false)]);
    opened.expect("the configuration is fine")
}

fn restore(instance: &Instance, wire: &str, saved: &[u8]) -> Result<Session, wit::Error> {
    instance.restore(&settings(wire), &[host_tool("temperature", false)], saved)
}

/// How often the host's tool was asked to run.
fn runs(host: &Embedder) -> usize {
    let runs = |effect: &&wit::Effect| matches!(effect, wit::Effect::RunTool(_));
    host.effects.iter().filter(runs).count()
}

#[test]
fn saved_at_any_step_it_goes_on_in_another_engine() {
    let (here, there) = (Instance::start(), Instance::elsewhere());
    for wire in WIRES {
        let (_, mut whole) = model_by_content();
        answered(&whole.run(&open(&here, wire), "go"), "done");
        for at in 0..whole.effects.len() {
            let (_, mut before) = model_by_content();
            let session = open(&here, wire);
            session.prompt(before.now, "go").expect("idle");
            for _ in 0..at {
                assert!(before.step(&session).is_none());
            }
            let saved = session.save();
            drop(session);
            let session = restore(&there, wire, &saved).expect("it was saved");
            let (faults, mut after) = model_by_content();
            after.files = before.files.clone();
            after.now.monotonic_ms = 5;
            answered(&after.finish(&session), "done");
            answered(&after.run(&session, "go on"), "Gone on.");
            assert_eq!(*faults.borrow(), [""; 0], "saved after {at} steps");
            assert!(
                runs(&before) + runs(&after) <= 1,
                "saved after {at} steps, a call ran twice"
            );
        }
    }
}

#[test]
fn between_runs_the_next_request_is_the_same_in_every_byte() {
    for wire in WIRES {
        let (_, mut host) = model_by_content();
        let session = open(&Instance::start(), wire);
        answered(&host.run(&session, "go"), "done");
        let saved = session.save();
        let restored = restore(&Instance::elsewhere(), wire, &saved).expect("it was saved");
        assert!(restored.save() == saved, "saved again it is the same");
        for session in [session, restored] {
            answered(&host.run(&session, "go on"), "Gone on.");
        }
        let [.., one, other] = &host.requests[..] else {
            panic!("both asked the model");
        };
        assert!(one == other);
    }
}

/// Turns of a long conversation.
const TURNS: usize = 100;

#[test]
fn a_hundred_turns_go_on_in_the_same_bytes_wherever_they_were_saved() {
    let (here, there) = (Instance::start(), Instance::elsewhere());
    for wire in WIRES {
        let config = reading_config(wire, TURNS);
        let open = || here.open(&config, &[]).expect("the configuration is fine");
        let prompt = "Read the notes line by line.";
        let mut whole = reading_host(TURNS, 20);
        answered(&whole.run(&open(), prompt), "All read.");
        assert_eq!(whole.requests.len(), TURNS + 1);

        // Once more, up to the last turn but one, from where on it is saved at every step.
        let (session, mut host) = (open(), reading_host(TURNS, 20));
        session.prompt(host.now, prompt).expect("idle");
        while host.requests.len() < TURNS - 1 {
            assert!(host.step(&session).is_none());
        }
        let (mut same, mut interrupted) = (0, 0);
        loop {
            let saved = session.save();
            let restored = there.restore(&config, &[], &saved).expect("it was saved");
            let mut after = reading_host(TURNS, 20);
            after.now.monotonic_ms = 7;
            answered(&after.finish(&restored), "All read.");
            let rest = &whole.requests[whole.requests.len() - after.requests.len()..];
            if after.requests == rest {
                same += 1;
            } else {
                // A call that was in the middle of its work is not done again, and the model is told.
                let last = String::from_utf8_lossy(&after.requests[after.requests.len() - 1]);
                assert_eq!(last.matches("interrupted, effect unknown").count(), 1);
                interrupted += 1;
            }
            if host.step(&session).is_some() {
                break;
            }
        }
        assert!(same > 15, "{same} times the same");
        assert!(interrupted <= 4, "{interrupted} times interrupted");
    }
}

#[test]
fn it_goes_on_on_the_other_wire_too() {
    let instance = Instance::start();
    for (from, to) in [("openai", "anthropic"), ("anthropic", "openai")] {
        for saved in some_saved(&instance, from) {
            let session = restore(&instance, to, &saved).expect("it was saved");
            let (faults, mut host) = model_by_content();
            if session.prompt(host.now, "go on").is_err() {
                answered(&host.finish(&session), "done");
                session.prompt(host.now, "go on").expect("idle");
            }
            answered(&host.finish(&session), "Gone on.");
            assert_eq!(*faults.borrow(), [""; 0], "from {from} to {to}");
        }
    }
}

/// Bytes of a session: between runs, and in the middle of one.
fn some_saved(instance: &Instance, wire: &str) -> [Vec<u8>; 2] {
    let (_, mut host) = model_by_content();
    let session = open(instance, wire);
    session.prompt(host.now, "go").expect("idle");
    while runs(&host) == 0 {
        host.step(&session);
    }
    let middle = session.save();
    host.finish(&session);
    [middle, session.save()]
}

#[track_caller]
fn refused(restored: Result<Session, wit::Error>, told: &str) {
    match restored.err() {
        Some(wit::Error::Saved(words)) => assert!(words.contains(told), "{words}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bytes_cut_off_continued_or_of_a_later_version_are_refused() {
    let instance = Instance::start();
    for wire in WIRES {
        for saved in some_saved(&instance, wire) {
            for end in (0..saved.len()).step_by(saved.len() / 200 + 1) {
                refused(restore(&instance, wire, &saved[..end]), "saved bytes");
            }
            refused(restore(&instance, wire, &saved[..saved.len() - 1]), "");
            refused(restore(&instance, wire, &[&saved[..], b"{}"].concat()), "");
            let text = String::from_utf8(saved).expect("it is text");
            let newer = text.replacen("session 1 ", "session 2 ", 1);
            assert_ne!(newer, text, "the control: the version is in the bytes");
            refused(restore(&instance, wire, newer.as_bytes()), "version");
            restore(&instance, wire, text.as_bytes()).expect("the control");
        }
        for bytes in [&b""[..], b"\n", b"{}\n", &[0xff; 4_096]] {
            refused(restore(&instance, wire, bytes), "not of a session");
        }
    }
}

#[test]
fn damaged_bytes_are_refused_or_give_a_session_that_can_be_asked() {
    let instance = Instance::start();
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut draw = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).expect("31 bits fit") % below
    };
    let (mut went_on, mut was_refused) = (0, 0);
    for wire in WIRES {
        for saved in some_saved(&instance, wire) {
            let head = saved.iter().position(|byte| *byte == b'{').unwrap();
            for case in 0..150 {
                let mut damaged = saved.clone();
                for _ in 0..=draw(3) {
                    // Half of them in what goes before the conversation, which is small beside it.
                    let at = draw(if case % 2 == 0 { head } else { saved.len() });
                    damaged[at] ^= u8::try_from(1 + draw(255)).expect("a byte");
                }
                match restore(&instance, wire, &damaged) {
                    Ok(session) => {
                        ask(&session);
                        went_on += 1;
                    }
                    Err(error) => {
                        assert!(matches!(error, wit::Error::Saved(_)), "{error:?}");
                        was_refused += 1;
                    }
                }
            }
        }
    }
    assert!(
        went_on > 20 && was_refused > 20,
        "{went_on} went on, {was_refused} were refused"
    );
}

/// Asks the session whatever there is to ask; only its answers are open.
fn ask(session: &Session) {
    let now = |monotonic_ms| wit::Moment {
        monotonic_ms,
        wall_ms: 0,
    };
    for turn in 0..40 {
        if let wit::Effect::Operate((id, _)) = session.next(now(turn)) {
            let _ = session.operation_done(now(turn), id, &wit::Answer::Done);
        }
    }
    let _ = session.body();
    session.cancel(now(50));
    session.usage();
    for turn in 50..90 {
        if matches!(session.next(now(turn)), wit::Effect::Finished(_)) {
            break;
        }
    }
    let _ = session.prompt(now(90), "go on");
    session.next(now(91));
    assert!(!session.save().is_empty());
}
