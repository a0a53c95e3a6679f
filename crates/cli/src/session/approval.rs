//! `--approve`: asks the person on the terminal whether a tool call may run.

use super::output::printable;
use super::wit::{ToolCall, Verdict};

/// Characters of the arguments that are shown.
const SHOWN_CHARACTERS: usize = 2_000;

/// What was decided for the rest of the conversation.
#[derive(Debug, Default)]
pub(super) struct Approval {
    /// Tools that need no asking any more.
    always: Vec<String>,
}

/// What the person is asked about a call of the tool that is shown as `name`.
pub(super) fn question(call: &ToolCall, name: &str) -> String {
    let arguments = printable(&call.arguments, SHOWN_CHARACTERS);
    format!("? {name} {arguments}\n  run it? [y]es, [n]o, [a]lways {name}: ")
}

impl Approval {
    /// What is decided without a question: without a terminal there is nobody to ask.
    pub(super) fn known(&self, name: &str, terminal: bool) -> Option<Verdict> {
        if self.always.iter().any(|known| known == name) {
            return Some(Verdict::Approved);
        }
        (!terminal).then_some(Verdict::Unanswered)
    }

    /// Takes the line that was typed; `None` where the input has ended. Anything but a yes is a no.
    pub(super) fn answered(&mut self, name: &str, answer: Option<&str>) -> Verdict {
        match answer.map(str::trim) {
            None => Verdict::Unanswered,
            Some("y" | "Y" | "yes") => Verdict::Approved,
            Some("a" | "A" | "always") => {
                self.always.push(name.to_owned());
                Verdict::Approved
            }
            Some(_) => Verdict::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_a_yes_is_a_no() {
        for (answer, wanted) in [
            (Some("y"), Verdict::Approved),
            (Some(" yes "), Verdict::Approved),
            (Some(""), Verdict::Refused),
            (Some("yep"), Verdict::Refused),
            (Some("\u{1b}y"), Verdict::Refused),
            (None, Verdict::Unanswered),
        ] {
            let verdict = Approval::default().answered("t", answer);
            assert_eq!(verdict, wanted, "{answer:?}");
        }
    }

    #[test]
    fn a_question_shows_nothing_that_a_terminal_would_obey() {
        let call = ToolCall {
            id: "c".into(),
            name: "t".into(),
            arguments: "{\"a\":\"\u{1b}[2J\u{202e}\"}".into(),
        };
        assert_eq!(
            question(&call, &call.name),
            "? t {\"a\":\" [2J \"}\n  run it? [y]es, [n]o, [a]lways t: "
        );
    }

    #[test]
    fn always_is_for_one_tool() {
        let mut approval = Approval::default();
        assert_eq!(approval.known("t", true), None);
        assert_eq!(approval.answered("t", Some("a")), Verdict::Approved);
        assert_eq!(approval.known("t", true), Some(Verdict::Approved));
        assert_eq!(approval.known("other", true), None);
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        let known = Approval::default().known("t", false);
        assert_eq!(known, Some(Verdict::Unanswered));
    }
}
