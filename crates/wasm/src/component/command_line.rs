//! `dewclaw:agent/command-line`: the session that the component's arguments ask for.

use alloc::vec::Vec;

use dewclaw_platform::Environment;
use dewclaw_platform::wasi::WasiEnvironment;

use super::Component;
use super::bindings::exports::dewclaw::agent::command_line;
use super::bindings::exports::dewclaw::agent::session as wit;
use super::convert::performs_in;
use super::session::{Resource, now_in, tools_in};
use crate::command::Stop;
use crate::command::ask::{self, Asked, Caller};
use crate::session::Session;

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
        let caller = Caller {
            performs: performs_in(model, wit::Performer::Component, web),
            now: now_in(now),
            seed,
            host_tools: tools_in(host_tools),
            saved,
        };
        let asked = if arguments.first().is_some_and(|command| command == "ask") {
            arguments.remove(0);
            ask::open(&environment, arguments, caller)
        } else {
            Err(Stop::usage("the arguments are not those of ask", &[]))
        };
        match asked {
            Ok(Asked { driver, output }) => Ok(command_line::Asked {
                session: wit::Session::new(Resource::new(Session::new(driver))),
                json: output.json,
                quiet: output.quiet,
                verbose: output.verbose,
            }),
            Err(Stop { code, message }) => Err(command_line::Stop { code, message }),
        }
    }
}
