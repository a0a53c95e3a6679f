//! Events and outcomes as JSON lines: what `--json` prints, to the byte as the component prints it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use serde_json::value::RawValue;

use super::wit;
use crate::component::bindings::exports::dewclaw::agent::command_line::Stop;

/// An event's line.
pub(super) fn event(event: &wit::Event) -> Vec<u8> {
    let result;
    line(&match event {
        wit::Event::Text(text) => Line::Text { text },
        wit::Event::Reasoning(text) => Line::Reasoning { text },
        wit::Event::ReplyDiscarded(reason) => Line::ReplyDiscarded { reason },
        wit::Event::ToolStarted(call) => Line::ToolStarted {
            call: &call.id,
            name: &call.name,
            arguments: &call.arguments,
        },
        wit::Event::ToolFinished(finished) => {
            result = RawValue::from_string(finished.result.clone()).unwrap_or_default();
            Line::ToolFinished {
                call: &finished.call,
                name: &finished.name,
                ok: finished.ok,
                result: &result,
            }
        }
        wit::Event::Retry(retry) => Line::Retry {
            attempt: retry.attempt,
            wait_ms: retry.wait_ms,
            cause: &retry.cause,
        },
        wit::Event::Usage(usage) => Line::Usage(Usage::from(usage)),
        wit::Event::Notice(text) => Line::Notice { text },
    })
}

/// The line of a run's end.
pub(super) fn outcome(outcome: &wit::Outcome) -> Vec<u8> {
    let error = outcome.failure.as_ref();
    line(&Line::Finished {
        reason: &outcome.reason,
        exit_code: outcome.exit_code,
        text: &outcome.text,
        usage: Some(Usage::from(&outcome.usage)),
        error: error.map(|(kind, message)| Failure { kind, message }),
    })
}

/// The line of a run that never began.
pub(super) fn stop(stop: &Stop) -> Vec<u8> {
    line(&Line::Finished {
        reason: "failed",
        exit_code: stop.code,
        text: "",
        usage: None,
        error: Some(Failure {
            kind: "usage",
            message: &stop.message,
        }),
    })
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'l> {
    Text {
        text: &'l str,
    },
    Reasoning {
        text: &'l str,
    },
    ReplyDiscarded {
        reason: &'l str,
    },
    ToolStarted {
        call: &'l str,
        name: &'l str,
        arguments: &'l str,
    },
    ToolFinished {
        call: &'l str,
        name: &'l str,
        ok: bool,
        result: &'l RawValue,
    },
    Retry {
        attempt: u32,
        wait_ms: u64,
        cause: &'l str,
    },
    Usage(Usage),
    Notice {
        text: &'l str,
    },
    Finished {
        reason: &'l str,
        exit_code: u8,
        text: &'l str,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Failure<'l>>,
    },
}

#[derive(Serialize)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
}

#[derive(Serialize)]
struct Failure<'l> {
    kind: &'l str,
    message: &'l str,
}

impl From<&wit::Usage> for Usage {
    fn from(usage: &wit::Usage) -> Usage {
        Usage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cached_tokens: usage.cached_tokens,
        }
    }
}

fn line(value: &Line<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, ComponentsEscapes);
    // Numbers and text into memory: nothing in there can fail.
    let _ = value.serialize(&mut serializer);
    bytes.push(b'\n');
    bytes
}

/// Backspace and form feed have no short form, as in the component.
struct ComponentsEscapes;

impl Formatter for ComponentsEscapes {
    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(shown: wit::Event) -> String {
        String::from_utf8(event(&shown)).unwrap()
    }

    #[test]
    fn members_stand_in_the_documented_order() {
        let usage = wit::Usage {
            input_tokens: 3,
            output_tokens: 2,
            cached_tokens: 1,
        };
        let call = wit::ToolCall {
            id: "c".into(),
            name: "n".into(),
            arguments: "{\"a\": 1}".into(),
        };
        let finished = wit::ToolFinished {
            call: "c".into(),
            name: "n".into(),
            ok: false,
            result: "{\"b\":  [1e400, 2]}".into(),
        };
        let retry = wit::Retry {
            attempt: 1,
            wait_ms: 500,
            cause: "why".into(),
        };
        for (event, wanted) in [
            (
                wit::Event::Text("t".into()),
                r#"{"type":"text","text":"t"}"#,
            ),
            (
                wit::Event::Reasoning("t".into()),
                r#"{"type":"reasoning","text":"t"}"#,
            ),
            (
                wit::Event::ReplyDiscarded("r".into()),
                r#"{"type":"reply-discarded","reason":"r"}"#,
            ),
            (
                wit::Event::ToolStarted(call),
                r#"{"type":"tool-started","call":"c","name":"n","arguments":"{\"a\": 1}"}"#,
            ),
            (
                wit::Event::ToolFinished(finished),
                r#"{"type":"tool-finished","call":"c","name":"n","ok":false,"result":{"b":  [1e400, 2]}}"#,
            ),
            (
                wit::Event::Retry(retry),
                r#"{"type":"retry","attempt":1,"wait_ms":500,"cause":"why"}"#,
            ),
            (
                wit::Event::Usage(usage),
                r#"{"type":"usage","input_tokens":3,"output_tokens":2,"cached_tokens":1}"#,
            ),
            (
                wit::Event::Notice("n".into()),
                r#"{"type":"notice","text":"n"}"#,
            ),
        ] {
            assert_eq!(shown(event), format!("{wanted}\n"));
        }
        let end = wit::Outcome {
            reason: "failed".into(),
            exit_code: 3,
            text: "t".into(),
            usage,
            failure: Some(("network".into(), "m".into())),
        };
        assert_eq!(
            String::from_utf8(outcome(&end)).unwrap(),
            concat!(
                r#"{"type":"finished","reason":"failed","exit_code":3,"text":"t","usage":{"input_tokens":3,"#,
                r#""output_tokens":2,"cached_tokens":1},"error":{"kind":"network","message":"m"}}"#,
                "\n"
            )
        );
        let end = Stop {
            code: 2,
            message: "m".into(),
        };
        assert_eq!(
            String::from_utf8(stop(&end)).unwrap(),
            concat!(
                r#"{"type":"finished","reason":"failed","exit_code":2,"text":"","#,
                r#""error":{"kind":"usage","message":"m"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn control_characters_have_the_components_escapes() {
        let text: String = (0..0x20)
            .chain([0x22, 0x2f, 0x5c, 0x7f, 0xe9])
            .map(char::from)
            .collect();
        assert_eq!(
            shown(wit::Event::Text(text)),
            concat!(
                r#"{"type":"text","text":"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\t\n\u000b\u000c\r"#,
                r"\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f",
                "\\\"/\\\\\u{7f}\u{e9}\"}\n"
            )
        );
    }
}
