//! The hosts that the operator allows: the entries of `--allow-fetch`, and what they cover.

use alloc::string::{String, ToString};

use dewclaw_platform::has;

use super::host::{read_host, split_port};
use super::{Host, Url, special_use};
use crate::json::decimal;
use crate::schema::push_listed;
use crate::template::fill;

/// One entry of `--allow-fetch`.
///
/// - `NAME` or an address, with brackets if it is an IPv6 one: that very host, in any spelling that a URL may give it,
///   special-use or not. The subdomains of a name are not meant, nor is an IPv4 address inside an IPv6 one.
/// - `*.NAME`: all subdomains of the name but not the name itself, and none that are special-use.
/// - `*`: every host that is not special-use.
///
/// Each with `:PORT` for that port alone; without it any port is meant, on http and https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    text: String,
    /// Whether there is a `*` in front of the host.
    wildcard: bool,
    /// In normal form; behind a `*` empty, or a name with its dot in front.
    host: String,
    /// 0 for any.
    port: u16,
}

impl HostRule {
    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong and what to write, put so that it reads on after the quoted entry.
    pub fn parse(text: &str) -> Result<HostRule, &'static str> {
        if has(text.as_bytes(), b'/') {
            return Err(
                "is more than a host: write it without https:// and path, like example.org",
            );
        }
        let (wildcard, rest) = match text.as_bytes() {
            [b'*', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (rest, port) = split_port(rest)?;
        let mut host = String::new();
        if !wildcard || !rest.is_empty() {
            let rest = match rest {
                [b'.', rest @ ..] if wildcard => {
                    host.push('.');
                    rest
                }
                rest => rest,
            };
            let read = read_host(rest)?;
            let public =
                matches!(&read, Host::Name(name) if special_use::of_domain(name).is_none());
            if wildcard && (host.is_empty() || !public) {
                return Err(WILDCARD);
            }
            read.push(&mut host);
        }
        Ok(HostRule {
            text: text.to_string(),
            wildcard,
            host,
            port,
        })
    }

    /// The entry as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn covers(&self, host: &str, port: u16, public: bool) -> bool {
        let host = if self.wildcard {
            public && host.ends_with(self.host.as_str())
        } else {
            host == self.host
        };
        host && (self.port == 0 || self.port == port)
    }
}

const WILDCARD: &str = "has a * that is neither alone nor in front of a public domain: write *, *.example.org or a full name";

/// How many allowed hosts a refusal lists.
const LISTED: usize = 10;

