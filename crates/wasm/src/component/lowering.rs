//! What the exports answer, as the canonical ABI lays it out in linear memory, written straight from the core's types.
//!
//! The layout writes itself: a field stands at the next address that its alignment allows, a text or a list is its address
//! and its length, a variant is the number of its case in one byte and then, at the alignment of the most aligned payload
//! of any case, the payload. So nothing here is an offset. What must be said is that alignment, with each case, and the
//! size of what lists hold; and a variant or an option that something follows is written in full, whichever case it has.
//! The order of fields and the numbers of cases are those of `wit/session.wit`; tests/e2e/layout.rs holds the numbers, and
//! tests/conversations everything.
//!
//! Generated code for the same took 12 KB more: it copies every value into types of its own, and lays each out by itself.

use alloc::vec::Vec;

use dewclaw_agent_core::{
    Auth, AuthScheme, Effect, Event, FileOperation, HttpOperation, Misuse, ModelCall, Operation,
    Outcome, Reason, Usage,
};
use dewclaw_platform::Timeouts;

#[cfg(feature = "wasi")]
use crate::command::Stop;
use crate::session::Error;

/// Words of 8 bytes of the largest result: an `effect` with an `http-operation`.
const RESULT_WORDS: usize = 15;
/// The same of an `event`.
#[cfg(feature = "http")]
const EVENT_WORDS: usize = 5;
/// The same of a `tuple<string, string>`.
const PAIR_WORDS: usize = 2;
/// The case of `error` that [`Misuse`] begins at; the others follow in its order.
const FIRST_MISUSE: u8 = 1;
/// The cases of `error` that no [`Misuse`] is.
const CONFIG: u8 = 0;
const NOTHING_TO_ADVANCE: u8 = 8;
const SAVED: u8 = 9;

/// The answer to the call that goes on, and all that it points to, until the host has read it.
pub(super) struct Answer {
    /// Where the next field is written, or after it.
    at: *mut u8,
    result: [u64; RESULT_WORDS],
    effect: Option<Effect>,
    #[cfg(feature = "http")]
    events: Vec<Event>,
    bytes: Vec<u8>,
    /// The elements of the one list of records that an answer has at most.
    list: Vec<u64>,
}

static mut ANSWER: Answer = Answer {
    at: core::ptr::null_mut(),
    result: [0; RESULT_WORDS],
    effect: None,
    #[cfg(feature = "http")]
    events: Vec::new(),
    bytes: Vec::new(),
    list: Vec::new(),
};

