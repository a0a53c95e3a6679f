//! web_search: the three interfaces that it speaks, services that don't speak them, and that the key goes nowhere else.

use crate::tools::exit_code_of;
use crate::web_fetch::refused;
use e2e::guest::Guest;
use e2e::host::{Host, on_each_host, on_each_host_and_wire};
use e2e::loopback::ClosedPort;
use e2e::scratch::Scratch;
use e2e::scripted_model::{Reply, ScriptedModel};
use e2e::web::{BRAVE_PATH, Hit, Page, Search, Site};
use serde_json::{Value, json};

const KEY: &str = "BSA-e2e-never-shown";

/// Runs `tool web_search` and returns its result, which the exit code must agree with.
fn search(host: Host, arguments: &Value, configure: impl FnOnce(Guest) -> Guest) -> Value {
    let ended = host.run(&configure(Guest::web_tool("web_search", arguments)));
    ended.keeps(KEY);
    let result = ended.json();
    ended.code(exit_code_of(&result));
    result
}

/// Searches a SearXNG that is this page.
fn search_at(host: Host, page: Page) -> Value {
    let site = Site::open([("/search", page)]);
    search(host, &json!({"query": "valve"}), |guest| {
        guest.env("SEARXNG_URL", &site.url(""))
    })
}

/// A state folder whose settings send Brave's searches to this site.
fn brave_at(site: &Site) -> Scratch {
    let settings = json!({"search": "brave", "search_url": site.url(BRAVE_PATH)});
    Scratch::with(&[("dewclaw.json", &settings.to_string())])
}

fn hits() -> Vec<Hit> {
    vec![
        Hit::new(
            "Valves &amp; taps",
            "https://valves.example/a?b=1&c=2",
            "Turn the <strong>red</strong> valve &quot;clockwise&quot; &#39;til it&#x27;s shut &lt;1 bar",
        ),
        Hit::new("Über Ventile", "https://ventil.example/", "Straße, 好, 🦀"),
    ]
}

/// Asserts the two results of [`hits`].
#[track_caller]
fn found(result: &Value) {
    let expected = json!([
        {
            "title": "Valves & taps",
            "url": "https://valves.example/a?b=1&c=2",
            "snippet": "Turn the red valve \"clockwise\" 'til it's shut <1 bar",
        },
        {"title": "Über Ventile", "url": "https://ventil.example/", "snippet": "Straße, 好, 🦀"},
    ]);
    assert_eq!(result["results"], expected, "{result}");
    assert_eq!(result["query"], "red valve");
    assert!(
        result["note"].as_str().is_some_and(|note| !note.is_empty()),
        "what was found is marked as data: {result}"
    );
}

#[test]
fn brave_is_asked_with_its_key() {
    on_each_host(|host| {
        let site = Site::open([(BRAVE_PATH, Search::finding(hits()).brave(KEY))]);
        let state = brave_at(&site);
        state.write("keys/brave.txt", format!("{KEY}\n"));
        for how in ["variable", "file"] {
            let result = search(host, &json!({"query": "red valve"}), |guest| {
                let guest = guest.state(&state);
                match how {
                    "variable" => guest.env("BRAVE_API_KEY", KEY),
                    _ => guest.env("BRAVE_API_KEY_FILE", "keys/brave.txt"),
                }
            });
            found(&result);
        }
        for request in site.requests() {
            assert_eq!(request.method, "GET");
            assert_eq!(request.path, format!("{BRAVE_PATH}?q=red%20valve&count=5"));
            assert_eq!(request.header("x-subscription-token"), Some(KEY));
        }
    });
}

#[test]
fn searxng_is_asked_for_json() {
    on_each_host(|host| {
        let site = Site::open([
            ("/search", Search::finding(hits()).searxng()),
            ("/sub/search", Search::finding(hits()).searxng()),
        ]);
        for base in ["", "/", "/sub", "/sub/"] {
            let url = site.url(base);
            let result = search(host, &json!({"query": "red valve"}), |guest| {
                guest.env("SEARXNG_URL", &url)
            });
            found(&result);
        }
        let whole = "/search?q=red%20valve&format=json";
        let below = format!("/sub{whole}");
        assert_eq!(site.paths(), [whole, whole, &below, &below]);
    });
}

