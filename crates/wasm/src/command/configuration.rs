//! Settings from flags, the environment and `dewclaw.json`, in this order of precedence.

use alloc::string::{String, ToString};

#[cfg(feature = "limits")]
use dewclaw_agent_core::json::parse_within;
use dewclaw_agent_core::json::{Value, decimal, parse};
use dewclaw_agent_core::template::fill;
use dewclaw_agent_core::{SearchEngine, Settings, WireName};
use dewclaw_platform::wasi::WasiEnvironment;
use dewclaw_platform::{Environment, is_blank, join, trim};

use super::Stop;
use super::arguments::Arguments;
use crate::console::complain;
use crate::driver::Keys;
use crate::folders::{Folders, state_path};

/// The configuration file, in state.
const FILE: &str = "dewclaw.json";

/// Values that it may hold, as JSON, on boards: it may have come with somebody's repository.
#[cfg(feature = "limits")]
const MAX_VALUES: usize = 1024;

/// What a configuration found inside a workspace may set: nothing that says where a key goes, or lifts a limit.
const WORKSPACE_MAY_SET: [&str; 3] = ["model", "stream", "system"];

/// A setting, the variable that sets it, and the flag that does.
const SOURCES: &[(&str, &str, &str)] = &[
    ("wire", "DEWCLAW_WIRE", "--wire"),
    ("model", "DEWCLAW_MODEL", "--model"),
    ("base_url", "", "--base-url"),
    ("system", "", "--system"),
    ("max_steps", "DEWCLAW_MAX_STEPS", "--max-steps"),
    ("max_tokens", "DEWCLAW_MAX_TOKENS", "--max-tokens"),
    ("stream", "DEWCLAW_STREAM", ""),
    ("read_only", "DEWCLAW_READ_ONLY", ""),
    ("approve", "DEWCLAW_APPROVE", "--approve"),
    ("allow_fetch", "DEWCLAW_ALLOW_FETCH", ""),
    ("search", "DEWCLAW_SEARCH", ""),
    #[cfg(feature = "budgets")]
    ("budget", "", "--budget"),
    #[cfg(feature = "budgets")]
    ("budget_per_day", "", "--budget-per-day"),
    #[cfg(feature = "budgets")]
    ("prices", "DEWCLAW_PRICES", ""),
    #[cfg(feature = "limits")]
    LIMITS,
    #[cfg(feature = "context")]
    ("context_window", "", "--context-window"),
];

#[cfg(feature = "limits")]
const LIMITS: (&str, &str, &str) = ("limits", "DEWCLAW_LIMITS", "--limits");

/// The variables of a wire.
pub(super) struct Variables {
    wire: WireName,
    pub(super) key: &'static str,
    pub(super) key_file: &'static str,
    base_url: &'static str,
}

const VARIABLES: [Variables; 2] = [
    Variables {
        wire: WireName::OpenAi,
        key: "OPENAI_API_KEY",
        key_file: "OPENAI_API_KEY_FILE",
        base_url: "OPENAI_BASE_URL",
    },
    Variables {
        wire: WireName::Anthropic,
        key: "ANTHROPIC_API_KEY",
        key_file: "ANTHROPIC_API_KEY_FILE",
        base_url: "ANTHROPIC_BASE_URL",
    },
];

/// What a run is made with.
pub(super) struct Configuration {
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    /// Where the credential comes from, for `doctor`.
    pub(super) key_source: &'static str,
    /// Where it could come from.
    pub(super) variables: &'static Variables,
    /// Why the wire is not settled, which only runs with a model need.
    unsettled: Option<Stop>,
}

