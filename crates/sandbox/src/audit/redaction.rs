//! What must not be in an entry: values that the host registered as secrets, and values whose name says that they are.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands where a secret was.
pub(super) const MARK: &str = "[redacted]";

/// Shorter ones would be found everywhere, and hiding them would hide little.
const SHORTEST: usize = 4;

/// A value is too short to be hidden as a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret of fewer than {SHORTEST} bytes cannot be kept out of the audit trail")]
pub struct SecretTooShort;

/// Values that the host knows to be secret. No text of an entry holds one, nor its percent-encoded form. Clones are of one set.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    values: Vec<String>,
    longest: usize,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// From now on, no entry holds `value`. White space around it is not part of it.
    pub fn register(&self, value: &str) -> Result<(), SecretTooShort> {
        let value = value.trim();
        if value.len() < SHORTEST {
            return Err(SecretTooShort);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in [value.to_owned(), percent_encoded(value)] {
            if !known.values.contains(&form) {
                known.longest = known.longest.max(form.len());
                known.values.push(form);
            }
        }
        // Where one begins with another, the longer is found first.
        known
            .values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
        Ok(())
    }

    /// The beginning of `text` without secrets, at most `limit` bytes of it and cut between letters, and whether it is all of it.
    /// Secrets are taken out before the cut, so none is cut in two; the work is bounded by the limit, not by the text.
    pub(super) fn redact<'a>(&self, text: &'a str, limit: usize) -> (Cow<'a, str>, bool) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Shorter text than the shortest secret, as most names are, needs no search.
        let shortest = known.values.last().map_or(usize::MAX, String::len);
        let window = prefix(text, limit.saturating_add(known.longest));
        if window.len() < shortest
            || !known
                .values
                .iter()
                .any(|value| window.contains(value.as_str()))
        {
            let shown = prefix(text, limit);
            return (Cow::Borrowed(shown), shown.len() == text.len());
        }
        let mut clean = String::with_capacity(limit);
        let mut rest = text;
        loop {
            let room = limit - clean.len();
            let window = prefix(rest, room.saturating_add(known.longest));
            let first = known
                .values
                .iter()
                .filter_map(|value| Some((window.find(value.as_str())?, value.len())))
                .min_by_key(|&(at, length)| (at, std::cmp::Reverse(length)));
            let Some((at, length)) = first.filter(|&(at, _)| at + MARK.len() <= room) else {
                let until = first.map_or(room, |(at, _)| room.min(at));
                let shown = prefix(rest, until);
                clean.push_str(shown);
                return (Cow::Owned(clean), shown.len() == rest.len());
            };
            clean.push_str(&rest[..at]);
            clean.push_str(MARK);
            rest = &rest[at + length..];
        }
    }
}

/// The longest beginning of at most `limit` bytes that ends between letters.
pub(super) fn prefix(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        text
    } else {
        &text[..text.floor_char_boundary(limit)]
    }
}

fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Appends a URL as a guest gave it, whole or not, without the user's part and without the values of query and fragment members whose name
/// says that they are secret. It reads what is there as loosely as the most lenient parser, because the guest chose the spelling.
pub(super) fn redact_url(clean: &mut String, url: &str, whole: bool) {
    let skipped = |letter: char| letter.is_ascii_control() || letter == ' ';
    let scheme = url.find(':').filter(|&colon| {
        url[..colon].chars().all(|letter| {
            letter.is_ascii_alphanumeric() || "+-.".contains(letter) || skipped(letter)
        })
    });
    let mut authority = scheme.map_or(0, |colon| colon + 1);
    let slash = |letter: char| matches!(letter, '/' | '\\') || skipped(letter);
    authority += url[authority..].len() - url[authority..].trim_start_matches(slash).len();
    let end = url[authority..]
        .find(['/', '\\', '?', '#'])
        .map(|at| authority + at);
    clean.push_str(&url[..authority]);
    let host = &url[authority..end.unwrap_or(url.len())];
    match host.rfind('@') {
        Some(at) => {
            clean.push_str(MARK);
            clean.push_str(&host[at..]);
        }
        // An `@` may stand in what was cut away.
        None if end.is_none() && !whole => clean.push_str(MARK),
        None => clean.push_str(host),
    }
    let rest = &url[end.unwrap_or(url.len())..];
    let (path, members) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    clean.push_str(path);
    for member in members.split_inclusive(['?', '#', '&', ';']) {
        let (member, separator) = match member.as_bytes().last() {
            Some(b'?' | b'#' | b'&' | b';') => member.split_at(member.len() - 1),
            _ => (member, ""),
        };
        match member.split_once('=') {
            Some((name, value)) if !value.is_empty() && names_a_secret(name) => {
                clean.push_str(name);
                clean.push('=');
                clean.push_str(MARK);
            }
            _ => clean.push_str(member),
        }
        clean.push_str(separator);
    }
}

