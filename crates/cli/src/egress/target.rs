//! Where a request goes.

use std::fmt;

use http::Uri;
use http::uri::Scheme;

/// The other end of a connection, and whether TLS is spoken to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    /// Whether TLS is spoken.
    pub(super) tls: bool,
    /// A name or an address; an IPv6 one without brackets.
    pub(super) host: String,
    /// The port, the scheme's own if the URL names none.
    pub(super) port: u16,
}

impl Target {
    /// The target of an absolute `http` or `https` URL; `None` for any other.
    pub(super) fn of(url: &Uri) -> Option<Target> {
        let tls = match url.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let host = url.host()?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Some(Target {
            tls,
            host: host.to_owned(),
            port: url.port_u16().unwrap_or(if tls { 443 } else { 80 }),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_brackets() {
        let of = |url: &'static str| Target::of(&Uri::from_static(url)).unwrap();
        assert_eq!(of("https://a.example/v1").to_string(), "a.example:443");
        assert_eq!(of("http://a.example").to_string(), "a.example:80");
        let six = of("https://[::1]:8443/x");
        assert_eq!((six.host.as_str(), six.port, six.tls), ("::1", 8443, true));
        assert_eq!(six.to_string(), "[::1]:8443");
        assert_eq!(of("http://u:p@a.example:1").to_string(), "a.example:1");
        assert_eq!(Target::of(&Uri::from_static("ftp://a.example")), None);
        assert_eq!(Target::of(&Uri::from_static("/only/a/path")), None);
    }
}
