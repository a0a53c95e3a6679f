//! web_fetch: what goes out, what comes back, and to whom it is allowed to go.

use crate::tools::exit_code_of;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host, on_each_host_and_wire};
use e2e::scratch::Scratch;
use e2e::scripted_model::{Call, Reply, ScriptedModel};
use e2e::web::{Page, Site, chain};
use serde_json::{Value, json};

/// Runs `tool web_fetch` and returns its result, which the exit code must agree with.
pub(crate) fn fetch(host: Host, arguments: &Value, grant: impl FnOnce(Guest) -> Guest) -> Value {
    let ended = host.run(&grant(Guest::web_tool("web_fetch", arguments)));
    let result = ended.json();
    ended.code(exit_code_of(&result));
    result
}

/// Has a model call web_fetch with each of these arguments, at most 25 in one turn; returns the results in the order of the calls.
pub(crate) fn fetch_all(
    host: Host,
    calls: &[Value],
    grant: impl FnOnce(Guest) -> Guest,
) -> Vec<Value> {
    let turns = calls.chunks(25).enumerate().map(|(turn, calls)| {
        let named = |(number, call): (usize, &Value)| {
            Call::new(&format!("c{turn}_{number}"), "web_fetch", call.clone())
        };
        Reply::calls(calls.iter().enumerate().map(named))
    });
    let model = ScriptedModel::start(turns.chain([Reply::text("Done.")]));
    let work = Scratch::new();
    host.run(&grant(Guest::ask(&work, &model, "look")))
        .code(0)
        .prints("Done.\n");
    assert!(work.names().is_empty(), "{:?}", work.names());
    let requests = model.requests();
    let results = requests[1..]
        .iter()
        .flat_map(|request| request.tool_results());
    let results: Vec<_> = results.map(|(_, result)| result).collect();
    assert_eq!(results.len(), calls.len());
    results
}

/// Asserts that the result is an error of this kind, with a message that a model can go by.
#[track_caller]
pub(crate) fn refused<'r>(result: &'r Value, kind: &str) -> &'r str {
    assert_eq!(result["error"]["kind"], kind, "{result}");
    let message = result["error"]["message"].as_str().unwrap_or_default();
    assert!(message.len() > 15, "{result}");
    message
}

#[track_caller]
fn has(text: &Value, phrases: &[&str]) {
    let text = text.as_str().unwrap_or_default();
    for phrase in phrases {
        assert!(text.contains(phrase), "{phrase:?} is not in {text:?}");
    }
}

const PAGE: &str = r#"<!DOCTYPE html><html><head><title>Boiler manual</title>
<style>.hidden { color: red }</style><script>let stolen = "no";</script></head><body>
<nav><a href="/home">Home sweet home</a></nav>
<h1>The boiler &amp; its valve</h1><p>Turn the <b>red</b> valve <a href="/valve">clockwise</a>.</p>
<ul><li>First&nbsp;wait</li><li>Then turn</li></ul></body></html>"#;

#[test]
fn a_page_comes_back_as_text() {
    on_each_host(|host| {
        let site = Site::open([("/manual", Page::html(PAGE))]);
        let url = site.url("/manual");
        let allow = |guest: Guest| guest.allow_fetch(&site.authority());
        let result = fetch(host, &json!({"url": url}), allow);
        assert_eq!(result["status"], 200, "{result}");
        assert_eq!(result["url"], json!(url));
        has(&result["content_type"], &["text/html"]);
        has(
            &result["body"],
            &["The boiler & its valve", "red", "clockwise", "Then turn"],
        );
        let body = result["body"].as_str().unwrap_or_default();
        for gone in ["<p>", "<h1>", "stolen", "color: red", "&amp;", "sweet home"] {
            assert!(!body.contains(gone), "{gone}: {body}");
        }
        assert!(result["bytes"].as_u64().is_some_and(|bytes| bytes > 0));
        assert!(result.get("truncated").is_none_or(|it| it == false));
        assert!(
            result["note"].as_str().is_some_and(|note| !note.is_empty()),
            "what was fetched is marked as data: {result}"
        );
    });
}

#[test]
fn the_source_comes_back_where_html_is_accepted() {
    on_each_host(|host| {
        let site = Site::open([("/manual", Page::html(PAGE))]);
        let url = site.url("/manual");
        let calls =
            ["accept", "Accept"].map(|name| json!({"url": url, "headers": {name: "text/html"}}));
        for result in fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority())) {
            assert_eq!(result["body"], PAGE);
        }
    });
}

