//! `--approve`: asks the person on the terminal whether a tool call may run.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_agent_core::Verdict;
use dewclaw_agent_core::word_list::place;

use dewclaw_platform::{concat, trim};

use super::output::printable;
use crate::console::{has_terminal, read_line};

/// Characters of the arguments that are shown.
const SHOWN_CHARACTERS: usize = 2_000;

/// Bytes of an answer.
const MAX_ANSWER_BYTES: usize = 4096;

/// What lets it run; from a place on, this tool for good.
const YES: &str = "y Y yes a A always";
const ALWAYS: usize = 3;

/// What was decided for the rest of the conversation.
#[derive(Default)]
pub(super) struct Approval {
    /// Tools that need no asking any more.
    always: Vec<String>,
}

impl Approval {
    /// Asks about one call. Anything but a yes is a no.
    pub(super) fn ask(&mut self, name: &str, arguments: &str) -> Verdict {
        if self.always.iter().any(|known| known == name) {
            return Verdict::Approved;
        }
        if !has_terminal() {
            return Verdict::Unanswered;
        }
        let question = [
            "? ",
            name,
            " ",
            &printable(arguments, SHOWN_CHARACTERS),
            "\n  run it? [y]es, [n]o, [a]lways ",
            name,
            ": ",
        ];
        let Ok(Some(answer)) = read_line(&concat(&question), MAX_ANSWER_BYTES) else {
            return Verdict::Unanswered;
        };
        match place(YES, trim(&answer)) {
            None => return Verdict::Refused,
            Some(0..ALWAYS) => {}
            Some(_) => self.always.push(String::from(name)),
        }
        Verdict::Approved
    }
}
