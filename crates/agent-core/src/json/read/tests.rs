//! The reader beside serde_json's: the same values, refusals and places of refusal.

use alloc::string::ToString;
use core::fmt;

use proptest::prelude::*;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::*;

/// What serde_json makes of the text. A byte that is no UTF-8 stands in a string, if what stands before it begins well, and
/// the string is refused at its end or before; here it is refused at that byte. So serde_json has what stands before it.
fn theirs(text: &[u8]) -> Result<Value, ParseError> {
    let (sound, ends) = match core::str::from_utf8(text) {
        Ok(sound) => (sound.len(), true),
        Err(error) => (error.valid_up_to(), error.error_len().is_none()),
    };
    let (is_cut_off, line, column) = match serde_json::from_slice(&text[..sound]) {
        Ok(Theirs(value)) if sound == text.len() => return Ok(value),
        Err(error) if sound == text.len() || !error.is_eof() => {
            (error.is_eof(), error.line(), error.column())
        }
        _ => {
            assert!(serde_json::from_slice::<Theirs>(text).is_err());
            let lines = text[..sound].split(|byte| *byte == b'\n');
            let column = lines.clone().next_back().map_or(0, <[u8]>::len) + 1;
            (ends, lines.count(), column)
        }
    };
    Err(ParseError {
        is_cut_off,
        is_too_large: false,
        line,
        column,
    })
}

/// A number without the plus of its exponent, which serde_json adds where there is none.
fn without_plus(number: &str) -> String {
    number.replace('+', "")
}

/// What is read, with its numbers as [`without_plus`] has them.
fn ours(text: &[u8]) -> Result<Value, ParseError> {
    fn plain(value: Value) -> Value {
        match value {
            Value::Decimal(number) => Value::Decimal(without_plus(&number)),
            Value::Array(elements) => Value::Array(elements.into_iter().map(plain).collect()),
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name, plain(value)))
                    .collect(),
            ),
            other => other,
        }
    }
    parse(text).map(plain)
}

/// A value that serde_json read: the members of objects in their order, also those of one name.
struct Theirs(Value);

impl<'de> Deserialize<'de> for Theirs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Theirs, D::Error> {
        Visit(&mut false).deserialize(deserializer).map(Theirs)
    }
}

/// serde_json hands a number over that is no `u64` or `i64` as an object of one member, and that member's value as a
/// `String`, which it never does with a text's own strings: this notes whether it did.
struct Visit<'a>(&'a mut bool);