#[test]
fn a_model_reads_a_page() {
    on_each_host_and_wire(|host, ask| {
        let site = Site::open([("/manual", Page::html(PAGE))]);
        let (work, url) = (Scratch::new(), site.url("/manual"));
        let model = ScriptedModel::start([
            Reply::call("c1", "web_fetch", json!({"url": url})),
            Reply::text("Clockwise."),
        ]);
        let guest = ask(&work, &model, "which way?").allow_fetch(&site.authority());
        host.run(&guest).code(0).prints("Clockwise.\n");
        let requests = model.requests();
        let offered = requests[0].tool_names();
        assert!(offered.contains(&"web_fetch"), "{offered:?}");
        assert!(!offered.contains(&"web_search"), "{offered:?}");
        let result = requests[1].tool_result();
        assert_eq!(
            (&result["status"], &result["url"]),
            (&json!(200), &json!(url))
        );
        has(&result["body"], &["red", "clockwise"]);
        assert!(result["note"].is_string(), "{result}");

        let seen = site.requests();
        assert_eq!(seen.len(), 1);
        assert_eq!((&*seen[0].method, &*seen[0].path), ("GET", "/manual"));
        assert_eq!(seen[0].header("host"), Some(&*site.authority()));
        assert_eq!(
            seen[0].header("accept-encoding"),
            Some("identity"),
            "nothing is asked for that could not be read"
        );
        assert_eq!(seen[0].header("authorization"), None);
        assert_eq!(site.malformed(), Vec::<String>::new());
    });
}

#[test]
fn methods_headers_and_bodies_go_out_as_asked() {
    on_each_host(|host| {
        let site = Site::open([("/echo", Page::echo())]);
        let url = site.url("/echo");
        let sent = |method: &str| {
            json!({"url": url, "method": method, "body": "{\"grün\": 1}",
            "headers": {"Content-Type": "application/json", "x-valve": "red"}})
        };
        let calls = [
            json!({"url": url}),
            sent("POST"),
            sent("PUT"),
            sent("PATCH"),
            json!({"url": url, "method": "DELETE"}),
            json!({"url": url, "method": "HEAD"}),
            json!({"url": format!("{url}?q=a%20b&c=d#part")}),
            json!({"url": format!("{url}?q=zürich")}),
        ];
        let results = fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority()));
        let echoed: Vec<Value> = results
            .iter()
            .map(|result| {
                assert_eq!(result["status"], 200, "{result}");
                let body = result["body"].as_str().unwrap_or_default();
                serde_json::from_str(body).unwrap_or(Value::Null)
            })
            .collect();
        for (echo, method) in echoed.iter().zip(["GET", "POST", "PUT", "PATCH", "DELETE"]) {
            assert_eq!(echo["method"], method);
        }
        for echo in &echoed[1..4] {
            assert_eq!(echo["body"], "{\"grün\": 1}");
            assert_eq!(echo["headers"]["content-type"], "application/json");
            assert_eq!(echo["headers"]["x-valve"], "red");
            assert_eq!(echo["headers"]["content-length"], "12");
        }
        assert_eq!(results[5]["body"], "", "a HEAD has no body");
        let methods: Vec<_> = site.requests().into_iter().map(|it| it.method).collect();
        assert!(methods.contains(&"HEAD".to_owned()), "{methods:?}");
        assert_eq!(echoed[6]["path"], "/echo?q=a%20b&c=d", "no part is sent");
        assert_eq!(echoed[7]["path"], "/echo?q=z%C3%BCrich");
    });
}

#[test]
fn a_large_body_goes_out_whole() {
    on_each_host(|host| {
        let site = Site::open([(
            "/",
            Page::made(|request| Page::text(&request.body.len().to_string())),
        )]);
        let body = "größer ".repeat(100_000);
        let arguments = json!({"url": site.url("/"), "method": "PUT", "body": body});
        let guest = Guest::dewclaw().args(["tool", "web_fetch", "-"]);
        let guest = guest.allow_fetch(&site.authority());
        let ended = host.run(&guest.stdin(arguments.to_string()));
        ended.code(0);
        assert_eq!(ended.json()["body"], body.len().to_string(), "{ended}");
        assert!(site.requests()[0].body == body.as_bytes());
    });
}

