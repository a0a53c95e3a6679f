//! `dewclaw:agent/command-line`: the session that the component's arguments ask for.

use dewclaw_platform::Environment;
use dewclaw_platform::wasi::WasiEnvironment;

use super::lifting::{List, ToolRecord, now, performs, tools};
use super::lowering::Answer;
use super::session::handle;
use crate::command::Stop;
use crate::command::ask::{self, Asked, Caller};
use crate::session::Session;

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
    let mut arguments = environment.arguments();
    let caller = Caller {
        performs: performs(model, 1, web),
        now: now(monotonic_ms, wall_ms),
        seed,
        host_tools: tools(List::new(host_tools, host_tools_length)),
        saved: (goes_on != 0).then(|| List::new(saved, saved_length).take()),
    };
    let asked = if arguments.first().is_some_and(|command| command == "ask") {
        arguments.remove(0);
        ask::open(&environment, arguments, caller)
    } else {
        Err(Stop::usage("the arguments are not those of ask", &[]))
    };
    let answer = Answer::begin();
    match asked {
        Ok(Asked { driver, output }) => {
            answer.case(0, 4);
            answer.word(handle(Session::new(driver)));
            answer.byte(output.json.into());
            answer.byte(output.quiet.into());
            answer.byte(output.verbose.into());
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
