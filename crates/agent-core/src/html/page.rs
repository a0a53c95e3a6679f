//! A page while it is read: the elements that are open, and what each start and end tag does.

use super::element::*;
use super::entities::digits;
use super::tokenizer::{ALT, ARIA_HIDDEN, HIDDEN, HREF, ROLE, START, STYLE, Tag, Token, Tokenizer};
use super::writer::{Marker, Writer};
use alloc::string::String;
use alloc::vec::Vec;

/// How many open elements are kept. What is nested more deeply is read as if it stood in the last of them.
const DEPTH: usize = 256;

pub(super) struct Page<'h, 'r> {
    tokens: Tokenizer<'h>,
    writer: Writer,
    resolve: &'r dyn Fn(&str) -> Option<String>,
    /// The elements that are open, the innermost last; those in the lines of a text only where they are dropped.
    open: Vec<Open>,
    /// How many more are open than are kept.
    deeper: usize,
    /// The outermost element that is dropped: how many are open around it, and what `deeper` was.
    dropped: Option<(usize, usize)>,
    /// Whether the table is there for its looks: what its cells hold goes on lines of its own. So it is outside tables too.
    layout: bool,
    /// Whether the next cell is its row's first.
    row_begins: bool,
}

/// An element that is open.
struct Open {
    kind: Kind,
    name: u32,
    /// The next item's, if this is a list.
    number: u32,
}

impl<'h, 'r> Page<'h, 'r> {
    pub(super) fn new(
        html: &'h str,
        limit: usize,
        resolve: &'r dyn Fn(&str) -> Option<String>,
    ) -> Page<'h, 'r> {
        Page {
            tokens: Tokenizer::new(html.as_bytes()),
            writer: Writer::new(limit),
            resolve,
            open: Vec::new(),
            deeper: 0,
            dropped: None,
            layout: true,
            row_begins: false,
        }
    }

    /// The text of the page, and whether some was cut off.
    pub(super) fn read(mut self) -> (String, bool) {
        while !self.writer.is_full()
            && let Some(token) = self.tokens.next()
        {
            match token {
                Token::Text(text) if self.dropped.is_none() => self.writer.text(text, false),
                Token::Text(_) => {}
                Token::Start => self.start(),
                Token::End => self.end(),
            }
        }
        self.end_from(0);
        self.writer.finish()
    }

    fn start(&mut self) {
        let tag = &self.tokens.tag;
        let (mut kind, name) = element(tag.name);
        // In SVG, which is dropped, `/>` ends an element; elsewhere it means nothing.
        let closed = tag.closed && (self.dropped.is_some() || kind == DROPPED);
        if kind == EMPTY || closed {
            return;
        }
        if matches!(kind, RAW | SCRIPT | TITLE) {
            let text = self.tokens.raw_text(kind == SCRIPT);
            if kind == TITLE && self.dropped.is_none() {
                self.writer.title(text);
            }
            return;
        }
        if self.writer.is_verbatim() && kind > BLOCK {
            kind = BLOCK;
        }
        if kind >= BLOCK {
            self.end_nearest(PARAGRAPH, 0);
        }
        match kind {
            ROWS => self.end_nearest(ROW, 0),
            ITEM | ROW | HEADING | CELL => self.end_nearest(kind, 0),
            _ => {}
        }
        if self.dropped.is_some() {
            if kind >= ROWS {
                self.push(kind, name);
            }
        } else if kind != DROPPED && !is_hidden(&self.tokens.tag) {
            self.show(kind, name);
        } else if kind >= ROWS {
            self.dropped = Some((self.open.len(), self.deeper));
            self.deeper = 0;
            self.open.push(Open::new(kind, name));
        }
    }

    fn show(&mut self, kind: Kind, name: u32) {
        match kind {
            LINK => {
                self.writer.end_link();
                if let Some(address) = self.tokens.tag.value(HREF).and_then(address)
                    && let Some(address) = (self.resolve)(&address)
                {
                    self.writer.link(address);
                }
            }
            CODE => self.writer.code(),
            SUPERSCRIPT => self.writer.superscript(true),
            LINE_BREAK => self.writer.line_break(),
            IMAGE => self
                .writer
                .image(self.tokens.tag.value(ALT).unwrap_or_default()),
            RULE => self.writer.rule(),
            BLOCK.. => self.show_block(kind, name),
            _ => {}
        }
    }

