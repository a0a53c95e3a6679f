//! What the agent asks for, what it is told, and what it says on the way.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use dewclaw_platform::{HttpError, Timeouts};

use crate::operation::{FileAnswer, FileOperation, HttpAnswer, HttpOperation};
use crate::word_list;

/// A model call, from request to reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u32);

/// An operation of a tool, or of the agent before its first model call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationId(pub u32);

/// Something that the driver must do. Each is given once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Show this, or ignore it.
    Event(Event),
    /// Call the model: the body is [`crate::Agent::body_piece`]'s, piece by piece.
    CallModel(ModelCall),
    /// Let go of a model call: nothing more of it is wanted, and no input may name it any more.
    DropReply {
        /// Which.
        id: RequestId,
    },
    /// Perform an operation and answer with [`Input::OperationDone`].
    Operate {
        /// What the answer must name.
        id: OperationId,
        /// What to do.
        operation: Operation,
    },
    /// Let go of an operation that was asked for: nothing more of it is wanted, and no input may name it any more.
    DropOperation {
        /// Which.
        id: OperationId,
    },
    /// Run a tool of the driver's own, and answer with [`Input::ToolDone`].
    RunTool {
        /// The call's id.
        call: String,
        /// The tool's name.
        name: String,
        /// The arguments, as the model wrote them; they fit the tool's schema.
        arguments: String,
    },
    /// Ask the person whether this tool call may run, and answer with [`Input::Verdict`].
    Approve {
        /// The call's id.
        call: String,
        /// The tool's name.
        name: String,
        /// The arguments, as the model wrote them.
        arguments: String,
    },
    /// Nothing to do before this monotonic moment (milliseconds): tell [`Input::Tick`] then, unless something that was
    /// asked for happens first.
    Wait {
        /// When, on the clock of [`dewclaw_platform::Now::monotonic_ms`].
        until_ms: u64,
    },
    /// Nothing to do until something that was asked for has happened.
    Pending,
    /// The run is over.
    Finished(Outcome),
}

/// An operation that a tool needs done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// On the workspace's files. File operations are performed in the order that they come in.
    File(FileOperation),
    /// Over the network. Any number of them are in flight at once.
    Http(HttpOperation),
}

/// A model call's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// What every input about this call must name.
    pub id: RequestId,
    /// Where to: always a POST.
    pub url: String,
    /// Headers in lower case; the driver adds authorisation and content-length.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Which credential the driver adds, and how. No effect ever carries one.
    pub auth: Auth,
    /// Bytes of the body.
    pub content_length: u64,
    /// Patience.
    pub timeouts: Timeouts,
}

/// The seat of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The name under which the driver keeps the credential, such as `openai`.
    pub slot: &'static str,
    /// How it goes into the request.
    pub scheme: AuthScheme,
}

/// How a credential goes into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// `authorization: Bearer CREDENTIAL` (RFC 6750).
    Bearer,
    /// As the value of this header.
    Header(&'static str),
}

/// Something that happened. Every one is told with the moment at which the driver learned of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The reply's head.
    ReplyStart {
        /// Which call.
        id: RequestId,
        /// The HTTP status.
        status: u16,
        /// Headers in lower case; only [`REPLY_HEADERS`] are read.
        headers: Vec<(String, String)>,
    },
    /// Bytes of the reply's body, cut anywhere.
    ReplyChunk {
        /// Which call.
        id: RequestId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The reply is complete.
    ReplyEnd {
        /// Which call.
        id: RequestId,
    },
    /// The call failed on the way. Nothing more is told of it.
    ReplyFailed {
        /// Which call.
        id: RequestId,
        /// Why.
        error: HttpError,
    },
    /// An operation was performed, or failed.
    OperationDone {
        /// Which.
        id: OperationId,
        /// Its answer.
        answer: OperationAnswer,
    },
    /// A tool of the driver's own has run.
    ToolDone {
        /// The call's id, as [`Effect::RunTool`] named it.
        call: String,
        /// What the model is handed, or what went wrong and what to do.
        result: Result<String, String>,
    },
    /// The person has decided on a call.
    Verdict {
        /// The call's id, as [`Effect::Approve`] named it.
        call: String,
        /// What was decided.
        verdict: Verdict,
    },
    /// Time has passed.
    Tick,
    /// The person wants the run to stop.
    Cancel,
}

/// What a person has decided on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may run.
    Approved,
    /// It may not.
    Refused,
    /// There is nobody to ask, so it may not.
    Unanswered,
}

/// The headers of a reply that the agent reads; drivers may leave out the rest, and recordings do.
pub const REPLY_HEADERS: [&str; 2] = ["content-type", "retry-after"];

/// An operation's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationAnswer {
    /// Of [`Operation::File`].
    File(FileAnswer),
    /// Of [`Operation::Http`].
    Http(HttpAnswer),
}

/// Something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// More of the answer.
    Text(String),
    /// More of the model's reasoning, which is no part of the answer.
    Reasoning(String),
    /// What this reply has shown so far does not count: it broke off and is asked for again.
    ReplyDiscarded {
        /// Why.
        reason: String,
    },
    /// A tool call begins.
    ToolStarted {
        /// The call's id.
        call: String,
        /// The tool's name, as the model wrote it.
        name: String,
        /// The arguments, as the model wrote them.
        arguments: String,
    },
    /// A tool call is over.
    ToolFinished {
        /// The call's id.
        call: String,
        /// The tool's name, as the model wrote it.
        name: String,
        /// Whether the result is none of an error.
        ok: bool,
        /// The result: a JSON object.
        result: Vec<u8>,
    },
    /// The model call failed and is tried again.
    Retry {
        /// Which try failed, from 1.
        attempt: u32,
        /// Milliseconds until the next.
        wait_ms: u64,
        /// Why it failed.
        cause: String,
    },
    /// What one model call used.
    Usage(Usage),
    /// Something that the person should know.
    Notice(String),
}

