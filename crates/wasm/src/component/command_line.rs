//! `dewclaw:agent/command-line`: the session that the component's arguments ask for.

use dewclaw_agent_core::word_list::place;
use dewclaw_platform::Environment;
use dewclaw_platform::wasi::WasiEnvironment;

use super::lifting::{List, ToolRecord, now, performs, tools};
use super::lowering::Answer;
use super::session::handle;
use crate::command::Stop;
use crate::command::ask::{self, Asked, Caller};
#[cfg(feature = "chat")]
use crate::command::chat;
use crate::session::Session;

/// The commands that open a session.
const COMMANDS: &str = if cfg!(feature = "chat") {
    "ask chat"
} else {
    "ask"
};

#[unsafe(export_name = "dewclaw:agent/command-line@0.1.0#ask")]
extern "C" fn ask(
    monotonic_ms: u64,
    wall_ms: u64,
    model: u32,
    web: u32,
    host_tools: *mut ToolRecord,
    host_tools_length: usize,
    goes_on: u32,
    saved: *mut u8,
    saved_length: usize,
    seed: u64,
) -> *const u64 {
    let environment = WasiEnvironment::new();
    let arguments = environment.arguments();
    let (command, rest) = match arguments.split_first() {
        Some((name, rest)) => (place(COMMANDS, name), rest),
        None => (None, &arguments[..]),
    };
    let chats = command == Some(1);
    let caller = Caller {
        performs: performs(model, 1, web),
        now: now(monotonic_ms, wall_ms),
        seed,
        host_tools: tools(List::new(host_tools, host_tools_length)),
        saved: (goes_on != 0).then(|| List::new(saved, saved_length).take()),
        chats,
    };
    let asked = if command.is_some() {
        ask::open(&environment, rest, caller)
    } else {
        Err(Stop::usage(
            "the arguments are not those of ask or chat",
            &[],
        ))
    };
    let answer = Answer::begin();
    match asked {
        Ok(Asked {
            session, output, ..
        }) => {
            answer.case(0, 4);
            answer.word(handle(session));
            answer.byte(output.json.into());
            answer.byte(output.quiet.into());
            answer.byte(output.verbose.into());
            answer.byte(chats.into());
        }
        Err(Stop { code, message }) => {
            answer.case(1, 4);
            answer.byte(code);
            answer.own_bytes(message.into_bytes());
        }
    }
    answer.end()
}

/// The host has read what was answered.
#[unsafe(export_name = "cabi_post_dewclaw:agent/command-line@0.1.0#ask")]
extern "C" fn asked(_: *const u64) {
    Answer::begin().release();
}

/// The case of `heard` of builds without chats.
#[cfg(not(feature = "chat"))]
const OVER: u8 = 3;

#[unsafe(export_name = "dewclaw:agent/command-line@0.1.0#hear")]
extern "C" fn hear(
    monotonic_ms: u64,
    wall_ms: u64,
    session: &mut Session,
    line: *mut u8,
    line_length: usize,
) -> *const u64 {
    let line = List::new(line, line_length).text();
    #[cfg(feature = "chat")]
    let (heard, words) = {
        let (heard, words) = chat::hear(session, now(monotonic_ms, wall_ms), &line);
        (heard as u8, words)
    };
    #[cfg(not(feature = "chat"))]
    let (heard, words) = {
        let _ = (monotonic_ms, wall_ms, session, line);
        (OVER, alloc::string::String::new())
    };
    let answer = Answer::begin();
    answer.byte(heard);
    answer.own_bytes(words.into_bytes());
    answer.end()
}

/// The host has read what was answered.
#[unsafe(export_name = "cabi_post_dewclaw:agent/command-line@0.1.0#hear")]
extern "C" fn heard(_: *const u64) {
    Answer::begin().release();
}
