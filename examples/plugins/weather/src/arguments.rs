//! The arguments of a call. A model wrote them, so each is checked, and what is wrong is said so that the model can mend it.

use serde_json::{Map, Value};

/// The members of the object.
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    pub(crate) fn read(json: &str) -> Result<Arguments, String> {
        match serde_json::from_str(json) {
            Ok(Value::Object(members)) => Ok(Arguments(members)),
            Ok(_) => Err("the arguments are no JSON object".to_owned()),
            Err(error) => Err(format!("the arguments are no JSON: {error}")),
        }
    }

    /// That there are no others than these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), String> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) if known.is_empty() => {
                Err(format!("there is no argument \"{name}\": give none"))
            }
            Some(name) => Err(format!(
                "there is no argument \"{name}\": known are {}",
                known.join(", ")
            )),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(format!("{name} is {other}: give a text")),
            None => Err(format!("{name} is missing: give a text")),
        }
    }

    /// A whole number from `least` to `most`; `default` without one.
    pub(crate) fn number(
        &self,
        name: &str,
        least: u64,
        most: u64,
        default: u64,
    ) -> Result<u64, String> {
        let Some(value) = self.0.get(name) else {
            return Ok(default);
        };
        value
            .as_u64()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("{name} is {value}: give a whole number from {least} to {most}"))
    }
}
