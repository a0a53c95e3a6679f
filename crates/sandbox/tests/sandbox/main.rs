//! The sandbox as a host uses it: policy, network, environment, log and audit together, with a real plugin.
#![allow(clippy::unwrap_used, reason = "a test's own steps")]

mod asker;
#[path = "../servers/loopback.rs"]
mod loopback;

use asker::{Fixture, ask, asker};
use dewclaw_sandbox::audit::Verdict;
use dewclaw_sandbox::sandbox::SandboxError;
use loopback::{Server, moved, ok};

#[tokio::test]
async fn a_plugin_says_what_it_is() {
    let fixture = Fixture::new("");
    let plugin = fixture.asker();
    let description = plugin.describe().await.unwrap();
    assert_eq!(
        (description.name.as_str(), description.tools.len()),
        ("asker", 7)
    );
    // It asked for nothing: there is no trail.
    assert!(fixture.trail().is_empty());
}

#[tokio::test]
async fn a_granted_host_is_reached_and_written_down() {
    let server = Server::answering([ok("the answer")]).await;
    let fixture = Fixture::new(&format!(
        "[plugins.asker.permissions]\nnetwork = [\"http://{}\"]",
        server.address
    ));
    let plugin = fixture.asker();
    let url = format!("http://{}/path?token=abc", server.address);
    assert_eq!(ask(&plugin, "get", &url).await.unwrap(), "the answer");
    assert!(server.requests()[0].starts_with("GET /path?token=abc HTTP/1.1\r\n"));
    let trail = fixture.trail();
    assert_eq!(trail.len(), 1);
    assert_eq!(
        (trail[0].function.as_str(), trail[0].verdict),
        ("http-request", Verdict::Permitted)
    );
    assert!(
        trail[0].rule.starts_with("policy.toml:3 network"),
        "{}",
        trail[0].rule
    );
    assert_eq!(
        trail[0].summary,
        format!("GET http://{}/path?token=[redacted]", server.address)
    );
}

#[tokio::test]
async fn a_denied_host_is_told_to_the_person_with_the_line_that_grants_it() {
    let fixture = Fixture::new("");
    let plugin = fixture.asker();
    let refused = ask(&plugin, "get", "http://example.com/x").await;
    assert_eq!(
        refused.unwrap_err(),
        "host denied: http://example.com:80 is not granted to this plugin"
    );
    let heard = fixture.heard.lines();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(
        heard[0].ends_with(
            "grant: in policy.toml, under a new [plugins.asker.permissions]: network = [\"http://example.com\"]"
        ),
        "{heard:?}"
    );
    let trail = fixture.trail();
    assert_eq!(trail[0].verdict, Verdict::Denied);
    assert!(
        trail[0]
            .error
            .as_deref()
            .unwrap()
            .contains("network = [\"http://example.com\"]")
    );
}

#[tokio::test]
async fn a_redirect_to_metadata_is_denied_and_the_first_request_is_in_the_trail() {
    let server = Server::answering([moved(302, "http://169.254.169.254/latest")]).await;
    let fixture = Fixture::new(&format!(
        "[shared.permissions]\nnetwork = [\"http://{}\"]",
        server.address
    ));
    let plugin = fixture.asker();
    let refused = ask(&plugin, "get", &format!("http://{}/", server.address)).await;
    assert_eq!(
        refused.unwrap_err(),
        "redirect 1: host denied: http://169.254.169.254:80 is not granted to this plugin"
    );
    let trail = fixture.trail();
    assert_eq!((trail.len(), trail[0].verdict), (1, Verdict::Denied));
}

#[tokio::test]
async fn a_server_that_refuses_is_an_error_with_its_words() {
    let server = Server::answering([
        "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nno city x",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\u{fffd}",
    ])
    .await;
    let fixture = Fixture::new("[shared.permissions]\npresets = [\"loopback\"]");
    let plugin = fixture.asker();
    let url = format!("http://{}/", server.address);
    assert_eq!(
        ask(&plugin, "get", &url).await.unwrap_err(),
        "the server answered 404 Not Found: no city x"
    );
    // Cut within a letter.
    assert_eq!(
        ask(&plugin, "get", &url).await.unwrap_err(),
        "the answer is not text: its body is not UTF-8"
    );
    assert_eq!(fixture.trail().len(), 2);
}

