//! `write_file`: a file's whole content.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::error::ToolError;
use super::path::workspace_path;
use super::whole_file::done;
use super::{Step, Task, Tool, Writes, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value, decimal};
use crate::operation::FileOperation;
use crate::settings::Settings;
use crate::template::fill;

pub(crate) const TOOL: Tool = Tool {
    name: "write_file",
    description: "Writes a text file of the workspace, whole: makes it, or replaces what it held. Missing folders are made. To change part of a file use edit_file.",
    parameters: r#"{"type":"object","properties":{"path":{"type":"string","description":"relative to the workspace"},"content":{"type":"string"}},"required":["path","content"],"additionalProperties":false}"#,
    writes: Writes::Always,
    networked: false,
    start,
};

fn start(arguments: &Value, _: &Settings) -> Result<Box<dyn Task>, ToolError> {
    let content = text_argument(arguments, "content").as_bytes().to_vec();
    Ok(Box::new(WriteFile {
        path: workspace_path(text_argument(arguments, "path"))?,
        bytes: content.len(),
        content: Some(content),
    }))
}

struct WriteFile {
    path: String,
    bytes: usize,
    content: Option<Vec<u8>>,
}

impl Task for WriteFile {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        if let Some(content) = self.content.take() {
            return Step::Operate(Operation::File(FileOperation::Replace {
                path: self.path.clone(),
                content,
            }));
        }
        Step::Done(done(&self.path, answer).map(|()| {
            let bytes = decimal(self.bytes as u64);
            Object::new()
                .text(
                    "message",
                    &fill("wrote % bytes to %", &[&bytes, &self.path]),
                )
                .number("bytes", self.bytes as u64)
                .finish()
        }))
    }
}
