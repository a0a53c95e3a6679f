//! Percent-encoding by RFC 3986, section 2, over UTF-8.

use alloc::string::String;

use dewclaw_platform::has;

/// What stands for itself anywhere, beside letters and digits.
const UNRESERVED: &[u8] = b"-._~";

/// What stands for itself in a path or a query: also the reserved characters, but `#`, `[` and `]`.
const ALLOWED: &[u8] = b"-._~!$&'()*+,;=:@/?";

/// Appends a value of a query: all but RFC 3986's unreserved characters is percent-encoded, a space as `%20`.
pub fn push_query(out: &mut String, text: &str) {
    push(out, text.as_bytes(), false);
}

/// Appends a part of a path or a query that somebody wrote: what may stand there stays, percent-encodings too.
pub(super) fn push_allowed(out: &mut String, text: &[u8]) {
    push(out, text, true);
}

/// `is_url` if the text is of a URL already, and not a plain value.
fn push(out: &mut String, text: &[u8], is_url: bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

    let kept = if is_url { ALLOWED } else { UNRESERVED };
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        let encoding = is_url
            && *byte == b'%'
            && matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
        if byte.is_ascii_alphanumeric() || has(kept, *byte) || encoding {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> String {
        let mut out = String::new();
        push_query(&mut out, text);
        out
    }

    #[test]
    fn a_query_value_keeps_the_unreserved_and_nothing_else() {
        let unreserved = "ABCXYZabcxyz0189-._~";
        assert_eq!(query(unreserved), unreserved);
        assert_eq!(query("a b+c"), "a%20b%2Bc");
        assert_eq!(query("50%25"), "50%2525");
        assert_eq!(query("na\u{ef}ve \u{1f600}"), "na%C3%AFve%20%F0%9F%98%80");
        assert_eq!(
            query(":/?#[]@!$&'()*,;=\0\n\x7f"),
            "%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2C%3B%3D%00%0A%7F"
        );
    }

    #[test]
    fn what_is_appended_comes_behind_what_was_there() {
        let mut out = String::from("https://example.org/search?q=");
        push_query(&mut out, "a&b");
        assert_eq!(out, "https://example.org/search?q=a%26b");
    }

    proptest! {
        #[test]
        fn a_query_value_decodes_to_what_it_was(text in any::<String>()) {
            let coded = query(&text);
            let mut bytes = alloc::vec::Vec::new();
            let mut rest = coded.as_bytes();
            while let [byte, after @ ..] = rest {
                rest = after;
                if *byte == b'%' {
                    let digits = core::str::from_utf8(&rest[..2]).unwrap();
                    prop_assert_eq!(digits, digits.to_ascii_uppercase());
                    bytes.push(u8::from_str_radix(digits, 16).unwrap());
                    rest = &rest[2..];
                } else {
                    prop_assert!(byte.is_ascii_alphanumeric() || UNRESERVED.contains(byte));
                    bytes.push(*byte);
                }
            }
            prop_assert_eq!(bytes, text.as_bytes());
        }
    }
}
