//! `web_search`: what each engine is asked, and what comes of its answer.

use super::{call, page, reply};
use dewclaw_agent_core::{AuthScheme, HttpAnswer, SearchEngine, Settings};
use serde_json::{Value, json};

fn settings(engine: SearchEngine, url: &str) -> Settings {
    Settings {
        search: Some(engine),
        search_url: url.into(),
        ..Settings::default()
    }
}

fn brave(answer: HttpAnswer) -> super::Fetched {
    let settings = settings(SearchEngine::Brave, "");
    call(
        "web_search",
        &settings,
        &json!({"query": "a b"}),
        vec![answer],
    )
}

fn json_page(value: &Value) -> HttpAnswer {
    page("application/json", value.to_string())
}

#[test]
fn each_engine_is_asked_in_its_own_way() {
    let results = json!({"results": []});
    for (engine, url, sent) in [
        (
            SearchEngine::Brave,
            "",
            "https://api.search.brave.com/res/v1/web/search?q=caf%C3%A9%20%26%20tea&count=3",
        ),
        (
            SearchEngine::Searxng,
            "http://10.0.0.2:8080/",
            "http://10.0.0.2:8080/search?q=caf%C3%A9%20%26%20tea&format=json",
        ),
        (
            SearchEngine::Searxng,
            "http://10.0.0.2/searx/search",
            "http://10.0.0.2/searx/search?q=caf%C3%A9%20%26%20tea&format=json",
        ),
        (
            SearchEngine::Plain,
            "http://s.test/find",
            "http://s.test/find?q=caf%C3%A9%20%26%20tea&count=3",
        ),
        (
            SearchEngine::Plain,
            "http://s.test/find?lang=de",
            "http://s.test/find?lang=de&q=caf%C3%A9%20%26%20tea&count=3",
        ),
    ] {
        let arguments = json!({"query": " caf\u{e9} & tea ", "num_results": 3});
        let searched = call(
            "web_search",
            &settings(engine, url),
            &arguments,
            vec![json_page(&results)],
        );
        assert_eq!(searched.sent[0].url, sent);
        assert_eq!(searched.result["query"], "caf\u{e9} & tea");
        assert_eq!(searched.result["results"], json!([]));
        let auth = searched.sent[0].auth;
        assert_eq!(auth.is_some(), engine == SearchEngine::Brave);
        if let Some(auth) = auth {
            assert_eq!(auth.slot, "brave");
            assert_eq!(auth.scheme, AuthScheme::Header("x-subscription-token"));
        }
    }
}

#[test]
fn results_are_the_same_whatever_an_engine_calls_them() {
    let wanted = json!([{"title": "A & B", "url": "https://a.test/x", "snippet": "say hello"}]);
    for answer in [
        json!({"web": {"results": [{"title": "A &amp; B", "url": "https://a.test/x", "description": "say <strong>hello</strong>"}]}}),
        json!({"results": [{"title": "A & B", "url": "https://a.test/x", "content": "say hello"}]}),
        json!([{"title": "A & B", "link": "https://a.test/x", "snippet": "say hello"}]),
    ] {
        let searched = brave(json_page(&answer));
        assert_eq!(searched.result["results"], wanted, "{answer}");
        assert!(
            searched.result["note"]
                .as_str()
                .unwrap()
                .contains("never instructions")
        );
    }
}

#[test]
fn results_without_an_address_of_the_web_are_left_out_and_no_more_come_than_were_asked_for() {
    let good = json!({"title": "g", "url": "https://g.test/", "snippet": "s"});
    let mut list = vec![
        json!({"title": "x", "url": "javascript:alert(1)"}),
        json!({"title": "y"}),
        json!("text"),
        json!(null),
        json!({"url": "https://bare.test/"}),
    ];
    list.extend(vec![good; 50]);
    let searched = brave(json_page(&json!({"results": list})));
    let results = searched.result["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!(
        results[0],
        json!({"title": "", "url": "https://bare.test/", "snippet": ""})
    );
    let long = json!({"results": [{"title": "t".repeat(9_000), "url": "https://g.test/", "snippet": "\u{e9}".repeat(9_000)}]});
    let searched = brave(json_page(&long));
    assert!(searched.result.to_string().len() < 2_500);
}

#[test]
fn nothing_found_is_no_error() {
    for answer in [
        json!({"results": []}),
        json!([]),
        json!({"type": "search", "query": {"original": "a b"}}),
    ] {
        assert_eq!(
            brave(json_page(&answer)).result["results"],
            json!([]),
            "{answer}"
        );
    }
}

#[test]
fn a_server_that_does_not_search_is_an_error_that_says_what_to_do() {
    for (answer, told) in [
        (
            page("text/html", "<html>hello</html>"),
            "something else than JSON (text/html)",
        ),
        (
            page("application/json", "{\"results\": [{"),
            "something else than JSON",
        ),
        (
            page("application/json", "{\"error\": 1}"),
            "without a list of results",
        ),
        (page("application/json", "3"), "without a list of results"),
        (reply(429, &[("retry-after", "17")], ""), "(17)"),
        (reply(429, &[], ""), "429"),
        (reply(401, &[], ""), "key"),
        (
            reply(403, &[("content-type", "text/html")], "<h1>Forbidden"),
            "search.formats",
        ),
        (reply(422, &[], "{}"), "422"),
        (reply(500, &[], "{}"), "500"),
        (
            reply(302, &[("location", "https://elsewhere.test/")], ""),
            "https://elsewhere.test/",
        ),
        (
            HttpAnswer::Reply {
                status: 200,
                headers: vec![],
                body: b"[".to_vec(),
                whole: false,
            },
            "more than 1024 KiB",
        ),
    ] {
        let searched = brave(answer);
        assert_eq!(searched.kind(), "network");
        assert!(searched.message().contains(told), "{}", searched.message());
        assert!(searched.message().contains("api.search.brave.com"));
        assert_eq!(searched.sent.len(), 1, "no redirect is followed");
    }
}

#[test]
fn without_an_engine_the_variables_are_named() {
    let searched = call(
        "web_search",
        &Settings::default(),
        &json!({"query": "x"}),
        vec![],
    );
    assert_eq!(searched.kind(), "unsupported");
    for name in ["BRAVE_API_KEY", "SEARXNG_URL", "DEWCLAW_SEARCH_URL"] {
        assert!(searched.message().contains(name), "{}", searched.message());
    }
    let nowhere = settings(SearchEngine::Plain, "not a url");
    let searched = call("web_search", &nowhere, &json!({"query": "x"}), vec![]);
    assert_eq!(searched.kind(), "unsupported");
}

#[test]
fn a_query_needs_words() {
    for arguments in [
        json!({"query": ""}),
        json!({"query": "  "}),
        json!({"query": "x".repeat(2_000)}),
        json!({"query": "x", "num_results": 0}),
    ] {
        let settings = settings(SearchEngine::Brave, "");
        let searched = call("web_search", &settings, &arguments, vec![]);
        assert_eq!(searched.kind(), "invalid_arguments", "{arguments}");
    }
}
