//! The exact line that would grant something, and where to put it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::read::Source;

/// A line for a policy or a manifest, and its place there. As text it is one line for a person; [`apply`](GrantLine::apply)
/// does what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantLine {
    /// The file to change.
    pub file: Arc<str>,
    /// The table that the line belongs in, as its header has it: `plugins.weather.permissions`.
    pub section: String,
    /// The line, such as `network = ["https://api.example.com"]`.
    pub line: String,
    /// Where to put it.
    pub place: Place,
}

/// Where a line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into a file that is to be made, behind its version and a header of its own.
    NewFile,
    /// To the file's end, behind a header of its own.
    NewSection,
    /// Under the header in this line.
    Under {
        /// From 1.
        line: usize,
    },
    /// Instead of these lines, which say less.
    Instead {
        /// From 1.
        first: usize,
        /// From 1; the last that is replaced.
        last: usize,
    },
    /// Into a table that is written without a header, in this line: by hand.
    Inside {
        /// From 1.
        line: usize,
    },
}

impl fmt::Display for GrantLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.destination(), self.line)
    }
}

impl GrantLine {
    /// Where to put it, for a person: `in policy.toml, under [plugins.weather.permissions] (line 3)`.
    pub fn destination(&self) -> String {
        let GrantLine { file, section, .. } = self;
        match self.place {
            Place::NewFile => {
                format!("in a new file {file}, behind `version = 1`, under [{section}]")
            }
            Place::NewSection => format!("in {file}, under a new [{section}]"),
            Place::Under { line } => format!("in {file}, under [{section}] (line {line})"),
            Place::Instead { first, last } if first == last => {
                format!("in {file}, instead of line {first}")
            }
            Place::Instead { first, last } => {
                format!("in {file}, instead of lines {first} to {last}")
            }
            Place::Inside { line } => format!("in {file}, in the table {section} of line {line}"),
        }
    }

    /// The file's text with the line in it; `None` where that is to be done by hand.
    pub fn apply(&self, text: &str) -> Option<String> {
        let mut lines: Vec<&str> = text.lines().collect();
        let header = format!("[{}]", self.section);
        match self.place {
            Place::NewFile if lines.is_empty() => {
                lines.extend(["version = 1", "", &header, &self.line])
            }
            Place::NewSection => lines.extend(["", &header, &self.line]),
            Place::Under { line } if line <= lines.len() => lines.insert(line, &self.line),
            Place::Instead { first, last }
                if (1..=last).contains(&first) && last <= lines.len() =>
            {
                lines.splice(first - 1..last, [self.line.as_str()]);
            }
            _ => return None,
        }
        Some(lines.join("\n") + "\n")
    }
}

/// Where a file's tables and keys are: what [`GrantLine`]s are made from.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    file: Arc<str>,
    exists: bool,
    sections: BTreeMap<String, Form>,
    /// Of each section's each key: its lines, and what a list lists there.
    keys: BTreeMap<(String, String), Written>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Header {
        line: usize,
    },
    /// Only its children have headers.
    Implied,
    /// In braces, or by dotted keys.
    Inline {
        line: usize,
    },
}

#[derive(Clone, Debug)]
struct Written {
    first: usize,
    last: usize,
    entries: Vec<String>,
}

