//! Recordings, their replay, and that no key is kept.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use serde_json::json;

const KEY: &str = "sk-e2e-never-written-down";

/// A run with tools, usage, reasoning and awkward cuts, recorded as `run.rec` in `state`.
fn record(host: Host, work: &Scratch, state: &Scratch) -> Ended {
    let model = ScriptedModel::requiring_key(
        KEY,
        [
            Reply::calls([
                Call::new("c1", "read_file", json!({"path": "a.txt"})),
                Call::new("c2", "list_directory", json!({"path": "."})),
            ])
            .saying("Let me see.")
            .reasoning("Files first.")
            .cut_every(7),
            Reply::call(
                "c3",
                "write_file",
                json!({"path": "out/b.txt", "content": "bêta\n"}),
            )
            .usage(50, 9)
            .cut_every(11),
            Reply::error(500, "hiccup", "server_error", None),
            Reply::text("Wrote bêta. 🦀").usage(70, 6).cut_every(3),
        ],
    );
    let guest = Guest::ask(work, &model, "copy it")
        .state(state)
        .env("OPENAI_API_KEY", KEY);
    let ended = host.run(&guest.args(["--record", "run.rec", "--json"]));
    ended.code(0);
    ended
}

fn workspace() -> Scratch {
    Scratch::with(&[("a.txt", "alpha\n")])
}

/// Replays `run.rec` of `state` in the artifact that has no network.
fn replay(host: Host, work: &Scratch, state: &Scratch, flags: &[&str]) -> Ended {
    let guest = Guest::offline()
        .workspace(work)
        .state(state)
        .args(["replay", "run.rec"]);
    host.run(&guest.args(flags.iter().copied()))
}

#[test]
fn a_replay_tells_what_the_run_told() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        let told = record(host, &work, &state);
        assert_eq!(work.read("out/b.txt"), "bêta\n");

        let empty = Scratch::new();
        let replayed = replay(host, &empty, &state, &["--json"]);
        replayed.code(0);
        let lasting = |ended: &Ended| {
            let events = ended.events();
            // How long a retry really waited is the run's own.
            let lasting = events
                .into_iter()
                .filter(|event| event["type"] != "retry" && event["type"] != "notice");
            lasting.collect::<Vec<_>>()
        };
        assert_eq!(lasting(&replayed), lasting(&told));
        assert_eq!(
            empty.names(),
            Vec::<String>::new(),
            "recorded results touch no file"
        );
    });
}

#[test]
fn two_replays_are_the_same_byte_for_byte() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let (one, two) = (
            replay(host, &work, &state, &["--json"]),
            replay(host, &work, &state, &["--json"]),
        );
        one.code(0);
        assert_eq!(one.stdout(), two.stdout());
        assert_eq!(one.stderr(), two.stderr());
        let other = if host == Host::InProcess {
            Host::CommandLine
        } else {
            Host::InProcess
        };
        assert_eq!(
            replay(other, &work, &state, &["--json"]).stdout(),
            one.stdout(),
            "another host tells the same"
        );
    });
}

#[test]
fn a_replay_prints_the_answer() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let ended = replay(host, &Scratch::new(), &state, &[]);
        ended.code(0);
        assert!(ended.stdout().ends_with("Wrote bêta. 🦀\n"), "{ended}");
    });
}

#[test]
fn a_replay_takes_the_path_as_the_guest_sees_it() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let guest = Guest::offline()
            .workspace(&work)
            .state(&state)
            .args(["replay", "/state/run.rec"]);
        host.run(&guest).code(0);
    });
}

#[test]
fn real_tools_change_files_again() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let fresh = workspace();
        let ended = replay(host, &fresh, &state, &["--tools", "real"]);
        ended.code(0);
        assert_eq!(fresh.read("out/b.txt"), "bêta\n");
    });
}

#[test]
fn real_tools_over_other_files_fail_naming_the_difference() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let other = Scratch::with(&[("a.txt", "omega\n")]);
        let ended = replay(host, &other, &state, &["--tools", "real"]);
        ended.code(1).says(&[
            "dewclaw:", "run.rec", "recorded", "alpha", "this run", "omega",
        ]);
        assert_eq!(
            other.names(),
            ["a.txt"],
            "nothing was written after the difference"
        );
    });
}

