//! Guests that give too much, or what does harm where it is shown or read.

use std::fs;
use std::time::Duration;

use dewclaw_sandbox::audit::{Filter, VerifyOptions, query, verify};
use dewclaw_sandbox::engine::CallError;
use dewclaw_sandbox::policy::{Manifest, Policy};
use dewclaw_sandbox::sandbox::{DescribeError, DescriptionError};

use crate::guest::{ECHO, Guest, asker};
use crate::scene::{BEGAN, LOGS, Scene};

const LARGE: &str = "[plugins.attacker.resources]\nmax_memory_mb = 256\n";

/// Gives a text of 100 MB, of whatever is in memory.
const HUNDRED_MB: &str =
    "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 4096))
    (i32.store (i32.const 24) (i32.const 100000000)) (i32.const 16)";

/// Attack: 100 MB result
/// Answer: `CallError::Exchange`: "what the plugin gave was refused (at most 10485760 bytes of UTF-8 cross at once)"; so for a tool's
/// result, its error and `describe`
/// Bound: nothing of it is copied
#[tokio::test]
async fn a_result_of_100_mb() {
    let result = Guest {
        memory: "1700",
        ..Guest::calling(HUNDRED_MB)
    };
    let error: &'static str =
        String::leak(HUNDRED_MB.replacen("(i32.const 0)", "(i32.const 1)", 1));
    let error = Guest {
        memory: "1700",
        ..Guest::calling(error)
    };
    for guest in [result, error] {
        let scene = Scene::new(LARGE);
        let attempt = scene.attack_by(guest).await;
        assert!(attempt.took < Duration::from_secs(1), "{:?}", attempt.took);
        let refused = attempt.outcome.unwrap_err();
        assert!(
            matches!(
                refused,
                CallError::Exchange {
                    most_bytes: 10_485_760,
                    ..
                }
            ),
            "{refused:?}"
        );
        assert!(refused.to_string().starts_with(
            "what the plugin gave was refused (at most 10485760 bytes of UTF-8 cross at once)"
        ));
        scene.assert_trail(&[BEGAN]);
    }
    let scene = Scene::new(LARGE);
    let describing = Guest {
        memory: "1700",
        describe: "(i32.store (i32.const 16) (i32.const 4096)) (i32.store (i32.const 20) (i32.const 100000000)) (i32.const 16)",
        ..Guest::default()
    };
    let attacker = scene.load(&describing.bytes()).unwrap();
    let refused = attacker.describe().await.unwrap_err();
    assert!(
        matches!(refused, DescribeError::Call(CallError::Exchange { .. })),
        "{refused:?}"
    );
}

/// Attack: log flood
/// Answer: the plugin is not told; after 100 messages in a minute the rest is dropped, and one entry says how many: "limit: 100 log
/// messages a minute"
/// Bound: 100 messages a minute over all calls of the plugin
#[tokio::test]
async fn a_log_flood() {
    let flood = Guest {
        execute: "(local.set $n (i32.const 100000))
            (loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 27))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16)",
        ..Guest::default()
    };
    let scene = Scene::new("");
    let attacker = scene.load(&flood.bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(
            scene.attack(&attacker, "t", "{}").await.answer(),
            Ok(String::new())
        );
    }
    let trail = scene.attackers_trail();
    assert_eq!(trail.len(), 102);
    assert!(trail[..100].iter().all(|entry| entry.rule == LOGS));
    for (entry, count) in [(&trail[100], 99_900), (&trail[101], 100_000)] {
        assert_eq!(entry.rule, "limit: 100 log messages a minute");
        let said = format!("{count} messages over the limit of 100 a minute were dropped");
        assert_eq!(entry.error.as_deref(), Some(said.as_str()));
    }
    assert_eq!(scene.heard().len(), 102);
}

