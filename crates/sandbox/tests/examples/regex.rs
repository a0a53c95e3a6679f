//! examples/plugins/regex: a component of JavaScript, with the engine inside.

use std::sync::OnceLock;

use dewclaw_sandbox::audit::Verdict;
use dewclaw_sandbox::egress::Egress;
use dewclaw_sandbox::policy::Policy;
use dewclaw_sandbox::sandbox::component_imports;

use crate::built::{Example, Loaded};

fn example() -> &'static Example {
    static EXAMPLE: OnceLock<Example> = OnceLock::new();
    EXAMPLE.get_or_init(|| Example::build("regex"))
}

/// With its own policy: loaded once, since compiling it takes a while.
fn granted() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        let example = example();
        example
            .load(&example.policy(), Egress::system(), &[])
            .unwrap()
    })
}

#[tokio::test]
async fn it_finds_lines_and_rewrites_texts() {
    let regex = granted();
    let described = regex.plugin.describe().await.unwrap();
    assert_eq!(
        (described.name.as_str(), described.tools.len()),
        ("regex", 2)
    );
    let found = regex.call(
        "find",
        r#"{"path":"sensors.toml","pattern":"^PLACE = \"(?<where>.*) bench\"","flags":"i"}"#,
    );
    assert_eq!(
        found.await.unwrap(),
        "{\"line\":2,\"text\":\"place = \\\"north bench\\\"\",\"where\":\"north\"}\n\
         {\"line\":6,\"text\":\"place = \\\"south bench\\\"\",\"where\":\"south\"}"
    );
    let found = regex.call(
        "find",
        r#"{"path":"sensors.toml","pattern":"offset","most":1}"#,
    );
    assert_eq!(
        found.await.unwrap(),
        "{\"line\":3,\"text\":\"offset = 0.0\"}\nand 3 more"
    );
    let found = regex.call("find", r#"{"path":"sensors.toml","pattern":"humidity"}"#);
    assert_eq!(found.await.unwrap(), "no line matches");
    let rewritten = regex.call(
        "rewrite",
        r#"{"text":"21.11.2026 and 1.2.2027","pattern":"(\\d+)\\.(\\d+)\\.(\\d{4})","replacement":"$3-$2-$1"}"#,
    );
    assert_eq!(rewritten.await.unwrap(), "2026-11-21 and 2027-2-1");
}

#[tokio::test]
async fn a_pattern_that_takes_for_ever_is_stopped() {
    let regex = granted();
    let text = "a".repeat(30) + "b";
    let stopped = regex
        .call(
            "rewrite",
            &format!(r#"{{"text":"{text}","pattern":"^(a+)+$","replacement":""}}"#),
        )
        .await;
    assert_eq!(
        stopped.unwrap_err(),
        "the plugin was stopped by a limit: fuel: all 1000000000 units are used"
    );
    let next = regex.call(
        "rewrite",
        r#"{"text":"aab","pattern":"^(a+)+","replacement":"c"}"#,
    );
    assert_eq!(next.await.unwrap(), "cb");
}

#[tokio::test]
async fn a_model_is_told_what_to_change() {
    let regex = granted();
    for (tool, json, says) in [
        (
            "find",
            r#"{"path":"sensors.toml","pattern":"("}"#,
            "pattern: unterminated parenthetical",
        ),
        (
            "find",
            r#"{"path":"sensors.toml"}"#,
            "pattern is missing: give a text",
        ),
        (
            "find",
            r#"{"path":"sensors.toml","pattern":"a","most":0}"#,
            "most is 0: give a whole number from 1 to 1000",
        ),
        (
            "find",
            r#"{"path":"sensors.toml","pattern":"a","flags":"g"}"#,
            "flags: \"g\" is not one of i, s",
        ),
        (
            "rewrite",
            r#"{"text":"a","pattern":"a","replacement":"b","to":1}"#,
            "there is no argument \"to\": known are text, pattern, flags, replacement",
        ),
        (
            "search",
            "{}",
            "there is no tool \"search\": the tools are find and rewrite",
        ),
        ("find", "[]", "the arguments are no JSON object"),
        (
            "find",
            r#"{"path":"../../README.md","pattern":"a"}"#,
            "file denied: ../../README.md: the path leads up with `..`: write where it leads",
        ),
        (
            "find",
            r#"{"path":"none.txt","pattern":"a"}"#,
            "none.txt: entity not found",
        ),
    ] {
        assert_eq!(
            regex.call(tool, json).await.unwrap_err(),
            says,
            "{tool} {json}"
        );
    }
    let trail = regex.trail();
    assert!(
        trail
            .iter()
            .any(|entry| entry.verdict == Verdict::Denied
                && entry.summary.contains("../../README.md")),
        "{trail:?}"
    );
}

#[test]
fn it_needs_nothing_of_wasi_and_a_size_that_only_a_policy_raises() {
    let example = example();
    assert_eq!(
        component_imports(&example.module).unwrap(),
        ["dewclaw:plugin/host@0.1.0"]
    );
    let refused = example
        .load(&Policy::none("policy.toml"), Egress::system(), &[])
        .map(|_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("300000"), "{refused}");
    // The raise is what it needs, and little more.
    let limits = granted().plugin.effective().limits();
    let most = example.module.len() as u64;
    assert!(
        (most..most + most / 10).contains(&limits.module_bytes()),
        "{most} bytes"
    );
}
