//! `dewclaw:agent/session`: the entry points of the session, as the canonical ABI names and calls them.
//!
//! A record's fields and a variant's payloads are parameters of their own, a text or a list two, its address and its
//! length; what is answered is where `lowering` wrote it. A session is handed out by the address of its box, and comes
//! back by it. Who gets a function's type wrong gets no component: wit-component holds each to `wit/session.wit`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::json::{Value, parse};
use dewclaw_agent_core::{Input, Misuse, OperationId, RequestId};

use super::lifting::{
    List, Pair, ToolRecord, answer, http_error, now, pairs, performs, tools, verdict,
};
use super::lowering::Answer;
use crate::performs::Performs;
use crate::session::{Config, Error, Session};

#[link(wasm_import_module = "[export]dewclaw:agent/session@0.1.0")]
unsafe extern "C" {
    #[link_name = "[resource-new]session"]
    safe fn resource_new(session: *mut ()) -> usize;
}

unsafe extern "C" {
    /// The linker's: runs the constructors of C, of which there are none.
    safe fn __wasm_call_ctors();
}

/// The handle of a new session.
pub(super) fn handle(session: Session) -> usize {
    // Called nowhere, it would be called by every export, which the linker would wrap for that.
    __wasm_call_ctors();
    resource_new(Box::into_raw(Box::new(session)).cast())
}

/// The host lets go of a session.
#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[dtor]session")]
extern "C" fn drop_session(session: *mut Session) {
    // SAFETY: it is the box of `handle`, and is named never again.
    drop(unsafe { Box::from_raw(session) });
}

