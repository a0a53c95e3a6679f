//! What a session has asked for and this host has under way: model calls, exchanges of the web, tools.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::AbortHandle;

use super::exchange::{self, Outgoing, Piece};
use super::host_tool::HostTool;
use super::http_error::{before_the_head, class};
use super::wit::{self, HttpError};
use crate::egress::{Egress, Limits, Purpose};
use crate::keys::Keys;

/// Headers of a model's reply that the session reads.
const REPLY_HEADERS: [&str; 2] = ["content-type", "retry-after"];

/// Headers of an exchange's answer that it reads.
const ANSWER_HEADERS: [&str; 4] = [
    "content-type",
    "content-encoding",
    "location",
    "retry-after",
];

/// Bytes of an error reply, which never has to end: they are enough to say what went wrong.
const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// Pieces that may wait to be told.
const WAITING: usize = 16;

/// Something that has happened and that the session is to be told.
#[derive(Debug)]
pub(super) enum Happened {
    ReplyStart(u32, u16, Vec<(String, String)>),
    ReplyChunk(u32, Vec<u8>),
    ReplyEnd(u32),
    ReplyFailed(u32, HttpError),
    OperationDone(u32, wit::Answer),
    ToolDone(String, Result<String, String>),
}

/// What is under way, by what its answer names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Reply(u32),
    Operation(u32),
    Tool(String),
}

/// Everything under way. What is dropped is told of no more.
pub(super) struct Flight {
    egress: Egress,
    keys: Keys,
    under_way: HashMap<Whose, AbortHandle>,
    report: Sender<Happened>,
    reports: Receiver<Happened>,
}

impl Flight {
    pub(super) fn new(egress: Egress, keys: Keys) -> Flight {
        let (report, reports) = channel(WAITING);
        Flight {
            egress,
            keys,
            under_way: HashMap::new(),
            report,
            reports,
        }
    }

    /// Sends a request to the model.
    pub(super) fn call_model(&mut self, call: wit::ModelCall, body: Vec<u8>) {
        let id = call.id;
        let key = self.keys.of(&call.auth.slot).map(str::to_owned);
        let (egress, report) = (self.egress.clone(), self.report.clone());
        let outgoing = Outgoing {
            method: "POST".to_owned(),
            url: call.url,
            headers: call.headers,
            auth: key.map(|key| (call.auth.scheme, key)),
            body,
            limits: limits(call.timeouts),
            purpose: Purpose::Model,
        };
        self.start(Whose::Reply(id), async move {
            let end = match reply(id, &egress, outgoing, &report).await {
                Ok(()) => Happened::ReplyEnd(id),
                Err(class) => Happened::ReplyFailed(id, class),
            };
            let _ = report.send(end).await;
        });
    }

    /// Makes an exchange of the web.
    pub(super) fn operate(&mut self, id: u32, operation: wit::HttpOperation) {
        let auth = operation.auth.and_then(|auth| {
            let key = self.keys.of(&auth.slot)?;
            Some((auth.scheme, key.to_owned()))
        });
        let (egress, report) = (self.egress.clone(), self.report.clone());
        let most = operation.max_bytes as usize;
        let total = Duration::from_millis(operation.total_ms);
        let outgoing = Outgoing {
            method: operation.method,
            url: operation.url,
            headers: operation.headers,
            auth,
            body: operation.body,
            limits: limits(operation.timeouts),
            purpose: Purpose::Web,
        };
        self.start(Whose::Operation(id), async move {
            let answer = match tokio::time::timeout(total, fetch(&egress, outgoing, most)).await {
                Ok(Ok(reply)) => wit::Answer::Reply(reply),
                Ok(Err(class)) => wit::Answer::HttpFailed(class),
                Err(_) => wit::Answer::HttpFailed(HttpError::TotalTimeout),
            };
            let _ = report.send(Happened::OperationDone(id, answer)).await;
        });
    }

