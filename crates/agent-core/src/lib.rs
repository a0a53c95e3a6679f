//! The agent as a state machine.
//!
//! [`Agent`] is told what happened ([`Input`]) and answers with what must happen next ([`Effect`]). It never opens a
//! socket, reads a clock or touches a file, and neither do its [`tools`]: a *driver* performs the effects. So one
//! conversation comes out byte for byte the same wherever it runs.
//!
//! ```
//! use dewclaw_agent_core::{Agent, Effect, Input, Settings, tools};
//! use dewclaw_platform::Now;
//!
//! let settings = Settings { model: "some-model".into(), ..Settings::default() };
//! let mut agent = Agent::new(settings, &tools::ALL, 1).unwrap();
//! agent.prompt(Now::default(), "hello").unwrap();
//! let Effect::CallModel(call) = agent.next() else { panic!("a prompt begins with a model call") };
//!
//! // The driver sends the body's pieces, and tells what comes back.
//! let mut body = Vec::new();
//! for index in 0.. {
//!     let Some(piece) = agent.body_piece(index) else { break };
//!     body.extend_from_slice(piece);
//! }
//! assert_eq!(body.len() as u64, call.content_length);
//! let id = call.id;
//! agent.feed(Now::default(), Input::ReplyStart { id, status: 200, headers: Vec::new() }).unwrap();
//! let reply = br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
//! agent.feed(Now::default(), Input::ReplyChunk { id, bytes: reply.to_vec() }).unwrap();
//! agent.feed(Now::default(), Input::ReplyEnd { id }).unwrap();
//! let outcome = loop {
//!     if let Effect::Finished(outcome) = agent.next() { break outcome }
//! };
//! assert_eq!(outcome.text, "hi");
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod agent;
mod base64;
#[cfg(feature = "budgets")]
mod budget_log;
mod charset;
mod effect;
pub mod effect_json;
pub mod event_json;
mod html;
pub mod json;
mod marked;
mod name_table;
mod operation;
pub mod recording;
mod schema;
mod settings;
pub mod template;
pub mod tools;
mod transcript;
pub mod url;
mod wire;
pub mod word_list;

pub use agent::{Agent, RestoreError, ResumeError};
#[cfg(feature = "sessions")]
pub use agent::{MAX_SESSION_BYTES, SessionLine, SessionLog};
pub use effect::{
    Auth, AuthScheme, Effect, Event, Failure, FailureKind, Input, Misuse, ModelCall, Operation,
    OperationAnswer, OperationId, Outcome, REPLY_HEADERS, Reason, RequestId, Usage, Verdict,
};
pub use operation::{
    ANSWER_HEADERS, FileAnswer, FileOperation, HttpAnswer, HttpOperation, perform,
};
#[cfg(feature = "context")]
pub use settings::Compaction;
pub use settings::{
    Approve, Budget, Limits, SETTING_NAMES, SearchEngine, Settings, SettingsError, WireName,
};
pub use transcript::{LineProblem, Transcript, TranscriptError};