#[test]
fn a_status_that_is_no_success_is_a_result_too() {
    on_each_host(|host| {
        let site = Site::open([
            ("/broken", Page::json(&json!({"why": "pipe"})).status(500)),
            ("/empty", Page::untyped("").status(204)),
        ]);
        let calls = ["/missing", "/broken", "/empty"].map(|path| json!({"url": site.url(path)}));
        let results = fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority()));
        assert_eq!(results[0]["status"], 404, "{}", results[0]);
        has(&results[0]["body"], &["no such page"]);
        assert_eq!(results[1]["status"], 500, "{}", results[1]);
        has(&results[1]["body"], &["pipe"]);
        assert_eq!(
            (&results[2]["status"], &results[2]["body"]),
            (&json!(204), &json!(""))
        );
    });
}

#[test]
fn redirects_are_followed_and_the_last_address_is_told() {
    on_each_host(|host| {
        let other = Site::open([("/there", Page::text("Over there."))]);
        let mut pages = chain(5);
        for status in [301, 302, 303, 307, 308] {
            let to = other.url("/there");
            pages.push((format!("/away/{status}"), Page::redirect(status, &to)));
        }
        pages.push((
            "/deep/er/page".to_owned(),
            Page::redirect(302, "../er2/./x?y=1#z"),
        ));
        pages.push(("/deep/er2/x".to_owned(), Page::text("Relative.")));
        let site = Site::open(pages);
        let mut calls = vec![json!({"url": site.url("/1")})];
        calls.push(json!({"url": site.url("/deep/er/page")}));
        for status in [301, 302, 303, 307, 308] {
            calls.push(json!({"url": site.url(&format!("/away/{status}"))}));
        }
        let results = fetch_all(host, &calls, |guest| {
            guest
                .allow_fetch(&site.authority())
                .allow_fetch(&other.authority())
        });
        has(&results[0]["body"], &["The end of the chain."]);
        assert_eq!(results[0]["url"], json!(site.url("/6")));
        has(&results[1]["body"], &["Relative."]);
        let seen = site.paths();
        assert!(seen.contains(&"/deep/er2/x?y=1".to_owned()), "{seen:?}");
        for result in &results[2..] {
            assert_eq!(result["url"], json!(other.url("/there")), "{result}");
            has(&result["body"], &["Over there."]);
        }
    });
}

#[test]
fn a_redirect_keeps_or_changes_the_method_as_its_status_says() {
    on_each_host(|host| {
        let to = |status| Page::redirect(status, "/echo");
        let site = Site::open([
            ("/echo", Page::echo()),
            ("/303", to(303)),
            ("/307", to(307)),
            ("/308", to(308)),
        ]);
        let calls = ["/303", "/307", "/308"]
            .map(|path| json!({"url": site.url(path), "method": "POST", "body": "sent"}));
        let results = fetch_all(host, &calls, |guest| guest.allow_fetch(&site.authority()));
        has(&results[0]["body"], &["\"GET\"", "\"body\":\"\""]);
        for result in &results[1..] {
            has(&result["body"], &["\"POST\"", "\"body\":\"sent\""]);
        }
    });
}

#[test]
fn what_a_header_tells_one_host_is_not_told_to_the_next() {
    on_each_host(|host| {
        let other = Site::open([("/", Page::text("Over there."))]);
        let site = Site::open([
            ("/away", Page::redirect(302, &other.url("/"))),
            ("/home", Page::redirect(302, "/echo")),
            ("/echo", Page::echo()),
        ]);
        let headers = json!({"Authorization": "Bearer of-this-host", "cookie": "of-this-host"});
        let calls =
            ["/away", "/home"].map(|path| json!({"url": site.url(path), "headers": headers}));
        let results = fetch_all(host, &calls, |guest| {
            guest
                .allow_fetch(&site.authority())
                .allow_fetch(&other.authority())
        });
        has(&results[0]["body"], &["Over there."]);
        has(&results[1]["body"], &["of-this-host"]);
        for (_, value) in &other.requests()[0].headers {
            assert!(!value.contains("of-this-host"), "{value}");
        }
    });
}

