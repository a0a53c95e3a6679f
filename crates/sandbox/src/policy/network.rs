//! Rules of the network: which scheme, host and port. What a manifest asks and what a policy grants are written alike.

use std::fmt;
use std::net::IpAddr;

use url::Host as UrlHost;

/// How a request is made. There are no others: `file`, `data`, `ftp` and raw sockets are refused by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// By TLS.
    Https,
}

impl Scheme {
    /// The scheme of that name, in any case.
    pub fn of_name(name: &str) -> Option<Scheme> {
        match () {
            () if name.eq_ignore_ascii_case("http") => Some(Scheme::Http),
            () if name.eq_ignore_ascii_case("https") => Some(Scheme::Https),
            () => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that a URL without one means.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// A name, in lower case, in ASCII, without a dot at its end.
    Name(String),
    /// Every name below this one, at any depth, without the name itself.
    Below(String),
    /// An address. An IPv4 address inside an IPv6 one is the IPv4 address.
    Address(IpAddr),
    /// This machine: `localhost` and the loopback addresses. Of the preset alone.
    Loopback,
}

/// A scheme, host and port that a manifest asks for, or a policy grants: `[SCHEME://]HOST[:PORT]`.
///
/// - without a scheme: `https`;
/// - without a port: the scheme's own, 443 or 80; `:*` is every port;
/// - HOST: `api.example.com` is that name alone; `*.example.com` is every name below it, at any depth, and not `example.com`;
///   `192.168.1.20` or `[fd00::20]` is that address, and lets it be connected to although it is special-use. Names beyond ASCII
///   may be written as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRule {
    /// `None` is either.
    scheme: Option<Scheme>,
    host: Host,
    /// `None` is every one.
    port: Option<u16>,
}

impl HostRule {
    /// The preset `loopback`: this machine, by any scheme and port.
    pub(super) fn loopback() -> HostRule {
        HostRule {
            scheme: None,
            host: Host::Loopback,
            port: None,
        }
    }

    /// Reads a rule.
    ///
    /// # Errors
    ///
    /// A phrase that goes on from the rule's text and says what to write instead.
    pub(super) fn read(text: &str) -> Result<HostRule, String> {
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Https, text),
            Some((name, rest)) => match Scheme::of_name(name) {
                Some(scheme) => (scheme, rest),
                None => return Err("has a scheme that is neither http nor https".to_owned()),
            },
        };
        if matches!(rest, "none" | "loopback") {
            return Err(format!("is a preset: write presets = [\"{rest}\"]"));
        }
        if rest == "*" || rest.starts_with("*:") {
            return Err("names no host: write each, or *.example.com for all below one".to_owned());
        }
        if let Some(extra) = rest.find(['/', '@', '?', '#', '%']) {
            let extra = &rest[extra..=extra];
            return Err(format!(
                "has {extra:?} in it: write only SCHEME://HOST:PORT"
            ));
        }
        let (host, port) = match rest.rsplit_once(':') {
            // A colon inside brackets is the address's.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let port = match port {
            None => Some(scheme.default_port()),
            Some("*") => None,
            Some(port) => match port.parse::<u16>() {
                Ok(port) if port != 0 && !rest.contains("+") => Some(port),
                _ if host.contains(':') => {
                    return Err("has an IPv6 address without brackets: write [ADDRESS]".to_owned());
                }
                _ => return Err("has a port that is not 1 to 65535, nor *".to_owned()),
            },
        };
        let host = match host.strip_prefix("*.") {
            None => read_host(host)?,
            Some(host) => match read_host(host)? {
                Host::Name(name) if name.contains('.') => Host::Below(name),
                Host::Name(_) => {
                    return Err("is a whole top-level domain: write *.example.com".to_owned());
                }
                _ => return Err("is a * before an address: write the address".to_owned()),
            },
        };
        Ok(HostRule {
            scheme: Some(scheme),
            host,
            port,
        })
    }

    /// The rule for exactly one scheme, host and port.
    pub(super) fn exactly(target: &Target) -> HostRule {
        HostRule {
            scheme: Some(target.scheme),
            host: target.host.clone(),
            port: Some(target.port),
        }
    }

    /// What both this rule and the other one are for.
    pub(super) fn meet(&self, other: &HostRule) -> Option<HostRule> {
        let scheme = meet(self.scheme, other.scheme)?;
        let port = meet(self.port, other.port)?;
        let host = match (&self.host, &other.host) {
            (one, same) if one == same => one.clone(),
            (Host::Loopback, host) | (host, Host::Loopback) if is_loopback(host) => host.clone(),
            (Host::Below(parent), inner) | (inner, Host::Below(parent))
                if is_below(inner, parent) =>
            {
                inner.clone()
            }
            // The lower of two parents.
            (inner, Host::Below(parent)) if is_below(inner, parent) => inner.clone(),
            _ => return None,
        };
        Some(HostRule { scheme, host, port })
    }

    /// Whether it is for this.
    pub(super) fn covers(&self, target: &Target) -> bool {
        self.meet(&HostRule::exactly(target)).is_some()
    }

    /// The scheme by which it grants a port.
    pub(super) fn scheme_at(&self, port: u16) -> Option<Scheme> {
        self.scheme
            .filter(|_| self.port.is_none_or(|own| own == port))
    }

    /// Whether it names this address itself, for this port: then the address may be connected to although it is special-use.
    /// `localhost` names the loopback addresses.
    pub(super) fn names_address(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        self.port.is_none_or(|own| own == port)
            && match &self.host {
                Host::Address(own) => *own == address,
                Host::Loopback => address.is_loopback(),
                Host::Name(name) => name == "localhost" && address.is_loopback(),
                Host::Below(_) => false,
            }
    }
}

