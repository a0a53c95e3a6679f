//! Checks a tool call's arguments against the tool's JSON Schema.
//!
//! The part of JSON Schema (2020-12) that tools use: `type`, `properties`, `required`,
//! `additionalProperties: false`, `items`, `enum`, `minimum`. Other keywords are not looked at.

use alloc::string::String;

use dewclaw_platform::concat;

use crate::json::{Value, decimal};
use crate::template::fill;
use crate::url::{cut, number};

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
    fn add(&mut self, place: &str, problem: &str, parts: &[&str]) {
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
        self.text.push_str(&fill(problem, parts));
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
                " must be of type %, not %",
                &[wanted, type_name(value)],
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
                " must be at least %%",
                &[sign, &decimal(least.unsigned_abs())],
            );
        }
        let choices = schema.elements("enum");
        if !choices.is_empty() && !choices.iter().any(|choice| choice.means(value)) {
            let mut names = String::new();
            for choice in choices {
                push_listed(&mut names, choice.as_str().unwrap_or_default());
            }
            self.add(place, " must be one of: %", &[&names]);
        }
        match value {
            Value::Array(values) => {
                if let Some(items) = schema.get("items") {
                    for (index, item) in values.iter().enumerate() {
                        let place = fill("%[%]", &[place, &decimal(index as u64)]);
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
            concat(&[place, dot, name])
        };
        for name in schema.elements("required") {
            let name = name.as_str().unwrap_or_default();
            if !members.iter().any(|(member, _)| member == name) {
                self.add(&within(name), " is required", &[]);
            }
        }
        let properties = schema.members("properties");
        let closed = matches!(schema.get("additionalProperties"), Some(Value::Bool(false)));
        for (name, member) in members {
            match properties.iter().find(|(property, _)| property == name) {
                Some((_, property)) => self.check(&within(name), property, member),
                None if closed => {
                    let mut known = String::new();
                    for (name, _) in properties {
                        push_listed(&mut known, name);
                    }
                    self.add(&within(name), " is no parameter; there are: %", &[&known]);
                }
                None => {}
            }
        }
    }
}

/// Adds a name to those of a sentence.
pub(crate) fn push_listed(list: &mut String, name: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(name);
}

/// An integer as JSON Schema has it: `1.0` is one too.
pub(crate) fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Unsigned(number) => i64::try_from(*number).ok(),
        Value::Negative(number) => Some(*number),
        Value::Decimal(text) => whole(text),
        _ => None,
    }
}

/// The whole number that a decimal one is, if it is one.
fn whole(text: &str) -> Option<i64> {
    let (digits, exponent) = cut(text.as_bytes(), b'e');
    let exponent = match exponent {
        // Past 32 bits it is cut there, and far too large anyway.
        Some([b'-', digits @ ..]) => -(number(digits, 10)? as i64),
        Some([b'+', digits @ ..] | digits) => number(digits, 10)? as i64,
        None => 0,
    };
    let mut whole = 0i64;
    // How far the point stands to the right of the digits that count: zeros count once another digit follows them.
    let mut power = exponent;
    let mut zeros = 0i64;
    let mut behind_point = 0;
    for digit in digits {
        match digit {
            b'-' => continue,
            b'.' => {
                behind_point = 1;
                continue;
            }
            b'0' => zeros += 1,
            _ => {
                whole = shifted(whole, zeros + 1)?.checked_add(i64::from(*digit - b'0'))?;
                zeros = 0;
            }
        }
        power -= behind_point;
    }
    let whole = shifted(whole, power + zeros)?;
    Some(if text.starts_with('-') { -whole } else { whole })
}

/// A number with so many zeros behind it.
fn shifted(number: i64, zeros: i64) -> Option<i64> {
    if number == 0 {
        return Some(0);
    }
    if zeros < 0 {
        return None;
    }
    let mut number = number;
    for _ in 0..zeros {
        // As `checked_mul` does, which takes 128 bits.
        if !(i64::MIN / 10..=i64::MAX / 10).contains(&number) {
            return None;
        }
        number *= 10;
    }
    Some(number)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Unsigned(_) | Value::Negative(_) | Value::Decimal(_) => "number",
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
    fn whole_numbers_are_integers_however_they_are_spelled() {
        for (text, number) in [
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("3.0", Some(3)),
            ("-30.00", Some(-30)),
            ("1e3", Some(1_000)),
            ("1.25e2", Some(125)),
            ("120e-1", Some(12)),
            ("0.0", Some(0)),
            ("-0", Some(0)),
            ("0e99", Some(0)),
            ("1.00000000000000000000000000", Some(1)),
            ("0.5", None),
            ("1.5", None),
            ("12e-2", None),
            ("1e99", None),
            ("1e99999999999999999999", None),
            ("18446744073709551616", None),
            ("18446744073709551615", None),
        ] {
            let value = crate::json::parse(text.as_bytes()).unwrap();
            assert_eq!(as_integer(&value), number, "{text}");
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
