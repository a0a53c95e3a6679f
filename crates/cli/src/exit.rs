//! How a run ended, and the exit code that says so.

use std::io::{Write, stderr};
use std::process::ExitCode;

use crate::run::RunError;
use crate::signals::Signal;

/// The end of a run that was not an error of this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The component came to its end and named its exit code.
    Finished(u8),
    /// Help was printed because no command was given.
    NoCommand,
    /// A signal ended it.
    Interrupted(Signal),
    /// A signal ended it, and its conversation is kept; that was said.
    Kept(Signal),
    /// Nobody reads the output any more.
    ReaderGone,
}

impl Ending {
    /// The component's own codes are 0 to 5; a signal's is 128 and its number, as shells report it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Ending::Finished(code) => code,
            Ending::NoCommand => 2,
            Ending::Interrupted(Signal::Interrupt) | Ending::Kept(Signal::Interrupt) => 130,
            Ending::Interrupted(Signal::Terminate) | Ending::Kept(Signal::Terminate) => 143,
            // What a shell reports of a command that SIGPIPE ended.
            Ending::ReaderGone => 141,
        }
    }
}

/// Says on standard error what needs saying, and answers with the exit code.
pub(crate) fn report(result: Result<Ending, RunError>) -> ExitCode {
    let (message, code) = match &result {
        Ok(ending @ Ending::Interrupted(_)) => (Some("interrupted".to_owned()), ending.code()),
        Ok(ending) => (None, ending.code()),
        Err(error) => (Some(error.to_string()), error.code()),
    };
    if let Some(message) = message {
        say(&message);
    }
    ExitCode::from(code)
}

/// A line on standard error. Where that is gone, nobody is told.
pub(crate) fn say(message: &str) {
    let _ = writeln!(stderr(), "dewclaw: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_code() {
        for code in 0..=5 {
            assert_eq!(Ending::Finished(code).code(), code);
        }
        assert_eq!(Ending::NoCommand.code(), 2);
        assert_eq!(Ending::Interrupted(Signal::Interrupt).code(), 130);
        assert_eq!(Ending::Interrupted(Signal::Terminate).code(), 143);
        assert_eq!(Ending::Kept(Signal::Interrupt).code(), 130);
        assert_eq!(Ending::Kept(Signal::Terminate).code(), 143);
        assert_eq!(Ending::ReaderGone.code(), 141);
    }

    #[test]
    fn errors_of_the_command_line_are_usage() {
        use crate::args::ArgsError;
        use crate::environment::EnvironmentError;
        use crate::folders::FoldersError;
        let repeated = ArgsError::Repeated { option: "--state" };
        let unset = EnvironmentError::Unset { name: "A".into() };
        assert_eq!(RunError::from(repeated).code(), 2);
        assert_eq!(RunError::from(unset).code(), 2);
        assert_eq!(RunError::from(FoldersError::NoStatePlace).code(), 2);
        let trapped = |kept| RunError::Trapped {
            trap: "x".into(),
            kept,
        };
        assert_eq!(trapped(None).code(), 1);
        assert_eq!(
            trapped(Some("/s/kept".into())).to_string(),
            "the component trapped: x: this is a bug of dewclaw's; files are whole, the conversation is in `/s/kept`, \
             and the command can be tried again"
        );
        assert_eq!(RunError::NotRunnable("x".into()).code(), 1);
        assert_eq!(RunError::System(std::io::Error::other("x")).code(), 1);
    }
}