/// Puts the settings together.
///
/// # Errors
/// A setting that can't be taken, or a file that can't be read: what it is, and where.
pub(super) fn read(
    environment: &WasiEnvironment,
    arguments: &Arguments,
    folders: &mut Folders,
) -> Result<Configuration, Stop> {
    let mut settings = Settings::default();
    (settings.instructions, settings.recall) = (true, true);
    let mut file = File::default();
    read_file(folders, &mut settings, &mut file)?;
    let variable: Variable<'_> = &|name| set_variable(environment, name);
    let named = arguments.has("--wire") || variable("DEWCLAW_WIRE").is_some() || file.names_wire;
    let mut unsettled = None;
    if !named {
        match wire_of(variable) {
            Ok(wire) => settings.wire = wire,
            Err(stop) => unsettled = Some(stop),
        }
    }
    for source in SOURCES {
        set_from(&mut settings, environment, arguments, source)?;
    }
    if arguments.has("--no-stream") {
        settings.stream = false;
    }
    settings.read_only |= arguments.has("--read-only");
    settings.instructions &= !arguments.has("--no-instructions");
    settings.recall &= !arguments.has("--no-recall");
    let hosts = arguments.values("--allow-fetch");
    if !hosts.is_empty() {
        set(
            &mut settings,
            "allow_fetch",
            "--allow-fetch",
            &join(&hosts, ","),
        )?;
    }
    let variables = variables_of(&settings);
    if let Some(url) = variable(variables.base_url)
        && !arguments.has("--base-url")
    {
        set(&mut settings, "base_url", variables.base_url, url)?;
    }
    let file_key = file.key_file.as_deref();
    let key = find_key(
        folders,
        variable,
        (variables.key, variables.key_file),
        file_key,
    )?;
    let (key, key_source) = key.map_or((None, ""), |(key, source)| (Some(key), source));
    let search_key = search(&mut settings, folders, variable)?;
    Ok(Configuration {
        settings,
        keys: Keys {
            model: key,
            search: search_key,
        },
        key_source,
        variables,
        unsettled,
    })
}

/// The variables of the wire that is spoken.
fn variables_of(settings: &Settings) -> &'static Variables {
    let of_the_wire = |variables: &&Variables| variables.wire == settings.wire;
    VARIABLES.iter().find(of_the_wire).unwrap_or(&VARIABLES[0])
}

/// The credentials for settings that somebody else put together.
///
/// # Errors
/// A key that can't be read.
pub(crate) fn keys(
    environment: &WasiEnvironment,
    folders: &mut Folders,
    settings: &Settings,
) -> Result<Keys, Stop> {
    let variable: Variable<'_> = &|name| set_variable(environment, name);
    let variables = variables_of(settings);
    let names = (variables.key, variables.key_file);
    let mut find = |names| Ok(find_key(folders, variable, names, None)?.map(|(key, _)| key));
    Ok(Keys {
        model: find(names)?,
        search: match settings.search {
            Some(SearchEngine::Brave) => find(SEARCH_KEY)?,
            _ => None,
        },
    })
}

/// What answers a variable.
type Variable<'v> = &'v dyn Fn(&str) -> Option<&'v str>;

/// A variable. An empty one is an unset one, as shells and unit files leave it.
fn set_variable<'e>(environment: &'e WasiEnvironment, name: &str) -> Option<&'e str> {
    let value = environment.var(name);
    value.filter(|value| !is_blank(value))
}

/// Brave's variables.
const SEARCH_KEY: (&str, &str) = ("BRAVE_API_KEY", "BRAVE_API_KEY_FILE");