impl Answer {
    /// The answer, to be written from its beginning.
    pub(super) fn begin() -> &'static mut Answer {
        let answer = &raw mut ANSWER;
        // SAFETY: the component has one thread, and the host calls nothing before a call is over. Each calls this once.
        let answer = unsafe { &mut *answer };
        answer.at = (&raw mut answer.result).cast();
        answer
    }

    /// Where the host finds it.
    pub(super) fn end(&self) -> *const u64 {
        self.result.as_ptr()
    }

    /// The host has read it.
    pub(super) fn release(&mut self) {
        self.effect = None;
        #[cfg(feature = "http")]
        self.events.clear();
        self.bytes = Vec::new();
        self.list = Vec::new();
    }

    /// The next address of this alignment, with so many bytes taken from it.
    fn take(&mut self, align: usize, size: usize) -> *mut u8 {
        let place = self
            .at
            .map_addr(|at| at.wrapping_add(align - 1) & !(align - 1));
        self.at = place.wrapping_add(size);
        place
    }

    #[inline(never)]
    pub(super) fn byte(&mut self, value: u8) {
        // SAFETY: as for `number`.
        unsafe { self.take(1, 1).write(value) }
    }

    /// A `u32`, an address or a length.
    #[inline(never)]
    pub(super) fn word(&mut self, value: usize) {
        // SAFETY: as for `number`.
        unsafe { self.take(4, 4).cast::<usize>().write(value) }
    }

    #[inline(never)]
    fn number(&mut self, value: u64) {
        // SAFETY: the place is in `result` or in `list`, which are as large as the largest that is written there.
        unsafe { self.take(8, 8).cast::<u64>().write(value) }
    }

    /// The case of a variant whose payloads are aligned so, or whether there is something in an option or went wrong in a
    /// result.
    #[inline(never)]
    pub(super) fn case(&mut self, case: u8, align: usize) {
        // SAFETY: as for `number`.
        unsafe { self.take(align, align).write(case) }
    }

    /// A text or bytes, which stay where they are.
    #[inline(never)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.as_ptr().addr());
        self.word(bytes.len());
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A list's address and length. What is written next are its elements; then `at` is set to what is answered.
    fn list(&mut self, count: usize, words: usize) -> *mut u8 {
        self.list = Vec::with_capacity(count * words);
        self.word(self.list.as_ptr().addr());
        self.word(count);
        core::mem::replace(&mut self.at, self.list.as_mut_ptr().cast())
    }

    /// Bytes that the answer keeps.
    pub(super) fn own_bytes(&mut self, bytes: Vec<u8>) {
        self.bytes(&bytes);
        self.bytes = bytes;
    }

    /// A `result<_, error>`.
    pub(super) fn done(&mut self, result: Result<(), Misuse>) {
        match result {
            Ok(()) => self.case(0, 4),
            Err(misuse) => self.refused(FIRST_MISUSE + misuse as u8),
        }
    }

    /// The `err` of a result with an `error` that has no payload.
    fn refused(&mut self, case: u8) {
        self.case(1, 4);
        self.case(case, 4);
    }

    /// The `err` of a result with why no session can be made.
    pub(super) fn error(&mut self, error: Error) {
        let (case, why) = match error {
            Error::Config(why) => (CONFIG, why),
            Error::Saved(why) => (SAVED, why),
        };
        self.refused(case);
        self.own_bytes(why.into_bytes());
    }

    /// The `result<list<event>, error>` of `advance`; no events where nothing is performed here.
    #[cfg(feature = "http")]
    pub(super) fn events(&mut self, events: Option<Vec<Event>>) {
        let Some(events) = events else {
            return self.refused(NOTHING_TO_ADVANCE);
        };
        self.case(0, 4);
        self.list(events.len(), EVENT_WORDS);
        let first = self.at;
        for (index, event) in events.iter().enumerate() {
            self.at = first.wrapping_add(8 * EVENT_WORDS * index);
            self.event(event);
        }
        self.events = events;
    }

    /// The same of a component that performs nothing.
    #[cfg(not(feature = "http"))]
    pub(super) fn nothing_to_advance(&mut self) {
        self.refused(NOTHING_TO_ADVANCE);
    }

    /// An `effect`.
    pub(super) fn effect(&mut self, effect: Effect) {
        match &effect {
            Effect::Event(event) => {
                self.case(0, 8);
                self.event(event);
            }
            Effect::CallModel(call) => {
                self.case(1, 8);
                self.model_call(call);
            }
            Effect::DropReply { id } => {
                self.case(2, 8);
                self.word(id.0 as usize);
            }
            Effect::Operate { id, operation } => {
                self.case(3, 8);
                self.word(id.0 as usize);
                match operation {
                    Operation::File(operation) => {
                        self.case(0, 8);
                        self.file_operation(operation);
                    }
                    Operation::Http(operation) => {
                        self.case(1, 8);
                        self.http_operation(operation);
                    }
                }
            }
            Effect::DropOperation { id } => {
                self.case(4, 8);
                self.word(id.0 as usize);
            }
            Effect::RunTool {
                call,
                name,
                arguments,
            } => self.tool_call(5, call, name, arguments),
            Effect::Approve {
                call,
                name,
                arguments,
            } => self.tool_call(6, call, name, arguments),
            Effect::Wait { until_ms } => {
                self.case(7, 8);
                self.number(*until_ms);
            }
            Effect::Pending => self.case(8, 8),
            Effect::Finished(outcome) => self.outcome(outcome),
        }
        self.effect = Some(effect);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Text(text) => self.said(0, text),
            Event::Reasoning(text) => self.said(1, text),
            Event::ReplyDiscarded { reason } => self.said(2, reason),
            Event::ToolStarted {
                call,
                name,
                arguments,
            } => self.tool_call(3, call, name, arguments),
            Event::ToolFinished {
                call,
                name,
                ok,
                result,
            } => {
                self.case(4, 8);
                self.text(call);
                self.text(name);
                self.byte((*ok).into());
                // JSON is UTF-8, and the host traps on all else.
                self.text(core::str::from_utf8(result).unwrap_or_default());
            }
            Event::Retry {
                attempt,
                wait_ms,
                cause,
            } => {
                self.case(5, 8);
                self.word(*attempt as usize);
                self.number(*wait_ms);
                self.text(cause);
            }
            Event::Usage(usage) => {
                self.case(6, 8);
                self.usage(usage);
            }
            Event::Notice(text) => self.said(7, text),
        }
    }

    /// A case of `event` with a text.
    fn said(&mut self, case: u8, text: &str) {
        self.case(case, 8);
        self.text(text);
    }

    /// A case of `effect` or `event` with a tool call.
    fn tool_call(&mut self, case: u8, call: &str, name: &str, arguments: &str) {
        self.said(case, call);
        self.text(name);
        self.text(arguments);
    }

    fn model_call(&mut self, call: &ModelCall) {
        self.word(call.id.0 as usize);
        self.text(&call.url);
        let after = self.list(call.headers.len(), PAIR_WORDS);
        for (name, value) in &call.headers {
            self.text(name);
            self.text(value);
        }
        self.at = after;
        self.auth(&call.auth);
        self.number(call.content_length);
        self.timeouts(&call.timeouts);
    }

    fn auth(&mut self, auth: &Auth) {
        self.text(auth.slot);
        let (case, header) = match auth.scheme {
            AuthScheme::Bearer => (0, ""),
            AuthScheme::Header(name) => (1, name),
        };
        self.case(case, 4);
        self.text(header);
    }

    fn timeouts(&mut self, timeouts: &Timeouts) {
        self.number(timeouts.connect_ms);
        self.number(timeouts.first_byte_ms);
        self.number(timeouts.between_bytes_ms);
    }

    fn file_operation(&mut self, operation: &FileOperation) {
        match operation {
            FileOperation::Read {
                path,
                offset,
                length,
            } => {
                self.said(0, path);
                self.number(*offset);
                self.word(*length);
            }
            FileOperation::Replace { path, content } => {
                self.said(1, path);
                self.bytes(content);
            }
            FileOperation::Append { path, content } => {
                self.said(2, path);
                self.bytes(content);
            }
            FileOperation::List { path, limit } => {
                self.said(3, path);
                self.word(*limit);
            }
            FileOperation::Stat { path } => self.said(4, path),
        }
    }

    fn http_operation(&mut self, operation: &HttpOperation) {
        self.text(operation.method.name());
        self.text(&operation.url);
        let after = self.list(operation.headers.len(), PAIR_WORDS);
        for (name, value) in &operation.headers {
            self.text(name);
            self.text(value);
        }
        self.at = after;
        self.bytes(&operation.body);
        self.case(operation.auth.is_some().into(), 4);
        self.auth(&operation.auth.unwrap_or(Auth {
            slot: "",
            scheme: AuthScheme::Bearer,
        }));
        self.word(operation.max_bytes);
        self.timeouts(&operation.timeouts);
        self.number(operation.total_ms);
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let reason = &outcome.reason;
        self.finished(
            reason.name(),
            reason.exit_code(),
            &outcome.text,
            &outcome.usage,
        );
        if let Reason::Failed(failure) = reason {
            self.failure(failure.kind.name(), &failure.message);
        } else {
            self.case(0, 4);
        }
    }

    /// The end of a run whose recording or answer can't be kept.
    #[cfg(feature = "wasi")]
    pub(super) fn stop(&mut self, stop: Stop) {
        self.finished("failed", stop.code, "", &Usage::default());
        self.failure("io", &stop.message);
        self.bytes = stop.message.into_bytes();
    }

    /// The case of `effect`, with its outcome but for the failure.
    fn finished(&mut self, reason: &str, code: u8, text: &str, usage: &Usage) {
        self.said(9, reason);
        self.byte(code);
        self.text(text);
        self.usage(usage);
    }

    fn failure(&mut self, class: &str, message: &str) {
        self.case(1, 4);
        self.text(class);
        self.text(message);
    }

    /// Tokens.
    pub(super) fn usage(&mut self, usage: &Usage) {
        self.number(usage.input_tokens);
        self.number(usage.output_tokens);
        self.number(usage.cached_tokens);
    }
}
