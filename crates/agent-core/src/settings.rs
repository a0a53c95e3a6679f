//! What a run is told before it starts: the model, the limits, the patience.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use dewclaw_platform::Timeouts;

use crate::json::{Object, Value, push_array, string};
use crate::url::HostRule;

/// A family of model interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireName {
    /// OpenAI's chat completions, and everything that speaks them.
    #[default]
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

impl WireName {
    /// Every wire.
    pub const ALL: [WireName; 2] = [WireName::OpenAi, WireName::Anthropic];

    /// The wire's name in settings.
    pub fn name(self) -> &'static str {
        match self {
            WireName::OpenAi => "openai",
            WireName::Anthropic => "anthropic",
        }
    }

    /// The address of the model where none is set.
    pub fn default_base_url(self) -> &'static str {
        match self {
            WireName::OpenAi => "https://api.openai.com/v1",
            WireName::Anthropic => "https://api.anthropic.com",
        }
    }
}

/// Which tool calls a person is asked about before they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approve {
    /// None.
    #[default]
    Never,
    /// Those that can change something.
    Writes,
    /// Every one.
    All,
}

impl Approve {
    /// Every choice.
    pub const ALL: [Approve; 3] = [Approve::Never, Approve::Writes, Approve::All];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Approve::Never => "never",
            Approve::Writes => "writes",
            Approve::All => "all",
        }
    }
}

/// The interfaces that web_search can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchEngine {
    /// Brave's web search, which wants a key.
    Brave,
    /// A SearXNG instance whose JSON format is switched on.
    Searxng,
    /// Any address that takes `?q=` and `&count=`.
    Plain,
}

impl SearchEngine {
    /// Every one.
    pub const ALL: [SearchEngine; 3] = [
        SearchEngine::Brave,
        SearchEngine::Searxng,
        SearchEngine::Plain,
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            SearchEngine::Brave => "brave",
            SearchEngine::Searxng => "searxng",
            SearchEngine::Plain => "plain",
        }
    }

    /// Its address where none is set; empty where one must be.
    pub fn default_url(self) -> &'static str {
        match self {
            SearchEngine::Brave => "https://api.search.brave.com/res/v1/web/search",
            SearchEngine::Searxng | SearchEngine::Plain => "",
        }
    }
}

/// Everything that decides how the agent behaves, but for tools, prompt and seed.
///
/// The names of the fields are those of the configuration file `dewclaw.json` and of recordings. None of them is
/// a secret: a key has no field here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How the model is spoken to.
    pub wire: WireName,
    /// The address that the wire's paths are added to, such as `https://api.openai.com/v1`; empty for the wire's own.
    pub base_url: String,
    /// The model's name, as the server knows it.
    pub model: String,
    /// Text put before the conversation; empty for the built-in one.
    pub system: String,
    /// Whether replies are asked for as a stream.
    pub stream: bool,
    /// Model rounds in one run before the last one, which wraps up.
    pub max_steps: u32,
    /// Tokens that one reply may have; 0 leaves it to the server, or to the wire where it wants a number.
    pub max_tokens: u32,
    /// Tokens of them that the model may reason with, on wires that ask for a number; 0 for no reasoning.
    pub thinking_tokens: u32,
    /// The hosts that web_fetch may reach.
    pub allow_fetch: Vec<HostRule>,
    /// What web_search asks; nothing where it is not configured.
    pub search: Option<SearchEngine>,
    /// Its address; empty for the engine's own.
    pub search_url: String,
    /// No tool call may change anything.
    pub read_only: bool,
    /// Which tool calls a person is asked about.
    pub approve: Approve,
    /// Patience with each stage of a model call; tools keep to it too, where their own is longer.
    pub timeouts: Timeouts,
    /// Tries for one model call, the first included.
    pub retry_attempts: u32,
    /// Milliseconds from a model call's first try within which another may start.
    pub retry_budget_ms: u64,
}

impl Default for Settings {
    /// A model on a loaded server may think for minutes before the first byte, hence the long first-byte patience.
    fn default() -> Settings {
        Settings {
            wire: WireName::default(),
            base_url: String::new(),
            model: String::new(),
            system: String::new(),
            stream: true,
            max_steps: 25,
            max_tokens: 0,
            thinking_tokens: 0,
            allow_fetch: Vec::new(),
            search: None,
            search_url: String::new(),
            read_only: false,
            approve: Approve::default(),
            timeouts: Timeouts {
                connect_ms: 15_000,
                first_byte_ms: 300_000,
                between_bytes_ms: 120_000,
            },
            retry_attempts: 5,
            retry_budget_ms: 120_000,
        }
    }
}

