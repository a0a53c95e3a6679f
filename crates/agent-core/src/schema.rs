//! Checks a tool call's arguments against the tool's JSON Schema.
//!
//! The part of JSON Schema (2020-12) that tools use: `type`, `properties`, `required`,
//! `additionalProperties: false`, `items`, `enum`, `minimum`. Other keywords are not looked at.

use alloc::string::{String, ToString};

use serde_json::Value;

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
        let wanted = schema
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let fits = match wanted {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => as_integer(value).is_some(),
            "null" => value.is_null(),
            _ => true,
        };
        if !fits {
            self.add(
                place,
                &[" must be of type ", wanted, ", not ", type_name(value)],
            );
            return;
        }
        if let (Some(least), Some(number)) = (
            schema.get("minimum").and_then(Value::as_i64),
            as_integer(value),
        ) && number < least
        {
            self.add(place, &[" must be at least ", &least.to_string()]);
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array)
            && !choices.contains(value)
        {
            let names: alloc::vec::Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            self.add(place, &[" must be one of: ", &names.join(", ")]);
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (index, item) in values.iter().enumerate() {
                self.check(&[place, "[", &index.to_string(), "]"].concat(), items, item);
            }
        }
        if let Some(members) = value.as_object() {
            self.check_members(place, schema, members);
        }
    }

    fn check_members(
        &mut self,
        place: &str,
        schema: &Value,
        members: &serde_json::Map<String, Value>,
    ) {
        let within = |name: &str| -> String {
            if place.is_empty() {
                name.to_string()
            } else {
                [place, ".", name].concat()
            }
        };
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                self.add(&within(name), &[" is required"]);
            }
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, member) in members {
            match properties.get(name) {
                Some(property) => self.check(&within(name), property, member),
                None if closed => {
                    let known: alloc::vec::Vec<&str> =
                        properties.keys().map(String::as_str).collect();
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
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        let integer = float as i64;
        // Exact only where a double is: past 2^53 two integers share one.
        (integer as f64 == float && float.abs() <= 9_007_199_254_740_992.0).then_some(integer)
    })
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1},
                "mode": {"type": "string", "enum": ["append", "overwrite"]},
                "headers": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["path"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn what_fits_passes() {
        for value in [
            json!({"path": "x"}),
            json!({"path": "x", "limit": 1, "mode": "append", "headers": ["a"]}),
            json!({"path": "x", "limit": 3.0}),
        ] {
            assert_eq!(check(&schema(), &value), Ok(()), "{value}");
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
            assert_eq!(check(&schema(), &value), Err(told.to_string()), "{value}");
        }
    }

    #[test]
    fn a_hundred_problems_are_not_all_told() {
        let value = json!({"path": "x", "headers": alloc::vec![1; 100]});
        assert!(check(&schema(), &value).unwrap_err().len() < 500);
    }

    proptest! {
        /// Whatever a model sends, the check answers.
        #[test]
        fn any_json_is_survived(text in "[\\[\\]{}\",:0-9a-z. -]{0,60}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = check(&schema(), &value);
                let _ = check(&value, &schema());
            }
        }
    }
}
