//! What `doctor` says of each grant, and the exact flag that adds a missing one. Its exit code tells whether `ask` has what it needs.

use e2e::guest::Guest;
use e2e::host::{Ended, Host, on_each_host};
use e2e::scratch::Scratch;
use e2e::scripted_model::ScriptedModel;

/// Asserts that the table has these phrases, in any case.
#[track_caller]
fn shows(ended: &Ended, phrases: &[&str]) {
    let table = ended.stdout().to_lowercase();
    for phrase in phrases {
        assert!(
            table.contains(&phrase.to_lowercase()),
            "{phrase:?} is not in the table.\n{ended}"
        );
    }
}

#[test]
fn with_nothing_it_names_every_flag() {
    on_each_host(|host| {
        let ended = host.run(&Guest::dewclaw().args(["doctor"]));
        ended.code(2);
        shows(
            &ended,
            &[
                "workspace",
                host.workspace_flag(),
                "state",
                host.state_flag(),
                "model",
                &host.variable_flag("DEWCLAW_MODEL"),
                "wire",
                "key",
                &host.variable_flag("OPENAI_API_KEY"),
            ],
        );
    });
}

#[test]
fn with_everything_it_names_what_is_there() {
    on_each_host(|host| {
        let (work, state, model) = (Scratch::new(), Scratch::new(), ScriptedModel::never_asked());
        let guest = Guest::dewclaw()
            .workspace(&work)
            .state(&state)
            .model(&model);
        let guest = guest
            .env("OPENAI_API_KEY", "sk-e2e-secret")
            .env("DEWCLAW_MODEL", "scripted");
        let ended = host.run(&guest.args(["doctor"]));
        ended.code(0).keeps("sk-e2e-secret");
        shows(
            &ended,
            &[
                "workspace",
                "state",
                "network",
                "scripted",
                &model.base_url(),
                "OPENAI_API_KEY",
            ],
        );
        let table = ended.stdout();
        let rows: Vec<_> = table
            .lines()
            .take_while(|row| !row.is_empty())
            .filter_map(|row| row.split_whitespace().next())
            .collect();
        assert_eq!(
            rows,
            [
                "workspace",
                "state",
                "network",
                "model",
                "wire",
                "address",
                "key"
            ]
        );
        assert!(
            table.contains("\nwire           ok        openai\n"),
            "{ended}"
        );
        assert!(
            !table.contains("--dir") && !table.contains("--env"),
            "nothing is missing.\n{ended}"
        );
        assert_eq!(model.connections(), 0, "looking costs nothing");
        assert_eq!(
            (work.names(), state.names()),
            (vec![], vec![]),
            "looking leaves nothing behind"
        );
    });
}

#[test]
fn the_workspace_alone() {
    on_each_host(|host| {
        let work = Scratch::new();
        let ended = host.run(&Guest::dewclaw().workspace(&work).args(["doctor"]));
        ended.code(2);
        shows(&ended, &["workspace", host.state_flag(), "OPENAI_API_KEY"]);
    });
}

#[test]
fn the_state_alone() {
    on_each_host(|host| {
        let state = Scratch::with(&[("dewclaw.json", r#"{"model": "of-the-file"}"#)]);
        let ended = host.run(&Guest::dewclaw().state(&state).args(["doctor"]));
        ended.code(2);
        shows(&ended, &["/state", "of-the-file", host.workspace_flag()]);
    });
}

#[test]
fn a_model_on_the_lan_needs_no_key() {
    on_each_host(|host| {
        let work = Scratch::new();
        let guest = Guest::dewclaw()
            .workspace(&work)
            .base_url("http://192.168.1.10:11434/v1")
            .env("DEWCLAW_MODEL", "llama");
        let ended = host.run(&guest.args(["doctor"]));
        ended.code(0);
        shows(&ended, &["http://192.168.1.10:11434/v1", "llama"]);
    });
}

#[test]
fn the_offline_artifact_has_no_network_and_says_which_one_has() {
    on_each_host(|host| {
        let work = Scratch::new();
        let ended = host.run(&Guest::offline().workspace(&work).args(["doctor"]));
        ended.code(2);
        let other = match host {
            Host::Wamr | Host::Board => "use dewclaw-wamr.wasm with iwasm's --addr-pool=",
            Host::CommandLine | Host::InProcess => "use dewclaw.wasm with wasmtime's -S http",
        };
        shows(&ended, &["network", other]);
    });
}

#[test]
fn a_read_only_workspace_is_told_apart() {
    // The wasmtime command line cannot grant a folder read-only.
    let work = Scratch::new();
    let guest = Guest::dewclaw()
        .read_only_folder(work.path(), "/")
        .args(["doctor"]);
    let read_only = Host::InProcess.run(&guest);
    read_only.code(2);
    let writable = Host::InProcess.run(&Guest::dewclaw().workspace(&work).args(["doctor"]));
    writable.code(2);
    assert_ne!(read_only.stdout(), writable.stdout());
    shows(&read_only, &["read-only"]);
    assert!(!writable.stdout().contains("read-only"), "{writable}");
}

#[test]
fn malformed_settings_show_in_the_table() {
    on_each_host(|host| {
        let state = Scratch::with(&[("dewclaw.json", "{")]);
        let ended = host.run(&Guest::dewclaw().state(&state).args(["doctor"]));
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert!(said.contains("dewclaw.json"), "{ended}");
    });
}
