//! Pages as people write them, and what is read of them.

mod soup;

use super::to_text;
use alloc::string::{String, ToString};

/// The text of a page of `https://example.org/`, with a limit that none of these reaches.
fn text(html: &str) -> String {
    let (text, cut) = to_text(html, 1 << 20, &absolute);
    assert!(!cut, "{html}");
    text
}

/// As a fetch would: what is no web address leads nowhere.
fn absolute(address: &str) -> Option<String> {
    match address.split_once(':') {
        Some(("http" | "https", _)) => Some(address.to_string()),
        Some(_) => None,
        None => Some(["https://example.org/", address.trim_start_matches('/')].concat()),
    }
}

#[test]
fn a_whole_page() {
    let page = "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n<title>\n  Tea &amp; biscuits\n</title>\n\
        <link rel=stylesheet href=x.css><style>p { color: red }</style></head>\n<body>\n\
        <header><a href=/>Tea</a></header>\n<nav><ul><li><a href=/a>A</a></ul></nav>\n\
        <main><h1>How to brew</h1>\n<p>Boil <em>fresh</em>\n water, see <a href='water.html'>water</a>.</p>\n<p>Wait.</p></main>\n\
        <footer>&copy; 2024</footer><script>track('</p>')</script></body></html>\n";
    assert_eq!(
        text(page),
        "Title: Tea & biscuits\n\n[Tea](https://example.org/)\n\n# How to brew\n\n\
         Boil fresh water, see [water](https://example.org/water.html).\n\nWait.\n\n© 2024"
    );
}

#[test]
fn space_is_one_space_and_none_at_the_ends_of_lines() {
    assert_eq!(text("  a \t\r\n\x0c b&nbsp;&nbsp;c \n"), "a b c");
    assert_eq!(text("<p> a </p> <p> b <b> c</b>d </p>"), "a\n\nb cd");
    assert_eq!(text("a<span> </span>b <i> c</i>"), "a b c");
    assert_eq!(text("<p>&nbsp;</p><div> </div>"), "");
}

#[test]
fn headings_have_their_level() {
    assert_eq!(
        text("<h1>a</h1>b<h3 class=x>c <em>d</em></h3><h6>e<h2>f</h2>g"),
        "# a\n\nb\n\n### c d\n\n###### e\n\n## f\n\ng"
    );
    assert_eq!(text("<h2></h2><p>a"), "a");
    // Either heading's end tag ends the other.
    assert_eq!(text("<h2>a</h3>b"), "## a\n\nb");
}

#[test]
fn blocks_are_on_lines_and_paragraphs_between_blank_ones() {
    assert_eq!(text("<div>a<div>b</div>c</div>d"), "a\nb\nc\nd");
    assert_eq!(
        text("a<p>b<p>c</p>d<section>e</section>f"),
        "a\n\nb\n\nc\n\nd\n\ne\n\nf"
    );
    assert_eq!(text("a<br>b<br/><br>c<br><br><br><br>d"), "a\nb\n\nc\n\nd");
    assert_eq!(text("a<hr>b<hr><hr>"), "a\n\n---\n\nb\n\n---\n\n---");
}

#[test]
fn lists_nest_by_two_spaces() {
    assert_eq!(
        text("x<ul><li>a</li>\n<li>b<ul><li>c<li>d<ol><li>e<li>f</ol></ul></li><li>g</ul>y"),
        "x\n\n- a\n- b\n  - c\n  - d\n    1. e\n    2. f\n- g\n\ny"
    );
    assert_eq!(
        text("<ol start=9><li>a<li>b<li>c</ol>"),
        "9. a\n10. b\n11. c"
    );
    assert_eq!(
        text("<ol start=x><li>a</ol><ol start=-3><li>b</ol>"),
        "0. a\n\n0. b"
    );
}