/// A session that is opened, or with `saved` restored.
#[allow(
    clippy::too_many_arguments,
    reason = "a `config` has one for each of its numbers"
)]
fn make(
    settings: List<u8>,
    chooses: u32,
    chosen: List<List<u8>>,
    performs: Performs,
    host_tools: List<ToolRecord>,
    seed: u64,
    saved: Option<&[u8]>,
) -> *const u64 {
    let settings = settings.take();
    let chosen: Option<Vec<String>> =
        (chooses != 0).then(|| chosen.take().into_iter().map(List::text).collect());
    let host_tools = tools(host_tools);
    let made = match parse(&settings) {
        Ok(Value::Object(settings)) => {
            let tools = chosen.as_deref();
            let config = Config {
                settings: &settings,
                tools,
                performs,
            };
            Session::open(&config, host_tools, seed, saved)
        }
        _ => Err(Error::no_settings()),
    };
    let answer = Answer::begin();
    match made {
        Ok(session) => {
            answer.case(0, 4);
            answer.word(handle(session));
        }
        Err(error) => answer.error(error),
    }
    answer.end()
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[static]session.open")]
extern "C" fn open(
    settings: *mut u8,
    settings_length: usize,
    chooses: u32,
    chosen: *mut List<u8>,
    chosen_length: usize,
    model: u32,
    files: u32,
    web: u32,
    host_tools: *mut ToolRecord,
    host_tools_length: usize,
    seed: u64,
) -> *const u64 {
    make(
        List::new(settings, settings_length),
        chooses,
        List::new(chosen, chosen_length),
        performs(model, files, web),
        List::new(host_tools, host_tools_length),
        seed,
        None,
    )
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[static]session.restore")]
extern "C" fn restore(
    settings: *mut u8,
    settings_length: usize,
    chooses: u32,
    chosen: *mut List<u8>,
    chosen_length: usize,
    model: u32,
    files: u32,
    web: u32,
    host_tools: *mut ToolRecord,
    host_tools_length: usize,
    saved: *mut u8,
    saved_length: usize,
) -> *const u64 {
    let saved = List::new(saved, saved_length).take();
    make(
        List::new(settings, settings_length),
        chooses,
        List::new(chosen, chosen_length),
        performs(model, files, web),
        List::new(host_tools, host_tools_length),
        0,
        Some(&saved),
    )
}

/// The host has read what was answered last.
macro_rules! released_after {
    ($($function:ident $name:literal)*) => { $(
        #[unsafe(export_name = concat!("cabi_post_dewclaw:agent/", $name))]
        extern "C" fn $function(_: *const u64) {
            Answer::begin().release();
        }
    )* };
}

released_after! {
    opened "session@0.1.0#[static]session.open"
    restored "session@0.1.0#[static]session.restore"
    saved "session@0.1.0#[method]session.save"
    told "session@0.1.0#[method]session.next"
    given_piece "session@0.1.0#[method]session.body-piece"
    advanced "session@0.1.0#[method]session.advance"
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.save")]
extern "C" fn save(session: &Session) -> *const u64 {
    let answer = Answer::begin();
    answer.own_bytes(session.save());
    answer.end()
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.prompt")]
extern "C" fn prompt(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    text: *mut u8,
    length: usize,
) -> *const u64 {
    let text = List::new(text, length).text();
    done(session.prompt(now(monotonic_ms, wall_ms), &text))
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.compact")]
extern "C" fn compact(session: &mut Session, monotonic_ms: u64, wall_ms: u64) -> *const u64 {
    #[cfg(feature = "context")]
    return done(session.compact(now(monotonic_ms, wall_ms)));
    #[cfg(not(feature = "context"))]
    {
        let _ = (session, monotonic_ms, wall_ms);
        let answer = Answer::begin();
        answer.error(Error::Config(crate::session::NO_COMPACTION.into()));
        answer.end()
    }
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.next")]
extern "C" fn next(session: &mut Session, monotonic_ms: u64, wall_ms: u64) -> *const u64 {
    let next = session.next(now(monotonic_ms, wall_ms));
    let answer = Answer::begin();
    match next {
        Ok(effect) => answer.effect(effect),
        #[cfg(feature = "wasi")]
        Err(stop) => answer.stop(stop),
    }
    answer.end()
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.body-piece")]
extern "C" fn body_piece(session: &Session, index: u32) -> *const u64 {
    let answer = Answer::begin();
    let piece = session.body_piece(index);
    answer.case(piece.is_some().into(), 4);
    answer.own_bytes(piece.unwrap_or_default().to_vec());
    answer.end()
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.reply-start")]
extern "C" fn reply_start(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    id: u32,
    status: u32,
    headers: *mut Pair,
    length: usize,
) -> *const u64 {
    let input = Input::ReplyStart {
        id: RequestId(id),
        #[allow(clippy::cast_possible_truncation, reason = "a u16, widened")]
        status: status as u16,
        headers: pairs(List::new(headers, length)),
    };
    feed(session, monotonic_ms, wall_ms, input)
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.reply-chunk")]
extern "C" fn reply_chunk(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    id: u32,
    bytes: *mut u8,
    length: usize,
) -> *const u64 {
    let input = Input::ReplyChunk {
        id: RequestId(id),
        bytes: List::new(bytes, length).take(),
    };
    feed(session, monotonic_ms, wall_ms, input)
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.reply-end")]
extern "C" fn reply_end(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    id: u32,
) -> *const u64 {
    let id = RequestId(id);
    feed(session, monotonic_ms, wall_ms, Input::ReplyEnd { id })
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.reply-failed")]
extern "C" fn reply_failed(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    id: u32,
    class: usize,
) -> *const u64 {
    let input = Input::ReplyFailed {
        id: RequestId(id),
        error: http_error(class),
    };
    feed(session, monotonic_ms, wall_ms, input)
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.operation-done")]
extern "C" fn operation_done(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    id: u32,
    case: u32,
    one: usize,
    two: u64,
    three: u64,
    body: *mut u8,
    body_length: usize,
    whole: u32,
) -> *const u64 {
    let body = List::new(body, body_length);
    let input = Input::OperationDone {
        id: OperationId(id),
        answer: answer(case, one, two, three, body, whole),
    };
    feed(session, monotonic_ms, wall_ms, input)
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.tool-done")]
extern "C" fn tool_done(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    call: *mut u8,
    call_length: usize,
    failed: u32,
    result: *mut u8,
    result_length: usize,
) -> *const u64 {
    let call = List::new(call, call_length).text();
    let text = List::new(result, result_length).text();
    let result = if failed == 0 { Ok(text) } else { Err(text) };
    feed(
        session,
        monotonic_ms,
        wall_ms,
        Input::ToolDone { call, result },
    )
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.approve")]
extern "C" fn approve(
    session: &mut Session,
    monotonic_ms: u64,
    wall_ms: u64,
    call: *mut u8,
    length: usize,
    case: u32,
) -> *const u64 {
    let call = List::new(call, length).text();
    let verdict = verdict(case);
    feed(
        session,
        monotonic_ms,
        wall_ms,
        Input::Verdict { call, verdict },
    )
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.cancel")]
extern "C" fn cancel(session: &mut Session, monotonic_ms: u64, wall_ms: u64) {
    // A cancel fits at any moment.
    feed(session, monotonic_ms, wall_ms, Input::Cancel);
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.advance")]
extern "C" fn advance(session: &mut Session, max_ms: u32) -> *const u64 {
    #[cfg(feature = "http")]
    let shown = {
        let mut events = Vec::new();
        let works = session.advance(max_ms.into(), &mut |event| events.push(event));
        works.then_some(events)
    };
    #[cfg(not(feature = "http"))]
    let _ = (session, max_ms);
    let answer = Answer::begin();
    #[cfg(feature = "http")]
    answer.events(shown);
    #[cfg(not(feature = "http"))]
    answer.nothing_to_advance();
    answer.end()
}

#[unsafe(export_name = "dewclaw:agent/session@0.1.0#[method]session.usage")]
extern "C" fn usage(session: &Session) -> *const u64 {
    let answer = Answer::begin();
    answer.usage(&session.usage());
    answer.end()
}

/// Tells the agent something.
fn feed(session: &mut Session, monotonic_ms: u64, wall_ms: u64, input: Input) -> *const u64 {
    done(session.feed(now(monotonic_ms, wall_ms), input))
}

/// Answers a `result<_, error>`.
fn done(result: Result<(), Misuse>) -> *const u64 {
    let answer = Answer::begin();
    answer.done(result);
    answer.end()
}
