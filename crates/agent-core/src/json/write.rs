//! Writing JSON by hand, straight into bytes.

use alloc::vec::Vec;

use dewclaw_platform::decimal;

/// A JSON object under construction.
pub struct Object {
    bytes: Vec<u8>,
}

impl Object {
    /// An object without members.
    #[expect(
        clippy::new_without_default,
        reason = "an unfinished `{` is no default"
    )]
    pub fn new() -> Object {
        Object {
            bytes: alloc::vec![b'{'],
        }
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
        push_string(&mut self.bytes, key);
        self.bytes.push(b':');
        &mut self.bytes
    }

    /// Adds a string.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Object {
        push_string(self.key(key), value);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, key: &str, value: u64) -> &mut Object {
        self.raw(key, decimal(value).as_bytes())
    }

    /// Adds `true` or `false`.
    pub fn boolean(&mut self, key: &str, value: bool) -> &mut Object {
        self.raw(key, if value { b"true" } else { b"false" })
    }

    /// Adds a value that is JSON already.
    pub fn raw(&mut self, key: &str, json: &[u8]) -> &mut Object {
        self.key(key).extend_from_slice(json);
        self
    }

    /// The object's JSON.
    pub fn finish(&mut self) -> Vec<u8> {
        self.bytes.push(b'}');
        core::mem::take(&mut self.bytes)
    }
}

/// A JSON array under construction.
pub struct Array {
    bytes: Vec<u8>,
}

impl Array {
    /// An array without elements.
    #[expect(
        clippy::new_without_default,
        reason = "an unfinished `[` is no default"
    )]
    pub fn new() -> Array {
        Array {
            bytes: alloc::vec![b'['],
        }
    }

    /// Adds a value that is JSON already.
    pub fn raw(&mut self, json: &[u8]) {
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(json);
    }

    /// The array's JSON.
    pub fn finish(&mut self) -> Vec<u8> {
        self.bytes.push(b']');
        core::mem::take(&mut self.bytes)
    }
}

/// The JSON of a string.
pub fn string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// Appends a JSON string: `"`, `\` and control characters escaped (RFC 8259, section 7), the rest as it is.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..index]);
        copied = index + 1;
        out.push(b'\\');
        if short == 0 {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
            out.extend_from_slice(&[b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.push(short);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Bytes of a byte of text once it stands in a JSON string.
pub(crate) fn string_cost(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    #[test]
    fn members_are_separated_and_escaped() {
        let json = Object::new()
            .text("a\"b", "line\nend\u{1}")
            .number("n", 18_446_744_073_709_551_615)
            .boolean("t", true)
            .raw("r", b"[1]")
            .finish();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"a\"b":"line\nend\u0001","n":18446744073709551615,"t":true,"r":[1]}"#
        );
        assert_eq!(Object::new().finish(), b"{}");
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(number: u64) {
            prop_assert_eq!(decimal(number), number.to_string());
        }

        #[test]
        fn any_text_survives_a_round_trip(text in any::<String>()) {
            let parsed: String = serde_json::from_slice(&string(&text)).unwrap();
            prop_assert_eq!(parsed, text);
        }
    }
}