impl Layout {
    /// Of a file that is not there yet.
    pub(super) fn empty(file: &Arc<str>) -> Layout {
        Layout {
            file: file.clone(),
            exists: false,
            sections: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    pub(super) fn new(file: &Arc<str>, source: &Source<'_>, root: &DeTable<'_>) -> Layout {
        let mut layout = Layout::empty(file);
        layout.exists = true;
        layout.walk(source, "", root);
        layout
    }

    fn walk(&mut self, source: &Source<'_>, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let span = value.span();
            match value.get_ref() {
                DeValue::Table(inner) => {
                    let name = match section {
                        "" => key.get_ref().to_string(),
                        section => format!("{section}.{}", key.get_ref()),
                    };
                    let line = source.line(span.start);
                    let form = match source
                        .text
                        .get(span.start..)
                        .and_then(|text| text.chars().next())
                    {
                        Some('[') => Form::Header { line },
                        Some('{') => Form::Inline { line },
                        _ if source.line_begins_with(span.start, '[') => Form::Implied,
                        _ => Form::Inline { line },
                    };
                    self.walk(source, &name, inner);
                    self.sections.insert(name, form);
                }
                other => {
                    let written = Written {
                        first: source.line(key.span().start),
                        last: source.line(span.end.saturating_sub(1)),
                        entries: match other {
                            DeValue::Array(entries) => entries.iter().filter_map(as_text).collect(),
                            _ => Vec::new(),
                        },
                    };
                    self.keys
                        .insert((section.to_owned(), key.get_ref().to_string()), written);
                }
            }
        }
    }

    /// The line that adds entries to a list.
    pub(super) fn add(&self, section: &str, key: &str, more: &[String]) -> GrantLine {
        let written = self.keys.get(&(section.to_owned(), key.to_owned()));
        let mut entries: Vec<&String> = written
            .iter()
            .flat_map(|written| &written.entries)
            .collect();
        for entry in more {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        let entries: Vec<String> = entries.into_iter().map(|entry| quoted(entry)).collect();
        self.line(section, key, format!("{key} = [{}]", entries.join(", ")))
    }

    /// The line that gives a key this number.
    pub(super) fn set(&self, section: &str, key: &str, number: u64) -> GrantLine {
        self.line(section, key, format!("{key} = {number}"))
    }

    fn line(&self, section: &str, key: &str, line: String) -> GrantLine {
        let inline = ancestors(section).find_map(|name| match self.sections.get(name) {
            Some(Form::Inline { line }) => Some(*line),
            _ => None,
        });
        let written = self.keys.get(&(section.to_owned(), key.to_owned()));
        let place = match (inline, written, self.sections.get(section)) {
            (Some(line), _, _) => Place::Inside { line },
            (None, Some(written), _) => Place::Instead {
                first: written.first,
                last: written.last,
            },
            (None, None, Some(Form::Header { line })) => Place::Under { line: *line },
            (None, None, _) if self.exists => Place::NewSection,
            (None, None, _) => Place::NewFile,
        };
        GrantLine {
            file: self.file.clone(),
            section: section.to_owned(),
            line,
            place,
        }
    }
}

/// A table's name and those of the tables around it.
fn ancestors(section: &str) -> impl Iterator<Item = &str> {
    let ends = section.match_indices('.').map(|(at, _)| at);
    ends.chain([section.len()])
        .filter_map(|end| section.get(..end))
}

fn as_text(entry: &Spanned<DeValue<'_>>) -> Option<String> {
    match entry.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// A text as TOML writes it, with everything escaped that a terminal would not show as one letter.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            ' '..='~' => out.push(letter),
            // What Rust would not escape can be shown.
            _ if letter.escape_debug().count() == 1 && !letter.is_ascii() => out.push(letter),
            _ => out.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(text: &str) -> Layout {
        let source = Source::new("p.toml", text.as_bytes()).unwrap();
        let root = source.parse().unwrap();
        Layout::new(&"p.toml".into(), &source, root.get_ref())
    }

    #[test]
    fn the_place_is_where_a_person_would_put_it() {
        let shown = |text: &str| layout(text).add("a.b", "k", &["x".to_owned()]).to_string();
        assert_eq!(shown(""), r#"in p.toml, under a new [a.b]: k = ["x"]"#);
        assert_eq!(
            shown("[a.b.c]"),
            r#"in p.toml, under a new [a.b]: k = ["x"]"#
        );
        assert_eq!(
            shown("\n[a.b]\nj = 1"),
            r#"in p.toml, under [a.b] (line 2): k = ["x"]"#
        );
        assert_eq!(
            shown("[a.b]\nk = ['y']"),
            r#"in p.toml, instead of line 2: k = ["y", "x"]"#
        );
        assert_eq!(
            shown("[a.b]\nk = [\n'y'\n]"),
            r#"in p.toml, instead of lines 2 to 4: k = ["y", "x"]"#
        );
        assert_eq!(
            shown("v = 1\na = { b = {} }"),
            r#"in p.toml, in the table a.b of line 2: k = ["x"]"#
        );
        assert_eq!(
            shown("a.b.c = 1"),
            r#"in p.toml, in the table a.b of line 1: k = ["x"]"#
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_quoted_so_that_it_reads_back(text: String) {
            let line = format!("k = {}", quoted(&text));
            let read: toml::Table = line.parse().unwrap();
            prop_assert_eq!(read["k"].as_str(), Some(text.as_str()));
            prop_assert!(!line.contains(char::is_control));
        }
    }
}
