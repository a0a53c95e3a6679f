//! What a plugin says that it is: the JSON of its `describe`, read and checked.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Tools that a plugin may have: a model is shown all of them in every request.
pub const MAX_TOOLS: usize = 64;
/// Bytes of a tool's name: with the plugin's and a dot it stays within what models' servers take.
pub const MAX_TOOL_NAME: usize = 64;
/// Bytes of one tool's description, and of its schema: a model reads both in every request.
pub const MAX_TOOL_TEXT: usize = 16_384;
/// Bytes of the whole.
pub const MAX_DESCRIPTION: usize = 1 << 20;

/// A plugin's name, version and tools, as it gave them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Description {
    /// Its own name for itself. The operator's is the one that counts: the manifest's, or the file's.
    pub name: String,
    /// Its version, in its own scheme.
    #[serde(default)]
    pub version: String,
    /// Its tools, by different names.
    pub tools: Vec<ToolDescription>,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ToolDescription {
    /// 1 to 64 of a-z, A-Z, 0-9, `-` and `_`.
    pub name: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of its parameters, which are an object.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// Why a description was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// It is longer than is read.
    #[error("describe gave {bytes} bytes, at most {MAX_DESCRIPTION} are read")]
    TooLong {
        /// Bytes that it gave.
        bytes: usize,
    },
    /// It is no such JSON.
    #[error(
        "describe did not give JSON with name and tools, each with name, description and parameters: {reason}"
    )]
    Malformed {
        /// What is wrong, and where.
        reason: String,
    },
    /// It has more tools than a model is shown.
    #[error("describe names {count} tools, at most {MAX_TOOLS} are taken")]
    TooManyTools {
        /// Tools that it names.
        count: usize,
    },
    /// A tool's name is none.
    #[error(
        "describe names a tool {name:?}: 1 to {MAX_TOOL_NAME} of the characters a-z, A-Z, 0-9, - and _ are a name"
    )]
    ToolName {
        /// The name, shortened.
        name: String,
    },
    /// Two tools have one name.
    #[error("describe names the tool {name} twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A tool's description or schema is longer than a model is given.
    #[error("the {what} of tool {name} has {bytes} bytes, at most {MAX_TOOL_TEXT} are taken")]
    TooMuchText {
        /// The tool.
        name: String,
        /// `description` or `parameters`.
        what: &'static str,
        /// Bytes that it has.
        bytes: usize,
    },
}

impl Description {
    /// Reads what `describe` gave.
    ///
    /// # Errors
    /// It is no such JSON, or goes over a limit.
    pub fn read(text: &str) -> Result<Description, DescriptionError> {
        if text.len() > MAX_DESCRIPTION {
            return Err(DescriptionError::TooLong { bytes: text.len() });
        }
        let read: Description =
            serde_json::from_str(text).map_err(|error| DescriptionError::Malformed {
                reason: error.to_string().escape_debug().take(300).collect(),
            })?;
        if read.tools.len() > MAX_TOOLS {
            return Err(DescriptionError::TooManyTools {
                count: read.tools.len(),
            });
        }
        for (at, tool) in read.tools.iter().enumerate() {
            tool.check()?;
            if read.tools[..at].iter().any(|other| other.name == tool.name) {
                return Err(DescriptionError::Twice {
                    name: tool.name.clone(),
                });
            }
        }
        Ok(read)
    }
}

impl ToolDescription {
    fn check(&self) -> Result<(), DescriptionError> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !(1..=MAX_TOOL_NAME).contains(&self.name.len()) || !self.name.chars().all(allowed) {
            return Err(DescriptionError::ToolName {
                name: self.name.chars().take(100).collect(),
            });
        }
        let schema = serde_json::to_string(&self.parameters).map_or(0, |text| text.len());
        for (what, bytes) in [
            ("description", self.description.len()),
            ("parameters", schema),
        ] {
            if bytes > MAX_TOOL_TEXT {
                return Err(DescriptionError::TooMuchText {
                    name: self.name.clone(),
                    what,
                    bytes,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        Description::read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_description_is_read() {
        let read = Description::read(
            r#"{"name":"units","version":"1.2","tools":[{"name":"convert","description":"Converts.",
               "parameters":{"type":"object"}},{"name":"list"}],"homepage":"ignored"}"#,
        )
        .unwrap();
        assert_eq!(
            (read.name.as_str(), read.version.as_str()),
            ("units", "1.2")
        );
        assert_eq!(read.tools[0].parameters["type"], "object");
        assert_eq!(read.tools[1].description, "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refusal("{").contains("EOF"), "{}", refusal("{"));
        assert!(refusal(r#"{"name":"a"}"#).contains("missing field `tools`"));
        assert!(
            refusal(r#"{"name":"a","tools":[{"name":"x","parameters":[]}]}"#)
                .contains("expected a map")
        );
        assert!(
            refusal(r#"{"name":"a","tools":[{"name":"x"},{"name":"x"}]}"#).ends_with("x twice")
        );
        assert!(refusal(r#"{"name":"a","tools":[{"name":"x.y"}]}"#).contains("\"x.y\""));
        assert!(refusal(r#"{"name":"a","tools":[{"name":""}]}"#).contains("\"\""));
        let many = format!(
            r#"{{"name":"a","tools":[{}]}}"#,
            (0..65)
                .map(|number| format!(r#"{{"name":"t{number}"}}"#))
                .collect::<Vec<_>>()
                .join(",")
        );
        assert!(refusal(&many).contains("65 tools"));
        let long = format!(
            r#"{{"name":"a","tools":[{{"name":"x","description":"{}"}}]}}"#,
            "d".repeat(16_385)
        );
        assert!(refusal(&long).contains("description of tool x has 16385 bytes"));
        // Deeper than any schema, and longer than any list of tools.
        let deep = format!(
            r#"{{"name":"a","tools":[{{"name":"x","parameters":{}1{}}}]}}"#,
            r#"{"a":"#.repeat(5_000),
            "}".repeat(5_000)
        );
        assert!(
            refusal(&deep).contains("recursion limit"),
            "{}",
            refusal(&deep)
        );
        assert!(refusal(&" ".repeat(1_100_000)).contains("1100000 bytes"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_survived(text in "\\PC*|\\{\"name\":\"[a-z.]{0,3}\",\"tools\":\\[\\{\"name\":\"\\PC{0,3}\"\\}\\]\\}") {
            if let Ok(read) = Description::read(&text) {
                prop_assert!(read.tools.iter().all(|tool| !tool.name.is_empty()));
            }
        }
    }
}