#[test]
fn items_may_hold_paragraphs_or_nothing() {
    assert_eq!(
        text("<ul><li><p>a</p><p>b</p></li><li></li><li><h3>c</h3><li>d</ul>"),
        "- a\n\n  b\n- ### c\n- d"
    );
    assert_eq!(text("<li>a<li>b"), "- a\n- b");
    assert_eq!(
        text("<ul><li><blockquote>a<p>b</blockquote></ul>"),
        "- a\n\n  > b"
    );
}

#[test]
fn definitions_are_told_from_their_terms() {
    assert_eq!(
        text("<dl><dt>Tea<dd>a drink<dd>a meal<dt>Pot<dd><p>what holds it</dl>x"),
        "Tea\n: a drink\n: a meal\nPot\n: what holds it\n\nx"
    );
}

#[test]
fn links_are_absolute_or_text() {
    assert_eq!(
        text("<a href=/a?b=1&amp;c=2&copy=3>a</a> <a href=' //b '>b</a><a href=\"c\n\">c</a>"),
        "[a](https://example.org/a?b=1&c=2&copy=3) [b](https://example.org/b)[c](https://example.org/c)"
    );
    assert_eq!(
        text(
            "<a href=#a>a</a> <a href='javascript:b()'>b</a> <a href=data:,c>c</a> <a href=''>d</a> <a>e</a>"
        ),
        "a b c d e"
    );
    // Without text there is no link.
    assert_eq!(text("<a href=a></a><a href=b> <svg></svg></a>c"), "c");
    assert_eq!(
        text("<a href=a>a<a href=b>b</a>"),
        "[a](https://example.org/a)[b](https://example.org/b)"
    );
}

#[test]
fn a_link_ends_with_its_line() {
    assert_eq!(
        text("<a href=a><h2>Card</h2><p>text</p></a>more"),
        "## [Card](https://example.org/a)\n\ntext\n\nmore"
    );
    assert_eq!(
        text("<p><a href=a>b<p>c"),
        "[b](https://example.org/a)\n\nc"
    );
}

#[test]
fn pictures_are_their_alternative_text() {
    assert_eq!(
        text(
            "<img src=a alt=' A &quot;cat&quot; '> <img alt=''><img src=b> <a href=c><img alt=d></a>"
        ),
        "[image: A \"cat\"] [[image: d]](https://example.org/c)"
    );
}

#[test]
fn code_is_marked() {
    assert_eq!(
        text("a <code>b  c</code>, <kbd></kbd><tt>d</tt>"),
        "a `b c`, `d`"
    );
    assert_eq!(
        text("<a href=a><code>b</code></a> <code>c <a href=d>d</a></code>"),
        "[b](https://example.org/a) `c` [d](https://example.org/d)"
    );
    assert_eq!(text("<code>a<p>b</code>"), "`a`\n\nb");
    assert_eq!(text("10<sup>6</sup> <sup></sup>a"), "10^6 a");
}

#[test]
fn preformatted_text_keeps_its_spaces() {
    assert_eq!(
        text("a<pre class=x>\n\nfn  b() {\r\n\tc &lt; d;\n\n}\n\n</pre>e"),
        "a\n\n```\nfn  b() {\n\tc < d;\n\n}\n```\n\ne"
    );
    assert_eq!(
        text("<pre><code><span>a</span>\n<a href=b>b</a><div>c</div><div>d</div></code></pre>"),
        "```\na\nb\nc\nd\n```"
    );
    assert_eq!(
        text("<pre> \n</pre>a<pre></pre>b<pre>c"),
        "```\n \n```\n\na\n\nb\n\n```\nc\n```"
    );
    assert_eq!(
        text("<ul><li>a<pre>b\n\n c</pre></ul>"),
        "- a\n\n  ```\n  b\n\n   c\n  ```"
    );
}

#[test]
fn quotes_are_marked_on_each_line() {
    assert_eq!(
        text("<blockquote>a<br>b<blockquote><ul><li>c</ul></blockquote></blockquote>d"),
        "> a\n> b\n\n> > - c\n\nd"
    );
}

