//! The session for hosts without the component model: functions of numbers, with texts by address and length.
//! `wit/dewclaw.h` tells what each takes and answers; whatever they are given, they answer.

use alloc::vec::Vec;
use core::cell::RefCell;

use dewclaw_agent_core::json::Object;
use dewclaw_agent_core::{Input, Misuse};
use dewclaw_platform::Now;

use crate::session::{Error, Session};

mod blocks;
mod config;
mod exports;

use blocks::Blocks;

/// What a call answers besides its result, as `wit/dewclaw.h` names them.
#[derive(Clone, Copy)]
enum Status {
    Ok = 0,
    End = 1,
    Broken = -1,
    Address = -2,
    Session = -3,
    Input = -4,
    Config = -5,
    Saved = -6,
    Busy = -7,
    EmptyPrompt = -8,
    UnknownRequest = -9,
    OutOfOrder = -10,
    UnknownOperation = -11,
    WrongAnswer = -12,
    UnknownCall = -13,
    NothingToAdvance = -14,
}

/// What `dc_result` shows.
enum Shown {
    /// Bytes that a call made.
    Bytes(Vec<u8>),
    /// A text of ours.
    Text(&'static str),
    /// A piece of a session's request, where it lies.
    Piece(i32, u32),
}

/// Why a call was refused, with the text for whoever wrote the host.
struct Refusal(Status, Shown);

impl Refusal {
    fn new(status: Status, why: &'static str) -> Refusal {
        Refusal(status, Shown::Text(why))
    }
}

impl From<Misuse> for Refusal {
    fn from(misuse: Misuse) -> Refusal {
        let status = match misuse {
            Misuse::Busy => Status::Busy,
            Misuse::EmptyPrompt => Status::EmptyPrompt,
            Misuse::UnknownRequest => Status::UnknownRequest,
            Misuse::OutOfOrder => Status::OutOfOrder,
            Misuse::UnknownOperation => Status::UnknownOperation,
            Misuse::WrongAnswer => Status::WrongAnswer,
            Misuse::UnknownCall => Status::UnknownCall,
        };
        Refusal::new(status, misuse.text())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let (status, why) = match error {
            Error::Config(why) => (Status::Config, why),
            Error::Saved(why) => (Status::Saved, why),
        };
        Refusal(status, Shown::Bytes(why.into_bytes()))
    }
}

/// What all calls share.
struct State {
    blocks: Blocks,
    sessions: Vec<(i32, Session)>,
    /// The number of the session that was opened last.
    opened: i32,
    shown: Shown,
}

/// The module's state. A call that ends in a trap leaves it borrowed, and so every later one is refused: what the first was
/// about to change may be half changed.
struct Flat(RefCell<State>);

// SAFETY: the module has one thread: its memory is not shared.
#[allow(unsafe_code, reason = "a static wants it")]
unsafe impl Sync for Flat {}

static FLAT: Flat = Flat(RefCell::new(State {
    blocks: Blocks::new(),
    sessions: Vec::new(),
    opened: 0,
    shown: Shown::Text(""),
}));

impl State {
    /// Works on the state. A refusal's text becomes the result.
    fn call(work: &mut dyn FnMut(&mut State) -> Result<Status, Refusal>) -> i32 {
        let Ok(mut state) = FLAT.0.try_borrow_mut() else {
            return Status::Broken as i32;
        };
        state.shown = Shown::Text("");
        match work(&mut state) {
            Ok(status) => status as i32,
            Err(Refusal(status, why)) => {
                state.shown = why;
                status as i32
            }
        }
    }

    fn session(&mut self, number: i32) -> Result<&mut Session, Refusal> {
        let mut sessions = self.sessions.iter_mut();
        match sessions.find(|(known, _)| *known == number) {
            Some((_, session)) => Ok(session),
            None => Err(Refusal::new(
                Status::Session,
                "no session of this number is open",
            )),
        }
    }

    fn feed(&mut self, session: i32, now: Now, input: Input) -> Result<Status, Refusal> {
        self.session(session)?.feed(now, input)?;
        Ok(Status::Ok)
    }

    /// Makes bytes the result.
    fn show(&mut self, bytes: Vec<u8>) -> Status {
        self.shown = Shown::Bytes(bytes);
        Status::Ok
    }

    /// The address and the length of the result.
    fn result(&self) -> (usize, usize) {
        let bytes = match &self.shown {
            Shown::Bytes(bytes) => bytes.as_slice(),
            Shown::Text(text) => text.as_bytes(),
            Shown::Piece(number, index) => {
                let mut sessions = self.sessions.iter();
                let session = sessions.find(|(known, _)| known == number);
                let piece = session.and_then(|(_, session)| session.body_piece(*index));
                piece.unwrap_or_default()
            }
        };
        (bytes.as_ptr().addr(), bytes.len())
    }
}

/// Tokens as JSON.
fn usage_json(usage: dewclaw_agent_core::Usage) -> Vec<u8> {
    Object::new()
        .number("input_tokens", usage.input_tokens)
        .number("output_tokens", usage.output_tokens)
        .number("cached_tokens", usage.cached_tokens)
        .finish()
}
