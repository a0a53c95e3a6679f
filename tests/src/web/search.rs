//! The interfaces of search services, as pages: Brave's, SearXNG's, and a plain one.
//!
//! SearXNG's is documented at <https://docs.searxng.org/dev/search_api.html>; Brave's is the web search of its Search API. Only what a
//! client could trip over is modelled.

use super::page::Page;
use crate::loopback::Request;
use serde_json::{Value, json};

/// The path of Brave's web search.
pub const BRAVE_PATH: &str = "/res/v1/web/search";

/// One result.
#[derive(Clone, Debug)]
pub struct Hit {
    title: String,
    url: String,
    text: String,
}

impl Hit {
    /// A result with its title, its address and what the page says.
    pub fn new(title: &str, url: &str, text: &str) -> Self {
        Self {
            title: title.to_owned(),
            url: url.to_owned(),
            text: text.to_owned(),
        }
    }

    /// So many results, numbered from 1.
    pub fn many(count: usize) -> Vec<Self> {
        let numbered = |number| {
            Self::new(
                &format!("Result {number}"),
                &format!("https://site{number}.example/page"),
                &format!("What result {number} says."),
            )
        };
        (1..=count).map(numbered).collect()
    }
}

/// A search service. Its methods each give the page of one interface.
pub struct Search {
    hits: Vec<Hit>,
}

impl Search {
    /// A service that finds these, whatever is asked.
    pub fn finding(hits: impl IntoIterator<Item = Hit>) -> Self {
        let hits = hits.into_iter().collect();
        Self { hits }
    }

    /// Brave's web search, which wants `key` in X-Subscription-Token and gives at most `count` results.
    pub fn brave(self, key: &str) -> Page {
        let key = key.to_owned();
        Page::made(move |request| {
            if request.header("x-subscription-token") != Some(&key) {
                let detail = "The provided subscription token is invalid.";
                return brave_error("SUBSCRIPTION_TOKEN_INVALID", detail);
            }
            let count = parameter(request, "count").unwrap_or("20".to_owned());
            let count = count.parse().ok().filter(|count| (1..=20).contains(count));
            match (parameter(request, "q"), count) {
                (Some(query), Some(count)) if !query.is_empty() => {
                    self.found_by_brave(&query, count)
                }
                _ => brave_error("VALIDATION", "Unable to validate request parameter(s)"),
            }
        })
    }

    fn found_by_brave(&self, query: &str, count: usize) -> Page {
        let results: Vec<_> = self
            .hits
            .iter()
            .take(count)
            .map(|hit| {
                json!({
                    "title": hit.title,
                    "url": hit.url,
                    "is_source_local": false,
                    "is_source_both": false,
                    "description": hit.text,
                    "profile": {"name": "Example", "url": hit.url, "long_name": "example"},
                    "language": "en",
                    "family_friendly": true,
                    "type": "search_result",
                    "subtype": "generic",
                    "meta_url": {"scheme": "https", "hostname": "example", "path": "› page"},
                })
            })
            .collect();
        Page::json(&json!({
            "query": {"original": query, "more_results_available": true},
            "mixed": {"type": "mixed", "main": [{"type": "web", "index": 0, "all": false}]},
            "type": "search",
            "web": {"type": "search", "results": results, "family_friendly": true},
        }))
    }

    /// SearXNG's search, for `format=json` alone. It has no parameter for the number of results.
    pub fn searxng(self) -> Page {
        Page::made(move |request| {
            let query = parameter(request, "q").unwrap_or_default();
            if parameter(request, "format").as_deref() != Some("json") {
                return Page::html("<!DOCTYPE html><title>Results</title><p>For a person.</p>");
            }
            if query.is_empty() {
                return Page::json(&json!({"error": "No query"})).status(400);
            }
            let results: Vec<_> = self
                .hits
                .iter()
                .map(|hit| {
                    json!({
                        "url": hit.url,
                        "title": hit.title,
                        "content": hit.text,
                        "engine": "example",
                        "template": "default.html",
                        "engines": ["example"],
                        "positions": [1],
                        "score": 1.0,
                        "category": "general",
                    })
                })
                .collect();
            Page::json(&json!({
                "query": query,
                "number_of_results": 0,
                "results": results,
                "answers": [],
                "corrections": [],
                "infoboxes": [],
                "suggestions": ["another search"],
                "unresponsive_engines": [["slow engine", "timeout"]],
            }))
        })
    }

    /// SearXNG as it is installed, where `format=json` is not allowed.
    pub fn searxng_without_json() -> Page {
        Page::made(|request| match parameter(request, "format").as_deref() {
            None | Some("html") => Page::html("<!DOCTYPE html><title>Results</title>"),
            Some(_) => Page::html("<!doctype html><title>403 Forbidden</title><h1>Forbidden</h1>")
                .status(403),
        })
    }

    /// The plain endpoint: `results` with `title`, `url` and `snippet`, at most `count` of them.
    pub fn plain(self) -> Page {
        Page::made(move |request| Page::json(&json!({"results": self.found_plainly(request)})))
    }

    /// The plain endpoint that answers with the list itself.
    pub fn plain_list(self) -> Page {
        Page::made(move |request| Page::json(&self.found_plainly(request)))
    }

    fn found_plainly(&self, request: &Request) -> Value {
        let count = parameter(request, "count").and_then(|count| count.parse().ok());
        self.hits
            .iter()
            .take(count.unwrap_or(usize::MAX))
            .map(|hit| json!({"title": hit.title, "url": hit.url, "snippet": hit.text}))
            .collect()
    }
}

/// Brave answers 422 to a key that it does not know, too.
fn brave_error(code: &str, detail: &str) -> Page {
    let error = json!({"id": "e2e", "status": 422, "code": code, "detail": detail});
    Page::json(&json!({"type": "ErrorResponse", "error": error})).status(422)
}

/// A parameter of the query, decoded as servers do: `+` is a space.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| decoded(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits);
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            other => other,
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::site::Site;
    use super::*;
    use crate::loopback::get;

    fn asked(site: &Site, path: &str) -> (u16, Value) {
        let (status, body) = get(&site.url(path));
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    #[test]
    fn each_interface_answers_in_its_own_shape() {
        let search = || Search::finding(Hit::many(9));
        let site = Site::open([
            ("/search", search().searxng()),
            ("/plain", search().plain()),
            ("/list", search().plain_list()),
            ("/closed", Search::searxng_without_json()),
            (BRAVE_PATH, search().brave("k")),
        ]);
        let (_, found) = asked(&site, "/search?q=a%20b+c&format=json");
        assert_eq!(found["query"], "a b c");
        assert_eq!(found["results"][8]["content"], "What result 9 says.");
        let (_, found) = asked(&site, "/plain?q=x&count=2");
        assert_eq!(found["results"].as_array().map(Vec::len), Some(2));
        assert_eq!(asked(&site, "/list?q=x").1[0]["title"], "Result 1");
        assert_eq!(asked(&site, "/closed?q=x&format=json").0, 403);
        assert_eq!(asked(&site, "/search?q=x").1, Value::Null);
        let (status, refused) = asked(&site, &format!("{BRAVE_PATH}?q=x"));
        assert_eq!(status, 422);
        assert_eq!(refused["error"]["code"], "SUBSCRIPTION_TOKEN_INVALID");
    }
}
