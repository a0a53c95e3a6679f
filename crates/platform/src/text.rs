//! Texts made of bytes and of other texts, and without the spaces around them.
//!
//! The standard library does each for any kind of input; what is here is a third of its code.

use alloc::string::String;
use alloc::vec::Vec;

/// The text of UTF-8, with U+FFFD for what is none. What is UTF-8 is not copied.
pub fn utf_8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.as_bytes()))
}

/// As [`utf_8`], in a copy. One U+FFFD stands for each of the longest parts that could have begun a character, as
/// `String::from_utf8_lossy` has it.
pub fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Err(error) = core::str::from_utf8(rest) {
        let (valid, other) = rest.split_at(error.valid_up_to());
        text.push_str(core::str::from_utf8(valid).unwrap_or_default());
        text.push('\u{fffd}');
        let length = error.error_len().unwrap_or(other.len());
        rest = other.get(length..).unwrap_or_default();
    }
    text.push_str(core::str::from_utf8(rest).unwrap_or_default());
    text
}

/// The texts, one behind the other.
pub fn concat(parts: &[&str]) -> String {
    join(parts, "")
}

/// The texts, with `between` between each two.
pub fn join(parts: &[&str], between: &str) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        text.push_str(part);
    }
    text
}

/// The text without the spaces around it, which are Unicode's.
pub fn trim(text: &str) -> &str {
    let mut rest = text;
    loop {
        let length = space(rest);
        if length == 0 {
            break;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    loop {
        let mut at = rest.len();
        while at > 0 {
            at -= 1;
            if rest.is_char_boundary(at) {
                break;
            }
        }
        if space(rest.get(at..).unwrap_or_default()) == 0 {
            return rest;
        }
        rest = rest.get(..at).unwrap_or_default();
    }
}

/// A number's decimal digits. (The formatting of the standard library takes ten times the code.)
pub fn decimal(mut number: u64) -> String {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    let mut text = String::new();
    for digit in &digits[at..] {
        text.push(char::from(*digit));
    }
    text
}

/// The number that these digits are; `None` for other bytes, no digits, and what is past 64 bits.
pub fn count(digits: &str) -> Option<u64> {
    let mut number = 0u64;
    for byte in digits.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || number > u64::MAX / 10 {
            return None;
        }
        number = (number * 10).checked_add(digit.into())?;
    }
    (!digits.is_empty()).then_some(number)
}

/// Whether there is nothing but spaces in it.
pub fn is_blank(text: &str) -> bool {
    trim(text).is_empty()
}

/// The bytes of the space that a text begins with, or 0. Which characters are spaces, Unicode's property White_Space, is
/// stable; `char::is_whitespace` has a table for it.
fn space(text: &str) -> usize {
    match text.as_bytes() {
        [b'\t'..=b'\r' | b' ', ..] => 1,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn spaces_are_those_of_the_standard_library() {
        for letter in '\0'..=char::MAX {
            let text = String::from(letter);
            assert_eq!(is_blank(&text), letter.is_whitespace(), "{letter:?}");
        }
    }

    #[test]
    fn texts_are_put_together() {
        assert_eq!(join(&["a", "", "b"], ", "), "a, , b");
        assert_eq!(concat(&["a", "", "b"]), "ab");
        assert_eq!(concat(&[]), "");
    }

    #[test]
    fn numbers_are_read() {
        for text in [
            "0",
            "007",
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709551620",
            "28446744073709551615",
            "",
            "-1",
            "1 ",
            "a",
        ] {
            assert_eq!(count(text), text.parse().ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_become_the_text_that_the_standard_library_makes(
            text in "\\PC{0,8}",
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x7f..=0xc3u8, 0xe0..=0xf4u8], 0..12),
        ) {
            let bytes = [text.as_bytes(), &bytes, text.as_bytes()].concat();
            let wanted = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert_eq!(&lossy(&bytes), &wanted);
            prop_assert_eq!(&utf_8(bytes), &wanted);
        }

        #[test]
        fn spaces_are_taken_away_as_the_standard_library_does(
            letters in prop::collection::vec(
                prop::sample::select(vec![' ', '\n', '\t', 'a', 'é', '\u{a0}', '\u{3000}', '\u{200b}', '🐾']), 0..8),
        ) {
            let text: String = letters.into_iter().collect();
            prop_assert_eq!(trim(&text), text.trim());
        }
    }
}
