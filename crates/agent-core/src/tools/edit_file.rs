//! `edit_file`: one passage of a file, replaced.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::has;

use super::error::ToolError;
use super::passage::{holds, place};
use super::path::workspace_path;
use super::whole_file::{Progress, WholeFile, done};
use super::{Step, Task, Tool, Writes, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value, decimal};
use crate::operation::FileOperation;
use crate::schema::push_listed;
use crate::settings::Settings;
use crate::settings::limits::WHOLE;
use crate::template::fill;

/// Bytes of a file that can be edited: it is held in memory twice.
const MAX_FILE_BYTES: usize = 2 * 1024 * 1024;

/// Places told when the passage is not unique.
const MAX_PLACES: usize = 5;

pub(crate) const TOOL: Tool = Tool {
    name: "edit_file",
    description: "Replaces one passage of a text file. old_text must stand in the file exactly once, spaces and line ends included; add lines around it until it does.",
    parameters: r#"{"type":"object","properties":{"path":{"type":"string","description":"relative to the workspace"},"old_text":{"type":"string","description":"the passage as it stands in the file"},"new_text":{"type":"string","description":"what stands there afterwards"}},"required":["path","old_text","new_text"],"additionalProperties":false}"#,
    writes: Writes::Always,
    networked: false,
    start,
};

fn start(arguments: &Value, settings: &Settings) -> Result<Box<dyn Task>, ToolError> {
    let path = workspace_path(text_argument(arguments, "path"))?;
    let old = text_argument(arguments, "old_text");
    let new = text_argument(arguments, "new_text");
    if old.is_empty() {
        return Err(ToolError::invalid(
            "\"old_text\" is empty: give the passage to replace, or use write_file for a new file",
            &[],
        ));
    }
    if old == new {
        return Err(ToolError::invalid(
            "\"old_text\" and \"new_text\" are the same: nothing would change",
            &[],
        ));
    }
    Ok(Box::new(EditFile {
        file: WholeFile::new(path, settings.limits.of(WHOLE, MAX_FILE_BYTES)),
        old: old.to_string(),
        new: new.to_string(),
        line: None,
    }))
}

struct EditFile {
    file: WholeFile,
    old: String,
    new: String,
    /// The line of the change, once it is being written.
    line: Option<u64>,
}

impl Task for EditFile {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        let path = &self.file.path;
        if let Some(line) = self.line {
            let line = decimal(line);
            return Step::Done(done(path, answer).map(|()| {
                Object::new()
                    .text(
                        "message",
                        &fill("replaced 1 passage at line % of %", &[&line, path]),
                    )
                    .finish()
            }));
        }
        let text = match self.file.step(answer) {
            Progress::Operate(operation) => return Step::Operate(operation),
            Progress::Failed(error, _) => return Step::Done(Err(error)),
            Progress::Text(text) => text,
        };
        match self.replace(&text) {
            Err(error) => Step::Done(Err(error)),
            Ok((line, content)) => {
                self.line = Some(line);
                Step::Operate(Operation::File(FileOperation::Replace {
                    path: self.file.path.clone(),
                    content,
                }))
            }
        }
    }
}

impl EditFile {
    /// The line of the only match, and the file's new content.
    fn replace(&self, text: &str) -> Result<(u64, Vec<u8>), ToolError> {
        let mut places = Vec::new();
        let mut count = 0;
        let mut from = 0;
        while let Some(place) = place(text, &self.old, from) {
            // One more than is told.
            if count <= MAX_PLACES {
                places.push(place);
            }
            count += 1;
            from = place + 1;
        }
        let &[place] = &places[..] else {
            return Err(self.not_unique(text, &places, count));
        };
        let bytes = text.as_bytes();
        let (before, after) = (&bytes[..place], &bytes[place + self.old.len()..]);
        let new = [before, self.new.as_bytes(), after].concat();
        Ok((line_of(text, place), new))
    }

    fn not_unique(&self, text: &str, places: &[usize], count: usize) -> ToolError {
        let path = &self.file.path;
        if places.is_empty() {
            let hint = if holds(text, "\r\n")
                && has(self.old.as_bytes(), b'\n')
                && !has(self.old.as_bytes(), b'\r')
            {
                "the file's lines end in \\r\\n"
            } else {
                "read the file again and copy the passage exactly"
            };
            return ToolError::invalid(
                "\"old_text\" stands nowhere in % (0 matches): %",
                &[path, hint],
            );
        }
        let mut lines = String::new();
        for (index, place) in places.iter().enumerate() {
            if index == MAX_PLACES {
                push_listed(&mut lines, "...");
                break;
            }
            push_listed(&mut lines, &decimal(line_of(text, *place)));
        }
        let count = decimal(count as u64);
        ToolError::invalid(
            "\"old_text\" stands in % % times, at lines %: add lines around it until it is the only one",
            &[path, &count, &lines],
        )
    }
}

fn line_of(text: &str, place: usize) -> u64 {
    let mut line = 1;
    for byte in &text.as_bytes()[..place] {
        line += u64::from(*byte == b'\n');
    }
    line
}
