//! What of `dewclaw.json`, the component's configuration file in state, is this host's business too.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The members that say where keys are and what the operator means to reach. The component reads the whole file, and
/// complains of what is wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `api_key_file`.
    pub(crate) api_key_file: Option<String>,
    /// `allow_fetch`.
    pub(crate) allow_fetch: Vec<String>,
    /// `search_url`.
    pub(crate) search_url: Option<String>,
}

impl Settings {
    /// Reads the file of the folder `state`; nothing where there is none that can be read.
    pub(crate) fn read(state: &Path) -> Settings {
        let json = fs::read(state.join("dewclaw.json")).unwrap_or_default();
        let file: Value = serde_json::from_slice(&json).unwrap_or_default();
        let text = |name: &str| file.get(name).and_then(Value::as_str).map(str::to_owned);
        Settings {
            api_key_file: text("api_key_file"),
            allow_fetch: match file.get("allow_fetch") {
                Some(Value::Array(entries)) => entries
                    .iter()
                    .filter_map(Value::as_str)
                    .flat_map(entries_of)
                    .collect(),
                Some(Value::String(entries)) => entries_of(entries).collect(),
                _ => Vec::new(),
            },
            search_url: text("search_url"),
        }
    }
}

/// The entries of a list with commas.
pub(crate) fn entries_of(list: &str) -> impl Iterator<Item = String> {
    list.split(',')
        .map(|entry| entry.trim().to_owned())
        .filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Settings {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("dewclaw.json"), json).unwrap();
        Settings::read(state.path())
    }

    #[test]
    fn what_concerns_the_host_is_read() {
        assert_eq!(
            read(
                r#"{"model": "m", "api_key_file": "key", "allow_fetch": ["a.org", "b.org, c.org"],
                "search_url": "http://10.0.0.1/"}"#
            ),
            Settings {
                api_key_file: Some("key".into()),
                allow_fetch: vec!["a.org".into(), "b.org".into(), "c.org".into()],
                search_url: Some("http://10.0.0.1/".into()),
            }
        );
        assert_eq!(
            read(r#"{"allow_fetch": "a.org,*"}"#).allow_fetch,
            ["a.org", "*"]
        );
    }

    #[test]
    fn what_the_component_will_complain_of_is_nothing_here() {
        for json in [
            "",
            "{",
            "[]",
            "7",
            r#"{"api_key_file": 7, "allow_fetch": {}}"#,
        ] {
            assert_eq!(read(json), Settings::default(), "{json}");
        }
        assert_eq!(Settings::read(Path::new("/nowhere")), Settings::default());
    }
}
