//! `list_directory`: what stands in a folder.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use dewclaw_platform::{EntryKind, Listing};

use super::error::{ErrorKind, ToolError};
use super::path::{is_state_folder, workspace_path};
use super::whole_file::WRONG_ANSWER;
use super::{Step, Task, Tool, Writes, text_argument};
use crate::effect::{Operation, OperationAnswer};
use crate::json::{Array, Object, Value, decimal};
use crate::operation::{FileAnswer, FileOperation};
use crate::settings::limits::{ENTRIES, TEXT};
use crate::settings::{Limits, Settings};
use crate::template::fill;

/// Entries told at once: they fit in one result at ordinary name lengths.
const MAX_ENTRIES: usize = 500;

pub(crate) const TOOL: Tool = Tool {
    name: "list_directory",
    description: "Lists a folder of the workspace, by name: whether each entry is a folder, and a file's size in bytes. The workspace itself is \".\".",
    parameters: r#"{"type":"object","properties":{"path":{"type":"string","description":"relative to the workspace"}},"required":["path"],"additionalProperties":false}"#,
    writes: Writes::Never,
    networked: false,
    start,
};

fn start(arguments: &Value, settings: &Settings) -> Result<Box<dyn Task>, ToolError> {
    Ok(Box::new(ListDirectory {
        path: workspace_path(text_argument(arguments, "path"))?,
        limits: settings.limits,
    }))
}

struct ListDirectory {
    path: String,
    limits: Limits,
}

impl Task for ListDirectory {
    fn step(&mut self, answer: Option<OperationAnswer>) -> Step {
        match answer {
            None => Step::Operate(Operation::File(FileOperation::List {
                path: self.path.clone(),
                // One more, since the state folder is not shown.
                limit: self.limits.of(ENTRIES, MAX_ENTRIES) + 1,
            })),
            Some(OperationAnswer::File(FileAnswer::Listing(listing))) => {
                Step::Done(Ok(self.result(listing)))
            }
            Some(OperationAnswer::File(FileAnswer::Failed(error))) => {
                Step::Done(Err(ToolError::file(&self.path, error)))
            }
            Some(_) => Step::Done(Err(ToolError::new(
                ErrorKind::Internal,
                "%",
                &[WRONG_ANSWER],
            ))),
        }
    }
}

impl ListDirectory {
    fn result(&self, mut listing: Listing) -> Vec<u8> {
        let before = listing.entries.len();
        if self.path.is_empty() {
            listing
                .entries
                .retain(|entry| !is_state_folder(entry.name.as_bytes()));
        }
        let total = listing.total - (before - listing.entries.len()) as u64;
        listing
            .entries
            .truncate(self.limits.of(ENTRIES, MAX_ENTRIES));
        let most = self.limits.of(TEXT, usize::MAX);
        let mut entries = Array::new();
        let (mut shown, mut bytes) = (0, 0);
        for entry in &listing.entries {
            let mut object = Object::new();
            object
                .text("name", &entry.name)
                .boolean("is_dir", entry.kind == EntryKind::Folder)
                .number("size", entry.size);
            if entry.kind == EntryKind::Link {
                object.boolean("is_link", true);
            }
            let object = object.finish();
            bytes += object.len() + 1;
            if bytes > most {
                break;
            }
            entries.raw(&object);
            shown += 1;
        }
        let mut result = Object::new();
        result.raw("entries", &entries.finish());
        if total > shown {
            let hint = fill(
                "the first % of % entries by name; names that are not UTF-8 are never shown",
                &[&decimal(shown), &decimal(total)],
            );
            result.boolean("truncated", true).text("hint", &hint);
        }
        result.finish()
    }
}
