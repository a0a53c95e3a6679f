//! Reads TOML with its lines, bounded: tables whose every key is known, and lists, numbers and flags with the line of each.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, ReadError};

/// Bytes of a manifest or a policy at most.
pub const MAX_FILE_BYTES: usize = 65_536;

/// Entries of one list at most: what is asked is held against every rule.
pub const MAX_ENTRIES: usize = 256;

/// Bytes of one entry at most.
const MAX_ENTRY_BYTES: usize = 1_024;

/// A value with the line that it stands in.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// A file's text and name.
pub(super) struct Source<'a> {
    file: &'a str,
    pub(super) text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// Too large, or not UTF-8.
    pub(super) fn new(file: &'a str, bytes: &'a [u8]) -> Result<Source<'a>, ReadError> {
        let refused = |line, problem| ReadError {
            file: file.to_owned(),
            line,
            problem,
        };
        if bytes.len() > MAX_FILE_BYTES {
            return Err(refused(1, Problem::TooLarge));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            refused(line, Problem::NotUtf8)
        })?;
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Ok(Source { file, text, lines })
    }

    /// The file's own table.
    ///
    /// # Errors
    ///
    /// Not TOML.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>, ReadError> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.refuse(at, Problem::Syntax(one_line(error.message())))
        })
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at).max(1)
    }

    /// What the line of a byte says before that byte, and the byte itself.
    pub(super) fn line_begins_with(&self, at: usize, first: char) -> bool {
        let begin = self.lines.get(self.line(at) - 1).copied().unwrap_or(0);
        self.text
            .get(begin..)
            .is_some_and(|line| line.trim_start_matches([' ', '\t']).starts_with(first))
    }

    pub(super) fn refuse(&self, at: usize, problem: Problem) -> ReadError {
        ReadError {
            file: self.file.to_owned(),
            line: self.line(at),
            problem,
        }
    }
}

/// toml's messages have lines of their own at times.
fn one_line(message: &str) -> String {
    let line = message.lines().collect::<Vec<_>>().join("; ");
    line.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}

/// A table of the file, and where it is.
pub(super) struct Section<'a> {
    pub(super) source: &'a Source<'a>,
    /// Its name as a header has it, without brackets; empty for the file's own table.
    pub(super) name: String,
    pub(super) table: &'a DeTable<'a>,
    /// Where toml says that the table is: its header, its braces, or the key that implies it.
    pub(super) begin: usize,
}

