//! The context windows of models that their vendors serve, in tokens.
//!
//! Sources: the vendors' documentation of their models (platform.openai.com/docs/models, docs.anthropic.com "Models overview",
//! ai.google.dev "Gemini models", api-docs.deepseek.com "Models & Pricing", docs.mistral.ai "Models", docs.x.ai "Models"), as of
//! 2026. Models that anybody can serve are not here: their window is what the server was started with.

use dewclaw_platform::{count, split};

/// What names begin with, and the window; a longer beginning before a shorter one.
const WINDOWS: &str = "gpt-5 400000 gpt-4.1 1047576 gpt-4o 128000 gpt-4-turbo 128000 gpt-4 8192 gpt-3.5 16385 \
    o1 200000 o3 200000 o4 200000 claude- 200000 gemini- 1048576 deepseek- 128000 mistral-large 128000 \
    grok-4 256000 grok-3 131072";

/// The window of a model, or 0. A gateway's name for it (`openai/gpt-4o`) ends in the vendor's.
pub(super) fn of(model: &str) -> u64 {
    let name = split(model, b'/').last().unwrap_or_default();
    let mut words = split(WINDOWS, b' ');
    while let (Some(begin), Some(window)) = (words.next(), words.next()) {
        if name.starts_with(begin) {
            return count(window).unwrap_or_default();
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_window_is_the_models() {
        for (model, window) in [
            ("gpt-4o-mini", 128_000),
            ("openai/gpt-4.1", 1_047_576),
            ("gpt-4-turbo-2024-04-09", 128_000),
            ("gpt-4-0613", 8_192),
            ("openrouter/anthropic/claude-sonnet-4-5", 200_000),
            ("o3-mini", 200_000),
            ("grok-3-mini", 131_072),
            ("qwen3", 0),
            ("my-gpt-4o", 0),
            ("gpt-4o/mine", 0),
            ("", 0),
        ] {
            assert_eq!(of(model), window, "{model}");
        }
    }

    #[test]
    fn no_beginning_hides_a_longer_one() {
        let words: Vec<&str> = WINDOWS.split(' ').collect();
        let (pairs, rest) = words.as_chunks::<2>();
        assert!(rest.is_empty() && pairs.len() <= 20);
        for (at, [begin, window]) in pairs.iter().enumerate() {
            assert!(window.parse::<u64>().is_ok(), "{window}");
            let hidden = |[later, _]: &[&str; 2]| later.starts_with(begin);
            assert!(!pairs[at + 1..].iter().any(hidden), "{begin}");
        }
    }
}