#[test]
fn tables_are_rows() {
    assert_eq!(
        text(
            "<table><caption>Tea</caption><thead><tr><th>a</th> <th>b</th></tr></thead>\n<tbody><tr>\n<td>c</td>\n<td>d</td></tr></table>e"
        ),
        "Tea\na | b\nc | d\n\ne"
    );
    // Without the tags that may be left out, and with empty cells.
    assert_eq!(
        text("<table><tr><td>a<td>b<tr><td><td>c<tr><td>d<td><td>e<tr><td>"),
        "a | b\n| c\nd | | e"
    );
    assert_eq!(
        text("<table><tr><td>a<b>b</b>c<td><a href=x>y</a>"),
        "abc | [y](https://example.org/x)"
    );
}

#[test]
fn what_a_cell_holds_stays_in_its_row() {
    assert_eq!(
        text("<table><tr><td><p>a</p><p>b</p><td>c<br>d<td><ul><li>e<li>f</ul><td>g</table>"),
        "a b | c d | - e - f | g"
    );
}

#[test]
fn a_table_of_tables_is_no_row() {
    assert_eq!(
        text(
            "<table><tr><td>a<table><tr><td>b<td>c<tr><td>d<td>e</table>f<td>g<tr><td>h<td><p>i<p>j</table>k"
        ),
        "a\n\nb | c\nd | e\n\nf\ng\nh\n\ni\n\nj\n\nk"
    );
    assert_eq!(
        text("<table><tr><td>a<td><h2>b</h2><p>c</p><pre>d\ne</pre></table>"),
        "a\n\n## b\n\nc\n\n```\nd\ne\n```"
    );
    assert_eq!(
        text("<table role=presentation><tr><td>a<td>b</table>"),
        "a\nb"
    );
}

#[test]
fn what_is_not_text_is_dropped() {
    for dropped in [
        "<script>a<b</script>",
        "<style>a</style>",
        "<noscript>a<p></noscript>",
        "<template><p>a</template>",
        "<svg><title>a</title><path/><g><text>b</text></g></svg>",
        "<svg/>",
        "<iframe src=x>a</iframe>",
        "<object><p>a</object>",
        "<nav><div>a</div></nav>",
        "<DIV Role=Navigation><div>a</div></DIV>",
        "<select><option>a<option>b</select>",
        "<button>a</button>",
        "<input value=a>",
        "<textarea><p>a</textarea>",
        "<video><source src=a><p>b</video>",
        "<math><annotation>a</annotation></math>",
        "<p hidden>a",
        "<span aria-hidden=true>a <i>b</i></span>",
        "<div style='color: red; DISPLAY : none'>a<div>b</div></div>",
        "<!-- <p>a -->",
        "<!a>",
        "<?php a ?>",
        "</ a>",
        "<![CDATA[a]]>",
    ] {
        let page = ["x ", dropped, "<p>y"].concat();
        assert_eq!(text(&page), "x\n\ny", "{page}");
    }
    assert_eq!(
        text("a<span style='display:block'>b</span><i aria-hidden=false>c</i>"),
        "abc"
    );
    assert_eq!(text("<body style=display:none hidden>a"), "a");
}

#[test]
fn what_is_dropped_ends_where_its_parent_does() {
    assert_eq!(text("<div><nav><ul><li>a</div>b"), "b");
    assert_eq!(text("<table><tr><td><button>a<td>b</table>c"), "| b\n\nc");
    assert_eq!(
        text("<table><tbody hidden><tr><td>a</tbody><tr><td>b</table>"),
        "b"
    );
}

#[test]
fn scripts_end_as_in_browsers() {
    assert_eq!(text("<script>'</scripty>'</SCRIPT\n>a"), "a");
    assert_eq!(
        text("<script><!-- '<script>' </script> b --></script>a"),
        "a"
    );
    assert_eq!(text("<script><!-- b </script>a"), "a");
    assert_eq!(text("<script><!--> '<script>' </script>a"), "a");
    assert_eq!(text("<style><!-- <style> </style>a"), "a");
    assert_eq!(text("<title>a</title x='</title>'>b"), "Title: a\n\nb");
    assert_eq!(text("a<script>b"), "a");
}

