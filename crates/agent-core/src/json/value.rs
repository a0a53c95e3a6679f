//! A JSON value, as it was read.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

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
    /// Any other number.
    Float(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object: its members as they were written.
    Object(Vec<(String, Value)>),
}

/// What is wrong with a text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The text ends before the value does.
    pub is_cut_off: bool,
    /// Where, from 1.
    pub line: usize,
    /// Where in the line, in bytes from 1.
    pub column: usize,
}

/// Reads JSON in UTF-8, to a depth of 128.
///
/// # Errors
/// Where it stops to be JSON.
pub fn parse(text: &[u8]) -> Result<Value, ParseError> {
    serde_json::from_slice(text).map_err(|error| ParseError {
        is_cut_off: error.is_eof(),
        line: error.line(),
        column: error.column(),
    })
}

impl Value {
    /// A member of an object by its name (the last one, should it stand there twice), or an element of an array by
    /// its place: both can be named in a path, separated by `/`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        path.split('/').try_fold(self, |value, step| match value {
            Value::Object(members) => members
                .iter()
                .rev()
                .find(|(name, _)| name == step)
                .map(|(_, member)| member),
            Value::Array(elements) => elements.get(step.parse::<u64>().ok()? as usize),
            _ => None,
        })
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
            (one, other) => one == other,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(match u64::try_from(value) {
            Ok(value) => Value::Unsigned(value),
            Err(_) => Value::Negative(value),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(String::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    /// The same value, as serde_json has it.
    fn theirs(value: &Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Unsigned(value) => (*value).into(),
            Value::Negative(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::String(value) => value.as_str().into(),
            Value::Array(values) => values.iter().map(theirs).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), theirs(value)))
                .collect(),
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-1.0e9..1.0e9).prop_map(|float: f64| float.into()),
            "\\PC{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map("[a-z/]{0,3}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(value in json()) {
            let text = value.to_string();
            prop_assert_eq!(theirs(&parse(text.as_bytes()).unwrap()), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        }

        #[test]
        fn any_bytes_are_survived(text in "[\\[\\]{}\",:0-9a-z\\\\.eE+-]{0,40}") {
            let ours = parse(text.as_bytes());
            prop_assert_eq!(ours.is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

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

    #[test]
    fn errors_say_where_and_whether_more_was_wanted() {
        assert!(parse(b"{\"a\": [1, 2").unwrap_err().is_cut_off);
        let error = parse(b"{\n  \"a\": nope\n}").unwrap_err();
        assert_eq!((error.is_cut_off, error.line), (false, 2));
        let deep = ["[".repeat(200), "]".repeat(200)].concat();
        assert!(!parse(deep.as_bytes()).unwrap_err().is_cut_off);
    }
}
