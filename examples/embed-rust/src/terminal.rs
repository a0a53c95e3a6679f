//! The person's side: the answer on standard output, all else on standard error, questions answered by a line, Ctrl-C.

use crate::agent::wit::{Event, Outcome, ToolCall, Verdict};
use std::io::{self, Write};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin};
use tokio::sync::watch;

/// The terminal, and what was pressed.
pub(crate) struct Terminal {
    typed: Lines<BufReader<Stdin>>,
    interrupted: watch::Receiver<bool>,
    /// Text of the answer stands in the last line.
    in_line: bool,
}

impl Terminal {
    /// From here on Ctrl-C no longer ends the program by itself; a second one does.
    pub(crate) fn new() -> Terminal {
        let (interrupt, interrupted) = watch::channel(false);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if interrupt.send_replace(true) {
                    std::process::exit(130);
                }
            }
        });
        Terminal {
            typed: BufReader::new(stdin()).lines(),
            interrupted,
            in_line: false,
        }
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn interrupted(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// Shows what the session says.
    pub(crate) fn show(&mut self, event: Event) {
        match event {
            Event::Text(text) => {
                print(&plain(&text));
                self.in_line = !text.ends_with('\n');
            }
            Event::ReplyDiscarded(why) => {
                self.note(&format!("(the text above does not count: {why})"))
            }
            Event::ToolStarted(call) => self.note(&format!("* {} {}", call.name, call.arguments)),
            Event::ToolFinished(over) if !over.ok => self.note(&format!("  ! {}", over.result)),
            Event::Retry(retry) => {
                self.note(&format!(
                    "({}; trying again in {} ms)",
                    retry.cause, retry.wait_ms
                ));
            }
            Event::Notice(text) => self.note(&format!("({text})")),
            Event::ToolFinished(_) | Event::Reasoning(_) | Event::Usage(_) => {}
        }
    }

    /// A line beside the answer.
    fn note(&mut self, text: &str) {
        self.end_line();
        eprintln!("{}", plain(text));
    }

    /// What the run came to, beside the answer.
    pub(crate) fn end(&mut self, outcome: &Outcome) {
        let used = &outcome.usage;
        let (input, cached, output) = (used.input_tokens, used.cached_tokens, used.output_tokens);
        self.note(&format!(
            "# tokens: {input} in ({cached} cached), {output} out"
        ));
        match &outcome.failure {
            Some((_, why)) => self.note(&format!("embed-rust: {why}")),
            None if outcome.exit_code > 0 => self.note(&format!("embed-rust: {}", outcome.reason)),
            None => {}
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.in_line) {
            print("\n");
        }
    }

    /// Asks whether a call may run; nothing where Ctrl-C came first.
    pub(crate) async fn ask(&mut self, call: &ToolCall) -> io::Result<Option<Verdict>> {
        self.end_line();
        eprint!("  May {} run? [y]es, [n]o: ", plain(&call.name));
        let line = tokio::select! {
            line = self.typed.next_line() => line?,
            _ = self.interrupted.wait_for(|interrupted| *interrupted) => return Ok(None),
        };
        Ok(Some(match line.as_deref().map(str::trim) {
            Some("y" | "Y" | "yes") => Verdict::Approved,
            Some(_) => Verdict::Refused,
            None => Verdict::Unanswered,
        }))
    }
}

/// Adds to the answer. That nobody reads it any more is no reason to stop the run.
fn print(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What others wrote, without what a terminal would obey.
fn plain(text: &str) -> String {
    let keep = |letter: char| letter == '\n' || letter == '\t' || !letter.is_control();
    text.chars()
        .map(|letter| if keep(letter) { letter } else { ' ' })
        .collect()
}
