//! The elements that the conversion knows, by what it does with them.

/// What is done with an element: one of the constants below. Their order matters: see [`reach`].
pub(super) type Kind = u8;

/// Its tags say nothing: it holds nothing, or the whole page.
pub(super) const EMPTY: Kind = b'>';
/// It is dropped, and holds text that may look like markup, up to its end tag.
pub(super) const RAW: Kind = b'?';
/// As [`RAW`], but a comment in it may hide the end tag.
pub(super) const SCRIPT: Kind = b'@';
/// The page's title, which holds text as [`RAW`] does.
pub(super) const TITLE: Kind = b'A';
pub(super) const IMAGE: Kind = b'B';
pub(super) const RULE: Kind = b'C';
pub(super) const LINE_BREAK: Kind = b'D';
/// A part of a table that holds rows.
pub(super) const ROWS: Kind = b'E';
/// It is dropped with all that it holds.
pub(super) const DROPPED: Kind = b'F';
/// Its text belongs to the text around it. So it is with every element that has no name here.
pub(super) const INLINE: Kind = b'G';
pub(super) const LINK: Kind = b'H';
pub(super) const CODE: Kind = b'I';
pub(super) const SUPERSCRIPT: Kind = b'J';
/// It stands on lines of its own. So do all that follow.
pub(super) const BLOCK: Kind = b'K';
/// It stands between blank lines.
pub(super) const SECTION: Kind = b'L';
/// From here on elements of one kind are alike, and the end tag of one may end another.
pub(super) const PARAGRAPH: Kind = b'M';
/// An item of a list, or a term or definition.
pub(super) const ITEM: Kind = b'N';
pub(super) const ROW: Kind = b'O';
pub(super) const HEADING: Kind = b'P';
pub(super) const QUOTE: Kind = b'Q';
pub(super) const PREFORMATTED: Kind = b'R';
pub(super) const BULLETS: Kind = b'S';
pub(super) const NUMBERS: Kind = b'T';
pub(super) const CELL: Kind = b'U';
pub(super) const TABLE: Kind = b'V';

/// Names by their length, each followed by its kind.
const NAMES: [&str; 11] = [
    "",
    concat!("aH", "pM"),
    concat!(
        "liN", "ulS", "olT", "tdU", "trO", "thU", "brD", "dtN", "ddN", "dlS", "h1P", "h2P", "h3P",
        "h4P", "h5P", "h6P", "hrC", "ttI"
    ),
    concat!(
        "divK", "imgB", "supJ", "preR", "navF", "svgF", "kbdI", "col>", "wbr>", "dirS", "xmpR"
    ),
    concat!(
        "codeI", "formK", "mainL", "meta>", "link>", "head>", "html>", "body>", "sampI", "menuS",
        "area>", "base>"
    ),
    concat!(
        "tableV", "tbodyE", "theadE", "tfootE", "titleA", "style?", "asideL", "input>", "videoF",
        "audioF", "embed>", "param>", "track>", "frame>"
    ),
    concat!(
        "script@", "figureL", "headerL", "footerL", "buttonF", "selectF", "iframe?", "objectF",
        "canvasF", "centerK", "legendK", "source>", "hgroupK"
    ),
    concat!(
        "sectionL", "articleL", "detailsK", "summaryK", "addressK", "captionK", "noembed?"
    ),
    concat!(
        "noscript?",
        "templateF",
        "textarea?",
        "fieldsetK",
        "noframes?",
        "datalistF",
        "colgroup>"
    ),
    "",
    concat!("blockquoteQ", "figcaptionK", "annotationF"),
];

/// What is done with the element of this name, and a number that stands for the name: the same in either case.
pub(super) fn element(name: &[u8]) -> (Kind, u16) {
    // FNV-1a, 32 bits; two unknown names that meet in 16 of them are taken for one.
    let mut hash = 0x811c_9dc5_u32;
    for byte in name {
        hash = (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193);
    }
    let known = NAMES.get(name.len()).and_then(|names| {
        let mut entries = names.as_bytes().chunks_exact(name.len() + 1);
        entries.find_map(|entry| {
            let (kind, known) = entry.split_last()?;
            known.eq_ignore_ascii_case(name).then_some(*kind)
        })
    });
    (known.unwrap_or(INLINE), (hash >> 16) as u16)
}

/// The first of the kinds that the end of an element of this kind does not reach through: what is open around those stays open.
pub(super) fn reach(kind: Kind) -> Kind {
    match kind {
        DROPPED | BLOCK | SECTION | QUOTE..=NUMBERS => CELL,
        ITEM | HEADING => QUOTE,
        ROW | CELL => TABLE,
        TABLE => Kind::MAX,
        _ => BLOCK,
    }
}

/// Whether start and end tags of this kind match up even in pages that leave out what HTML lets them leave out.
pub(super) fn is_paired(kind: Kind) -> bool {
    matches!(kind, BLOCK | SECTION | HEADING..=NUMBERS | TABLE)
}
