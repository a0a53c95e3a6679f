//! `chat`: prompts from standard input, one after the other, in one conversation.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::template::fill;
use dewclaw_platform::wasi::WasiEnvironment;

use super::ask::{Caller, open, turn};
use super::output::tokens;
use super::{Stop, report};
use crate::console::{complain, has_terminal, read_line};
use crate::session::Session;

/// What `/help` says.
const HELP: &str = "/tools    what the model is offered
/session  what this conversation is
/usage    the tokens that it took so far
/compact  shorten it
/quit     end, as the end of the input does
A line that ends in \\ goes on in the next; //TEXT sends /TEXT.";

/// What a line came to.
pub(crate) enum Heard {
    /// A run has begun.
    Begun,
    /// Words for the person, or none.
    Said(String),
    /// What is wrong with the line.
    Wrong(String),
    /// The chat is over.
    Over,
}

/// Runs the command. Its exit code is that of the last line that failed; a person on a terminal, who has seen it, gets 0.
pub(super) fn run(environment: &WasiEnvironment, arguments: Vec<String>) -> Result<u8, Stop> {
    let mut asked = open(environment, arguments, Caller::new(environment, true))?;
    let mut sign = "";
    if has_terminal() {
        complain("%", &[&description(&asked.session)]);
        sign = "> ";
    }
    let mut code = 0;
    loop {
        let heard = match read_line(sign, asked.most_bytes) {
            Ok(Some(line)) => hear(&mut asked.session, &line),
            Ok(None) => Heard::Over,
            Err(why) => Heard::Wrong(why.into()),
        };
        let ended = match heard {
            Heard::Begun => turn(&mut asked)?,
            Heard::Said(text) => {
                if !text.is_empty() {
                    complain("%", &[&text]);
                }
                0
            }
            Heard::Wrong(why) => report(&Stop::usage("%", &[&why]), asked.output.json),
            Heard::Over => return Ok(code),
        };
        if ended > 0 && sign.is_empty() {
            code = ended;
        }
    }
}

/// Does what a line says: a prompt, or a command to the chat itself.
pub(crate) fn hear(session: &mut Session, line: &str) -> Heard {
    let prompt = match line.strip_prefix('/') {
        None => line,
        Some(text) if text.starts_with('/') => text,
        Some(name) => return command(session, name.trim_ascii_end()),
    };
    let now = session.driver.now();
    match session.prompt(now, prompt) {
        Ok(()) => Heard::Begun,
        // It is empty.
        Err(_) => Heard::Said(String::new()),
    }
}

/// What `/session` says.
pub(crate) fn description(session: &Session) -> String {
    let agent = &session.driver.agent;
    let messages = agent.transcript().lines().count();
    fill(
        "% after % messages, without a session: --session NAME keeps one. /help tells more.",
        &[&agent.settings().model, &decimal(messages as u64)],
    )
}

fn command(session: &mut Session, name: &str) -> Heard {
    let agent = &session.driver.agent;
    Heard::Said(match name {
        "help" => HELP.into(),
        "tools" => {
            let mut lines = String::new();
            agent.tools(&mut |name, description| {
                lines.push_str(&fill("%: %\n", &[name, description]));
            });
            lines.pop();
            lines
        }
        "session" => description(session),
        "usage" => tokens(session.usage()),
        "compact" => return Heard::Wrong("this build has no compaction".into()),
        "quit" => return Heard::Over,
        _ => {
            return Heard::Wrong(fill(
                "there is no command /%: /help shows those there are, and // sends a /",
                &[name],
            ));
        }
    })
}
