//! HTML turned into text that reads like Markdown: for a model, which needs what a page says and not how it looks.
//!
//! There is no tree: the page is read once from its beginning to its end, and what is kept of it is the elements that are open.
//! Broken pages are read much as browsers read them (<https://html.spec.whatwg.org/multipage/parsing.html>), with the rules that
//! change what is said and without those that change where it stands.

mod element;
mod entities;
mod page;
mod tokenizer;
mod writer;

use alloc::string::String;
use page::Page;

/// The text of a page: at most `limit` bytes of it, cut at the end of a character, and whether it was cut.
///
/// A title becomes `Title: ...`, headings `#`, items `- ` and `1. `, definitions `: `, quotes `> `, links `[text](address)`,
/// images `[image: alt]`, code `` ` `` and fences, rows of a table `a | b`, lines between them no more than one blank. A cell that
/// holds a table, a heading, a quote or preformatted text makes its table one for looks, whose cells stand on lines of their own.
/// Scripts, styles, navigation, forms' controls and hidden elements are dropped, and control characters.
///
/// `resolve` makes a link's address absolute; for `None` only the link's text is written. It is asked for every address that has
/// text but those within the page (`#...`), whatever the scheme. What it gets may have spaces; what it gives is written as it is.
///
/// Takes time in proportion to the page, whatever is in it, and memory in proportion to what it returns.
pub(crate) fn to_text(
    html: &str,
    limit: usize,
    resolve: &dyn Fn(&str) -> Option<String>,
) -> (String, bool) {
    Page::new(html, limit, resolve).read()
}

#[cfg(test)]
mod tests;
