//! Reading JSON (RFC 8259) in UTF-8, to a depth of 127.
//!
//! By hand, because serde_json takes 7,500 bytes more of dewclaw.wasm, 2,500 gzipped; a turn of a conversation takes 6 %
//! more fuel with this reader. The tests hold it to serde_json's values, refusals and places of refusal.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::count;

use super::value::Value;
use crate::url::number;

/// How deep arrays and objects may stand in each other.
const MAX_DEPTH: usize = 127;

/// The private character that stands for U+D800, the first half of a letter that there is; those for the others follow,
/// to the last character of all.
pub(crate) const FIRST_PRIVATE: u32 = 0x0010_F800;

/// What is wrong with a text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The text ends before the value does.
    pub is_cut_off: bool,
    /// It is JSON, with more values than are taken.
    pub is_too_large: bool,
    /// Where, from 1.
    pub line: usize,
    /// Where in the line, in bytes from 1.
    pub column: usize,
}

/// Reads JSON.
///
/// # Errors
/// Where it stops to be JSON.
pub fn parse(text: &[u8]) -> Result<Value, ParseError> {
    parse_within(text, usize::MAX)
}

/// The same of at most so many elements and members, which is heeded where there is the feature `limits`. A value takes up
/// to 40 times the memory of its text, where that is an array of little else; so this is what bounds it. With 0 the value
/// is there without anything in it.
///
/// # Errors
/// Where it stops to be JSON, or that there are more.
pub fn parse_within(text: &[u8], most: usize) -> Result<Value, ParseError> {
    read(text, most, None)
}

/// Whether a text is a JSON object, without keeping what is in it.
pub fn is_object(text: &[u8]) -> bool {
    matches!(parse_within(text, 0), Ok(Value::Object(_)))
}

/// As [`parse_within`], of JSON whose strings may have an escape for half a letter past U+FFFF, without the other half.
/// Such a half comes as a private character ([`FIRST_PRIVATE`]); whether there are any is told too.
///
/// # Errors
/// As [`parse_within`].
pub(crate) fn parse_halves(text: &[u8], most: usize) -> Result<(Value, bool), ParseError> {
    let mut has_halves = false;
    let value = read(text, most, Some(&mut has_halves))?;
    Ok((value, has_halves))
}

fn read(text: &[u8], most: usize, halves: Option<&mut bool>) -> Result<Value, ParseError> {
    // What is no UTF-8 ends the text. If all that lacks is the rest of a letter, the text was cut off there.
    let (sound, ends) = match core::str::from_utf8(text) {
        Ok(sound) => (sound, true),
        Err(error) => (
            core::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
            error.error_len().is_none(),
        ),
    };
    let mut reader = Reader {
        text: sound,
        at: 0,
        depth: 0,
        is_first: false,
        count: 0,
        most,
        halves,
    };
    let value = reader.value();
    let (mut line, mut column) = (0, 0);
    if let Some(value) = value
        && reader.after_space().is_none()
        && sound.len() == text.len()
    {
        if cfg!(not(feature = "limits")) || most == 0 || reader.count <= most {
            return Ok(value);
        }
    } else {
        line = 1;
        for byte in text.iter().take(reader.at + 1) {
            column += 1;
            if *byte == b'\n' {
                line += 1;
                column = 0;
            }
        }
    }
    Err(ParseError {
        is_cut_off: ends && line != 0 && reader.at >= sound.len(),
        is_too_large: line == 0,
        line,
        column,
    })
}