/// The narrower of two, where `None` is everything; `None` where they have nothing in common.
fn meet<T: Copy + PartialEq>(one: Option<T>, other: Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (None, narrower) | (narrower, None) => Some(narrower),
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost",
        Host::Address(address) => address.is_loopback(),
        Host::Below(_) | Host::Loopback => false,
    }
}

fn is_below(host: &Host, parent: &str) -> bool {
    let (Host::Name(name) | Host::Below(name)) = host else {
        return false;
    };
    name.strip_suffix(parent)
        .is_some_and(|rest| rest.ends_with('.'))
}

/// Reads a host by the URL standard, which knows every spelling of an address.
fn read_host(text: &str) -> Result<Host, String> {
    const NOT_ONE: &str = "is not a host: write a name such as api.example.com, or an address";
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    if trimmed.is_empty() || trimmed.ends_with('.') || trimmed.contains(['*', '%']) {
        return Err(NOT_ONE.to_owned());
    }
    match UrlHost::parse(trimmed) {
        Ok(UrlHost::Ipv4(address)) => Ok(Host::Address(address.into())),
        Ok(UrlHost::Ipv6(address)) => Ok(Host::Address(IpAddr::from(address).to_canonical())),
        Ok(UrlHost::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            let right = name.len() <= 253
                && name.split('.').all(|label| (1..=63).contains(&label.len()))
                && !name.contains('*');
            if right {
                Ok(Host::Name(name.to_owned()))
            } else {
                Err(NOT_ONE.to_owned())
            }
        }
        Err(_) => Err(NOT_ONE.to_owned()),
    }
}

/// What a request goes to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    scheme: Scheme,
    host: Host,
    port: u16,
}

impl Target {
    /// A request's scheme, host and port; IPv6 addresses with or without brackets.
    pub(super) fn new(scheme: Scheme, host: &str, port: u16) -> Option<Target> {
        let host = match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => Host::Address(IpAddr::from(address).to_canonical()),
            Err(_) => read_host(host).ok()?,
        };
        Some(Target { scheme, host, port })
    }

    pub(super) fn of_address(scheme: Scheme, address: IpAddr, port: u16) -> Target {
        Target {
            scheme,
            host: Host::Address(address.to_canonical()),
            port,
        }
    }
}

