//! What a script says: one reply of the model, well-formed or broken on purpose.

use super::script::Answer;
use super::wire::{self, Wire};
use serde_json::Value;

/// One reply of a scripted model.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) content: Content,
    pub(super) headers: Vec<(String, String)>,
    /// Where the body is cut. Without it a stream is cut between its events and anything else is one piece.
    pub(super) cut_every: Option<usize>,
    pub(super) fault: Option<Fault>,
}

/// What a reply carries.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A completion, streamed or plain as the request asks.
    Completion(Completion),
    /// An error in the form of the wire that the request is in.
    Error {
        status: u16,
        message: String,
        kind: String,
        code: Option<String>,
    },
    /// A status and a body as they are, with a content-length.
    Body { status: u16, body: Vec<u8> },
    /// A body of type text/event-stream in these cuts, chunked.
    Stream(Vec<Vec<u8>>),
    /// Nothing: the model never answers.
    Silence,
    /// Nothing: the connection closes instead of an answer.
    HangUp,
}

/// A well-formed turn of the assistant.
#[derive(Clone, Debug, Default)]
pub(super) struct Completion {
    pub(super) text: Vec<String>,
    pub(super) reasoning: Option<String>,
    pub(super) calls: Vec<Call>,
    pub(super) usage: Option<(u64, u64)>,
    pub(super) finish_reason: Option<String>,
}

/// Where a reply breaks off.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The connection closes after so many bytes of the body.
    CloseAfter(usize),
    /// Nothing comes any more after so many bytes of the body.
    StallAfter(usize),
}

/// One call of a tool by the model.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Call {
    /// A call with an id and arguments.
    pub fn new(id: &str, name: &str, arguments: Value) -> Self {
        Self::raw(id, name, &arguments.to_string())
    }

    /// A call whose arguments are this text, JSON or not.
    pub fn raw(id: &str, name: &str, arguments: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    /// A call without an id, as some servers send.
    pub fn without_id(name: &str, arguments: Value) -> Self {
        Self {
            id: None,
            ..Self::new("", name, arguments)
        }
    }
}

impl Reply {
    fn of(content: Content) -> Self {
        Self {
            content,
            headers: Vec::new(),
            cut_every: None,
            fault: None,
        }
    }

    fn completion(&mut self) -> &mut Completion {
        match &mut self.content {
            Content::Completion(completion) => completion,
            other => panic!("only a completion has this part, not {other:?}"),
        }
    }

    /// The bytes of this reply to a request for chat completions with the body `asked`, which decides whether it is streamed.
    pub fn answer(&self, asked: &Value) -> Answer {
        wire::encode(self, Wire::ChatCompletions, asked)
    }

    /// The assistant says this; streamed in pieces that are a few characters long.
    pub fn text(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let pieces: Vec<String> = letters
            .chunks(5)
            .map(|piece| piece.iter().collect())
            .collect();
        Self::of(Content::Completion(Completion {
            text: pieces,
            ..Completion::default()
        }))
    }

    /// The assistant calls these tools in one turn.
    pub fn calls(calls: impl IntoIterator<Item = Call>) -> Self {
        Self::of(Content::Completion(Completion {
            calls: calls.into_iter().collect(),
            ..Completion::default()
        }))
    }

    /// The assistant calls one tool.
    pub fn call(id: &str, name: &str, arguments: Value) -> Self {
        Self::calls([Call::new(id, name, arguments)])
    }

    /// The assistant thinks this aloud before it answers (the `reasoning_content` of vLLM, llama.cpp and others, or a signed block).
    pub fn reasoning(mut self, text: &str) -> Self {
        self.completion().reasoning = Some(text.to_owned());
        self
    }

    /// The assistant also says this, before its calls.
    pub fn saying(mut self, text: &str) -> Self {
        self.completion().text = vec![text.to_owned()];
        self
    }

    /// The tokens that the server counted: of the prompt, and of the reply.
    pub fn usage(mut self, input: u64, output: u64) -> Self {
        self.completion().usage = Some((input, output));
        self
    }

    /// Ends for this reason instead of `stop` or `tool_calls`.
    pub fn finish_reason(mut self, reason: &str) -> Self {
        self.completion().finish_reason = Some(reason.to_owned());
        self
    }

    /// An error as the public API words it. The messages wire has a kind of its own for each status, and no code.
    pub fn error(status: u16, message: &str, kind: &str, code: Option<&str>) -> Self {
        Self::of(Content::Error {
            status,
            message: message.to_owned(),
            kind: kind.to_owned(),
            code: code.map(str::to_owned),
        })
    }

    /// This JSON with this status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string().as_bytes())
    }

    /// This body with this status and type.
    pub fn body(status: u16, kind: &str, body: &[u8]) -> Self {
        let body = body.to_vec();
        Self::of(Content::Body { status, body }).header("content-type", kind)
    }

    /// These bytes as an event stream, each cut flushed by itself, the framing whole.
    pub fn stream<Cut: AsRef<[u8]>>(cuts: impl IntoIterator<Item = Cut>) -> Self {
        let cuts = cuts.into_iter().map(|cut| cut.as_ref().to_vec()).collect();
        Self::of(Content::Stream(cuts))
    }

    /// Points somewhere else.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::body(status, "text/plain", b"moved").header("location", location)
    }

    /// Takes the request and never answers.
    pub fn silence() -> Self {
        Self::of(Content::Silence)
    }

    /// Takes the request and closes the connection without a word.
    pub fn hang_up() -> Self {
        Self::of(Content::HangUp)
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Cuts the body into pieces of this many bytes, wherever that falls.
    pub fn cut_every(mut self, bytes: usize) -> Self {
        self.cut_every = Some(bytes);
        self
    }

    /// Closes the connection after so many bytes of the body.
    pub fn close_after(mut self, bytes: usize) -> Self {
        self.fault = Some(Fault::CloseAfter(bytes));
        self
    }

    /// Sends nothing more after so many bytes of the body.
    pub fn stall_after(mut self, bytes: usize) -> Self {
        self.fault = Some(Fault::StallAfter(bytes));
        self
    }
}
