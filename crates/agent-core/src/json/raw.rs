//! A part of a JSON text, as it was written.

use dewclaw_platform::split;

/// The value at `path` (as [`super::Value::get`] has it) in a text that is JSON: its own bytes. In a text that is not,
/// whatever seems to stand there, or nothing.
pub fn raw<'j>(json: &'j [u8], path: &str) -> Option<&'j [u8]> {
    let mut value = json.trim_ascii();
    for step in split(path, b'/') {
        value = member(value, step)?;
    }
    Some(value)
}

/// The elements of an array, given as what stands between its brackets. In a text that is no such thing, what seems to be
/// one; the last of them is then no JSON.
pub(crate) fn elements(inside: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = (!inside.is_empty()).then_some(inside);
    core::iter::from_fn(move || {
        let text = rest.take()?;
        let end = value_length(text);
        match text.get(end) {
            Some(b',') => {
                rest = Some(&text[end + 1..]);
                Some(&text[..end])
            }
            _ => Some(text),
        }
    })
}

fn member<'j>(json: &'j [u8], step: &str) -> Option<&'j [u8]> {
    let (open, inside) = json.split_first()?;
    let mut rest = inside.trim_ascii_start();
    let mut index = 0u64;
    let mut found = None;
    while !rest.is_empty() && !matches!(rest.first(), Some(b'}' | b']')) {
        let is_it;
        if *open == b'{' {
            let key = &rest[..value_length(rest)];
            is_it = matches!(super::parse(key), Ok(super::Value::String(name)) if name == step);
            rest = rest[key.len()..].trim_ascii_start();
            rest = rest.strip_prefix(b":")?.trim_ascii_start();
        } else {
            is_it = super::decimal(index) == step;
            index += 1;
        }
        let value = &rest[..value_length(rest)];
        let before = rest.len();
        if is_it {
            // The last of several members of one name counts.
            found = Some(value.trim_ascii_end());
        }
        rest = rest[value.len()..].trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        if rest.len() == before {
            // Nothing was read, so this is no JSON.
            break;
        }
    }
    found
}

/// Bytes of the value that the text begins with, up to the comma, colon or bracket that ends it.
fn value_length(text: &[u8]) -> usize {
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b':' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn parts_are_found_as_they_were_written() {
        let json = br#" { "a" : [ 1.50 , {"b\"]": { "x" : -0e1 , "y":"},{" } } ] , "c":null} "#;
        let found =
            |path: &str| raw(json, path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert_eq!(found("a/0").as_deref(), Some("1.50"));
        assert_eq!(
            found("a/1/b\"]").as_deref(),
            Some(r#"{ "x" : -0e1 , "y":"},{" }"#)
        );
        assert_eq!(found("a/1/b\"]/y").as_deref(), Some(r#""},{""#));
        assert_eq!(found("c").as_deref(), Some("null"));
        for nowhere in ["d", "a/2", "c/x", "a/0/x", ""] {
            assert_eq!(found(nowhere), None, "{nowhere}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(text in "[\\[\\]{}\",:0a\\\\ ]{0,40}", path in "[a0/]{0,4}") {
            let _ = raw(text.as_bytes(), &path);
        }

        #[test]
        fn elements_are_those_of_the_array(texts in prop::collection::vec("[a\"\\\\{}\\[\\],: é]{0,6}", 0..4)) {
            let quoted: Vec<Vec<u8>> = texts.iter().map(|text| crate::json::string(text)).collect();
            let joined = quoted.join(&b',');
            prop_assert_eq!(elements(&joined).collect::<Vec<_>>(), quoted);
        }

        #[test]
        fn no_byte_of_what_is_no_array_gets_lost(text in "[\\[\\]{}\",:0a\\\\ ]{0,40}") {
            let parts: Vec<&[u8]> = elements(text.as_bytes()).collect();
            prop_assert_eq!(parts.join(&b','), text.as_bytes());
            let all_are_json = parts.iter().all(|part| crate::json::parse(part).is_ok());
            let array = ["[", &text, "]"].concat();
            prop_assert!(!all_are_json || crate::json::parse(array.as_bytes()).is_ok());
        }

        #[test]
        fn what_is_found_is_the_value(texts in prop::collection::vec("[a\"\\\\{}\\[\\],: é]{0,6}", 1..4)) {
            let quoted: Vec<Vec<u8>> = texts.iter().map(|text| crate::json::string(text)).collect();
            let mut array = crate::json::Array::new();
            quoted.iter().for_each(|text| array.raw(text));
            let json = array.finish();
            for (index, text) in quoted.iter().enumerate() {
                let path = crate::json::decimal(index as u64);
                prop_assert_eq!(raw(&json, &path), Some(&text[..]));
            }
        }
    }
}