impl fmt::Display for HostRule {
    /// As a rule is written. Two rules that are written alike are equal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(scheme) = self.scheme else {
            return f.write_str("loopback");
        };
        write!(f, "{}://", scheme.name())?;
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            Host::Below(name) => write!(f, "*.{name}")?,
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Host::Loopback => f.write_str("loopback")?,
        }
        match self.port {
            None => f.write_str(":*"),
            Some(port) if port == scheme.default_port() => Ok(()),
            Some(port) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(text: &str) -> HostRule {
        HostRule::read(text).unwrap()
    }

    fn covers(text: &str, scheme: Scheme, host: &str, port: u16) -> bool {
        rule(text).covers(&Target::new(scheme, host, port).unwrap())
    }

    #[test]
    fn a_name_alone_means_https_on_its_own_port() {
        assert!(covers(
            "api.example.com",
            Scheme::Https,
            "API.Example.com.",
            443
        ));
        assert!(!covers(
            "api.example.com",
            Scheme::Http,
            "api.example.com",
            80
        ));
        assert!(!covers(
            "api.example.com",
            Scheme::Https,
            "api.example.com",
            8443
        ));
        assert!(!covers(
            "api.example.com",
            Scheme::Https,
            "evil-api.example.com",
            443
        ));
        assert!(!covers(
            "api.example.com",
            Scheme::Https,
            "api.example.com.evil.com",
            443
        ));
        assert!(covers(
            "http://api.example.com:*",
            Scheme::Http,
            "api.example.com",
            8080
        ));
        assert_eq!(
            rule("bücher.example").to_string(),
            "https://xn--bcher-kva.example"
        );
    }

    #[test]
    fn a_star_is_for_what_is_below() {
        assert!(covers(
            "*.example.com",
            Scheme::Https,
            "a.b.example.com",
            443
        ));
        assert!(!covers("*.example.com", Scheme::Https, "example.com", 443));
        assert!(!covers(
            "*.example.com",
            Scheme::Https,
            "notexample.com",
            443
        ));
    }

    #[test]
    fn an_address_is_itself_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "::ffff:7f00:1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(covers("http://127.0.0.1", Scheme::Http, host, 80), "{host}");
        }
        assert!(!covers("http://127.0.0.1", Scheme::Http, "127.0.0.2", 80));
        // Not the address itself, only a way to it.
        assert!(!covers(
            "http://127.0.0.1",
            Scheme::Http,
            "64:ff9b::127.0.0.1",
            80
        ));
        assert!(!covers("http://127.0.0.1", Scheme::Http, "localhost", 80));
    }

    #[test]
    fn an_address_is_named_with_its_port() {
        let names = |text: &str, address: &str, port| {
            rule(text).names_address(address.parse().unwrap(), port)
        };
        assert!(names("http://192.168.1.20:8080", "192.168.1.20", 8080));
        assert!(names(
            "http://192.168.1.20:8080",
            "::ffff:192.168.1.20",
            8080
        ));
        assert!(!names("http://192.168.1.20:8080", "192.168.1.20", 80));
        assert!(!names("http://nas.lan", "192.168.1.20", 80));
        assert!(names("http://localhost:3000", "::1", 3000));
        assert!(!names("http://localhost:3000", "::1", 3001));
        assert!(HostRule::loopback().names_address("127.9.9.9".parse().unwrap(), 1));
        assert!(!HostRule::loopback().names_address("10.0.0.1".parse().unwrap(), 1));
    }

    #[test]
    fn what_is_no_rule_says_what_to_write() {
        for (text, says) in [
            ("", "is not a host"),
            ("*", "names no host"),
            ("*.com", "top-level"),
            ("*.10.0.0.1", "write the address"),
            ("a.*.example.com", "is not a host"),
            ("ftp://example.com", "neither http nor https"),
            ("file:///etc/passwd", "neither http nor https"),
            ("example.com/path", "SCHEME://HOST:PORT"),
            ("user@example.com", "SCHEME://HOST:PORT"),
            ("ex%61mple.com", "SCHEME://HOST:PORT"),
            ("example.com:0", "1 to 65535"),
            ("example.com:+80", "1 to 65535"),
            ("example.com:99999", "1 to 65535"),
            ("example.com:", "1 to 65535"),
            ("fe80::1%eth0", "SCHEME://HOST:PORT"),
            ("fd00::xyz", "brackets"),
            ("loopback", "is a preset"),
        ] {
            let error = HostRule::read(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn two_parents_meet_in_the_lower() {
        let meet =
            |one: &str, other: &str| rule(one).meet(&rule(other)).map(|rule| rule.to_string());
        assert_eq!(
            meet("*.a.example.com", "*.example.com").as_deref(),
            Some("https://*.a.example.com")
        );
        assert_eq!(
            meet("*.example.com", "*.a.example.com").as_deref(),
            Some("https://*.a.example.com")
        );
        assert_eq!(
            meet("*.example.com:*", "x.example.com:81").as_deref(),
            Some("https://x.example.com:81")
        );
        assert_eq!(meet("*.example.com", "example.com"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_survived_and_a_rule_reads_back(text in "\\PC{0,40}") {
            if let Ok(rule) = HostRule::read(&text) {
                prop_assert_eq!(HostRule::read(&rule.to_string()).unwrap(), rule);
            }
        }

        #[test]
        fn what_meets_is_in_both(
            one in "(https?://)?(\\*\\.)?([ab]\\.){0,2}[ab]\\.c(:80|:\\*)?",
            other in "(https?://)?(\\*\\.)?([ab]\\.){0,2}[ab]\\.c(:80|:\\*)?",
            host in "([ab]\\.){1,4}c",
            port in prop::sample::select(vec![80u16, 443, 8080]),
            https: bool,
        ) {
            let scheme = if https { Scheme::Https } else { Scheme::Http };
            let target = Target::new(scheme, &host, port).unwrap();
            let (one, other) = (HostRule::read(&one).unwrap(), HostRule::read(&other).unwrap());
            let both = one.meet(&other).is_some_and(|meet| meet.covers(&target));
            prop_assert_eq!(both, one.covers(&target) && other.covers(&target));
            prop_assert_eq!(one.meet(&other), other.meet(&one));
        }
    }
}
