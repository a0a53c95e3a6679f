//! Bodies turned into text: UTF-8, UTF-16 and the one-byte charsets of western and central Europe.
//!
//! Labels and tables are those of the Encoding Standard, <https://encoding.spec.whatwg.org/>: what browsers do, so `iso-8859-1` is
//! windows-1252. Labels are compared without their punctuation.

use alloc::string::String;
use alloc::vec::Vec;

/// How far into a page its own declaration is looked for, in bytes.
const DECLARED_WITHIN: usize = 1024;

/// The most characters of an unknown label that are told.
const LABEL_SHOWN: usize = 40;

/// What windows-1252 has from 0x80 to 0x9F. In the rest it is Latin-1, which is Unicode.
pub(crate) const WINDOWS_1252: [u16; 32] =
    code_points("€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ");

/// The labels of each charset in small letters and without punctuation.
const LABELS: [&str; 8] = [
    "utf8",
    "utf16 utf16le",
    "utf16be",
    // What follows has one byte a character; up to windows-1250 with those of `WINDOWS_1252`, then with controls in their place.
    "iso88591 latin1 l1 windows1252 cp1252 xcp1252 usascii ascii ansix341968",
    "iso88599 latin5 l5 windows1254 cp1254 xcp1254",
    "windows1250 cp1250 xcp1250",
    "iso88592 latin2 l2",
    "iso885915 latin9 l9",
];
const UTF_8: usize = 0;
const UTF_16: usize = 1;
const UTF_16_BE: usize = 2;
const FIRST_OF_ONE_BYTE: usize = 3;
const CENTRAL_EUROPE: usize = 5;
const CENTRAL_EUROPE_ISO: usize = 6;

/// In pairs: what a byte of a one-byte charset would be by the above, and what stands there instead.
const DIFFERENCES: [&[u16]; 5] = [
    &[],
    &code_points::<16>("\u{8e}\u{8e}\u{9e}\u{9e}ÐĞÝİÞŞðğýıþş"),
    &code_points::<46>(
        "\u{83}\u{83}\u{88}\u{88}\u{8c}Ś\u{8d}Ť\u{8f}Ź\u{98}\u{98}\u{9c}ś\u{9d}ť\u{9f}ź¡ˇ¢˘£Ł¥ĄªŞ¯Ż²˛³ł¹ąºş¼Ľ½˝¾ľ¿ż",
    ),
    &code_points::<48>("¡Ą¢˘£Ł¥Ľ¦Ś©ŠªŞ«Ť¬Ź®Ž¯Ż±ą²˛³łµľ¶ś·ˇ¹šºş»ť¼ź½˝¾ž¿ż"),
    &code_points::<16>("¤€¦Š¨š´Ž¸ž¼Œ½œ¾Ÿ"),
];

/// More pairs: what windows-1250 and ISO-8859-2 share.
const CENTRAL_EUROPEAN: [u16; 66] =
    code_points("ÀŔÃĂÅĹÆĆÈČÊĘÌĚÏĎÐĐÑŃÒŇÕŐØŘÙŮÛŰÞŢàŕãăåĺæćèčêęìěïďðđñńòňõőøřùůûűþţÿ˙");

/// The text of a body: by its byte order mark, else the charset of `content_type`, else, in HTML, the one that the page declares,
/// else UTF-8. What is not in the charset becomes U+FFFD. Valid UTF-8 is not copied.
///
/// # Errors
///
/// The label, at most 40 characters of it, of a charset that is not known here.
pub(crate) fn decode(
    mut bytes: Vec<u8>,
    content_type: &str,
    is_html: bool,
) -> Result<String, String> {
    let (charset, mark) = match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => (UTF_8, 3),
        [0xff, 0xfe, ..] => (UTF_16, 2),
        [0xfe, 0xff, ..] => (UTF_16_BE, 2),
        _ => (named(&bytes, content_type, is_html)?, 0),
    };
    let text = bytes.get(mark..).unwrap_or_default();
    match charset {
        UTF_8 => {
            let length = text.len();
            bytes.copy_within(mark.., 0);
            bytes.truncate(length);
            Ok(utf_8(bytes))
        }
        UTF_16 | UTF_16_BE => Ok(utf_16(text, charset == UTF_16_BE)),
        _ => Ok(one_byte(text, charset)),
    }
}

