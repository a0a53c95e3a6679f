//! `web_search`: what a search engine finds.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{Method, has, trim};

use super::error::{ErrorKind, ToolError};
use super::web::{Headers, NOTE, add_header, failed, header, request, wrong_answer};
use super::{Step, Task, Tool, Writes, count_argument, text_argument};
use crate::effect::{Auth, AuthScheme, Operation, OperationAnswer};
use crate::html;
use crate::json::{Array, Object, Value, decimal, parse_within};
use crate::operation::{HttpAnswer, HttpOperation};
use crate::settings::limits::WHOLE;
use crate::settings::{Limits, SearchEngine, Settings};
use crate::template::fill;
use crate::url::{Url, push_query, without_end};

/// Bytes of an answer.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The most results of one call: Brave's own limit.
const MAX_RESULTS: u64 = 20;

/// Bytes of a title or a snippet.
const MAX_TEXT_BYTES: usize = 600;

/// Bytes of a query.
const MAX_QUERY_BYTES: usize = 1024;

/// What to set where nothing is.
pub const SEARCH_VARIABLES: &str =
    "set BRAVE_API_KEY, or SEARXNG_URL, or DEWCLAW_SEARCH_URL (any address that takes ?q=&count=)";

pub(crate) const TOOL: Tool = Tool {
    name: "web_search",
    description: "Searches the web: titles, addresses and snippets.",
    parameters: r#"{"type":"object","properties":{"query":{"type":"string"},"num_results":{"type":"integer","minimum":1,"description":"default 5, at most 20"}},"required":["query"],"additionalProperties":false}"#,
    writes: Writes::Never,
    networked: true,
    start,
};

fn start(arguments: &Value, settings: &Settings) -> Result<Box<dyn Task>, ToolError> {
    let query = trim(text_argument(arguments, "query"));
    if query.is_empty() || query.len() > MAX_QUERY_BYTES {
        return Err(ToolError::invalid(
            "the query must have words, and at most 1,024 bytes",
            &[],
        ));
    }
    let Some(engine) = settings.search else {
        return Err(ToolError::new(
            ErrorKind::Unsupported,
            "web search is not configured: the operator can %",
            &[SEARCH_VARIABLES],
        ));
    };
    let count = count_argument(arguments, "num_results", 5).min(MAX_RESULTS);
    let base = match settings.search_url.as_str() {
        "" => engine.default_url(),
        url => without_end(url, "/"),
    };
    let mut address = base.to_string();
    if engine == SearchEngine::Searxng && !base.ends_with("/search") {
        address.push_str("/search");
    }
    address.push_str(if has(base.as_bytes(), b'?') {
        "&q="
    } else {
        "?q="
    });
    push_query(&mut address, query);
    let (name, value) = match engine {
        SearchEngine::Searxng => ("&format=", "json".to_string()),
        SearchEngine::Brave | SearchEngine::Plain => ("&count=", decimal(count)),
    };
    address.push_str(name);
    address.push_str(&value);
    let url = Url::parse(&address).map_err(|why| {
        let message = "the search address %: the operator must mend it";
        ToolError::new(ErrorKind::Unsupported, message, &[why])
    })?;
    let mut headers = Headers::new();
    add_header(&mut headers, "accept", "application/json");
    let mut operation = request(
        settings,
        Method::Get,
        &url,
        headers,
        settings.limits.of(WHOLE, MAX_BODY_BYTES),
    );
    if engine == SearchEngine::Brave {
        operation.auth = Some(Auth {
            slot: "brave",
            scheme: AuthScheme::Header("x-subscription-token"),
        });
    }
    Ok(Box::new(WebSearch {
        host: url.authority(),
        operation: Some(operation),
        query: query.to_string(),
        count: count as usize,
        limits: settings.limits,
    }))
}

struct WebSearch {
    operation: Option<HttpOperation>,
    host: String,
    query: String,
    count: usize,
    limits: Limits,
}

impl Task for WebSearch {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        if let Some(operation) = self.operation.take() {
            return Step::Operate(Operation::Http(operation));
        }
        Step::Done(match answer {
            Some(OperationAnswer::Http(HttpAnswer::Reply {
                status,
                headers,
                body,
                whole,
            })) => self.result(status, &headers, &body, whole),
            Some(OperationAnswer::Http(HttpAnswer::Failed(error))) => {
                Err(failed(&self.host, error))
            }
            _ => Err(wrong_answer()),
        })
    }
}

impl WebSearch {
    fn result(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        whole: bool,
    ) -> Result<Vec<u8>, ToolError> {
        match status {
            200..=299 => {}
            300..=399 => {
                return Err(self.error(
                    "redirects to %: the operator must set that address",
                    &[header(headers, "location")],
                ));
            }
            401 | 403 => {
                return Err(self.error("refused with status %: the operator must check its key, or switch on its JSON format (SearXNG: search.formats)", &[&decimal(status.into())]));
            }
            429 => {
                let seconds = header(headers, "retry-after");
                let when = if seconds.is_empty() {
                    "a while"
                } else {
                    seconds
                };
                return Err(self.error(
                    "has had too many searches (status 429): wait (%), or go on without",
                    &[when],
                ));
            }
            _ => {
                return Err(self.error(
                    "failed with status %: try once more, or go on without",
                    &[&decimal(status.into())],
                ));
            }
        }
        if !whole {
            let most = self.limits.of(WHOLE, MAX_BODY_BYTES) as u64 / 1024;
            return Err(self.error(
                "answered with more than % KiB: ask for fewer results",
                &[&decimal(most)],
            ));
        }
        let answer = parse_within(body, self.limits.values()).map_err(|_| {
            self.error("answered with something else than JSON (%): the operator must check the search address", &[header(headers, "content-type")])
        })?;
        let found = found(&answer).ok_or_else(|| {
            self.error(
                "answered without a list of results: the operator must check the search address",
                &[],
            )
        })?;
        let mut results = Array::new();
        let mut left = self.count;
        for found in found {
            if left == 0 {
                break;
            }
            if let Some(result) = result(found) {
                results.raw(&result);
                left -= 1;
            }
        }
        Ok(Object::new()
            .text("note", NOTE)
            .text("query", &self.query)
            .raw("results", &results.finish())
            .finish())
    }

    fn error(&self, why: &str, parts: &[&str]) -> ToolError {
        let why = fill(why, parts);
        ToolError::new(
            ErrorKind::Network,
            "the search server % %",
            &[&self.host, &why],
        )
    }
}

/// The results, wherever an engine puts them.
fn found(answer: &Value) -> Option<&[Value]> {
    if let Value::Array(results) = answer {
        return Some(results);
    }
    for path in &["web/results", "results"] {
        if let Some(Value::Array(results)) = answer.get(path) {
            return Some(results);
        }
    }
    // Brave leaves the list out where nothing was found.
    (answer.text("type") == Some("search")).then_some(&[])
}

/// A result in the tool's own form; `None` for one without an address of the web.
fn result(found: &Value) -> Option<Vec<u8>> {
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| found.text(name))
            .unwrap_or_default()
    };
    let url = Url::parse(first(&["url", "link"])).ok()?.text();
    let plain = |text: &str| html::to_text(text, MAX_TEXT_BYTES, &|_| None).0;
    Some(
        Object::new()
            .text("title", &plain(first(&["title"])))
            .text("url", &url)
            .text(
                "snippet",
                &plain(first(&["snippet", "description", "content"])),
            )
            .finish(),
    )
}
