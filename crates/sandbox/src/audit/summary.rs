//! The parameters of a host call in a few words: bounded, and without secrets.

use super::redaction::{MARK, Secrets, header_is_harmless, prefix, redact_url};

/// Longest summary, in bytes.
pub(super) const MAX_SUMMARY: usize = 512;
/// Longest URL in it, so that there is room for what follows.
const MAX_URL: usize = 320;
/// Longest method, name of a header or value of one.
const MAX_WORD: usize = 64;
/// What ends a text that was cut.
const CUT: char = '…';

/// Builds what an entry tells of a call's parameters. Each method adds a piece, after a space where there is one before it. What is
/// too long is cut between letters and ends in `…`; the whole has at most 512 bytes.
#[derive(Debug)]
pub struct Summary<'a> {
    secrets: &'a Secrets,
    text: String,
}

impl<'a> Summary<'a> {
    pub(super) fn new(secrets: &'a Secrets) -> Summary<'a> {
        Summary {
            secrets,
            text: String::with_capacity(256),
        }
    }

    /// Some text, such as a path or the name of a variable. Never pass the value of a variable.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.limited(text, MAX_SUMMARY)
    }

    /// A number of bytes, such as of a body or of a file's new content.
    pub fn bytes(&mut self, what: &str, count: usize) -> &mut Self {
        self.text(what).piece(&format!("{count} bytes"), true)
    }

    /// A URL, without the user's part and the values of query members whose names say that they are secret.
    pub fn url(&mut self, url: &str) -> &mut Self {
        if !self.is_full() {
            let (clean, whole) = self.secrets.redact(url, MAX_URL);
            self.separate();
            redact_url(&mut self.text, &clean, whole);
            self.bound(whole);
        }
        self
    }

    /// A header, with its value only where that is known to be harmless.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.limited(name, MAX_WORD);
        if self.is_full() {
            return self;
        }
        self.text.push(':');
        if header_is_harmless(name) {
            self.limited(value, MAX_WORD)
        } else {
            self.piece(MARK, true)
        }
    }

    /// What an HTTP request asks for: method, URL, the body's size, headers.
    pub fn http_request<'h>(
        &mut self,
        method: &str,
        url: &str,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: Option<usize>,
    ) -> &mut Self {
        self.limited(method, MAX_WORD).url(url);
        if let Some(count) = body {
            self.bytes("body", count);
        }
        for (name, value) in headers {
            if self.is_full() {
                break;
            }
            self.header(name, value);
        }
        self
    }

    /// Whether there is no room for a further piece.
    fn is_full(&self) -> bool {
        self.text.len() + 2 * CUT.len_utf8() > MAX_SUMMARY
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn limited(&mut self, text: &str, limit: usize) -> &mut Self {
        let (clean, whole) = self.secrets.redact(text, limit);
        self.piece(&clean, whole)
    }

    fn piece(&mut self, piece: &str, whole: bool) -> &mut Self {
        if self.is_full() {
            return self;
        }
        self.separate();
        self.text.push_str(piece);
        self.bound(whole);
        self
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
    }

    fn bound(&mut self, whole: bool) {
        if !whole {
            self.text.push(CUT);
        }
        if self.text.len() > MAX_SUMMARY {
            let kept = prefix(&self.text, MAX_SUMMARY - CUT.len_utf8()).len();
            self.text.truncate(kept);
            self.text.push(CUT);
        }
    }
}

/// A rule, an error or a function's name as an entry holds it.
pub(super) fn bounded(secrets: &Secrets, text: &str, limit: usize) -> String {
    let (clean, whole) = secrets.redact(text, limit - CUT.len_utf8());
    let mut clean = clean.into_owned();
    if !whole {
        clean.push(CUT);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_without_its_credentials() {
        let secrets = Secrets::default();
        secrets.register("hunter22").unwrap();
        let mut summary = Summary::new(&secrets);
        let headers = [
            ("Accept", "text/html"),
            ("Authorization", "Bearer abc"),
            ("cookie", "a=b"),
            ("X-Api-Key", "def"),
            ("x-unheard-of", "ghi"),
            ("user-agent", "agent hunter22"),
        ];
        summary.http_request(
            "POST",
            "https://u:p@example.com/hunter22?token=t",
            headers,
            Some(12),
        );
        assert_eq!(
            summary.finish(),
            "POST https://[redacted]@example.com/[redacted]?token=[redacted] body 12 bytes Accept: text/html \
             Authorization: [redacted] cookie: [redacted] X-Api-Key: [redacted] x-unheard-of: [redacted] user-agent: agent [redacted]"
        );
    }

    #[test]
    fn a_long_summary_is_cut_between_letters() {
        let secrets = Secrets::default();
        let long = "é".repeat(1_000_000);
        for start in ["", "a"] {
            let mut summary = Summary::new(&secrets);
            summary
                .text(start)
                .text(&long)
                .text("more")
                .header(&long, &long);
            let text = summary.finish();
            assert!(
                text.len() <= MAX_SUMMARY && text.len() > MAX_SUMMARY - 6 && text.ends_with('…'),
                "{}",
                text.len()
            );
        }
        let mut summary = Summary::new(&secrets);
        summary.http_request(
            "GET",
            &format!("https://h/{long}"),
            [("accept", "a")],
            Some(5),
        );
        assert!(summary.finish().ends_with("… body 5 bytes accept: a"));
    }
}