/// Settles what searches ask, by the first of the variables that is set where no setting names it, and finds their key.
fn search(
    settings: &mut Settings,
    folders: &mut Folders,
    variable: Variable<'_>,
) -> Result<Option<String>, Stop> {
    let address = |engine| match engine {
        SearchEngine::Brave => None,
        SearchEngine::Searxng => variable("SEARXNG_URL"),
        SearchEngine::Plain => variable("DEWCLAW_SEARCH_URL"),
    };
    let has_key = || variable(SEARCH_KEY.0).or(variable(SEARCH_KEY.1)).is_some();
    if settings.search.is_none() {
        // An address of the file's own settles it: no key of another engine goes there.
        settings.search = if !settings.search_url.is_empty() {
            Some(SearchEngine::Plain)
        } else if has_key() {
            Some(SearchEngine::Brave)
        } else {
            let has_address = |engine: &SearchEngine| address(*engine).is_some();
            SearchEngine::ALL.into_iter().find(has_address)
        };
    }
    let Some(engine) = settings.search else {
        return Ok(None);
    };
    if let Some(url) = address(engine) {
        settings.search_url = url.to_string();
    }
    let lacks = |what: &str, name: &str| {
        Stop::usage(
            "searches are to ask %, and there is no %: set %",
            &[engine.name(), what, name],
        )
    };
    match engine {
        SearchEngine::Brave => match find_key(folders, variable, SEARCH_KEY, None)? {
            Some((key, _)) => Ok(Some(key)),
            None => Err(lacks("key", SEARCH_KEY.0)),
        },
        _ if !settings.search_url.is_empty() => Ok(None),
        SearchEngine::Searxng => Err(lacks("address", "SEARXNG_URL")),
        SearchEngine::Plain => Err(lacks("address", "DEWCLAW_SEARCH_URL")),
    }
}

/// A credential: from the first variable, or from the file that the second one names, or from `path`; and the variable
/// that it came by.
fn find_key(
    folders: &mut Folders,
    variable: Variable<'_>,
    (name, file_name): (&'static str, &'static str),
    path: Option<&str>,
) -> Result<Option<(String, &'static str)>, Stop> {
    let (key, source) = match variable(name) {
        Some(key) => (key.to_string(), name),
        None => match variable(file_name).or(path) {
            Some(path) => (read_key(folders, path, file_name)?, file_name),
            None => return Ok(None),
        },
    };
    let key = trim(&key).to_string();
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Stop::usage(
            "the key from % holds spaces or characters that no key has",
            &[source],
        ));
    }
    Ok(Some((key, source)))
}

/// The wire whose variables are set, where no setting names one.
fn wire_of(variable: Variable<'_>) -> Result<WireName, Stop> {
    let mut chosen = None;
    for variables in &VARIABLES {
        let names = [variables.key, variables.key_file, variables.base_url];
        if names.iter().any(|name| variable(name).is_some()) {
            if chosen.is_some() {
                return Err(Stop::usage(
                    "variables of both wires are set (OPENAI_*, ANTHROPIC_*): choose by --wire openai or --wire anthropic",
                    &[],
                ));
            }
            chosen = Some(variables.wire);
        }
    }
    Ok(chosen.unwrap_or_default())
}

/// What `dewclaw.json` holds beside settings.
#[derive(Default)]
struct File {
    key_file: Option<String>,
    /// It settles the wire, by name or by an address.
    names_wire: bool,
}

impl Configuration {
    /// Whether there is no key where one is certainly needed.
    pub(super) fn lacks_key(&self) -> bool {
        self.keys.model.is_none()
            && self.settings.base_url() == self.settings.wire.default_base_url()
    }

    /// Checks that it is clear which wire is spoken.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        self.unsettled.take().map_or(Ok(()), Err)
    }

    /// Checks what only a run with a model needs.
    pub(super) fn check(&self) -> Result<(), Stop> {
        self.settings
            .check()
            .map_err(|error| Stop::usage("%", &[&error.text()]))?;
        if self.lacks_key() {
            let (url, key) = (self.settings.base_url(), self.variables.key);
            return Err(Stop::usage(
                if cfg!(target_env = "p2") {
                    "no key for %: set % (under wasmtime: --env %), or use a server of your own with --base-url"
                } else {
                    "no key for %: set % (iwasm's --env=%=KEY), or use a server of your own with --base-url"
                },
                &[url, key, key],
            ));
        }
        Ok(())
    }
}

/// Sets `limits` alone, for a run that concerns no model.
///
/// # Errors
/// A value that it can't have.
#[cfg(feature = "limits")]
pub(super) fn set_limits(
    settings: &mut Settings,
    environment: &WasiEnvironment,
    arguments: &Arguments,
) -> Result<(), Stop> {
    set_from(settings, environment, arguments, &LIMITS)
}

