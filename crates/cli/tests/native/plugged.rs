//! `--plugin`: the tools of plugins beside the agent's own, as the model and a person meet them.

use std::fs;
use std::io::Write;
use std::process::Command;

use crate::guest;
use crate::model::{self, Model, Seen};
use crate::plugins::{dewclaw, policy, with_probe};
use crate::scratch::{Scratch, run};

/// A message that calls these tools, by name and arguments.
fn calling(calls: &[(&str, &str)]) -> String {
    let calls: Vec<_> = calls
        .iter()
        .enumerate()
        .map(|(at, (name, arguments))| {
            serde_json::json!({"id": format!("call_{at}"), "type": "function",
                "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    serde_json::json!({"choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": calls}}]})
    .to_string()
}

/// A model that calls these tools in its first reply, and answers `done` in its second.
fn model_that_calls(calls: &[(&str, &str)]) -> Model {
    let first = calling(calls);
    let mut turn = 0;
    Model::plain(move |_: &Seen, stream: &mut dyn Write| {
        turn += 1;
        match turn {
            1 => model::respond(stream, "200 OK", &first),
            _ => model::respond(stream, "200 OK", &model::message("done")),
        }
    })
}

fn ask(scratch: &Scratch, model: &Model, options: &[&str]) -> Command {
    let mut command = scratch.command();
    command
        .env("OPENAI_BASE_URL", model.url())
        .args(["ask", "--no-stream", "look"])
        .args(options);
    command
}

const PLUGGED: &[&str] = &["--plugin", "p/probe.wasm"];

#[test]
fn a_plugins_tools_stand_beside_the_agents_own() {
    let scratch = with_probe();
    policy(&scratch, "");
    fs::write(scratch.path("work/a.txt"), "alpha").unwrap();
    let model = model_that_calls(&[
        ("probe__echo", r#"{"text":"from the plugin"}"#),
        ("read_file", r#"{"path":"a.txt"}"#),
        ("probe__read", r#"{"path":"data/secret"}"#),
    ]);
    let (code, out, err) = run(&mut ask(&scratch, &model, PLUGGED));
    assert_eq!((code, out.as_str()), (0, "done\n"), "{err}");
    let offered = model.next().body;
    for name in ["probe__echo", "probe__spin", "read_file"] {
        assert!(
            offered.contains(&format!(r#""name":"{name}""#)),
            "{offered}"
        );
    }
    let answered = model.next().body;
    for told in ["from the plugin", "alpha", "The sandbox denied this plugin"] {
        assert!(answered.contains(told), "{told}: {answered}");
    }
    // What would grant it is for the person alone.
    assert!(!answered.contains("read-only data"), "{answered}");
    assert!(err.contains("* probe.echo {"), "{err}");
    assert!(err.contains("plugin: probe: to grant it: in "), "{err}");
    assert!(!err.contains("probe__"), "{err}");
    let (_, out, _) = dewclaw(&scratch, &["audit", "show", "--verdict=denied"]);
    assert!(out.contains("read-file"), "{out}");
}

#[test]
fn events_and_quiet_runs_show_plugins_as_they_show_all_else() {
    let scratch = with_probe();
    let calls = [
        ("probe__log", r#"{"text":"hello"}"#),
        ("probe__read", r#"{"path":"x/y"}"#),
    ];
    let (_, out, err) = run(ask(&scratch, &model_that_calls(&calls), PLUGGED).arg("--json"));
    assert!(
        out.contains(r#""name":"probe.log""#) && !out.contains("probe__"),
        "{out}"
    );
    assert!(err.contains("plugin: probe: warning: hello"), "{err}");
    let (code, out, err) = run(ask(&scratch, &model_that_calls(&calls), PLUGGED).arg("--quiet"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "done\n", ""));
}

#[test]
fn a_plugin_that_reaches_out_or_writes_counts_as_writing() {
    let scratch = with_probe();
    let offered = |preset: &str, option: &[&str]| {
        let model = model_that_calls(&[("probe__echo", "{}")]);
        let options = [PLUGGED, &["--preset", preset], option].concat();
        let (code, _, err) = run(&mut ask(&scratch, &model, &options));
        assert_eq!(code, 0, "{err}");
        let offers = model.next().body.contains("probe__echo");
        let refused = model.next().body.contains("permission_denied");
        (offers, refused)
    };
    fs::create_dir(scratch.path("data")).unwrap();
    for preset in ["loopback", "read-write data"] {
        assert!(!offered(preset, &["--read-only"]).0, "{preset}");
        // Nobody can be asked here.
        assert_eq!(
            offered(preset, &["--approve", "writes"]),
            (true, true),
            "{preset}"
        );
    }
    for preset in ["none", "read-only data"] {
        assert!(offered(preset, &["--read-only"]).0, "{preset}");
        assert_eq!(
            offered(preset, &["--approve", "writes"]),
            (true, false),
            "{preset}"
        );
    }
}

/// Attack: two plugins that export the same tool name
/// Answer: they are `plugin.tool` to a person and `plugin__tool` to the model; two plugins of one name, and two names that come
/// to the same, are refused
/// Bound: none is needed
#[test]
fn plugins_of_one_name_are_refused_and_tools_of_one_name_are_told_apart() {
    let scratch = with_probe();
    let model = model_that_calls(&[("other__echo", r#"{"text":"2"}"#), ("probe__echo", "{}")]);
    fs::copy(scratch.path("p/probe.wasm"), scratch.path("p/other.wasm")).unwrap();
    let both = ["--plugin", "p/probe.wasm", "--plugin=p/other.wasm"];
    let (code, _, err) = run(&mut ask(&scratch, &model, &both));
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("* other.echo") && err.contains("* probe.echo"),
        "{err}"
    );

    fs::create_dir(scratch.path("q")).unwrap();
    fs::copy(scratch.path("p/probe.wasm"), scratch.path("q/probe.wasm")).unwrap();
    let twice = ["--plugin", "p/probe.wasm", "--plugin=q/probe.wasm"];
    let (code, _, err) = run(&mut ask(&scratch, &model, &twice));
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("dewclaw: two plugins are named probe: p/probe.wasm and q/probe.wasm"),
        "{err}"
    );

    // A plugin's name and a tool's that come to the same for a server.
    for (name, tool) in [("a", "_b"), ("a_", "b")] {
        let described = format!(r#"{{"name":"x","tools":[{{"name":"{tool}"}}]}}"#);
        fs::write(
            scratch.path(&format!("{name}.wasm")),
            guest::describing(&described),
        )
        .unwrap();
    }
    let (code, _, err) = run(&mut ask(
        &scratch,
        &model,
        &["--plugin=a.wasm", "--plugin=a_.wasm"],
    ));
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("the tools a._b and a_.b would both be a___b to the model"),
        "{err}"
    );
}

#[test]
fn tools_that_no_server_takes_are_left_out_and_said() {
    let scratch = Scratch::new();
    let long = "t".repeat(62);
    let described = format!(
        r#"{{"name":"x","tools":[{{"name":"{long}"}},{{"name":"list","parameters":{{"type":"array"}}}},{{"name":"echo"}}]}}"#
    );
    fs::write(scratch.path("x.wasm"), guest::describing(&described)).unwrap();
    let model = model_that_calls(&[("x__echo", "{}")]);
    let (code, out, err) = run(&mut ask(&scratch, &model, &["--plugin=x.wasm"]));
    assert_eq!((code, out.as_str()), (0, "done\n"), "{err}");
    let offered = model.next().body;
    assert!(
        offered.contains("The tool echo of the plugin x."),
        "{offered}"
    );
    assert!(
        err.contains("ttt is left out: its name and its plugin's have more than 62 letters"),
        "{err}"
    );
    assert!(
        err.contains("x.list is left out: its parameters are not of type object"),
        "{err}"
    );
}

#[test]
fn a_plugin_that_is_refused_ends_the_run_before_it_begins() {
    let scratch = Scratch::new();
    let model = Model::plain(model::always("fine"));
    fs::write(scratch.path("none.wasm"), "no component").unwrap();
    let (code, out, err) = run(&mut ask(&scratch, &model, &["--plugin", "none.wasm"]));
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("not a WebAssembly file"), "{err}");
    assert!(model.rest().is_empty());
}