    /// Runs a tool of the host's own.
    pub(super) fn run_tool(&mut self, tools: &[Arc<dyn HostTool>], call: wit::ToolCall) {
        let tool = tools
            .iter()
            .find(|tool| tool.declaration().name == call.name)
            .cloned();
        let report = self.report.clone();
        self.start(Whose::Tool(call.id.clone()), async move {
            let result = match tool {
                Some(tool) => tool.call(&call.arguments).await,
                None => Err("this host has no such tool: go on without it".to_owned()),
            };
            let _ = report.send(Happened::ToolDone(call.id, result)).await;
        });
    }

    /// Lets go of a model call.
    pub(super) fn drop_reply(&mut self, id: u32) {
        self.drop(&Whose::Reply(id));
    }

    /// Lets go of an exchange.
    pub(super) fn drop_operation(&mut self, id: u32) {
        self.drop(&Whose::Operation(id));
    }

    /// Lets go of everything.
    pub(super) fn drop_all(&mut self) {
        for (_, task) in self.under_way.drain() {
            task.abort();
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The next thing that happens; for ever nothing where nothing is under way.
    pub(super) async fn next(&mut self) -> Happened {
        loop {
            // This holds a sender itself, so the channel never ends.
            let Some(happened) = self.reports.recv().await else {
                return std::future::pending().await;
            };
            let (whose, over) = match &happened {
                Happened::ReplyStart(id, ..) | Happened::ReplyChunk(id, _) => {
                    (Whose::Reply(*id), false)
                }
                Happened::ReplyEnd(id) | Happened::ReplyFailed(id, _) => (Whose::Reply(*id), true),
                Happened::OperationDone(id, _) => (Whose::Operation(*id), true),
                Happened::ToolDone(call, _) => (Whose::Tool(call.clone()), true),
            };
            let known = if over {
                self.under_way.remove(&whose).is_some()
            } else {
                self.under_way.contains_key(&whose)
            };
            if known {
                return happened;
            }
        }
    }

    fn start(&mut self, whose: Whose, task: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(task);
        self.under_way.insert(whose, task.abort_handle());
    }

    fn drop(&mut self, whose: &Whose) {
        if let Some(task) = self.under_way.remove(whose) {
            task.abort();
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.drop_all();
    }
}

/// Tells of a model's reply, piece by piece.
async fn reply(
    id: u32,
    egress: &Egress,
    outgoing: Outgoing,
    report: &Sender<Happened>,
) -> Result<(), HttpError> {
    let mut answer = exchange::send(egress, outgoing)
        .await
        .map_err(|error| before_the_head(&error))?;
    let status = answer.status();
    let headers = answer.headers(&REPLY_HEADERS);
    let _ = report.send(Happened::ReplyStart(id, status, headers)).await;
    let mut left = if status < 300 {
        usize::MAX
    } else {
        MAX_ERROR_BODY_BYTES
    };
    while left > 0 {
        match answer.piece().await {
            Piece::Bytes(mut bytes) => {
                bytes.truncate(left);
                left -= bytes.len();
                let _ = report.send(Happened::ReplyChunk(id, bytes.to_vec())).await;
            }
            Piece::End => break,
            Piece::Failed(error) => return Err(class(&error)),
        }
    }
    Ok(())
}

/// Makes an exchange, and keeps at most `most` bytes of its body.
async fn fetch(
    egress: &Egress,
    outgoing: Outgoing,
    most: usize,
) -> Result<wit::HttpReply, HttpError> {
    let mut answer = exchange::send(egress, outgoing)
        .await
        .map_err(|error| before_the_head(&error))?;
    let (status, headers) = (answer.status(), answer.headers(&ANSWER_HEADERS));
    let mut body = Vec::new();
    let whole = loop {
        match answer.piece().await {
            Piece::Bytes(bytes) => {
                let room = most - body.len();
                body.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if bytes.len() > room {
                    // There is more than is wanted.
                    break false;
                }
            }
            Piece::End => break true,
            Piece::Failed(error) => return Err(class(&error)),
        }
    };
    Ok(wit::HttpReply {
        status,
        headers,
        body,
        whole,
    })
}

fn limits(timeouts: wit::Timeouts) -> Limits {
    Limits {
        connect: Duration::from_millis(timeouts.connect_ms),
        first_byte: Duration::from_millis(timeouts.first_byte_ms),
        between_bytes: Duration::from_millis(timeouts.between_bytes_ms),
    }
}