#[test]
fn a_plain_endpoint_is_asked_by_query_and_count() {
    on_each_host(|host| {
        let site = Site::open([
            ("/find", Search::finding(hits()).plain()),
            ("/list", Search::finding(hits()).plain_list()),
        ]);
        let arguments = json!({"query": "red valve", "num_results": 3});
        for path in ["/find", "/list", "/find?lang=de"] {
            let result = search(host, &arguments, |guest| {
                guest.env("DEWCLAW_SEARCH_URL", &site.url(path))
            });
            found(&result);
        }
        assert_eq!(
            site.paths(),
            [
                "/find?q=red%20valve&count=3",
                "/list?q=red%20valve&count=3",
                "/find?lang=de&q=red%20valve&count=3"
            ]
        );
    });
}

#[test]
fn a_query_is_encoded_by_rfc_3986() {
    on_each_host(|host| {
        let site = Site::open([("/find", Search::finding([]).plain())]);
        let query = "Öl & \"50%+1\"? a/b=c#d ~-._ 🦀";
        let result = search(host, &json!({"query": query, "num_results": 1}), |guest| {
            guest.env("DEWCLAW_SEARCH_URL", &site.url("/find"))
        });
        assert_eq!(
            (&result["query"], &result["results"]),
            (&json!(query), &json!([]))
        );
        let encoded = "%C3%96l%20%26%20%2250%25%2B1%22%3F%20a%2Fb%3Dc%23d%20~-._%20%F0%9F%A6%80";
        assert_eq!(site.paths(), [format!("/find?q={encoded}&count=1")]);
    });
}

#[test]
fn a_model_searches() {
    on_each_host_and_wire(|host, ask| {
        let site = Site::open([("/search", Search::finding(Hit::many(40)).searxng())]);
        let work = Scratch::new();
        let call = |id: &str, arguments: Value| Reply::call(id, "web_search", arguments);
        let model = ScriptedModel::start([
            call("c1", json!({"query": "valve"})),
            call("c2", json!({"query": "valve", "num_results": 2})),
            Reply::text("Found."),
        ]);
        let guest = ask(&work, &model, "look it up").env("SEARXNG_URL", &site.url(""));
        host.run(&guest).code(0).prints("Found.\n");
        let requests = model.requests();
        let offered = requests[0].tool_names();
        assert!(offered.contains(&"web_search"), "{offered:?}");
        assert!(!offered.contains(&"web_fetch"), "{offered:?}");
        for (request, count) in requests[1..].iter().zip([5, 2]) {
            let result = request.tool_result();
            let results = result["results"].as_array().map_or(&[][..], Vec::as_slice);
            assert_eq!(results.len(), count, "{result}");
            assert_eq!(results[1]["title"], "Result 2");
        }
    });
}

#[test]
fn where_nothing_is_configured_the_variables_are_named() {
    on_each_host(|host| {
        let result = search(host, &json!({"query": "valve"}), |guest| guest);
        let message = refused(&result, "unsupported");
        for name in ["BRAVE_API_KEY", "SEARXNG_URL", "DEWCLAW_SEARCH_URL"] {
            assert!(message.contains(name), "{name}: {message}");
        }
        let (work, model) = (Scratch::new(), ScriptedModel::start([Reply::text("ok")]));
        host.run(&Guest::ask(&work, &model, "hi")).code(0);
        let request = model.only_request();
        let offered = request.tool_names();
        assert!(!offered.contains(&"web_search"), "{offered:?}");
    });
}