impl<'de> DeserializeSeed<'de> for Visit<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Visit<'_> {
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
        Ok(Value::Negative(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        *self.0 = true;
        Ok(Value::Decimal(without_plus(&value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(String::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(Theirs(element)) = access.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = access.next_key()? {
            let mut is_number = false;
            let member = access.next_value_seed(Visit(&mut is_number))?;
            if is_number {
                return Ok(member);
            }
            members.push((name, member));
        }
        Ok(Value::Object(members))
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "null|true|false",
        any::<u64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        "\\PC{0,12}".prop_map(|text: String| serde_json::Value::from(text).to_string()),
        "\"([a\u{e9}\u{1f43e}]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9A-Fa-f]{2}|\\\\u[dD]83[dD]\\\\u[dD][cC]3[eE]){0,9}\"",
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let member = ("[a-z/]{0,3}", inner.clone())
            .prop_map(|(name, value)| alloc::format!("\"{name}\" :{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4)
                .prop_map(|values| ["[", &values.join(" ,"), "\n]"].concat()),
            prop::collection::vec(member, 0..4).prop_map(|members| [
                "{\r\n",
                &members.join(",\t"),
                "}"
            ]
            .concat()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_serde_json_reads(text in json()) {
        let value = ours(text.as_bytes());
        prop_assert!(value.is_ok());
        prop_assert_eq!(value, theirs(text.as_bytes()));
    }

    /// JSON with some bytes replaced, left out and added, and cut off: as often as not it is none.
    #[test]
    fn what_is_refused_is_what_serde_json_refuses_and_where(
        text in json(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..2, "[\\[\\]{}\",:\n 0-9a-fnrtu\\\\.eE+\u{0}\u{e9}-]{0,2}"), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut text = text.into_bytes();
        for (place, removed, added) in changes {
            let at = place.index(text.len() + 1);
            let end = text.len().min(at + removed);
            text.splice(at..end, added.into_bytes());
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len() + 1));
        }
        prop_assert_eq!(ours(&text), theirs(&text));
    }

    #[test]
    fn bytes_of_any_kind_are_refused_where_serde_json_refuses_them(
        text in prop::collection::vec(prop_oneof![
            prop::sample::select(b"\"\"\"\\\\ud8dc3be4[]{}:,01-.eE+ \nnulltruefalse".to_vec()),
            any::<u8>(),
        ], 0..24),
    ) {
        prop_assert_eq!(ours(&text), theirs(&text));
    }

    /// Half letters, whole ones, and what only looks like them.
    #[test]
    fn escapes_are_read_as_serde_json_reads_them(
        text in "\"(\\\\?u?[dD]?8?3?[dD]?|\\\\u[dD][89a-fA-F][0-9]{2}|[a\\\\]|\u{e9}){0,5}\"?",
    ) {
        prop_assert_eq!(parse(text.as_bytes()), theirs(text.as_bytes()));
    }
}

#[test]
fn numbers_are_kept_exactly() {
    let decimal = |text: &str| Value::Decimal(String::from(text));
    for (text, value) in [
        ("18446744073709551615", Value::Unsigned(u64::MAX)),
        ("18446744073709551616", decimal("18446744073709551616")),
        ("-9223372036854775808", Value::Negative(i64::MIN)),
        ("-9223372036854775809", decimal("-9223372036854775809")),
        ("0", Value::Unsigned(0)),
        ("-0", decimal("-0")),
        ("1.50", decimal("1.50")),
        ("-2E5", decimal("-2e5")),
        ("1e-999", decimal("1e-999")),
    ] {
        assert_eq!(parse(text.as_bytes()), Ok(value), "{text}");
    }
}

#[test]
fn errors_say_where_and_whether_more_was_wanted() {
    assert!(parse(b"{\"a\": [1, 2").unwrap_err().is_cut_off);
    let error = parse(b"{\n  \"a\": nope\n}").unwrap_err();
    assert_eq!((error.is_cut_off, error.line, error.column), (false, 2, 9));
}

#[test]
fn depth_has_a_limit() {
    for depth in [127, 128, 200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"\":", "}"), ("[{\"\":", "}]")] {
            let each = open.matches(['[', '{']).count();
            let times = depth / each;
            let text = [open.repeat(times).as_str(), "1", &close.repeat(times)].concat();
            assert_eq!(
                parse(text.as_bytes()),
                theirs(text.as_bytes()),
                "{depth} of {open}"
            );
        }
    }
}

#[test]
fn strings_of_every_length_end_where_they_end() {
    for length in 0..40 {
        for end in ["\"", "\n\"", "\\n\"", "\u{7f}\u{20}\u{ff}\""] {
            let text = ["\"", "x".repeat(length).as_str(), end].concat();
            assert_eq!(parse(text.as_bytes()), theirs(text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn half_letters_come_as_private_characters() {
    let read = |text: &str| parse_halves(text.as_bytes(), usize::MAX).unwrap();
    let text = |text: &str| Value::String(String::from(text));
    assert_eq!(read(r#""\ud83d""#), (text("\u{10f83d}"), true));
    assert_eq!(
        read(r#""\udc3e\ud83d\n""#),
        (text("\u{10fc3e}\u{10f83d}\n"), true)
    );
    assert_eq!(read(r#""\ud83d\udc3e""#), (text("\u{1f43e}"), false));
    assert_eq!(
        read(r#""\ud83d\ud83d\udc3e""#),
        (text("\u{10f83d}\u{1f43e}"), true)
    );
    assert_eq!(read(r#""\\ud83d""#), (text("\\ud83d"), false));
    for wrong in [r#""\ud83d\u12""#, r#""\ud83d"#, r#""\ud83d\x""#] {
        assert!(
            parse_halves(wrong.as_bytes(), usize::MAX).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn text_cut_off_within_a_letter_is_cut_off() {
    let text = "{\"a\": \"\u{1f43e}\"}".as_bytes();
    for end in 0..text.len() {
        assert!(parse(&text[..end]).unwrap_err().is_cut_off, "{end}");
    }
    assert!(!parse(b"[\"\xff").unwrap_err().is_cut_off);
}

proptest! {
    /// Every element and member is one; what is refused as JSON is not called too large.
    #[test]
    #[cfg(feature = "limits")]
    fn more_values_than_are_taken_are_refused(text in json(), most in 1usize..12) {
        fn count(value: &Value) -> usize {
            match value {
                Value::Array(elements) => elements.iter().map(|value| 1 + count(value)).sum(),
                Value::Object(members) => members.iter().map(|(_, value)| 1 + count(value)).sum(),
                _ => 0,
            }
        }
        let whole = parse(text.as_bytes()).unwrap();
        let within = parse_within(text.as_bytes(), most);
        if count(&whole) > most {
            prop_assert!(within.unwrap_err().is_too_large);
        } else {
            prop_assert_eq!(within, Ok(whole));
        }
        let open = ["[", &text].concat();
        prop_assert!(!parse_within(open.as_bytes(), most).unwrap_err().is_too_large);
    }
}

#[test]
fn with_no_room_the_kind_of_value_is_there() {
    assert!(is_object(b" {\"a\": [1, {}]} "));
    for other in ["[{}]", "{\"a\": }", "{} {}", "1", ""] {
        assert!(!is_object(other.as_bytes()), "{other}");
    }
}
