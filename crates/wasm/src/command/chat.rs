//! `chat`: prompts from standard input, one after the other, in one conversation.

use alloc::string::String;

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::word_list::place;
use dewclaw_platform::Now;

use super::ask::{Asked, turn};
use super::output::tokens;
use super::{Stop, USAGE, report};
use crate::console::{complain, has_terminal, read_line};
use crate::session::Session;

/// What `/help` says.
const HELP: &str = "/tools: what the model is offered; /session: what is kept; /usage: tokens so far; /compact: shorten it all; /quit
A line that ends in \\ goes on in the next; //TEXT sends /TEXT";

/// Of a line that can't be read.
const UNUSABLE: &str =
    "a line must be UTF-8 text without NUL, of at most 1 MiB or what --limits leaves";

/// What a line came to.
pub(crate) enum Heard {
    /// A run has begun.
    Begun,
    /// There may be words for the person.
    Said,
    /// Nothing was done with it: there is a message that says why.
    Wrong,
    /// The chat is over.
    Over,
}

/// Runs the command, which was opened. Its exit code is that of the last line that failed; a person on a terminal, who has
/// seen it, gets 0.
pub(super) fn run(asked: &mut Asked) -> Result<u8, Stop> {
    let mut sign = "";
    if has_terminal() {
        complain("%", &[&description(&asked.session)]);
        sign = "> ";
    }
    let mut code = 0;
    loop {
        let (heard, text) = match read_line(sign, asked.most_bytes) {
            Ok(Some(line)) => {
                let now = asked.session.driver.now();
                hear(&mut asked.session, now, &line)
            }
            Ok(None) => {
                if !sign.is_empty() {
                    // Its line is open.
                    complain("", &[]);
                }
                return Ok(code);
            }
            Err(()) => (Heard::Wrong, UNUSABLE.into()),
        };
        let ended = match heard {
            Heard::Begun => turn(asked)?,
            Heard::Said => {
                if !text.is_empty() {
                    complain("%", &[&text]);
                }
                continue;
            }
            Heard::Wrong => report(
                &Stop {
                    code: USAGE,
                    message: text,
                },
                asked.output.json,
            ),
            Heard::Over => return Ok(code),
        };
        if ended > 0 && sign.is_empty() {
            code = ended;
        }
    }
}

/// Does what a line says: a prompt, or a command to the chat itself. Answers what it came to, with the words for that.
pub(crate) fn hear(session: &mut Session, now: Now, line: &str) -> (Heard, String) {
    let prompt = match line.strip_prefix('/') {
        None => line,
        Some(text) if text.starts_with('/') => text,
        Some(name) => return command(session, now, name.trim_ascii_end()),
    };
    let heard = match session.prompt(now, prompt) {
        Ok(()) => Heard::Begun,
        // It is empty.
        Err(_) => Heard::Said,
    };
    (heard, String::new())
}

#[cfg_attr(
    not(feature = "context"),
    allow(unused_variables, reason = "what needs the time is compacting")
)]
fn command(session: &mut Session, now: Now, name: &str) -> (Heard, String) {
    let mut heard = Heard::Said;
    let mut text = String::new();
    match place("help tools session usage quit compact", name) {
        Some(0) => text.push_str(HELP),
        Some(1) => session.driver.agent.tools(&mut |name, description| {
            let end = if text.is_empty() { "" } else { "\n" };
            text.push_str(&fill("%%: %", &[end, name, description]));
        }),
        Some(2) => text = description(session),
        Some(3) => text = tokens(session.usage()),
        Some(4) => heard = Heard::Over,
        #[cfg(feature = "context")]
        Some(5) => {
            // While a run goes on, it does nothing.
            if session.compact(now).is_ok() {
                heard = Heard::Begun;
            }
        }
        #[cfg(not(feature = "context"))]
        Some(5) => {
            heard = Heard::Wrong;
            text.push_str(crate::session::NO_COMPACTION);
        }
        _ => {
            heard = Heard::Wrong;
            text = fill(
                "no command: /% (/help shows those there are; // sends a /)",
                &[name],
            );
        }
    }
    (heard, text)
}

/// What `/session` says.
fn description(session: &Session) -> String {
    let agent = &session.driver.agent;
    let messages = agent.transcript().lines().count();
    #[cfg(feature = "sessions")]
    let kept = match &session.driver.session {
        Some(file) => file.description(),
        None => ", not kept (--session NAME keeps them)".into(),
    };
    #[cfg(not(feature = "sessions"))]
    let kept = String::new();
    fill(
        "% after % messages%; /help tells more",
        &[&agent.settings().model, &decimal(messages as u64), &kept],
    )
}