/// Whether the operator's rules allow this URL. Every hop of a redirect needs its own check.
///
/// # Errors
/// The message for the model: which host is refused, why, and what only the operator can do about it.
pub fn check(rules: &[HostRule], url: &Url) -> Result<(), String> {
    let special = url.host().special_use();
    let mut host = String::new();
    url.host().push(&mut host);
    if rules
        .iter()
        .any(|rule| rule.covers(&host, url.port(), special.is_none()))
    {
        return Ok(());
    }
    let mut message = url.authority();
    if let Some(kind) = special {
        message.push_str(&fill(
            " is %, which is refused unless that very host is allowed, however it is written",
            &[kind],
        ));
    } else if rules.is_empty() {
        message.push_str(" is not allowed, as no host is");
    } else {
        let mut hosts = String::new();
        for (index, rule) in rules.iter().enumerate() {
            if index == LISTED {
                let more = decimal((rules.len() - LISTED) as u64);
                hosts.push_str(&fill(" and % more", &[&more]));
                break;
            }
            push_listed(&mut hosts, &rule.text);
        }
        message.push_str(&fill(" is not among the allowed hosts (%)", &[&hosts]));
    }
    message.push_str(": only the operator can allow it, with --allow-fetch ");
    url.push_authority(&mut message);
    Err(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn allowed(rules: &str, url: &str) -> Result<(), String> {
        let rules: Vec<_> = rules
            .split_whitespace()
            .map(|rule| HostRule::parse(rule).unwrap())
            .collect();
        check(&rules, &Url::parse(url).unwrap())
    }

    #[test]
    fn a_rule_covers_what_it_says_and_nothing_else() {
        for (rule, covered, refused) in [
            (
                "example.org",
                "https://example.org/ http://EXAMPLE.org.:8080/a",
                "https://a.example.org/ https://example.org.evil.net/ https://xexample.org/ https://org/",
            ),
            (
                "Example.Org.:8443",
                "https://example.org:8443/ http://example.org:8443/",
                "https://example.org/ https://example.org:8444/",
            ),
            (
                "example.org:443",
                "https://example.org/",
                "http://example.org/ https://example.org:80/",
            ),
            (
                "*.example.org",
                "https://a.example.org/ http://a.b.example.org:81/",
                "https://example.org/ https://aexample.org/ https://a.example.org.net/",
            ),
            (
                "*.example.org:80",
                "http://a.example.org/",
                "https://a.example.org/ http://example.org/",
            ),
            ("*.com", "http://a.com/", "http://com/ http://a.org/"),
            (
                "*",
                "http://example.org/ https://8.8.8.8:1/ http://[2606:4700:4700::1111]/ http://[::ffff:8.8.8.8]/",
                "http://localhost/ http://127.0.0.1/ http://a.local/ http://router/ http://[::1]/ http://a.test/",
            ),
            (
                "*:443",
                "https://example.org/ http://example.org:443/",
                "http://example.org/ https://localhost/",
            ),
            (
                "8.8.8.8",
                "http://8.8.8.8/ http://134744072:53/",
                "http://8.8.8.9/ http://[::ffff:8.8.8.8]/",
            ),
        ] {
            for url in covered.split(' ') {
                assert_eq!(allowed(rule, url), Ok(()), "{rule} {url}");
            }
            for url in refused.split(' ') {
                assert!(allowed(rule, url).is_err(), "{rule} {url}");
            }
        }
        assert!(allowed("a.org *.b.org", "http://x.b.org/").is_ok());
        assert!(allowed("", "http://example.org/").is_err());
    }

    #[test]
    fn a_special_use_host_needs_its_very_entry_in_any_spelling() {
        for (rule, covered, refused) in [
            (
                "127.0.0.1",
                "http://127.0.0.1/ http://2130706433/ http://0x7f.1:8080/ http://127.0.0.1./",
                "http://127.0.0.2/ http://localhost/ http://[::1]/ http://[::ffff:127.0.0.1]/ http://[::127.0.0.1]/",
            ),
            (
                "0x7f.1:8080",
                "http://127.0.0.1:8080/",
                "http://127.0.0.1/ http://127.0.0.1:8081/",
            ),
            (
                "[::1]",
                "http://[0:0:0:0:0:0:0:1]:5/",
                "http://[::2]/ http://127.0.0.1/ http://localhost/",
            ),
            ("[FD00::1]:80", "http://[fd00:0::1]/", "https://[fd00::1]/"),
            (
                "[::ffff:10.0.0.1]",
                "http://[::FFFF:a00:1]/",
                "http://10.0.0.1/",
            ),
            (
                "localhost",
                "http://LOCALHOST.:3000/",
                "http://a.localhost/ http://127.0.0.1/",
            ),
            (
                "nas.local",
                "http://nas.local/",
                "http://b.local/ http://a.nas.local/",
            ),
            ("router", "http://router/", "http://router.lan/"),
        ] {
            for url in covered.split(' ') {
                assert_eq!(allowed(rule, url), Ok(()), "{rule} {url}");
            }
            for url in refused.split(' ') {
                assert!(
                    allowed(&["* *.com ", rule].concat(), url).is_err(),
                    "{rule} {url}"
                );
            }
        }
    }

    #[test]
    fn an_entry_that_is_no_host_is_refused_with_what_to_write() {
        for (text, part) in [
            ("", "names no host"),
            (" ", "letters, digits"),
            (":80", "names no host"),
            ("*.", "names no host"),
            ("https://example.org", "without https:// and path"),
            ("example.org/a", "without https:// and path"),
            ("//example.org", "without https:// and path"),
            ("example.org?", "letters, digits"),
            ("example.org#a", "letters, digits"),
            ("a\\b", "letters, digits"),
            ("me@example.org", "leave them out"),
            ("*foo", "or a full name"),
            ("**", "letters, digits"),
            ("*.1.2.3", "or a full name"),
            ("*.[fd00::1]", "in brackets"),
            ("*[fd00::1]", "or a full name"),
            ("*8.8.8.8", "or a full name"),
            ("*.8.8.8.8", "or a full name"),
            ("*.*.org", "letters, digits"),
            ("a.*", "letters, digits"),
            ("a.org,b.org", "letters, digits"),
            ("a.org b.org", "letters, digits"),
            ("a.\norg", "letters, digits"),
            ("*.localhost", "or a full name"),
            ("*.internal", "or a full name"),
            ("*.home.arpa:80", "or a full name"),
            ("m\u{fc}nchen.de", "xn--"),
            ("a.org:0", "from 1 to 65535"),
            ("a.org:x", "from 1 to 65535"),
            ("*:", "from 1 to 65535"),
            ("::1", "in brackets"),
            ("[::1", "in brackets"),
            ("[fe80::1%eth0]", "without zone id"),
            ("1.2.3.4.5", "no IPv4 address"),
        ] {
            let problem = HostRule::parse(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
        assert_eq!(
            HostRule::parse("Example.ORG:80").unwrap().text(),
            "Example.ORG:80"
        );
    }

    #[test]
    fn a_refusal_names_the_host_why_and_who_can_change_it() {
        assert_eq!(
            allowed("*", "http://0x7f.1:8080/x").unwrap_err(),
            "127.0.0.1:8080 is a loopback address, which is refused unless that very host is allowed, however it is \
             written: only the operator can allow it, with --allow-fetch 127.0.0.1:8080"
        );
        assert_eq!(
            allowed("a.org *.b.org", "https://c.org/").unwrap_err(),
            "c.org is not among the allowed hosts (a.org, *.b.org): only the operator can allow it, with --allow-fetch \
             c.org"
        );
        assert_eq!(
            allowed("", "https://[2a00::1]/").unwrap_err(),
            "[2a00::1] is not allowed, as no host is: only the operator can allow it, with --allow-fetch [2a00::1]"
        );
        let many: Vec<_> = (1..=12)
            .map(|number| alloc::format!("h{number}.org"))
            .collect();
        let message = allowed(&many.join(" "), "https://c.org/").unwrap_err();
        assert!(message.contains("h9.org, h10.org and 2 more)"), "{message}");
        // What a refusal says to write is taken, and allows it.
        for url in [
            "http://127.1:8080/",
            "https://[::1]:1/",
            "http://a.localhost/",
            "https://c.org/",
        ] {
            let message = allowed("", url).unwrap_err();
            let (_, rule) = message.rsplit_once(' ').unwrap();
            assert_eq!(allowed(rule, url), Ok(()));
        }
    }
}
