//! What plugins do while they run, as a person hears of it: a line on standard error for each message and each denial.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dewclaw_sandbox::engine::LogLevel;
use dewclaw_sandbox::sandbox::{Denial, LogMessage, Observer};

use crate::session::{complain, printable};

/// Different denials of one plugin that are told; the audit trail has all.
const MAX_DENIALS: usize = 20;

/// Letters of a line at most; a log message is shorter by its own limit.
const MAX_LETTERS: usize = 5_000;

/// How much of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// Nothing.
    Silent,
    /// Denials, and messages that are not for who looks for a mistake.
    Usual,
    /// All.
    Everything,
}

/// Hears what plugins do, and tells a person.
pub(super) struct Witness {
    loudness: Loudness,
    plugins: Mutex<BTreeMap<String, Denied>>,
}

/// What one plugin was denied.
#[derive(Default)]
struct Denied {
    /// Each once.
    known: Vec<Thing>,
    /// How often something was denied that the plugin knows of.
    count: u64,
}

/// One denial, in words that may be shown to a model: they do not say what would grant it.
#[derive(PartialEq)]
struct Thing {
    words: String,
    /// The plugin was told. Of a variable it is not: it cannot tell denied from unset, and nor must a model that it talks to.
    is_told: bool,
}

impl Witness {
    pub(super) fn new(loudness: Loudness) -> Witness {
        Witness {
            loudness,
            plugins: Mutex::default(),
        }
    }

    /// How often a plugin was denied something so far, and told so.
    pub(super) fn denials(&self, plugin: &str) -> u64 {
        self.lock().get(plugin).map_or(0, |denied| denied.count)
    }

    /// What a plugin was denied and told so, each thing once.
    pub(super) fn denied_things(&self, plugin: &str) -> Vec<String> {
        let plugins = self.lock();
        let known = plugins.get(plugin).map(|denied| denied.known.as_slice());
        let told = known
            .unwrap_or_default()
            .iter()
            .filter(|thing| thing.is_told);
        told.map(|thing| thing.words.clone()).collect()
    }

    /// A plugin of so many bytes is being compiled, and a person may wonder why nothing happens.
    pub(super) fn still_compiling(&self, plugin: &str, bytes: usize, most: Duration) {
        if self.loudness != Loudness::Silent {
            let kilobytes = bytes.div_ceil(1000);
            self.say(
                plugin,
                &format!(
                    "compiling {kilobytes} KB, for some {:.0} s at most",
                    most.as_secs_f64()
                ),
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Denied>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, plugin: &str, text: &str) {
        complain(&format!(
            "plugin: {plugin}: {}",
            printable(text, MAX_LETTERS)
        ));
    }
}

impl Observer for Witness {
    fn logged(&self, message: &LogMessage<'_>) {
        let LogMessage {
            plugin,
            level,
            text,
            cut,
        } = message;
        let needed = match level {
            LogLevel::Debug | LogLevel::Trace => Loudness::Everything,
            _ => Loudness::Usual,
        };
        if self.loudness == Loudness::Silent
            || (needed == Loudness::Everything && self.loudness != needed)
        {
            return;
        }
        let level = match level {
            LogLevel::Information => String::new(),
            other => format!("{}: ", other.name()),
        };
        let cut = if *cut { " (cut)" } else { "" };
        self.say(plugin, &format!("{level}{text}{cut}"));
    }

    fn denied(&self, denial: &Denial<'_>) {
        let Denial {
            plugin,
            function,
            error,
            rule,
            grant,
        } = denial;
        let words = format!("{function}: {error} ({rule})");
        let is_told = *function != "get-env";
        let thing = Thing {
            words: words.clone(),
            is_told,
        };
        let is_shown = {
            let mut plugins = self.lock();
            let denied = plugins.entry((*plugin).to_owned()).or_default();
            denied.count += u64::from(is_told);
            if denied.known.len() > MAX_DENIALS || denied.known.contains(&thing) {
                return;
            }
            denied.known.push(thing);
            denied.known.len() <= MAX_DENIALS
        };
        if self.loudness == Loudness::Silent {
            return;
        }
        if !is_shown {
            self.say(
                plugin,
                "further denials are in the audit trail: dewclaw audit show --verdict denied",
            );
            return;
        }
        self.say(plugin, &format!("denied: {words}"));
        if let Some(grant) = grant {
            self.say(plugin, &format!("to grant it: {grant}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deny(witness: &Witness, function: &str, error: &str) {
        witness.denied(&Denial {
            plugin: "p",
            function,
            error,
            rule: "no line grants it",
            grant: None,
        });
    }

    #[test]
    fn a_flood_of_denials_is_remembered_in_bounds() {
        let witness = Witness::new(Loudness::Silent);
        for number in 0..1_000 {
            for _ in 0..2 {
                deny(&witness, "read-file", &format!("{number} is denied"));
            }
        }
        assert_eq!(witness.denials("p"), 2_000);
        assert_eq!(witness.denials("q"), 0);
        let things = witness.denied_things("p");
        assert_eq!(things.len(), MAX_DENIALS + 1);
        assert_eq!(things[0], "read-file: 0 is denied (no line grants it)");
    }

    #[test]
    fn a_variable_that_is_denied_is_for_the_person_alone() {
        let witness = Witness::new(Loudness::Silent);
        deny(&witness, "get-env", "the variable HOME is denied");
        assert_eq!(witness.denials("p"), 0);
        assert!(witness.denied_things("p").is_empty());
    }
}