/// Its functions answer `None` where the text is not JSON, and then `at` is the byte that can't stand there.
struct Reader<'t> {
    text: &'t str,
    /// The byte that is next.
    at: usize,
    depth: usize,
    /// Nothing was read behind the bracket that opened last.
    is_first: bool,
    /// Elements and members so far, and how many are taken.
    count: usize,
    most: usize,
    /// Whether there was half a letter, where that is taken.
    halves: Option<&'t mut bool>,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Option<Value> {
        let open = self.after_space()?;
        match open {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.string().map(Value::String),
            b'[' => {
                self.open()?;
                let mut elements = Vec::new();
                while self.more(b']')? {
                    let element = self.value()?;
                    if self.has_room() {
                        elements.push(element);
                    }
                }
                Some(Value::Array(elements))
            }
            b'{' => {
                self.open()?;
                let mut members = Vec::new();
                while self.more(b'}')? {
                    let name = self.string()?;
                    self.after_space();
                    self.take(b':')?;
                    let member = self.value()?;
                    if self.has_room() {
                        members.push((name, member));
                    }
                }
                Some(Value::Object(members))
            }
            _ => self.number(),
        }
    }

    /// Passes the bracket that opens.
    fn open(&mut self) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.at += 1;
        self.is_first = true;
        Some(())
    }

    /// Passes the bracket that closes, or what stands between an element or member and the one before; whether there is one.
    fn more(&mut self, close: u8) -> Option<bool> {
        let closes = self.after_space()? == close;
        if closes {
            self.depth -= 1;
            self.at += 1;
        } else if !self.is_first {
            self.take(b',')?;
            self.after_space();
        }
        self.is_first = false;
        Some(!closes)
    }

    /// Whether the element or member that was read is one of those that are taken.
    fn has_room(&mut self) -> bool {
        if cfg!(not(feature = "limits")) {
            return true;
        }
        self.count += 1;
        self.count <= self.most
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        for letter in word.bytes() {
            self.take(letter)?;
        }
        Some(value)
    }

    /// A whole number that is no `u64` or `i64`, or one with a fraction or an exponent, is left as it was written, but in
    /// small letters.
    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        let is_negative = self.take(b'-').is_some();
        let first = self.at;
        self.digits()?;
        let digits = self.since(first);
        if digits.len() > 1 && digits.starts_with('0') {
            self.at = first + 1;
            return None;
        }
        let mut is_whole = true;
        if self.take(b'.').is_some() {
            is_whole = false;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.next() {
            is_whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.next() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(match (count(digits), is_negative) {
            (Some(number), false) if is_whole => Value::Unsigned(number),
            (Some(number @ 1..=0x8000_0000_0000_0000), true) if is_whole => {
                Value::Negative((number as i64).wrapping_neg())
            }
            _ => Value::Decimal(self.since(start).to_ascii_lowercase()),
        })
    }

    /// Passes at least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.next() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// What was read from there.
    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A string, from its first quote.
    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut text = String::from(self.plain());
        while self.take(b'"').is_none() {
            self.take(b'\\')?;
            text.push(self.escape()?);
            text.push_str(self.plain());
        }
        Some(text)
    }

    /// Passes what stands for itself in a string.
    #[inline(never)]
    fn plain(&mut self) -> &'t str {
        // The same byte eight times.
        const EACH: u64 = u64::MAX / 0xff;
        let start = self.at;
        let mut rest = &self.text.as_bytes()[start..];
        while let Some((eight, more)) = rest.split_first_chunk() {
            let eight = u64::from_le_bytes(*eight);
            let quote = eight ^ (EACH * 0x22);
            let backslash = eight ^ (EACH * 0x5c);
            // The first byte that is below 0x20, or one of the two, comes out with its highest bit set.
            let ends = (eight.wrapping_sub(EACH * 0x20) & !eight
                | quote.wrapping_sub(EACH) & !quote
                | backslash.wrapping_sub(EACH) & !backslash)
                & (EACH << 7);
            if ends != 0 {
                rest = &rest[ends.trailing_zeros() as usize / 8..];
                break;
            }
            rest = more;
        }
        let plain = rest
            .iter()
            .take_while(|byte| !matches!(byte, b'"' | b'\\' | ..0x20))
            .count();
        self.at = self.text.len() - rest.len() + plain;
        self.since(start)
    }

    /// What the escape stands for whose backslash was read.
    fn escape(&mut self) -> Option<char> {
        let byte = match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.letter(),
            _ => return None,
        };
        self.at += 1;
        Some(char::from(byte))
    }

    /// The letter whose escape is next, from its `u`; one past U+FFFF has two.
    fn letter(&mut self) -> Option<char> {
        let mut code = self.unit()?;
        if let 0xD800..0xE000 = code {
            let behind = self.at;
            let high = code - 0xD800;
            code = match (self.second_half(code), &mut self.halves) {
                (Some(low), _) => 0x1_0000 + (high << 10) + low,
                (None, Some(halves)) => {
                    self.at = behind;
                    **halves = true;
                    FIRST_PRIVATE + high
                }
                (None, None) => return None,
            };
        }
        char::from_u32(code)
    }

    /// What stands behind the first half of a letter, from 0.
    fn second_half(&mut self, first: u32) -> Option<u32> {
        if first < 0xDC00 {
            self.take(b'\\')?;
            let unit = self.unit()?;
            if let 0xDC00..0xE000 = unit {
                return Some(unit - 0xDC00);
            }
        }
        // The last digit of the unit that can't stand there.
        self.at -= 1;
        None
    }

    /// The unit of UTF-16 in an escape, from its `u`.
    fn unit(&mut self) -> Option<u32> {
        self.take(b'u')?;
        let Some(digits) = self.text.as_bytes().get(self.at..self.at + 4) else {
            self.at = self.text.len();
            return None;
        };
        self.at += 3;
        let unit = number(digits, 16)?;
        self.at += 1;
        Some(unit as u32)
    }

    /// Passes the byte if it is next.
    fn take(&mut self, byte: u8) -> Option<()> {
        let is_next = self.next() == Some(byte);
        self.at += usize::from(is_next);
        is_next.then_some(())
    }

    /// Passes white space; the byte behind it.
    fn after_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.next() {
            self.at += 1;
        }
        self.next()
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests;
