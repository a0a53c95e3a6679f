//! The lines of a log, as `tests/conversations/README.md` has them.

use crate::session::wit;
use std::fmt::{Display, Write};

/// A text as it stands in a log.
pub(super) struct Text<'t>(pub(super) &'t str);

impl Display for Text<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_char('"')?;
        for letter in self.0.chars() {
            match letter {
                '\\' | '"' => write!(formatter, "\\{letter}")?,
                '\0'..' ' | '\x7f' => write!(formatter, "\\u{:04x}", u32::from(letter))?,
                _ => formatter.write_char(letter)?,
            }
        }
        formatter.write_char('"')
    }
}

/// The lines of an effect. `body` reads what a model call sends.
pub(super) fn lines(effect: &wit::Effect, body: impl FnOnce() -> Vec<u8>) -> String {
    use wit::Effect;
    match effect {
        Effect::Show(event) => format!("show {}\n", shown(event)),
        Effect::CallModel(call) => {
            let scheme = match &call.auth.scheme {
                wit::AuthScheme::Bearer => "bearer".to_owned(),
                wit::AuthScheme::Header(name) => format!("header:{name}"),
            };
            let head = format!(
                "call-model {} {} {} {scheme} {} {} {} {}\n",
                call.id,
                Text(&call.url),
                call.auth.slot,
                call.content_length,
                call.timeouts.connect_ms,
                call.timeouts.first_byte_ms,
                call.timeouts.between_bytes_ms,
            );
            head + &message(&call.headers, &body())
        }
        Effect::DropReply(id) => format!("drop-reply {id}\n"),
        Effect::Operate((id, operation)) => format!("operate {id} {}", operated(operation)),
        Effect::DropOperation(id) => format!("drop-operation {id}\n"),
        Effect::RunTool(call) => format!("run-tool {}\n", called(call)),
        Effect::Approve(call) => format!("approve {}\n", called(call)),
        Effect::Wait(until) => format!("wait {until}\n"),
        Effect::Pending => "pending\n".to_owned(),
        Effect::Finished(outcome) => {
            let failure = outcome.failure.as_ref();
            let failure = failure.map_or_else(String::new, |(class, message)| {
                format!(" failure {class} {}", Text(message))
            });
            format!(
                "finished {} {} {} {}{failure}\n",
                outcome.reason,
                outcome.exit_code,
                Text(&outcome.text),
                used(&outcome.usage),
            )
        }
    }
}

fn shown(event: &wit::Event) -> String {
    use wit::Event;
    match event {
        Event::Text(text) => format!("text {}", Text(text)),
        Event::Reasoning(text) => format!("reasoning {}", Text(text)),
        Event::ReplyDiscarded(why) => format!("reply-discarded {}", Text(why)),
        Event::ToolStarted(call) => format!("tool-started {}", called(call)),
        Event::ToolFinished(over) => format!(
            "tool-finished {} {} {} {}",
            Text(&over.call),
            Text(&over.name),
            over.ok,
            Text(&over.result),
        ),
        Event::Retry(retry) => format!(
            "retry {} {} {}",
            retry.attempt,
            retry.wait_ms,
            Text(&retry.cause)
        ),
        Event::Usage(usage) => format!("usage {}", used(usage)),
        Event::Notice(text) => format!("notice {}", Text(text)),
    }
}

fn operated(operation: &wit::Operation) -> String {
    use wit::FileOperation;
    match operation {
        wit::Operation::File(FileOperation::Read(read)) => {
            format!(
                "read {} {} {}\n",
                Text(&read.path),
                read.offset,
                read.length
            )
        }
        wit::Operation::File(FileOperation::Replace(file)) => {
            format!("replace {}\n", content(file))
        }
        wit::Operation::File(FileOperation::Append(file)) => format!("append {}\n", content(file)),
        wit::Operation::File(FileOperation::ListFolder(list)) => {
            format!("list-folder {} {}\n", Text(&list.path), list.limit)
        }
        wit::Operation::File(FileOperation::Stat(path)) => format!("stat {}\n", Text(path)),
        wit::Operation::Http(http) => {
            let head = format!(
                "http {} {} {} {}\n",
                http.method,
                Text(&http.url),
                http.max_bytes,
                http.total_ms
            );
            head + &message(&http.headers, &http.body)
        }
    }
}

/// Headers and a body.
fn message(headers: &[(String, String)], body: &[u8]) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        lines += &format!("header {} {}\n", Text(name), Text(value));
    }
    lines + &format!("body {}\n", Text(&text(body)))
}

fn content(file: &wit::FileContent) -> String {
    format!("{} {}", Text(&file.path), Text(&text(&file.content)))
}

fn called(call: &wit::ToolCall) -> String {
    let (id, name, arguments) = (Text(&call.id), Text(&call.name), Text(&call.arguments));
    format!("{id} {name} {arguments}")
}

fn used(usage: &wit::Usage) -> String {
    format!(
        "{} {} {}",
        usage.input_tokens, usage.output_tokens, usage.cached_tokens
    )
}

/// What a session sends and writes is text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
