//! Shows a session's events as the component's own `ask` does: as text for people, or as JSON lines for programs.

use std::io::{Write, stderr};

use super::names::Names;
use super::{event_json, wit};
use crate::component::bindings::exports::dewclaw::agent::command_line::Stop;
use crate::console::Console;

/// Characters of a tool call or an error shown on one line.
const LINE_CHARACTERS: usize = 160;

/// What of the events is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    /// `--json`.
    pub(super) json: bool,
    /// `--quiet`.
    pub(super) quiet: bool,
    /// `--verbose`.
    pub(super) verbose: bool,
}

/// The answer on standard output, and what there is to say about it on standard error.
pub(super) struct Output {
    shown: Shown,
    console: Console,
    names: Names,
    /// Text was shown, and the line is not ended.
    open_line: bool,
}

impl Output {
    /// Shows what `shown` says on `console`.
    pub(super) fn new(shown: Shown, console: Console) -> Output {
        Output {
            shown,
            console,
            names: Names::default(),
            open_line: false,
        }
    }

    /// The same, with other names for some tools.
    pub(super) fn naming(self, names: Names) -> Output {
        Output { names, ..self }
    }

    /// Shows an event.
    pub(super) fn event(&mut self, event: &wit::Event) {
        let Shown {
            json,
            quiet,
            verbose,
        } = self.shown;
        let names = self.names.clone();
        let event = &*names.of_event(event);
        if json {
            return self.print(&event_json::event(event));
        }
        match event {
            wit::Event::Text(text) => {
                self.open_line = !text.ends_with('\n');
                self.print(text.as_bytes());
            }
            wit::Event::ReplyDiscarded(reason) => self.progress(&format!(
                "dewclaw: what this reply showed does not count: {reason}"
            )),
            wit::Event::Notice(text) if !quiet => self.progress(&format!("dewclaw: {text}")),
            wit::Event::Retry(retry) if !quiet => {
                let (seconds, tenths) = (retry.wait_ms / 1_000, retry.wait_ms % 1_000 / 100);
                let cause = &retry.cause;
                self.progress(&format!(
                    "dewclaw: {cause}; trying again in {seconds}.{tenths} s"
                ));
            }
            wit::Event::ToolStarted(call) if !quiet => {
                let (name, arguments) = (one_line(&call.name), one_line(&call.arguments));
                self.progress(&format!("* {name} {arguments}"));
            }
            wit::Event::ToolFinished(finished) if !quiet && (!finished.ok || verbose) => {
                let mark = if finished.ok { '=' } else { '!' };
                self.progress(&format!("  {mark} {}", one_line(&finished.result)));
            }
            wit::Event::Reasoning(text) if verbose => {
                self.progress(&format!("  ~ {}", one_line(text)));
            }
            wit::Event::Usage(usage) if verbose => self.progress(&format!("  # {}", tokens(usage))),
            _ => {}
        }
    }

    /// Shows how the run ended.
    pub(super) fn finished(&mut self, outcome: &wit::Outcome) {
        if self.shown.json {
            self.print(&event_json::outcome(outcome));
        }
        self.end_line();
        let usage = &outcome.usage;
        let used = [usage.input_tokens, usage.output_tokens, usage.cached_tokens] != [0; 3];
        if !self.shown.quiet && !self.shown.json && used {
            complain(&format!("# {}", tokens(usage)));
        }
        match (outcome.reason.as_str(), &outcome.failure) {
            (_, Some((_, message))) => complain(&format!("dewclaw: {message}")),
            ("step-limit", _) => complain(
                "dewclaw: the step limit was reached, so the answer is a wrap-up: raise it with --max-steps",
            ),
            ("budget", _) => complain(
                "dewclaw: the budget was reached: raise it with --budget or --budget-per-day",
            ),
            ("length", _) => complain(
                "dewclaw: the answer reached its token limit and is cut: raise it with --max-tokens",
            ),
            ("refused", _) => complain("dewclaw: the model declined"),
            ("cancelled", _) => complain("dewclaw: cancelled"),
            _ => {}
        }
    }

    /// Shows why there is no session.
    pub(super) fn stopped(&mut self, stop: &Stop) {
        complain(&format!("dewclaw: {}", stop.message));
        if self.shown.json {
            self.print(&event_json::stop(stop));
        }
    }

    fn progress(&mut self, line: &str) {
        self.end_line();
        complain(line);
    }

    /// Ends the line that the answer is on.
    fn end_line(&mut self) {
        if std::mem::take(&mut self.open_line) {
            self.print(b"\n");
        }
    }

    /// A reader that went away ends the run, which waits for that; what else can't be written is lost.
    fn print(&self, bytes: &[u8]) {
        let _ = self.console.print(bytes);
    }
}

/// A line on standard error. Where that is gone, nobody is told.
pub(crate) fn complain(line: &str) {
    let _ = stderr().write_all(format!("{line}\n").as_bytes());
}

/// A text on one line of bounded length, without what a terminal would obey.
fn one_line(text: &str) -> String {
    printable(text, LINE_CHARACTERS)
}

/// The first characters of a text, as a terminal may be shown them: control characters are spaces, and so are those that
/// turn the direction of what follows (Unicode's bidirectional controls).
pub(crate) fn printable(text: &str, characters: usize) -> String {
    let mut rest = text.chars();
    let mut line: String = rest
        .by_ref()
        .take(characters)
        .map(|letter| match letter {
            '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
            _ if letter.is_control() => ' ',
            _ => letter,
        })
        .collect();
    if rest.next().is_some() {
        line.push_str("...");
    }
    line
}

fn tokens(usage: &wit::Usage) -> String {
    format!(
        "tokens: {} in ({} cached), {} out",
        usage.input_tokens, usage.cached_tokens, usage.output_tokens
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_bounded_and_harmless() {
        assert_eq!(
            printable("a\u{1b}[31m\r\nb\u{202e}c\u{9b}", 20),
            "a [31m  b c "
        );
        assert_eq!(printable("abcd", 4), "abcd");
        assert_eq!(printable("äbcde", 4), "äbcd...");
    }
}
