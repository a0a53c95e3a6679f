//! What plugins do that a person should hear of while they run: their log messages, and what they were denied.

use crate::engine::LogLevel;

/// Who is told. Its functions are called while a plugin waits: they must not block. The default does nothing.
pub trait Observer: Send + Sync {
    /// A plugin wrote to its log.
    fn logged(&self, message: &LogMessage<'_>) {
        let _ = message;
    }

    /// A plugin was denied something. The plugin's own answer does not say how it would be granted, since a model may read that.
    fn denied(&self, denial: &Denial<'_>) {
        let _ = denial;
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// A message that a plugin wrote to its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogMessage<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// How much it matters, to the plugin.
    pub level: LogLevel,
    /// One line of text: control characters, and letters that turn the writing's direction, are escaped.
    pub text: &'a str,
    /// Whether the rest of it was cut off.
    pub cut: bool,
}

/// Something that a plugin asked for and did not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// The host function: `http-request`, or an interface of WASI with its function.
    pub function: &'a str,
    /// What was denied, in one line that no terminal acts on.
    pub error: &'a str,
    /// The rule or limit that decided.
    pub rule: &'a str,
    /// What would grant it, as lines of files: `None` where nothing would.
    pub grant: Option<&'a str>,
}

/// Text as one line that no terminal acts on.
pub(super) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // `escape_debug` would escape these as well.
            '"' | '\'' | '\\' => out.push(letter),
            letter => out.extend(letter.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_terminal_acts_on_nothing() {
        assert_eq!(
            harmless("tab\there \x1b[2J\r\n\u{202e}\u{9b}31m \"q\" it's é 天 \\"),
            "tab\\there \\u{1b}[2J\\r\\n\\u{202e}\\u{9b}31m \"q\" it's é 天 \\"
        );
    }
}