#[test]
fn a_tampered_recording_fails_naming_the_difference() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let recording = state.read("run.rec");
        let tampered = recording.replacen("alpha", "omega", 1);
        assert_ne!(
            tampered, recording,
            "the recording holds the result of read_file as text"
        );
        state.write("run.rec", tampered);
        replay(host, &work, &state, &[]).code(1).says(&[
            "dewclaw:", "run.rec", "recorded", "alpha", "this run", "omega",
        ]);
    });
}

#[test]
fn a_recording_that_does_not_fit() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let whole = state.read("run.rec");
        let half = &whole[..whole.len() / 2];
        let half = &half[..half.rfind('\n').unwrap_or(half.len())];
        for (content, phrase) in [
            ("", "empty"),
            ("hello\n", "recording"),
            ("{\"type\":\"x\"}\n", "recording"),
            ("\u{1}\u{2}", "recording"),
            (half, "run.rec"),
            (&whole[..whole.len() - 20], "run.rec"),
        ] {
            state.write("run.rec", content);
            let ended = replay(host, &work, &state, &[]);
            assert_ne!(ended.code, Some(0), "{ended}");
            ended.code(1).says(&["dewclaw:", phrase]);
        }
        state.write("run.rec", b"\xff\xfe\0");
        replay(host, &work, &state, &[]).code(1).says(&["run.rec"]);
    });
}

#[test]
fn a_recording_of_a_later_version_says_so() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        record(host, &work, &state);
        let whole = state.read("run.rec");
        let (first, rest) = whole.split_once('\n').unwrap();
        let mut head: serde_json::Value = serde_json::from_str(first).unwrap();
        assert_eq!(head["version"], 1);
        head["version"] = json!(999);
        state.write("run.rec", format!("{head}\n{rest}"));
        replay(host, &work, &state, &[])
            .code(1)
            .says(&["run.rec", "version", "record it again"]);
    });
}

#[test]
fn a_missing_recording_is_named() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        replay(host, &work, &state, &[]).code(1).says(&["run.rec"]);
    });
}

#[test]
fn recordings_stay_in_the_state() {
    on_each_host(|host| {
        let (work, state, model) = (workspace(), Scratch::new(), ScriptedModel::never_asked());
        for path in [
            "../out.rec",
            "/out.rec",
            "/state/../out.rec",
            "a/../../out.rec",
            "",
        ] {
            let guest = Guest::ask(&work, &model, "hi")
                .state(&state)
                .args(["--record", path]);
            host.run(&guest).code(1).says(&["recording", "state"]);
        }
        assert_eq!(model.connections(), 0);
        assert_eq!(
            (work.names(), state.names()),
            (vec!["a.txt".to_owned()], Vec::new())
        );
    });
}

#[test]
fn without_a_state_preopen_a_recording_lies_in_the_workspace_hidden_from_tools() {
    on_each_host(|host| {
        let work = workspace();
        let model = ScriptedModel::start([
            Reply::call("c", "read_file", json!({"path": ".dewclaw/run.rec"})),
            Reply::text("Refused."),
        ]);
        let guest = Guest::ask(&work, &model, "hi").args(["--record", "run.rec"]);
        host.run(&guest).code(0).prints("Refused.\n");
        assert!(work.has(".dewclaw/run.rec"), "{:?}", work.names());
        assert_eq!(
            model.last_request().tool_result()["error"]["kind"],
            "permission_denied"
        );
    });
}

#[test]
fn no_recording_keeps_the_key() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        let told = record(host, &work, &state);
        told.keeps(KEY);
        for folder in [&work, &state] {
            for (name, bytes) in folder.snapshot() {
                assert!(
                    !String::from_utf8_lossy(&bytes).contains(KEY),
                    "the key is in {name}"
                );
            }
        }
        let recording = state.read("run.rec").to_lowercase();
        assert!(
            recording.contains("alpha"),
            "the control: results are in it"
        );
        assert!(
            !recording.contains("bearer"),
            "not even its header is in it"
        );
    });
}

#[test]
fn a_failed_run_is_recorded_and_replays_its_failure() {
    on_each_host(|host| {
        let (work, state) = (workspace(), Scratch::new());
        let refusal = Reply::error(401, "No such key.", "invalid_request_error", None);
        let model = ScriptedModel::start([
            Reply::call("c", "read_file", json!({"path": "a.txt"})),
            refusal,
        ]);
        let guest = Guest::ask(&work, &model, "hi")
            .state(&state)
            .args(["--record", "run.rec"]);
        host.run(&guest).code(3);
        replay(host, &work, &state, &[])
            .code(3)
            .says(&["No such key."]);
    });
}
