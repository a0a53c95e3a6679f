//! Long-term memory: one Markdown file of the workspace, searched by paragraph.

use alloc::string::String;
use alloc::vec::Vec;

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
    let paragraphs: Vec<&str> = paragraphs(text).collect();
    let terms = words(query);
    let words: Vec<Vec<String>> = paragraphs.iter().map(|text| words(text)).collect();
    let count = paragraphs.len() as f32;
    let average = words.iter().map(Vec::len).sum::<usize>() as f32 / count.max(1.0);
    let mut scores: Vec<(f32, &str)> = paragraphs.iter().map(|text| (0.0, *text)).collect();
    for term in &terms {
        let frequencies: Vec<f32> = words.iter().map(|words| frequency(words, term)).collect();
        let holding = frequencies.iter().filter(|found| **found > 0.0).count() as f32;
        let rarity = ln(1.0 + (count - holding + 0.5) / (holding + 0.5));
        for ((score, found), words) in scores.iter_mut().zip(&frequencies).zip(&words) {
            let length = words.len() as f32 / average.max(1.0);
            score.0 += rarity * found * (K1 + 1.0) / (found + K1 * (1.0 - B + B * length));
        }
    }
    // The query itself in a paragraph: what finds anything in scripts that put no spaces between words.
    let needle = query.trim().to_ascii_lowercase();
    for (score, text) in &mut scores {
        if holds(&text.to_ascii_lowercase(), &needle) {
            *score += 1.0;
        }
    }
    let count = scores.iter().filter(|(score, _)| *score > 0.0).count();
    let mut found = Vec::new();
    // The best one again and again: few are wanted, and a general sort is 3 KB of code.
    while found.len() < limit {
        let Some(best) = best(&scores) else {
            break;
        };
        let (score, text) = &mut scores[best];
        *score = 0.0;
        found.push(*text);
    }
    (found, count)
}

/// The first of the highest scores above zero.
fn best(scores: &[(f32, &str)]) -> Option<usize> {
    let mut best = None;
    let mut highest = 0.0;
    for (index, (score, _)) in scores.iter().enumerate() {
        if *score > highest {
            (best, highest) = (Some(index), *score);
        }
    }
    best
}

/// Runs of lines between blank ones.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let mut start = None;
        let mut end = 0;
        let mut at = 0;
        for line in rest.split_inclusive('\n') {
            let blank = line.trim().is_empty();
            match (blank, start) {
                (false, None) => start = Some(at),
                (true, Some(_)) => break,
                _ => {}
            }
            at += line.len();
            if !blank {
                end = at;
            }
        }
        let found = start
            .and_then(|start| rest.get(start..end))
            .map(str::trim_end);
        rest = rest.get(at..).unwrap_or_default();
        found
    })
}

/// The words of a text, in lower case as far as ASCII goes: letters, digits, and everything past ASCII.
fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| letter.is_ascii() && !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

fn frequency(words: &[String], term: &str) -> f32 {
    words
        .iter()
        .map(|word| {
            if word == term {
                1.0
            } else if term.len() >= PREFIX_LETTERS && word.starts_with(term) {
                PREFIX_WEIGHT
            } else {
                0.0
            }
        })
        .sum()
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
            let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
            let found: Vec<&str> = paragraphs(&text).flat_map(str::lines).map(str::trim_end).collect();
            prop_assert_eq!(found, lines);
        }
    }
}