impl<'a> Section<'a> {
    /// The file's own table.
    pub(super) fn root(source: &'a Source<'a>, table: &'a DeTable<'a>) -> Section<'a> {
        Section {
            source,
            name: String::new(),
            table,
            begin: 0,
        }
    }

    /// Every key must be one of these.
    ///
    /// # Errors
    ///
    /// The first that is not, with the nearest that is.
    pub(super) fn only(&self, known: &[&'static str]) -> Result<(), ReadError> {
        let unknown = self
            .table
            .iter()
            .filter(|(key, _)| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|(key, _)| key.span().start);
        let Some((key, _)) = unknown else {
            return Ok(());
        };
        Err(self.source.refuse(
            key.span().start,
            Problem::UnknownKey {
                key: cut(key.get_ref()),
                section: cut(&self.name),
                nearest: nearest(key.get_ref(), known),
            },
        ))
    }

    /// A table in it.
    ///
    /// # Errors
    ///
    /// The key has a value of another kind.
    pub(super) fn section(&self, key: &'static str) -> Result<Option<Section<'a>>, ReadError> {
        match self.table.get(key) {
            Some(value) => self.as_section(key, value).map(Some),
            None => Ok(None),
        }
    }

    /// The tables in it, each with its name and its key's place.
    ///
    /// # Errors
    ///
    /// A key has a value of another kind.
    pub(super) fn sections(&self) -> Result<Vec<(&'a str, usize, Section<'a>)>, ReadError> {
        self.table
            .iter()
            .map(|(key, value)| {
                let section = self.as_section(key.get_ref(), value)?;
                Ok((key.get_ref().as_ref(), key.span().start, section))
            })
            .collect()
    }

    fn as_section(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Result<Section<'a>, ReadError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong_kind(key, value, "a table"));
        };
        Ok(Section {
            source: self.source,
            name: match self.name.as_str() {
                "" => key.to_owned(),
                name => format!("{name}.{key}"),
            },
            table,
            begin: value.span().start,
        })
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    ///
    /// The key has another value.
    pub(super) fn number(&self, key: &'static str) -> Result<Option<At<u64>>, ReadError> {
        let Some(value) = self.table.get(key) else {
            return Ok(None);
        };
        let number = match value.get_ref() {
            DeValue::Integer(integer) => {
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            _ => None,
        };
        match number {
            Some(number) => Ok(Some(self.at(value, number))),
            None => Err(self.wrong_kind(key, value, "a whole number, such as 10")),
        }
    }

    /// True or false.
    ///
    /// # Errors
    ///
    /// The key has another value.
    pub(super) fn flag(&self, key: &'static str) -> Result<Option<At<bool>>, ReadError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(value) => match value.get_ref() {
                DeValue::Boolean(flag) => Ok(Some(self.at(value, *flag))),
                _ => Err(self.wrong_kind(key, value, "true or false")),
            },
        }
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// The key has another value.
    pub(super) fn text(&self, key: &'static str) -> Result<Option<At<&'a str>>, ReadError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(value) => match value.get_ref() {
                DeValue::String(text) => Ok(Some(self.at(value, text.as_ref()))),
                _ => Err(self.wrong_kind(key, value, "a text in quotes")),
            },
        }
    }

    /// A list of texts, each read by `read`.
    ///
    /// # Errors
    ///
    /// The key has another value, too many entries, or one that `read` says the fault of.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<At<T>>, ReadError> {
        let expected = "a list of texts, such as [\"one\", \"two\"]";
        let Some(value) = self.table.get(key) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(entries) = value.get_ref() else {
            return Err(self.wrong_kind(key, value, expected));
        };
        if entries.len() > MAX_ENTRIES {
            return Err(self
                .source
                .refuse(value.span().start, Problem::TooMany { key }));
        }
        entries
            .iter()
            .map(|entry| {
                let DeValue::String(text) = entry.get_ref() else {
                    return Err(self.wrong_kind(key, entry, expected));
                };
                let read = if text.len() > MAX_ENTRY_BYTES {
                    Err(format!("is longer than {MAX_ENTRY_BYTES} bytes"))
                } else {
                    read(text)
                };
                match read {
                    Ok(read) => Ok(self.at(entry, read)),
                    Err(reason) => Err(self.source.refuse(
                        entry.span().start,
                        Problem::Entry {
                            key,
                            entry: cut(text),
                            reason,
                        },
                    )),
                }
            })
            .collect()
    }

    fn at<T>(&self, value: &Spanned<DeValue<'_>>, read: T) -> At<T> {
        At {
            value: read,
            line: self.source.line(value.span().start),
        }
    }

    fn wrong_kind(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        expected: &'static str,
    ) -> ReadError {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(integer) if integer.as_str().starts_with('-') => "a negative number",
            DeValue::Integer(_) => "such a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.source.refuse(
            value.span().start,
            Problem::WrongKind {
                key: cut(key),
                expected,
                found,
            },
        )
    }
}

/// Whether this can be a plugin's name: it stands before a dot in its tools' names, and names its audit trail.
pub(super) fn is_plugin_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Foreign text for a message.
fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The known key that looks most like this one, if any does: at most a third of its letters are other ones.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    if key.len() > 64 {
        return None;
    }
    known
        .iter()
        .map(|known| (edits(&key.to_ascii_lowercase(), known), *known))
        .filter(|(edits, known)| *edits * 3 <= known.len().max(3))
        .min()
        .map(|(_, known)| known)
}

/// Letters to put in, take out or change, by the table of Wagner and Fischer.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (above, other) in row.iter_mut().skip(1).zip(&to) {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = *above;
            left = changed.min(diagonal + 1).min(left + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("network", "network"), 0);
        assert_eq!(edits("newtork", "network"), 2);
        assert_eq!(edits("netwrk", "network"), 1);
        assert_eq!(
            nearest("netwrok", &["network", "filesystem"]),
            Some("network")
        );
        assert_eq!(nearest("colour", &["network", "filesystem"]), None);
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let source = Source::new("f", b"a\nb\r\n\nc").unwrap();
        let lines: Vec<usize> = [0, 1, 2, 4, 5, 6, 7].map(|at| source.line(at)).to_vec();
        assert_eq!(lines, [1, 1, 2, 2, 3, 4, 4]);
    }
}
