//! `chat`: gives the session a line of standard input after the other, and drives the runs that they begin. What a line
//! means the component says.

use std::io::{IsTerminal, stdin};

use super::lines::{LineError, SIGN};
use super::output::complain;
use super::{Asked, Kept, Run, wit};
use crate::component::Instance;
use crate::component::bindings::exports::dewclaw::agent::command_line::{Heard, Stop};

/// The exit code of a line that nothing was done with.
const USAGE: u8 = 2;

/// Says what the conversation is, on a terminal.
const GREETING: &str = "/session";

/// Chats until the input ends or a signal does it. `continued` is whether the conversation is kept however it ends.
///
/// The exit code is that of the last line that failed; a person on a terminal, who has seen it, gets 0.
///
/// # Errors
/// The component trapped, or broke the session's contract.
pub(super) async fn chat(run: &mut Run, kept: &Kept, continued: bool) -> wasmtime::Result<Asked> {
    let terminal = stdin().is_terminal();
    let sign = if terminal { SIGN } else { "" };
    if terminal {
        complain(&run.hear(GREETING).await?.1);
    }
    let mut warned = false;
    let mut code = 0;
    loop {
        let line = tokio::select! {
            biased;
            () = run.interruption.requested() => {
                if warned || !terminal || run.interruption.ends_all() {
                    return Ok(Asked::Cancelled(run.keep(kept).await?));
                }
                warned = true;
                complain("\ndewclaw: Ctrl-C once more ends the chat, as Ctrl-D does");
                continue;
            }
            line = run.lines.next(sign) => line,
        };
        warned = false;
        let (heard, text) = match line {
            Ok(Some(line)) => run.hear(&line).await?,
            Ok(None) => {
                // The sign's line is open.
                if terminal {
                    complain("");
                }
                break;
            }
            Err(error @ LineError::Unreadable(_)) => {
                code = 1;
                complain(&format!("dewclaw: {error}"));
                break;
            }
            Err(error) => (Heard::Wrong, error.to_string()),
        };
        let ended = match heard {
            Heard::Begun => {
                let outcome = run.drive().await?;
                run.output.finished(&outcome);
                if outcome.reason == "cancelled" && run.interruption.ends_all() {
                    return Ok(Asked::Cancelled(run.keep(kept).await?));
                }
                if is_unkept(&outcome) {
                    code = outcome.exit_code;
                    break;
                }
                outcome.exit_code
            }
            Heard::Said => {
                if !text.is_empty() {
                    complain(&text);
                }
                0
            }
            Heard::Wrong => {
                run.output.stopped(&Stop {
                    code: USAGE,
                    message: text,
                });
                USAGE
            }
            Heard::Over => break,
        };
        if ended > 0 && !terminal {
            code = ended;
        }
    }
    if continued && let Err(unwritten) = run.keep(kept).await? {
        complain(&format!("dewclaw: {unwritten}"));
    }
    Ok(Asked::Ended(code))
}

/// Whether a run ended because what is kept of it, such as its session's file, can't be written: what followed would be lost.
fn is_unkept(outcome: &wit::Outcome) -> bool {
    matches!(&outcome.failure, Some((class, _)) if class == "io")
}

impl Run {
    /// Does what a line says. Answers what it came to, and the words for that.
    async fn hear(&mut self, line: &str) -> wasmtime::Result<(Heard, String)> {
        let now: wit::Moment = self.clock.now();
        let Instance { guest, store } = &mut self.instance;
        let chats = guest.dewclaw_agent_command_line();
        chats.call_hear(store, now, self.session, line).await
    }
}
