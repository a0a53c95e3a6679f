//! Reads a command's arguments: flags anywhere, `--flag value` or `--flag=value`, and `--` before what is none.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::{cut, join};

use super::Stop;

/// A command's arguments, taken apart.
pub(super) struct Arguments {
    flags: Vec<(&'static str, String)>,
    /// What is no flag.
    pub(super) operands: Vec<String>,
}

/// The flags of a command: names with their other spelling, and whether a value follows.
pub(super) type Flags = [(&'static str, &'static str, bool)];

impl Arguments {
    /// Takes `arguments` apart by `flags`.
    pub(super) fn parse(arguments: Vec<String>, flags: &'static Flags) -> Result<Arguments, Stop> {
        let mut parsed = Arguments {
            flags: Vec::new(),
            operands: Vec::new(),
        };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                parsed.operands.extend(rest);
                break;
            }
            if !argument.starts_with('-') || argument == "-" {
                parsed.operands.push(argument);
                continue;
            }
            let (name, value) = cut(&argument, b'=');
            let value = value.map(ToString::to_string);
            let known = flags
                .iter()
                .find(|(long, short, _)| name == *long || name == *short);
            let Some((name, _, takes_value)) = known else {
                return Err(Stop::usage(
                    "unknown flag %: --help shows those there are",
                    &[name],
                ));
            };
            let value = match (takes_value, value) {
                (true, Some(value)) => value,
                (true, None) => rest
                    .next()
                    .ok_or_else(|| Stop::usage("% needs a value", &[name]))?,
                (false, None) => String::new(),
                (false, Some(_)) => return Err(Stop::usage("% takes no value", &[name])),
            };
            parsed.flags.push((name, value));
        }
        Ok(parsed)
    }

    /// Whether a flag was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A flag's value; the last one counts.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.flags
            .iter()
            .rev()
            .find(|(flag, _)| *flag == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a flag, in order.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        self.flags
            .iter()
            .filter(|(flag, _)| *flag == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Exactly the operands that `names` names.
    pub(super) fn operands<const N: usize>(self, names: [&str; N]) -> Result<[String; N], Stop> {
        let count = self.operands.len();
        self.operands
            .try_into()
            .map_err(|_| miscounted(count, &names))
    }
}

fn miscounted(count: usize, names: &[&str]) -> Stop {
    Stop::usage(
        "expected %%",
        &[
            &join(names, " "),
            if count < names.len() {
                ": something is missing"
            } else {
                ": put quotes around what belongs together"
            },
        ],
    )
}
