//! Text that others wrote inside one that is ours: between tags that it can't close itself.

use alloc::string::String;

use dewclaw_platform::split;

use crate::template::fill;

/// The text between tags of this name, each on a line of its own.
pub(crate) fn marked(tag: &str, text: &str) -> String {
    fill("<%>\n%\n</%>", &[tag, &defused(tag, text), tag])
}

/// Whether a text has a tag of this name.
pub(crate) fn has_tag(tag: &str, text: &str) -> bool {
    defused(tag, text).len() > text.len()
}

/// The text with `&lt;` where a tag of this name begins.
fn defused(tag: &str, text: &str) -> String {
    let mut parts = split(text, b'<');
    let mut defused = String::from(parts.next().unwrap_or_default());
    for part in parts {
        defused.push_str(if is_tag(tag, part) { "&lt;" } else { "<" });
        defused.push_str(part);
    }
    defused
}

/// Whether what is behind a `<` makes it such a tag, one that begins or one that ends.
fn is_tag(tag: &str, rest: &str) -> bool {
    let name = rest.strip_prefix('/').unwrap_or(rest);
    let name = name.as_bytes().get(..tag.len());
    name.is_some_and(|name| name.eq_ignore_ascii_case(tag.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tag_inside_is_none() {
        for (text, inside) in [
            ("plain <b>text</b>", "plain <b>text</b>"),
            ("</mark>", "&lt;/mark>"),
            ("a </MARKS> b", "a &lt;/MARKS> b"),
            ("<mark>x<</mark>", "&lt;mark>x<&lt;/mark>"),
            ("<é", "<é"),
        ] {
            let wanted = ["<mark>\n", inside, "\n</mark>"].concat();
            assert_eq!(marked("mark", text), wanted);
            assert_eq!(has_tag("mark", text), text != inside, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_closes_it_but_its_end(text in "([</> ]|mark|MARK|\\PC){0,30}") {
            let marked = marked("mark", &text);
            let inside = marked.strip_prefix("<mark>\n").unwrap().strip_suffix("\n</mark>").unwrap();
            prop_assert!(!has_tag("mark", inside));
            prop_assert_eq!(inside.replace("&lt;", "<"), text.replace("&lt;", "<"));
        }
    }
}
