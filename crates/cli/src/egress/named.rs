//! The hosts that the operator has named one by one, so that they may have any address.

use http::Uri;

use crate::settings::{Settings, entries_of};

/// The entries of `--allow-fetch` without a `*`, and the addresses that searches go to.
///
/// Which URLs are asked for at all the component decides, by the same entries and more. This says of those that it asks
/// for which may lead to an address that is no public server's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// A name in lower case and its port; none for any.
    hosts: Vec<(String, Option<u16>)>,
    searches: Vec<Search>,
}

/// The address of a search service: everything below it is the service's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Search {
    host: String,
    port: Option<u16>,
    path: String,
}

impl Named {
    /// Reads a command's flags, its variables and its settings: the first of them that names hosts counts, and every
    /// address of a search service.
    pub(crate) fn read(
        command: &[String],
        variables: &[(String, String)],
        settings: &Settings,
    ) -> Named {
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| known == name);
            set.map(|(_, value)| value.as_str())
                .filter(|value| !value.trim().is_empty())
        };
        let flags = allowed_by_flags(command);
        let entries = if !flags.is_empty() {
            flags
        } else if let Some(list) = variable("DEWCLAW_ALLOW_FETCH") {
            entries_of(list).collect()
        } else {
            settings.allow_fetch.clone()
        };
        let searches = [
            variable("SEARXNG_URL"),
            variable("DEWCLAW_SEARCH_URL"),
            settings.search_url.as_deref(),
        ];
        Named {
            hosts: entries.iter().filter_map(|entry| host_of(entry)).collect(),
            searches: searches
                .into_iter()
                .flatten()
                .filter_map(search_at)
                .collect(),
        }
    }

    /// Whether the operator has named where this URL goes.
    pub(super) fn covers(&self, url: &Uri) -> bool {
        let Some(host) = url.host().map(in_normal_form) else {
            return false;
        };
        let port = port_of(url);
        let named = |(name, only): &(String, Option<u16>)| {
            *name == host && only.is_none_or(|only| Some(only) == port)
        };
        let searched = |search: &Search| {
            let below = url.path().strip_prefix(&search.path);
            search.host == host
                && search.port == port
                && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.hosts.iter().any(named) || self.searches.iter().any(searched)
    }
}

/// The entries of every `--allow-fetch` before a `--`.
fn allowed_by_flags(command: &[String]) -> Vec<String> {
    let mut lists = Vec::new();
    let mut arguments = command.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--allow-fetch" {
            lists.extend(arguments.next().map(String::as_str));
        } else if let Some(list) = argument.strip_prefix("--allow-fetch=") {
            lists.push(list);
        }
    }
    lists.into_iter().flat_map(entries_of).collect()
}

/// The host of an entry, and its port if it has one; `None` for one with a `*`.
fn host_of(entry: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match entry.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (entry, None),
    };
    (!host.contains('*')).then(|| (in_normal_form(host), port))
}

fn search_at(address: &str) -> Option<Search> {
    let url: Uri = address.trim().parse().ok()?;
    Some(Search {
        host: in_normal_form(url.host()?),
        port: port_of(&url),
        path: url.path().trim_end_matches('/').to_owned(),
    })
}

/// In lower case, without the dot at the end: the same name to every resolver.
fn in_normal_form(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn port_of(url: &Uri) -> Option<u16> {
    url.port_u16().or(match url.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(command: &[&str], variables: &[(&str, &str)], settings: &Settings) -> Named {
        let command: Vec<String> = command.iter().map(ToString::to_string).collect();
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        Named::read(&command, &variables, settings)
    }

    fn covers(named: &Named, url: &str) -> bool {
        named.covers(&url.parse().unwrap())
    }

    #[test]
    fn an_entry_names_its_very_host() {
        for (entry, covered, not_covered) in [
            (
                "printer.local",
                "http://printer.local/ https://PRINTER.LOCAL.:8443/a",
                "http://a.printer.local/ http://printer.local.evil.net/",
            ),
            (
                "Nas.Lan.:8080",
                "http://nas.lan:8080/",
                "http://nas.lan/ https://nas.lan/",
            ),
            ("nas.lan:443", "https://nas.lan/", "http://nas.lan/"),
            ("*", "", "http://localhost/"),
            ("*.corp.example.com", "", "http://a.corp.example.com/"),
            ("[::1]:8080", "http://[::1]:8080/", "http://[::1]/"),
            ("nas.lan:x", "", "http://nas.lan/"),
        ] {
            let named = named(&["ask", "--allow-fetch", entry], &[], &Settings::default());
            for url in covered.split_whitespace() {
                assert!(covers(&named, url), "{entry} {url}");
            }
            for url in not_covered.split_whitespace() {
                assert!(!covers(&named, url), "{entry} {url}");
            }
        }
    }

    #[test]
    fn flags_go_before_variables_and_those_before_the_file() {
        let settings = Settings {
            allow_fetch: vec!["c.lan".into()],
            ..Settings::default()
        };
        let variable = [("DEWCLAW_ALLOW_FETCH", "b.lan, *")];
        let flags = [
            "ask",
            "--allow-fetch=a.lan,*",
            "p",
            "--allow-fetch",
            "d.lan",
        ];
        let of = |command: &[&str], variables: &[(&str, &str)]| {
            let named = named(command, variables, &settings);
            ["a", "b", "c", "d"].map(|name| covers(&named, &format!("http://{name}.lan/")))
        };
        assert_eq!(of(&flags, &variable), [true, false, false, true]);
        assert_eq!(of(&["ask", "p"], &variable), [false, true, false, false]);
        assert_eq!(
            of(
                &["ask", "--", "--allow-fetch", "a.lan"],
                &[("DEWCLAW_ALLOW_FETCH", " ")]
            ),
            [false, false, true, false]
        );
    }

    #[test]
    fn a_search_service_is_named_by_its_address() {
        let settings = Settings {
            search_url: Some("https://brave.lan/res/v1/web/search".into()),
            ..Settings::default()
        };
        let variables = [
            ("SEARXNG_URL", "http://searx.lan:8888/"),
            ("DEWCLAW_SEARCH_URL", "http://plain.lan/find"),
        ];
        let named = named(&["ask"], &variables, &settings);
        for url in [
            "http://searx.lan:8888/search?q=a",
            "http://plain.lan/find?q=a&count=5",
            "https://brave.lan/res/v1/web/search?q=a",
        ] {
            assert!(covers(&named, url), "{url}");
        }
        for url in [
            "http://searx.lan/search",
            "http://plain.lan/finder",
            "http://plain.lan/",
            "http://brave.lan/res/v1/web/search",
        ] {
            assert!(!covers(&named, url), "{url}");
        }
    }
}
