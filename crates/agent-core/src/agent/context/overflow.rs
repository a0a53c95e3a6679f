//! How servers say that a request is larger than the context window. They say it in prose, so this is the one place where an
//! error is classified by its text.

use dewclaw_platform::split;

/// The phrases, in lower case, with `;` between two. A window that is told follows its phrase; of several that fit the first counts.
///
/// Each stands in the server's source or its reference, or in error reports that quote it:
///
/// - `n_ctx`: llama.cpp, the member of its error object (pull request 15780): `"n_prompt_tokens":1407,"n_ctx":256`
/// - `too large for model with`: Mistral, "Prompt contains 40000 tokens …, too large for model with 32768 maximum context length"
/// - `context length`: OpenAI, vLLM, OpenRouter, DeepSeek, "This model's maximum context length is 8192 tokens. However, …";
///   SGLang, Together, "The input (… tokens) is longer than the model's context length (8192 tokens)"; LM Studio
/// - `context size`: llama.cpp, "request (… tokens) exceeds the available context size (8192 tokens), try increasing it"
/// - `context window`: OpenAI, "Your input exceeds the context window of this model"; llama-cpp-python, "Requested tokens (…)
///   exceed context window of 2048"
/// - `context limit`: Anthropic, "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, …"
/// - `prompt is too long`: Anthropic, "prompt is too long: 208310 tokens > 200000 maximum"
/// - `input is too long`: Amazon Bedrock, "Input is too long for requested model"
/// - `maximum prompt length is`: xAI, "This model's maximum prompt length is 131072 but the request contains …"
/// - `tokens allowed`: Google, "The input token count (…) exceeds the maximum number of tokens allowed (1048576)"
/// - `maximum model length`: vLLM, "The decoder prompt (length …) is longer than the maximum model length of 4096"
/// - `token limit`: Moonshot, "Your request exceeded model token limit: 8192"
/// - `reduce the length`: Groq, Cerebras, "Please reduce the length of the messages or completion"
const PHRASES: &str = "n_ctx;too large for model with;context length;context size;context window;context limit;\
    prompt is too long;input is too long;maximum prompt length is;tokens allowed;maximum model length;token limit;\
    reduce the length";

/// Bytes after a phrase in which its number stands.
const NEAR: usize = 40;

/// The window that an error in lower case tells, or 0 where it tells none; `None` where it says nothing of a window.
pub(super) fn told(error: &[u8]) -> Option<u64> {
    split(PHRASES, b';').find_map(|phrase| {
        let found = error
            .windows(phrase.len())
            .position(|part| part == phrase.as_bytes())?;
        let behind = error.get(found + phrase.len()..).unwrap_or_default();
        let mut number = 0u64;
        let mut is_over = false;
        for byte in behind.iter().take(NEAR) {
            match byte {
                b'0'..=b'9' if !is_over => {
                    number = number.wrapping_mul(10).wrapping_add((byte - b'0').into());
                }
                // What is asked for stands before it, and the window behind.
                b'>' => (number, is_over) = (0, false),
                _ => is_over = number > 0,
            }
        }
        Some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    fn told_by(error: &str) -> Option<u64> {
        told(error.to_ascii_lowercase().as_bytes())
    }

    #[test]
    fn what_servers_say_is_understood() {
        for (error, window) in [
            (
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 8545 tokens. Please reduce the length of the messages.",
                8_192,
            ),
            (
                "prompt is too long: 208310 tokens > 200000 maximum",
                200_000,
            ),
            (
                "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again",
                200_000,
            ),
            (
                r#"{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":14429,"n_ctx":8192}}"#,
                8_192,
            ),
            (
                "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
                8_192,
            ),
            (
                "The decoder prompt (length 9254) is longer than the maximum model length of 4096. Make sure that",
                4_096,
            ),
            (
                "The input (516368 tokens) is longer than the model's context length (262144 tokens).",
                262_144,
            ),
            (
                "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
                131_072,
            ),
            (
                "The input token count (1196265) exceeds the maximum number of tokens allowed (1048576).",
                1_048_576,
            ),
            (
                "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
                32_768,
            ),
            (
                "Requested tokens (2285) exceed context window of 2048",
                2_048,
            ),
            ("Your request exceeded model token limit: 8192", 8_192),
            (
                "Your input exceeds the context window of this model. Please adjust your input",
                0,
            ),
            ("Input is too long for requested model.", 0),
            ("Please reduce the length of the messages or completion.", 0),
        ] {
            assert_eq!(told_by(error), Some(window), "{error}");
        }
    }

    #[test]
    fn other_errors_are_not_taken_for_it() {
        for error in [
            "",
            "the script is over",
            "Incorrect API key provided.",
            "Unrecognized request argument supplied: foo",
            "messages.1.content: text content blocks must be non-empty",
            "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40",
            "The model `x` does not exist",
            "Rate limit reached for requests",
            "max_tokens must be at least 1",
        ] {
            assert_eq!(told_by(error), None, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(before in "[a-z0-9> ]{0,20}", phrase in 0..13usize, after in "\\PC{0,60}") {
            let phrase = PHRASES.split(';').nth(phrase).unwrap();
            let error: String = [&before, phrase, &after].concat();
            prop_assert!(told(error.as_bytes()).is_some());
            let _ = told(after.as_bytes());
        }
    }
}
