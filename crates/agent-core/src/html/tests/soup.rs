//! What holds for any page, however broken.

use super::{absolute, text};
use crate::html::to_text;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Pieces that pages are made of, and that break them.
const PIECES: [&str; 84] = [
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<div hidden>",
    "<span aria-hidden=true>",
    "</span>",
    "<b>",
    "</i>",
    "<h1>",
    "</h2>",
    "<h6 x>",
    "<ul>",
    "</ul>",
    "<ol start=7>",
    "</ol>",
    "<li>",
    "</li>",
    "<dl>",
    "<dt>",
    "<dd>",
    "</dl>",
    "<table>",
    "</table>",
    "<tbody>",
    "</thead>",
    "<tr>",
    "</tr>",
    "<td>",
    "</td>",
    "<th colspan=2>",
    "<caption>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<a href=/x>",
    "<a href='#y'>",
    "</a>",
    "<img alt=z>",
    "<br>",
    "<hr/>",
    "<blockquote>",
    "</blockquote>",
    "<nav>",
    "</nav>",
    "<svg>",
    "<path/>",
    "</svg>",
    "<select>",
    "<option>",
    "</select>",
    "<title>",
    "</title>",
    "<style>",
    "</style>",
    "<script>secret",
    "<script><!-- <script>secret",
    "</script>",
    "<!--",
    "-->",
    "<!x",
    "<",
    ">",
    "</",
    "&",
    "&#",
    "&#x1F600;",
    "&eacute",
    "&amp;",
    "=",
    "\"",
    "'",
    " ",
    "\n",
    "\t",
    "\0",
    "é",
    "word",
    "two words",
    "<sup>",
    "</sup>",
    "<main>",
    "</main>",
];

fn soup() -> impl Strategy<Value = String> {
    soup_of(&PIECES)
}

fn soup_of(pieces: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let piece = proptest::sample::select(pieces.to_vec());
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Soup in which every `<script>` is one: none stands in a comment, another tag or other raw text.
fn soup_with_scripts() -> impl Strategy<Value = String> {
    let hides = |piece: &str| {
        [
            "<title>", "<style>", "<!--", "<!x", "<", "</", "\"", "'", "=",
        ]
        .contains(&piece)
    };
    let pieces: Vec<_> = PIECES.into_iter().filter(|piece| !hides(piece)).collect();
    soup_of(&pieces)
}

/// What must hold of a page's text.
fn check(page: &str, limit: usize) {
    let (whole, cut) = to_text(page, usize::MAX, &absolute);
    assert!(!cut);
    let stripped = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    assert!(!whole.contains(stripped), "{whole:?}");
    let (text, cut) = to_text(page, limit, &absolute);
    assert!(text.len() <= limit);
    assert_eq!(cut, whole.len() > text.len());
    // Closing marks are written only where nothing was cut.
    assert!(whole.starts_with(text.as_str()), "{text:?} of {whole:?}");
    assert!(cut || text == whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_is_a_page(page in "(?s).{0,200}", limit in 0..100usize) {
        check(&page, limit);
    }

    #[test]
    fn any_soup_is_a_page(page in soup(), limit in 0..200usize) {
        check(&page, limit);
    }

    #[test]
    fn no_script_leaks(page in soup_with_scripts()) {
        prop_assert!(!text(&page).contains("secret"), "{page}");
    }

    #[test]
    fn text_without_markup_is_that_text(words in proptest::collection::vec("[a-zé&;#>\"'=/!?-]{1,8}", 0..20), space in "[ \n\t\r]{1,3}") {
        let wanted = words.join(" ");
        let has_reference = wanted.match_indices('&').any(|(at, _)| crate::html::entities::reference(&wanted.as_bytes()[at..], false).is_some());
        prop_assume!(!has_reference);
        let page: Vec<&str> = words.iter().map(String::as_str).collect();
        prop_assert_eq!(text(&page.join(&space)), wanted);
    }

    #[test]
    fn a_part_of_a_page_is_a_page(page in soup(), at in any::<proptest::sample::Index>()) {
        let at = page.floor_char_boundary(at.index(page.len() + 1));
        check(&page[..at], usize::MAX);
        check(&page[at..], usize::MAX);
    }
}
