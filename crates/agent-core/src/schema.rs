//! Checks a tool call's arguments against the tool's JSON Schema.
//!
//! The part of JSON Schema (2020-12) that tools use: `type`, `properties`, `required`,
//! `additionalProperties: false`, `items`, `enum`, `minimum`. Other keywords are not looked at.

use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{Value, decimal};

/// Problems told at once: enough for a model to mend its call in one go.
const MAX_PROBLEMS: usize = 5;

/// Checks `value` against `schema`.
///
/// # Errors
/// What is wrong, in words that say how to mend it; several problems are separated by `; `.
pub(crate) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    let mut problems = Problems::default();
    problems.check("", schema, value);
    if problems.count == 0 {
        Ok(())
    } else {
        Err(problems.text)
    }
}

#[derive(Default)]
struct Problems {
    text: String,
    count: usize,
}

impl Problems {
    fn add(&mut self, place: &str, problem: &[&str]) {
        self.count += 1;
        if self.count > MAX_PROBLEMS {
            return;
        }
        if self.count > 1 {
            self.text.push_str("; ");
        }
        if place.is_empty() {
            self.text.push_str("the arguments");
        } else {
            self.text.push('"');
            self.text.push_str(place);
            self.text.push('"');
        }
        for part in problem {
            self.text.push_str(part);
        }
    }

    fn check(&mut self, place: &str, schema: &Value, value: &Value) {
        let wanted = schema.text("type").unwrap_or_default();
        let fits = match wanted {
            "integer" => as_integer(value).is_some(),
            "number" => type_name(value) == "number",
            "" => true,
            _ => type_name(value) == wanted,
        };
        if !fits {
            self.add(
                place,
                &[" must be of type ", wanted, ", not ", type_name(value)],
            );
            return;
        }
        if let (Some(least), Some(number)) = (
            schema.get("minimum").and_then(as_integer),
            as_integer(value),
        ) && number < least
        {
            let sign = if least < 0 { "-" } else { "" };
            self.add(
                place,
                &[" must be at least ", sign, &decimal(least.unsigned_abs())],
            );
        }
        let choices = schema.elements("enum");
        if !choices.is_empty() && !choices.iter().any(|choice| choice.means(value)) {
            let names: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            self.add(place, &[" must be one of: ", &names.join(", ")]);
        }
        match value {
            Value::Array(values) => {
                if let Some(items) = schema.get("items") {
                    for (index, item) in values.iter().enumerate() {
                        let place = [place, "[", &decimal(index as u64), "]"].concat();
                        self.check(&place, items, item);
                    }
                }
            }
            Value::Object(members) => self.check_members(place, schema, members),
            _ => {}
        }
    }

    fn check_members(&mut self, place: &str, schema: &Value, members: &[(String, Value)]) {
        let within = |name: &str| -> String {
            let dot = if place.is_empty() { "" } else { "." };
            [place, dot, name].concat()
        };
        for name in schema.elements("required").iter().filter_map(Value::as_str) {
            if !members.iter().any(|(member, _)| member == name) {
                self.add(&within(name), &[" is required"]);
            }
        }
        let properties = schema.members("properties");
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, member) in members {
            match properties.iter().find(|(property, _)| property == name) {
                Some((_, property)) => self.check(&within(name), property, member),
                None if closed => {
                    let known: Vec<&str> =
                        properties.iter().map(|(name, _)| name.as_str()).collect();
                    self.add(
                        &within(name),
                        &[" is no parameter; there are: ", &known.join(", ")],
                    );
                }
                None => {}
            }
        }
    }
}

/// An integer as JSON Schema has it: `1.0` is one too.
pub(crate) fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Unsigned(number) => i64::try_from(*number).ok(),
        Value::Negative(number) => Some(*number),
        Value::Float(float) => {
            let integer = *float as i64;
            // Exact only where a double is: past 2^53 two integers share one.
            let exact = integer as f64 == *float && integer.unsigned_abs() <= 1 << 53;
            exact.then_some(integer)
        }
        _ => None,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Unsigned(_) | Value::Negative(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;
    use serde_json::json;

    fn ours(json: &serde_json::Value) -> Value {
        crate::json::parse(json.to_string().as_bytes()).unwrap()
    }

    fn schema() -> Value {
        ours(&json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1},
                "mode": {"type": "string", "enum": ["append", "overwrite"]},
                "headers": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["path"],
            "additionalProperties": false,
        }))
    }

    #[test]
    fn what_fits_passes() {
        for value in [
            json!({"path": "x"}),
            json!({"path": "x", "limit": 1, "mode": "append", "headers": ["a"]}),
            json!({"path": "x", "limit": 3.0}),
        ] {
            assert_eq!(check(&schema(), &ours(&value)), Ok(()), "{value}");
        }
    }

    #[test]
    fn problems_are_named_with_their_mending() {
        for (value, told) in [
            (json!({}), "\"path\" is required"),
            (json!([]), "the arguments must be of type object, not array"),
            (
                json!({"path": 1}),
                "\"path\" must be of type string, not number",
            ),
            (
                json!({"path": "x", "limit": 0}),
                "\"limit\" must be at least 1",
            ),
            (
                json!({"path": "x", "limit": 1.5}),
                "\"limit\" must be of type integer, not number",
            ),
            (
                json!({"path": "x", "mode": "replace"}),
                "\"mode\" must be one of: append, overwrite",
            ),
            (
                json!({"path": "x", "headers": ["a", 1]}),
                "\"headers[1]\" must be of type string, not number",
            ),
            (
                json!({"path": "x", "file": "y"}),
                "\"file\" is no parameter; there are: headers, limit, mode, path",
            ),
            (
                json!({"limit": 0}),
                "\"path\" is required; \"limit\" must be at least 1",
            ),
        ] {
            assert_eq!(
                check(&schema(), &ours(&value)),
                Err(told.to_string()),
                "{value}"
            );
        }
    }

    #[test]
    fn a_hundred_problems_are_not_all_told() {
        let value = json!({"path": "x", "headers": alloc::vec![1; 100]});
        assert!(check(&schema(), &ours(&value)).unwrap_err().len() < 500);
    }

    proptest! {
        /// Whatever a model sends, the check answers.
        #[test]
        fn any_json_is_survived(text in "[\\[\\]{}\",:0-9a-z. -]{0,60}") {
            if let Ok(value) = crate::json::parse(text.as_bytes()) {
                let _ = check(&schema(), &value);
                let _ = check(&value, &schema());
            }
        }
    }
}
