//! Where a request goes: a URL, read once.

use std::net::IpAddr;

use http::Uri;
use url::{Host, Position, Url};

use super::error::{UrlProblem, shown};

/// How long a URL may be, as it is given and as it is sent. RFC 9110, section 4.1, wants 8000 from everybody.
const LONGEST: usize = 8_192;

/// An absolute `http` or `https` URL without userinfo and fragment, with a host that is a name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    url: Url,
    host: Named,
    port: u16,
}

/// A URL's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A name in lower case and ASCII, without the dot at its end.
    Name(String),
    /// An address; never an IPv4-mapped one.
    Address(IpAddr),
}

impl Target {
    /// Reads what a plugin gives.
    pub(super) fn parse(text: &str) -> Result<Target, UrlProblem> {
        look(text)?;
        if let Some(authority) = authority_of(text) {
            if authority.contains('@') {
                return Err(UrlProblem::Userinfo);
            }
            if authority.starts_with('[') && authority.contains('%') {
                return Err(UrlProblem::Zone);
            }
        }
        Target::of(Url::parse(text).map_err(UrlProblem::Syntax)?)
    }

    /// Reads what a redirect from here gives: a URL, or one relative to this.
    pub(super) fn join(&self, text: &str) -> Result<Target, UrlProblem> {
        look(text)?;
        Target::of(self.url.join(text).map_err(UrlProblem::Syntax)?)
    }

    fn of(mut url: Url) -> Result<Target, UrlProblem> {
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = shown(url.scheme());
            return Err(UrlProblem::Scheme { scheme });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlProblem::Userinfo);
        }
        url.set_fragment(None);
        let host = match url.host() {
            Some(Host::Ipv4(address)) => Named::Address(address.into()),
            Some(Host::Ipv6(address)) => Named::Address(IpAddr::V6(address).to_canonical()),
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                if !is_name(name) {
                    return Err(UrlProblem::Host);
                }
                Named::Name(name.to_owned())
            }
            None => return Err(UrlProblem::Host),
        };
        if let Named::Name(name) = &host {
            url.set_host(Some(name)).map_err(UrlProblem::Syntax)?;
        }
        if url.as_str().len() > LONGEST {
            return Err(UrlProblem::Length { limit: LONGEST });
        }
        let port = url.port_or_known_default().ok_or(UrlProblem::Host)?;
        Ok(Target { url, host, port })
    }

    /// Whether TLS is spoken.
    pub(super) fn tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The name or address.
    pub(super) fn named(&self) -> &Named {
        &self.host
    }

    /// The name or address as a rule has it: an IPv6 address without brackets.
    pub(super) fn host(&self) -> String {
        match &self.host {
            Named::Name(name) => name.clone(),
            Named::Address(address) => address.to_string(),
        }
    }

    /// The port, the scheme's own if the URL names none.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Name or address, and port, as an error has it.
    pub(super) fn whom(&self) -> String {
        match &self.host {
            Named::Address(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            _ => format!("{}:{}", self.host(), self.port),
        }
    }

    /// Scheme, name or address, and port.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.whom())
    }

    /// The value of the `host` header.
    pub(super) fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// What stands in the request's first line.
    pub(super) fn path(&self) -> Result<Uri, UrlProblem> {
        let path = &self.url[Position::BeforePath..Position::AfterQuery];
        path.parse().map_err(|_| UrlProblem::Path)
    }

    /// The whole URL.
    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }
}

/// What the URL standard would silently leave out is refused.
fn look(text: &str) -> Result<(), UrlProblem> {
    if text.len() > LONGEST {
        return Err(UrlProblem::Length { limit: LONGEST });
    }
    if text.contains(char::is_control) {
        return Err(UrlProblem::Control);
    }
    Ok(())
}

/// What stands where an absolute URL has its authority, however many slashes of either kind are in front.
fn authority_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(':')?;
    let rest = rest.trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next()
}

