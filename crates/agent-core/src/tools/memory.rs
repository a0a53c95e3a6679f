//! Long-term memory: one Markdown file of the workspace, searched by paragraph.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{is_blank, split, trim};

use super::passage::holds;

/// The file, relative to the workspace.
pub const MEMORY_PATH: &str = "memory/MEMORY.md";

/// The tag around memory that is put into a prompt unasked. Such text is never written back: it would be
/// remembered twice, then four times.
pub(crate) const RECALLED_TAG: &str = "recalled-context";

/// BM25's usual constants (Robertson and Zaragoza 2009, section 3.5): how fast repeated terms stop to count, and
/// how much a long paragraph is held back.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// What a word that only begins like the term counts, beside one that is the term.
const PREFIX_WEIGHT: f32 = 0.5;

/// Letters that a term needs before words that begin like it count.
const PREFIX_LETTERS: usize = 3;

/// The paragraphs of `text` that match `query`, best first, at most `limit`; equally good ones as they stand in the
/// text. And how many match in all.
pub(crate) fn search<'t>(text: &'t str, query: &str, limit: usize) -> (Vec<&'t str>, usize) {
    let mut paragraphs = paragraphs(text);
    let count = paragraphs.len() as f32;
    let mut all_words = 0;
    for paragraph in &paragraphs {
        all_words += paragraph.words.len();
    }
    let average = all_words as f32 / count.max(1.0);
    for term in words(query) {
        let mut holding = 0.0;
        for paragraph in &mut paragraphs {
            paragraph.frequency = frequency(&paragraph.words, &term);
            if paragraph.frequency > 0.0 {
                holding += 1.0;
            }
        }
        let rarity = ln(1.0 + (count - holding + 0.5) / (holding + 0.5));
        for paragraph in &mut paragraphs {
            let length = paragraph.words.len() as f32 / average.max(1.0);
            let found = paragraph.frequency;
            paragraph.score += rarity * found * (K1 + 1.0) / (found + K1 * (1.0 - B + B * length));
        }
    }
    // The query itself in a paragraph: what finds anything in scripts that put no spaces between words.
    let needle = trim(query).to_ascii_lowercase();
    let mut count = 0;
    for paragraph in &mut paragraphs {
        if holds(&paragraph.text.to_ascii_lowercase(), &needle) {
            paragraph.score += 1.0;
        }
        if paragraph.score > 0.0 {
            count += 1;
        }
    }
    let mut found = Vec::new();
    // The best one again and again: few are wanted, and a general sort is 3 KB of code.
    while found.len() < limit {
        let Some(best) = best(&mut paragraphs) else {
            break;
        };
        best.score = 0.0;
        found.push(best.text);
    }
    (found, count)
}

/// A paragraph, and what it is worth so far.
pub(super) struct Paragraph<'t> {
    pub(super) text: &'t str,
    words: Vec<String>,
    /// How often the term that is looked at stands in it.
    frequency: f32,
    score: f32,
}

/// The first of the highest scores above zero.
fn best<'p, 't>(paragraphs: &'p mut [Paragraph<'t>]) -> Option<&'p mut Paragraph<'t>> {
    let mut best = None;
    let mut highest = 0.0;
    for paragraph in paragraphs {
        if paragraph.score > highest {
            highest = paragraph.score;
            best = Some(paragraph);
        }
    }
    best
}

/// Runs of lines between blank ones.
pub(super) fn paragraphs(text: &str) -> Vec<Paragraph<'_>> {
    let mut paragraphs = Vec::new();
    let (mut start, mut end, mut at) = (0, 0, 0);
    for line in split(text, b'\n') {
        let after = at + line.len();
        let blank = is_blank(line);
        if !blank {
            end = after;
        }
        at = after + 1;
        if start < end && (blank || at > text.len()) {
            let text = text.get(start..end).unwrap_or_default().trim_ascii_end();
            paragraphs.push(Paragraph {
                text,
                words: words(text),
                frequency: 0.0,
                score: 0.0,
            });
        }
        if blank {
            start = at;
        }
    }
    paragraphs
}

/// The words of a text, in lower case as far as ASCII goes: letters, digits, and everything past ASCII.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if !letter.is_ascii() || letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_lowercase());
        } else if !word.is_empty() {
            words.push(core::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn frequency(words: &[String], term: &str) -> f32 {
    let mut frequency = 0.0;
    for word in words {
        if word == term {
            frequency += 1.0;
        } else if term.len() >= PREFIX_LETTERS && word.starts_with(term) {
            frequency += PREFIX_WEIGHT;
        }
    }
    frequency
}

/// The natural logarithm for arguments from 1, to three digits: `core` has none. The mantissa's logarithm is the
/// first three terms of 2·artanh((m-1)/(m+1)).
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) & 0xFF) as f32 - 127.0;
    let mantissa = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let t2 = t * t;
    exponent * core::f32::consts::LN_2 + 2.0 * t * (1.0 + t2 / 3.0 + t2 * t2 / 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search<'t>(text: &'t str, query: &str) -> Vec<&'t str> {
        let (found, count) = super::search(text, query, 10);
        assert_eq!(found.len(), count.min(10));
        found
    }

    const NOTES: &str = "# Memory\n\nThe boiler's pressure is read at 7 every morning.\n\nAnna prefers tea.\nShe drinks it without milk.\n\n\n\nBoiler, boiler, boiler: replaced in 2024.\n\nDeploys happen on Fridays, never on holidays.\n";

    #[test]
    fn paragraphs_are_ranked_by_relevance() {
        let found = search(NOTES, "boiler");
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("Boiler, boiler"), "{found:?}");
        assert_eq!(
            search(NOTES, "who drinks tea?"),
            ["Anna prefers tea.\nShe drinks it without milk."]
        );
        // A rare word counts more than a common one.
        assert!(
            search(NOTES, "on holidays")
                .first()
                .unwrap()
                .starts_with("Deploys")
        );
        // Words that begin like the term.
        assert!(search(NOTES, "deploy")[0].starts_with("Deploys"));
        assert!(search(NOTES, "zebra").is_empty());
        assert!(search("", "x").is_empty());
        assert!(search(NOTES, "  ").is_empty());
    }

    #[test]
    fn scripts_without_spaces_are_found() {
        assert_eq!(
            search(
                "\u{4f60}\u{597d}\u{4e16}\u{754c}\n\nhello",
                "\u{4e16}\u{754c}"
            )
            .len(),
            1
        );
    }

    #[test]
    fn the_logarithm_is_right_to_three_digits() {
        for x in [1.0f32, 1.1, 1.5, 1.99, 2.0, 3.0, 10.0, 1234.5] {
            assert!((ln(x) - x.ln()).abs() < 0.005, "{x}");
        }
    }

    proptest! {
        #[test]
        fn paragraphs_hold_every_line_that_is_not_blank(text in "([a-z]{0,3}[ \t]{0,2}\r?\n?){0,20}") {
            let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !is_blank(line)).collect();
            let found: Vec<&str> = paragraphs(&text).iter().flat_map(|paragraph| paragraph.text.lines()).map(str::trim_end).collect();
            prop_assert_eq!(found, lines);
        }
    }
}
