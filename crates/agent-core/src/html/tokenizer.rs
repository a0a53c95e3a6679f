//! HTML cut into tags and the text between them, by the rules of the HTML standard's tokenizer as far as they matter to text.
//!
//! <https://html.spec.whatwg.org/multipage/parsing.html#tokenization>. Every byte is looked at a bounded number of times.

use crate::name_table::{name_hash, name_table, number};

/// A piece of the source.
pub(super) enum Token<'h> {
    /// Text, its character references as they stand.
    Text(&'h [u8]),
    /// A start tag, which [`Tokenizer::tag`] has.
    Start,
    /// An end tag, likewise.
    End,
}

/// A tag.
pub(super) struct Tag<'h> {
    pub(super) name: &'h [u8],
    /// Whether it ends in `/>`.
    pub(super) closed: bool,
    /// The value of each attribute, at its number; that of others at 0.
    values: [Option<&'h [u8]>; 8],
}

/// An attribute that is looked at.
pub(super) type Attribute = u8;

pub(super) const HREF: Attribute = 1;
pub(super) const ALT: Attribute = 2;
pub(super) const HIDDEN: Attribute = 3;
pub(super) const ARIA_HIDDEN: Attribute = 4;
pub(super) const STYLE: Attribute = 5;
pub(super) const ROLE: Attribute = 6;
pub(super) const START: Attribute = 7;

const ATTRIBUTES: [u32; 8] = name_table(&[
    (HREF, "href"),
    (ALT, "alt"),
    (HIDDEN, "hidden"),
    (ARIA_HIDDEN, "aria-hidden"),
    (STYLE, "style"),
    (ROLE, "role"),
    (START, "start"),
]);

impl<'h> Tag<'h> {
    /// The attribute's value, its character references as they stand; empty for one without a value.
    pub(super) fn value(&self, attribute: Attribute) -> Option<&'h [u8]> {
        self.values.get(usize::from(attribute)).copied().flatten()
    }

    /// Whether the attribute has this value, in either case.
    pub(super) fn says(&self, attribute: Attribute, value: &str) -> bool {
        self.value(attribute)
            .is_some_and(|said| said.eq_ignore_ascii_case(value.as_bytes()))
    }
}

/// Reads a page from its beginning to its end.
pub(super) struct Tokenizer<'h> {
    html: &'h [u8],
    at: usize,
    /// The last tag.
    pub(super) tag: Tag<'h>,
}

// What a byte is to a tag; a set of them is their sum.
const SPACE: u8 = 1;
const SLASH: u8 = 2;
const LESS: u8 = 4;
const GREATER: u8 = 8;
const EQUALS: u8 = 16;
const DOUBLE_QUOTE: u8 = 32;
const SINGLE_QUOTE: u8 = 64;
const OTHER: u8 = 128;

