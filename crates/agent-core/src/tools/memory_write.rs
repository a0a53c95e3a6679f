//! `memory_write`: something to remember.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use dewclaw_platform::concat;

use super::error::ToolError;
use super::memory::{MEMORY_PATH, RECALLED_TAG};
use super::whole_file::done;
use super::{Step, Task, Tool, Writes, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Object, Value};
use crate::marked::has_tag;
use crate::operation::{FileAnswer, FileOperation};
use crate::settings::Settings;
use crate::template::fill;

pub(crate) const TOOL: Tool = Tool {
    name: "memory_write",
    description: "Remembers something for later runs, as Markdown: added at the end of memory, or in place of all of it. One paragraph for each thing.",
    parameters: r#"{"type":"object","properties":{"content":{"type":"string"},"mode":{"type":"string","enum":["append","overwrite"],"description":"append unless said otherwise"}},"required":["content"],"additionalProperties":false}"#,
    writes: Writes::Always,
    networked: false,
    start,
};

fn start(arguments: &Value, _: &Settings) -> Result<Box<dyn Task>, ToolError> {
    let content = text_argument(arguments, "content").trim_ascii_end();
    let overwrite = text_argument(arguments, "mode") == "overwrite";
    if has_tag(RECALLED_TAG, content) {
        return Err(ToolError::invalid(
            "the content holds a <%> block, which came from memory: write only what is new",
            &[RECALLED_TAG],
        ));
    }
    if content.is_empty() && !overwrite {
        return Err(ToolError::invalid(
            "\"content\" is empty: there is nothing to remember",
            &[],
        ));
    }
    Ok(Box::new(MemoryWrite {
        // A blank line ends each paragraph, so that the next one stands alone.
        content: fill("%\n\n", &[content]),
        overwrite,
        step: Next::Look,
    }))
}

struct MemoryWrite {
    content: String,
    overwrite: bool,
    step: Next,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    /// Find out whether there is memory already, if it is added to.
    Look,
    /// See how it ends: a person may have left no blank line there.
    End,
    /// Write.
    Write,
    /// Nothing.
    Done,
}

impl Task for MemoryWrite {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        let path = MEMORY_PATH.to_string();
        let operation = match (self.step, answer) {
            (Next::Look, _) if !self.overwrite => {
                self.step = Next::End;
                FileOperation::Stat { path }
            }
            (Next::End, Some(OperationAnswer::File(FileAnswer::Stat(stat)))) if stat.size > 0 => {
                self.step = Next::Write;
                FileOperation::Read {
                    path,
                    offset: stat.size.saturating_sub(2),
                    length: 2,
                }
            }
            (Next::Write, Some(OperationAnswer::File(FileAnswer::Bytes(end)))) => {
                let ends = end.bytes.iter().rev().take_while(|byte| **byte == b'\n');
                let gap = ["\n\n", "\n", ""][ends.count().min(2)];
                self.step = Next::Done;
                FileOperation::Append {
                    path,
                    content: concat(&[gap, &self.content]).into_bytes(),
                }
            }
            (Next::Done, answer) => return Step::Done(done(&path, answer).map(|()| self.result())),
            // There is no memory yet, or it can't be read: then writing says why.
            (Next::Look, _)
            | (Next::End, Some(OperationAnswer::File(FileAnswer::Stat(_))))
            | (_, Some(OperationAnswer::File(FileAnswer::Failed(_)))) => {
                self.step = Next::Done;
                let content = core::mem::take(&mut self.content).into_bytes();
                if self.overwrite {
                    FileOperation::Replace { path, content }
                } else {
                    FileOperation::Append { path, content }
                }
            }
            // An answer of another kind: this says so.
            (_, answer) => return Step::Done(done(&path, answer).map(|()| self.result())),
        };
        Step::Operate(Operation::File(operation))
    }
}

impl MemoryWrite {
    fn result(&self) -> Vec<u8> {
        let message = if self.overwrite {
            "memory was overwritten"
        } else {
            "added to memory"
        };
        Object::new()
            .text("message", message)
            .text("path", MEMORY_PATH)
            .finish()
    }
}