/// Labels of letters, digits, hyphens and underscores: what the URL standard lets through besides, no server has.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        matches!(label.len(), 1..=63)
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn host(url: &str) -> String {
        Target::parse(url).unwrap().host()
    }

    #[test]
    fn one_address_has_one_spelling() {
        for url in [
            "http://169.254.169.254/",
            "http://169.254.169.254./",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0xA9.0xFE.0xA9.0xFE/",
            "http://0251.0376.0251.0376/",
            "http://025177524776/",
            "http://169.254.43518/",
            "http://169.16689662/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
            "http://１６９.２５４.１６９.２５４/",
            "http://169。254。169。254/",
            "http://%31%36%39.254.169.254/",
            "http:\\\\169.254.169.254\\",
            "http:169.254.169.254",
            "  http:///169.254.169.254",
        ] {
            assert_eq!(host(url), "169.254.169.254", "{url}");
        }
    }

    #[test]
    fn one_name_has_one_spelling() {
        for (url, wanted) in [
            ("https://API.Example.COM./a", "api.example.com"),
            ("https://münchen.de", "xn--mnchen-3ya.de"),
            ("https://MÜNCHEN.de:443", "xn--mnchen-3ya.de"),
            ("http://ex%61mple.com", "example.com"),
            ("http://ｌocalhost.", "localhost"),
            ("http://a_b.example.com", "a_b.example.com"),
        ] {
            assert_eq!(host(url), wanted, "{url}");
        }
        assert_eq!(
            Target::parse("https://a.de./x#y").unwrap().url(),
            "https://a.de/x"
        );
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        use UrlProblem::*;
        let scheme = |scheme: &str| Scheme {
            scheme: scheme.into(),
        };
        for (url, wanted) in [
            ("file:///etc/passwd", scheme("file")),
            ("data:text/plain,a", scheme("data")),
            ("ftp://example.com/", scheme("ftp")),
            ("gopher://127.0.0.1:6379/_", scheme("gopher")),
            ("HTTPX://example.com/", scheme("httpx")),
            ("javascript:alert(1)", scheme("javascript")),
            ("http://user@example.com/", Userinfo),
            ("http://user:pass@example.com/", Userinfo),
            ("http://@example.com/", Userinfo),
            ("http://example.com@127.0.0.1/", Userinfo),
            ("http:\\/example.com@127.0.0.1", Userinfo),
            ("http://[fe80::1%25eth0]/", Zone),
            ("http://[fe80::1%eth0]/", Zone),
            ("http://exa\tmple.com/", Control),
            ("http://example.com/\r\nHost: a", Control),
            ("http://example.com/\0", Control),
            ("http://example.com/\u{85}", Control),
            ("http://*.example.com/", Host),
            ("http://a..example.com/", Host),
            ("http://example.com../", Host),
            ("http://.example.com/", Host),
            ("http://a,b/", Host),
        ] {
            assert_eq!(Target::parse(url), Err(wanted), "{url}");
        }
        for url in [
            "/only/a/path",
            "",
            "http://",
            "http://256.1.1.1/",
            "http://1.2.3.4.5/",
            "http://a:70000/",
            "http://a b/",
        ] {
            assert!(matches!(Target::parse(url), Err(Syntax(_))), "{url}");
        }
        let long = format!("http://example.com/{}", "a".repeat(LONGEST));
        assert_eq!(Target::parse(&long), Err(Length { limit: LONGEST }));
        let grows = format!("http://example.com/{}", "é".repeat(LONGEST / 3));
        assert_eq!(Target::parse(&grows), Err(Length { limit: LONGEST }));
        let label = format!("http://{}.com/", "a".repeat(64));
        assert!(Target::parse(&label).is_err());
    }

    #[test]
    fn a_redirect_is_read_by_the_same_rules() {
        let from = Target::parse("https://example.com/a/b?c").unwrap();
        assert_eq!(from.join("../d").unwrap().url(), "https://example.com/d");
        assert_eq!(
            from.join("//Other.net./").unwrap().url(),
            "https://other.net/"
        );
        assert_eq!(from.join("http://0x7f.1/").unwrap().host(), "127.0.0.1");
        assert_eq!(from.join("//u@other.net/"), Err(UrlProblem::Userinfo));
        assert!(matches!(
            from.join("file:///etc"),
            Err(UrlProblem::Scheme { .. })
        ));
        assert_eq!(from.join("/a\tb"), Err(UrlProblem::Control));
    }

    /// A part of an IPv4 address in one of its spellings.
    fn part(value: u32, spelling: u8) -> String {
        match spelling % 4 {
            0 => value.to_string(),
            1 => format!("0{value:o}"),
            2 => format!("0x{value:x}"),
            _ => format!("0X{value:08X}"),
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_ipv4_address_is_that_address(
            address: u32, count in 1usize..=4, spellings: [u8; 4], dot: bool
        ) {
            let mut parts: Vec<String> = (0..count - 1)
                .map(|at| part(address >> (24 - 8 * at) & 255, spellings[at]))
                .collect();
            let rest = u64::from(address) & ((1 << (40 - 8 * count)) - 1);
            parts.push(part(rest as u32, spellings[3]));
            let url = format!("http://{}{}/", parts.join("."), if dot { "." } else { "" });
            let wanted = Named::Address(Ipv4Addr::from(address).into());
            let read = Target::parse(&url).map(|target| target.host);
            prop_assert_eq!(read, Ok(wanted), "{}", url);
        }

        #[test]
        fn what_is_read_is_read_again_as_the_same(
            text in prop_oneof![
                "\\PC{0,40}",
                "https?:[/\\\\]{0,3}\\PC{0,30}",
                "https?://[a-zA-Z0-9.%@:\\[\\]xX_-]{1,24}[/?#\\\\]?[ -~]{0,12}",
            ]
        ) {
            if let Ok(target) = Target::parse(&text) {
                prop_assert!(matches!(target.scheme(), "http" | "https"));
                prop_assert!(!target.authority().contains(['@', '%', '/', '\\', ' ']));
                match target.named() {
                    Named::Name(name) => {
                        prop_assert!(is_name(name));
                        // No name that a resolver could take for an address.
                        prop_assert!(name.parse::<IpAddr>().is_err());
                    }
                    Named::Address(IpAddr::V6(address)) => prop_assert!(address.to_ipv4_mapped().is_none()),
                    Named::Address(IpAddr::V4(_)) => {}
                }
                prop_assert_eq!(Target::parse(target.url()), Ok(target.clone()), "{}", text);
                if let Ok(path) = target.path() {
                    prop_assert!(path.to_string().starts_with('/'));
                }
            }
        }

        #[test]
        fn what_a_redirect_gives_is_held_to_the_same(
            text in prop_oneof![
                "\\PC{0,40}",
                "(https?:)?[/\\\\]{0,3}[a-z0-9.@:\\[\\]%]{0,20}[/?#]?[ -~]{0,12}",
            ]
        ) {
            let from = Target::parse("https://example.com:8443/a/b?c").unwrap();
            if let Ok(next) = from.join(&text) {
                prop_assert!(!next.authority().contains(['@', '%', '/', '\\', ' ']));
                prop_assert_eq!(Target::parse(next.url()), Ok(next.clone()), "{}", text);
            }
        }
    }
}
