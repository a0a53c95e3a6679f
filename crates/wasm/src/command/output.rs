//! Shows events: as text for people, or as JSON lines for programs.

use alloc::string::String;

use dewclaw_agent_core::json::decimal;
use dewclaw_agent_core::{Event, Outcome, Reason, Usage, event_json};

use dewclaw_platform::{concat, lossy};

use super::arguments::Arguments;
use crate::console::{complain, print};

/// Characters of a tool call or an error shown on one line.
const LINE_CHARACTERS: usize = 160;

/// How much is shown.
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    /// Text was shown, and the line is not ended.
    open_line: bool,
}

impl Output {
    /// As the flags say.
    pub(super) fn new(arguments: &Arguments) -> Output {
        Output {
            json: arguments.has("--json"),
            quiet: arguments.has("--quiet"),
            verbose: arguments.has("--verbose"),
            open_line: false,
        }
    }

    /// Shows an event.
    pub(super) fn event(&mut self, event: &Event) {
        if self.json {
            let mut line = event_json::event(event);
            line.push(b'\n');
            return print(&line);
        }
        if let Event::Text(text) = event {
            self.open_line = !text.ends_with('\n');
            return print(text.as_bytes());
        }
        match event {
            Event::ReplyDiscarded { reason } => {
                self.end_line();
                complain(
                    "dewclaw: what this reply showed does not count: %",
                    &[reason],
                );
            }
            Event::Notice(text) if !self.quiet => self.progress("dewclaw: %", &[text]),
            Event::Retry { wait_ms, cause, .. } if !self.quiet => {
                let seconds = tenths_of_seconds(*wait_ms);
                self.progress("dewclaw: %; trying again in % s", &[cause, &seconds]);
            }
            Event::ToolStarted {
                name, arguments, ..
            } if !self.quiet => self.progress("* % %", &[&one_line(name), &one_line(arguments)]),
            Event::ToolFinished { ok, result, .. } if !self.quiet && (!ok || self.verbose) => {
                let result = lossy(result);
                let mark = if *ok { "  = " } else { "  ! " };
                self.progress("%%", &[mark, &one_line(&result)]);
            }
            Event::Reasoning(text) if self.verbose => self.progress("  ~ %", &[&one_line(text)]),
            Event::Usage(usage) if self.verbose => self.progress("  # %", &[&tokens(*usage)]),
            _ => {}
        }
    }

    /// Shows how the run ended.
    pub(super) fn finished(&mut self, outcome: &Outcome) {
        if self.json {
            let mut line = event_json::outcome(outcome);
            line.push(b'\n');
            print(&line);
        }
        self.end_line();
        if !self.quiet && !self.json && outcome.usage != Usage::default() {
            complain("# %", &[&tokens(outcome.usage)]);
        }
        match &outcome.reason {
            Reason::Answered => {}
            Reason::StepLimit => complain(
                "dewclaw: the step limit was reached, so the answer is a wrap-up: raise it with --max-steps",
                &[],
            ),
            Reason::Budget => complain(
                "dewclaw: the budget was reached: raise it with --budget or --budget-per-day",
                &[],
            ),
            Reason::Length => complain(
                "dewclaw: the answer reached its token limit and is cut: raise it with --max-tokens",
                &[],
            ),
            Reason::Refused => complain("dewclaw: the model declined", &[]),
            Reason::Failed(failure) => complain("dewclaw: %", &[&failure.message]),
            Reason::Cancelled => complain("dewclaw: cancelled", &[]),
        }
    }

    fn progress(&mut self, template: &str, parts: &[&str]) {
        self.end_line();
        complain(template, parts);
    }

    /// Ends the line that the answer is on.
    pub(super) fn end_line(&mut self) {
        if core::mem::take(&mut self.open_line) {
            print(b"\n");
        }
    }
}

/// A text on one line of bounded length, without what a terminal would obey.
fn one_line(text: &str) -> String {
    printable(text, LINE_CHARACTERS)
}

/// The first characters of a text, as a terminal may be shown them: control characters are spaces (but the ends of lines, where
/// no number of characters is given), and so are those that turn the direction of what follows (Unicode's bidirectional controls).
pub(super) fn printable(text: &str, characters: usize) -> String {
    let mut line = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at == characters {
            line.push_str("...");
            break;
        }
        line.push(match letter {
            '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
            '\n' if characters == usize::MAX => letter,
            _ if letter.is_control() => ' ',
            _ => letter,
        });
    }
    line
}

/// Tokens, for a person.
pub(super) fn tokens(usage: Usage) -> String {
    concat(&[
        "tokens: ",
        &decimal(usage.input_tokens),
        " in (",
        &decimal(usage.cached_tokens),
        " cached), ",
        &decimal(usage.output_tokens),
        " out",
    ])
}

fn tenths_of_seconds(ms: u64) -> String {
    concat(&[&decimal(ms / 1_000), ".", &decimal(ms % 1_000 / 100)])
}
