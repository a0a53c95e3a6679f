//! A JSON value, as it was read.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use dewclaw_platform::split;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

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
    /// Any other number, as it was written: nothing here computes with one, and reading it into a double takes 4 KB.
    Decimal(String),
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
    /// It is JSON, with more values than are taken.
    pub is_too_large: bool,
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
    parse_within(text, usize::MAX)
}

/// The same of at most so many elements and members, which is heeded where there is the feature `limits`. A value takes up
/// to 40 times the memory of its text, where that is an array of little else; so this is what bounds it. With 0 the value
/// is there without anything in it.
///
/// # Errors
/// Where it stops to be JSON, or that there are more.
pub fn parse_within(text: &[u8], most: usize) -> Result<Value, ParseError> {
    let mut room = Room {
        left: most,
        lacked: false,
        is_number: false,
    };
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Reader(&mut room).deserialize(&mut json);
    let (is_cut_off, line, column) = match value.and_then(|value| json.end().map(|()| value)) {
        Ok(value) if cfg!(not(feature = "limits")) || most == 0 || !room.lacked => {
            return Ok(value);
        }
        Ok(_) => (false, 0, 0),
        Err(error) => (error.is_eof(), error.line(), error.column()),
    };
    Err(ParseError {
        is_cut_off,
        is_too_large: cfg!(feature = "limits") && room.lacked && line == 0,
        line,
        column,
    })
}

/// Whether a text is a JSON object, without keeping what is in it.
pub fn is_object(text: &[u8]) -> bool {
    matches!(parse_within(text, 0), Ok(Value::Object(_)))
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
                Value::Array(elements) => elements.get(step.parse::<u64>().ok()? as usize)?,
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

/// The values that may still be kept, and whether one was not.
struct Room {
    left: usize,
    lacked: bool,
    /// What was read last is a number that serde_json hands over as the only member of an object, and its value as a `String`,
    /// which it never does with a text's own strings.
    is_number: bool,
}

impl Room {
    fn take(&mut self) -> bool {
        if cfg!(not(feature = "limits")) {
            return true;
        }
        self.lacked |= self.left == 0;
        self.left = self.left.saturating_sub(1);
        !self.lacked
    }
}

/// Reads a value.
struct Reader<'a>(&'a mut Room);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
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

    /// Only what is below 0 comes as one.
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Negative(value))
    }

    /// Never called (serde_json's feature `arbitrary_precision`); what stands here by default would be formatted.
    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        self.0.is_number = true;
        Ok(Value::Decimal(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(String::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(Reader(self.0))? {
            if self.0.take() {
                elements.push(element);
            }
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = access.next_key()? {
            let member = access.next_value_seed(Reader(self.0))?;
            if core::mem::take(&mut self.0.is_number) {
                return Ok(member);
            }
            if self.0.take() {
                members.push((name, member));
            }
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
            Value::Decimal(value) => serde_json::from_str(value).unwrap(),
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
    fn numbers_are_no_objects_and_objects_no_numbers() {
        let decimal = |text: &str| Value::Decimal(String::from(text));
        for (text, value) in [
            ("18446744073709551615", Value::Unsigned(u64::MAX)),
            ("18446744073709551616", decimal("18446744073709551616")),
            ("-9223372036854775808", Value::Negative(i64::MIN)),
            ("-0", decimal("-0")),
            ("1.50", decimal("1.50")),
            ("-2E5", decimal("-2e+5")),
            ("1e-999", decimal("1e-999")),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(value), "{text}");
        }
        // The member by which serde_json hands numbers over.
        for text in [
            r#"{"$serde_json::private::Number":"1.5"}"#,
            r#"{"$serde_json::private::Number":1.5}"#,
            r#"{"$serde_json::private::Number":"1.5","a":1}"#,
        ] {
            let Ok(Value::Object(members)) = parse(text.as_bytes()) else {
                panic!("{text} is an object");
            };
            assert_eq!(members[0].0, "$serde_json::private::Number");
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