/// Sets a setting by its variable, then by its flag.
fn set_from(
    settings: &mut Settings,
    environment: &WasiEnvironment,
    arguments: &Arguments,
    (name, variable, flag): &(&str, &str, &str),
) -> Result<(), Stop> {
    if let Some(value) = set_variable(environment, variable) {
        set(settings, name, variable, value)?;
    }
    if let Some(value) = arguments.value(flag) {
        set(settings, name, flag, value)?;
    }
    Ok(())
}

/// Sets a setting from text: numbers and booleans as JSON writes them.
fn set(settings: &mut Settings, name: &str, source: &str, text: &str) -> Result<(), Stop> {
    let as_text = matches!(
        name,
        "model" | "base_url" | "system" | "allow_fetch" | "search" | "search_url"
    );
    let value = if as_text {
        Value::String(text.to_string())
    } else {
        parse(text.as_bytes()).unwrap_or_else(|_| Value::String(text.to_string()))
    };
    settings
        .set(name, &value)
        .map_err(|error| Stop::usage("%: %", &[source, &error.text()]))
}

fn read_file(folders: &mut Folders, settings: &mut Settings, file: &mut File) -> Result<(), Stop> {
    let wrong = |template: &str, parts: &[&str]| {
        Stop::usage("% of the state folder %", &[FILE, &fill(template, parts)])
    };
    let bytes = match folders.read_state(FILE) {
        Ok(None) => return Ok(()),
        Ok(Some(bytes)) => bytes,
        Err(error) => return Err(wrong("can't be read: %", &[error.text()])),
    };
    #[cfg(feature = "limits")]
    let value = parse_within(&bytes, MAX_VALUES);
    #[cfg(not(feature = "limits"))]
    let value = parse(&bytes);
    let value = value.map_err(|error| {
        #[cfg(feature = "limits")]
        if error.is_too_large {
            return wrong("holds too much: no setting has more than 1,024 values", &[]);
        }
        wrong(
            "is not valid JSON: look at line %, column %",
            &[&decimal(error.line as u64), &decimal(error.column as u64)],
        )
    })?;
    let Value::Object(members) = value else {
        return Err(wrong(
            "must be a JSON object, like {\"model\": \"NAME\"}",
            &[],
        ));
    };
    for (name, value) in members {
        if !folders.state_is_trusted && !WORKSPACE_MAY_SET.contains(&name.as_str()) {
            complain(
                "dewclaw: warning: .dewclaw/% of the workspace can't set \"%\", so it is ignored: put it into a state folder of its own (--dir STATE::/state)",
                &[FILE, &name],
            );
            continue;
        }
        // An address is one of a wire too: a key that happens to be set for the other must not go there.
        file.names_wire |= matches!(name.as_str(), "wire" | "base_url");
        match (name.as_str(), &value) {
            ("api_key_file", Value::String(path)) => file.key_file = Some(path.clone()),
            ("api_key_file", _) => return Err(wrong(": api_key_file must be a string", &[])),
            ("api_key", _) => {
                return Err(wrong(
                    "must not hold a key: name a file that does with api_key_file, or set OPENAI_API_KEY or ANTHROPIC_API_KEY",
                    &[],
                ));
            }
            _ => settings.set(&name, &value).map_err(|error| {
                wrong(
                    "has a wrong setting: % (and api_key_file)",
                    &[&error.text()],
                )
            })?,
        }
    }
    Ok(())
}

fn read_key(folders: &mut Folders, path: &str, source: &str) -> Result<String, Stop> {
    let wrong = |template: &str, parts: &[&str]| {
        Stop::usage("%: \"%\" %", &[source, path, &fill(template, parts)])
    };
    if !folders.state_is_trusted {
        return Err(wrong(
            "is read from a state folder of its own only: grant one with --dir STATE::/state",
            &[],
        ));
    }
    match folders.read_state(state_path(path)) {
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(key) if !is_blank(&key) => Ok(key),
            _ => Err(wrong("holds no key", &[])),
        },
        Ok(None) => Err(wrong("is not in the state folder", &[])),
        Err(error) => Err(wrong("can't be read: %", &[error.text()])),
    }
}
