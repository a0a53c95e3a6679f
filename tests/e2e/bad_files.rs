//! Files and folders that a person can point at and that no tool can work with, a row each: a message with cause and fix, a stable exit
//! code, no trap, and whole files.

use crate::tools::exit_code_of;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host_and_board};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::small_disk::{self, Made};
use serde_json::json;
use std::process::Command;

/// Runs a tool where the workspace can only be read. Neither wasmtime's command line nor WAMR has such a grant.
fn read_only(name: &str, arguments: &serde_json::Value) -> serde_json::Value {
    let work = Scratch::with(&[("a.txt", "alpha\n")]);
    let files = work.snapshot();
    let guest = Guest::offline().read_only_folder(work.path(), "/").args([
        "tool",
        name,
        &arguments.to_string(),
    ]);
    let ended = Host::InProcess.run(&guest);
    let result = ended.json();
    ended.code(exit_code_of(&result));
    assert_eq!(work.snapshot(), files, "nothing changed");
    result
}

#[test]
fn a_read_only_folder_can_be_read_and_not_written() {
    let read = read_only("read_file", &json!({"path": "a.txt"}));
    assert!(read["content"].to_string().contains("alpha"), "{read}");
    for (name, arguments) in [
        ("write_file", json!({"path": "b.txt", "content": "x"})),
        ("write_file", json!({"path": "new/b.txt", "content": "x"})),
        (
            "edit_file",
            json!({"path": "a.txt", "old_text": "alpha", "new_text": "beta"}),
        ),
        ("memory_write", json!({"content": "x"})),
    ] {
        let result = read_only(name, &arguments);
        assert_eq!(
            result["error"]["kind"], "permission_denied",
            "{name}: {result}"
        );
        let message = result["error"]["message"].to_string();
        assert!(
            message.contains("read-only") || message.contains("only be read"),
            "{name}: {message}"
        );
    }
}

#[test]
fn a_read_only_state_cannot_be_recorded_into() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::never_asked();
    let guest = Guest::ask(&work, &model, "hi")
        .read_only_folder(state.path(), "/state")
        .args(["--record", "a.rec"]);
    let ended = Host::InProcess.run(&guest);
    assert_ne!(ended.code, Some(0), "{ended}");
    ended.says(&["a.rec"]);
    assert_eq!(
        model.connections(),
        0,
        "it is said before the model is paid"
    );
    assert_eq!(state.names(), Vec::<String>::new());
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    small_disk::HOSTS
        .into_iter()
        .for_each(full_disk_leaves_the_old_file_whole);
}

fn full_disk_leaves_the_old_file_whole(host: Host) {
    let half = "x".repeat(small_disk::ROOM / 2 + 4096);
    let work = Scratch::with(&[("a.txt", &half)]);
    let longer = "y".repeat(small_disk::ROOM / 2 + 8192);
    // Written beside the old file before it replaces it, so the two do not fit together; on a disk with a file size limit
    // nothing is too large until the file itself is.
    let content = match small_disk::how() {
        Made::ByMount => longer,
        Made::ByLimit => "y".repeat(small_disk::ROOM + 4096),
    };
    let guest = Guest::dewclaw()
        .workspace(&work)
        .args(["tool", "write_file", "-"]);
    let guest = guest.stdin(json!({"path": "a.txt", "content": content}).to_string());
    let (ended, made, after) = small_disk::run(host, &guest, &work);
    ended.code(1);
    let result = ended.json();
    let message = result["error"]["message"].to_string();
    let cause = if made == Made::ByMount {
        "no space"
    } else {
        "too large"
    };
    assert!(message.contains(cause), "{message}");
    assert_eq!(
        after.snapshot(),
        work.snapshot(),
        "the old file is whole, and nothing half-written lies beside it"
    );
}

