//! Text written as it is met: spaces, ends of lines and marks are owed until something follows them.

use super::entities::reference;
use crate::json::decimal;
use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::utf_8;

/// The levels of quotes and lists that lines show; what is deeper looks like the last, so that nesting cannot blow up a page.
const LEVELS_SHOWN: u32 = 8;

/// What begins an item of a list.
#[derive(Clone, Copy)]
pub(super) enum Marker {
    None,
    /// Of a term that is defined: nothing.
    Term,
    Definition,
    Bullet,
    Number(u32),
}

/// What is written before and after a text in a line.
enum Mark {
    Code,
    /// The address.
    Link(String),
}

pub(super) struct Writer {
    out: Vec<u8>,
    limit: usize,
    /// Whether text was cut off.
    cut: bool,
    /// Ends of lines that are owed.
    breaks: usize,
    space: bool,
    /// Bars between cells that are owed.
    bars: usize,
    /// Quotes and items that are open, and a bit for each of them that is a quote.
    levels: u32,
    quotes: u32,
    /// The marker that is owed, and the levels around its item.
    marker: Marker,
    around: u32,
    /// The level of the heading whose mark is owed, or 0.
    heading: usize,
    /// The mark that is open or owed. In a link, code has none; in code, a link ends it.
    mark: Option<Mark>,
    mark_open: bool,
    superscript: bool,
    /// Whether spaces and ends of lines are kept.
    verbatim: bool,
    fence_open: bool,
    /// Whether this is a cell, in which everything stays on one line.
    flat: bool,
}

impl Writer {
    pub(super) fn new(limit: usize) -> Writer {
        Writer {
            out: Vec::new(),
            limit,
            cut: false,
            breaks: 0,
            space: false,
            bars: 0,
            levels: 0,
            quotes: 0,
            marker: Marker::None,
            around: 0,
            heading: 0,
            mark: None,
            mark_open: false,
            superscript: false,
            verbatim: false,
            fence_open: false,
            flat: false,
        }
    }

    /// The text, and whether some was cut off.
    pub(super) fn finish(mut self) -> (String, bool) {
        self.end_mark();
        (utf_8(self.out), self.cut)
    }

    pub(super) fn is_full(&self) -> bool {
        self.cut
    }

    pub(super) fn is_verbatim(&self) -> bool {
        self.verbatim
    }

    pub(super) fn is_flat(&self) -> bool {
        self.flat
    }

