//! docs/agent.md against what the artifacts know: their settings and defaults, commands and flags. Its events are held by
//! agent-core's own test.

use std::collections::BTreeSet;

use e2e::artifact;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use serde_json::Value;

fn page() -> String {
    std::fs::read_to_string(artifact::repository().join("docs/agent.md"))
        .expect("there is a docs/agent.md")
}

/// The rows of the tables under a heading: what each cell has between backticks.
fn rows(heading: &str) -> Vec<Vec<Vec<String>>> {
    let page = page();
    let (_, section) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("the page has no {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let quoted = |cell: &str| -> Vec<String> {
        let parts = cell.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').skip(1).map(quoted).collect())
        .collect()
}

/// The settings that an artifact names where one is unknown.
fn settings_of(host: Host) -> Vec<String> {
    let (work, state) = (Scratch::new(), Scratch::new());
    state.write("dewclaw.json", r#"{"no_such_setting": 1}"#);
    let model = ScriptedModel::never_asked();
    let ended = host.run(&Guest::ask(&work, &model, "hi").state(&state));
    ended.code(2);
    let told = ended.stderr();
    let (_, names) = told.split_once("known are ").expect("they are named");
    let (names, _) = names.split_once(" (and").expect("there is a key's too");
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_setting_is_on_the_page_in_its_order() {
    let documented: Vec<String> = rows("Settings")
        .iter()
        .map(|cells| cells[0][0].clone())
        .collect();
    for host in [Host::CommandLine, Host::Wamr] {
        assert_eq!(settings_of(host), documented);
    }
}

#[test]
fn every_default_on_the_page_is_the_one_that_runs_have() {
    let (work, state) = (Scratch::new(), Scratch::new());
    let model = ScriptedModel::repeat(Reply::text("Yes."));
    let guest = Guest::ask(&work, &model, "hi").state(&state);
    let ended = Host::CommandLine.run(&guest.args(["--record", "run.rec"]));
    ended.code(0);
    let recording = state.read("run.rec");
    let head: Value = serde_json::from_str(recording.lines().next().expect("it has a head"))
        .expect("the head is JSON");
    let settings = head["settings"].as_object().expect("it has the settings");
    for cells in rows("Settings") {
        let name = cells[0][0].as_str();
        // What this run was told, and what the components do not have.
        if matches!(name, "model" | "base_url" | "limits") {
            continue;
        }
        // What has no default is told where it is set alone.
        let Some(default) = cells[2].first() else {
            assert_eq!(settings.get(name), None, "{name}");
            continue;
        };
        let default: Value = serde_json::from_str(default)
            .unwrap_or_else(|error| panic!("the default of {name}: {error}"));
        assert_eq!(settings[name], default, "{name}");
    }
}

/// The flags that a text names.
fn flags_in(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '-'))
        .filter(|word| word.len() > 3 && word.starts_with("--") && !word.ends_with('-'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_and_flag_of_the_help_is_on_the_page() {
    on_each_host(|host| {
        let help = host.run(&Guest::dewclaw().args(["--help"]));
        let (of_dewclaw, _) = help
            .stdout()
            .split_once("\nUnder ")
            .expect("the help ends with how it is run");
        let commands: BTreeSet<&str> = of_dewclaw
            .lines()
            .skip(1)
            .take_while(|line| !line.starts_with("of "))
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert!(commands.contains("ask"), "{commands:?}");
        let rows = rows("Commands");
        let documented: BTreeSet<&str> = rows
            .iter()
            .filter_map(|cells| cells[0][0].split_whitespace().next())
            .collect();
        assert_eq!(commands, documented);
        let of_page = flags_in(&page());
        let missing: Vec<String> = flags_in(of_dewclaw)
            .into_iter()
            .filter(|flag| !of_page.contains(flag))
            .collect();
        assert!(missing.is_empty(), "the page lacks {missing:?}");
    });
}

/// Variables that any text is good for.
const FREE: [&str; 6] = [
    "DEWCLAW_MODEL",
    "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "SEARXNG_URL",
    "DEWCLAW_SEARCH_URL",
    // A price is read where a budget has a cost.
    "DEWCLAW_PRICES",
];

#[test]
fn every_variable_on_the_page_is_one() {
    let mut tried = 0;
    for cells in rows("Settings") {
        for variable in &cells[3] {
            if FREE.contains(&variable.as_str()) {
                continue;
            }
            // With a value that its setting does not take, the error names it.
            let (work, model) = (Scratch::new(), ScriptedModel::never_asked());
            let guest = Guest::ask(&work, &model, "hi").env(variable, "@");
            let ended = Host::Wamr.run(&guest);
            assert_eq!(ended.code, Some(2), "{variable}: {ended}");
            assert!(ended.stderr().contains(variable.as_str()), "{ended}");
            tried += 1;
        }
    }
    assert!(tried > 5, "{tried} were tried");
}
