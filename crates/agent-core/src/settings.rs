//! What a run is told before it starts: the model, the limits, the patience.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use dewclaw_platform::{Timeouts, split};

use crate::json::{Array, Object, Value, string};
use crate::template::fill;
use crate::url::HostRule;
use crate::word_list;

mod base_url;
#[cfg(feature = "budgets")]
pub(crate) mod budgets;
mod choices;
pub(crate) mod limits;

#[cfg(feature = "budgets")]
pub use budgets::Budget;
#[cfg(feature = "context")]
pub use choices::Compaction;
pub use choices::{Approve, SearchEngine, WireName};
pub use limits::Limits;

/// No budgets: this build has none.
#[cfg(not(feature = "budgets"))]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {}

#[cfg(not(feature = "budgets"))]
impl Settings {
    pub(crate) fn rates(&self) -> Option<[u64; 3]> {
        None
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
    /// How much memory it may all take.
    pub limits: Limits,
    /// Tokens of the model's context window; 0 to look it up, by the model's name or by what the server says.
    #[cfg(feature = "context")]
    pub context_window: u32,
    /// What becomes of the oldest turns where the window is nearly full.
    #[cfg(feature = "context")]
    pub compaction: Compaction,
    /// AGENTS.md and the skills of the workspace join the system text.
    pub instructions: bool,
    /// What fits the first prompt best of memory joins the system text, and memory has the notes of single days too.
    pub recall: bool,
    /// What a run, and all runs of a day, may use up, and what they have.
    pub budget: Budget,
    /// What a million tokens cost: `MODEL=INPUT/CACHED/OUTPUT` between commas, where `MODEL` may be `*`.
    #[cfg(feature = "budgets")]
    pub prices: String,
}

impl Default for Settings {
    /// A model on a loaded server may think for minutes before the first byte, hence the long first-byte patience.
    // Inlined it would be everywhere that settings begin: 500 bytes of a guest, gzipped.
    #[inline(never)]
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
            limits: Limits::default(),
            #[cfg(feature = "context")]
            context_window: 0,
            #[cfg(feature = "context")]
            compaction: Compaction::default(),
            instructions: false,
            recall: false,
            budget: Budget::default(),
            #[cfg(feature = "budgets")]
            prices: String::new(),
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
    /// A tool of the driver's own can't be offered: which, and why.
    HostTool(String),
    /// The base URL is not one that a request can be sent to.
    BaseUrl {
        /// The URL as given, cut before any user information.
        url: String,
        /// What is wrong with it and what to write.
        problem: &'static str,
    },
}

impl SettingsError {
    /// What is wrong, and what to do. It is what `Display` shows, without the code of formatting.
    pub fn text(&self) -> String {
        match self {
            SettingsError::Unknown(name) => fill(
                "unknown setting \"%\": known are %",
                &[name.as_str(), SETTING_NAMES],
            ),
            SettingsError::Value { name, wanted } => fill("% must be %", &[*name, *wanted]),
            SettingsError::Host { entry, problem } => {
                fill("the allowed host \"%\" %", &[entry.as_str(), *problem])
            }
            SettingsError::HostTool(why) => why.clone(),
            SettingsError::NoModel => {
                "no model: name one by the setting \"model\", --model NAME or DEWCLAW_MODEL"
                    .to_string()
            }
            SettingsError::BaseUrl { url, problem } => {
                fill("the base URL \"%\" %", &[url.as_str(), *problem])
            }
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

impl core::error::Error for SettingsError {}

/// The settings of a feature, where there is the feature.
#[cfg(feature = "context")]
macro_rules! context_names {
    () => {
        ", context_window, compaction"
    };
}
#[cfg(not(feature = "context"))]
macro_rules! context_names {
    () => {
        ""
    };
}
#[cfg(feature = "instructions")]
macro_rules! instructions {
    () => {
        ", instructions"
    };
}
#[cfg(not(feature = "instructions"))]
macro_rules! instructions {
    () => {
        ""
    };
}
#[cfg(feature = "recall")]
macro_rules! recall {
    () => {
        ", recall"
    };
}
#[cfg(not(feature = "recall"))]
macro_rules! recall {
    () => {
        ""
    };
}
#[cfg(feature = "budgets")]
macro_rules! budgets {
    () => {
        ", budget, budget_per_day, spent_today, prices"
    };
}
#[cfg(not(feature = "budgets"))]
macro_rules! budgets {
    () => {
        ""
    };
}

/// Every name that [`Settings::set`] takes.
pub const SETTING_NAMES: &str = concat!(
    "model, wire, base_url, max_steps, max_tokens, thinking_tokens, stream, system, \
    allow_fetch, search, search_url, read_only, approve, \
    connect_timeout_ms, first_byte_timeout_ms, between_bytes_timeout_ms, retry_attempts, retry_budget_ms, limits",
    context_names!(),
    instructions!(),
    recall!(),
    budgets!(),
);

/// Where those stand in it that are one of a few.
const WIRE: usize = 1;
const SEARCH: usize = 9;
const APPROVE: usize = 12;
/// Where the settings of features stand in it: each behind those of the features that there are.
const LIMITS: usize = 18;
#[cfg(feature = "context")]
const CONTEXT: usize = LIMITS + 1;
#[cfg(feature = "context")]
const COMPACTION: usize = CONTEXT + 1;
const INSTRUCTIONS: usize =
    LIMITS + 2 * cfg!(feature = "context") as usize + cfg!(feature = "instructions") as usize;
#[cfg(feature = "budgets")]
const BUDGET: usize = INSTRUCTIONS + cfg!(feature = "recall") as usize + 1;
#[cfg(feature = "budgets")]
const BUDGET_PER_DAY: usize = BUDGET + 1;
#[cfg(feature = "budgets")]
const SPENT_TODAY: usize = BUDGET + 2;
#[cfg(feature = "budgets")]
const PRICES: usize = BUDGET + 3;

/// The seat of a setting, by its kind. Numbers come with the least that they may be.
enum Field<'s> {
    Text(&'s mut String),
    Switch(&'s mut bool),
    Count(&'s mut u32, u32),
    Milliseconds(&'s mut u64, u32),
    Hosts(&'s mut Vec<HostRule>),
    /// One of a few: their names, which of them it is, and what a person is told of them.
    Choice(&'static str, usize, &'static str),
    #[cfg(feature = "budgets")]
    Amounts(&'s mut budgets::Amounts),
}

impl Settings {
    /// Sets one setting by its name in files.
    ///
    /// # Errors
    /// An unknown name, or a value of another type or range than the setting's.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), SettingsError> {
        match word_list::place(SETTING_NAMES, name) {
            Some(at) => self.set_field(at, word_list::word(SETTING_NAMES, at), value),
            None => Err(SettingsError::Unknown(name.to_string())),
        }
    }

    /// The settings as a JSON object that [`Settings::set`] takes again, member by member. Nothing is changed.
    pub fn to_json(&mut self) -> Vec<u8> {
        let mut object = Object::new();
        for at in 0.. {
            let name = word_list::word(SETTING_NAMES, at);
            if name.is_empty() {
                break;
            }
            match self.field(at) {
                // Programs without the feature know no such setting.
                #[cfg(feature = "budgets")]
                Field::Text(text) if at == PRICES && text.is_empty() => continue,
                Field::Text(text) => object.text(name, text),
                Field::Switch(on) => object.boolean(name, *on),
                Field::Count(count, _) => object.number(name, (*count).into()),
                Field::Milliseconds(count, _) => object.number(name, *count),
                Field::Hosts(rules) => {
                    let mut list = Array::new();
                    for rule in rules {
                        list.raw(&string(rule.text()));
                    }
                    object.raw(name, &list.finish())
                }
                Field::Choice(names, chosen, _) => {
                    object.text(name, word_list::word(names, chosen))
                }
                #[cfg(feature = "budgets")]
                Field::Amounts(amounts) => match budgets::write(amounts) {
                    text if text.is_empty() => continue,
                    text => object.text(name, &text),
                },
            };
        }
        object.finish()
    }

    /// The setting whose name stands at this place in [`SETTING_NAMES`].
    fn field(&mut self, at: usize) -> Field<'_> {
        match at {
            0 => Field::Text(&mut self.model),
            WIRE => Field::Choice(WireName::NAMES, self.wire as usize, "openai or anthropic"),
            2 => Field::Text(&mut self.base_url),
            3 => Field::Count(&mut self.max_steps, 1),
            4 => Field::Count(&mut self.max_tokens, 0),
            5 => Field::Count(&mut self.thinking_tokens, 0),
            6 => Field::Switch(&mut self.stream),
            7 => Field::Text(&mut self.system),
            8 => Field::Hosts(&mut self.allow_fetch),
            SEARCH => Field::Choice(
                SearchEngine::NAMES,
                self.search.map_or(0, |engine| engine as usize + 1),
                "brave, searxng or plain",
            ),
            10 => Field::Text(&mut self.search_url),
            11 => Field::Switch(&mut self.read_only),
            APPROVE => Field::Choice(
                Approve::NAMES,
                self.approve as usize,
                "never, writes or all",
            ),
            13 => Field::Milliseconds(&mut self.timeouts.connect_ms, 1),
            14 => Field::Milliseconds(&mut self.timeouts.first_byte_ms, 1),
            15 => Field::Milliseconds(&mut self.timeouts.between_bytes_ms, 1),
            16 => Field::Count(&mut self.retry_attempts, 1),
            17 => Field::Milliseconds(&mut self.retry_budget_ms, 0),
            LIMITS => Field::Choice(Limits::NAMES, self.limits as usize, "none or board"),
            #[cfg(feature = "context")]
            CONTEXT => Field::Count(&mut self.context_window, 0),
            #[cfg(feature = "context")]
            COMPACTION => Field::Choice(
                Compaction::NAMES,
                self.compaction as usize,
                "summary or drop",
            ),
            #[cfg(feature = "budgets")]
            BUDGET => Field::Amounts(&mut self.budget.limits[0]),
            #[cfg(feature = "budgets")]
            BUDGET_PER_DAY => Field::Amounts(&mut self.budget.limits[1]),
            #[cfg(feature = "budgets")]
            SPENT_TODAY => Field::Amounts(&mut self.budget.used[1]),
            #[cfg(feature = "budgets")]
            PRICES => Field::Text(&mut self.prices),
            _ if at == INSTRUCTIONS => Field::Switch(&mut self.instructions),
            _ => Field::Switch(&mut self.recall),
        }
    }

    /// Whether AGENTS.md and the skills of the workspace join the system text.
    pub(crate) fn reads_instructions(&self) -> bool {
        cfg!(feature = "instructions") && self.instructions
    }

    /// Whether memory does, as far as it fits the first prompt.
    pub(crate) fn recalls(&self) -> bool {
        cfg!(feature = "recall") && self.recall
    }

    fn set_field(
        &mut self,
        at: usize,
        name: &'static str,
        value: &Value,
    ) -> Result<(), SettingsError> {
        let text = value.as_str();
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        let wanted = match self.field(at) {
            Field::Text(field) => match text {
                Some(text) => {
                    *field = text.to_string();
                    return Ok(());
                }
                None => "a string",
            },
            Field::Switch(field) => match value {
                Value::Bool(on) => {
                    *field = *on;
                    return Ok(());
                }
                _ => "true or false",
            },
            Field::Count(field, least) => match count {
                Some(count) if count >= least => {
                    *field = count;
                    return Ok(());
                }
                _ => whole_number(least),
            },
            Field::Milliseconds(field, least) => match count {
                Some(count) if count >= least => {
                    *field = count.into();
                    return Ok(());
                }
                _ => whole_number(least),
            },
            Field::Hosts(field) => {
                *field = host_rules(name, value)?;
                return Ok(());
            }
            Field::Choice(names, _, wanted) => {
                if let Some(chosen) = text.and_then(|text| word_list::place(names, text)) {
                    self.choose(at, chosen);
                    return Ok(());
                }
                wanted
            }
            #[cfg(feature = "budgets")]
            Field::Amounts(field) => {
                if budgets::read(text.unwrap_or_default(), field).is_some() {
                    return Ok(());
                }
                budgets::WANTED
            }
        };
        Err(SettingsError::Value { name, wanted })
    }

    /// Takes one of a few, by its place.
    fn choose(&mut self, at: usize, chosen: usize) {
        match at {
            WIRE => self.wire = WireName::ALL[chosen],
            SEARCH => {
                self.search = chosen
                    .checked_sub(1)
                    .map(|engine| SearchEngine::ALL[engine])
            }
            APPROVE => self.approve = Approve::ALL[chosen],
            #[cfg(feature = "context")]
            COMPACTION => self.compaction = Compaction::ALL[chosen],
            _ => self.limits = Limits::ALL[chosen],
        }
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
    /// [`SettingsError::NoModel`] or [`SettingsError::BaseUrl`]; money is limited, and there is no price to count it by.
    pub fn check(&self) -> Result<(), SettingsError> {
        let url = self.base_url();
        if let Some(problem) = base_url::problem(url.as_bytes()) {
            // No name or password.
            let start = url.bytes().rposition(|byte| byte == b'@');
            let shown = url.get(start.map_or(0, |at| at + 1)..);
            return Err(SettingsError::BaseUrl {
                url: shown.unwrap_or_default().to_string(),
                problem,
            });
        }
        if self.model.is_empty() {
            return Err(SettingsError::NoModel);
        }
        if self.max_tokens > 0 && self.thinking_tokens >= self.max_tokens {
            return Err(SettingsError::Value {
                name: "thinking_tokens",
                wanted: "below max_tokens",
            });
        }
        #[cfg(feature = "budgets")]
        if self.budget.has_cost() && self.rates().is_none() {
            return Err(SettingsError::Value {
                name: "prices",
                wanted: budgets::PRICES_WANTED,
            });
        }
        Ok(())
    }
}

/// Hosts in an array, or in a text between commas.
fn host_rules(name: &'static str, value: &Value) -> Result<Vec<HostRule>, SettingsError> {
    let wanted = SettingsError::Value {
        name,
        wanted: "an array of hosts",
    };
    let mut rules = Vec::new();
    match value {
        Value::String(text) => {
            for entry in split(text, b',') {
                push_rule(&mut rules, entry)?;
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                let Some(entry) = entry.as_str() else {
                    return Err(wanted);
                };
                push_rule(&mut rules, entry)?;
            }
        }
        _ => return Err(wanted),
    }
    Ok(rules)
}

fn push_rule(rules: &mut Vec<HostRule>, entry: &str) -> Result<(), SettingsError> {
    let entry = entry.trim_ascii();
    if !entry.is_empty() {
        rules.push(
            HostRule::parse(entry).map_err(|problem| SettingsError::Host {
                entry: entry.to_string(),
                problem,
            })?,
        );
    }
    Ok(())
}

fn whole_number(least: u32) -> &'static str {
    if least == 0 {
        "a whole number from 0"
    } else {
        "a whole number from 1"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_survives_its_own_json() {
        let mut settings = Settings {
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
            limits: Limits::Board,
            context_window: 6,
            compaction: Compaction::Drop,
            instructions: true,
            recall: true,
            budget: Budget {
                limits: [[0, 5_000_000, 0, 0, 0, 0], [1_000_000, 0, 500_000, 0, 0, 0]],
                used: [[0; 6], [0, 0, 100_000, 0, 0, 20_777_000_000], [0; 6]],
                ..Budget::default()
            },
            prices: "m=1/2".into(),
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
