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
/// A title becomes `Title: ...`, headings `#`, items `- ` and `1. `, quotes `> `, links `[text](address)`, images `[image: alt]`,
/// code `` ` `` and fences, rows of a table `a | b`. Scripts, styles, navigation, forms' controls and hidden elements are dropped.
/// `resolve` makes a link's address absolute; for `None` only the link's text is written, as for an address within the page.
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