/// Attack: ANSI in logs · ANSI in what is denied
/// Answer: shown and written as one line without control characters; a message is cut at 4,000 bytes, at a character's boundary
/// Bound: no byte below 0x20, no 0x7f, no C1 control, no letter that turns the writing's direction
#[tokio::test]
async fn ansi_in_logs_and_denials() {
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{9b}31m\u{202e}\u{7f}end";
    let scene = Scene::new("");
    let asker = scene.load(asker()).unwrap();
    scene.attack(&asker, "log", evil).await.answer().unwrap();
    let long = "\u{1b}".repeat(5_000);
    scene.attack(&asker, "log", &long).await.answer().unwrap();
    for (tool, parameters) in [
        ("env", evil.to_owned()),
        ("get", format!("http://example.com/{evil}")),
        ("get", format!("{evil}://example.com/")),
        ("header", format!("http://example.com/\n{evil}\nvalue")),
        ("read", format!("maps/{evil}")),
        ("write", format!("maps/{evil}\ncontent")),
    ] {
        // What of it a tool's answer says is the plugin's own.
        scene
            .attack(&asker, tool, &parameters)
            .await
            .answer()
            .unwrap_err();
    }
    let heard = scene.heard();
    assert_eq!(heard.len(), 8, "{heard:#?}");
    assert!(
        heard[0].contains("\\u{1b}[2J") && heard[0].ends_with("end"),
        "{}",
        heard[0]
    );
    assert!(heard[1].ends_with(" (cut)"));
    let file = String::from_utf8(scene.attackers_file()).unwrap();
    assert_eq!(file.lines().count(), 8);
    for text in heard.iter().chain([&file.replace('\n', "")]) {
        let turns = |letter| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let harmful = text
            .chars()
            .find(|letter| letter.is_control() || turns(*letter));
        assert_eq!(harmful, None, "{text}");
    }
    scene.attackers_trail();
}

/// Attack: invalid UTF-8 in logs · invalid UTF-8 in a result
/// Answer: `CallError::Exchange`: "what the plugin gave was refused (…): invalid utf-8 sequence …"
/// Bound: nothing of it is shown or written
#[tokio::test]
async fn invalid_utf_8_in_logs_and_results() {
    let logs = Guest {
        module: r#"(data (i32.const 2048) "ok\ff\fe")"#,
        ..Guest::calling("(call $log (i32.const 1) (i32.const 2048) (i32.const 4)) (unreachable)")
    };
    let gives = Guest {
        module: r#"(data (i32.const 2048) "ok\ff\fe")"#,
        ..Guest::calling(
            "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 2048))
             (i32.store (i32.const 24) (i32.const 4)) (i32.const 16)",
        )
    };
    for guest in [logs, gives] {
        let scene = Scene::new("");
        let refused = scene.attack_by(guest).await.outcome.unwrap_err();
        assert!(matches!(refused, CallError::Exchange { .. }), "{refused:?}");
        assert!(refused.to_string().contains("utf-8"), "{refused}");
        scene.assert_trail(&[BEGAN]);
        assert_eq!(scene.heard().len(), 1);
    }
}

/// That a line which somebody puts into the attacker's trail is found, and that the entries are read around it.
async fn is_found_in_a_trail(line: &str) {
    let scene = Scene::new("");
    let asker = scene.load(asker()).unwrap();
    scene.attack(&asker, "log", "one").await.answer().unwrap();
    let mut file = scene.attackers_file();
    file.extend(line.as_bytes());
    file.push(b'\n');
    fs::write(scene.audit().join("attacker.jsonl"), file).unwrap();
    let report = verify(&scene.audit(), &VerifyOptions::default()).unwrap();
    assert!(!report.is_intact(), "{report}");
    let listing = query(&scene.audit(), &Filter::default()).unwrap();
    assert_eq!(listing.unsound, 1);
    assert!(
        listing
            .entries
            .iter()
            .any(|entry| entry.summary.contains("one"))
    );
}

