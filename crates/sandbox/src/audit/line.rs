//! An entry's line: written by hand into a buffer that is used again, because a host call waits for it; read by serde_json.

use super::entry::{Entry, Notice, Verdict};
use super::head::Hash;

/// What stands between the bytes that are hashed and the hash.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const AFTER_HASH: &[u8] = b"\"}";

/// Longest line that is read, in bytes. The longest that is written, all letters escaped, is about 9,000.
pub(super) const MAX_LINE: usize = 16 * 1024;

/// What an entry's line is made of.
pub(super) struct Fields<'a> {
    pub(super) sequence: u64,
    pub(super) time_ms: u64,
    pub(super) plugin: &'a str,
    pub(super) function: &'a str,
    pub(super) summary: &'a str,
    pub(super) verdict: Verdict,
    pub(super) rule: &'a str,
    pub(super) error: Option<&'a str>,
    pub(super) duration_ns: u64,
    pub(super) notices: &'a [Notice],
    pub(super) prev: Hash,
}

/// Puts the line, with its line feed, into `line`, which is emptied first. The entry's hash comes back.
pub(super) fn write_line(line: &mut Vec<u8>, fields: &Fields<'_>) -> Hash {
    line.clear();
    write_body(line, fields);
    let hash = Hash::of(line);
    write_hash(line, &hash);
    line.push(b'\n');
    hash
}

/// The line of an entry that was read, without a line feed: the same bytes, where it was written by this library.
pub(super) fn write_entry(line: &mut Vec<u8>, entry: &Entry) {
    let fields = Fields {
        sequence: entry.sequence,
        time_ms: entry.time_ms,
        plugin: &entry.plugin,
        function: &entry.function,
        summary: &entry.summary,
        verdict: entry.verdict,
        rule: &entry.rule,
        error: entry.error.as_deref(),
        duration_ns: entry.duration_ns,
        notices: &entry.notices,
        prev: entry.prev,
    };
    line.clear();
    write_body(line, &fields);
    write_hash(line, &entry.hash);
}

/// An entry that was read from a line.
pub(super) struct ReadEntry {
    pub(super) entry: Entry,
    /// Whether its hash is of the line's bytes.
    pub(super) is_sound: bool,
}

/// The entry of a line that comes without its line feed; `None` where it is not one of this format.
pub(super) fn read_line(line: &[u8]) -> Option<ReadEntry> {
    let body = line
        .len()
        .checked_sub(BEFORE_HASH.len() + 64 + AFTER_HASH.len())?;
    let (body, end) = line.split_at(body);
    let entry: Entry = serde_json::from_slice(line)
        .ok()
        .filter(|entry: &Entry| entry.version == 1)?;
    let is_framed = end.starts_with(BEFORE_HASH) && end.ends_with(AFTER_HASH);
    let stated = Hash::from_hex(&end[BEFORE_HASH.len()..BEFORE_HASH.len() + 64]);
    let is_sound = is_framed && stated == Some(entry.hash) && Hash::of(body) == entry.hash;
    Some(ReadEntry { entry, is_sound })
}

fn write_body(line: &mut Vec<u8>, fields: &Fields<'_>) {
    line.extend_from_slice(b"{\"v\":1,\"seq\":");
    write_number(line, fields.sequence);
    line.extend_from_slice(b",\"time_ms\":");
    write_number(line, fields.time_ms);
    line.extend_from_slice(b",\"plugin\":\"");
    write_text(line, fields.plugin);
    line.extend_from_slice(b"\",\"function\":\"");
    write_text(line, fields.function);
    line.extend_from_slice(b"\",\"summary\":\"");
    write_text(line, fields.summary);
    line.extend_from_slice(b"\",\"verdict\":\"");
    line.extend_from_slice(fields.verdict.as_str().as_bytes());
    line.extend_from_slice(b"\",\"rule\":\"");
    write_text(line, fields.rule);
    match fields.error {
        None => line.extend_from_slice(b"\",\"error\":null"),
        Some(error) => {
            line.extend_from_slice(b"\",\"error\":\"");
            write_text(line, error);
            line.push(b'"');
        }
    }
    line.extend_from_slice(b",\"duration_ns\":");
    write_number(line, fields.duration_ns);
    if !fields.notices.is_empty() {
        line.extend_from_slice(b",\"notices\":");
        // Numbers, hashes and fixed names: there is nothing in it that cannot be written.
        line.extend_from_slice(
            &serde_json::to_vec(fields.notices).unwrap_or_else(|_| b"[]".to_vec()),
        );
    }
    line.extend_from_slice(b",\"prev\":\"");
    line.extend_from_slice(&fields.prev.hex());
    line.push(b'"');
}

fn write_hash(line: &mut Vec<u8>, hash: &Hash) {
    line.extend_from_slice(BEFORE_HASH);
    line.extend_from_slice(&hash.hex());
    line.extend_from_slice(AFTER_HASH);
}

fn write_number(line: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[from..]);
}

/// The inside of a JSON string in which nothing does anything to a terminal that shows the file.
fn write_text(line: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, from) = rest.split_at(at);
        line.extend_from_slice(plain.as_bytes());
        let mut letters = from.chars();
        if let Some(letter) = letters.next() {
            write_letter(line, letter);
        }
        rest = letters.as_str();
    }
    line.extend_from_slice(rest.as_bytes());
}

fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = b' ' as usize;
        while byte <= b'~' as usize {
            plain[byte] = byte != b'"' as usize && byte != b'\\' as usize;
            byte += 1;
        }
        plain
    };
    PLAIN[usize::from(byte)]
}

fn write_letter(line: &mut Vec<u8>, letter: char) {
    match letter {
        '"' => line.extend_from_slice(b"\\\""),
        '\\' => line.extend_from_slice(b"\\\\"),
        _ if is_harmful(letter) => {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                line.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        }
        _ => line.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Whether a letter may move a cursor, turn text around, end a line or hide: control characters, the marks of the bidirectional
/// algorithm, line and paragraph separators, zero-width letters and tags.
pub(super) fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
