//! Text that others wrote inside one that is ours: between tags that it can't close itself.

use alloc::string::String;

use dewclaw_platform::split;

use crate::template::fill;

/// The text between tags of this name, each on a line of its own. Where it has such a tag itself, `&lt;` begins that one.
pub(crate) fn marked(tag: &str, text: &str) -> String {
    let mut inside = String::new();
    for (at, part) in split(text, b'<').enumerate() {
        if at > 0 {
            inside.push_str(if is_tag(tag, part) { "&lt;" } else { "<" });
        }
        inside.push_str(part);
    }
    fill("<%>\n%\n</%>", &[tag, &inside, tag])
}

/// Whether a text has a tag of this name.
pub(crate) fn has_tag(tag: &str, text: &str) -> bool {
    split(text, b'<').skip(1).any(|part| is_tag(tag, part))
}

/// Whether what is behind a `<` makes it such a tag, one that begins or one that ends, as a lenient reader sees it.
fn is_tag(tag: &str, rest: &str) -> bool {
    let rest = rest.trim_ascii_start();
    let name = rest.strip_prefix('/').unwrap_or(rest).trim_ascii_start();
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
            ("a < / MARK > b", "a &lt; / MARK > b"),
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
