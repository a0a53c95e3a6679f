//! `dewclaw plugin` and `dewclaw audit`: a plugin as a person meets it, from its manifest to the trail of what it did.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::guest;
use crate::scratch::{Scratch, parts, run};

/// The probe as `p/probe.wasm`, with this manifest beside it.
pub(crate) fn with_manifest(manifest: &str) -> Scratch {
    let scratch = with_probe();
    fs::write(scratch.path("p/probe.toml"), manifest).unwrap();
    scratch
}

/// The probe as `p/probe.wasm`, without a manifest: it gets what the policy grants.
pub(crate) fn with_probe() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("p")).unwrap();
    fs::write(scratch.path("p/probe.wasm"), guest::probe()).unwrap();
    scratch
}

pub(crate) fn policy(scratch: &Scratch, text: &str) {
    fs::write(
        scratch.path("state/policy.toml"),
        format!("version = 1\n{text}"),
    )
    .unwrap();
}

pub(crate) fn dewclaw(scratch: &Scratch, arguments: &[&str]) -> (i32, String, String) {
    run(scratch.command().args(arguments))
}

fn call(scratch: &Scratch, tool: &str, parameters: &str) -> (i32, String, String) {
    dewclaw(
        scratch,
        &["plugin", "call", "p/probe.wasm", tool, parameters],
    )
}

const GREEDY: &str = r#"
[plugins.probe.permissions]
network = ["https://api.example.com"]
filesystem = ["read-write data"]
env_vars = ["UNITS"]
[plugins.probe.resources]
max_memory_mb = 1000
"#;

#[test]
fn check_says_what_is_asked_granted_clamped_and_refused_and_by_which_line() {
    let scratch = with_manifest(GREEDY);
    policy(
        &scratch,
        "[plugins.probe.permissions]\nnetwork = ['https://api.example.com']\nfilesystem = ['read-only data']\n\
         [plugins.probe.resources]\nmax_memory_mb = 64\n",
    );
    for file in ["p/probe.toml", "p/probe.wasm"] {
        let (code, out, err) = dewclaw(&scratch, &["plugin", "check", file]);
        assert_eq!((code, err.as_str()), (5, ""), "{out}");
        let line = |key: &str| {
            let line = out.lines().find(|line| line.starts_with(key));
            line.unwrap()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            line("network"),
            r#"network https://api.example.com yes state/policy.toml:3 network "https://api.example.com""#
        );
        assert!(
            line("filesystem").starts_with(
                "filesystem read-write data only read-only data state/policy.toml:4 filesystem"
            ),
            "{out}"
        );
        assert!(
            line("env_vars").ends_with("UNITS no no line of state/policy.toml grants it"),
            "{out}"
        );
        assert!(line("max_memory_mb").contains("only 64 MiB"), "{out}");
        assert!(
            out.ends_with(
                "probe: NOT all that is asked is granted: 1 granted, 2 in part, 1 refused\n"
            ),
            "{out}"
        );
    }
    assert!(!scratch.path("state/audit").exists());
}

#[test]
fn the_lines_that_check_prints_grant_the_rest() {
    let scratch = with_manifest("[plugins.probe.permissions]\nenv_vars = ['UNITS']\n");
    let (code, out, err) = dewclaw(&scratch, &["plugin", "check", "p/probe.toml"]);
    assert_eq!((code, err.as_str()), (5, ""), "{out}");
    assert!(
        out.starts_with(
            "There is no policy at state/policy.toml, so nothing is granted but the default limits."
        ),
        "{out}"
    );
    assert!(
        out.contains("in a new file state/policy.toml, behind `version = 1`, under [plugins.probe.permissions]: env_vars = [\"UNITS\"]"),
        "{out}"
    );
    policy(
        &scratch,
        "[plugins.probe.permissions]\nenv_vars = [\"UNITS\"]\n",
    );
    let (code, out, _) = dewclaw(&scratch, &["plugin", "check", "p/probe.toml"]);
    assert_eq!(code, 0, "{out}");
    assert!(
        out.ends_with("probe: all that is asked is granted\n"),
        "{out}"
    );
}