/// The classes of the bytes up to `>`.
const CLASSES: [u8; 64] = {
    let mut classes = [OTHER; 64];
    let mut at = 0;
    while at < 64 {
        classes[at] = match at as u8 {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => SPACE,
            b'/' => SLASH,
            b'<' => LESS,
            b'>' => GREATER,
            b'=' => EQUALS,
            b'"' => DOUBLE_QUOTE,
            b'\'' => SINGLE_QUOTE,
            _ => OTHER,
        };
        at += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

impl<'h> Tokenizer<'h> {
    pub(super) fn new(html: &'h [u8]) -> Tokenizer<'h> {
        Tokenizer {
            html,
            at: 0,
            tag: Tag {
                name: &[],
                closed: false,
                values: [None; 8],
            },
        }
    }

    /// The next piece. A tag that the end of the page cuts off is left out, as browsers do.
    pub(super) fn next(&mut self) -> Option<Token<'h>> {
        loop {
            let start = self.at;
            self.at = self.markup(start);
            if self.at > start {
                return Some(Token::Text(self.slice(start, self.at)));
            }
            let name = start + 1;
            match self.byte(name)? {
                b'/' if self
                    .byte(name + 1)
                    .is_some_and(|byte| byte.is_ascii_alphabetic()) =>
                {
                    self.read_tag(name + 1)?;
                    return Some(Token::End);
                }
                b'!' | b'?' | b'/' => self.skip_comment(name),
                _ => {
                    self.read_tag(name)?;
                    return Some(Token::Start);
                }
            }
        }
    }

    /// What stands before the end tag of the start tag that came last: text, whatever it looks like.
    ///
    /// In a script, a comment with a `<script` in it hides an end tag (the standard's "double escaped" state).
    pub(super) fn raw_text(&mut self, is_script: bool) -> &'h [u8] {
        let name = self.tag.name;
        let start = self.at;
        let mut in_comment = false;
        let mut hidden = false;
        while let Some(byte) = self.byte(self.at) {
            if byte == b'<' {
                let ends = self.byte(self.at + 1) == Some(b'/');
                if self.is_tag(self.at + 1 + usize::from(ends), name) {
                    if ends && !hidden {
                        break;
                    }
                    hidden = in_comment && !ends;
                } else if is_script && self.starts(self.at, b"<!--") {
                    in_comment = true;
                    // Its dashes may be those of `-->` too.
                    self.at += 1;
                }
            } else if byte == b'-' && self.starts(self.at, b"-->") {
                in_comment = false;
                hidden = false;
            }
            self.at += 1;
        }
        self.slice(start, self.at)
    }

    /// The place of the next markup from here on, or the end.
    fn markup(&self, mut at: usize) -> usize {
        loop {
            at = self.seek(at, LESS);
            match self.byte(at + 1) {
                Some(b'!' | b'?' | b'/' | b'a'..=b'z' | b'A'..=b'Z') => return at,
                Some(_) => at += 1,
                None => return self.html.len(),
            }
        }
    }

    /// Reads a tag from the first letter of its name; `None` if the end of the page cuts it off.
    fn read_tag(&mut self, name: usize) -> Option<()> {
        let mut at = self.seek(name, SPACE | SLASH | GREATER);
        self.tag.name = self.slice(name, at);
        self.tag.values = [None; 8];
        self.at = self.html.len();
        loop {
            let between = at;
            at = self.seek(at, !(SPACE | SLASH));
            if self.byte(at)? == b'>' {
                self.tag.closed = at > between && self.byte(at - 1) == Some(b'/');
                self.at = at + 1;
                return Some(());
            }
            let start = at;
            // An equals sign may begin a name.
            at = self.seek(at + 1, SPACE | SLASH | GREATER | EQUALS);
            let name = self.slice(start, at);
            at = self.seek(at, !SPACE);
            let mut value: &[u8] = &[];
            if self.byte(at)? == b'=' {
                at = self.seek(at + 1, !SPACE);
                let mut ends = class(self.byte(at)?);
                let quoted = usize::from(ends & (DOUBLE_QUOTE | SINGLE_QUOTE) != 0);
                if quoted == 0 {
                    ends = SPACE | GREATER;
                }
                let start = at + quoted;
                at = self.seek(start, ends);
                value = self.slice(start, at);
                at += quoted;
            }
            let attribute = number(&ATTRIBUTES, name_hash(name));
            if let Some(kept) = self.tag.values.get_mut(usize::from(attribute))
                && kept.is_none()
            {
                *kept = Some(value);
            }
        }
    }

    /// Steps over a comment, a doctype or what else begins so, from its second character.
    fn skip_comment(&mut self, start: usize) {
        let is_comment = self.starts(start, b"!--");
        let mut at = start;
        loop {
            at = self.seek(at, GREATER);
            let done = !is_comment || self.slice(start, at).ends_with(b"--");
            at += 1;
            if done || at >= self.html.len() {
                self.at = at.min(self.html.len());
                return;
            }
        }
    }

    /// Whether a tag has this name, which begins here.
    fn is_tag(&self, at: usize, name: &[u8]) -> bool {
        let end = at + name.len();
        self.slice(at, end).eq_ignore_ascii_case(name)
            && class(self.byte(end).unwrap_or(b' ')) & (SPACE | SLASH | GREATER) != 0
    }

    fn starts(&self, at: usize, text: &[u8]) -> bool {
        self.slice(at, at + text.len()) == text
    }

    /// The place of the first byte of one of these classes, or the end.
    fn seek(&self, at: usize, classes: u8) -> usize {
        let rest = self.html.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| class(*byte) & classes != 0);
        length.map_or(self.html.len(), |length| at + length)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.html.get(at).copied()
    }

    fn slice(&self, start: usize, end: usize) -> &'h [u8] {
        self.html.get(start..end).unwrap_or_default()
    }
}