#[test]
fn a_host_that_is_not_allowed_gets_nothing() {
    on_each_host_and_wire(|host, ask| {
        let other = Site::untouched();
        let site = Site::open([("/away", Page::redirect(302, &other.url("/there")))]);
        let work = Scratch::new();
        let call = |id: &str, url: String| Call::new(id, "web_fetch", json!({"url": url}));
        let model = ScriptedModel::start([
            Reply::calls([
                call("c1", other.url("/")),
                call("c2", site.url("/away")),
                call("c3", "https://elsewhere.com/".to_owned()),
            ]),
            Reply::text("Refused."),
        ]);
        let guest = ask(&work, &model, "go")
            .allow_fetch(&site.authority())
            .allow_fetch("*.elsewhere.com");
        host.run(&guest).code(0).prints("Refused.\n");
        for (_, result) in model.last_request().tool_results() {
            refused(&result, "permission_denied");
        }
        assert_eq!(other.connections(), 0);
    });
}

#[test]
fn hosts_are_allowed_by_flag_by_variable_and_by_state() {
    on_each_host(|host| {
        let site = Site::open([("/", Page::text("Welcome."))]);
        let (entry, state) = (site.authority(), Scratch::new());
        let list = json!({"allow_fetch": ["one.example", entry]});
        state.write("dewclaw.json", list.to_string());
        let arguments = json!({"url": site.url("/")});
        for how in ["flag", "variable", "state", "other port"] {
            let result = fetch(host, &arguments, |guest| match how {
                "flag" => guest.allow_fetch("one.example").allow_fetch(&entry),
                "variable" => guest.env("DEWCLAW_ALLOW_FETCH", &format!("one.example,{entry}")),
                "state" => guest.state(&state),
                _ => guest.allow_fetch("127.0.0.1:1"),
            });
            if how == "other port" {
                refused(&result, "permission_denied");
            } else {
                assert_eq!(result["body"], "Welcome.", "{how}: {result}");
            }
        }
        assert_eq!(site.connections(), 3);
    });
}

#[test]
fn without_an_allowed_host_it_says_how_to_allow_one() {
    on_each_host(|host| {
        let (site, work) = (Site::untouched(), Scratch::new());
        let url = site.url("/");
        let ended = host.run(&Guest::web_tool("web_fetch", &json!({"url": url})));
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert!(said.contains("--allow-fetch"), "{ended}");
        assert_ne!(ended.code, Some(0), "{ended}");
        let model = ScriptedModel::start([
            Reply::call("c", "web_fetch", json!({"url": url})),
            Reply::text("I can't."),
        ]);
        host.run(&Guest::ask(&work, &model, "go")).code(0);
        let requests = model.requests();
        let offered = requests[0].tool_names();
        assert!(!offered.contains(&"web_fetch"), "{offered:?}");
        assert!(requests[1].tool_result()["error"]["kind"].is_string());
        assert_eq!(site.connections(), 0);
    });
}

#[test]
fn entries_that_are_no_hosts_are_usage() {
    on_each_host(|host| {
        let site = Site::untouched();
        let arguments = json!({"url": site.url("/")});
        for entry in ["http://a.com/", "a.com/path", "*x.com", "a b", "[::1"] {
            let guest = Guest::web_tool("web_fetch", &arguments).allow_fetch(entry);
            host.run(&guest).code(2).says(&["--allow-fetch"]);
        }
        assert_eq!(site.connections(), 0);
    });
}

#[test]
fn read_only_fetches_and_sends_nothing() {
    on_each_host(|host| {
        let site = Site::open([("/", Page::text("Welcome."))]);
        let call = |method: &str| json!({"url": site.url("/"), "method": method});
        let calls = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(call);
        let results = fetch_all(host, &calls, |guest| {
            guest.allow_fetch(&site.authority()).args(["--read-only"])
        });
        assert_eq!(results[0]["body"], "Welcome.");
        assert_eq!(results[1]["status"], 200);
        for result in &results[2..] {
            refused(result, "permission_denied");
        }
        assert_eq!(site.connections(), 2);
    });
}

#[test]
fn the_offline_artifact_says_that_it_has_no_network() {
    on_each_host(|host| {
        for (name, arguments) in [
            ("web_fetch", json!({"url": "https://a.com/"})),
            ("web_search", json!({"query": "valve"})),
        ] {
            let guest = Guest::offline().args(["tool", name, &arguments.to_string()]);
            let ended = host.run(&guest);
            assert_ne!(ended.code, Some(0), "{ended}");
            ended.code(ended.code.unwrap_or_default());
            let said = format!("{}{}", ended.stdout(), ended.stderr());
            assert!(said.contains("network"), "{ended}");
        }
    });
}
