//! Bodies turned into text: UTF-8, UTF-16 and the one-byte charsets of western and central Europe.
//!
//! Labels and tables are those of the Encoding Standard, <https://encoding.spec.whatwg.org/>: what browsers do, so `iso-8859-1` is
//! windows-1252.

use crate::name_table::{name_hash, name_table, number};
use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::utf_8;

/// How far into a page its own declaration is looked for, in bytes.
const DECLARED_WITHIN: usize = 1024;

/// The most characters of an unknown label that are told.
const LABEL_SHOWN: usize = 40;

/// What windows-1252 has from 0x80 to 0x9F. In the rest it is Latin-1, which is Unicode.
pub(crate) const WINDOWS_1252: [u16; 32] =
    code_points("€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ");

const UTF_8: u8 = 1;
const UTF_16: u8 = 2;
const UTF_16_BE: u8 = 3;
// What follows has one byte a character; up to windows-1250 with those of `WINDOWS_1252`, then with controls in their place.
const LATIN_1: u8 = 4;
const TURKISH: u8 = 5;
const WINDOWS_1250: u8 = 6;
const LATIN_2: u8 = 7;
const LATIN_9: u8 = 8;

const LABELS: [u32; 64] = name_table(&[
    (UTF_8, "utf-8 utf8 unicode-1-1-utf-8"),
    (UTF_16, "utf-16 utf-16le ucs-2 unicode csunicode"),
    (UTF_16_BE, "utf-16be"),
    (
        LATIN_1,
        "iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 l1 windows-1252 cp1252 x-cp1252 us-ascii ascii ansi_x3.4-1968 cp819 ibm819",
    ),
    (
        TURKISH,
        "iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 l5 windows-1254 cp1254 x-cp1254",
    ),
    (WINDOWS_1250, "windows-1250 cp1250 x-cp1250"),
    (
        LATIN_2,
        "iso-8859-2 iso8859-2 iso88592 iso_8859-2 latin2 l2",
    ),
    (
        LATIN_9,
        "iso-8859-15 iso8859-15 iso885915 iso_8859-15 latin9 l9",
    ),
]);

/// In pairs: what Latin-1 has at a byte, and what stands there instead.
const DIFFERENCES: [&[u16]; 5] = [
    &[],
    &code_points::<16>("\u{8e}\u{8e}\u{9e}\u{9e}ÐĞÝİÞŞðğýıþş"),
    CENTRAL_EUROPE.split_at(46 + 66).0,
    CENTRAL_EUROPE.split_at(46).1,
    &code_points::<16>("¤€¦Š¨š´Ž¸ž¼Œ½œ¾Ÿ"),
];

/// Pairs of windows-1250, then those that it shares with ISO-8859-2, then those of ISO-8859-2.
const CENTRAL_EUROPE: &[u16; 46 + 66 + 48] = &code_points(concat!(
    "\u{83}\u{83}\u{88}\u{88}\u{8c}Ś\u{8d}Ť\u{8f}Ź\u{98}\u{98}\u{9c}ś\u{9d}ť\u{9f}ź¡ˇ¢˘£Ł¥ĄªŞ¯Ż²˛³ł¹ąºş¼Ľ½˝¾ľ¿ż",
    "ÀŔÃĂÅĹÆĆÈČÊĘÌĚÏĎÐĐÑŃÒŇÕŐØŘÙŮÛŰÞŢàŕãăåĺæćèčêęìěïďðđñńòňõőøřùůûűþţÿ˙",
    "¡Ą¢˘£Ł¥Ľ¦Ś©ŠªŞ«Ť¬Ź®Ž¯Ż±ą²˛³łµľ¶ś·ˇ¹šºş»ť¼ź½˝¾ž¿ż",
));

/// The text of a body: by its byte order mark, else the charset of `content_type`, else, in HTML, the one that the page declares,
/// else UTF-8. What is not in the charset becomes U+FFFD. Valid UTF-8 is not copied.
///
/// # Errors
///
/// The label, at most 40 characters of it, of a charset that is not known here.
pub(crate) fn decode(bytes: Vec<u8>, content_type: &str, is_html: bool) -> Result<String, String> {
    let (charset, mark) = match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => (UTF_8, 3),
        [0xff, 0xfe, ..] => (UTF_16, 2),
        [0xfe, 0xff, ..] => (UTF_16_BE, 2),
        _ => (named(&bytes, content_type, is_html)?, 0),
    };
    if charset == UTF_8 && mark == 0 {
        return Ok(utf_8(bytes));
    }
    let text = bytes.get(mark..).unwrap_or_default();
    Ok(utf_8(match charset {
        UTF_8 => text.to_vec(),
        UTF_16 | UTF_16_BE => utf_16(text, charset == UTF_16_BE),
        _ => one_byte(text, charset),
    }))
}