/// Attack: variable that is a secret
/// Answer: as if it were not set; the trail has the name, the rule, and never a value
/// Bound: the list of names that are denied goes before every grant
#[tokio::test]
async fn a_variable_is_given_or_is_as_if_it_were_not_set() {
    let fixture = Fixture::new(
        "[plugins.asker.permissions]\nenv_vars = [\"UNITS\", \"UNSET\", \"SERVICE_TOKEN\"]",
    );
    let plugin = fixture.asker();
    assert_eq!(
        ask(&plugin, "env", "UNITS").await.unwrap(),
        "the value of UNITS"
    );
    for name in ["UNSET", "HOME", "SERVICE_TOKEN", ""] {
        assert_eq!(ask(&plugin, "env", name).await.unwrap_err(), "", "{name}");
    }
    let verdicts: Vec<_> = fixture
        .trail()
        .into_iter()
        .map(|entry| (entry.summary, entry.verdict, entry.rule))
        .collect();
    let (permitted, denied) = (Verdict::Permitted, Verdict::Denied);
    let rule = |name: &str| format!("policy.toml:3 env_vars \"{name}\"");
    assert_eq!(verdicts[0], ("UNITS".into(), permitted, rule("UNITS")));
    assert_eq!(verdicts[1], ("UNSET".into(), permitted, rule("UNSET")));
    assert_eq!(verdicts[2].1, denied);
    assert_eq!(
        verdicts[3],
        (
            "SERVICE_TOKEN".into(),
            denied,
            "deny list of variables: *TOKEN*".into()
        )
    );
    let path = fixture.path().join("audit/asker.jsonl");
    let file = std::fs::read_to_string(path).unwrap();
    assert!(!file.contains("the value of"), "{file}");
}

#[tokio::test]
async fn a_log_message_reaches_the_person_as_one_harmless_line() {
    let fixture = Fixture::new("");
    let plugin = fixture.asker();
    ask(&plugin, "log", "one\n\x1b[2Jtwo").await.unwrap();
    ask(&plugin, "log", &"é".repeat(3_000)).await.unwrap();
    let heard = fixture.heard.lines();
    assert_eq!(heard[0], "asker information: one\\n\\u{1b}[2Jtwo");
    assert!(heard[1].ends_with("é (cut)"), "{}", heard[1]);
    assert_eq!(fixture.trail().len(), 2);
}

#[tokio::test]
async fn a_flood_of_log_messages_is_dropped_and_counted() {
    let fixture = Fixture::new("[shared.resources]\nmax_fuel = 20_000_000");
    let plugin = fixture.asker();
    let ended = plugin.call("flood", "again").await.unwrap_err();
    assert!(ended.to_string().contains("fuel"), "{ended}");
    let trail = fixture.trail();
    assert_eq!(trail.len(), 101);
    assert_eq!(trail[100].rule, "limit: 100 log messages a minute");
    assert_eq!(fixture.heard.lines().len(), 101);
}

/// Attack: trail that cannot be written
/// Answer: `CallError::Host`: "the host failed for the plugin: the audit trail cannot be opened …"
/// Bound: nothing is sent, read or written
#[tokio::test]
async fn an_audit_that_cannot_be_written_ends_the_call_before_anything_is_done() {
    let server = Server::answering([ok("the answer")]).await;
    let fixture = Fixture::new("[shared.permissions]\npresets = [\"loopback\"]");
    let plugin = fixture.asker();
    // Nothing can be made in it now.
    std::fs::remove_dir_all(fixture.path().join("audit")).unwrap();
    std::fs::write(fixture.path().join("audit"), "a file").unwrap();
    let failed = plugin
        .call("get", format!("http://{}/", server.address))
        .await
        .unwrap_err();
    assert!(
        failed
            .to_string()
            .starts_with("the host failed for the plugin: the audit trail cannot be opened"),
        "{failed}"
    );
    assert!(server.requests().is_empty());
}

