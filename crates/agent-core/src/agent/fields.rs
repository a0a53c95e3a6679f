//! The form of a saved session: fields in a fixed order, a number as its digits and a space, bytes behind their count. That
//! takes a fifth of the fuel of JSON, and nothing in it has to be escaped.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::json::decimal;

/// Fields that are written.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(decimal(number).as_bytes());
        self.0.push(b' ');
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

/// Fields that are read. What is no field is 0 or empty, and so is all behind it; that it was so is known at the end.
pub(super) struct Reader<'s> {
    rest: &'s [u8],
    is_damaged: bool,
}

impl<'s> Reader<'s> {
    pub(super) fn new(fields: &'s [u8]) -> Reader<'s> {
        Reader {
            rest: fields,
            is_damaged: false,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether all that was read was there, and nothing is left.
    pub(super) fn is_over(&self) -> bool {
        !self.is_damaged && self.is_empty()
    }

    pub(super) fn number(&mut self) -> u64 {
        let mut number = 0u64;
        while let Some((digit, rest)) = self.rest.split_first() {
            self.rest = rest;
            if *digit == b' ' {
                return number;
            }
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 || number > u64::MAX / 10 {
                break;
            }
            let Some(next) = (number * 10).checked_add(digit.into()) else {
                break;
            };
            number = next;
        }
        self.damaged()
    }

    fn damaged(&mut self) -> u64 {
        self.is_damaged = true;
        self.rest = &[];
        0
    }

    pub(super) fn small(&mut self) -> u32 {
        let number = self.number();
        u32::try_from(number).unwrap_or_else(|_| self.damaged() as u32)
    }

    pub(super) fn bytes(&mut self) -> &'s [u8] {
        let count = self.small();
        let (bytes, rest) = match self.rest.split_at_checked(count as usize) {
            Some(parts) => parts,
            None => {
                self.damaged();
                (&[][..], &[][..])
            }
        };
        self.rest = rest;
        bytes
    }

    pub(super) fn text(&mut self) -> String {
        match core::str::from_utf8(self.bytes()) {
            Ok(text) => text.to_string(),
            Err(_) => {
                self.damaged();
                String::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(number: u64, text: String, bytes: Vec<u8>) {
            let mut writer = Writer(Vec::new());
            writer.bytes(text.as_bytes());
            writer.number(number);
            writer.bytes(&bytes);
            let mut reader = Reader::new(&writer.0);
            prop_assert_eq!(reader.text(), text);
            prop_assert_eq!(reader.number(), number);
            prop_assert_eq!(reader.bytes(), &bytes[..]);
            prop_assert!(reader.is_over(), "there is no more");
            prop_assert_eq!(reader.number(), 0);
            prop_assert!(!reader.is_over(), "there was no more");
        }
    }

    #[test]
    fn what_is_no_field_is_damage() {
        for bytes in ["", "1", "x ", "-1 ", "18446744073709551616 "] {
            let mut reader = Reader::new(bytes.as_bytes());
            assert_eq!(reader.number(), 0, "{bytes}");
            assert!(!reader.is_over(), "{bytes}");
        }
        for bytes in [&b"3 ab"[..], b"18446744073709551615 ab", b"1 \xff"] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.text(), "");
            assert!(!reader.is_over());
        }
        let mut reader = Reader::new(b"4294967296 ");
        assert_eq!(reader.small(), 0);
        assert!(!reader.is_over());
    }
}