#[test]
fn a_full_disk_while_recording_is_said() {
    for host in small_disk::HOSTS {
        let (work, state) = (Scratch::new(), Scratch::new());
        let model = ScriptedModel::start([Reply::text(&"so long a text ".repeat(8_000))]);
        // The state is the disk that is small here.
        let guest = Guest::ask(&work, &model, "talk")
            .state(&state)
            .args(["--record", "a.rec"]);
        let (ended, _, _) = small_disk::run(host, &guest, &state);
        ended.code(1).says(&["a.rec"]);
    }
}

#[test]
fn a_binary_file_is_refused_by_name() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        work.write("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\xff\xfe");
        let before = work.snapshot();
        for (name, arguments) in [
            ("read_file", json!({"path": "picture.png"})),
            (
                "edit_file",
                json!({"path": "picture.png", "old_text": "PNG", "new_text": "GIF"}),
            ),
        ] {
            let ended = host.run(&Guest::tool(&work, name, &arguments));
            ended.code(1);
            let message = ended.json()["error"]["message"].to_string();
            assert!(
                message.contains("picture.png") && message.contains("binary"),
                "{message}"
            );
        }
        assert_eq!(work.snapshot(), before);
    });
}

#[test]
fn a_file_of_fifty_megabytes() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        let line =
            b"fifty megabytes of lines that all say the same thing, again and again and again\n";
        work.write("big.log", line.repeat(50_000_000 / line.len()));
        let ended = host.run(&Guest::tool(
            &work,
            "read_file",
            &json!({"path": "big.log"}),
        ));
        ended.code(0);
        let page = ended.json();
        assert_eq!(page["truncated"], true);
        assert!(
            page["hint"].to_string().contains("offset"),
            "it says how to read on"
        );
        assert!(ended.stdout.len() <= 70_000, "{} bytes", ended.stdout.len());

        let far = host.run(&Guest::tool(
            &work,
            "read_file",
            &json!({"path": "big.log", "offset": 500_000, "limit": 1}),
        ));
        far.code(0);
        assert!(
            far.json()["content"]
                .to_string()
                .contains("fifty megabytes"),
            "{far}"
        );

        let edit = json!({"path": "big.log", "old_text": "fifty", "new_text": "50"});
        let ended = host.run(&Guest::tool(&work, "edit_file", &edit));
        ended.code(1);
        assert_eq!(ended.json()["error"]["kind"], "too_large", "{ended}");
    });
}

#[test]
fn a_line_of_fifty_megabytes() {
    on_each_host_and_board(|host| {
        let work = Scratch::new();
        work.write("line.txt", vec![b'x'; 50_000_000]);
        let ended = host.run(&Guest::tool(
            &work,
            "read_file",
            &json!({"path": "line.txt"}),
        ));
        let result = ended.json();
        ended.code(exit_code_of(&result));
        assert!(ended.stdout.len() <= 70_000, "{} bytes", ended.stdout.len());
        assert!(
            result["truncated"] == true || result["error"]["kind"] == "too_large",
            "{}",
            &ended.stdout()[..200]
        );
    });
}

#[test]
fn a_pipe_is_refused_and_never_opened() {
    on_each_host_and_board(|host| {
        // Nothing ever writes to it: who opens it waits for ever.
        let work = Scratch::new();
        let made = Command::new("mkfifo").arg(work.join("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()), "a pipe");
        for (name, arguments) in [
            ("read_file", json!({"path": "pipe"})),
            ("read_file", json!({"path": "pipe/inside.txt"})),
            ("list_directory", json!({"path": "pipe"})),
            ("write_file", json!({"path": "pipe", "content": "x"})),
            (
                "edit_file",
                json!({"path": "pipe", "old_text": "a", "new_text": "b"}),
            ),
        ] {
            let ended = host.run(&Guest::tool(&work, name, &arguments));
            let result = ended.json();
            ended.code(exit_code_of(&result));
            assert!(result["error"].is_object(), "{name} {arguments}: {result}");
        }
        let ended = host.run(&Guest::tool(&work, "list_directory", &json!({"path": "."})));
        ended.code(0);
        assert!(ended.stdout().contains("pipe"), "it is listed: {ended}");
    });
}
