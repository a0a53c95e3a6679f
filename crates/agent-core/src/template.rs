//! Texts with gaps: putting one together from parts costs the guest some code for every part.

use alloc::string::String;

use dewclaw_platform::split;

/// The template with the parts in place of its `%`, in order.
pub fn fill(template: &str, parts: &[&str]) -> String {
    let mut text = String::new();
    let mut parts = parts.iter();
    for (index, piece) in split(template, b'%').enumerate() {
        if index > 0 {
            text.push_str(parts.next().copied().unwrap_or_default());
        }
        text.push_str(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_where_the_gaps_are() {
        assert_eq!(fill("%: \"%\"", &["a%", "b"]), "a%: \"b\"");
        assert_eq!(fill("a", &[]), "a");
        assert_eq!(fill("", &[]), "");
    }
}
