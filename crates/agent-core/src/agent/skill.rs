//! What a skill says of itself: the front matter of its SKILL.md, which is YAML in general. Of that, what skills are seen to
//! use is read: keys at the start of a line, and plain, quoted or folded texts.

use alloc::string::{String, ToString};

use dewclaw_platform::{cut, split};

use crate::json::parse;
use crate::tools::place;
use crate::word_list;

/// What is read of it.
const KEYS: &str = "name description";

/// A skill's name and description; `None` where the text does not begin with front matter that has both.
pub(super) fn front_matter(text: &str) -> Option<[String; 2]> {
    let mut found = [String::new(), String::new()];
    let mut lines = split(text, b'\n');
    let is_fence = |line: &str| line.trim_ascii_end() == "---";
    lines.next().filter(|line| is_fence(line))?;
    let mut at = None;
    for line in lines {
        if is_fence(line) {
            for text in &mut found {
                *text = scalar(text.trim())?;
            }
            return Some(found);
        }
        let more = if let [] | [b' ' | b'\t' | b'\r', ..] = line.as_bytes() {
            line
        } else {
            let (key, value) = cut(line, b':');
            at = word_list::place(KEYS, key);
            value.unwrap_or_default()
        };
        if let Some(text) = at.and_then(|at| found.get_mut(at)) {
            text.push_str(more.trim());
            text.push(' ');
        }
    }
    None
}

/// The text that a value stands for; `None` where it is empty or its quotes are broken.
fn scalar(value: &str) -> Option<String> {
    let text = match value.as_bytes() {
        // JSON's strings are YAML's, but for some escapes that nobody uses.
        [b'"', ..] => parse(value.as_bytes()).ok()?.as_str()?.to_string(),
        [b'\'', inside @ .., b'\''] => {
            let inside = core::str::from_utf8(inside).ok()?;
            let mut text = String::new();
            let mut parts = split(inside, b'\'');
            text.push_str(parts.next()?);
            // Each quote inside is two.
            while let Some(between) = parts.next() {
                text.push('\'');
                text.push_str(parts.next().filter(|_| between.is_empty())?);
            }
            text
        }
        [b'\'', ..] => return None,
        [b'>' | b'|', ..] => cut(value, b' ').1?.to_string(),
        _ => {
            let end = place(value, " #", 0).unwrap_or(value.len());
            value.get(..end)?.to_string()
        }
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    #[track_caller]
    fn reads(lines: &str, name: &str, description: &str) {
        let text = format!("---\n{lines}\n---\nBody: not read\n");
        let wanted = [name.to_string(), description.to_string()];
        assert_eq!(front_matter(&text), Some(wanted.clone()), "{lines}");
        assert_eq!(front_matter(&text.replace('\n', "\r\n")), Some(wanted));
    }

    #[test]
    fn plain_quoted_and_folded_texts_are_read() {
        reads("name: a\ndescription: b c", "a", "b c");
        reads("description:b: c\nname:   a  ", "a", "b: c");
        reads("name: \"a\" \ndescription: 'it''s ''b''' ", "a", "it's 'b'");
        reads("name: a # the name\ndescription: b#c # d", "a", "b#c");
        reads(
            r#"name: a
description: "say \"b\" # c""#,
            "a",
            "say \"b\" # c",
        );
        reads(
            "name: a\ndescription: >-\n  one\n  two\n\n  three",
            "a",
            "one two  three",
        );
        reads(
            "name: a\nmetadata:\n  name: x\n  description: y\nallowed-tools: [z]\ndescription: one\n  two",
            "a",
            "one two",
        );
    }

    #[test]
    fn what_is_broken_is_none() {
        for text in [
            "",
            "---",
            "name: a\ndescription: b\n",
            "\n---\nname: a\ndescription: b\n---\n",
            "---\nname: a\ndescription: b\n",
            "---\nname: a\n---\ndescription: b\n",
            "---\nname:\ndescription: b\n---\n",
            "---\nname: a\ndescription: \"b\n---\n",
            "---\nname: a\ndescription: \"b\" c\n---\n",
            "---\nname: a\ndescription: 'b\n---\n",
            "---\nname: a\ndescription: 'b'c'\n---\n",
            "---\nname: a\ndescription: '\n---\n",
            "---\nname: a\ndescription: >\n---\n",
            "---\nname: a\ndescription: \"  \"\n---\n",
            "---\n name: a\n description: b\n---\n",
            "--- \nname: a\ndescription: b\n----\n",
        ] {
            assert_eq!(front_matter(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_is_read(name in "\\PC{1,20}", text in "\\PC{1,80}") {
            prop_assume!(!name.trim().is_empty() && !text.trim().is_empty());
            let json = crate::json::string(&text);
            let json = core::str::from_utf8(&json).unwrap();
            let single = name.replace('\'', "''");
            let file = format!("---\nname: '{single}'\ndescription: {json}\n---\n");
            prop_assert_eq!(front_matter(&file), Some([name, text]));
        }

        #[test]
        fn nothing_is_read_that_is_not_there(text in "(---\n|name: |description: |[\"'a >\n]|\\PC){0,40}") {
            if let Some([name, description]) = front_matter(&text) {
                prop_assert!(!name.trim().is_empty() && !description.trim().is_empty());
                prop_assert!(text.starts_with("---"));
            }
        }
    }
}
