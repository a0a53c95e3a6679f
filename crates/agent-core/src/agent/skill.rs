//! What a skill says of itself: the front matter of its SKILL.md, which is YAML in general. Of that, what skills are seen to
//! use is read: keys at the start of a line, and plain or quoted texts on the same one.

use alloc::string::{String, ToString};

use dewclaw_platform::{cut, split, trim};

use crate::json::parse;
use crate::word_list;

/// The description of a skill whose name is the right one; `None` where the text does not begin with front matter that has
/// both.
pub(super) fn description(text: &str, is_right: impl Fn(&str) -> bool) -> Option<String> {
    let mut found = [""; 2];
    let mut is_open = false;
    for line in split(text, b'\n') {
        let is_fence = line.trim_ascii_end() == "---";
        if !is_open && !is_fence {
            return None;
        }
        if is_open && is_fence {
            let [name, description] = found;
            return scalar(description)
                .filter(|_| scalar(name).is_some_and(|name| is_right(&name)));
        }
        is_open = true;
        let (key, value) = cut(line, b':');
        let at = word_list::place("name description", key);
        if let Some(place) = at.and_then(|at| found.get_mut(at)) {
            *place = trim(value?);
        }
    }
    None
}

/// The text that a value stands for; `None` where it is none, or goes on in other lines.
fn scalar(value: &str) -> Option<String> {
    match value.as_bytes() {
        [] | [b'>' | b'|', ..] => None,
        // JSON's strings are YAML's, but for escapes that nobody uses.
        [b'"', ..] => Some(parse(value.as_bytes()).ok()?.as_str()?.to_string()),
        [b'\'', inside @ ..] => {
            let inside = core::str::from_utf8(inside.strip_suffix(b"'")?).ok()?;
            Some(inside.to_string())
        }
        _ => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    /// The description, where the name is `a`.
    fn read(text: &str) -> Option<String> {
        description(text, |name| name == "a")
    }

    #[test]
    fn plain_and_quoted_texts_are_read() {
        for (lines, wanted) in [
            ("name: a\ndescription: b c", "b c"),
            ("description:b: \"c\" # d\nname:   a  ", "b: \"c\" # d"),
            ("name: \"a\" \ndescription: 'b: c' ", "b: c"),
            (
                r#"name: 'a'
description: "say \"b\" \u00e9""#,
                "say \"b\" \u{e9}",
            ),
            (
                "# of a skill\nname: a\nmetadata:\n  name: x\n  description: y\n- z\n\ndescription: b",
                "b",
            ),
        ] {
            let text = format!("---\n{lines}\n---\nname: x\n---\n");
            assert_eq!(read(&text).as_deref(), Some(wanted), "{lines}");
            assert_eq!(read(&text.replace('\n', "\r\n")).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_is_broken_is_none() {
        for text in [
            "",
            "---",
            "name: a\ndescription: b\n",
            "\n---\nname: a\ndescription: b\n---\n",
            "---\nname: a\ndescription: b\n",
            "---\nname: a\n---\ndescription: b\n---\n",
            "---\nname:\ndescription: b\n---\n",
            "---\nname\ndescription: b\n---\n",
            "---\nname: b\ndescription: b\n---\n",
            "---\nname: ../a\ndescription: b\n---\n",
            "---\nname: a\ndescription: \"b\n---\n",
            "---\nname: a\ndescription: \"b\" c\n---\n",
            "---\nname: a\ndescription: 'b\n---\n",
            "---\nname: a\ndescription: '\n---\n",
            "---\nname: a\ndescription: >-\n  b\n---\n",
            "---\nname: a\ndescription: |\n---\n",
            "---\n name: a\n description: b\n---\n",
            "--- \nname: a\ndescription: b\n----\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_is_read(text in "\\PC{1,80}") {
            let json = crate::json::string(&text);
            let json = core::str::from_utf8(&json).unwrap();
            let file = format!("---\nname: a\ndescription: {json}\n---\n");
            prop_assert_eq!(read(&file), Some(text));
        }

        #[test]
        fn nothing_is_read_that_is_not_there(text in "(---\n|name: a\n|description: |[\"'a >\n]|\\PC){0,40}") {
            if let Some(description) = read(&text) {
                prop_assert!(text.starts_with("---\n") && text.contains("name: a\n"));
                prop_assert!(text.contains(&description));
            }
        }
    }
}
