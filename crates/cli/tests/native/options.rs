//! The command line, the folders, the variables and the exit codes.

use std::fs;

use crate::model::{self, Model};
use crate::scratch::{Scratch, run};

#[test]
fn help_is_native_first_then_the_components() {
    let scratch = Scratch::new();
    let (code, out, err) = run(scratch.bare().arg("--help"));
    assert_eq!((code, err.as_str()), (0, ""));
    let native = out.find("--workspace DIR").unwrap();
    let component = out.find("replay").unwrap();
    assert!(native < component, "{out}");
    assert!(out.contains("--continue  "), "{out}");

    let (code, out, err) = run(&mut scratch.bare());
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("--workspace DIR") && err.contains("replay"),
        "{err}"
    );
}

#[test]
fn help_and_version_need_no_folders() {
    let scratch = Scratch::new();
    for flag in ["--help", "--version"] {
        let mut command = scratch.bare();
        command
            .arg(flag)
            .env("HOME", "/dev/null")
            .env("DEWCLAW_STATE", "/dev/null");
        assert_eq!(run(&mut command).0, 0);
    }
    assert!(!scratch.path(".local").exists());
}

#[test]
fn version_names_the_command_wasmtime_and_the_component() {
    let scratch = Scratch::new();
    let (code, out, _) = run(scratch.bare().arg("--version"));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, lines.len()), (0, 2), "{out}");
    assert!(lines[0].starts_with(concat!("dewclaw ", env!("CARGO_PKG_VERSION"), ", native")));
    let wasmtime = lines[0].split_once("wasmtime ").unwrap().1;
    assert!(wasmtime.starts_with("48.0.8;"), "{out}");
    assert_eq!(
        lines[0].ends_with(", unoptimised"),
        option_env!("DEWCLAW_COMPONENT").is_none_or(str::is_empty),
        "{out}"
    );
    assert!(lines[1].contains(env!("CARGO_PKG_VERSION")), "{out}");
}

#[test]
fn the_workspace_is_what_tools_see() {
    let scratch = Scratch::new();
    fs::write(scratch.path("work/note.txt"), "from the workspace\n").unwrap();
    fs::write(scratch.path("state/secret.txt"), "from state\n").unwrap();
    let read = |path: &str| {
        let json = format!(r#"{{"path":"{path}"}}"#);
        run(scratch.command().args(["tool", "read_file", &json]))
    };
    let (code, out, err) = read("note.txt");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("from the workspace"), "{out}");
    for path in ["../state/secret.txt", "/state/secret.txt", "secret.txt"] {
        let (code, out, _) = read(path);
        assert_ne!(code, 0, "{out}");
        assert!(!out.contains("from state"), "{out}");
    }
}

#[test]
fn tools_write_through_to_the_workspace() {
    let scratch = Scratch::new();
    let json = r#"{"path":"made/by.txt","content":"a tool\n"}"#;
    let (code, out, err) = run(scratch.command().args(["tool", "write_file", json]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(
        fs::read_to_string(scratch.path("work/made/by.txt")).unwrap(),
        "a tool\n"
    );
}

#[test]
fn the_current_folder_is_the_workspace_by_default() {
    let scratch = Scratch::new();
    fs::write(scratch.path("work/here.txt"), "here").unwrap();
    let mut command = scratch.bare();
    command
        .current_dir(scratch.path("work"))
        .args(["tool", "list_directory", r#"{"path":"."}"#]);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("here.txt"), "{out}");
    assert!(scratch.path(".local/state/dewclaw").is_dir());
}

#[test]
fn state_inside_the_workspace_is_kept_from_tools() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("work/inner")).unwrap();
    fs::write(scratch.path("work/inner/secret.txt"), "from state\n").unwrap();
    let mut command = scratch.bare();
    command
        .args(["--workspace", "work", "--state", "work/inner"])
        .args(["tool", "read_file", r#"{"path":"inner/secret.txt"}"#]);
    let (code, out, _) = run(&mut command);
    assert_eq!(code, 5, "{out}");
    assert!(!out.contains("from state"), "{out}");
}

#[test]
fn folders_that_cannot_serve_are_usage_errors() {
    let scratch = Scratch::new();
    let refused = |options: &[&str], message: &str| {
        let (code, out, err) = run(scratch.bare().arg("--env=A=b").args(options));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(
            err.starts_with("dewclaw: ") && err.contains(message),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
    };
    refused(
        &["--workspace", "missing", "tools"],
        "cannot open the workspace `missing`",
    );
    fs::write(scratch.path("file"), "").unwrap();
    refused(
        &["--workspace", "file", "tools"],
        "give a folder with --workspace DIR",
    );
    refused(
        &["--state", "file/below", "tools"],
        "cannot use the state folder `file/below`",
    );
    refused(
        &["--workspace", "work", "--state", "work", "tools"],
        "which tools must never see",
    );
    refused(&["--workspace"], "--workspace needs a value");
    refused(
        &["--env", "NOT_SET_HERE", "tools"],
        "--env NOT_SET_HERE: no such variable here",
    );
}

#[test]
fn the_component_judges_its_own_command_line() {
    let scratch = Scratch::new();
    let (code, _, err) = run(scratch.command().arg("no-such-command"));
    assert_eq!(code, 2, "{err}");
    let (code, _, err) = run(scratch.command().args(["tools", "--state", "elsewhere"]));
    assert_eq!(code, 2, "{err}");
    assert!(
        err.ends_with(
            "dewclaw: --state is an option of the native command: it stands before `tools`\n"
        ),
        "{err}"
    );
}

#[test]
fn only_settings_reach_the_component() {
    let scratch = Scratch::new();
    let model = Model::plain(model::always("fine"));
    let ask = |variable: (&str, &str), option: Option<&str>| {
        let mut command = scratch.bare();
        command.args(["--workspace", "work", "--state", "state"]);
        if let Some(option) = option {
            command.args(["--env", option]);
        }
        command
            .env("OPENAI_BASE_URL", model.url())
            .env("DEWCLAW_MODEL", "scripted")
            .env(variable.0, variable.1)
            .args(["ask", "--no-stream", "hello"]);
        let (code, out, err) = run(&mut command);
        assert_eq!((code, out.as_str()), (0, "fine\n"), "{err}");
        let seen = model.next();
        seen.header("authorization").map(str::to_owned)
    };
    assert_eq!(
        ask(("OPENAI_API_KEY", "of-the-environment"), None).as_deref(),
        Some("Bearer of-the-environment")
    );
    assert_eq!(
        ask(
            ("OPENAI_API_KEY", "of-the-environment"),
            Some("OPENAI_API_KEY=given")
        )
        .as_deref(),
        Some("Bearer given")
    );
    assert_eq!(ask(("MISTRAL_API_KEY", "not-its-business"), None), None);
}

#[test]
fn compiled_code_is_kept_and_missed_without_noise() {
    let scratch = Scratch::new();
    let cache = scratch.path("cache");
    let (code, _, err) = run(scratch
        .bare()
        .env("XDG_CACHE_HOME", &cache)
        .arg("--version"));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(cache.join("wasmtime").is_dir());

    let file = scratch.path("a-file");
    fs::write(&file, "").unwrap();
    for place in ["XDG_CACHE_HOME", "HOME"] {
        let mut command = scratch.bare();
        command
            .env_remove("XDG_CACHE_HOME")
            .env(place, &file)
            .arg("--version");
        let (code, _, err) = run(&mut command);
        assert_eq!((code, err.as_str()), (0, ""), "{place}");
    }
}