/// Whether a query member's name says that its value is secret. Percent-encoded names are read; of a long one, the first 64 letters
/// and digits.
fn names_a_secret(name: &str) -> bool {
    const PARTS: [&str; 14] = [
        "key",
        "token",
        "secret",
        "passw",
        "passphrase",
        "pwd",
        "auth",
        "credential",
        "signature",
        "session",
        "cookie",
        "jwt",
        "bearer",
        "private",
    ];
    const NAMES: [&str; 6] = ["sig", "code", "pass", "pin", "otp", "sid"];
    let mut letters = [0; 64];
    let mut count = 0;
    let mut rest = name.bytes();
    while let Some(byte) = rest.next().filter(|_| count < letters.len()) {
        let mut byte = byte;
        if byte == b'%' {
            let mut after = rest.clone();
            let digit = |letter: Option<u8>| char::from(letter.unwrap_or(b'-')).to_digit(16);
            if let (Some(high), Some(low)) = (digit(after.next()), digit(after.next())) {
                byte = (high * 16 + low) as u8;
                rest = after;
            }
        }
        if byte.is_ascii_alphanumeric() {
            letters[count] = byte.to_ascii_lowercase();
            count += 1;
        }
    }
    let letters = &letters[..count];
    let has = |part: &str| memchr::memmem::find(letters, part.as_bytes()).is_some();
    // A name that is longer than that may say it further on.
    count == 64
        || (PARTS.iter().any(|part| has(part)) && !has("keyword"))
        || NAMES.iter().any(|name| name.as_bytes() == letters)
}

/// Whether a header's value may be shown. Any other header may carry a credential under a name that nobody can list.
pub(super) fn header_is_harmless(name: &str) -> bool {
    const HARMLESS: [&str; 15] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "date",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "range",
        "te",
        "user-agent",
    ];
    HARMLESS
        .iter()
        .any(|harmless| harmless.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_secret_is_nowhere_even_at_the_cut() {
        let secrets = Secrets::default();
        secrets.register(" sk-abcdef+/= \n").unwrap();
        for limit in 0..60 {
            for (text, full) in [
                ("see sk-abcdef+/= and sk-abcdef+/=", 29),
                ("q=sk-abcdef%2B%2F%3D&x", 14),
                ("sk-abcdef+/=sk-abcdef+/=", 20),
            ] {
                let (clean, whole) = secrets.redact(text, limit);
                assert!(!clean.contains("sk-a"), "{limit}: {clean}");
                assert!(clean.len() <= limit);
                assert_eq!(whole, limit >= full, "{limit}: {clean}");
            }
        }
        assert_eq!(secrets.register("abc"), Err(SecretTooShort));
    }

    fn redacted(url: &str, whole: bool) -> String {
        let mut clean = String::new();
        redact_url(&mut clean, url, whole);
        clean
    }

    #[test]
    fn a_url_loses_what_its_names_say_is_secret() {
        let cases = [
            (
                "https://example.com/a?q=1&api_key=abc&x=2#access_token=def",
                "https://example.com/a?q=1&api_key=[redacted]&x=2#access_token=[redacted]",
            ),
            (
                "https://user:pw@example.com/@scope/x",
                "https://[redacted]@example.com/@scope/x",
            ),
            ("HTTP:\\\\user:pw@h", "HTTP:\\\\[redacted]@h"),
            ("http:user:pw@h/", "http:[redacted]@h/"),
            ("ht\ttp://u:p@h", "ht\ttp://[redacted]@h"),
            ("//u:p@h", "//[redacted]@h"),
            (
                "https://h/?to%6ben=abc;%53IG=x?key=y",
                "https://h/?to%6ben=[redacted];%53IG=[redacted]?key=[redacted]",
            ),
            (
                "https://h/?keyword=cats&empty_key=&key",
                "https://h/?keyword=cats&empty_key=&key",
            ),
            ("é:@?=&#", "[redacted]@?=&#"),
        ];
        for (url, shown) in cases {
            assert_eq!(redacted(url, true), shown);
        }
        assert_eq!(
            redacted("https://user:half-a-passw", false),
            "https://[redacted]"
        );
        assert_eq!(
            redacted("https://h/a/path-that-is-c", false),
            "https://h/a/path-that-is-c"
        );
    }
}
