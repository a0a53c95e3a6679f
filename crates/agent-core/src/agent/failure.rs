//! Failed model calls, in words that name the cause and what to do.

use alloc::string::{String, ToString};

use dewclaw_platform::{HttpError, lossy, trim};

use super::Exchange;
use crate::effect::{Failure, FailureKind};
use crate::json::{decimal, parse_within};
use crate::template::fill;
use crate::wire::{Hints, ReplyError};

/// Characters of a server's own message that are passed on.
const MAX_MESSAGE_CHARACTERS: usize = 500;

/// Values of a server's error as JSON.
const MAX_VALUES: usize = 512;

/// A prompt that is too large.
pub(super) fn of_prompt() -> Failure {
    Failure {
        kind: FailureKind::Rejected,
        message: "the prompt is larger than the 20 KiB of --limits board: put it into a file"
            .to_string(),
    }
}

/// A call that failed below HTTP's own answers.
pub(super) fn of_http(error: HttpError, base_url: &str) -> Failure {
    let (kind, advice) = match error {
        HttpError::ConnectTimeout => (
            FailureKind::Timeout,
            "; raise connect_timeout_ms if it needs longer",
        ),
        HttpError::FirstByteTimeout => (
            FailureKind::Timeout,
            "; raise first_byte_timeout_ms if it needs longer",
        ),
        HttpError::BetweenBytesTimeout => (
            FailureKind::Timeout,
            "; raise between_bytes_timeout_ms if it needs longer",
        ),
        HttpError::Dns | HttpError::Connect | HttpError::Refused | HttpError::Unreachable => (
            FailureKind::Connection,
            "; check the base URL, and that the server runs",
        ),
        // A server that closes before it answers is no HTTP to some hosts, so this may pass too.
        HttpError::Closed | HttpError::Protocol | HttpError::Internal | HttpError::Reset => {
            (FailureKind::Connection, "")
        }
        HttpError::Denied | HttpError::NameDenied | HttpError::AddressDenied => {
            (FailureKind::Denied, "")
        }
        HttpError::Unsupported | HttpError::NoTls => (FailureKind::Unsupported, ""),
        HttpError::TooLarge => (FailureKind::Malformed, ""),
        _ => (FailureKind::Rejected, ""),
    };
    let mut message = error.text().to_string();
    if !matches!(error, HttpError::Unsupported) {
        message = fill("% (%)%", &[&message, base_url, advice]);
    }
    Failure { kind, message }
}

/// A reply of the right status that can't be used.
pub(super) fn of_reply(error: ReplyError, hints: &Hints) -> Failure {
    let message = match &error {
        ReplyError::Truncated => "the model's reply broke off before its end".to_string(),
        ReplyError::Server(message) | ReplyError::Refused(message) => {
            fill("the model server reported an error%", &[&quoted(message)])
        }
        #[cfg(feature = "limits")]
        ReplyError::OverLimits => {
            "the model's reply is larger than the 20 KiB of --limits board: ask for less at once"
                .to_string()
        }
        ReplyError::Malformed(why) => fill(
            "the model's reply can't be read: %; check that the base URL is of %",
            &[*why, hints.server],
        ),
    };
    Failure {
        kind: error.into(),
        message,
    }
}

/// A reply whose status is no success, or that is a web page.
pub(super) fn of_status(exchange: &Exchange, base_url: &str, hints: &Hints) -> Failure {
    let status = exchange.status.unwrap_or_default();
    let is_page = exchange.content_type.starts_with("text/html");
    let (kind, advice) = match status {
        200..300 => (
            FailureKind::Malformed,
            "a web page instead of a reply: check the base URL, which %",
        ),
        401 | 403 => (
            FailureKind::Unauthorized,
            "check the key: %, or a file in state named by %_FILE",
        ),
        404 => (
            FailureKind::Rejected,
            "check the base URL, which %, and the model's name",
        ),
        413 => (
            FailureKind::Rejected,
            "the conversation is too large for the server",
        ),
        429 => (
            FailureKind::RateLimited,
            "too many requests, or no quota left",
        ),
        500.. => (FailureKind::Server, "the server failed"),
        300..=399 => (
            FailureKind::Rejected,
            "it redirects, and a key is not carried along: set the base URL to where it points",
        ),
        _ => (
            FailureKind::Rejected,
            "the server does not take the request",
        ),
    };
    let hint = if matches!(status, 401 | 403) {
        hints.key
    } else {
        hints.base_url
    };
    let advice = fill(advice, &[hint, hint]);
    let told = if is_page {
        String::new()
    } else {
        server_message(&exchange.error_body)
    };
    let message = fill(
        "the model server at % answered %%: %",
        &[base_url, &decimal(status.into()), &quoted(&told), &advice],
    );
    Failure { kind, message }
}

/// ` ("…")`, or nothing.
pub(super) fn quoted(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    // A terminal must not obey what a server sends.
    let mut shown = String::new();
    for letter in message.chars().take(MAX_MESSAGE_CHARACTERS) {
        shown.push(if letter.is_control() { ' ' } else { letter });
    }
    fill(" (\"%\")", &[&shown])
}

/// The server's own words: `error.message`, `error`, `message` or `detail` of a JSON body, else a short plain one.
fn server_message(body: &[u8]) -> String {
    let Ok(value) = parse_within(body, MAX_VALUES) else {
        let text = lossy(body);
        let text = trim(&text);
        return if matches!(text.as_bytes(), [b'<' | b'{', ..])
            || text.len() > MAX_MESSAGE_CHARACTERS
        {
            String::new()
        } else {
            text.to_string()
        };
    };
    for place in &["error/message", "error", "message", "detail"] {
        if let Some(message) = value.text(place) {
            return message.to_string();
        }
    }
    String::new()
}

impl From<ReplyError> for FailureKind {
    fn from(error: ReplyError) -> FailureKind {
        match error {
            ReplyError::Truncated => FailureKind::Connection,
            ReplyError::Server(_) => FailureKind::Server,
            ReplyError::Refused(_) => FailureKind::Rejected,
            ReplyError::Malformed(_) => FailureKind::Malformed,
            #[cfg(feature = "limits")]
            ReplyError::OverLimits => FailureKind::Malformed,
        }
    }
}