    fn show_block(&mut self, kind: Kind, name: u32) {
        if matches!(kind, HEADING | QUOTE | PREFORMATTED | TABLE) && self.writer.is_flat() {
            self.writer.unfold();
            self.layout = true;
        }
        self.writer.block(self.breaks(kind));
        let last_letter = self.tokens.tag.name.last().copied().unwrap_or_default();
        let mut marker = Marker::Bullet;
        if kind == ITEM
            && let Some(list) = self
                .open
                .iter_mut()
                .rfind(|open| matches!(open.kind, BULLETS | NUMBERS))
            && list.kind == NUMBERS
        {
            marker = Marker::Number(list.number);
            list.number += 1;
        }
        if !self.push(kind, name) {
            return;
        }
        match kind {
            HEADING => self.writer.heading(usize::from(last_letter & 7)),
            // `dt`, `dd`, `li`.
            ITEM => self.writer.item(match last_letter | 0x20 {
                b't' => Marker::Term,
                b'd' => Marker::Definition,
                _ => marker,
            }),
            QUOTE => self.writer.quote(),
            PREFORMATTED => self.writer.preformatted(),
            NUMBERS => {
                if let (Some(list), Some(start)) =
                    (self.open.last_mut(), self.tokens.tag.value(START))
                {
                    (list.number, _) = digits(start, 10);
                }
            }
            TABLE => self.layout = self.tokens.tag.says(ROLE, "presentation"),
            ROW if !self.layout => {
                self.writer.row();
                self.row_begins = true;
            }
            CELL if !self.layout => {
                self.writer.cell(self.row_begins);
                self.row_begins = false;
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        let (kind, name) = element(self.tokens.tag.name);
        let shown = self.dropped.is_none();
        match kind {
            LINK if shown => return self.writer.end_link(),
            CODE if shown => return self.writer.end_code(),
            SUPERSCRIPT if shown => return self.writer.superscript(false),
            ROWS if shown => return self.end_nearest(ROW, 0),
            ..ROWS => return,
            INLINE if shown => return,
            _ if self.deeper > 0 && is_paired(kind) => self.deeper -= 1,
            _ => self.end_nearest(kind, name),
        }
        if shown {
            self.writer.block(self.breaks(kind));
        }
    }

    /// Ends the innermost element that is of this name, or of this kind if that is enough, and what is open in it.
    fn end_nearest(&mut self, kind: Kind, name: u32) {
        let alike = if kind >= PARAGRAPH { kind } else { Kind::MAX };
        let reach = reach(kind);
        for (at, open) in self.open.iter().enumerate().rev() {
            if open.kind == alike || open.name == name {
                return self.end_from(at);
            }
            if open.kind >= reach {
                return;
            }
        }
    }

    /// Ends the elements from this one on.
    fn end_from(&mut self, at: usize) {
        while self.open.len() > at
            && let Some(open) = self.open.pop()
        {
            self.deeper = 0;
            match self.dropped {
                None => self.left(open.kind),
                Some((outside, deeper)) if outside == self.open.len() => {
                    self.deeper = deeper;
                    self.dropped = None;
                }
                Some(_) => {}
            }
        }
    }

    fn left(&mut self, kind: Kind) {
        match kind {
            ITEM | QUOTE => self.writer.leave(),
            PREFORMATTED => self.writer.end_preformatted(),
            HEADING => self.writer.heading(0),
            CELL => self.writer.end_cell(),
            TABLE => {
                self.writer.unfold();
                // A table around this one is there for its looks.
                self.layout = true;
            }
            _ => {}
        }
        self.writer.block(self.breaks(kind));
        if kind == ITEM {
            self.writer.tighten();
        }
    }

    /// How many lines end before an element of this kind, and after it.
    fn breaks(&self, kind: Kind) -> usize {
        match kind {
            BULLETS | NUMBERS => 2 - usize::from(self.open.iter().any(|open| open.kind == ITEM)),
            BLOCK | ITEM | ROW => 1,
            CELL => self.layout.into(),
            BLOCK.. => 2,
            _ => 0,
        }
    }

    /// Keeps an element as open, if there is room.
    fn push(&mut self, kind: Kind, name: u32) -> bool {
        let room = self.open.len() < DEPTH;
        if room {
            self.open.push(Open::new(kind, name));
        } else {
            self.deeper += usize::from(is_paired(kind));
        }
        room
    }
}

impl Open {
    fn new(kind: Kind, name: u32) -> Open {
        Open {
            kind,
            name,
            number: 1,
        }
    }
}

fn is_hidden(tag: &Tag<'_>) -> bool {
    tag.value(HIDDEN).is_some()
        || tag.says(ARIA_HIDDEN, "true")
        || tag.says(ROLE, "navigation")
        || is_not_displayed(tag.value(STYLE).unwrap_or_default())
}

/// Whether a style has `display: none`, wherever its spaces are.
fn is_not_displayed(style: &[u8]) -> bool {
    let wanted = b"display:none";
    let mut met = 0;
    for byte in style.iter().filter(|byte| **byte > b' ') {
        // The first letter comes only once in what is wanted.
        let begins = usize::from(byte | 0x20 == b'd');
        let goes_on = wanted.get(met) == Some(&(byte | 0x20));
        met = if goes_on { met + 1 } else { begins };
        if met == wanted.len() {
            return true;
        }
    }
    false
}

/// What an `href` says, if that leads to another page.
fn address(value: &[u8]) -> Option<String> {
    let mut writer = Writer::new(usize::MAX);
    writer.text(value, true);
    let (address, _) = writer.finish();
    let leads = address.bytes().next().is_some_and(|byte| byte != b'#');
    leads.then_some(address)
}
