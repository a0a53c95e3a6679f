//! The script as it is followed: what was asked, what is answered, and which rules were broken.

use super::reply::Reply;
use super::wire::{self, Wire};
use super::{messages_rules, rules};
use crate::loopback::Request;
use serde_json::Value;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Replies, and the requests that asked for them. It knows nothing of sockets, so that a host can also answer from it directly.
pub struct Script {
    replies: Replies,
    key: Option<String>,
    followed: Mutex<Followed>,
    arrived: Condvar,
}

enum Replies {
    InTurn(Vec<Reply>),
    Always(Reply),
}

#[derive(Default)]
struct Followed {
    requests: Vec<Received>,
    given: usize,
    faults: Vec<String>,
}

/// A request that reached the model.
#[derive(Clone, Debug)]
pub struct Received {
    /// The request as it was on the wire.
    pub http: Request,
    /// Its body as JSON; null when it is not.
    pub json: Value,
}

impl Received {
    /// The messages of the conversation.
    pub fn messages(&self) -> &[Value] {
        self.json["messages"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The results that the last turn's tool calls had, in their order: call id and the result as JSON (null when it is not).
    pub fn tool_results(&self) -> Vec<(String, Value)> {
        let result = |holder: &Value, id: &str| {
            let text = holder["content"].as_str().unwrap_or_default();
            let id = holder[id].as_str().unwrap_or_default().to_owned();
            (id, serde_json::from_str(text).unwrap_or(Value::Null))
        };
        if Wire::of_path(&self.http.path) == Some(Wire::Messages) {
            let content = self.messages().last().map(|message| &message["content"]);
            let blocks = content.and_then(Value::as_array);
            return blocks
                .into_iter()
                .flatten()
                .filter(|block| block["type"] == "tool_result")
                .map(|block| result(block, "tool_use_id"))
                .collect();
        }
        let mut results: Vec<_> = self
            .messages()
            .iter()
            .rev()
            .take_while(|message| message["role"] == "tool")
            .map(|message| result(message, "tool_call_id"))
            .collect();
        results.reverse();
        results
    }

    /// The result of the only tool call of the last turn.
    pub fn tool_result(&self) -> Value {
        let mut results = self.tool_results();
        assert_eq!(
            results.len(),
            1,
            "one tool result was expected in {}",
            self.json
        );
        results.remove(0).1
    }

    /// The names of the tools that were offered.
    pub fn tool_names(&self) -> Vec<&str> {
        let tools = self.json["tools"].as_array().map_or(&[][..], Vec::as_slice);
        tools
            .iter()
            .filter_map(|tool| tool["function"]["name"].as_str().or(tool["name"].as_str()))
            .collect()
    }
}

/// The rules of chat completions that this body of a request broke, as sentences.
pub fn judge(body: &[u8]) -> Vec<String> {
    match serde_json::from_slice(body) {
        Ok(json) => rules::of_body(&json),
        Err(error) => vec![format!("the body is not JSON: {error}")],
    }
}

/// One reply as bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers without those of the framing.
    pub headers: Vec<(String, String)>,
    /// The content-length that is promised; a chunked body without it.
    pub length: Option<usize>,
    /// The body in the pieces in which it is sent.
    pub cuts: Vec<Vec<u8>>,
    /// What follows the last piece.
    pub ending: Ending,
}

/// What follows the last piece of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The end that the framing promised.
    Complete,
    /// The connection closes.
    Close,
    /// Nothing, for as long as the server runs.
    Stall,
    /// Nothing, not even a head was sent.
    Silence,
    /// The connection closes, without even a head.
    HangUp,
}

impl Script {
    /// Each of these replies once.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::of(Replies::InTurn(replies.into_iter().collect()))
    }

    /// This reply again and again.
    pub fn repeating(reply: Reply) -> Self {
        Self::of(Replies::Always(reply))
    }

    fn of(replies: Replies) -> Self {
        Self {
            replies,
            key: None,
            followed: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Answers 401 to a request without this key.
    pub fn requiring_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The answer to `request`, which is judged and kept.
    pub fn answer(&self, request: &Request) -> Answer {
        let parsed = serde_json::from_slice(&request.body);
        let json = parsed.as_ref().cloned().unwrap_or(Value::Null);
        let mut followed = self.followed();
        let number = followed.requests.len() + 1;
        let wire = Wire::of_path(&request.path).unwrap_or(Wire::ChatCompletions);
        let mut broken = rules::of_http(request);
        match &parsed {
            Ok(json) if wire == Wire::Messages => broken.extend(messages_rules::of_body(json)),
            Ok(json) => broken.extend(rules::of_body(json)),
            Err(error) => broken.push(format!("the body is not JSON: {error}")),
        }
        let sentences: Vec<_> = broken
            .iter()
            .map(|rule| format!("request {number}: {rule}"))
            .collect();
        followed.faults.extend(sentences);
        followed.requests.push(Received {
            http: request.clone(),
            json: json.clone(),
        });
        self.arrived.notify_all();
        if !broken.is_empty() {
            return wire::encode(
                &Reply::error(400, &broken.join("; "), "invalid_request_error", None),
                wire,
                &json,
            );
        }
        let (header, expected) = match wire {
            Wire::Messages => ("x-api-key", self.key.clone()),
            Wire::ChatCompletions => (
                "authorization",
                self.key.as_ref().map(|key| format!("Bearer {key}")),
            ),
        };
        if expected.is_some() && expected.as_deref() != request.header(header) {
            let message = "Incorrect API key provided.";
            return wire::encode(
                &Reply::error(
                    401,
                    message,
                    "invalid_request_error",
                    Some("invalid_api_key"),
                ),
                wire,
                &json,
            );
        }
        let given = followed.given;
        followed.given += 1;
        let reply = match &self.replies {
            Replies::Always(reply) => Some(reply),
            Replies::InTurn(replies) => replies.get(given),
        };
        let Some(reply) = reply else {
            followed.faults.push(format!(
                "request {number}: the script has only {given} replies"
            ));
            return wire::encode(
                &Reply::error(400, "the script is over", "invalid_request_error", None),
                wire,
                &json,
            );
        };
        wire::encode(reply, wire, &json)
    }

    /// The requests so far, in their order.
    pub fn requests(&self) -> Vec<Received> {
        self.followed().requests.clone()
    }

    /// Waits until so many requests have arrived. Panics when that takes longer than `patience`.
    pub fn wait_for(&self, requests: usize, patience: Duration) {
        let waiting = |followed: &mut Followed| followed.requests.len() < requests;
        let waited = self
            .arrived
            .wait_timeout_while(self.followed(), patience, waiting);
        let (followed, waited) = waited.unwrap_or_else(|poison| poison.into_inner());
        let arrived = followed.requests.len();
        assert!(
            !waited.timed_out(),
            "only {arrived} of {requests} requests came in {patience:?}"
        );
    }

    /// What was wrong so far: broken rules of the wire, and replies that were not asked for.
    pub fn faults(&self) -> Vec<String> {
        let followed = self.followed();
        let mut faults = followed.faults.clone();
        if let Replies::InTurn(replies) = &self.replies
            && followed.given < replies.len()
        {
            faults.push(format!(
                "only {} of {} replies were asked for",
                followed.given,
                replies.len()
            ));
        }
        faults
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}