/// A setting that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// No setting has this name.
    Unknown(String),
    /// The value has the wrong type or is out of range.
    Value {
        /// The setting's name.
        name: &'static str,
        /// What it takes.
        wanted: &'static str,
    },
    /// No model is named.
    NoModel,
    /// An entry of `allow_fetch` that names no host.
    Host {
        /// The entry.
        entry: String,
        /// What is wrong with it and what to write.
        problem: &'static str,
    },
    /// The base URL is not one that a request can be sent to.
    BaseUrl {
        /// The URL as given, cut before any user information.
        url: String,
        /// What is wrong with it and what to write.
        problem: &'static str,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            SettingsError::Unknown(name) => [
                "unknown setting \"",
                name.as_str(),
                "\": known are ",
                SETTING_NAMES,
            ]
            .concat(),
            SettingsError::Value { name, wanted } => [*name, " must be ", *wanted].concat(),
            SettingsError::Host { entry, problem } => {
                ["the allowed host \"", entry.as_str(), "\" ", *problem].concat()
            }
            SettingsError::NoModel => {
                "no model: name one with --model NAME or DEWCLAW_MODEL".to_string()
            }
            SettingsError::BaseUrl { url, problem } => {
                ["the base URL \"", url.as_str(), "\" ", *problem].concat()
            }
        };
        formatter.write_str(&text)
    }
}

impl core::error::Error for SettingsError {}

/// Every name that [`Settings::set`] takes.
pub const SETTING_NAMES: &str = "model, wire, base_url, max_steps, max_tokens, thinking_tokens, stream, system, \
    allow_fetch, search, search_url, read_only, approve, \
    connect_timeout_ms, first_byte_timeout_ms, between_bytes_timeout_ms, retry_attempts, retry_budget_ms";

impl Settings {
    /// Sets one setting by its name in files.
    ///
    /// # Errors
    /// An unknown name, or a value of another type or range than the setting's.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), SettingsError> {
        match name {
            "model" => self.model = text(value, "model")?,
            "wire" => {
                let known = WireName::ALL
                    .iter()
                    .find(|wire| value.as_str() == Some(wire.name()));
                self.wire = *known.ok_or(SettingsError::Value {
                    name: "wire",
                    wanted: "openai or anthropic",
                })?;
            }
            "allow_fetch" => self.allow_fetch = host_rules(value)?,
            "search" => {
                let known = SearchEngine::ALL
                    .iter()
                    .find(|engine| value.as_str() == Some(engine.name()));
                if known.is_none() && value.as_str() != Some("") {
                    return Err(SettingsError::Value {
                        name: "search",
                        wanted: "brave, searxng or plain",
                    });
                }
                self.search = known.copied();
            }
            "search_url" => self.search_url = text(value, "search_url")?,
            "read_only" => self.read_only = switch(value, "read_only")?,
            "approve" => {
                let known = Approve::ALL
                    .iter()
                    .find(|approve| value.as_str() == Some(approve.name()));
                self.approve = *known.ok_or(SettingsError::Value {
                    name: "approve",
                    wanted: "never, writes or all",
                })?;
            }
            "base_url" => self.base_url = text(value, "base_url")?,
            "system" => self.system = text(value, "system")?,
            "stream" => self.stream = switch(value, "stream")?,
            "max_steps" => self.max_steps = count(value, "max_steps", 1)?,
            "max_tokens" => self.max_tokens = count(value, "max_tokens", 0)?,
            "thinking_tokens" => self.thinking_tokens = count(value, "thinking_tokens", 0)?,
            "retry_attempts" => self.retry_attempts = count(value, "retry_attempts", 1)?,
            "retry_budget_ms" => self.retry_budget_ms = count(value, "retry_budget_ms", 0)?.into(),
            "connect_timeout_ms" => {
                self.timeouts.connect_ms = count(value, "connect_timeout_ms", 1)?.into();
            }
            "first_byte_timeout_ms" => {
                self.timeouts.first_byte_ms = count(value, "first_byte_timeout_ms", 1)?.into();
            }
            "between_bytes_timeout_ms" => {
                self.timeouts.between_bytes_ms =
                    count(value, "between_bytes_timeout_ms", 1)?.into();
            }
            _ => return Err(SettingsError::Unknown(name.to_string())),
        }
        Ok(())
    }

    /// The settings as a JSON object that [`Settings::set`] takes again, member by member.
    pub fn to_json(&self) -> Vec<u8> {
        let mut rules = Vec::new();
        push_array(
            &mut rules,
            self.allow_fetch.iter().map(|rule| string(rule.text())),
        );
        Object::new()
            .text("model", &self.model)
            .text("wire", self.wire.name())
            .text("base_url", &self.base_url)
            .text("system", &self.system)
            .boolean("stream", self.stream)
            .number("max_steps", self.max_steps.into())
            .number("max_tokens", self.max_tokens.into())
            .number("thinking_tokens", self.thinking_tokens.into())
            .raw("allow_fetch", &rules)
            .text("search", self.search.map_or("", SearchEngine::name))
            .text("search_url", &self.search_url)
            .boolean("read_only", self.read_only)
            .text("approve", self.approve.name())
            .number("connect_timeout_ms", self.timeouts.connect_ms)
            .number("first_byte_timeout_ms", self.timeouts.first_byte_ms)
            .number("between_bytes_timeout_ms", self.timeouts.between_bytes_ms)
            .number("retry_attempts", self.retry_attempts.into())
            .number("retry_budget_ms", self.retry_budget_ms)
            .finish()
    }

    /// The address that requests go to.
    pub fn base_url(&self) -> &str {
        if self.base_url.is_empty() {
            self.wire.default_base_url()
        } else {
            &self.base_url
        }
    }

    /// Checks what a run needs: a model, and a base URL that requests can be sent to.
    ///
    /// # Errors
    /// [`SettingsError::NoModel`] or [`SettingsError::BaseUrl`].
    pub fn check(&self) -> Result<(), SettingsError> {
        base_url_problem(self.base_url()).map_or(Ok(()), |problem| {
            let shown = match self.base_url().rsplit_once('@') {
                Some((_, shown)) => shown,
                None => self.base_url(),
            };
            Err(SettingsError::BaseUrl {
                url: shown.to_string(),
                problem,
            })
        })?;
        if self.model.is_empty() {
            return Err(SettingsError::NoModel);
        }
        if self.max_tokens > 0 && self.thinking_tokens >= self.max_tokens {
            return Err(SettingsError::Value {
                name: "thinking_tokens",
                wanted: "below max_tokens",
            });
        }
        Ok(())
    }
}