/// A guest whose `describe` gives this, and whose tools give their parameters back.
fn describing(text: &str) -> Vec<u8> {
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!("(data (i32.const 65536) \"{escaped}\")");
    let describe = format!(
        "(i32.store (i32.const 16) (i32.const 65536)) (i32.store (i32.const 20) (i32.const {})) (i32.const 16)",
        text.len()
    );
    let guest = Guest {
        memory: "40",
        module: String::leak(module),
        describe: String::leak(describe),
        execute: ECHO,
        ..Guest::default()
    };
    guest.bytes()
}

/// Attack: deep JSON
/// Answer: in a description: `DescriptionError::Malformed`: "recursion limit exceeded"; in parameters: they are text to the sandbox; in a
/// policy or a manifest, which are TOML: `ReadError` with the line; in a trail: a fault with the file and the line
/// Bound: 128 levels
#[tokio::test]
async fn deep_json() {
    let levels = 20_000;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let scene = Scene::new("");
    let text = format!(r#"{{"name":"a","tools":[{{"name":"x","parameters":{deep}}}]}}"#);
    let attacker = scene.load(&describing(&text)).unwrap();
    let refused = attacker.describe().await.unwrap_err();
    assert!(
        matches!(&refused, DescribeError::Description(DescriptionError::Malformed { reason }) if reason.contains("recursion limit")),
        "{refused}"
    );
    let answer = scene.attack(&attacker, "x", &deep).await.answer();
    assert_eq!(answer.unwrap(), deep);
    is_found_in_a_trail(&deep).await;
    let deep = format!("a = {}1{}", "[".repeat(levels), "]".repeat(levels));
    let policy = Policy::read("policy.toml", deep.as_bytes(), scene.folder.path()).unwrap_err();
    let manifest = Manifest::read("plugin.toml", deep.as_bytes()).unwrap_err();
    for refused in [policy.to_string(), manifest.to_string()] {
        assert!(refused.contains(".toml:1: "), "{refused}");
    }
}

/// Attack: huge JSON
/// Answer: a description: `DescriptionError::TooLong`: "describe gave 1100000 bytes, at most 1048576 are read"; parameters:
/// `CallError::Argument` with both sizes; a policy or a manifest: `ReadError` with the most that is read; in a trail: a fault
/// with the file and the line
/// Bound: 1 MiB of a description, 64 tools, 16 KB of a tool's schema; parameters of the plugin's memory; 64 KiB of a policy or a manifest
#[tokio::test]
async fn huge_json() {
    // Pages of blanks need no data.
    let describing = Guest {
        memory: "40",
        describe: "(memory.fill (i32.const 65536) (i32.const 32) (i32.const 1100000))
            (i32.store (i32.const 16) (i32.const 65536)) (i32.store (i32.const 20) (i32.const 1100000)) (i32.const 16)",
        ..Guest::default()
    };
    let scene = Scene::new("");
    let attacker = scene.load(&describing.bytes()).unwrap();
    let refused = attacker.describe().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "describe gave 1100000 bytes, at most 1048576 are read"
    );
    let most = 16 << 20;
    let attempt = scene.attack(&attacker, "t", &" ".repeat(most)).await;
    let refused = attempt.outcome.unwrap_err();
    assert!(
        matches!(refused, CallError::Argument { bytes, most: limit } if bytes == most + 1 && limit == most),
        "{refused}"
    );
    is_found_in_a_trail(&format!(
        r#"{{"v":1,"summary":"{}"}}"#,
        "a".repeat(20_000_000)
    ))
    .await;
    let huge = "# a line\n".repeat(10_000);
    let policy = Policy::read("policy.toml", huge.as_bytes(), scene.folder.path()).unwrap_err();
    let manifest = Manifest::read("plugin.toml", huge.as_bytes()).unwrap_err();
    for refused in [policy.to_string(), manifest.to_string()] {
        assert!(refused.contains("65536"), "{refused}");
    }
}
