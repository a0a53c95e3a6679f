//! The elements that the conversion knows, by what it does with them.

use crate::name_table::{name_hash, name_table, number};

/// What is done with an element: one of the constants below. Their order matters: see [`reach`].
pub(super) type Kind = u8;

/// Its tags say nothing: it holds nothing, or the whole page.
pub(super) const EMPTY: Kind = 1;
/// It is dropped, and holds text that may look like markup, up to its end tag.
pub(super) const RAW: Kind = 2;
/// As [`RAW`], but a comment in it may hide the end tag.
pub(super) const SCRIPT: Kind = 3;
/// The page's title, which holds text as [`RAW`] does.
pub(super) const TITLE: Kind = 4;
pub(super) const IMAGE: Kind = 5;
pub(super) const RULE: Kind = 6;
pub(super) const LINE_BREAK: Kind = 7;
/// A part of a table that holds rows.
pub(super) const ROWS: Kind = 8;
/// It is dropped with all that it holds.
pub(super) const DROPPED: Kind = 9;
/// Its text belongs to the text around it. So it is with every element that has no name here.
pub(super) const INLINE: Kind = 10;
pub(super) const LINK: Kind = 11;
pub(super) const CODE: Kind = 12;
pub(super) const SUPERSCRIPT: Kind = 13;
/// It stands on lines of its own. So do all that follow.
pub(super) const BLOCK: Kind = 14;
/// It stands between blank lines.
pub(super) const SECTION: Kind = 15;
/// From here on elements of one kind are alike, and the end tag of one may end another.
pub(super) const PARAGRAPH: Kind = 16;
/// An item of a list, or a term or definition.
pub(super) const ITEM: Kind = 17;
pub(super) const ROW: Kind = 18;
pub(super) const HEADING: Kind = 19;
pub(super) const QUOTE: Kind = 20;
pub(super) const PREFORMATTED: Kind = 21;
pub(super) const BULLETS: Kind = 22;
pub(super) const NUMBERS: Kind = 23;
pub(super) const CELL: Kind = 24;
pub(super) const TABLE: Kind = 25;

const NAMES: [u32; 128] = name_table(&[
    (
        EMPTY,
        "html head body meta link base col colgroup wbr area input embed param source track frame",
    ),
    (RAW, "style noscript iframe textarea noembed noframes"),
    (SCRIPT, "script"),
    (TITLE, "title"),
    (IMAGE, "img"),
    (RULE, "hr"),
    (LINE_BREAK, "br"),
    (ROWS, "thead tbody tfoot"),
    (
        DROPPED,
        "nav svg template object button select datalist video audio canvas annotation annotation-xml",
    ),
    (LINK, "a"),
    (CODE, "code kbd samp tt"),
    (SUPERSCRIPT, "sup"),
    (
        BLOCK,
        "div form fieldset legend center address details summary caption figcaption hgroup",
    ),
    (SECTION, "article section main header footer aside figure"),
    (PARAGRAPH, "p"),
    (ITEM, "li dt dd"),
    (ROW, "tr"),
    (HEADING, "h1 h2 h3 h4 h5 h6"),
    (QUOTE, "blockquote"),
    (PREFORMATTED, "pre xmp listing"),
    (BULLETS, "ul menu dir dl"),
    (NUMBERS, "ol"),
    (CELL, "td th"),
    (TABLE, "table"),
]);

/// What is done with the element of this name, and the hash of the name.
pub(super) fn element(name: &[u8]) -> (Kind, u32) {
    let hash = name_hash(name);
    match number(&NAMES, hash) {
        0 => (INLINE, hash),
        kind => (kind, hash),
    }
}

/// The first of the kinds that the end of an element of this kind does not reach through: what is open around those stays open.
pub(super) fn reach(kind: Kind) -> Kind {
    match kind {
        DROPPED | BLOCK | SECTION | QUOTE..=NUMBERS => CELL,
        ITEM | HEADING => QUOTE,
        ROWS | ROW | CELL => TABLE,
        TABLE => Kind::MAX,
        _ => BLOCK,
    }
}

/// Whether start and end tags of this kind match up even in pages that leave out what HTML lets them leave out.
pub(super) fn is_paired(kind: Kind) -> bool {
    matches!(kind, BLOCK | SECTION | HEADING..=NUMBERS | TABLE)
}