/// Attack: import that is not granted
/// Answer: `SandboxError::Import`: "the plugin imports …, which is refused: …; to grant it: …"; for sockets: "there are no raw sockets"
/// Bound: nothing is compiled
#[test]
fn an_import_that_is_not_granted_is_refused_with_the_line_that_grants_it() {
    let bytes = wat::parse_str(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#);
    let fixture = Fixture::new("");
    let refused = fixture.load("clock", &bytes.unwrap()).unwrap_err();
    assert!(matches!(refused, SandboxError::Import { .. }));
    assert!(
        refused.to_string().ends_with(
            "to grant it: in policy.toml, under a new [plugins.clock.permissions]: wasi = [\"clocks\"]"
        ),
        "{refused}"
    );
    let bytes = wat::parse_str(r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#);
    let refused = fixture.load("socket", &bytes.unwrap()).unwrap_err();
    assert!(
        refused.to_string().ends_with("there are no raw sockets"),
        "{refused}"
    );
    let core = fixture.load("core", b"\0asm\x01\0\0\0").unwrap_err();
    assert!(
        core.to_string()
            .contains("a core module, where a component is needed")
    );
    let small = Fixture::new("[shared.resources]\nmax_module_kb = 1");
    let large = small.load("large", asker()).unwrap_err();
    assert!(
        large.to_string().contains("where 1000 are allowed"),
        "{large}"
    );
}

#[tokio::test]
async fn a_granted_folder_is_read_and_written_and_nothing_else() {
    let fixture = Fixture::new(
        "[plugins.asker.permissions]\nfilesystem = [\"read-only maps\", \"read-write notes\"]",
    );
    for folder in ["maps", "notes"] {
        std::fs::create_dir(fixture.path().join(folder)).unwrap();
    }
    std::fs::write(fixture.path().join("maps/town.txt"), "the town").unwrap();
    let plugin = fixture.asker();
    assert_eq!(
        ask(&plugin, "read", "maps/town.txt").await.unwrap(),
        "the town"
    );
    ask(&plugin, "write", "notes/a.txt\nwritten").await.unwrap();
    let written = std::fs::read_to_string(fixture.path().join("notes/a.txt"));
    assert_eq!(written.unwrap(), "written");
    let refused = ask(&plugin, "write", "maps/town.txt\nother")
        .await
        .unwrap_err();
    assert!(
        refused.starts_with("file denied: maps/town.txt"),
        "{refused}"
    );
    for path in [
        "policy.toml",
        "../etc/passwd",
        "/etc/passwd",
        "maps/../notes/../x",
    ] {
        let refused = ask(&plugin, "read", path).await.unwrap_err();
        assert!(refused.starts_with("file denied: "), "{path}: {refused}");
        assert!(!refused.contains(".toml,"), "{refused}");
    }
    let missing = ask(&plugin, "read", "maps/none").await.unwrap_err();
    assert_eq!(missing, "maps/none: entity not found");
    let trail = fixture.trail();
    let (permitted, denied) = (Verdict::Permitted, Verdict::Denied);
    let verdicts: Vec<Verdict> = trail.iter().map(|entry| entry.verdict).collect();
    assert_eq!(
        verdicts,
        [
            permitted, permitted, denied, denied, denied, denied, denied, permitted
        ]
    );
    assert_eq!(trail[1].summary, "notes/a.txt content 7 bytes");
    assert!(
        trail[2]
            .error
            .as_deref()
            .unwrap()
            .contains("\"read-write maps\"]"),
        "{:?}",
        trail[2]
    );
    // The person hears how it would be granted; what nothing grants, they hear as well.
    let heard = fixture.heard.lines();
    assert!(heard[0].contains("grant: in policy.toml"), "{heard:?}");
    assert_eq!(heard.len(), 5);
}

#[test]
fn a_granted_folder_that_is_not_there_is_told_when_the_plugin_is_loaded() {
    let fixture = Fixture::new("[shared.permissions]\nfilesystem = [\"read-only maps\"]");
    let refused = fixture.load("asker", asker()).unwrap_err();
    assert!(refused.to_string().contains("maps"), "{refused}");
}

#[tokio::test]
async fn what_a_plugin_does_with_its_own_wasi_is_in_the_trail() {
    let fixture = Fixture::new(
        "[plugins.guest.permissions]\nfilesystem = [\"read-only folder\"]\nwasi = [\"cli\", \"clocks\", \"filesystem\", \"random\"]",
    );
    std::fs::create_dir(fixture.path().join("folder")).unwrap();
    std::fs::write(fixture.path().join("folder/file"), "inside").unwrap();
    let guest = wat::parse_str(include_str!("../wasi/guest.wat")).unwrap();
    let plugin = fixture.load("guest", &guest).unwrap();
    assert_eq!(ask(&plugin, "R", "file").await.unwrap(), "inside");
    // Creating a file is not permitted: WASI's code 31, as this guest tells it.
    assert_eq!(ask(&plugin, "C", "new").await.unwrap(), "-32");
    assert!(!fixture.path().join("folder/new").exists());
    let trail = fixture.trail();
    let told: Vec<(&str, Verdict)> = trail
        .iter()
        .map(|entry| (entry.summary.as_str(), entry.verdict))
        .collect();
    assert_eq!(
        told,
        [
            ("open-at folder/file", Verdict::Permitted),
            ("open-at folder/new", Verdict::Denied)
        ]
    );
    assert!(
        trail
            .iter()
            .all(|entry| entry.function == "wasi:filesystem")
    );
    let heard = fixture.heard.lines();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("\"read-write folder\"]"), "{heard:?}");
}

#[tokio::test]
async fn wasis_environment_has_what_is_granted_and_nothing_of_the_process() {
    let fixture = Fixture::new(
        "[plugins.guest.permissions]\nenv_vars = [\"UNITS\", \"UNSET\", \"SERVICE_TOKEN\"]\nwasi = [\"cli\"]",
    );
    let guest = wat::parse_str(include_str!("../guests/environment.wat")).unwrap();
    let plugin = fixture.load("guest", &guest).unwrap();
    assert_eq!(
        ask(&plugin, "first", "").await.unwrap(),
        "UNITSthe value of UNITS"
    );
    assert_eq!(ask(&plugin, "count", "").await.unwrap(), "1");
    let trail = fixture.trail();
    assert!(trail.iter().all(|entry| entry.function == "wasi:cli"));
    assert_eq!(trail.len(), 4);
}
