//! A JSON value, as it was read.

use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{count, split};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number from 0.
    Unsigned(u64),
    /// A whole number below 0.
    Negative(i64),
    /// Any other number, as it was written but in small letters: nothing here computes with one, and reading it into a
    /// double takes 4 KB.
    Decimal(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object: its members as they were written.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A member of an object by its name (the last one, should it stand there twice), or an element of an array by
    /// its place: both can be named in a path, separated by `/`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut value = self;
        for step in split(path, b'/') {
            value = match value {
                Value::Object(members) => {
                    let found = members.iter().rev().find(|(name, _)| name == step);
                    &found?.1
                }
                Value::Array(elements) => elements.get(count(step)? as usize)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The text of the string at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// The whole number from 0 at `path`.
    pub fn count(&self, path: &str) -> Option<u64> {
        self.get(path)?.as_u64()
    }

    /// The elements of the array at `path`; none where there is no array.
    pub fn elements(&self, path: &str) -> &[Value] {
        match self.get(path) {
            Some(Value::Array(elements)) => elements,
            _ => &[],
        }
    }

    /// The members of the object at `path`; none where there is no object.
    pub fn members(&self, path: &str) -> &[(String, Value)] {
        match self.get(path) {
            Some(Value::Object(members)) => members,
            _ => &[],
        }
    }

    /// A string's text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number from 0.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether `true` stands at `path`.
    pub fn is_true(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Value::Bool(true)))
    }

    /// Whether two values mean the same: the order of members does not matter.
    pub fn means(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.means(b))
            }
            (Value::Object(one), Value::Object(others)) => {
                one.len() == others.len()
                    && one.iter().all(|(name, value)| {
                        others.iter().any(|(n, v)| n == name && value.means(v))
                    })
            }
            (Value::String(one), Value::String(other))
            | (Value::Decimal(one), Value::Decimal(other)) => one == other,
            (Value::Unsigned(one), Value::Unsigned(other)) => one == other,
            (Value::Negative(one), Value::Negative(other)) => one == other,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Null, Value::Null) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let value = parse(br#"{"a":[{"b":"x"},{"b":-1}],"n":2,"n":3}"#).unwrap();
        assert_eq!(value.text("a/0/b"), Some("x"));
        assert_eq!(value.get("a/1/b"), Some(&Value::Negative(-1)));
        assert_eq!(value.count("n"), Some(3));
        assert_eq!(value.elements("a").len(), 2);
        assert_eq!(value.members("a/0").len(), 1);
        for nowhere in ["b", "a/2", "a/x", "n/0", "a/0/b/c", ""] {
            assert_eq!(value.get(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn meaning_does_not_depend_on_order() {
        let parsed = |text: &str| parse(text.as_bytes()).unwrap();
        assert!(
            parsed(r#"{"a":[1,{"x":1,"y":2}],"b":2}"#)
                .means(&parsed(r#"{"b":2, "a":[1,{"y":2,"x":1}]}"#))
        );
        assert!(!parsed(r#"{"a":1}"#).means(&parsed(r#"{"a":2}"#)));
        assert!(!parsed(r#"{"a":1}"#).means(&parsed(r#"{"a":1,"b":2}"#)));
        assert!(!parsed("[1,2]").means(&parsed("[2,1]")));
    }
}