#[test]
fn one_of_several_services_is_picked_by_name() {
    on_each_host(|host| {
        let searxng = Site::open([("/search", Search::finding(hits()).searxng())]);
        let plain = Site::open([("/find", Search::finding(hits()).plain())]);
        let pick = |name: &str| {
            Guest::web_tool("web_search", &json!({"query": "red valve"}))
                .env("BRAVE_API_KEY", KEY)
                .env("SEARXNG_URL", &searxng.url(""))
                .env("DEWCLAW_SEARCH_URL", &plain.url("/find"))
                .env("DEWCLAW_SEARCH", name)
        };
        for name in ["searxng", "plain"] {
            let ended = host.run(&pick(name));
            found(&ended.code(0).json());
        }
        for site in [&searxng, &plain] {
            assert_eq!(site.requests().len(), 1);
            assert_eq!(site.requests()[0].header("x-subscription-token"), None);
        }
        host.run(&pick("altavista"))
            .code(2)
            .says(&["DEWCLAW_SEARCH", "brave", "searxng", "plain"])
            .keeps(KEY);
        let without_key = Guest::web_tool("web_search", &json!({"query": "a"}));
        let ended = host.run(&without_key.env("DEWCLAW_SEARCH", "brave"));
        let said = format!("{}{}", ended.stdout(), ended.stderr());
        assert!(said.contains("BRAVE_API_KEY"), "{ended}");
        assert_ne!(ended.code, Some(0), "{ended}");
    });
}

#[test]
fn wrong_arguments_are_named_and_nothing_is_sent() {
    on_each_host(|host| {
        let site = Site::untouched();
        for arguments in [
            json!({}),
            json!({"query": ""}),
            json!({"query": 7}),
            json!({"query": "a", "num_results": 0}),
            json!({"query": "a", "num_results": "five"}),
            json!({"query": "a", "limit": 3}),
        ] {
            let result = search(host, &arguments, |guest| {
                guest.env("SEARXNG_URL", &site.url(""))
            });
            eprintln!("searching {arguments}");
            refused(&result, "invalid_arguments");
        }
        assert_eq!(site.connections(), 0);
    });
}

#[test]
fn services_that_answer_something_else() {
    on_each_host(|host| {
        let busy = json!({"error": "Too many requests"});
        let rows = [
            (Page::html("<title>Sign in</title>"), "json"),
            (Search::searxng_without_json(), "403"),
            (
                Page::json(&busy).status(429).header("retry-after", "7"),
                "429",
            ),
            (Page::text("Oops").status(500), "500"),
            (
                Page::redirect(302, "https://elsewhere.example/"),
                "redirect",
            ),
            (Page::of("application/json", "{\"results\": ["), "json"),
            (Page::untyped(""), "json"),
            (Page::of("application/json", b"\xff\xfe\0\0"), "json"),
            (Page::of("application/json", "[".repeat(100_000)), "json"),
            (Page::json(&json!({"hello": "world"})), "results"),
            (Page::json(&json!({"results": "many"})), "results"),
            (Page::hang_up(), ""),
        ];
        for (page, word) in rows {
            let result = search_at(host, page);
            let message = refused(&result, "network").to_lowercase();
            assert!(message.contains(word), "{word:?}: {message}");
        }
        // Where the guest reads the head itself, it says what is wrong with it.
        let kind = if host == Host::Wamr {
            "too_large"
        } else {
            "network"
        };
        refused(&search_at(host, Page::with_headers(10_000)), kind);
        let closed = ClosedPort::new();
        let result = search(host, &json!({"query": "valve"}), |guest| {
            guest.env("SEARXNG_URL", &closed.url())
        });
        refused(&result, "network");
    });
}

#[test]
fn searxng_without_json_says_what_to_turn_on() {
    on_each_host(|host| {
        let result = search_at(host, Search::searxng_without_json());
        let message = refused(&result, "network").to_lowercase();
        assert!(
            message.contains("403") && message.contains("json"),
            "{message}"
        );
    });
}

#[test]
fn results_that_are_odd_leave_the_sound_ones() {
    on_each_host(|host| {
        let result = search_at(
            host,
            Page::json(&json!({"query": "valve", "results": [
                {"title": "Script", "url": "javascript:alert(1)", "content": "No."},
                {"title": "Data", "url": "data:text/html,hi", "content": "No."},
                {"title": "No address", "content": "No."},
                {"title": 7, "url": 8, "content": 9},
                "no object", null, [], {},
                {"url": "https://bare.example/"},
                {"title": null, "url": "https://nulls.example/", "content": null},
                {"title": "Sound", "url": "https://sound.example/", "content": "Yes."},
            ]})),
        );
        let text = result["results"].to_string();
        assert!(
            text.contains("https://sound.example/") && text.contains("Yes."),
            "{result}"
        );
        for gone in ["javascript:", "data:", "No address"] {
            assert!(!text.contains(gone), "{gone}: {result}");
        }
    });
}