/// Tokens, as the server reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the request, cached ones included.
    pub input_tokens: u64,
    /// Of the reply.
    pub output_tokens: u64,
    /// Of the request, those that the server had cached.
    pub cached_tokens: u64,
}

impl core::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub reason: Reason,
    /// The last reply's text: the answer, or the wrap-up.
    pub text: String,
    /// Summed over the run's model calls.
    pub usage: Usage,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The model answered.
    Answered,
    /// The step limit was reached; the text is the wrap-up.
    StepLimit,
    /// A budget is used up; the text is the wrap-up, or of the reply before where there was no time for one.
    Budget,
    /// The reply reached its token limit; the text is cut there.
    Length,
    /// The model, or a filter before it, declined.
    Refused,
    /// No reply could be had.
    Failed(Failure),
    /// The person stopped it.
    Cancelled,
}

/// The names of the reasons.
const REASONS: &str = "answered step-limit length refused failed cancelled budget";

impl Reason {
    /// The reason's name in events and recordings.
    pub fn name(&self) -> &'static str {
        let place = match self {
            Reason::Answered => 0,
            Reason::StepLimit => 1,
            Reason::Length => 2,
            Reason::Refused => 3,
            Reason::Failed(_) => 4,
            Reason::Cancelled => 5,
            Reason::Budget => 6,
        };
        word_list::word(REASONS, place)
    }

    /// The reason of a name that [`Reason::name`] gives; of a failure also its class and message.
    pub(crate) fn ended(name: &str, class: &str, message: String) -> Option<Reason> {
        Some(match word_list::place(REASONS, name)? {
            0 => Reason::Answered,
            1 => Reason::StepLimit,
            2 => Reason::Length,
            3 => Reason::Refused,
            4 => {
                let kind = *FailureKind::ALL.get(word_list::place(FAILURES, class)?)?;
                Reason::Failed(Failure { kind, message })
            }
            5 => Reason::Cancelled,
            _ => Reason::Budget,
        })
    }

    /// The stable exit code: 0 done, 1 failed, 3 model unreachable or refused, 4 limit reached, 5 denied.
    pub fn exit_code(&self) -> u8 {
        match self {
            Reason::Answered => 0,
            Reason::StepLimit | Reason::Budget | Reason::Length => 4,
            Reason::Refused => 3,
            Reason::Failed(failure) if failure.kind == FailureKind::Denied => 5,
            Reason::Failed(_) => 3,
            Reason::Cancelled => 1,
        }
    }
}

/// Why no reply could be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its class, which decides whether another try is made.
    pub kind: FailureKind,
    /// The cause and what to do, for the person.
    pub message: String,
}

/// The classes of failed model calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection, or one that broke. Tried again.
    Connection,
    /// A stage took too long. Tried again.
    Timeout,
    /// Status 429. Tried again.
    RateLimited,
    /// Status 500 and above, or an error inside a stream. Tried again.
    Server,
    /// Status 401 or 403.
    Unauthorized,
    /// Another status that is no success.
    Rejected,
    /// A reply that is not of the wire.
    Malformed,
    /// The host's policy refused.
    Denied,
    /// This build has no network.
    Unsupported,
    /// The conversation, or the least of it, is larger than the model's context window.
    Context,
}

/// The names of the classes, in their order.
const FAILURES: &str = "connection timeout rate_limited server unauthorized rejected malformed denied unsupported context";

impl FailureKind {
    /// Every class.
    const ALL: [FailureKind; 10] = [
        FailureKind::Connection,
        FailureKind::Timeout,
        FailureKind::RateLimited,
        FailureKind::Server,
        FailureKind::Unauthorized,
        FailureKind::Rejected,
        FailureKind::Malformed,
        FailureKind::Denied,
        FailureKind::Unsupported,
        FailureKind::Context,
    ];

    /// The class's name in events.
    pub fn name(self) -> &'static str {
        word_list::word(FAILURES, self as usize)
    }

    /// Whether another try may help.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            FailureKind::Connection
                | FailureKind::Timeout
                | FailureKind::RateLimited
                | FailureKind::Server
        )
    }
}

/// An input that does not fit: it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// A prompt while a run goes on.
    Busy,
    /// A prompt without text.
    EmptyPrompt,
    /// A reply's input that names no call in flight.
    UnknownRequest,
    /// Bytes or an end before the reply's head, or a second head.
    OutOfOrder,
    /// An answer to an operation that was not asked for, or was answered.
    UnknownOperation,
    /// An answer to a file operation for an HTTP one, or the other way about.
    WrongAnswer,
    /// A verdict on, or a result of, a call that none was asked for, or that has one.
    UnknownCall,
}

impl Misuse {
    /// What a host's developer is told.
    pub fn text(self) -> &'static str {
        match self {
            Misuse::Busy => "a run is going on: cancel it, or wait until it has finished",
            Misuse::EmptyPrompt => "the prompt is empty",
            Misuse::UnknownRequest => "no such model call is in flight",
            Misuse::OutOfOrder => "the parts of the reply are out of order",
            Misuse::UnknownOperation => "no such operation is open",
            Misuse::WrongAnswer => "the answer is of another kind than the operation",
            Misuse::UnknownCall => "no such call waits for a verdict or a result",
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl core::error::Error for Misuse {}
