//! Pages of HTML as the web has them, made from a seed: well-formed parts, broken ones, and much that is no text.

/// A page of about so many bytes, from a few hundred on. The same seed and size give the same page.
///
/// It is never shorter, and longer by one part of the article at most: some kilobytes, on pages that have room for them.
pub fn page(seed: u64, bytes: usize) -> String {
    let mut page = Page {
        html: String::with_capacity(bytes + 4096),
        dice: Dice(seed),
        words: WORDS.split('|').collect(),
        bytes,
    };
    page.head();
    while page.html.len() + TAIL < bytes {
        page.part();
    }
    page.tail();
    page.html
}

/// What is left for the end of a page, in bytes.
const TAIL: usize = 200;

/// Words, some of which are references, right and wrong.
const WORDS: &str = "the|of|and|to|a|in|is|for|on|that|with|as|by|this|from|water|measure|device|board|sensor|river|level|winter|\
    report|table|value|network|small|large|between|because|however|Europe|Zürich|naïve|Łódź|東京|данные|2024|3.14|\
    R&amp;D|&lt;tag&gt;|caf&eacute;|5&nbsp;km|&ndash;|&mdash;|it&rsquo;s|&copy 2024|AT&T|a & b|&unknown;|\
    &#8364;12|&#x1F600;|&#150;|x < y|i<3|&ampere|e.g.|don't|\"quoted\"|(see below)|100%|&hellip;|co&shy;operate";

/// Addresses, absolute and not, and some that lead nowhere.
const ADDRESSES: [&str; 16] = [
    "/",
    "/about",
    "index.html",
    "../up/there.html",
    "?page=2&amp;sort=asc",
    "/search?q=a&b=c&copy=1",
    "//cdn.example.net/x",
    "https://example.org/articles/2024/a-long-name-of-an-article",
    "http://example.com:8080/path/to/file.pdf",
    "mailto:a@example.org",
    "#section-2",
    "javascript:void(0)",
    " /spaced ",
    "",
    "data:text/plain,x",
    "https://example.org/wiki/Caf%C3%A9#History",
];

const SCRIPTS: [&str; 5] = [
    "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());",
    "if (a < b && c > d) { document.write('<p>' + x + '<\\/p>'); } // </ script> is not its end",
    "<!--\nvar html = \"<div class='ad'></div>\"; for (i=0;i<10;i++) { html += '</' + 'p>' }\n//-->",
    "var t = \"</scr\" + \"ipt>\", u = '</scripty>';",
    "{\"@context\":\"https://schema.org\",\"@type\":\"Article\",\"headline\":\"<b>x</b>\"}",
];

/// SplitMix64, by Sebastiano Vigna: <https://prng.di.unimi.it/splitmix64.c>.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

struct Page {
    html: String,
    dice: Dice,
    words: Vec<&'static str>,
    bytes: usize,
}

impl Page {
    fn put(&mut self, html: &str) {
        self.html.push_str(html);
    }

    fn put_one(&mut self, of: &[&str]) {
        let html = self.dice.pick(of);
        self.put(html);
    }