#[test]
fn huge_answers_are_cut_off() {
    on_each_host(|host| {
        let long = Hit::new(
            "Long",
            "https://long.example/",
            &"many words ".repeat(20_000),
        );
        let hits = [long].into_iter().chain(Hit::many(2_000));
        let result = search_at(host, Search::finding(hits).searxng());
        let results = result["results"].as_array().map_or(0, Vec::len);
        assert_eq!(results, 5, "{}", result["error"]);
        assert!(result.to_string().len() < 65_536, "it fits a model");

        let site = Site::open([("/search", Page::endless())]);
        let result = search(host, &json!({"query": "valve"}), |guest| {
            guest.env("SEARXNG_URL", &site.url(""))
        });
        assert!(result["error"]["kind"].is_string(), "{result}");
        assert!(site.sent() < 24 << 20, "{} bytes were taken", site.sent());
    });
}

/// Asks a model that searches by Brave at this page; asserts that the key stays out of the outputs, of what the model is told, and of
/// the recording. Returns what the model was told.
fn search_recorded(host: Host, page: Page) -> Value {
    let site = Site::open([(BRAVE_PATH, page)]);
    let (work, state) = (Scratch::new(), brave_at(&site));
    let model = ScriptedModel::start([
        Reply::call("c", "web_search", json!({"query": "red valve"})),
        Reply::text("Done."),
    ]);
    let guest = Guest::ask(&work, &model, "look")
        .state(&state)
        .env("BRAVE_API_KEY", KEY)
        .args(["--json", "--record", "run.rec"]);
    host.run(&guest).code(0).keeps(KEY);
    for request in model.requests() {
        let text = format!("{:?}{}", request.http.headers, request.json);
        assert!(!text.contains(KEY), "{text}");
    }
    let recording = state.read("run.rec");
    assert!(recording.contains("red valve"), "the control");
    assert!(!recording.contains(KEY), "{recording}");
    assert_eq!(site.requests()[0].header("x-subscription-token"), Some(KEY));
    model.last_request().tool_result()
}

#[test]
fn the_key_is_shown_nowhere() {
    on_each_host(|host| {
        found(&search_recorded(host, Search::finding(hits()).brave(KEY)));
        let detail = format!("The token {KEY} is not known.");
        let echoing = json!({"type": "ErrorResponse", "error": {"detail": detail}});
        let result = search_recorded(host, Page::json(&echoing).status(422));
        let message = refused(&result, "network");
        assert!(message.contains("422"), "{message}");
        let work = Scratch::new();
        let doctor = Guest::dewclaw().workspace(&work).env("BRAVE_API_KEY", KEY);
        let ended = host.run(&doctor.args(["doctor"]));
        ended.code(2).keeps(KEY);
        assert!(ended.stdout().contains("web_search"), "{ended}");
    });
}

#[test]
fn the_key_goes_to_brave_alone() {
    on_each_host(|host| {
        let brave = Site::open([(BRAVE_PATH, Search::finding(hits()).brave(KEY))]);
        let (searxng, plain) = (Site::untouched(), Site::untouched());
        let state = brave_at(&brave);
        let result = search(host, &json!({"query": "red valve"}), |guest| {
            guest
                .state(&state)
                .env("BRAVE_API_KEY", KEY)
                .env("SEARXNG_URL", &searxng.url(""))
                .env("DEWCLAW_SEARCH_URL", &plain.url("/find"))
                .env("DEWCLAW_SEARCH", "brave")
        });
        assert_eq!((searxng.connections(), plain.connections()), (0, 0));
        found(&result);
    });
}

#[test]
fn the_key_does_not_follow_a_redirect() {
    on_each_host(|host| {
        let thief = Site::untouched();
        let page = Page::redirect(307, &thief.url(BRAVE_PATH));
        let result = search_recorded(host, page);
        refused(&result, "network");
        assert_eq!(thief.connections(), 0);
    });
}