#[test]
fn a_plugin_that_is_too_large_is_checked_all_the_same() {
    let scratch = with_manifest("[plugins.probe.permissions]\nenv_vars = ['UNITS']\n");
    let limits = "[plugins.probe.resources]\nmax_module_kb = 1\nmax_module_gzip_kb = 1\n";
    policy(&scratch, limits);
    fs::write(scratch.path("p/data"), vec![0; 10_000_001]).unwrap();
    let (code, out, err) = dewclaw(&scratch, &["plugin", "check", "p/probe.wasm"]);
    assert_eq!((code, err.as_str()), (5, ""), "{out}");
    assert!(out.contains("env_vars"), "{out}");
    let said = |key: &str| out.lines().find(|line| line.trim_start().starts_with(key));
    let module = said("max_module_kb = ").unwrap();
    assert!(module.ends_with("bytes, where 1 KB is allowed)"), "{out}");
    assert!(said("max_module_gzip_kb = 2 ").is_some(), "{out}");
    assert!(said("max_plugin_folder_mb = 11 ").is_some(), "{out}");

    // And these lines do.
    let lines = [
        "max_module_kb",
        "max_module_gzip_kb",
        "max_plugin_folder_mb",
    ]
    .map(|key| {
        let line = said(&format!("{key} = ")).unwrap().trim();
        line.split("    ").next().unwrap().to_owned()
    });
    policy(
        &scratch,
        &format!("[plugins.probe.resources]\n{}\n", lines.join("\n")),
    );
    let (_, out, _) = dewclaw(&scratch, &["plugin", "check", "p/probe.wasm"]);
    assert!(!out.contains("larger than it may be"), "{out}");
    assert_eq!(call(&scratch, "echo", "{}").0, 0);
}

#[test]
fn what_no_plugin_gets_is_said_before_it_is_tried() {
    let scratch = Scratch::new();
    let text = r#"(component (import "odd:thing/x@1.0.0" (instance)) (import "wasi:sockets/tcp@0.2.0" (instance)))"#;
    fs::write(scratch.path("odd.wasm"), wat::parse_str(text).unwrap()).unwrap();
    let (code, out, _) = dewclaw(
        &scratch,
        &["plugin", "check", "odd.wasm", "--preset", "loopback"],
    );
    assert_eq!(code, 5, "{out}");
    assert!(
        out.contains("It imports odd:thing/x@1.0.0, which no plugin gets."),
        "{out}"
    );
    assert!(out.contains("there are no raw sockets"), "{out}");
    let (code, _, err) = dewclaw(&scratch, &["plugin", "describe", "odd.wasm"]);
    assert_eq!(code, 5, "{err}");
    assert!(
        err.starts_with("dewclaw: plugin odd: the plugin imports "),
        "{err}"
    );
}

#[test]
fn a_plugin_describes_itself() {
    let scratch = with_probe();
    let (code, out, err) = dewclaw(&scratch, &["plugin", "describe", "p/probe.wasm"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("probe 1.2\n\n  probe.echo\n    Gives its parameters back.\n"),
        "{out}"
    );
    let (code, out, _) = dewclaw(&scratch, &["plugin", "describe", "--json", "p/probe.wasm"]);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &read["plugin"], &read["version"]),
        (0, &"probe".into(), &"1.2".into())
    );
    assert_eq!(read["tools"][1]["parameters"]["required"][0], "path");

    // What it says cannot draw on the terminal.
    let drawing = guest::describing("{\"name\":\"\\u001b[2J\",\"tools\":[]}");
    fs::write(scratch.path("p/probe.wasm"), drawing).unwrap();
    let (_, out, _) = dewclaw(&scratch, &["plugin", "describe", "p/probe.wasm"]);
    assert_eq!(
        out,
        "probe, which calls itself  [2J\n\n  It has no tools.\n"
    );
}

