//! Reads a command's arguments: flags anywhere, `--flag value` or `--flag=value`, and `--` before what is none.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{cut, join};

use super::Stop;

/// A command's arguments, taken apart.
pub(super) struct Arguments<'a> {
    flags: Vec<(&'static str, &'a str)>,
    /// What is no flag.
    pub(super) operands: Vec<&'a str>,
}

/// The flags of a command: names with their other spelling, and whether a value follows.
pub(super) type Flags = [(&'static str, &'static str, bool)];

impl<'a> Arguments<'a> {
    /// Takes `arguments` apart by `flags`.
    pub(super) fn parse(
        arguments: &'a [String],
        flags: &'static Flags,
    ) -> Result<Arguments<'a>, Stop> {
        let mut parsed = Arguments {
            flags: Vec::new(),
            operands: Vec::new(),
        };
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            if argument == "--" {
                parsed.operands.extend(rest);
                break;
            }
            if !argument.starts_with('-') || argument == "-" {
                parsed.operands.push(argument);
                continue;
            }
            let (name, value) = cut(argument, b'=');
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
                (false, None) => "",
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
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.flags
            .iter()
            .rev()
            .find(|(flag, _)| *flag == name)
            .map(|(_, value)| *value)
    }

    /// All values of a flag, in order.
    pub(super) fn values(&self, name: &str) -> Vec<&'a str> {
        self.flags
            .iter()
            .filter(|(flag, _)| *flag == name)
            .map(|(_, value)| *value)
            .collect()
    }

    /// Exactly the operands that `names` names.
    pub(super) fn operands<const N: usize>(&self, names: [&str; N]) -> Result<[&'a str; N], Stop> {
        let operands = <[&str; N]>::try_from(self.operands.as_slice());
        operands.map_err(|_| self.miscounted(&names))
    }

    fn miscounted(&self, names: &[&str]) -> Stop {
        Stop::usage(
            "expected %%",
            &[
                &join(names, " "),
                if self.operands.len() < names.len() {
                    ": something is missing"
                } else {
                    ": put quotes around what belongs together"
                },
            ],
        )
    }
}
