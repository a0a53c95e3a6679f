//! Settings from flags, the environment and `dewclaw.json`, in this order of precedence.

use alloc::string::{String, ToString};

use dewclaw_agent_core::json::{Value, decimal, parse};
use dewclaw_agent_core::{DEFAULT_BASE_URL, Settings};
use dewclaw_platform::Environment;

use super::Stop;
use super::arguments::Arguments;
use crate::console::complain;
use crate::folders::{Folders, state_path};

/// The configuration file, in state.
const FILE: &str = "dewclaw.json";

/// What a configuration found inside a workspace may set: nothing that says where a key goes, or lifts a limit.
const WORKSPACE_MAY_SET: [&str; 3] = ["model", "stream", "system"];

/// A setting, the variable that sets it, and the flag that does.
const SOURCES: [(&str, &str, &str); 6] = [
    ("model", "DEWCLAW_MODEL", "--model"),
    ("base_url", "OPENAI_BASE_URL", "--base-url"),
    ("system", "", "--system"),
    ("max_steps", "DEWCLAW_MAX_STEPS", "--max-steps"),
    ("max_tokens", "DEWCLAW_MAX_TOKENS", "--max-tokens"),
    ("stream", "DEWCLAW_STREAM", ""),
];

/// The credential's variables.
pub(super) const KEY: &str = "OPENAI_API_KEY";
pub(super) const KEY_FILE: &str = "OPENAI_API_KEY_FILE";

/// What a run is made with.
pub(super) struct Configuration {
    pub(super) settings: Settings,
    /// The credential, which goes nowhere but into requests.
    pub(super) key: Option<String>,
    /// Where the credential comes from, for `doctor`.
    pub(super) key_source: &'static str,
}

/// Puts the settings together.
///
/// # Errors
/// A setting that can't be taken, or a file that can't be read: what it is, and where.
pub(super) fn read(
    environment: &dyn Environment,
    arguments: &Arguments,
    folders: &mut Folders,
) -> Result<Configuration, Stop> {
    let mut settings = Settings::default();
    let mut key_file = None;
    read_file(folders, &mut settings, &mut key_file)?;
    for (name, variable, _) in SOURCES {
        // An empty variable is an unset one, as shells and unit files leave it.
        if let Some(value) = environment.var(variable).filter(|value| !value.is_empty()) {
            set(&mut settings, name, variable, &value)?;
        }
    }
    for (name, _, flag) in SOURCES {
        if let Some(value) = arguments.value(flag) {
            set(&mut settings, name, flag, value)?;
        }
    }
    if arguments.has("--no-stream") {
        settings.stream = false;
    }
    let key_file = environment
        .var(KEY_FILE)
        .filter(|path| !path.is_empty())
        .or(key_file);
    let (key, key_source) = match environment.var(KEY).filter(|key| !key.trim().is_empty()) {
        Some(key) => (Some(key), KEY),
        None => match key_file {
            Some(path) => (Some(read_key(folders, &path)?), KEY_FILE),
            None => (None, ""),
        },
    };
    let key = key.map(|key| key.trim().to_string());
    if key
        .as_ref()
        .is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(Stop::usage(&[
            "the key from ",
            key_source,
            " holds spaces or characters that no key has",
        ]));
    }
    Ok(Configuration {
        settings,
        key,
        key_source,
    })
}

impl Configuration {
    /// Checks what only a run with a model needs.
    pub(super) fn check(&self) -> Result<(), Stop> {
        self.settings
            .check()
            .map_err(|error| Stop::usage(&[&error.to_string()]))?;
        if self.key.is_none() && self.settings.base_url == DEFAULT_BASE_URL {
            return Err(Stop::usage(&[
                "no key for ",
                DEFAULT_BASE_URL,
                ": set OPENAI_API_KEY (under wasmtime: --env OPENAI_API_KEY), or use a server of your own with --base-url",
            ]));
        }
        Ok(())
    }
}

/// Sets a setting from text: numbers and booleans as JSON writes them.
fn set(settings: &mut Settings, name: &str, source: &str, text: &str) -> Result<(), Stop> {
    let as_text = matches!(name, "model" | "base_url" | "system");
    let value = if as_text {
        Value::String(text.to_string())
    } else {
        parse(text.as_bytes()).unwrap_or_else(|_| Value::String(text.to_string()))
    };
    settings
        .set(name, &value)
        .map_err(|error| Stop::usage(&[source, ": ", &error.to_string()]))
}

fn read_file(
    folders: &mut Folders,
    settings: &mut Settings,
    key_file: &mut Option<String>,
) -> Result<(), Stop> {
    let wrong = |why: &str| Stop::usage(&[FILE, " of the state folder ", why]);
    let bytes = match folders.read_state(FILE) {
        Ok(None) => return Ok(()),
        Ok(Some(bytes)) => bytes,
        Err(error) => return Err(wrong(&["can't be read: ", &error.to_string()].concat())),
    };
    let value = parse(&bytes).map_err(|error| {
        wrong(
            &[
                "is not valid JSON: look at line ",
                &decimal(error.line as u64),
                ", column ",
                &decimal(error.column as u64),
            ]
            .concat(),
        )
    })?;
    let Value::Object(members) = value else {
        return Err(wrong("must be a JSON object, like {\"model\": \"NAME\"}"));
    };
    for (name, value) in members {
        if !folders.state_is_trusted && !WORKSPACE_MAY_SET.contains(&name.as_str()) {
            complain(&[
                "dewclaw: warning: .dewclaw/",
                FILE,
                " of the workspace can't set \"",
                &name,
                "\", so it is ignored: put it into a state folder of its own (--dir STATE::/state)",
            ]);
            continue;
        }
        match (name.as_str(), &value) {
            ("api_key_file", Value::String(path)) => *key_file = Some(path.clone()),
            ("api_key_file", _) => return Err(wrong(": api_key_file must be a string")),
            ("api_key", _) => {
                return Err(wrong(
                    "must not hold a key: name a file that does with api_key_file, or set OPENAI_API_KEY",
                ));
            }
            _ => settings.set(&name, &value).map_err(|error| {
                wrong(
                    &[
                        "has a wrong setting: ",
                        &error.to_string(),
                        " (and api_key_file)",
                    ]
                    .concat(),
                )
            })?,
        }
    }
    Ok(())
}

fn read_key(folders: &mut Folders, path: &str) -> Result<String, Stop> {
    let wrong = |why: &str| Stop::usage(&[KEY_FILE, ": \"", path, "\" ", why]);
    if !folders.state_is_trusted {
        return Err(wrong(
            "is read from a state folder of its own only: grant one with --dir STATE::/state",
        ));
    }
    match folders.read_state(state_path(path)) {
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(key) if !key.trim().is_empty() => Ok(key),
            _ => Err(wrong("holds no key")),
        },
        Ok(None) => Err(wrong("is not in the state folder")),
        Err(error) => Err(wrong(&["can't be read: ", &error.to_string()].concat())),
    }
}