fn base_url_problem(url: &str) -> Option<&'static str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Some("must start with https:// or http://, like http://192.168.1.10:11434/v1");
    };
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("holds a space or a character that URLs don't: percent-encode it");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if rest.contains('@') {
        return Some(
            "holds a name or password: give keys by OPENAI_API_KEY or ANTHROPIC_API_KEY instead",
        );
    }
    if rest.contains(['?', '#']) {
        return Some("must end at its path, without ? and #");
    }
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside the brackets of an IPv6 address begins no port.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Some("names no host");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Some("has a port that is not a number up to 65535");
    }
    None
}

fn text(value: &Value, name: &'static str) -> Result<String, SettingsError> {
    value
        .as_str()
        .map(ToString::to_string)
        .ok_or(SettingsError::Value {
            name,
            wanted: "a string",
        })
}

fn switch(value: &Value, name: &'static str) -> Result<bool, SettingsError> {
    match value {
        Value::Bool(on) => Ok(*on),
        _ => Err(SettingsError::Value {
            name,
            wanted: "true or false",
        }),
    }
}

/// Hosts in an array, or in a text between commas.
fn host_rules(value: &Value) -> Result<Vec<HostRule>, SettingsError> {
    let entries: Option<Vec<&str>> = match value {
        Value::String(text) => Some(text.split(',').map(str::trim).collect()),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let entries = entries.ok_or(SettingsError::Value {
        name: "allow_fetch",
        wanted: "an array of hosts",
    })?;
    entries
        .iter()
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            HostRule::parse(entry).map_err(|problem| SettingsError::Host {
                entry: entry.to_string(),
                problem,
            })
        })
        .collect()
}

fn count(value: &Value, name: &'static str, least: u32) -> Result<u32, SettingsError> {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number >= least)
        .ok_or(SettingsError::Value {
            name,
            wanted: if least == 0 {
                "a whole number from 0"
            } else {
                "a whole number from 1"
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_survives_its_own_json() {
        let settings = Settings {
            wire: WireName::Anthropic,
            thinking_tokens: 7,
            allow_fetch: alloc::vec![HostRule::parse("*.example.com").unwrap()],
            search: Some(SearchEngine::Searxng),
            search_url: "http://s".into(),
            read_only: true,
            approve: Approve::Writes,
            base_url: "http://[::1]:8080/v1".into(),
            model: "m".into(),
            system: "s".into(),
            stream: false,
            max_steps: 3,
            max_tokens: 9,
            timeouts: Timeouts {
                connect_ms: 1,
                first_byte_ms: 2,
                between_bytes_ms: 3,
            },
            retry_attempts: 4,
            retry_budget_ms: 5,
        };
        let json = crate::json::parse(&settings.to_json()).unwrap();
        let Value::Object(members) = &json else {
            panic!("settings are an object");
        };
        let mut read = Settings::default();
        for (name, value) in members {
            assert!(
                SETTING_NAMES.contains(name.as_str()),
                "{name} is not listed"
            );
            read.set(name, value).unwrap();
        }
        assert_eq!(read, settings);
        assert_eq!(members.len(), SETTING_NAMES.split(", ").count());
    }

    #[test]
    fn base_urls_are_checked_and_passwords_never_shown() {
        let check = |url: &str| {
            Settings {
                base_url: url.into(),
                model: "m".into(),
                ..Settings::default()
            }
            .check()
        };
        for good in [
            "https://api.openai.com/v1",
            "http://localhost",
            "http://10.0.0.1:8080/",
            "http://[fd00::1]:11434/v1",
            "http://[fd00::1]/v1",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "ftp://x",
            "api.openai.com",
            "http://",
            "http:///v1",
            "http://h:99999",
            "http://h:x/v1",
            "https://h/v 1",
            "https://h/v1?x=1",
            "https://h/v1#x",
            "https://u:pw@h/v1",
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