/// Appends a character in UTF-8.
pub(crate) fn push(text: &mut Vec<u8>, code_point: u32) {
    let character = char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER);
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The text of UTF-8, with U+FFFD for what is none.
pub(crate) fn utf_8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The charset that is named: its place in [`LABELS`].
fn named(bytes: &[u8], content_type: &str, is_html: bool) -> Result<usize, String> {
    let mut label = label_in(content_type.as_bytes(), b"");
    let in_page = label.is_none() && is_html;
    if in_page {
        label = label_in(bytes.get(..DECLARED_WITHIN).unwrap_or(bytes), b"<meta");
    }
    let Some(label) = label else {
        return Ok(UTF_8);
    };
    let mut bare = String::new();
    for byte in label {
        if byte.is_ascii_alphanumeric() {
            bare.push(byte.to_ascii_lowercase().into());
        }
    }
    match LABELS
        .iter()
        .position(|labels| labels.split(' ').any(|known| known == bare))
    {
        // What says so byte by byte is not UTF-16.
        Some(UTF_16 | UTF_16_BE) if in_page => Ok(UTF_8),
        Some(charset) => Ok(charset),
        None => Err(utf_8(label.get(..LABEL_SHOWN).unwrap_or(label).into())),
    }
}

/// What stands after `charset=` in a text, in a tag that begins so.
fn label_in<'t>(text: &'t [u8], tag: &[u8]) -> Option<&'t [u8]> {
    let name = b"charset=";
    for (at, found) in text.windows(name.len()).enumerate() {
        if !found.eq_ignore_ascii_case(name) {
            continue;
        }
        let before = text.get(..at)?;
        let start = before
            .iter()
            .rposition(|byte| *byte == b'<')
            .unwrap_or_default();
        if !before
            .get(start..start + tag.len())?
            .eq_ignore_ascii_case(tag)
        {
            continue;
        }
        let ends = |byte: &u8| matches!(byte, b'"' | b'\'' | b';' | b',' | b'>' | b'\t'..=b' ');
        let mut labels = text.get(at + name.len()..)?.split(ends);
        // The first is empty where a quote begins it.
        return labels.find(|label| !label.is_empty());
    }
    None
}

fn utf_16(bytes: &[u8], big_endian: bool) -> String {
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
    utf_8(text)
}

fn one_byte(bytes: &[u8], charset: usize) -> String {
    let mut upper: [u16; 128] = core::array::from_fn(|at| at as u16 + 0x80);
    if charset <= CENTRAL_EUROPE {
        upper[..WINDOWS_1252.len()].copy_from_slice(&WINDOWS_1252);
    }
    let own = DIFFERENCES
        .get(charset - FIRST_OF_ONE_BYTE)
        .copied()
        .unwrap_or_default();
    let shared = matches!(charset, CENTRAL_EUROPE | CENTRAL_EUROPE_ISO);
    for differences in [own, if shared { &CENTRAL_EUROPEAN } else { &[] }] {
        for pair in differences.chunks_exact(2) {
            if let [byte, instead] = pair
                && let Some(code_point) = upper.get_mut(usize::from(*byte).wrapping_sub(0x80))
            {
                *code_point = *instead;
            }
        }
    }
    let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    for byte in bytes {
        match upper.get(usize::from(*byte).wrapping_sub(0x80)) {
            Some(code_point) => push(&mut text, (*code_point).into()),
            None => text.push(*byte),
        }
    }
    utf_8(text)
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
