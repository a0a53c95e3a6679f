//! `memory_write`: something to remember.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use super::error::ToolError;
use super::memory::{MEMORY_PATH, RECALLED_TAG};
use super::passage::holds;
use super::whole_file::done;
use super::{Step, Task, Tool, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value};
use crate::operation::FileOperation;

pub(crate) const TOOL: Tool = Tool {
    name: "memory_write",
    description: "Remembers something for later runs, as Markdown: added at the end of memory, or in place of all of it. One paragraph for each thing.",
    parameters: r#"{"type":"object","properties":{"content":{"type":"string"},"mode":{"type":"string","enum":["append","overwrite"],"description":"append unless said otherwise"}},"required":["content"],"additionalProperties":false}"#,
    start,
};

fn start(arguments: &Value) -> Result<Box<dyn Task>, ToolError> {
    let content = text_argument(arguments, "content").trim_end();
    let overwrite = text_argument(arguments, "mode") == "overwrite";
    let tagged = |before: &str| holds(content, &[before, RECALLED_TAG].concat());
    if tagged("<") || tagged("</") {
        return Err(ToolError::invalid(
            [
                "the content holds a <",
                RECALLED_TAG,
                "> block, which came from memory: write only what is new",
            ]
            .concat(),
        ));
    }
    if content.is_empty() && !overwrite {
        return Err(ToolError::invalid(
            "\"content\" is empty: there is nothing to remember".to_string(),
        ));
    }
    Ok(Box::new(MemoryWrite {
        // A blank line ends each paragraph, so that the next one stands alone.
        content: Some([content, "\n\n"].concat()),
        overwrite,
    }))
}

struct MemoryWrite {
    content: Option<String>,
    overwrite: bool,
}

impl Task for MemoryWrite {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        let path = MEMORY_PATH.to_string();
        if let Some(content) = self.content.take() {
            let content = content.into_bytes();
            return Step::Operate(Operation::File(if self.overwrite {
                FileOperation::Replace { path, content }
            } else {
                FileOperation::Append { path, content }
            }));
        }
        Step::Done(done(&path, answer).map(|()| {
            let message = if self.overwrite {
                "memory was overwritten"
            } else {
                "added to memory"
            };
            Object::new()
                .text("message", message)
                .text("path", MEMORY_PATH)
                .finish()
        }))
    }
}