    fn head(&mut self) {
        self.put_one(&["<!DOCTYPE html>\n", "<!doctype html>", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">\n", ""]);
        self.put("<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
        self.words(5);
        self.put("</title>\n");
        // A small page has little of what is no text.
        let extras = (self.bytes / 2000).min(8);
        for _ in 0..extras {
            match self.dice.below(4) {
                0 => self.put("<meta name=viewport content='width=device-width, initial-scale=1'>\n"),
                1 => self.put("<link rel=\"stylesheet\" href=\"/css/main.css?v=3\" media=\"all and (min-width > 100px)\"/>\n"),
                2 => self.put("<style>\nbody > p { margin: 0 } .nav::after { content: \"</p><b>\" }\n/* <!-- */\n</style>\n"),
                _ => self.script(),
            }
        }
        self.put("</head>\n<body class='home page'>\n");
        if extras > 0 {
            self.put(
                "<header id=top><a href=\"/\"><img src=/logo.png alt=\"The logo\"></a>\n<nav><ul>",
            );
            for _ in 0..3 + self.dice.below(5) {
                self.put("<li><a href=\"/");
                self.word();
                self.put("\">");
                self.words(2);
                self.put("</a></li>");
            }
            self.put("</ul></nav>\n<form action=/search><input type=search name=q><button>Go</button></form></header>\n");
        }
        self.put("<main><article>\n<h1>");
        self.words(6);
        self.put("</h1>\n");
    }

    fn tail(&mut self) {
        self.put("</article></main>\n<footer><p>&copy; 2024 <a href=\"/imprint\">Imprint</a>");
        // A page that ends in the middle of something is not rare.
        match self.dice.below(4) {
            0 => {}
            1 => self.put("<script>end('</body>')</script>"),
            _ => self.put("</footer>\n</body>\n</html>\n"),
        }
        while self.html.len() < self.bytes {
            self.put("<!-- -->");
        }
    }

    /// A part of the article.
    fn part(&mut self) {
        // What is no paragraph has its turn where it fits.
        let room = self.bytes.saturating_sub(self.html.len() + TAIL);
        match self.dice.below(if room > 4000 { 24 } else { 9 }) {
            0 => {
                let level = self.dice.pick(&["2", "2", "3", "4"]);
                self.put("<h");
                self.put(level);
                self.put(" id=\"s\">");
                self.words(4);
                // Its end tag may be another's.
                let end = if self.dice.one_in(20) { "</h3>\n" } else { "" };
                self.put(end);
                self.put("</h");
                self.put(level);
                self.put(">\n");
            }
            1 => self.put("<!-- a comment with <b>tags</b> and -- dashes -->\n"),
            9 | 10 => self.list(0),
            11 | 12 => self.table(0),
            13 => self.code(),
            14 => self.script(),
            15 => self.hidden(),
            16 => self.broken(),
            17 => {
                self.put("<blockquote cite=x>");
                self.paragraph();
                self.put("</blockquote>\n");
            }
            18 => {
                self.put("<dl>");
                for _ in 0..3 {
                    self.put("<dt>");
                    self.words(2);
                    self.put("<dd>");
                    self.sentence();
                }
                self.put("</dl>\n");
            }
            19 => {
                self.put("<figure><img src=\"/img/1.jpg\" width=640 height=480 alt='");
                self.words(4);
                self.put("' loading=lazy><figcaption>");
                self.sentence();
                self.put("</figcaption></figure>\n");
            }
            20 => self.divisions(),
            _ => self.paragraph(),
        }
    }

    fn paragraph(&mut self) {
        self.put_one(&[
            "<p>",
            "<p>",
            "<p class=\"lead\" style=\"margin: 0; color: #333\">",
            "<P>",
        ]);
        for _ in 0..1 + self.dice.below(5) {
            self.sentence();
        }
        self.put_one(&["</p>\n", "</p>\n", "</p>\n\n", "\n", "<br>\n"]);
    }

    fn sentence(&mut self) {
        for _ in 0..4 + self.dice.below(12) {
            match self.dice.below(14) {
                0 => self.link(),
                1 => {
                    let tag = self.dice.pick(&[
                        "b",
                        "em",
                        "strong",
                        "code",
                        "i",
                        "span class=x",
                        "sup",
                        "kbd",
                    ]);
                    self.put("<");
                    self.put(tag);
                    self.put(">");
                    self.words(2);
                    self.put("</");
                    self.put(tag.split(' ').next().unwrap_or_default());
                    self.put(">");
                }
                2 => self.put("\n    "),
                _ => self.word(),
            }
            self.put(" ");
        }
        self.put(". ");
    }

    fn words(&mut self, most: usize) {
        for _ in 0..1 + self.dice.below(most) {
            self.word();
            self.put(" ");
        }
    }

    fn word(&mut self) {
        let word = self.dice.pick(&self.words);
        self.put(word);
    }

    fn link(&mut self) {
        let address = self.dice.pick(&ADDRESSES);
        let (before, after) = self.dice.pick(&[
            ("<a href=\"", "\">"),
            ("<a class='x' href='", "' target=_blank rel=\"noopener\">"),
            ("<a title=\"a > b\" href = \"", "\" >"),
            ("<A HREF=\"", "\">"),
        ]);
        self.put(before);
        self.put(address);
        self.put(after);
        self.words(3);
        let end = if self.dice.one_in(30) { "" } else { "</a>" };
        self.put(end);
    }

    fn list(&mut self, depth: usize) {
        let list = self.dice.pick(&["ul", "ul", "ol"]);
        self.put("<");
        self.put(list);
        self.put(">\n");
        for _ in 0..2 + self.dice.below(4) {
            self.put("  <li>");
            self.words(8);
            if depth < 3 && self.dice.one_in(4) {
                self.list(depth + 1);
            }
            let end = if self.dice.one_in(2) { "</li>\n" } else { "\n" };
            self.put(end);
        }
        self.put("</");
        self.put(list);
        self.put(">\n");
    }

    fn table(&mut self, depth: usize) {
        self.put("<table class=data cellspacing=0>\n");
        let columns = 2 + self.dice.below(4);
        let closed = !self.dice.one_in(3);
        if self.dice.one_in(2) {
            self.put("<thead><tr>");
            for _ in 0..columns {
                self.put("<th scope=col>");
                self.words(2);
                self.put("</th>");
            }
            self.put("</tr></thead>\n<tbody>");
        }
        for _ in 0..1 + self.dice.below(5) {
            self.put("<tr>");
            for _ in 0..columns {
                self.put("<td>");
                match self.dice.below(12) {
                    0 if depth < 2 => self.table(depth + 1),
                    1 => self.paragraph(),
                    2 => {}
                    3 => self.link(),
                    _ => self.words(3),
                }
                self.put(if closed { "</td>" } else { "\n" });
            }
            self.put(if closed { "</tr>\n" } else { "" });
        }
        self.put("</table>\n");
    }

    fn code(&mut self) {
        self.put("<pre><code class=\"language-rust\">");
        for _ in 0..2 + self.dice.below(10) {
            let line = self.dice.pick(&[
                "fn main() {\n",
                "    let x: Vec&lt;u8&gt; = <span class=hl>Vec::new()</span>;\n",
                "\tif a &amp;&amp; b { return }\n",
                "\n",
                "// a &lt;b&gt; comment\n",
                "}\n",
            ]);
            self.put(line);
        }
        self.put("</code></pre>\n");
    }

    fn script(&mut self) {
        self.put_one(&[
            "<script>",
            "<script async type=\"text/javascript\">",
            "<SCRIPT>",
        ]);
        for _ in 0..1 + self.dice.below(4) {
            self.put_one(&SCRIPTS);
            self.put("\n");
        }
        self.put("</script>\n");
    }

    fn hidden(&mut self) {
        let html = self.dice.pick(&[
            "<svg viewBox=\"0 0 24 24\"><title>icon</title><path d=\"M12 2L2 7l10 5 10-5-10-5z\"/><g><circle r=3 /></g></svg>\n",
            "<noscript><img src=\"https://example.net/pixel?a=1&b=2\"><p>Turn on scripts</p></noscript>\n",
            "<div style=\"display:none\"><p>Hidden</p></div>\n",
            "<div hidden><ul><li>Menu</ul></div>\n",
            "<span aria-hidden=\"true\" class=icon>&#xe001;</span>\n",
            "<template><li>{{ item }}</li></template>\n",
            "<iframe src=\"https://example.net/ad\" width=300><p>No frames</p></iframe>\n",
            "<form><label>Name <input name=n value='a > b'></label><select><option>One<option selected>Two</select><textarea rows=3><p>text</textarea><button type=submit>Send</button></form>\n",
            "<div role=navigation><a href=/1>1</a> <a href=/2>2</a></div>\n",
        ]);
        self.put(html);
    }

    fn broken(&mut self) {
        let html = self.dice.pick(&[
            "<b><i>crossed</b> tags</i> ",
            "</div></span></table>",
            "<p>never closed <span><font color=red>",
            "<div><div>one too many</div></div></div>",
            "<a href=/x>no end <p>",
            "<a href=one>in <a href=two>another</a></a>",
            "< p>no tag</ p>",
            "<td>a cell without a table</td>",
            "<li>an item without a list",
            "<![CDATA[ data ]]>",
            "<!DOCTYPE again>",
            "<br></br><hr/>",
            "<img src=x alt=unquoted><img alt=\"&lt;quoted&gt;\" src=y>",
            "a stray > and < and & here",
            "<p/><div/>self-closed",
            "nul \0 and escape \u{1b}[0m and \u{85}",
            "<table>text in a table<tr>and in a row<td>cell</table>",
            "<select><option>never closed",
            "<custom-element data-x='{\"a\": \"<b>\"}'>its text</custom-element>",
        ]);
        // In a division, so that what it breaks ends there.
        self.put("<div>");
        self.put(html);
        self.put("</div>\n");
    }

    fn divisions(&mut self) {
        let depth = 1 + self.dice.below(12);
        for _ in 0..depth {
            self.put("<div class=\"row col-md-6\" data-id=42>");
        }
        self.paragraph();
        for _ in 0..depth {
            self.put("</div>");
        }
        self.put("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn the_same_seed_gives_the_same_page() {
        assert_eq!(page(7, 20_000), page(7, 20_000));
        assert_ne!(page(7, 20_000), page(8, 20_000));
    }

    #[test]
    fn a_page_has_about_the_size_asked_for() {
        for (seed, bytes) in [1_000, 5_000, 20_000, 100_000, 500_000, 2_000_000]
            .into_iter()
            .enumerate()
        {
            for seed in (0..200).step_by(10).map(|more| more + seed as u64) {
                let length = page(seed, bytes).len();
                assert!(
                    (bytes..bytes + bytes / 3 + 4_000).contains(&length),
                    "seed {seed}, {bytes}: {length}"
                );
            }
        }
    }

    #[test]
    fn a_large_page_has_everything() {
        let page = page(1, 2_000_000);
        for part in [
            "<table",
            "<li>",
            "<pre>",
            "<script",
            "<svg",
            "&eacute;",
            "&unknown;",
            "<!--",
            "</b> tags</i>",
            "<nav>",
            "\0",
        ] {
            assert!(page.contains(part), "no {part}");
        }
    }
}
