//! The functions that hosts call.

#![allow(unsafe_code, reason = "a function is exported by a name of its own")]
#![allow(
    unreachable_pub,
    reason = "exported functions are public, and called by nobody here"
)]

use alloc::vec::Vec;

#[cfg(feature = "wasi")]
use dewclaw_agent_core::event_json;
use dewclaw_agent_core::json::{Array, parse};
use dewclaw_agent_core::{Input, RequestId, effect_json};
use dewclaw_platform::Now;

use super::{FLAT, Refusal, Shown, State, Status, config, usage_json};

/// The version of the interface.
#[unsafe(no_mangle)]
extern "C" fn dc_version() -> i32 {
    1
}

/// A block of memory.
#[unsafe(no_mangle)]
extern "C" fn dc_alloc(length: usize) -> usize {
    match FLAT.0.try_borrow_mut() {
        Ok(mut state) => state.blocks.add(length),
        Err(_) => 0,
    }
}

/// Gives a block back.
#[unsafe(no_mangle)]
extern "C" fn dc_free(address: usize) -> i32 {
    match FLAT.0.try_borrow_mut() {
        Ok(mut state) => match state.blocks.remove(address) {
            true => Status::Ok as i32,
            false => Status::Address as i32,
        },
        Err(_) => Status::Broken as i32,
    }
}

/// Where the last call's result lies: its length in the upper half, its address in the lower.
#[unsafe(no_mangle)]
extern "C" fn dc_result() -> u64 {
    let Ok(state) = FLAT.0.try_borrow() else {
        return 0;
    };
    let (address, length) = state.result();
    ((length as u64) << 32) | address as u64
}

/// Opens a session, or restores a saved one.
#[unsafe(no_mangle)]
extern "C" fn dc_open(
    config: usize,
    config_length: usize,
    saved: usize,
    saved_length: usize,
) -> i32 {
    let mut number = 0;
    let status = State::call(&mut |state| {
        let config = state.blocks.get(config, config_length)?;
        let saved = state.blocks.get(saved, saved_length)?;
        let session = config::open(config, (saved_length > 0).then_some(saved))?;
        state.opened += 1;
        number = state.opened;
        state.sessions.push((number, session));
        Ok(Status::Ok)
    });
    if status < 0 { status } else { number }
}

/// Ends a session.
#[unsafe(no_mangle)]
extern "C" fn dc_close(session: i32) -> i32 {
    State::call(&mut |state| {
        state.session(session)?;
        state.sessions.retain(|(number, _)| *number != session);
        Ok(Status::Ok)
    })
}

/// Begins a run.
#[unsafe(no_mangle)]
extern "C" fn dc_prompt(
    session: i32,
    monotonic_ms: u64,
    wall_ms: u64,
    address: usize,
    length: usize,
) -> i32 {
    State::call(&mut |state| {
        let text = state.blocks.get(address, length)?;
        let Ok(text) = core::str::from_utf8(text) else {
            return Err(Refusal::new(Status::Input, "the prompt is not UTF-8"));
        };
        let text = alloc::string::String::from(text);
        let session = state.session(session)?;
        session.prompt(now(monotonic_ms, wall_ms), &text)?;
        Ok(Status::Ok)
    })
}

/// Begins a run that only compacts.
#[unsafe(no_mangle)]
extern "C" fn dc_compact(session: i32, monotonic_ms: u64, wall_ms: u64) -> i32 {
    State::call(&mut |state| {
        let session = state.session(session)?;
        #[cfg(feature = "context")]
        let compacted = session
            .compact(now(monotonic_ms, wall_ms))
            .map_err(Refusal::from);
        #[cfg(not(feature = "context"))]
        let compacted = {
            let _ = (session, monotonic_ms, wall_ms);
            Err(Refusal::new(Status::Config, crate::session::NO_COMPACTION))
        };
        compacted.map(|()| Status::Ok)
    })
}

/// The next thing for the host to do.
#[unsafe(no_mangle)]
extern "C" fn dc_next(session: i32, monotonic_ms: u64, wall_ms: u64) -> i32 {
    State::call(&mut |state| {
        let json = match state.session(session)?.next(now(monotonic_ms, wall_ms)) {
            Ok(effect) => effect_json::effect(&effect),
            #[cfg(feature = "wasi")]
            Err(stop) => event_json::failure(stop.code, "io", &stop.message),
        };
        Ok(state.show(json))
    })
}

/// A piece of the request to the model.
#[unsafe(no_mangle)]
extern "C" fn dc_body(session: i32, index: u32) -> i32 {
    State::call(&mut |state| {
        if state.session(session)?.body_piece(index).is_none() {
            return Ok(Status::End);
        }
        state.shown = Shown::Piece(session, index);
        Ok(Status::Ok)
    })
}

/// Bytes of a reply's body, as they came.
#[unsafe(no_mangle)]
extern "C" fn dc_chunk(
    session: i32,
    monotonic_ms: u64,
    wall_ms: u64,
    id: u32,
    address: usize,
    length: usize,
) -> i32 {
    State::call(&mut |state| {
        let bytes = state.blocks.get(address, length)?.to_vec();
        let id = RequestId(id);
        let now = now(monotonic_ms, wall_ms);
        state.feed(session, now, Input::ReplyChunk { id, bytes })
    })
}

/// Something that happened.
#[unsafe(no_mangle)]
extern "C" fn dc_feed(
    session: i32,
    monotonic_ms: u64,
    wall_ms: u64,
    address: usize,
    length: usize,
) -> i32 {
    State::call(&mut |state| {
        let json = state.blocks.get(address, length)?;
        let input = parse(json).ok().and_then(|json| effect_json::input(&json));
        match input {
            Some(input) => state.feed(session, now(monotonic_ms, wall_ms), input),
            None => Err(Refusal::new(
                Status::Input,
                "this is no input: wit/dewclaw.h lists them",
            )),
        }
    })
}

/// Goes on with what the module does itself.
#[unsafe(no_mangle)]
extern "C" fn dc_advance(session: i32, max_ms: u32) -> i32 {
    State::call(&mut |state| {
        let session = state.session(session)?;
        let mut events = Array::new();
        #[cfg(feature = "http")]
        let works = session.advance(max_ms.into(), &mut |event| {
            events.raw(&event_json::event(&event))
        });
        #[cfg(not(feature = "http"))]
        let works = {
            let _ = (session, max_ms);
            false
        };
        if works {
            Ok(state.show(events.finish()))
        } else {
            Err(Refusal::new(
                Status::NothingToAdvance,
                "the host does everything in this session",
            ))
        }
    })
}

/// What the session has used.
#[unsafe(no_mangle)]
extern "C" fn dc_usage(session: i32) -> i32 {
    State::call(&mut |state| {
        let json = usage_json(state.session(session)?.usage());
        Ok(state.show(json))
    })
}

/// Everything that the session is.
#[unsafe(no_mangle)]
extern "C" fn dc_save(session: i32) -> i32 {
    State::call(&mut |state| {
        let saved: Vec<u8> = state.session(session)?.save();
        Ok(state.show(saved))
    })
}

fn now(monotonic_ms: u64, wall_ms: u64) -> Now {
    Now {
        monotonic_ms,
        wall_ms,
    }
}