#[test]
fn character_references() {
    assert_eq!(
        text("&lt;p&gt; &amp;amp; &quot;&apos; &eacute;&Eacute;&Omega;&ETH; &hellip;"),
        "<p> &amp; \"' éÉΩÐ …"
    );
    assert_eq!(text("&#233;&#xE9;&#Xe9 &#8364 &#x1F600;"), "ééé € 😀");
    // As browsers have it: windows-1252, and U+FFFD for what is no character.
    assert_eq!(
        text("&#150;&#x80;&#0;&#xD800;&#x110000;&#99999999999999;"),
        "–€\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
    );
    assert_eq!(
        text("&copy2024 &notit; &notin; &AMP &LT;"),
        "©2024 ¬it; ∉ & <"
    );
    for plain in [
        "&",
        "& b",
        "&;",
        "&#;",
        "&#x;",
        "&#xg",
        "&hellip",
        "&unknown;",
        "&Ethereum",
        "&é;",
        "R&D",
        "&&a&",
    ] {
        assert_eq!(text(plain), plain);
    }
}

#[test]
fn controls_are_stripped() {
    assert_eq!(
        text("a\0b\x1b[31mc\x7f&#27;&#x9f;\u{85}\u{9b}d"),
        "ab[31mcŸd"
    );
    assert_eq!(
        text("\u{a1}\u{bf}\u{ad}\u{200b}é\u{2028}"),
        "\u{a1}\u{bf}\u{ad}\u{200b}é\u{2028}"
    );
}

#[test]
fn what_is_broken_is_read_all_the_same() {
    for (page, wanted) in [
        ("a < b <3 <", "a < b <3 <"),
        ("a<b", "a"),
        ("a<a href=\"x>b", "a"),
        ("a<p class='x>y'>b", "a\n\nb"),
        ("<a href=x title=>'>b</a>", "['>b](https://example.org/x)"),
        ("<P CLASS=A>a</P\n>b", "a\n\nb"),
        ("<b><i>a</b>b</i>c</i>", "abc"),
        ("</div></table></ul>a</li></p>b", "a\n\nb"),
        ("<div =x / <=\"y\" ''>a", "a"),
        ("a<!-- b", "a"),
        ("a<!-->b<!--->c<!-- -- > --!> -->d", "abcd"),
        ("<p<p>a", "a"),
        ("<ul><li><div>a</ul>b", "- a\n\nb"),
        ("<td>a<td>b<tr>c", "a\nb\nc"),
    ] {
        assert_eq!(text(page), wanted, "{page}");
    }
}

#[test]
fn the_text_is_cut_at_the_limit() {
    let page = "<h1>Été</h1><p>Où <a href=x>ça</a>";
    let whole = "# Été\n\nOù [ça](https://example.org/x)";
    assert_eq!(text(page), whole);
    for limit in 0..=whole.len() + 1 {
        let (text, cut) = to_text(page, limit, &absolute);
        assert_eq!(text, whole[..whole.floor_char_boundary(limit)]);
        assert_eq!(cut, limit < whole.len());
    }
}

#[test]
fn nesting_has_no_end() {
    for (name, deep) in [
        ("div", "x"),
        ("blockquote", "> > > > > > > > x"),
        ("table", "x"),
        ("nav", ""),
    ] {
        let page = [&["<", name, ">"].concat().repeat(1_000_000), "x"].concat();
        assert_eq!(text(&page), deep);
        let closed = [
            page,
            ["</", name, ">"].concat().repeat(1_000_000),
            "y".into(),
        ]
        .concat();
        let both = if deep.is_empty() {
            "y".into()
        } else {
            [deep, if name == "div" { "\ny" } else { "\n\ny" }].concat()
        };
        assert_eq!(text(&closed), both);
    }
    // Beyond what is kept, what is dropped is dropped.
    let page = [
        "<div>".repeat(300).as_str(),
        "a<nav><ul><li>b</nav>c<script>d</script>",
    ]
    .concat();
    assert_eq!(text(&page), "ac");
}
