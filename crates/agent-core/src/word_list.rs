//! Lists of words in one text: a list of texts costs the guest eight bytes for each.

use dewclaw_platform::split;

/// The words, which spaces part, or commas and spaces.
fn words(list: &str) -> impl Iterator<Item = &str> {
    split(list, b' ').map(|word| word.strip_suffix(',').unwrap_or(word))
}

/// Where a word stands in its list.
pub fn place(list: &str, word: &str) -> Option<usize> {
    for (at, known) in words(list).enumerate() {
        if known == word {
            return Some(at);
        }
    }
    None
}

/// The word at a place; empty where there is none.
pub(crate) fn word(list: &str, place: usize) -> &str {
    words(list).nth(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_places_belong_together() {
        for list in ["a bc d", "a, bc, d"] {
            for (at, text) in ["a", "bc", "d"].into_iter().enumerate() {
                assert_eq!(place(list, text), Some(at));
                assert_eq!(word(list, at), text);
            }
            for text in ["", "b", "c", "bc d", "a,"] {
                assert_eq!(place(list, text), None, "{text}");
            }
            assert_eq!(word(list, 3), "");
        }
    }
}
