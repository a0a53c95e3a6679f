//! Which requests go through a proxy, by the variables that other tools read too.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use wasmtime_wasi_http::Error;

use super::failure::Failure;
use super::target::Target;

/// The proxies of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in lower
/// case; an empty one counts as none.
pub(super) struct Proxies {
    matcher: Option<Matcher>,
    /// A variable that is set and useless. Going past a proxy that was meant to be used would be worse than failing.
    broken: Option<&'static str>,
}

/// A proxy to go through.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Where it listens; a proxy's own URL may be `https`.
    pub(super) target: Target,
    /// What it wants to be told in `proxy-authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Reads them through `variable`.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |name: &str| {
            [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .filter_map(|name| variable(name))
                .map(|value| value.trim().to_owned())
                .find(|value| !value.is_empty())
                .unwrap_or_default()
        };
        let no = either("NO_PROXY");
        let (all, http, https) = (
            either("ALL_PROXY"),
            either("HTTP_PROXY"),
            either("HTTPS_PROXY"),
        );
        let everything = no.split(',').any(|entry| entry.trim() == "*");
        let none = all.is_empty() && http.is_empty() && https.is_empty();
        if everything || none {
            return Proxies {
                matcher: None,
                broken: None,
            };
        }
        let broken = [
            ("HTTPS_PROXY", &https),
            ("HTTP_PROXY", &http),
            ("ALL_PROXY", &all),
        ]
        .into_iter()
        .find(|(_, value)| !value.is_empty() && !usable(value))
        .map(|(name, _)| name);
        let matcher = Matcher::builder().all(all).http(http).https(https).no(no);
        Proxies {
            matcher: Some(matcher.build()),
            broken,
        }
    }

    /// The proxy for a request to `url`, if it goes through one.
    ///
    /// # Errors
    /// A variable names a proxy that cannot be used.
    pub(super) fn between(&self, url: &Uri) -> Result<Option<Proxy>, Failure> {
        let Some(matcher) = &self.matcher else {
            return Ok(None);
        };
        if let Some(name) = self.broken {
            return Err(Failure::new(
                Error::ConfigurationError,
                name,
                "not a proxy that can be used: give http://HOST:PORT or https://HOST:PORT, or unset it",
            ));
        }
        Ok(matcher.intercept(url).and_then(|found| {
            Some(Proxy {
                target: Target::of(found.uri())?,
                authorization: found.basic_auth().cloned(),
            })
        }))
    }
}

/// Whether the value of a variable is the URL of a proxy of a kind that we speak.
fn usable(value: &str) -> bool {
    Matcher::builder()
        .all(value)
        .build()
        .intercept(&Uri::from_static("http://a.invalid/"))
        .is_some_and(|found| Target::of(found.uri()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(set: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| {
            set.iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| value.to_string())
        })
    }

    fn through(set: &[(&str, &str)], url: &'static str) -> Option<String> {
        proxies(set)
            .between(&Uri::from_static(url))
            .unwrap()
            .map(|proxy| proxy.target.to_string())
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let set = [
            ("HTTPS_PROXY", "http://secure:1"),
            ("http_proxy", "plain:2"),
        ];
        assert_eq!(through(&set, "https://a.example"), Some("secure:1".into()));
        assert_eq!(through(&set, "http://a.example"), Some("plain:2".into()));
        let all = [("ALL_PROXY", "http://all:3"), ("HTTPS_PROXY", "")];
        assert_eq!(through(&all, "https://a.example"), Some("all:3".into()));
        assert_eq!(through(&[], "https://a.example"), None);
        let only_https = [("HTTPS_PROXY", "http://secure:1")];
        assert_eq!(through(&only_https, "http://a.example"), None);
    }

    #[test]
    fn exceptions_go_direct() {
        let set = |no| [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", no)];
        let direct = |no, url| through(&set(no), url).is_none();
        assert!(direct("a.example", "https://a.example"));
        assert!(direct(".a.example", "https://deep.a.example"));
        assert!(direct("10.0.0.0/8,127.0.0.1", "https://127.0.0.1:8080"));
        assert!(direct("*", "https://127.0.0.1"));
        assert!(!direct("a.example", "https://nota.example"));
        assert!(!direct("10.0.0.0/8", "https://127.0.0.1"));
    }

    #[test]
    fn credentials_become_a_header() {
        let set = [("HTTPS_PROXY", "http://user:p%40ss@p:1")];
        let proxy = proxies(&set)
            .between(&Uri::from_static("https://a.example"))
            .unwrap()
            .unwrap();
        assert_eq!(proxy.authorization.unwrap(), "Basic dXNlcjpwQHNz");
        assert_eq!(proxy.target.to_string(), "p:1");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_passed_by() {
        for value in ["socks5://user:secret@p:1", "http://", "ftp://p", "a b"] {
            let failure = proxies(&[("HTTPS_PROXY", value)])
                .between(&Uri::from_static("https://a.example"))
                .unwrap_err();
            assert!(matches!(failure.code, Error::ConfigurationError));
            let text = failure.to_string();
            assert!(text.starts_with("HTTPS_PROXY: "), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