#[test]
fn a_tool_is_called_with_parameters_and_with_those_of_standard_input() {
    let scratch = with_probe();
    let parameters = r#"{"text":"ä"}"#;
    for tool in ["echo", "probe.echo"] {
        assert_eq!(
            call(&scratch, tool, parameters),
            (0, format!("{parameters}\n"), String::new())
        );
    }
    let mut command = scratch.command();
    command.args(["plugin", "call", "p/probe.wasm", "echo", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b" {} ").unwrap();
    let (code, out, err) = parts(child.wait_with_output().unwrap());
    assert_eq!((code, out.as_str()), (0, " {} \n"), "{err}");
    for (tool, parameters, says) in [
        ("echo", "[]", "the parameters must be a JSON object"),
        ("other.echo", "{}", "write PLUGIN.TOOL with one of probe"),
    ] {
        let (code, _, err) = call(&scratch, tool, parameters);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{err}");
    }
}

#[test]
fn a_denial_names_the_rule_and_the_line_that_would_grant_it() {
    let scratch = with_probe();
    policy(&scratch, "");
    let (code, out, err) = call(&scratch, "read", r#"{"path":"data/note.txt"}"#);
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
    let lines: Vec<&str> = err.lines().collect();
    assert!(
        lines[0].starts_with("plugin: probe: denied: read-file: ")
            && lines[0].ends_with("(no line of state/policy.toml grants it)"),
        "{err}"
    );
    assert_eq!(
        lines[1],
        "plugin: probe: to grant it: in state/policy.toml, under a new [plugins.probe.permissions]: filesystem = [\"read-only data\"]"
    );
    assert!(lines[2].starts_with("dewclaw: plugin probe: "), "{err}");
    assert_eq!(lines.len(), 3, "{err}");

    // And that line does.
    fs::create_dir(scratch.path("state/data")).unwrap();
    fs::write(scratch.path("state/data/note.txt"), "read").unwrap();
    policy(
        &scratch,
        "[plugins.probe.permissions]\nfilesystem = [\"read-only data\"]\n",
    );
    let read = call(&scratch, "read", r#"{"path":"data/note.txt"}"#);
    assert_eq!(read, (0, "read\n".to_owned(), String::new()));
}

#[test]
fn a_preset_and_a_named_policy_decide_in_the_place_of_the_state_folders() {
    let scratch = with_probe();
    fs::create_dir(scratch.path("data")).unwrap();
    fs::write(scratch.path("data/note.txt"), "read").unwrap();
    fs::write(
        scratch.path("other.toml"),
        "version = 1\n[shared.permissions]\nfilesystem = ['read-only data']\n",
    )
    .unwrap();
    let read = |options: &[&str]| {
        let arguments = [
            "plugin",
            "call",
            "p/probe.wasm",
            "read",
            r#"{"path":"data/note.txt"}"#,
        ];
        dewclaw(&scratch, &[&arguments, options].concat())
    };
    for options in [&["--preset", "read-only data"], &["--policy", "other.toml"]] {
        assert_eq!(read(options), (0, "read\n".to_owned(), String::new()));
    }
    assert_eq!(read(&[]).0, 5);
    for (options, says) in [
        (["--preset", "all"], "is no preset"),
        (
            ["--policy", "none.toml"],
            "cannot read the policy `none.toml`",
        ),
        (
            ["--policy", "p/probe.wasm"],
            "the policy is refused: p/probe.wasm:1: not UTF-8",
        ),
    ] {
        let (code, _, err) = read(&options);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{err}");
    }
}

#[test]
fn a_tool_that_never_ends_is_stopped_by_a_limit_that_has_a_name() {
    let scratch = with_probe();
    let (code, _, err) = call(&scratch, "spin", "{}");
    assert_eq!(code, 4, "{err}");
    assert_eq!(
        err,
        "dewclaw: plugin probe: the plugin was stopped by a limit: fuel: all 1000000000 units are used; \
         max_fuel, asked by its manifest and allowed by the policy, raises it to at most 10,000,000,000\n"
    );
}

#[test]
fn files_that_are_no_plugins_are_refused_in_one_line() {
    let scratch = Scratch::new();
    fs::write(scratch.path("text.wasm"), "no component\n").unwrap();
    fs::write(scratch.path("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    fs::write(scratch.path("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    fs::write(scratch.path("large.wasm"), vec![0; 300_001]).unwrap();
    for (file, code, says) in [
        ("missing.wasm", 2, "missing.wasm: "),
        ("text.wasm", 1, "not a WebAssembly file"),
        ("core.wasm", 1, "a core module, where a component is needed"),
        ("empty.wasm", 1, "not a plugin: no export"),
        ("large.wasm", 4, "larger than 300 KB"),
    ] {
        let (found, out, err) = dewclaw(&scratch, &["plugin", "describe", file]);
        assert_eq!((found, out.as_str()), (code, ""), "{err}");
        assert!(err.starts_with("dewclaw: ") && err.contains(says), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn what_a_plugin_logs_is_told_and_does_nothing_to_the_terminal() {
    let scratch = with_probe();
    let (code, _, err) = call(&scratch, "log", "{\"text\":\"\u{1b}[2J hot\"}");
    assert_eq!(code, 2, "JSON takes no control characters: {err}");
    let (code, _, err) = call(&scratch, "log", "{\"text\":\"\u{9b}2J\u{202e} hot\"}");
    assert_eq!(code, 0, "{err}");
    assert_eq!(err, "plugin: probe: warning: \\u{9b}2J\\u{202e} hot\n");
}

#[test]
fn the_trail_is_shown_filtered_and_verified() {
    let scratch = with_probe();
    for arguments in [["audit", "show"], ["audit", "verify"]] {
        let (code, _, err) = dewclaw(&scratch, &arguments);
        assert_eq!(code, 2, "{err}");
        assert!(
            err.starts_with("dewclaw: there is no audit trail at `state/audit`"),
            "{err}"
        );
    }
    call(&scratch, "read", r#"{"path":"data/a"}"#);
    call(&scratch, "log", r#"{"text":"hello"}"#);
    let (code, out, err) = dewclaw(&scratch, &["audit", "show"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out.lines().count(), 3, "{out}");
    let functions = |options: &[&str]| {
        let (code, out, err) = dewclaw(&scratch, &[&["audit", "show", "--json"], options].concat());
        assert_eq!(code, 0, "{err}");
        let entries = out.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["function"].as_str().unwrap().to_owned()
        });
        entries.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(functions(&[]), "read-file log");
    assert_eq!(functions(&["--verdict", "denied"]), "read-file");
    assert_eq!(functions(&["--function", "log"]), "log");
    assert_eq!(functions(&["--plugin", "other"]), "");
    assert_eq!(functions(&["--since", "1h"]), "read-file log");
    assert_eq!(functions(&["--until", "2026-01-01"]), "");
    assert_eq!(functions(&["state/audit", "--last=1"]), "log");

    let (code, out, err) = dewclaw(&scratch, &["audit", "verify"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let head = out.trim_end().rsplit(' ').next().unwrap();
    let kept = format!("probe:{head}");
    assert_eq!(
        dewclaw(&scratch, &["audit", "verify", "--head", &kept]).0,
        0
    );

    // One letter of an entry that was denied.
    let log = scratch.path("state/audit/probe.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("data/a", "data/b", 1)).unwrap();
    let (code, out, _) = dewclaw(&scratch, &["audit", "verify"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("NOT INTACT") && out.contains("probe.jsonl:1: entry 1: was changed"),
        "{out}"
    );
    let (code, out, err) = dewclaw(&scratch, &["audit", "show"]);
    assert_eq!((code, out.lines().count()), (1, 2), "{out}");
    assert!(err.contains("dewclaw audit verify says which"), "{err}");

    // The whole trail, written anew.
    fs::remove_dir_all(scratch.path("state/audit")).unwrap();
    call(&scratch, "log", r#"{"text":"hello"}"#);
    assert_eq!(dewclaw(&scratch, &["audit", "verify"]).0, 0);
    let (code, out, _) = dewclaw(&scratch, &["audit", "verify", "--head", &kept]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("is in no chain"), "{out}");
}

#[test]
fn the_trail_lies_where_it_is_told_to_and_holds_no_key() {
    let scratch = with_probe();
    let arguments = [
        "plugin",
        "call",
        "p/probe.wasm",
        "log",
        r#"{"text":"see key-of-the-test"}"#,
    ];
    let (code, _, err) = dewclaw(
        &scratch,
        &[&arguments[..], &["--audit", "trail/of"]].concat(),
    );
    assert_eq!(code, 0, "{err}");
    assert!(!scratch.path("state/audit").exists());
    let (_, out, _) = dewclaw(&scratch, &["audit", "show", "trail/of"]);
    assert!(
        out.contains("see [redacted]") && !out.contains("key-of-the-test"),
        "{out}"
    );
}

#[test]
fn a_trail_has_the_size_that_the_policy_says_and_no_call_goes_on_without_it() {
    let scratch = with_probe();
    policy(&scratch, "[audit]\nmax_total_mb = 0\n");
    let (code, out, err) = call(&scratch, "log", r#"{"message":"hello"}"#);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(
        err.contains("has reached its limit max_total_bytes of 0, so the call fails"),
        "{err}"
    );
}

#[test]
fn help_and_usage_of_the_commands_about_plugins() {
    let scratch = Scratch::new();
    for (arguments, says) in [
        (["plugin", "--help"], "plugin call FILE TOOL JSON"),
        (["plugin", "-h"], "Exit codes: 0 done"),
        (["audit", "--help"], "--head HEAD"),
    ] {
        let (code, out, err) = run(scratch.bare().args(arguments));
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains(says), "{out}");
    }
    for (arguments, says) in [
        (
            ["plugin", "check"],
            "plugin check needs the plugin's component or its manifest",
        ),
        (
            ["audit", "list"],
            "audit show, or audit verify; dewclaw audit --help tells more",
        ),
        (["tools", "--plugin=x"], "--plugin"),
    ] {
        let (code, _, err) = run(scratch.command().args(arguments));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{err}");
    }
}
