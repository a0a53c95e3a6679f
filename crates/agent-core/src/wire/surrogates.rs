//! Letters that a server has cut in two.
//!
//! A server that cuts text by UTF-16 units may send the two halves of a letter past U+FFFF in two deltas, each as an
//! escape of its own (`"\ud83d"`, then `"\udc3e"`). Neither is a character, so neither is JSON in UTF-8 to a strict
//! reader. Here such halves pass through the reader as private characters, and are put together again behind it. (Only
//! a delta that has such a half and the same private character beside it loses that character.)

use alloc::string::String;

use crate::json::FIRST_PRIVATE;

/// Puts the halves of one text together again, delta by delta.
#[derive(Default)]
pub(super) struct Joiner {
    /// The first half of a letter whose second has not come yet.
    held: Option<u32>,
}

impl Joiner {
    /// The delta with its letters whole; a half that never finds its other becomes U+FFFD. `has_halves` says whether
    /// any may be in it.
    pub(super) fn join(&mut self, delta: &str, has_halves: bool) -> String {
        if !has_halves && self.held.is_none() {
            return String::from(delta);
        }
        let mut out = String::new();
        for letter in delta.chars() {
            let unit = (letter as u32)
                .checked_sub(FIRST_PRIVATE)
                .filter(|_| has_halves)
                .map(|half| half + 0xD800);
            match (self.held.take(), unit) {
                (Some(high), Some(low @ 0xDC00..)) => {
                    let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    out.extend(char::from_u32(code));
                    continue;
                }
                (Some(_), _) => out.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            match unit {
                Some(0xDC00..) => out.push(char::REPLACEMENT_CHARACTER),
                Some(high) => self.held = Some(high),
                None => out.push(letter),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_halves;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn joined(deltas: &[&str]) -> String {
        let mut joiner = Joiner::default();
        deltas
            .iter()
            .map(|json| {
                let (value, has_halves) = parse_halves(json.as_bytes(), usize::MAX).unwrap();
                joiner.join(value.as_str().unwrap(), has_halves)
            })
            .collect()
    }

    #[test]
    fn halves_are_joined_and_lone_ones_replaced() {
        assert_eq!(joined(&[r#""a \ud83d""#, r#""\udc3e b""#]), "a \u{1f43e} b");
        assert_eq!(joined(&[r#""\ud83d\udc3e""#]), "\u{1f43e}");
        assert_eq!(joined(&[r#""\ud83d""#, r#""x""#]), "\u{fffd}x");
        assert_eq!(joined(&[r#""\udc3e\\ud83d""#]), "\u{fffd}\\ud83d");
        assert_eq!(joined(&[r#""\ud83d\ud83d\udc3e""#]), "\u{fffd}\u{1f43e}");
    }

    proptest! {
        /// A text cut at any UTF-16 units comes out whole.
        #[test]
        fn any_text_survives_cuts_by_utf_16(text in "[a\u{1f43e}\u{10000}\"\\\\\u{e9}]{0,8}", cuts in prop::collection::vec(0usize..16, 0..6)) {
            let units: Vec<u16> = text.encode_utf16().collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(units.len())).collect();
            cuts.extend([0, units.len()]);
            cuts.sort_unstable();
            let deltas: Vec<String> = cuts
                .windows(2)
                .map(|pair| {
                    let mut json = "\"".to_string();
                    for unit in &units[pair[0]..pair[1]] {
                        json.push_str(&alloc::format!("\\u{unit:04x}"));
                    }
                    json + "\""
                })
                .collect();
            let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
            prop_assert_eq!(joined(&deltas), text);
        }

        #[test]
        fn any_bytes_are_survived(text in "[\\\\ud8cf0\"]{0,40}") {
            let _ = parse_halves(text.as_bytes(), usize::MAX);
        }
    }
}