    /// Writes text whose character references stand as they are in the page; in an address fewer are taken for one.
    pub(super) fn text(&mut self, text: &[u8], is_address: bool) {
        let mut rest = text;
        while let Some(byte) = rest.first()
            && !self.cut
        {
            // 0xC2 begins the controls from U+0080 on and the space that does not break.
            let is_plain = |byte: u8| byte > b' ' && !matches!(byte, b'&' | 0x7f | 0xc2);
            let mut run = 0;
            while let Some(byte) = rest.get(run)
                && (is_plain(*byte)
                    || *byte == b' '
                        && run > 0
                        && rest.get(run + 1).is_some_and(u8::is_ascii_alphabetic))
            {
                run += 1;
            }
            let mut length = run;
            if run > 0 {
                self.begin();
                self.put(rest.get(..run).unwrap_or_default());
            } else {
                let mut character = char::from(*byte);
                length = 1;
                if *byte == b'&' {
                    (character, length) =
                        reference(rest, is_address).unwrap_or((character, length));
                } else if *byte == 0xc2 {
                    // The second byte is the character's number.
                    character = rest.get(1).copied().unwrap_or_default().into();
                    length = 2;
                }
                self.character(character);
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn character(&mut self, character: char) {
        match character {
            '\n' if self.verbatim => self.breaks += usize::from(self.fence_open),
            ' ' | '\t' | '\u{a0}' if self.verbatim => {
                self.begin();
                self.put(if character == '\t' { b"\t" } else { b" " });
            }
            ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}' => self.space = true,
            '\0'..' ' | '\u{7f}'..'\u{a0}' => {}
            _ => {
                self.begin();
                self.put(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// Ends the line, if something is on it; `breaks` is 2 for a blank line.
    pub(super) fn block(&mut self, breaks: usize) {
        if self.flat {
            self.space = true;
        } else if self.fence_open {
            self.breaks = self.breaks.max(1);
        } else if !self.verbatim && !self.is_marker_owed() {
            self.breaks = self.breaks.max(breaks);
        }
    }

    /// Takes back a blank line that is owed.
    pub(super) fn tighten(&mut self) {
        self.breaks = self.breaks.min(1);
    }

    pub(super) fn line_break(&mut self) {
        if self.verbatim {
            self.character('\n');
        } else if self.flat {
            self.space = true;
        } else if !self.is_marker_owed() {
            self.breaks = (self.breaks + 1).min(2);
        }
    }

    pub(super) fn title(&mut self, text: &[u8]) {
        if self.out.is_empty() && !is_blank(text) {
            self.put(b"Title:");
            self.space = true;
            self.text(text, false);
            self.block(2);
        }
    }

    /// Owes a heading's mark; none for level 0.
    pub(super) fn heading(&mut self, level: usize) {
        self.heading = level;
    }

    pub(super) fn rule(&mut self) {
        if !self.flat && !self.verbatim {
            self.block(2);
            self.begin();
            self.put(b"---");
            self.block(2);
        }
    }

    pub(super) fn image(&mut self, alt: &[u8]) {
        if !is_blank(alt) {
            self.begin();
            self.put(b"[image:");
            self.space = true;
            self.text(alt, false);
            self.space = false;
            self.put(b"]");
        }
    }

    /// Goes into a quote.
    pub(super) fn quote(&mut self) {
        self.quotes |= 1u32.checked_shl(self.levels).unwrap_or_default();
        self.levels += 1;
    }

    /// Goes into an item of a list.
    pub(super) fn item(&mut self, marker: Marker) {
        self.marker = marker;
        self.around = self.levels;
        self.levels += 1;
    }

    /// Leaves a quote or an item.
    pub(super) fn leave(&mut self) {
        self.levels = self.levels.saturating_sub(1);
        self.quotes &= !1u32.checked_shl(self.levels).unwrap_or_default();
        if self.levels <= self.around {
            self.marker = Marker::None;
        }
    }

    /// Begins a row of a table.
    pub(super) fn row(&mut self) {
        self.flat = false;
        self.bars = 0;
        self.block(1);
    }

    /// Begins a cell of a row, all of which will stay on one line.
    pub(super) fn cell(&mut self, first: bool) {
        self.bars += usize::from(!first);
        self.flat = true;
    }

    pub(super) fn end_cell(&mut self) {
        self.flat = false;
    }

    /// What a row holds goes on lines of its own from here on.
    pub(super) fn unfold(&mut self) {
        self.flat = false;
        self.bars = 0;
    }

    pub(super) fn superscript(&mut self, begins: bool) {
        self.superscript = begins;
    }

    /// Begins preformatted text.
    pub(super) fn preformatted(&mut self) {
        self.end_mark();
        self.verbatim = true;
    }

    pub(super) fn end_preformatted(&mut self) {
        if self.fence_open {
            self.breaks = 1;
            self.lines();
            self.put(b"```");
        }
        self.fence_open = false;
        self.verbatim = false;
    }

    pub(super) fn code(&mut self) {
        if self.mark.is_none() && !self.verbatim {
            self.mark = Some(Mark::Code);
        }
    }

    pub(super) fn end_code(&mut self) {
        if matches!(self.mark, Some(Mark::Code)) {
            self.end_mark();
        }
    }

    /// Begins a link. It is written once there is text for it.
    pub(super) fn link(&mut self, address: String) {
        if !self.verbatim {
            self.end_mark();
            self.mark = Some(Mark::Link(address));
        }
    }

    pub(super) fn end_link(&mut self) {
        if matches!(self.mark, Some(Mark::Link(_))) {
            self.end_mark();
        }
    }

    fn end_mark(&mut self) {
        let mark = self.mark.take();
        if !core::mem::take(&mut self.mark_open) {
            return;
        }
        match mark {
            Some(Mark::Link(address)) => {
                self.put(b"](");
                self.put(address.as_bytes());
                self.put(b")");
            }
            _ => self.put(b"`"),
        }
    }

    fn is_marker_owed(&self) -> bool {
        !matches!(self.marker, Marker::None)
    }

    /// Writes what is owed: something will follow it.
    fn begin(&mut self) {
        let mut line_begins = self.out.is_empty() || self.breaks > 0;
        if line_begins || self.bars > 0 {
            // A mark does not go over the end of a line or a cell. One that is owed may still come.
            if self.mark_open {
                self.end_mark();
            }
        }
        if line_begins {
            self.lines();
        }
        for _ in 0..core::mem::take(&mut self.bars) {
            self.put(if line_begins { b"|" } else { b" |" });
            line_begins = false;
            self.space = true;
        }
        if self.space && !line_begins {
            self.put(b" ");
        }
        self.space = false;
        match core::mem::replace(&mut self.marker, Marker::None) {
            Marker::None | Marker::Term => {}
            Marker::Definition => self.put(b": "),
            Marker::Bullet => self.put(b"- "),
            Marker::Number(number) => {
                self.put(decimal(number.into()).as_bytes());
                self.put(b". ");
            }
        }
        if self.heading > 0 {
            self.put(b"######".get(..self.heading).unwrap_or_default());
            self.put(b" ");
            self.heading = 0;
        }
        if self.verbatim {
            if !self.fence_open {
                self.put(b"```");
                self.fence_open = true;
                self.breaks = 1;
                self.lines();
            }
            return;
        }
        if !self.mark_open
            && let Some(mark) = &self.mark
        {
            self.mark_open = true;
            let is_link = matches!(mark, Mark::Link(_));
            self.put(if is_link { b"[" } else { b"`" });
        }
        if core::mem::take(&mut self.superscript) {
            self.put(b"^");
        }
    }

    /// Ends lines, and begins one with what the quotes and items around it demand.
    fn lines(&mut self) {
        let breaks = core::mem::take(&mut self.breaks);
        if !self.out.is_empty() {
            for _ in 0..breaks {
                self.put(b"\n");
            }
        }
        let levels = if self.is_marker_owed() {
            self.around
        } else {
            self.levels
        };
        for level in 0..levels.min(LEVELS_SHOWN) {
            let is_quote = self.quotes >> level & 1 != 0;
            self.put(if is_quote { b"> " } else { b"  " });
        }
    }

    /// Appends text, or what fits of it.
    fn put(&mut self, text: &[u8]) {
        let mut fits = text.len().min(self.limit - self.out.len());
        if fits < text.len() {
            // Not within a character.
            while text.get(fits).is_some_and(|byte| byte & 0xc0 == 0x80) {
                fits -= 1;
            }
            // Nothing shorter may follow.
            self.limit = self.out.len() + fits;
            self.cut = true;
        }
        self.out
            .extend_from_slice(text.get(..fits).unwrap_or_default());
    }
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte <= b' ')
}
