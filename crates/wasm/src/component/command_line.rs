//! `dewclaw:agent/command-line`: the session that the component's arguments ask for.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::word_list::place;
use dewclaw_platform::Environment;
use dewclaw_platform::wasi::WasiEnvironment;

use super::Component;
use super::bindings::exports::dewclaw::agent::command_line;
use super::bindings::exports::dewclaw::agent::session as wit;
use super::convert::performs_in;
use super::session::{Resource, now_in, tools_in};
use crate::command::Stop;
use crate::command::ask::{self, Caller};
#[cfg(feature = "chat")]
use crate::command::chat::Heard;

/// The commands that open a session.
const COMMANDS: &str = if cfg!(feature = "chat") {
    "ask chat"
} else {
    "ask"
};

impl command_line::Guest for Component {
    fn ask(
        now: wit::Moment,
        model: wit::Performer,
        web: wit::Performer,
        host_tools: Vec<wit::HostTool>,
        saved: Option<Vec<u8>>,
        seed: u64,
    ) -> Result<command_line::Asked, command_line::Stop> {
        let environment = WasiEnvironment::new();
        let mut arguments = environment.arguments();
        let command = arguments.first().and_then(|name| place(COMMANDS, name));
        let chats = command == Some(1);
        let caller = Caller {
            performs: performs_in(model, wit::Performer::Component, web),
            now: now_in(now),
            seed,
            host_tools: tools_in(host_tools),
            saved,
            chats,
        };
        let asked = if command.is_some() {
            arguments.remove(0);
            ask::open(&environment, arguments, caller)
        } else {
            Err(Stop::usage(
                "the arguments are not those of ask or chat",
                &[],
            ))
        };
        match asked {
            Ok(asked) => Ok(command_line::Asked {
                session: wit::Session::new(Resource::new(asked.session)),
                json: asked.output.json,
                quiet: asked.output.quiet,
                verbose: asked.output.verbose,
                chats,
            }),
            Err(Stop { code, message }) => Err(command_line::Stop { code, message }),
        }
    }

    #[cfg(feature = "chat")]
    fn hear(
        now: wit::Moment,
        session: wit::SessionBorrow<'_>,
        line: String,
    ) -> (command_line::Heard, String) {
        let (heard, text) = session.get::<Resource>().hear(now, &line);
        let heard = match heard {
            Heard::Begun => command_line::Heard::Begun,
            Heard::Said => command_line::Heard::Said,
            Heard::Wrong => command_line::Heard::Wrong,
            Heard::Over => command_line::Heard::Over,
        };
        (heard, text)
    }

    #[cfg(not(feature = "chat"))]
    fn hear(_: wit::Moment, _: wit::SessionBorrow<'_>, _: String) -> (command_line::Heard, String) {
        (command_line::Heard::Over, String::new())
    }
}
