//! `--approve`: asks the person on the terminal whether a tool call may run.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use super::output::printable;
use super::wit::{ToolCall, Verdict};

/// Characters of the arguments that are shown.
const SHOWN_CHARACTERS: usize = 2_000;

/// Bytes of an answer's line.
const MAX_LINE_BYTES: u64 = 4096;

/// What was decided for the rest of the run.
#[derive(Debug, Default)]
pub(super) struct Approval {
    /// Tools that need no asking any more.
    always: Vec<String>,
}

impl Approval {
    /// Asks about one call, on standard error and standard input. Anything but a yes is a no; without a terminal there is
    /// nobody to ask. Waits for the answer.
    pub(super) fn ask(&mut self, call: &ToolCall) -> Verdict {
        let terminal = io::stdin().is_terminal();
        self.ask_on(call, terminal, &mut io::stdin().lock(), &mut io::stderr())
    }

    fn ask_on(
        &mut self,
        call: &ToolCall,
        terminal: bool,
        input: &mut impl BufRead,
        output: &mut impl Write,
    ) -> Verdict {
        let name = &call.name;
        if self.always.contains(name) {
            return Verdict::Approved;
        }
        if !terminal {
            return Verdict::Unanswered;
        }
        let arguments = printable(&call.arguments, SHOWN_CHARACTERS);
        let question = format!("? {name} {arguments}\n  run it? [y]es, [n]o, [a]lways {name}: ");
        let _ = output.write_all(question.as_bytes());
        let Some(answer) = read_line(input) else {
            return Verdict::Unanswered;
        };
        match answer.trim() {
            "y" | "Y" | "yes" => Verdict::Approved,
            "a" | "A" | "always" => {
                self.always.push(name.clone());
                Verdict::Approved
            }
            _ => Verdict::Refused,
        }
    }
}

/// The next line; `None` when the input has ended before its end.
fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    input
        .take(MAX_LINE_BYTES)
        .read_until(b'\n', &mut line)
        .ok()?;
    let line = line.strip_suffix(b"\n")?;
    Some(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            id: "c".into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    fn asked(approval: &mut Approval, call: &ToolCall, mut input: &[u8]) -> (Verdict, String) {
        let mut output = Vec::new();
        let verdict = approval.ask_on(call, true, &mut input, &mut output);
        (verdict, String::from_utf8(output).unwrap())
    }

    #[test]
    fn anything_but_a_yes_is_a_no() {
        for (input, wanted) in [
            ("y\n", Verdict::Approved),
            (" yes \n", Verdict::Approved),
            ("\n", Verdict::Refused),
            ("yep\n", Verdict::Refused),
            ("\u{1b}y\n", Verdict::Refused),
            ("y", Verdict::Unanswered),
            ("", Verdict::Unanswered),
        ] {
            let mut approval = Approval::default();
            let (verdict, question) = asked(
                &mut approval,
                &call("t", "{\"a\":\"\u{1b}[2J\u{202e}\"}"),
                input.as_bytes(),
            );
            assert_eq!(verdict, wanted, "{input:?}");
            assert_eq!(
                question,
                "? t {\"a\":\" [2J \"}\n  run it? [y]es, [n]o, [a]lways t: "
            );
        }
        let endless = vec![b'y'; 2 * MAX_LINE_BYTES as usize];
        let (verdict, _) = asked(&mut Approval::default(), &call("t", ""), &endless);
        assert_eq!(verdict, Verdict::Unanswered);
    }

    #[test]
    fn always_is_for_one_tool() {
        let mut approval = Approval::default();
        assert_eq!(
            asked(&mut approval, &call("t", ""), b"a\n").0,
            Verdict::Approved
        );
        let (verdict, question) = asked(&mut approval, &call("t", ""), b"n\n");
        assert_eq!((verdict, question.as_str()), (Verdict::Approved, ""));
        assert_eq!(
            asked(&mut approval, &call("other", ""), b"n\n").0,
            Verdict::Refused
        );
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        let mut output = Vec::new();
        let verdict =
            Approval::default().ask_on(&call("t", ""), false, &mut &b"y\n"[..], &mut output);
        assert_eq!((verdict, output.len()), (Verdict::Unanswered, 0));
    }
}