/// Appends a character in UTF-8.
pub(crate) fn push(text: &mut Vec<u8>, code_point: u32) {
    let character = char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The charset that is named.
fn named(bytes: &[u8], content_type: &str, is_html: bool) -> Result<u8, String> {
    let mut label = label_in(content_type.as_bytes());
    let in_page = label.is_none() && is_html;
    if in_page {
        let mut rest = bytes.get(..DECLARED_WITHIN).unwrap_or(bytes);
        while label.is_none()
            && let Some(tag) = after(rest, b"<meta")
        {
            label = label_in(tag.split(|byte| *byte == b'>').next().unwrap_or_default());
            rest = tag;
        }
    }
    let Some(label) = label else {
        return Ok(UTF_8);
    };
    match number(&LABELS, name_hash(label)) {
        0 => Err(utf_8(label.get(..LABEL_SHOWN).unwrap_or(label).to_vec())),
        // What says so byte by byte is not UTF-16.
        UTF_16 | UTF_16_BE if in_page => Ok(UTF_8),
        charset => Ok(charset),
    }
}

/// The label that a content type has, or a tag.
fn label_in(text: &[u8]) -> Option<&[u8]> {
    let ends = |byte: &u8| matches!(byte, b'"' | b'\'' | b';' | b',' | b'\t'..=b' ');
    // Where a quote begins it, what stands before that is empty.
    let mut labels = after(text, b"charset=")?.split(ends);
    labels.find(|label| !label.is_empty())
}

/// What stands after a word, in small letters or capitals.
fn after<'t>(text: &'t [u8], word: &[u8]) -> Option<&'t [u8]> {
    let found = |part: &[u8]| part.eq_ignore_ascii_case(word);
    let at = text.windows(word.len()).position(found)?;
    text.get(at + word.len()..)
}

fn utf_16(bytes: &[u8], big_endian: bool) -> Vec<u8> {
    let unit = |at: usize| match bytes.get(at..at + 2) {
        Some([first, second]) if big_endian => u32::from(*first) << 8 | u32::from(*second),
        Some([first, second]) => u32::from(*second) << 8 | u32::from(*first),
        // Half of one, or none: as one that stands for nothing.
        _ => 0xd800,
    };
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let mut code_point = unit(at);
        at += 2;
        if code_point >> 10 == 0xd800 >> 10 && unit(at) >> 10 == 0xdc00 >> 10 {
            code_point = 0x1_0000 + ((code_point & 0x3ff) << 10 | unit(at) & 0x3ff);
            at += 2;
        }
        push(&mut text, code_point);
    }
    text
}

fn one_byte(bytes: &[u8], charset: u8) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    for byte in bytes {
        match *byte {
            0x80.. => push(&mut text, upper_half(*byte, charset).into()),
            _ => text.push(*byte),
        }
    }
    text
}

/// The character of a byte from 0x80 on.
fn upper_half(byte: u8, charset: u8) -> u16 {
    let latin_1 = u16::from(byte);
    let differences = DIFFERENCES
        .get(usize::from(charset - LATIN_1))
        .copied()
        .unwrap_or_default();
    for [difference, instead] in differences.as_chunks().0 {
        if *difference == latin_1 {
            return *instead;
        }
    }
    match WINDOWS_1252.get(usize::from(byte - 0x80)) {
        Some(windows) if charset <= WINDOWS_1250 => *windows,
        _ => latin_1,
    }
}

/// The characters of a text as numbers, for tables that are written as text.
pub(crate) const fn code_points<const COUNT: usize>(text: &str) -> [u16; COUNT] {
    let mut code_points = [0; COUNT];
    let mut count = 0;
    let mut at = 0;
    while at < text.len() {
        (code_points[count], at) = code_point(text.as_bytes(), at);
        count += 1;
    }
    assert!(count == COUNT);
    code_points
}

/// The character that begins at a place in UTF-8, and where the next begins. It takes three bytes at most.
pub(crate) const fn code_point(text: &[u8], at: usize) -> (u16, usize) {
    let first = text[at] as u16;
    if first < 0x80 {
        return (first, at + 1);
    }
    let second = text[at + 1] as u16 & 0x3f;
    if first < 0xe0 {
        return ((first & 0x1f) << 6 | second, at + 2);
    }
    (
        (first & 0xf) << 12 | second << 6 | text[at + 2] as u16 & 0x3f,
        at + 3,
    )
}

#[cfg(test)]
mod tests;
